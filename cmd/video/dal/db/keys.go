package db

import (
	"context"

	"tiktok/pkg/idempotency"
	"tiktok/pkg/sqldb"
)

// Keys are the uploads that may be repeated. Their owners are the authors, their results the videos.
func (s *Store) Keys() idempotency.Store { return idempotency.NewStore(s.DB) }

// Published is what a request with a key has published.
type Published struct {
	// Video is as it is listed, else what is known of it.
	Video Video
	// Listed says that it is in the lists: what is transcoded first is not yet.
	Listed bool
	// Digest is of what was asked for.
	Digest int64
}

// FindPublished reads what an author's request with the key has published. It is nil when there was none, or a day ago; ErrNotFound means
// that it is deleted.
func (s *Store) FindPublished(ctx context.Context, key idempotency.Request, nowMs int64) (*Published, error) {
	row, ok, err := s.Keys().Find(ctx, key)
	if err != nil || !ok || row.Expired(nowMs) {
		return nil, err
	}
	return s.published(ctx, row)
}

func (s *Store) published(ctx context.Context, row idempotency.Row) (*Published, error) {
	read := s.Read.WithContext(ctx)
	videos, err := sqldb.Select[Video](read, "FROM videos WHERE id = ?", row.ResultID).All()
	if err != nil {
		return nil, err
	}
	if len(videos) > 0 {
		return &Published{Video: videos[0], Listed: true, Digest: row.Digest}, nil
	}
	works, err := sqldb.Select[Media](read, "FROM video_media WHERE video_id = ? AND listed = 0 AND state <> ?",
		row.ResultID, StateDeleting).All()
	if err != nil {
		return nil, err
	}
	if len(works) == 0 {
		return nil, sqldb.ErrNotFound
	}
	m := works[0]
	return &Published{Digest: row.Digest, Video: Video{
		ID: m.VideoID, AuthorID: m.AuthorID, Title: m.Title, PlayKey: m.SourceKey, CoverKey: m.CoverKey, DurationMs: m.DurationMs,
		SizeBytes: m.SizeBytes, WidthPx: m.WidthPx, HeightPx: m.HeightPx, Mentions: m.Mentions,
	}}, nil
}
