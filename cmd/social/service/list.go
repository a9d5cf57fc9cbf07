package service

import (
	"context"

	"tiktok/cmd/social/dal/db"
	"tiktok/cmd/social/pack"
	"tiktok/kitex_gen/common"
	"tiktok/kitex_gen/social"
	"tiktok/pkg/batch"
	"tiktok/pkg/errno"
)

// ListFollowing reads one page of the users whom a user follows.
func (s *Service) ListFollowing(ctx context.Context, req *social.ListFollowingRequest) (*social.ListFollowingResponse, error) {
	ids, next, err := list(ctx, s.store.ListFollowing, req.UserId, req.Page)
	if err != nil {
		return nil, err
	}
	return &social.ListFollowingResponse{UserIds: ids, NextCursor: next}, nil
}

// ListFollowers reads one page of the users who follow a user.
func (s *Service) ListFollowers(ctx context.Context, req *social.ListFollowersRequest) (*social.ListFollowersResponse, error) {
	ids, next, err := list(ctx, s.store.ListFollowers, req.UserId, req.Page)
	if err != nil {
		return nil, err
	}
	return &social.ListFollowersResponse{UserIds: ids, NextCursor: next}, nil
}

// ListFriends reads one page of the users with whom a user is in a mutual follow.
func (s *Service) ListFriends(ctx context.Context, req *social.ListFriendsRequest) (*social.ListFriendsResponse, error) {
	ids, next, err := list(ctx, s.store.ListFriends, req.UserId, req.Page)
	if err != nil {
		return nil, err
	}
	return &social.ListFriendsResponse{UserIds: ids, NextCursor: next}, nil
}

// query is one of the store's lists.
type query func(ctx context.Context, userID, before int64, limit int) ([]db.Entry, error)

// list reads one page and says where the next one begins. It reads one entry more than asked for, so that the last page
// is known as such. The cursor is the id of the follow behind the page's last entry.
func list(ctx context.Context, read query, userID int64, page *common.Page) (ids []int64, next string, err error) {
	if userID <= 0 {
		return nil, "", errno.InvalidArgument.With("user id is missing")
	}
	before, limit, err := batch.Page(page, common.MAX_BATCH)
	if err != nil {
		return nil, "", err
	}
	entries, err := read(ctx, userID, before, limit+1)
	if err != nil {
		return nil, "", err
	}
	entries, next = batch.Cut(entries, limit, func(e db.Entry) int64 { return e.FollowID })
	return pack.UserIDs(entries), next, nil
}
