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
		_, err := store.MGet(ctx, []int64{d.fame(n)})
		return err
	}
}

// listSQL reads the first page of one of lists. start is where that is.
func listSQL[R any](lists []list, start int64, read func(ctx context.Context, id, before int64, limit int) (R, error)) statement {
	return func(ctx context.Context, n uint64) error {
		_, err := read(ctx, lists[n%uint64(len(lists))].ID, start, pageLimit)
		return err
	}
}

func worksSQL(d *dataset, db stores) statement {
	return listSQL(d.works, 0, videodb.New(db["video"]).ListByAuthor)
}

func favoritesSQL(d *dataset, db stores) statement {
	return listSQL(d.favorites, math.MaxInt64, interactiondb.New(db["interaction"]).ListFavorites)
}

func commentsSQL(d *dataset, db stores) statement {
	return listSQL(d.comments, math.MaxInt64, interactiondb.New(db["interaction"]).ListComments)
}

func followingSQL(d *dataset, db stores) statement {
	return followsSQL(d.following, db, socialdb.Following)
}

func followersSQL(d *dataset, db stores) statement {
	return followsSQL(d.followers, db, socialdb.Followers)
}

func friendsSQL(d *dataset, db stores) statement {
	return followsSQL(d.friends, db, socialdb.Friends)
}

func followsSQL(lists []list, db stores, l socialdb.List) statement {
	store := socialdb.New(db["social"])
	return listSQL(lists, 0, func(ctx context.Context, id, before int64, limit int) ([]socialdb.Entry, error) {
		return store.Page(ctx, l, id, before, limit)
	})
}

func pollSQL(d *dataset, db stores) statement {
	store := chatdb.New(db["chat"])
	return func(ctx context.Context, n uint64) error {
		c := d.chats[n%uint64(len(d.chats))]
		_, err := store.After(ctx, d.users[c.user].id, c.peer, c.peer, c.lastMs, pageLimit)
		return err
	}
}
