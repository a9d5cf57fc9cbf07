package view

import (
	"context"

	"tiktok/kitex_gen/user"
	"tiktok/kitex_gen/video"
	"tiktok/pkg/coalesce"
)

// VideoCards are the videos of ids that still exist, in that order, with the accounts of their authors and without any counters: for a
// preview of a link. 2 calls in 2 steps. Concurrent requests share them.
func (v *View) VideoCards(ctx context.Context, ids []int64) ([]Video, error) {
	found, err := v.videos.Start(ctx, ids).Wait(ctx)
	if err != nil {
		return nil, err
	}
	videos, authors := make([]*video.Video, 0, len(ids)), make([]int64, 0, len(ids))
	for _, id := range ids {
		if x := found[id]; x != nil {
			videos, authors = append(videos, x), append(authors, x.AuthorId)
		}
	}
	if len(videos) == 0 {
		return nil, nil
	}
	users, err := v.users.Start(ctx, usersQuery{users: coalesce.Distinct(authors)}).Wait(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]Video, len(videos))
	for i, x := range videos {
		out[i] = Video{Video: x, Author: Profile{ID: x.AuthorId, User: users[x.AuthorId]}}
	}
	return out, nil
}

// UserCard is the account of a name, without any counters: for a preview of a link. 1 call. Fails with errno.UserNotFound.
func (v *View) UserCard(ctx context.Context, name string) (*user.User, error) {
	r, err := v.clients.User.FindUser(ctx, &user.FindUserRequest{Username: name})
	if err != nil {
		return nil, err
	}
	return r.User, nil
}
