package db

import (
	"context"
	"fmt"

	"tiktok/pkg/sqldb"
)

// Stats are a user's counters.
type Stats struct {
	UserID        int64 `gorm:"column:user_id;primaryKey;autoIncrement:false" json:"-"`
	FollowCount   int64 `gorm:"column:follow_count" json:"f"`
	FollowerCount int64 `gorm:"column:follower_count" json:"r"`
}

// TableName is social_stats.
func (Stats) TableName() string { return "social_stats" }

// MGetStats reads the counters of these users, in one statement; a user to whom nothing happened yet is absent.
func (s *Store) MGetStats(ctx context.Context, userIDs []int64) (map[int64]Stats, error) {
	if len(userIDs) == 0 {
		return map[int64]Stats{}, nil
	}
	rows := make([]Stats, 0, len(userIDs))
	err := s.db.Read.WithContext(ctx).Select("user_id", "follow_count", "follower_count").
		Where("user_id IN ?", userIDs).Find(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("read stats of %d users: %w", len(userIDs), sqldb.Translate(err))
	}
	stats := make(map[int64]Stats, len(rows))
	for _, r := range rows {
		stats[r.UserID] = r
	}
	return stats, nil
}

// Following tells which of toUserIDs userID follows, in one statement.
func (s *Store) Following(ctx context.Context, userID int64, toUserIDs []int64) (map[int64]bool, error) {
	if len(toUserIDs) == 0 {
		return map[int64]bool{}, nil
	}
	var ids []int64
	err := s.db.Read.WithContext(ctx).Model(&Follow{}).
		Where("user_id = ? AND to_user_id IN ?", userID, toUserIDs).Pluck("to_user_id", &ids).Error
	if err != nil {
		return nil, fmt.Errorf("read %d follows: %w", len(toUserIDs), sqldb.Translate(err))
	}
	following := make(map[int64]bool, len(ids))
	for _, id := range ids {
		following[id] = true
	}
	return following, nil
}
