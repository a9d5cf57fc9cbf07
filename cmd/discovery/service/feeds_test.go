package service

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"tiktok/cmd/discovery/dal/db"
	"tiktok/config"
	"tiktok/kitex_gen/common"
	"tiktok/kitex_gen/discovery"
	"tiktok/pkg/errno"
	"tiktok/pkg/kv/kvtest"
	"tiktok/pkg/sqldb"
	"tiktok/pkg/sqldb/sqldbtest"
	"tiktok/pkg/telemetry"
)

// eachCached is a service with a cache, and the other services, which tell it what happens.
func eachCached(t *testing.T, fn func(t *testing.T, f *filled)) {
	sqldbtest.Each(t, Name, db.Migrations(), func(t *testing.T, sql *sqldb.DB) {
		w := newWorld(1, time.Now().Add(-time.Hour))
		s := New(Deps{
			Store: db.New(sql), Peers: w.peers(t), Tel: telemetry.Discard(), Config: config.Default().Discovery, Cache: kvtest.Shared(t),
			Now: func() time.Time { w.mu.Lock(); defer w.mu.Unlock(); return w.at },
		})
		fn(t, &filled{s, w, sql})
	})
}

// The page of a tag has its videos, newest first, however the tag is written; pages do not overlap, and what is deleted is on none.
func TestTagPages(t *testing.T) {
	eachCached(t, func(t *testing.T, f *filled) {
		author := f.register()
		var want []int64
		for i := range 25 {
			if i%3 != 0 {
				f.at = f.at.Add(time.Second)
			}
			want = append(want, f.publish(author, "#Cat", "a", "b", fmt.Sprint(i)))
			f.publish(author, "#dog", "a", "b", "c")
		}
		f.remove(want[7])
		f.applied(t, f.sent...)
		f.at = f.at.Add(time.Second)
		want = slices.Delete(want, 7, 8)
		slices.Reverse(want)
		var got []int64
		for page, cursor := 0, ""; page == 0 || cursor != ""; page++ {
			resp, err := f.ListTagVideos(t.Context(), &discovery.ListTagVideosRequest{Tag: "ＣＡＴ", Page: &common.Page{Limit: 10, Cursor: cursor}})
			if err != nil {
				t.Fatal(err)
			}
			got, cursor = append(got, resp.VideoIds...), resp.NextCursor
		}
		if !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
		for tag, n := range map[string]int64{"cat": 24, "dog": 25, "fish": 0} {
			resp, err := f.GetTag(t.Context(), &discovery.GetTagRequest{Tag: tag})
			if err != nil || resp.Tag.VideoCount != n || resp.Tag.Tag != tag {
				t.Errorf("%s: %v, %v; want %d", tag, resp, err, n)
			}
		}
		for _, req := range []*discovery.ListTagVideosRequest{
			{Tag: ""}, {Tag: "a b"}, {Tag: "cat", Page: &common.Page{Cursor: "x"}}, {Tag: "cat", Page: &common.Page{Limit: 101}},
		} {
			if _, err := f.ListTagVideos(t.Context(), req); !errors.Is(err, errno.InvalidArgument) {
				t.Errorf("%v: %v", req, err)
			}
		}
	})
}

// The tags of the hour are those of what is new and liked, with how many videos have each.
func TestTrendingTags(t *testing.T) {
	eachCached(t, func(t *testing.T, f *filled) {
		users := []int64{f.register(), f.register(), f.register(), f.register()}
		f.publish(users[0], "#new", "a", "b", "c")
		f.like(f.publish(users[1], "#liked", "a", "b", "c"), users...)
		f.publish(users[2], "#liked", "a", "b", "c")
		f.applied(t, f.sent...)
		if err := f.feeds.ComputeTrending(t.Context()); err != nil {
			t.Fatal(err)
		}
		resp, err := f.ListTrendingTags(t.Context(), &discovery.ListTrendingTagsRequest{})
		if err != nil || len(resp.Tags) != 2 || resp.Tags[0].Tag != "liked" || resp.Tags[0].VideoCount != 2 || resp.Tags[1].Tag != "new" {
			t.Errorf("%v, %v", resp, err)
		}
		if resp, err = f.ListTrendingTags(t.Context(), &discovery.ListTrendingTagsRequest{Limit: 1}); err != nil || len(resp.Tags) != 1 {
			t.Errorf("%v, %v", resp, err)
		}
		if _, err = f.ListTrendingTags(t.Context(), &discovery.ListTrendingTagsRequest{Limit: 51}); !errors.Is(err, errno.InvalidArgument) {
			t.Error(err)
		}
	})
}

// What happens in the other services makes feeds: what is liked is hot, who is followed is in Following, and by a timeline, too; a like
// counts at once for what is shown next.
func TestFeedsFollowEvents(t *testing.T) {
	eachCached(t, func(t *testing.T, f *filled) {
		f.feeds.Settings.FollowPull = 1
		viewer, friend, other, third := f.register(), f.register(), f.register(), f.register()
		f.follow(viewer, friend)
		f.follow(viewer, third)
		first := f.publish(friend, "#cat")
		liked := f.publish(other, "#dog")
		f.like(liked, friend, third)
		f.applied(t, f.sent...)
		page := func(kind discovery.Feed) (ids []int64) {
			t.Helper()
			resp, err := f.MRecommend(t.Context(), &discovery.MRecommendRequest{Queries: []*discovery.FeedQuery{{Feed: kind, ViewerId: viewer}}})
			if err != nil {
				t.Fatal(err)
			}
			for _, v := range resp.Answers[0].Videos {
				ids = append(ids, v.VideoId)
			}
			return ids
		}
		if got := page(discovery.Feed_FOLLOWING); !slices.Equal(got, []int64{first}) {
			t.Errorf("following: %v", got)
		}
		if got := page(discovery.Feed_HOT); !slices.Equal(got, []int64{liked}) {
			t.Errorf("hot: %v", got)
		}
		if got := page(discovery.Feed_FOR_YOU); len(got) != 2 {
			t.Errorf("for you: %v", got)
		}
		f.at = f.at.Add(time.Minute)
		second := f.publish(third, "#cat")
		f.applied(t, f.sent...)
		for worked := true; worked; {
			var err error
			if worked, err = f.store.Fanout(t.Context(), f.feeds.Settings.TimelineSize); err != nil {
				t.Fatal(err)
			}
		}
		if got := page(discovery.Feed_FOLLOWING); !slices.Equal(got, []int64{second, first}) {
			t.Errorf("following by a timeline: %v", got)
		}
		f.remove(second)
		f.applied(t, f.sent...)
		f.at = f.at.Add(time.Second)
		if got := page(discovery.Feed_FOLLOWING); !slices.Equal(got, []int64{first}) {
			t.Errorf("following after a deletion: %v", got)
		}
	})
}
