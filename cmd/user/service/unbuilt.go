package service

import (
	"context"

	"tiktok/kitex_gen/user"
	"tiktok/pkg/errno"
)

// MFindUsers is not built yet.
func (s *Service) MFindUsers(context.Context, *user.MFindUsersRequest) (*user.MFindUsersResponse, error) {
	return nil, errno.Unavailable
}
