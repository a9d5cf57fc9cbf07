package db

import (
	"context"
	"fmt"
	"slices"

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

const statsSQL = "SELECT user_id, follow_count, follower_count FROM social_stats WHERE user_id IN ?"

// MGetStats reads the counters of these users, in one statement; a user to whom nothing happened yet is absent.
func (s *Store) MGetStats(ctx context.Context, userIDs []int64) (map[int64]Stats, error) {
	if len(userIDs) == 0 {
		return map[int64]Stats{}, nil
	}
	stats := make(map[int64]Stats, len(userIDs))
	err := sqldb.Each(s.db.Read.WithContext(ctx).Raw(statsSQL, userIDs), func(r *Stats) []any {
		return []any{&r.UserID, &r.FollowCount, &r.FollowerCount}
	}, func(r Stats) { stats[r.UserID] = r })
	if err != nil {
		return nil, fmt.Errorf("read stats of %d users: %w", len(userIDs), sqldb.Translate(err))
	}
	return stats, nil
}

// Look is the users whom one viewer looks at.
type Look struct {
	ViewerID int64
	UserIDs  []int64
}

const (
	followingSQLite = "SELECT user_id, to_user_id FROM follows WHERE user_id = ? AND to_user_id IN ?"
	// MySQL is told the index, because it might take the one of the followers, who have no bound.
	followingMySQL = "SELECT user_id, to_user_id FROM follows FORCE INDEX (PRIMARY) WHERE user_id = ? AND to_user_id IN ?"
)

func (s *Store) followingOf() string {
	if s.sqlite() {
		return followingSQLite
	}
	return followingMySQL
}

// maxLooks bounds the looks of one statement: SQLite takes 500 SELECTs in one.
const maxLooks = 100

// Following tells which of the users each look's viewer follows, by viewer, in one statement for every 100 looks.
func (s *Store) Following(ctx context.Context, looks []Look) (map[int64]map[int64]bool, error) {
	following := make(map[int64]map[int64]bool, len(looks))
	asked := slices.DeleteFunc(slices.Clone(looks), func(l Look) bool { return len(l.UserIDs) == 0 })
	for part := range slices.Chunk(asked, maxLooks) {
		args := make([]any, 0, 2*len(part))
		for _, l := range part {
			args = append(args, l.ViewerID, l.UserIDs)
		}
		err := s.pairs(ctx, sqldb.UnionAll(s.followingOf(), len(part)), args, func(f Follow) {
			if following[f.UserID] == nil {
				following[f.UserID] = map[int64]bool{}
			}
			following[f.UserID][f.ToUserID] = true
		})
		if err != nil {
			return nil, fmt.Errorf("read follows of %d users: %w", len(part), err)
		}
	}
	return following, nil
}

func (s *Store) pairs(ctx context.Context, query string, args []any, fn func(Follow)) error {
	return sqldb.Translate(sqldb.Each(s.db.Read.WithContext(ctx).Raw(query, args...),
		func(f *Follow) []any { return []any{&f.UserID, &f.ToUserID} }, fn))
}
