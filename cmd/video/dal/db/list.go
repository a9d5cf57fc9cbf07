package db

import (
	"context"
	"fmt"
	"math"

	"tiktok/pkg/sqldb"
)

const (
	columns = "id, author_id, title, play_key, cover_key, published_at_ms, duration_ms, size_bytes, width_px, height_px, hls_key, preview_key"

	feedSQL     = "SELECT " + columns + " FROM videos WHERE published_at_ms < ? ORDER BY published_at_ms DESC LIMIT ?"
	byAuthorSQL = "SELECT " + columns + " FROM videos WHERE author_id = ? AND published_at_ms < ? ORDER BY published_at_ms DESC LIMIT ?"
	byIDsSQL    = "SELECT " + columns + " FROM videos WHERE id IN ?"
	worksSQL    = "SELECT author_id, work_count FROM author_stats WHERE author_id IN ?"
)

// Feed reads up to limit videos published before beforeMs, newest first; 0 is from the newest.
func (s *Store) Feed(ctx context.Context, beforeMs int64, limit int) ([]Video, error) {
	return s.videos(ctx, feedSQL, before(beforeMs), limit)
}

// ListByAuthor reads up to limit videos of one author published before beforeMs, newest first; 0 is from the newest.
func (s *Store) ListByAuthor(ctx context.Context, authorID, beforeMs int64, limit int) ([]Video, error) {
	return s.videos(ctx, byAuthorSQL, authorID, before(beforeMs), limit)
}

// MGetVideos reads the videos of ids; one that does not exist is absent.
func (s *Store) MGetVideos(ctx context.Context, ids []int64) (map[int64]Video, error) {
	videos, err := s.videos(ctx, byIDsSQL, ids)
	if err != nil {
		return nil, err
	}
	out := make(map[int64]Video, len(videos))
	for _, v := range videos {
		out[v.ID] = v
	}
	return out, nil
}

// MCountWorks reads how many videos each author has published; one without videos is absent.
func (s *Store) MCountWorks(ctx context.Context, authorIDs []int64) (map[int64]int64, error) {
	var rows []struct {
		AuthorID  int64 `gorm:"column:author_id"`
		WorkCount int64 `gorm:"column:work_count"`
	}
	if err := s.db.Read.WithContext(ctx).Raw(worksSQL, authorIDs).Scan(&rows).Error; err != nil {
		return nil, fmt.Errorf("count works: %w", sqldb.Translate(err))
	}
	out := make(map[int64]int64, len(rows))
	for _, r := range rows {
		out[r.AuthorID] = r.WorkCount
	}
	return out, nil
}

func (s *Store) videos(ctx context.Context, query string, args ...any) ([]Video, error) {
	var videos []Video
	if err := s.db.Read.WithContext(ctx).Raw(query, args...).Scan(&videos).Error; err != nil {
		return nil, fmt.Errorf("read videos: %w", sqldb.Translate(err))
	}
	return videos, nil
}

func before(ms int64) int64 {
	if ms <= 0 {
		return math.MaxInt64
	}
	return ms
}
