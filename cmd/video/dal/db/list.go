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
	type works struct{ author, count int64 }
	out := make(map[int64]int64, len(authorIDs))
	err := sqldb.Each(s.db.Read.WithContext(ctx).Raw(worksSQL, authorIDs),
		func(w *works) []any { return []any{&w.author, &w.count} }, func(w works) { out[w.author] = w.count })
	if err != nil {
		return nil, fmt.Errorf("count works: %w", sqldb.Translate(err))
	}
	return out, nil
}

func (s *Store) videos(ctx context.Context, query string, args ...any) ([]Video, error) {
	var videos []Video
	err := sqldb.Each(s.db.Read.WithContext(ctx).Raw(query, args...), func(v *Video) []any {
		return []any{
			&v.ID, &v.AuthorID, &v.Title, &v.PlayKey, &v.CoverKey, &v.PublishedAtMs,
			&v.DurationMs, &v.SizeBytes, &v.WidthPx, &v.HeightPx, &v.HLSKey, &v.PreviewKey,
		}
	}, func(v Video) { videos = append(videos, v) })
	if err != nil {
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
