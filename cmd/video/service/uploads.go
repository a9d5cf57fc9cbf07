package service

import (
	"context"
	"errors"

	"tiktok/cmd/video/dal/db"
	"tiktok/cmd/video/pack"
	"tiktok/kitex_gen/common"
	"tiktok/kitex_gen/video"
	"tiktok/pkg/errno"
	"tiktok/pkg/sqldb"
)

// DeleteVideo takes a video out of every list, and out of work. Its files, and what other services keep of it, follow:
// see finishDeletion.
func (s *Service) DeleteVideo(ctx context.Context, req *video.DeleteVideoRequest) (*video.DeleteVideoResponse, error) {
	if req.AuthorId <= 0 || req.VideoId <= 0 {
		return nil, errno.InvalidArgument.With("an id must be greater than 0")
	}
	err := s.store.Delete(ctx, req.AuthorId, req.VideoId, s.now().UnixMilli())
	switch {
	case errors.Is(err, sqldb.ErrNotFound):
		return nil, errno.VideoNotFound
	case errors.Is(err, db.ErrNotAuthor):
		return nil, errno.Forbidden.With("this is not your video")
	}
	// Also after an error: nobody knows whether the commit was reached.
	s.changed(ctx, req.VideoId, req.AuthorId)
	if err != nil {
		return nil, err
	}
	s.media.cancel(req.VideoId)
	s.media.wake(req.VideoId)
	return &video.DeleteVideoResponse{}, nil
}

// ListUploads reads what is not ready of an author's uploads in one statement.
func (s *Service) ListUploads(ctx context.Context, req *video.ListUploadsRequest) (*video.ListUploadsResponse, error) {
	if req.AuthorId <= 0 {
		return nil, errno.InvalidArgument.With("user id is missing")
	}
	rows, err := s.store.ListUploads(ctx, req.AuthorId, common.MAX_BATCH)
	if err != nil {
		return nil, err
	}
	return &video.ListUploadsResponse{Uploads: pack.Uploads(rows)}, nil
}
