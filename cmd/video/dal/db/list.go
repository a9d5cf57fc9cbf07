package db

import (
	"context"
	"fmt"
	"math"

	"tiktok/pkg/sqldb"
)

const (
	feedSQL     = "FROM videos WHERE published_at_ms < ? ORDER BY published_at_ms DESC LIMIT ?"
	byAuthorSQL = "FROM videos WHERE author_id = ? AND published_at_ms < ? ORDER BY published_at_ms DESC LIMIT ?"
	byIDsSQL    = "FROM videos WHERE id IN ?"
	worksSQL    = "FROM author_stats WHERE author_id IN ?"
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
	videos, err := sqldb.Map(sqldb.Select[Video](s.Read.WithContext(ctx), byIDsSQL, ids), func(v Video) int64 { return v.ID })
	if err != nil {
		return nil, fmt.Errorf("read %d videos: %w", len(ids), err)
	}
	return videos, nil
}

// MCountWorks reads how many videos each author has published; one without videos is absent.
func (s *Store) MCountWorks(ctx context.Context, authorIDs []int64) (map[int64]int64, error) {
	counts := make(map[int64]int64, len(authorIDs))
	rows := sqldb.Select[authorStats](s.Read.WithContext(ctx), worksSQL, authorIDs)
	if err := rows.Each(func(r authorStats) { counts[r.AuthorID] = r.WorkCount }); err != nil {
		return nil, fmt.Errorf("count works: %w", err)
	}
	return counts, nil
}

func (s *Store) videos(ctx context.Context, query string, args ...any) ([]Video, error) {
	videos, err := sqldb.Select[Video](s.Read.WithContext(ctx), query, args...).All()
	if err != nil {
		return nil, fmt.Errorf("read videos: %w", err)
	}
	return videos, nil
}

func before(ms int64) int64 {
	if ms <= 0 {
		return math.MaxInt64
	}
	return ms
}
