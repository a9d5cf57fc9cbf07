package service

import (
	"context"

	"tiktok/cmd/internal/accounts"
	"tiktok/cmd/internal/events"
	"tiktok/cmd/social/dal/db"
	"tiktok/kitex_gen/event"
	"tiktok/kitex_gen/social"
	"tiktok/pkg/errno"
	"tiktok/pkg/kv"
	"tiktok/pkg/outbox"
)

// Follow makes one user follow another.
func (s *Service) Follow(ctx context.Context, req *social.FollowRequest) (*social.FollowResponse, error) {
	if err := accounts.CheckPair(ctx, s.peers.Users, s.log, req.UserId, req.ToUserId, errno.SocialSelf); err != nil {
		return nil, err
	}
	n, err := s.ids.Next()
	if err != nil {
		return nil, err
	}
	f := db.Follow{ID: n, UserID: req.UserId, ToUserID: req.ToUserId, CreatedAtMs: s.now().UnixMilli()}
	tell, err := followChanged(&event.FollowChanged{UserId: f.UserID, ToUserId: f.ToUserID, Following: true, AtMs: f.CreatedAtMs})
	if err != nil {
		return nil, err
	}
	changed, err := s.store.Follow(ctx, f, tell...)
	s.invalidate(ctx, req.UserId, req.ToUserId)
	if err != nil {
		return nil, err
	}
	if changed {
		s.relay.Wake()
	}
	return &social.FollowResponse{}, nil
}

// Unfollow ends it.
func (s *Service) Unfollow(ctx context.Context, req *social.UnfollowRequest) (*social.UnfollowResponse, error) {
	if err := accounts.CheckPair(ctx, s.peers.Users, s.log, req.UserId, req.ToUserId, errno.SocialSelf); err != nil {
		return nil, err
	}
	tell, err := followChanged(&event.FollowChanged{UserId: req.UserId, ToUserId: req.ToUserId})
	if err != nil {
		return nil, err
	}
	changed, err := s.store.Unfollow(ctx, req.UserId, req.ToUserId, tell...)
	s.invalidate(ctx, req.UserId, req.ToUserId)
	if err != nil {
		return nil, err
	}
	if changed {
		s.relay.Wake()
	}
	return &social.UnfollowResponse{}, nil
}

// followChanged is what others are told.
func followChanged(e *event.FollowChanged) ([]outbox.Message, error) {
	return events.Messages(event.TOPIC_FOLLOW, &event.Event{FollowChanged: e})
}

// invalidate follows every write, whatever its outcome: after an error nobody knows whether the commit was reached, and
// a repeat that changes nothing heals the cache when the process of the first try died between commit and this.
func (s *Service) invalidate(ctx context.Context, userID, toUserID int64) {
	kv.Invalidate(ctx, s.stats.Invalidation(userID, toUserID),
		s.following.Invalidation(userID), s.followers.Invalidation(toUserID), s.friends.Invalidation(userID, toUserID))
}
