package db

import (
	"context"
	"fmt"
	"slices"

	"tiktok/pkg/sqldb"
)

// Stats are a user's counters.
type Stats struct {
	UserID        int64 `gorm:"column:user_id;primaryKey;autoIncrement:false"`
	FollowCount   int64 `gorm:"column:follow_count"`
	FollowerCount int64 `gorm:"column:follower_count"`
}

// TableName is social_stats.
func (Stats) TableName() string { return "social_stats" }

// MGetStats reads the counters of these users, in one statement; a user to whom nothing happened yet is absent.
func (s *Store) MGetStats(ctx context.Context, userIDs []int64) (map[int64]Stats, error) {
	if len(userIDs) == 0 {
		return map[int64]Stats{}, nil
	}
	stats, err := sqldb.Map(sqldb.Select[Stats](s.Read.WithContext(ctx), "FROM social_stats WHERE user_id IN ?", userIDs),
		func(r Stats) int64 { return r.UserID })
	if err != nil {
		return nil, fmt.Errorf("read stats of %d users: %w", len(userIDs), err)
	}
	return stats, nil
}

// ViewerQuery asks which of the users one viewer follows.
type ViewerQuery struct {
	ViewerID int64
	UserIDs  []int64
}

// maxUnion bounds the SELECTs of one statement: SQLite takes 500.
const maxUnion = 100

// Following tells which of the users of each query its viewer follows, by viewer, in one statement for every 100 queries.
func (s *Store) Following(ctx context.Context, queries []ViewerQuery) (map[int64]map[int64]bool, error) {
	following := make(map[int64]map[int64]bool, len(queries))
	asked := slices.DeleteFunc(slices.Clone(queries), func(q ViewerQuery) bool { return len(q.UserIDs) == 0 })
	for part := range slices.Chunk(asked, maxUnion) {
		args := make([]any, 0, 2*len(part))
		for _, q := range part {
			args = append(args, q.ViewerID, q.UserIDs)
		}
		query := s.Read.WithContext(ctx).Raw(sqldb.UnionAll(s.followedSQL(), len(part)), args...)
		err := sqldb.Rows[Follow]{Query: query}.Each(func(f Follow) {
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

// followedSQL tells MySQL the index, because it might take the one of the followers, who have no bound.
func (s *Store) followedSQL() string {
	hint := "FORCE INDEX (PRIMARY) "
	if s.IsSQLite() {
		hint = ""
	}
	return "SELECT user_id, to_user_id FROM follows " + hint + "WHERE user_id = ? AND to_user_id IN ?"
}
