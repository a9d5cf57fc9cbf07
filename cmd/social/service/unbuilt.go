package service

import (
	"context"

	"tiktok/kitex_gen/social"
	"tiktok/pkg/errno"
)

// ScanFollows is not built yet.
func (s *Service) ScanFollows(context.Context, *social.ScanFollowsRequest) (*social.ScanFollowsResponse, error) {
	return nil, errno.Unavailable
}
