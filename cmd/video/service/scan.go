package service

import (
	"context"

	"tiktok/cmd/video/pack"
	"tiktok/kitex_gen/common"
	"tiktok/kitex_gen/video"
	"tiktok/pkg/errno"
)

// ScanVideos reads all listed videos, page by page, past the caches: it is for who keeps a copy.
func (s *Service) ScanVideos(ctx context.Context, req *video.ScanVideosRequest) (*video.ScanVideosResponse, error) {
	if req.AfterId < 0 || req.Limit < 1 || req.Limit > common.MAX_BATCH {
		return nil, errno.InvalidArgument.With("id or page size is out of range")
	}
	rows, err := s.store.VideosAfter(ctx, req.AfterId, int(req.Limit))
	if err != nil {
		return nil, err
	}
	return &video.ScanVideosResponse{Videos: pack.Videos(rows)}, nil
}
