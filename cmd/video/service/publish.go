package service

import (
	"context"
	"errors"

	"tiktok/cmd/internal/mentions"
	"tiktok/cmd/video/dal/db"
	"tiktok/cmd/video/pack"
	"tiktok/kitex_gen/video"
	"tiktok/pkg/blob"
	"tiktok/pkg/errno"
	"tiktok/pkg/idempotency"
	"tiktok/pkg/sqldb"
	"tiktok/pkg/text"
)

const (
	// maxTitle is the longest title in characters; the column holds as many.
	maxTitle = 100
	// maxCodec is the longest name of a codec in bytes.
	maxCodec = 32
)

// Publish makes a stored file public, and plans the work that makes it better. It is in every list when this returns,
// unless it must be transcoded first: then it is in none before that is done.
func (s *Service) Publish(ctx context.Context, req *video.PublishRequest) (*video.PublishResponse, error) {
	if err := idempotency.Check(req.GetRequestKey()); err != nil {
		return nil, err
	}
	title, err := text.Rule{What: "title", Max: maxTitle}.Clean(req.Title)
	if err != nil {
		return nil, err
	}
	if req.AuthorId <= 0 || blob.CheckKey(req.PlayKey) != nil || blob.CheckKey(req.CoverKey) != nil ||
		req.DurationMs < 0 || req.SizeBytes < 0 || req.WidthPx < 0 || req.HeightPx < 0 ||
		len(req.VideoCodec) > maxCodec || len(req.AudioCodec) > maxCodec {
		return nil, errno.InvalidArgument
	}
	mentioned, err := mentions.Check(req.MentionedUserIds, req.AuthorId)
	if err != nil {
		return nil, err
	}
	if req.Transcode && s.media.steps()&db.StepTranscode == 0 {
		return nil, errno.VideoUnplayable.With("this kind of video can not be converted here; send an mp4 file with H.264 and AAC")
	}
	n, err := s.ids.Next()
	if err != nil {
		return nil, err
	}
	v := db.Video{
		ID: n, AuthorID: req.AuthorId, Title: title, PlayKey: req.PlayKey, CoverKey: req.CoverKey,
		PublishedAtMs: s.now().UnixMilli(), DurationMs: req.DurationMs, SizeBytes: req.SizeBytes, WidthPx: req.WidthPx, HeightPx: req.HeightPx,
		Mentions: mentions.Join(mentioned),
	}
	m := s.plan(v, req)
	id := v.ID
	key := idempotency.New(req.AuthorId, req.AuthorId, req.GetRequestKey(), req.GetRequestDigest())
	v, first, err := s.store.Publish(ctx, v, m, s.quota, key)
	// Also after an error: nobody knows whether the commit was reached. And somebody may have asked for it too early.
	s.changed(ctx, id, req.AuthorId)
	if err != nil {
		return nil, refused(err)
	}
	if first != nil {
		return &video.PublishResponse{Video: pack.Video(first.Video), Listed: first.Listed}, nil
	}
	if m.Lane != db.LaneNone {
		s.media.wake(v.ID)
	}
	if m.Listed == 0 {
		v.PublishedAtMs = 0
	}
	return &video.PublishResponse{Video: pack.Video(v), Listed: m.Listed != 0}, nil
}

// CheckUpload asks whether an author may upload so much. It reads one row; with a key first what was published with that.
func (s *Service) CheckUpload(ctx context.Context, req *video.CheckUploadRequest) (*video.CheckUploadResponse, error) {
	if req.AuthorId <= 0 || req.SizeBytes < 0 {
		return nil, errno.InvalidArgument
	}
	if key := req.GetRequestKey(); key != "" {
		if err := idempotency.Check(key); err != nil {
			return nil, err
		}
		first, err := s.store.FindPublished(ctx, *idempotency.New(req.AuthorId, req.AuthorId, key, 0), s.now().UnixMilli())
		if err != nil {
			return nil, refused(err)
		}
		if first != nil {
			return &video.CheckUploadResponse{First: &video.Published{
				Video: pack.Video(first.Video), Listed: first.Listed, RequestDigest: first.Digest,
			}}, nil
		}
	}
	if err := s.store.CheckStorage(ctx, req.AuthorId, req.SizeBytes, s.now().UnixMilli(), s.quota); err != nil {
		return nil, refused(err)
	}
	return &video.CheckUploadResponse{}, nil
}

// refused makes the user's error of a quota, and of a video that was published with a key and is deleted.
func refused(err error) error {
	switch {
	case errors.Is(err, sqldb.ErrNotFound):
		return errno.VideoNotFound
	case errors.Is(err, db.ErrQuota):
		return errno.QuotaExceeded
	case errors.Is(err, db.ErrDailyQuota):
		return errno.QuotaExceeded.With("you have uploaded too much for one day, please try again later")
	}
	return err
}

// plan says what is to be done with a new upload.
func (s *Service) plan(v db.Video, req *video.PublishRequest) db.Media {
	m := db.Media{
		VideoID: v.ID, AuthorID: v.AuthorID, Title: v.Title, State: db.StateReady, Lane: db.LaneNone, DueMs: db.Never, Progress: 100,
		Listed: 1, SourceKey: v.PlayKey, CoverKey: v.CoverKey, DurationMs: v.DurationMs, SizeBytes: v.SizeBytes,
		WidthPx: v.WidthPx, HeightPx: v.HeightPx, Rotation: req.Rotation, VideoCodec: req.VideoCodec, AudioCodec: req.AudioCodec,
		CreatedAtMs: v.PublishedAtMs, Mentions: v.Mentions,
	}
	if req.CoverDrawn {
		m.CoverDrawn = 1
	}
	if s.media.Background {
		m.Plan = db.StepPreview | db.StepHLS
	}
	if req.CoverDrawn && (s.media.Background || req.Transcode) { // of what is transcoded nobody has tried to take a frame
		m.Plan |= db.StepCover
	}
	m.Plan &= s.media.steps()
	if req.Transcode {
		m.Plan |= db.StepTranscode
		m.Listed = 0
	}
	m.Todo = m.Plan
	if m.Lane = db.LaneOf(m.Todo); m.Todo != 0 {
		m.State, m.Pending, m.Progress, m.DueMs = db.StateUploaded, 1, 0, m.CreatedAtMs
	}
	return m
}
