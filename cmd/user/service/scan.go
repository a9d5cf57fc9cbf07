package service

import (
	"context"

	"tiktok/cmd/user/pack"
	"tiktok/kitex_gen/common"
	"tiktok/kitex_gen/user"
	"tiktok/pkg/errno"
)

// ScanUsers reads all accounts, page by page, past the caches: it is for who keeps a copy.
func (s *Service) ScanUsers(ctx context.Context, req *user.ScanUsersRequest) (*user.ScanUsersResponse, error) {
	if req.AfterId < 0 || req.Limit < 1 || req.Limit > common.MAX_BATCH {
		return nil, errno.InvalidArgument.With("id or page size is out of range")
	}
	rows, err := s.store.UsersAfter(ctx, req.AfterId, int(req.Limit))
	if err != nil {
		return nil, err
	}
	return &user.ScanUsersResponse{Accounts: pack.Accounts(rows)}, nil
}
