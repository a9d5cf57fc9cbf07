package main

import (
	"context"
	"math"

	chatdb "tiktok/cmd/chat/dal/db"
	interactiondb "tiktok/cmd/interaction/dal/db"
	socialdb "tiktok/cmd/social/dal/db"
	userdb "tiktok/cmd/user/dal/db"
	videodb "tiktok/cmd/video/dal/db"
)

func feedSQL(_ *dataset, db stores) statement {
	store := videodb.New(db["video"])
	return func(ctx context.Context, _ uint64) error {
		_, err := store.Feed(ctx, 0, feedSize)
		return err
	}
}

func userSQL(d *dataset, db stores) statement {
	store := userdb.New(db["user"])
	return func(ctx context.Context, n uint64) error {
		_, err := store.MGet(ctx, []int64{d.fame(n).id})
		return err
	}
}

func worksSQL(d *dataset, db stores) statement {
	store := videodb.New(db["video"])
	return func(ctx context.Context, n uint64) error {
		_, err := store.ListByAuthor(ctx, d.works[n%uint64(len(d.works))].ID, 0, pageLimit)
		return err
	}
}

func favoritesSQL(d *dataset, db stores) statement {
	store := interactiondb.New(db["interaction"])
	return func(ctx context.Context, n uint64) error {
		_, err := store.ListFavorites(ctx, d.favorites[n%uint64(len(d.favorites))].ID, math.MaxInt64, pageLimit)
		return err
	}
}

func commentsSQL(d *dataset, db stores) statement {
	store := interactiondb.New(db["interaction"])
	return func(ctx context.Context, n uint64) error {
		_, err := store.ListComments(ctx, d.comments[n%uint64(len(d.comments))].ID, math.MaxInt64, pageLimit)
		return err
	}
}

func followingSQL(d *dataset, db stores) statement {
	store := socialdb.New(db["social"])
	return func(ctx context.Context, n uint64) error {
		_, err := store.ListFollowing(ctx, d.following[n%uint64(len(d.following))].ID, 0, pageLimit)
		return err
	}
}

func followersSQL(d *dataset, db stores) statement {
	store := socialdb.New(db["social"])
	return func(ctx context.Context, n uint64) error {
		_, err := store.ListFollowers(ctx, d.followers[n%uint64(len(d.followers))].ID, 0, pageLimit)
		return err
	}
}

func friendsSQL(d *dataset, db stores) statement {
	store := socialdb.New(db["social"])
	return func(ctx context.Context, n uint64) error {
		_, err := store.ListFriends(ctx, d.friends[n%uint64(len(d.friends))].ID, 0, pageLimit)
		return err
	}
}

func pollSQL(d *dataset, db stores) statement {
	store := chatdb.New(db["chat"])
	return func(ctx context.Context, n uint64) error {
		c := d.chats[n%uint64(len(d.chats))]
		_, err := store.After(ctx, d.users[c.user].id, c.peer, c.peer, c.lastMs, pageLimit)
		return err
	}
}
