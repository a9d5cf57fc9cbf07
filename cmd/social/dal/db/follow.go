package db

import (
	"context"
	"fmt"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// Follow is one user following another: the pair is the key. ID is unique and grows with time; it orders the lists.
type Follow struct {
	UserID      int64 `gorm:"column:user_id;primaryKey;autoIncrement:false"`
	ToUserID    int64 `gorm:"column:to_user_id;primaryKey;autoIncrement:false"`
	ID          int64 `gorm:"column:id"`
	CreatedAtMs int64 `gorm:"column:created_at_ms"`
}

// TableName is follows.
func (Follow) TableName() string { return "follows" }

// Follow stores f and counts it. When the pair is there already nothing changes, and changed is false.
//
// Every write locks its pair first and the two counter rows last, those in the order of user ids: writers that meet wait
// for each other in a line, not in a circle, and the row of a famous user is locked for the shortest time.
func (s *Store) Follow(ctx context.Context, f Follow) (changed bool, err error) {
	err = s.db.Tx(ctx, func(tx *gorm.DB) error {
		changed = false // the transaction may be tried again
		res := tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&f)
		if res.Error != nil || res.RowsAffected == 0 {
			return res.Error
		}
		changed = true
		return s.count(tx, f.UserID, f.ToUserID, 1)
	})
	if err != nil {
		return false, fmt.Errorf("follow: %w", err)
	}
	return changed, nil
}

// Unfollow deletes a pair and counts it. When there is no such pair nothing changes, and changed is false.
func (s *Store) Unfollow(ctx context.Context, userID, toUserID int64) (changed bool, err error) {
	err = s.db.Tx(ctx, func(tx *gorm.DB) error {
		changed = false
		res := tx.Exec(s.unfollowSQL(), userID, toUserID)
		if res.Error != nil || res.RowsAffected == 0 {
			return res.Error
		}
		changed = true
		return s.count(tx, userID, toUserID, -1)
	})
	if err != nil {
		return false, fmt.Errorf("unfollow: %w", err)
	}
	return changed, nil
}

// unfollowSQL makes MySQL find the row by the primary key: with few rows it may choose the index of a list instead, and
// two that delete the same pair would lock its entries in opposite order.
func (s *Store) unfollowSQL() string {
	if s.sqlite() {
		return `DELETE FROM follows WHERE user_id = ? AND to_user_id = ?`
	}
	return `DELETE f FROM follows f FORCE INDEX (PRIMARY) WHERE f.user_id = ? AND f.to_user_id = ?`
}

// count adds n to the follower's follow_count and to the followed one's follower_count, in one statement that locks the
// rows in the order of user ids.
func (s *Store) count(tx *gorm.DB, userID, toUserID int64, n int) error {
	add := `INSERT INTO social_stats (user_id, follow_count, follower_count) VALUES (?, ?, ?), (?, ?, ?)
		ON DUPLICATE KEY UPDATE follow_count = follow_count + VALUES(follow_count),
		follower_count = follower_count + VALUES(follower_count)`
	if s.sqlite() {
		add = `INSERT INTO social_stats (user_id, follow_count, follower_count) VALUES (?, ?, ?), (?, ?, ?)
		ON CONFLICT (user_id) DO UPDATE SET follow_count = follow_count + excluded.follow_count,
		follower_count = follower_count + excluded.follower_count`
	}
	if userID < toUserID {
		return tx.Exec(add, userID, n, 0, toUserID, 0, n).Error
	}
	return tx.Exec(add, toUserID, 0, n, userID, n, 0).Error
}
