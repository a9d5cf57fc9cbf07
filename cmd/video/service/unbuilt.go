package service

import (
	"context"

	"tiktok/kitex_gen/video"
	"tiktok/pkg/errno"
)

// ScanVideos is not built yet.
func (s *Service) ScanVideos(context.Context, *video.ScanVideosRequest) (*video.ScanVideosResponse, error) {
	return nil, errno.Unavailable
}
