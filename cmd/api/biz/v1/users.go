package v1

import (
	"context"

	"tiktok/cmd/api/biz/call"
	model "tiktok/cmd/api/biz/model/v1"
	"tiktok/kitex_gen/social"
	"tiktok/pkg/errno"
)

// GetUser is the profile of an account.
func (a *API) GetUser(ctx context.Context, in *call.Call) (any, error) {
	id, err := pathID(in, "user_id")
	if err != nil {
		return nil, err
	}
	return a.user(ctx, in, id)
}

// user is the profile of an account that has to exist.
func (a *API) user(ctx context.Context, in *call.Call, id int64) (*model.User, error) {
	p, err := a.view.Profile(ctx, in.Viewer, id)
	if err != nil {
		return nil, err
	}
	if p.User == nil {
		return nil, errno.UserNotFound
	}
	return renderUser(in.Base, &p), nil
}

// mustExist fails for an account that does not exist, whose lists are empty like those of one that has none.
func (a *API) mustExist(ctx context.Context, in *call.Call, id int64) error {
	_, err := a.user(ctx, in, id)
	return err
}

// Follow makes the viewer follow a user.
func (a *API) Follow(ctx context.Context, in *call.Call) (any, error) {
	id, err := pathID(in, "user_id")
	if err != nil {
		return nil, err
	}
	_, err = a.shared.Clients.Social.Follow(ctx, &social.FollowRequest{UserId: in.Viewer, ToUserId: id})
	return nil, err
}

// Unfollow ends that.
func (a *API) Unfollow(ctx context.Context, in *call.Call) (any, error) {
	id, err := pathID(in, "user_id")
	if err != nil {
		return nil, err
	}
	_, err = a.shared.Clients.Social.Unfollow(ctx, &social.UnfollowRequest{UserId: in.Viewer, ToUserId: id})
	return nil, err
}

// ListFollowing is whom a user follows, last followed first.
func (a *API) ListFollowing(ctx context.Context, in *call.Call) (any, error) {
	id, page, err := listOf(in, "user_id")
	if err != nil {
		return nil, err
	}
	r, err := a.shared.Clients.Social.ListFollowing(ctx, &social.ListFollowingRequest{UserId: id, Page: page})
	if err != nil {
		return nil, err
	}
	return a.usersOf(ctx, in, id, r.UserIds, r.NextCursor)
}

// ListFollowers is who follows a user, newest first.
func (a *API) ListFollowers(ctx context.Context, in *call.Call) (any, error) {
	id, page, err := listOf(in, "user_id")
	if err != nil {
		return nil, err
	}
	r, err := a.shared.Clients.Social.ListFollowers(ctx, &social.ListFollowersRequest{UserId: id, Page: page})
	if err != nil {
		return nil, err
	}
	return a.usersOf(ctx, in, id, r.UserIds, r.NextCursor)
}

// ListFriends is the viewer's friends, last followed first.
func (a *API) ListFriends(ctx context.Context, in *call.Call) (any, error) {
	page, err := page(in)
	if err != nil {
		return nil, err
	}
	r, err := a.shared.Clients.Social.ListFriends(ctx, &social.ListFriendsRequest{UserId: in.Viewer, Page: page})
	if err != nil {
		return nil, err
	}
	return a.usersOf(ctx, in, in.Viewer, r.UserIds, r.NextCursor)
}

// usersOf is a page of a list of a user's.
func (a *API) usersOf(ctx context.Context, in *call.Call, owner int64, ids []int64, next string) (any, error) {
	if len(ids) == 0 {
		return &model.UserPage{Items: []*model.User{}}, a.mustExist(ctx, in, owner)
	}
	users, err := a.view.Profiles(ctx, in.Viewer, ids)
	if err != nil {
		return nil, err
	}
	return &model.UserPage{Items: renderUsers(in.Base, users), NextCursor: next}, nil
}
