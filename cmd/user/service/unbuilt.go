package service

import (
	"context"

	"tiktok/kitex_gen/user"
	"tiktok/pkg/errno"
)

// ScanUsers is not built yet.
func (s *Service) ScanUsers(context.Context, *user.ScanUsersRequest) (*user.ScanUsersResponse, error) {
	return nil, errno.Unavailable
}
