package service

import (
	"context"
	"slices"

	"tiktok/cmd/user/pack"
	"tiktok/kitex_gen/common"
	"tiktok/kitex_gen/user"
	"tiktok/pkg/errno"
)

// MGetUsers reads user cards: one round trip to the cache, and one to the database when something is not in it.
func (s *Service) MGetUsers(ctx context.Context, req *user.MGetUsersRequest) (*user.MGetUsersResponse, error) {
	ids, err := uniqueIDs(req.UserIds)
	if err != nil {
		return nil, err
	}
	rows, err := s.users.GetMulti(ctx, ids, s.store.MGet)
	if err != nil {
		return nil, err
	}
	return &user.MGetUsersResponse{Users: pack.Users(rows)}, nil
}

// uniqueIDs checks the size of a batch and returns its positive ids, sorted, each once. The request stays as it is.
func uniqueIDs(ids []int64) ([]int64, error) {
	if len(ids) > common.MAX_BATCH {
		return nil, errno.InvalidArgument.With("too many ids in one call")
	}
	out := slices.Clone(ids)
	out = slices.DeleteFunc(out, func(id int64) bool { return id <= 0 })
	slices.Sort(out)
	return slices.Compact(out), nil
}
