package service

import (
	"context"

	"tiktok/kitex_gen/user"
	"tiktok/pkg/errno"
)

// FindUser reads the account of a name.
func (s *Service) FindUser(context.Context, *user.FindUserRequest) (*user.FindUserResponse, error) {
	return nil, errno.Unavailable
}

// UpdateProfile changes what others see of an account.
func (s *Service) UpdateProfile(context.Context, *user.UpdateProfileRequest) (*user.UpdateProfileResponse, error) {
	return nil, errno.Unavailable
}
