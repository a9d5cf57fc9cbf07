package db

import (
	"context"
	"slices"

	"gorm.io/gorm"

	"tiktok/pkg/sqldb"
)

// VideoStats reads the counters of videos, without AuthorID. One that nothing happened to yet is absent, and so is one that is
// deleted. At most 1000 ids.
func (s *Store) VideoStats(ctx context.Context, ids []int64) (map[int64]VideoStats, error) {
	if len(ids) == 0 {
		return map[int64]VideoStats{}, nil
	}
	const query = "SELECT video_id, favorite_count, comment_count FROM video_stats WHERE video_id IN ? AND deleted = ?"
	rows := sqldb.Rows[VideoStats]{Query: s.Read.WithContext(ctx).Raw(query, ids, false)}
	return sqldb.Map(rows, func(r VideoStats) int64 { return r.VideoID })
}

// UserStats reads the counters of users. One that nothing happened to yet is absent. At most 1000 ids.
func (s *Store) UserStats(ctx context.Context, ids []int64) (map[int64]UserStats, error) {
	if len(ids) == 0 {
		return map[int64]UserStats{}, nil
	}
	rows := sqldb.Select[UserStats](s.Read.WithContext(ctx), "FROM user_stats WHERE user_id IN ?", ids)
	return sqldb.Map(rows, func(r UserStats) int64 { return r.UserID })
}

// AddVideoStats adds the given counts, which may be negative, and locks the rows, also where it adds 0. Rows sorted by id
// keep two writers from waiting for each other.
func (t *Tx) AddVideoStats(rows []VideoStats) error {
	return createAll(t.tx.Clauses(sqldb.Upsert(t.db.Adding("favorite_count", "comment_count"), "video_id")), rows)
}

// AddUserStats adds the given counts, which may be negative. Rows sorted by id keep two writers from waiting for each
// other.
func (t *Tx) AddUserStats(rows []UserStats) error {
	return createAll(t.tx.Clauses(sqldb.Upsert(t.db.Adding("total_favorited", "favorite_count"), "user_id")), rows)
}

// createAll stores rows, maxRows in a statement.
func createAll[T any](tx *gorm.DB, rows []T) error {
	tx = tx.Session(&gorm.Session{}) // each statement starts from here
	for part := range slices.Chunk(rows, maxRows) {
		if err := tx.Create(&part).Error; err != nil {
			return err
		}
	}
	return nil
}
