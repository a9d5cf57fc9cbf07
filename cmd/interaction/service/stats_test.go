package service

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp/cmpopts"

	"tiktok/cmd/interaction/dal/cache"
	"tiktok/kitex_gen/common"
	"tiktok/kitex_gen/interaction"
	"tiktok/pkg/errno"
	"tiktok/pkg/kv"
	"tiktok/pkg/sqldb/sqldbtest"
)

func TestMGetStats(t *testing.T) {
	f := onSQLite(t, nil)
	f.like(t, 101, videoOf(1, 1))
	f.like(t, 102, videoOf(1, 2))
	f.comment(t, 101, videoOf(1, 2), "hi")

	resp, err := f.client.MGetStats(t.Context(), &interaction.MGetStatsRequest{
		VideoIds: []int64{videoOf(1, 2), videoOf(1, 1), videoOf(1, 1), 0, -3, 424242},
		UserIds:  []int64{1, 101, 1, 0, -3, 424242},
		ViewerQueries: []*interaction.ViewerQuery{
			{ViewerId: 101, VideoIds: []int64{videoOf(1, 2), videoOf(1, 1), 424242}, UserIds: []int64{1, 101}},
			{ViewerId: 424242, VideoIds: []int64{videoOf(1, 2)}},
			{ViewerId: 102, UserIds: []int64{1}},
			{ViewerId: 102, VideoIds: []int64{videoOf(1, 1), videoOf(1, 2)}},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "videos", map[int64]*interaction.VideoStats{
		videoOf(1, 1): {FavoriteCount: 1}, videoOf(1, 2): {FavoriteCount: 1, CommentCount: 1}, 424242: {},
	}, resp.Videos)
	same(t, "users", map[int64]*interaction.UserStats{1: {TotalFavorited: 2}, 101: {FavoriteCount: 1}, 424242: {}}, resp.Users)
	var likes [][]int64
	for _, s := range resp.ViewerStates {
		likes = append(likes, s.FavoriteIds)
		if len(s.Videos)+len(s.Users) > 0 {
			t.Errorf("nothing is pending, and seen are %v", s)
		}
	}
	same(t, "likes", [][]int64{{videoOf(1, 1)}, nil, nil, {videoOf(1, 2)}}, likes, cmpopts.EquateEmpty())
}

// The likes of a user with more than are cached are read row by row, and show the same.
func TestManyLikes(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		var all []int64
		for n := range int64(cache.MaxLikes + 1) {
			all = append(all, videoOf(1, n))
		}
		check := func(want ...int64) {
			t.Helper()
			videos, _ := f.see(t, 101, all, nil)
			var got []int64
			for _, id := range all {
				if videos[id].IsFavorite {
					got = append(got, id)
				}
			}
			same(t, "likes", want, got)
			list := f.favorites(t, 101, 0)
			slices.Sort(list)
			same(t, "list", want, list)
		}
		if err := f.apply(t.Context(), f.likeEvents(101, all[:cache.MaxLikes]...)); err != nil {
			t.Fatal(err)
		}
		check(all[:cache.MaxLikes]...)
		f.like(t, 101, all[cache.MaxLikes])
		check(all...)
		f.unlike(t, 101, all[0])
		check(all[1:]...)
		f.like(t, 101, all[0])
		check(all...)
	})
}

func TestMGetStatsBounds(t *testing.T) {
	f := onSQLite(t, nil)
	ids := func(n int) []int64 {
		ids := make([]int64, n)
		for i := range ids {
			ids[i] = int64(i + 1)
		}
		return ids
	}
	queries := func(n int, of []int64) []*interaction.ViewerQuery {
		queries := make([]*interaction.ViewerQuery, n)
		for i := range queries {
			queries[i] = &interaction.ViewerQuery{ViewerId: int64(i + 1), VideoIds: of}
		}
		return queries
	}
	for _, tc := range []struct {
		what string
		req  interaction.MGetStatsRequest
		ok   bool
	}{
		{"nothing", interaction.MGetStatsRequest{}, true},
		{"as many videos", interaction.MGetStatsRequest{VideoIds: ids(common.MAX_BATCH)}, true},
		{"one more video", interaction.MGetStatsRequest{VideoIds: ids(common.MAX_BATCH + 1)}, false},
		{"as many users", interaction.MGetStatsRequest{UserIds: ids(common.MAX_BATCH)}, true},
		{"one more user", interaction.MGetStatsRequest{UserIds: ids(common.MAX_BATCH + 1)}, false},
		{"as many queries", interaction.MGetStatsRequest{ViewerQueries: queries(common.MAX_BATCH, ids(10))}, true},
		{"one more query", interaction.MGetStatsRequest{ViewerQueries: queries(common.MAX_BATCH+1, nil)}, false},
		{"one more id in queries", interaction.MGetStatsRequest{
			ViewerQueries: append(queries(common.MAX_BATCH-1, ids(10)), queries(1, ids(11))...),
		}, false},
		{"a query of nobody", interaction.MGetStatsRequest{ViewerQueries: []*interaction.ViewerQuery{{ViewerId: 0}}}, false},
	} {
		resp, err := f.client.MGetStats(t.Context(), &tc.req)
		switch {
		case !tc.ok && !errno.From(err).Is(errno.InvalidArgument):
			t.Errorf("%s: %v", tc.what, err)
		case tc.ok && err != nil:
			t.Errorf("%s: %v", tc.what, err)
		case tc.ok && (len(resp.Videos) != len(tc.req.VideoIds) || len(resp.Users) != len(tc.req.UserIds) ||
			len(resp.ViewerStates) != len(tc.req.ViewerQueries)):
			t.Errorf("%s: %d, %d, %d", tc.what, len(resp.Videos), len(resp.Users), len(resp.ViewerStates))
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
		if err := f.apply(t.Context(), f.likeEvents(101, ids...)); err != nil {
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
		stats := func(videos, users []int64, viewers ...int64) func() error {
			return func() error {
				req := &interaction.MGetStatsRequest{VideoIds: videos, UserIds: users}
				for _, id := range viewers {
					req.ViewerQueries = append(req.ViewerQueries, &interaction.ViewerQuery{ViewerId: id, VideoIds: videos, UserIds: users})
				}
				_, err := f.client.MGetStats(t.Context(), req)
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
			{"1 video", stats(ids[:1], nil, 101), 2},
			{"100 videos, the viewer's likes are cached", stats(ids[1:101], nil, 101), 1},
			{"100 cached videos", stats(ids[1:101], nil, 101), 0},
			{"100 videos, half of them cached", stats(ids[50:150], nil, 101), 1},
			{"100 cached videos for a visitor", stats(ids[1:101], nil), 0},
			{"100 cached videos for 5 other viewers", stats(ids[1:101], nil, 1, 2, 3, 4, 5), 1},
			{"nothing", stats(nil, nil, 101), 0},
			{"1 user", stats(nil, []int64{1}), 1},
			{"100 users", stats(nil, ids[:100], 101), 1},
			{"100 cached users", stats(nil, ids[:100], 101), 0},
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
		same(t, "video", seenVideo{FavoriteCount: n + 1, CommentCount: n + 1, IsFavorite: true}, f.videoStats(t, 101, v))
		same(t, "author", interaction.UserStats{TotalFavorited: n + 1}, f.userStats(t, 1))
	}
	if err := f.Ready(t.Context()); err != nil {
		t.Errorf("Ready: %v", err)
	}
}
