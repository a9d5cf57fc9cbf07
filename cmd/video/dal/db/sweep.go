package db

import (
	"context"
	"fmt"

	"tiktok/pkg/sqldb"
)

const (
	namedSQL = `SELECT play_key AS k FROM videos WHERE play_key IN ?
		UNION ALL SELECT cover_key FROM videos WHERE cover_key IN ?
		UNION ALL SELECT source_key FROM video_media WHERE source_key IN ?
		UNION ALL SELECT cover_key FROM video_media WHERE cover_key IN ?`

	madeSQL = `SELECT m.video_id, m.token, COALESCE(v.play_key, '') AS play_key, COALESCE(v.cover_key, '') AS cover_key,
			COALESCE(v.hls_key, '') AS hls_key, COALESCE(v.preview_key, '') AS preview_key
		FROM video_media m LEFT JOIN videos v ON v.id = m.video_id WHERE m.video_id IN ?`
)

// Named returns those of the keys that a row names.
func (s *Store) Named(ctx context.Context, keys []string) (map[string]bool, error) {
	var rows []string
	if err := s.Read.WithContext(ctx).Raw(namedSQL, keys, keys, keys, keys).Scan(&rows).Error; err != nil {
		return nil, fmt.Errorf("look up keys: %w", sqldb.Translate(err))
	}
	out := make(map[string]bool, len(rows))
	for _, k := range rows {
		out[k] = true
	}
	return out, nil
}

// Made is what the work on a video has made and published so far, and the token of who works on it.
type Made struct {
	VideoID    int64
	Token      string
	PlayKey    string
	CoverKey   string
	HLSKey     string `gorm:"column:hls_key"`
	PreviewKey string
}

// MGetMade reads what was made of the videos; one without a row of work is absent.
func (s *Store) MGetMade(ctx context.Context, videoIDs []int64) (map[int64]Made, error) {
	rows := sqldb.Rows[Made]{Query: s.Read.WithContext(ctx).Raw(madeSQL, videoIDs)}
	made, err := sqldb.Map(rows, func(m Made) int64 { return m.VideoID })
	if err != nil {
		return nil, fmt.Errorf("look up what was made: %w", err)
	}
	return made, nil
}
