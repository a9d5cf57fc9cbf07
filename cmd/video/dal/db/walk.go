package db

import (
	"context"
	"fmt"

	"tiktok/pkg/sqldb"
)

// Those who copy videos and uploads, or compare other data with them, walk through them, in the order of their ids.

const videosAfterSQL = "FROM videos WHERE id > ? ORDER BY id LIMIT ?"

// VideosAfter reads up to limit listed videos behind an id.
func (s *Store) VideosAfter(ctx context.Context, after int64, limit int) ([]Video, error) {
	rows, err := sqldb.Select[Video](s.Read.WithContext(ctx), videosAfterSQL, after, limit).All()
	if err != nil {
		return nil, fmt.Errorf("walk through videos: %w", err)
	}
	return rows, nil
}

// MediaAfter reads up to limit uploads behind an id.
func (s *Store) MediaAfter(ctx context.Context, after int64, limit int) ([]Media, error) {
	const query = "FROM video_media WHERE video_id > ? ORDER BY video_id LIMIT ?"
	rows, err := sqldb.Select[Media](s.Read.WithContext(ctx), query, after, limit).All()
	if err != nil {
		return nil, fmt.Errorf("walk through uploads: %w", err)
	}
	return rows, nil
}

// MediaRows reads the uploads with these ids, at most 1000.
func (s *Store) MediaRows(ctx context.Context, ids []int64) ([]Media, error) {
	rows, err := sqldb.Select[Media](s.Read.WithContext(ctx), "FROM video_media WHERE video_id IN ?", ids).All()
	if err != nil {
		return nil, fmt.Errorf("read uploads: %w", err)
	}
	return rows, nil
}
