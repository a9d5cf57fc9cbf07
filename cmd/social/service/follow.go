package service

import (
	"context"

	"tiktok/cmd/internal/accounts"
	"tiktok/cmd/social/dal/db"
	"tiktok/kitex_gen/social"
	"tiktok/pkg/errno"
	"tiktok/pkg/kv"
)

// Follow makes one user follow another.
func (s *Service) Follow(ctx context.Context, req *social.FollowRequest) (*social.FollowResponse, error) {
	if err := accounts.CheckPair(ctx, s.peers.Users, s.log, req.UserId, req.ToUserId, errno.SocialSelf); err != nil {
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
	if err := accounts.CheckPair(ctx, s.peers.Users, s.log, req.UserId, req.ToUserId, errno.SocialSelf); err != nil {
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
	kv.Invalidate(ctx, s.stats.Invalidation(userID, toUserID),
		s.following.Invalidation(userID), s.followers.Invalidation(toUserID), s.friends.Invalidation(userID, toUserID))
}
