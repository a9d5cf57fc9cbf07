package service

import (
	"context"

	"tiktok/cmd/user/pack"
	"tiktok/kitex_gen/common"
	"tiktok/kitex_gen/user"
	"tiktok/pkg/paging"
)

// MGetUsers reads profiles: one round trip to the cache, and one to the database when something is not in it.
func (s *Service) MGetUsers(ctx context.Context, req *user.MGetUsersRequest) (*user.MGetUsersResponse, error) {
	ids, err := paging.IDs(req.UserIds, common.MAX_BATCH)
	if err != nil {
		return nil, err
	}
	rows, err := s.users.GetMulti(ctx, ids)
	if err != nil {
		return nil, err
	}
	return &user.MGetUsersResponse{Users: pack.Users(rows)}, nil
}
