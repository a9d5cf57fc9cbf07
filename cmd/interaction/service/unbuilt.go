package service

import (
	"context"

	"tiktok/kitex_gen/interaction"
	"tiktok/pkg/errno"
)

// ScanLikes is not built yet.
func (s *Service) ScanLikes(context.Context, *interaction.ScanLikesRequest) (*interaction.ScanLikesResponse, error) {
	return nil, errno.Unavailable
}
