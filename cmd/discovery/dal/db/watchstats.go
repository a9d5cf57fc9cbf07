package db

import (
	"context"
	"fmt"

	"tiktok/pkg/sqldb"
)

// Views reads how often videos were watched, at most maxRows ids. One that nobody watched is absent.
func (s *Store) Views(ctx context.Context, videoIDs []int64) (map[int64]int64, error) {
	if len(videoIDs) == 0 {
		return map[int64]int64{}, nil
	}
	const query = "SELECT video_id, views FROM video_watches WHERE video_id IN ? AND views > 0"
	views := make(map[int64]int64, len(videoIDs))
	err := sqldb.Rows[VideoWatches]{Query: s.Read.WithContext(ctx).Raw(query, videoIDs)}.Each(func(v VideoWatches) {
		views[v.VideoID] = v.Views
	})
	if err != nil {
		return nil, fmt.Errorf("read views: %w", err)
	}
	return views, nil
}

const authorDaysSQL = "FROM author_days WHERE author_id = ? AND day >= ? AND day <= ? ORDER BY day"

// AuthorDays reads what an author got on the days from..to, those without anything left out, in their order.
func (s *Store) AuthorDays(ctx context.Context, authorID, from, to int64) ([]AuthorDay, error) {
	rows, err := sqldb.Select[AuthorDay](s.Read.WithContext(ctx), authorDaysSQL, authorID, from, to).All()
	if err != nil {
		return nil, fmt.Errorf("read days of author %d: %w", authorID, err)
	}
	return rows, nil
}

// AuthorVideo is a listed video with how it was watched.
type AuthorVideo struct {
	ID          int64
	PublishedMs int64
	Views       int64
	Finishes    int64
	WatchedMs   int64
}

// AuthorVideos reads up to limit listed videos that an author published before a place, the newest first.
func (s *Store) AuthorVideos(ctx context.Context, authorID int64, before Place, limit int) ([]AuthorVideo, error) {
	const query = `SELECT v.id, v.published_ms, COALESCE(w.views, 0) AS views, COALESCE(w.finishes, 0) AS finishes,
			COALESCE(w.watched_ms, 0) AS watched_ms
		FROM videos AS v LEFT JOIN video_watches AS w ON w.video_id = v.id
		WHERE v.author_id = ? AND v.published_ms <= ? AND (v.published_ms < ? OR v.id < ?) AND v.gone_ms = 0
		ORDER BY v.published_ms DESC, v.id DESC LIMIT ?`
	rows, err := sqldb.Rows[AuthorVideo]{Query: s.Read.WithContext(ctx).Raw(
		query, authorID, before.PublishedMs, before.PublishedMs, before.VideoID, limit)}.All()
	if err != nil {
		return nil, fmt.Errorf("read videos of author %d: %w", authorID, err)
	}
	return rows, nil
}
