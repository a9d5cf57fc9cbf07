package service

import (
	"context"
	"errors"
	"testing"

	"tiktok/kitex_gen/common"
	"tiktok/kitex_gen/interaction"
	"tiktok/pkg/errno"
	"tiktok/pkg/kv"
	"tiktok/pkg/sqldb/sqldbtest"
)

func TestMGetStats(t *testing.T) {
	f := onSQLite(t, nil)
	f.like(t, 101, videoOf(1, 1))
	f.comment(t, 101, videoOf(1, 2), "hi")

	videos, err := f.client.MGetVideoStats(t.Context(), &interaction.MGetVideoStatsRequest{
		VideoIds: []int64{videoOf(1, 2), videoOf(1, 1), videoOf(1, 1), 0, -3, 424242},
		ViewerId: 101,
	})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "videos", map[int64]*interaction.VideoStats{
		videoOf(1, 1): {FavoriteCount: 1, IsFavorite: true},
		videoOf(1, 2): {CommentCount: 1},
		424242:        {},
	}, videos.Stats)

	users, err := f.client.MGetUserStats(t.Context(), &interaction.MGetUserStatsRequest{UserIds: []int64{1, 101, 1, 0, -3, 424242}})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "users", map[int64]*interaction.UserStats{1: {TotalFavorited: 1}, 101: {FavoriteCount: 1}, 424242: {}}, users.Stats)
}

func TestMGetStatsBounds(t *testing.T) {
	f := onSQLite(t, nil)
	for n, ok := range map[int]bool{0: true, common.MAX_BATCH: true, common.MAX_BATCH + 1: false} {
		ids := make([]int64, n)
		for i := range ids {
			ids[i] = int64(i + 1)
		}
		videos, err := f.client.MGetVideoStats(t.Context(), &interaction.MGetVideoStatsRequest{VideoIds: ids, ViewerId: 5})
		if ok && (err != nil || len(videos.Stats) != n) || !ok && !errno.From(err).Is(errno.InvalidArgument) {
			t.Errorf("MGetVideoStats of %d: %v", n, err)
		}
		users, err := f.client.MGetUserStats(t.Context(), &interaction.MGetUserStatsRequest{UserIds: ids})
		if ok && (err != nil || len(users.Stats) != n) || !ok && !errno.From(err).Is(errno.InvalidArgument) {
			t.Errorf("MGetUserStats of %d: %v", n, err)
		}
	}
}

// A page costs the same whatever its size, and a cached one costs nothing but the viewer's flags.
func TestConstantStatements(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		var ids []int64
		for n := range int64(200) {
			ids = append(ids, videoOf(1, n))
		}
		if err := f.apply(t.Context(), f.likes(101, ids...)); err != nil {
			t.Fatal(err)
		}
		count := sqldbtest.CountStatements(f.raw)
		cost := func(call func() error) int {
			t.Helper()
			before := count()
			if err := call(); err != nil {
				t.Fatal(err)
			}
			return count() - before
		}
		videos := func(viewer int64, ids []int64) func() error {
			return func() error {
				_, err := f.client.MGetVideoStats(t.Context(), &interaction.MGetVideoStatsRequest{VideoIds: ids, ViewerId: viewer})
				return err
			}
		}
		users := func(ids []int64) func() error {
			return func() error {
				_, err := f.client.MGetUserStats(t.Context(), &interaction.MGetUserStatsRequest{UserIds: ids})
				return err
			}
		}
		favorites := func(limit int32) func() error {
			return func() error {
				_, err := f.client.ListFavorites(t.Context(), &interaction.ListFavoritesRequest{UserId: 101, Page: &common.Page{Limit: limit}})
				return err
			}
		}
		comments := func(limit int32) func() error {
			return func() error {
				_, err := f.client.ListComments(t.Context(), &interaction.ListCommentsRequest{VideoId: videoOf(1, 1), Page: &common.Page{Limit: limit}})
				return err
			}
		}
		for _, tc := range []struct {
			what string
			call func() error
			want int
		}{
			{"1 video", videos(101, ids[:1]), 2},
			{"100 videos", videos(101, ids[1:101]), 2},
			{"100 cached videos", videos(101, ids[1:101]), 1},
			{"100 videos, half of them cached", videos(101, ids[50:150]), 2},
			{"100 cached videos for a visitor", videos(0, ids[1:101]), 0},
			{"no videos", videos(101, nil), 0},
			{"1 user", users([]int64{1}), 1},
			{"100 users", users(ids[:100]), 1},
			{"100 cached users", users(ids[:100]), 0},
			{"a list of 1 favorite", favorites(1), 1},
			{"a list of 100 favorites", favorites(100), 1},
			{"a list of 1 comment", comments(1), 1},
			{"a list of 100 comments", comments(100), 1},
		} {
			if got := cost(tc.call); got != tc.want {
				t.Errorf("%s: %d statements, want %d", tc.what, got, tc.want)
			}
		}
	})
}

// brokenCache fails at everything.
type brokenCache struct{ kv.Store }

var errBroken = errors.New("the cache is broken")

func (brokenCache) MGet(context.Context, []string) ([][]byte, error) { return nil, errBroken }
func (brokenCache) Set(context.Context, []kv.Item) error             { return errBroken }
func (brokenCache) Delete(context.Context, []string) error           { return errBroken }
func (brokenCache) Close() error                                     { return nil }

// Without a cache everything works and is fresh.
func TestCacheAway(t *testing.T) {
	f := onSQLite(t, func(d *Deps) { d.Cache = brokenCache{} })
	v := videoOf(1, 1)
	for n := range int64(3) {
		f.like(t, 101+n, v)
		f.comment(t, 101+n, v, "hi")
		same(t, "video", interaction.VideoStats{FavoriteCount: n + 1, CommentCount: n + 1, IsFavorite: true}, f.videoStats(t, 101, v))
		same(t, "author", interaction.UserStats{TotalFavorited: n + 1}, f.userStats(t, 1))
	}
	if err := f.Ready(t.Context()); err != nil {
		t.Errorf("Ready: %v", err)
	}
}
