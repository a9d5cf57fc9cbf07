package service

import (
	"context"

	"tiktok/cmd/user/pack"
	"tiktok/kitex_gen/common"
	"tiktok/kitex_gen/user"
	"tiktok/pkg/paging"
)

// MGetUsers reads profiles: one round trip to the cache at most, and one to the database when something is not in it. Viewers
// are not answered from what this process keeps, because they may have edited themselves through another.
func (s *Service) MGetUsers(ctx context.Context, req *user.MGetUsersRequest) (*user.MGetUsersResponse, error) {
	ids, err := paging.IDs(req.UserIds, common.MAX_BATCH)
	if err != nil {
		return nil, err
	}
	viewers, err := paging.IDs(req.ViewerIds, common.MAX_BATCH)
	if err != nil {
		return nil, err
	}
	s.users.Refresh(viewers...)
	rows, err := s.users.GetMulti(ctx, ids)
	if err != nil {
		return nil, err
	}
	return &user.MGetUsersResponse{Users: pack.Users(rows)}, nil
}
