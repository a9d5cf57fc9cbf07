package db

import (
	"context"
	"fmt"
	"slices"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"tiktok/pkg/outbox"
	"tiktok/pkg/sqldb"
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

// Follow stores f, counts it and tells others. When the pair is there already nothing changes, nobody is told, and changed is false.
//
// Every write locks its pair first and the two counter rows last, those in the order of user ids: writers that meet wait
// for each other in a line, not in a circle, and the row of a famous user is locked for the shortest time.
func (s *Store) Follow(ctx context.Context, f Follow, tell ...outbox.Message) (changed bool, err error) {
	err = s.Tx(ctx, func(tx *gorm.DB) error {
		changed = false // the transaction may be tried again
		res := tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&f)
		if res.Error != nil || res.RowsAffected == 0 {
			return res.Error
		}
		changed = true
		if err := outbox.Add(tx, tell...); err != nil {
			return err
		}
		return s.count(tx, f.UserID, f.ToUserID, 1)
	})
	if err != nil {
		return false, fmt.Errorf("follow: %w", err)
	}
	return changed, nil
}

// Unfollow deletes a pair, counts it and tells others. When there is no such pair nothing changes, nobody is told, and changed is
// false.
func (s *Store) Unfollow(ctx context.Context, userID, toUserID int64, tell ...outbox.Message) (changed bool, err error) {
	err = s.Tx(ctx, func(tx *gorm.DB) error {
		changed = false
		res := tx.Exec(s.unfollowSQL(), userID, toUserID)
		if res.Error != nil || res.RowsAffected == 0 {
			return res.Error
		}
		changed = true
		if err := outbox.Add(tx, tell...); err != nil {
			return err
		}
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
	if s.IsSQLite() {
		return `DELETE FROM follows WHERE user_id = ? AND to_user_id = ?`
	}
	return `DELETE f FROM follows f FORCE INDEX (PRIMARY) WHERE f.user_id = ? AND f.to_user_id = ?`
}

// count adds n to the follower's follow_count and to the followed one's follower_count, in one statement that locks the
// rows in the order of user ids.
func (s *Store) count(tx *gorm.DB, userID, toUserID, n int64) error {
	rows := []Stats{{UserID: userID, FollowCount: n}, {UserID: toUserID, FollowerCount: n}}
	if toUserID < userID {
		slices.Reverse(rows)
	}
	return tx.Clauses(sqldb.Upsert(s.Adding("follow_count", "follower_count"), "user_id")).Create(&rows).Error
}
