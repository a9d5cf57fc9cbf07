package handler

import (
	"context"

	"tiktok/cmd/api/biz/call"
	"tiktok/cmd/api/biz/model/api"
	"tiktok/cmd/api/biz/pack"
	"tiktok/kitex_gen/social"
)

// RelationAction follows a user or stops to.
func (h *Handler) RelationAction(ctx context.Context, in *call.Call) (any, error) {
	id, err := in.Params.ID("to_user_id")
	if err != nil {
		return nil, err
	}
	undo, err := action(in)
	if err != nil {
		return nil, err
	}
	if undo {
		_, err = h.Clients.Social.Unfollow(ctx, &social.UnfollowRequest{UserId: in.Viewer, ToUserId: id})
	} else {
		_, err = h.Clients.Social.Follow(ctx, &social.FollowRequest{UserId: in.Viewer, ToUserId: id})
	}
	if err != nil {
		return nil, err
	}
	return &api.RelationActionResponse{StatusMsg: pack.OK}, nil
}

// FollowList is the users that a user follows, most recently followed first.
func (h *Handler) FollowList(ctx context.Context, in *call.Call) (any, error) {
	id, err := target(in)
	if err != nil {
		return nil, err
	}
	r, err := h.Clients.Social.ListFollowing(ctx, &social.ListFollowingRequest{UserId: id, Page: fullPage()})
	if err != nil {
		return nil, err
	}
	return h.users(ctx, in, r.UserIds)
}

// FollowerList is the users who follow a user, most recent first.
func (h *Handler) FollowerList(ctx context.Context, in *call.Call) (any, error) {
	id, err := target(in)
	if err != nil {
		return nil, err
	}
	r, err := h.Clients.Social.ListFollowers(ctx, &social.ListFollowersRequest{UserId: id, Page: fullPage()})
	if err != nil {
		return nil, err
	}
	return h.users(ctx, in, r.UserIds)
}

func (h *Handler) users(ctx context.Context, in *call.Call, ids []int64) (any, error) {
	users, err := h.View.Profiles(ctx, in.Viewer, ids)
	if err != nil {
		return nil, err
	}
	return &api.RelationListResponse{StatusMsg: pack.OK, UserList: pack.Users(in.Base, users)}, nil
}

// FriendList is a user's friends, each with the latest message between the friend and the viewer.
func (h *Handler) FriendList(ctx context.Context, in *call.Call) (any, error) {
	id, err := target(in)
	if err != nil {
		return nil, err
	}
	r, err := h.Clients.Social.ListFriends(ctx, &social.ListFriendsRequest{UserId: id, Page: fullPage()})
	if err != nil {
		return nil, err
	}
	friends, err := h.View.Friends(ctx, in.Viewer, r.UserIds)
	if err != nil {
		return nil, err
	}
	return &api.FriendListResponse{StatusMsg: pack.OK, UserList: pack.Friends(in.Base, in.Viewer, friends)}, nil
}
