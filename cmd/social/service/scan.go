package service

import (
	"context"

	"tiktok/cmd/social/dal/db"
	"tiktok/kitex_gen/common"
	"tiktok/kitex_gen/social"
	"tiktok/pkg/errno"
)

// ScanFollows reads all follows, page by page, past the caches: it is for who keeps a copy.
func (s *Service) ScanFollows(ctx context.Context, req *social.ScanFollowsRequest) (*social.ScanFollowsResponse, error) {
	if req.AfterUserId < 0 || req.AfterToUserId < 0 || req.Limit < 1 || req.Limit > common.MAX_BATCH {
		return nil, errno.InvalidArgument.With("id or page size is out of range")
	}
	rows, err := s.store.FollowsAfter(ctx, db.Pair{UserID: req.AfterUserId, ToUserID: req.AfterToUserId}, int(req.Limit))
	if err != nil {
		return nil, err
	}
	follows := make([]*social.Following, len(rows))
	for i, r := range rows {
		follows[i] = &social.Following{UserId: r.UserID, ToUserId: r.ToUserID, AtMs: r.CreatedAtMs}
	}
	return &social.ScanFollowsResponse{Follows: follows}, nil
}
