package service

import (
	"context"
	"errors"
	"fmt"

	"tiktok/cmd/social/dal/db"
	"tiktok/kitex_gen/social"
	"tiktok/kitex_gen/user"
	"tiktok/pkg/errno"
	"tiktok/pkg/kv"
)

// Follow makes one user follow another.
func (s *Service) Follow(ctx context.Context, req *social.FollowRequest) (*social.FollowResponse, error) {
	if err := s.checkPair(ctx, req.UserId, req.ToUserId); err != nil {
		return nil, err
	}
	f := db.Follow{ID: s.ids.Next(), UserID: req.UserId, ToUserID: req.ToUserId, CreatedAtMs: s.now().UnixMilli()}
	_, err := s.store.Follow(ctx, f)
	s.invalidate(ctx, req.UserId, req.ToUserId)
	if err != nil {
		return nil, err
	}
	return &social.FollowResponse{}, nil
}

// Unfollow ends it.
func (s *Service) Unfollow(ctx context.Context, req *social.UnfollowRequest) (*social.UnfollowResponse, error) {
	if err := s.checkPair(ctx, req.UserId, req.ToUserId); err != nil {
		return nil, err
	}
	_, err := s.store.Unfollow(ctx, req.UserId, req.ToUserId)
	s.invalidate(ctx, req.UserId, req.ToUserId)
	if err != nil {
		return nil, err
	}
	return &social.UnfollowResponse{}, nil
}

// invalidate follows every write, whatever its outcome: after an error nobody knows whether the commit was reached, and
// a repeat that changes nothing heals the cache when the process of the first try died between commit and this.
func (s *Service) invalidate(ctx context.Context, userID, toUserID int64) {
	kv.Invalidate(ctx, s.stats.Invalidation(userID, toUserID), s.following.Invalidation(userID), s.followers.Invalidation(toUserID), s.friends.Invalidation(userID, toUserID))
}

// checkPair makes sure, in one call, that both users exist. The follower comes from a token, and even that may outlive
// its database.
func (s *Service) checkPair(ctx context.Context, userID, toUserID int64) error {
	if userID <= 0 || toUserID <= 0 {
		return errno.UserNotFound
	}
	if userID == toUserID {
		return errno.SocialSelf
	}
	resp, err := s.peers.Users.MGetUsers(ctx, &user.MGetUsersRequest{UserIds: []int64{userID, toUserID}})
	if err != nil {
		if errors.Is(errno.From(err), errno.Unavailable) {
			s.log.WarnContext(ctx, "user service does not answer", "err", err)
			return errno.Unavailable
		}
		return fmt.Errorf("look up users: %w", err)
	}
	if resp.Users[userID] == nil || resp.Users[toUserID] == nil {
		return errno.UserNotFound
	}
	return nil
}
