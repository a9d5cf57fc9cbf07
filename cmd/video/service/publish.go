package service

import (
	"context"

	"tiktok/cmd/video/dal/db"
	"tiktok/cmd/video/pack"
	"tiktok/kitex_gen/video"
	"tiktok/pkg/errno"
	"tiktok/pkg/text"
)

const (
	// maxTitle is the longest title in characters; the column holds as many.
	maxTitle = 100
	// maxKey is the longest blob key in bytes.
	maxKey = 255
)

// Publish makes a stored file public. It is in every list when this returns.
func (s *Service) Publish(ctx context.Context, req *video.PublishRequest) (*video.PublishResponse, error) {
	title, err := text.Rule{What: "title", Max: maxTitle}.Clean(req.Title)
	if err != nil {
		return nil, err
	}
	if req.AuthorId <= 0 || badKey(req.PlayKey) || badKey(req.CoverKey) ||
		req.DurationMs < 0 || req.SizeBytes < 0 || req.WidthPx < 0 || req.HeightPx < 0 {
		return nil, errno.InvalidArgument
	}
	v, err := s.store.Publish(ctx, db.Video{
		ID: s.ids.Next(), AuthorID: req.AuthorId, Title: title, PlayKey: req.PlayKey, CoverKey: req.CoverKey,
		PublishedAtMs: s.now().UnixMilli(), DurationMs: req.DurationMs, SizeBytes: req.SizeBytes, WidthPx: req.WidthPx, HeightPx: req.HeightPx,
	})
	// Also after an error: nobody knows whether the commit was reached.
	s.works.Invalidate(ctx, req.AuthorId)
	if err != nil {
		return nil, err
	}
	s.videos.Invalidate(ctx, v.ID) // somebody may have asked for it too early
	return &video.PublishResponse{Video: pack.Video(v)}, nil
}

func badKey(key string) bool { return key == "" || len(key) > maxKey }
