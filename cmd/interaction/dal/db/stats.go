package db

import (
	"context"
	"slices"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"tiktok/pkg/sqldb"
)

// VideoStats reads the counters of videos. One that nothing happened to yet is absent, and so is one that is deleted. At
// most 1000 ids.
func (s *Store) VideoStats(ctx context.Context, ids []int64) (map[int64]VideoStats, error) {
	found := make(map[int64]VideoStats, len(ids))
	if len(ids) == 0 {
		return found, nil
	}
	query := s.read.WithContext(ctx).Raw("SELECT video_id, favorite_count, comment_count FROM video_stats WHERE video_id IN ? AND deleted = ?", ids, false)
	err := sqldb.Each(query, func(r *VideoStats) []any { return []any{&r.VideoID, &r.FavoriteCount, &r.CommentCount} },
		func(r VideoStats) { found[r.VideoID] = r })
	return found, err
}

// UserStats reads the counters of users. One that nothing happened to yet is absent. At most 1000 ids.
func (s *Store) UserStats(ctx context.Context, ids []int64) (map[int64]UserStats, error) {
	found := make(map[int64]UserStats, len(ids))
	if len(ids) == 0 {
		return found, nil
	}
	query := s.read.WithContext(ctx).Raw("SELECT user_id, total_favorited, favorite_count FROM user_stats WHERE user_id IN ?", ids)
	err := sqldb.Each(query, func(r *UserStats) []any { return []any{&r.UserID, &r.TotalFavorited, &r.FavoriteCount} },
		func(r UserStats) { found[r.UserID] = r })
	return found, err
}

// AddVideoStats adds the given counts, which may be negative, and locks the rows, also where it adds 0. Rows sorted by id
// keep two writers from waiting for each other.
func (t *Tx) AddVideoStats(rows []VideoStats) error {
	upsert := clause.OnConflict{
		Columns:   []clause.Column{{Name: "video_id"}},
		DoUpdates: t.adding("favorite_count", "comment_count"),
	}
	for part := range slices.Chunk(rows, maxRows) {
		if err := t.tx.Clauses(upsert).Create(&part).Error; err != nil {
			return err
		}
	}
	return nil
}

// AddUserStats adds the given counts, which may be negative. Rows sorted by id keep two writers from waiting for each
// other.
func (t *Tx) AddUserStats(rows []UserStats) error {
	upsert := clause.OnConflict{
		Columns:   []clause.Column{{Name: "user_id"}},
		DoUpdates: t.adding("total_favorited", "favorite_count"),
	}
	for part := range slices.Chunk(rows, maxRows) {
		if err := t.tx.Clauses(upsert).Create(&part).Error; err != nil {
			return err
		}
	}
	return nil
}

// adding is "column = column + the row's own value" in the database's words.
func (t *Tx) adding(columns ...string) clause.Set {
	sums := make(map[string]any, len(columns))
	for _, c := range columns {
		if t.sqlite() {
			sums[c] = gorm.Expr(c + " + excluded." + c)
		} else {
			sums[c] = gorm.Expr(c + " + VALUES(" + c + ")")
		}
	}
	return clause.Assignments(sums)
}
