package service

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"tiktok/cmd/discovery/dal/db"
	"tiktok/cmd/discovery/dal/mq"
	"tiktok/config"
	"tiktok/kitex_gen/common"
	"tiktok/kitex_gen/discovery"
	"tiktok/kitex_gen/video"
	"tiktok/pkg/errno"
	"tiktok/pkg/id"
	"tiktok/pkg/kv/kvtest"
	"tiktok/pkg/queue"
	"tiktok/pkg/sqldb"
	"tiktok/pkg/sqldb/sqldbtest"
	"tiktok/pkg/telemetry"
)

// eachWatched runs fn over every SQL dialect with a service that takes watches. Its catalogue knows what the test puts there; the video
// service knows videos 1..200, of which those of author 7 are the odd ones and those of author 8 the even ones.
func eachWatched(t *testing.T, fn func(t *testing.T, s *Service, sql *sqldb.DB)) {
	sqldbtest.Each(t, Name, db.Migrations(), func(t *testing.T, sql *sqldb.DB) {
		w := newWorld(1, time.Now())
		for n := range int64(200) {
			w.videos[1+n] = &video.Video{Id: 1 + n, AuthorId: 8 - (1+n)%2}
		}
		q, err := queue.Open[mq.Event](t.Context(), queue.Config{Driver: queue.DriverMemory}, mq.Watches, nil)
		if err != nil {
			t.Fatal(err)
		}
		cache := kvtest.Shared(t)
		s := New(Deps{
			Store: db.New(sql), Cache: cache, Queue: q, IDs: id.New(0), Peers: w.peers(t), Tel: telemetry.Discard(),
			Config: config.Default().Discovery,
		})
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- s.watches.Run(ctx) }()
		t.Cleanup(func() {
			cancel()
			if err := errors.Join(<-done, q.Close(), cache.Close()); err != nil {
				t.Error(err)
			}
		})
		fn(t, s, sql)
	})
}

// list puts videos into the catalogue.
func list(t *testing.T, sql *sqldb.DB, videos ...db.Video) {
	t.Helper()
	if err := sql.Write.Create(&videos).Error; err != nil {
		t.Fatal(err)
	}
}

func addWatches(t *testing.T, s *Service, userID int64, watches ...*discovery.Watch) {
	t.Helper()
	if _, err := s.AddWatches(t.Context(), &discovery.AddWatchesRequest{UserId: userID, Watches: watches}); err != nil {
		t.Errorf("user %d: %v", userID, err)
	}
}

// A history is paged without what is gone from the catalogue; forgetting it is idempotent.
func TestHistoryPages(t *testing.T) {
	eachWatched(t, func(t *testing.T, s *Service, sql *sqldb.DB) {
		var want []int64
		for n := int64(1); n <= 40; n++ {
			gone := db.Video{ID: n, AuthorID: 7, ChangedSeq: n}
			if n%3 == 0 || n > 30 && n < 36 {
				gone.GoneMs = 1
			} else {
				want = append(want, n)
			}
			list(t, sql, gone)
			addWatches(t, s, 9, &discovery.Watch{VideoId: n, Session: "a", WatchedMs: 5000 + n})
		}
		slices.Reverse(want)
		for _, limit := range []int32{1, 3, 7, 0} {
			var got []int64
			for cursor := ""; ; {
				resp, err := s.ListHistory(t.Context(), &discovery.ListHistoryRequest{
					UserId: 9, Page: &common.Page{Cursor: cursor, Limit: limit},
				})
				if err != nil {
					t.Fatal(err)
				}
				if limit > 0 && len(resp.Watched) > int(limit) {
					t.Fatalf("a page of %d has %d", limit, len(resp.Watched))
				}
				for _, w := range resp.Watched {
					got = append(got, w.VideoId)
					if w.WatchedMs != 5000+w.VideoId || w.AtMs == 0 || w.Finished {
						t.Errorf("%+v", w)
					}
				}
				if cursor = resp.NextCursor; cursor == "" {
					break
				}
			}
			slices.SortStableFunc(got, func(a, b int64) int { return int(b - a) }) // of one millisecond: in any order
			if diff := gocmp.Diff(want, got); diff != "" {
				t.Errorf("pages of %d (-want +got):\n%s", limit, diff)
			}
		}
		for _, videoID := range []int64{40, 40, 0, 0} {
			if _, err := s.DeleteHistory(t.Context(), &discovery.DeleteHistoryRequest{UserId: 9, VideoId: videoID}); err != nil {
				t.Fatal(err)
			}
			resp, err := s.ListHistory(t.Context(), &discovery.ListHistoryRequest{UserId: 9})
			if err != nil || slices.ContainsFunc(resp.Watched, func(w *discovery.Watched) bool { return videoID == 0 || w.VideoId == videoID }) {
				t.Errorf("after %d was forgotten: %v, %v", videoID, resp, err)
			}
		}
		views, err := s.MGetViews(t.Context(), &discovery.MGetViewsRequest{VideoIds: []int64{40, 41}})
		if diff := gocmp.Diff(map[int64]int64{40: 1, 41: 0}, views.Views); err != nil || diff != "" {
			t.Errorf("views: %v %s", err, diff)
		}
	})
}

// Days without anything are there with zeros; videos are listed with what their sessions say, also those that nobody watched.
func TestAuthorStats(t *testing.T) {
	eachWatched(t, func(t *testing.T, s *Service, sql *sqldb.DB) {
		list(t, sql, db.Video{ID: 1, AuthorID: 7, PublishedMs: 100}, db.Video{ID: 3, AuthorID: 7, PublishedMs: 100},
			db.Video{ID: 5, AuthorID: 7, PublishedMs: 50}, db.Video{ID: 9, AuthorID: 7, PublishedMs: 400, GoneMs: 1},
			db.Video{ID: 11, AuthorID: 7, PublishedMs: 300}, db.Video{ID: 2, AuthorID: 8, PublishedMs: 200})
		addWatches(t, s, 9, &discovery.Watch{VideoId: 1, Session: "a", WatchedMs: 5000, Finished: true},
			&discovery.Watch{VideoId: 3, Session: "a", WatchedMs: 4000}, &discovery.Watch{VideoId: 2, Session: "a", WatchedMs: 4000})
		addWatches(t, s, 8, &discovery.Watch{VideoId: 1, Session: "a", WatchedMs: 6000})
		addWatches(t, s, 7, &discovery.Watch{VideoId: 1, Session: "a", WatchedMs: 6000}) // their own

		today := db.Day(time.Now().UnixMilli())
		const days = "INSERT INTO author_days (author_id, day, views, finishes, likes, followers) VALUES (7, ?, 3, 2, 4, 5), (7, ?, 9, 9, 9, 9)"
		err := sql.Write.Exec(days, today-2, today-9).Error
		if err != nil {
			t.Fatal(err)
		}
		resp, err := s.GetAuthorStats(t.Context(), &discovery.GetAuthorStatsRequest{AuthorId: 7, Days: 4})
		if err != nil {
			t.Fatal(err)
		}
		want := []*discovery.DayStats{
			{Day: int32(today - 3)},
			{Day: int32(today - 2), Views: 3, Finishes: 2, Likes: 4, Followers: 5},
			{Day: int32(today - 1)},
			{Day: int32(today), Views: 3, Finishes: 1},
		}
		if diff := gocmp.Diff(want, resp.Days); diff != "" {
			t.Errorf("days (-want +got):\n%s", diff)
		}

		wanted := []*discovery.VideoStats{
			{VideoId: 11}, {VideoId: 3, Views: 1, WatchedMs: 4000}, {VideoId: 1, Views: 2, Finishes: 1, WatchedMs: 11000}, {VideoId: 5},
		}
		for _, limit := range []int32{1, 2, 0} {
			var got []*discovery.VideoStats
			for cursor := ""; ; {
				page, err := s.ListVideoStats(t.Context(), &discovery.ListVideoStatsRequest{
					AuthorId: 7, Page: &common.Page{Cursor: cursor, Limit: limit},
				})
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, page.Videos...)
				if cursor = page.NextCursor; cursor == "" {
					break
				}
			}
			if diff := gocmp.Diff(wanted, got); diff != "" {
				t.Errorf("videos in pages of %d (-want +got):\n%s", limit, diff)
			}
		}
	})
}

func TestWatchRequestsRefused(t *testing.T) {
	eachWatched(t, func(t *testing.T, s *Service, _ *sqldb.DB) {
		ctx := t.Context()
		page := func(cursor string, limit int32) *common.Page { return &common.Page{Cursor: cursor, Limit: limit} }
		for name, call := range map[string]func() error{
			"watches of nobody": func() error {
				_, err := s.AddWatches(ctx, &discovery.AddWatchesRequest{Watches: []*discovery.Watch{{VideoId: 1, Session: "a"}}})
				return err
			},
			"no watches": func() error { _, err := s.AddWatches(ctx, &discovery.AddWatchesRequest{UserId: 9}); return err },
			"a missing watch": func() error {
				_, err := s.AddWatches(ctx, &discovery.AddWatchesRequest{UserId: 9, Watches: []*discovery.Watch{nil}})
				return err
			},
			"history of nobody": func() error { _, err := s.ListHistory(ctx, &discovery.ListHistoryRequest{}); return err },
			"a bad cursor": func() error {
				_, err := s.ListHistory(ctx, &discovery.ListHistoryRequest{UserId: 9, Page: page("7", 0)})
				return err
			},
			"a bad limit": func() error {
				_, err := s.ListHistory(ctx, &discovery.ListHistoryRequest{UserId: 9, Page: page("", 101)})
				return err
			},
			"forgetting a bad id": func() error {
				_, err := s.DeleteHistory(ctx, &discovery.DeleteHistoryRequest{UserId: 9, VideoId: -1})
				return err
			},
			"too many views": func() error {
				_, err := s.MGetViews(ctx, &discovery.MGetViewsRequest{VideoIds: make([]int64, 1001)})
				return err
			},
			"no days": func() error {
				_, err := s.GetAuthorStats(ctx, &discovery.GetAuthorStatsRequest{AuthorId: 7})
				return err
			},
			"too many days": func() error {
				_, err := s.GetAuthorStats(ctx, &discovery.GetAuthorStatsRequest{AuthorId: 7, Days: 367})
				return err
			},
			"statistics of nobody": func() error { _, err := s.ListVideoStats(ctx, &discovery.ListVideoStatsRequest{}); return err },
		} {
			if err := call(); !errors.Is(err, errno.InvalidArgument) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if _, err := s.GetAuthorStats(ctx, &discovery.GetAuthorStatsRequest{AuthorId: 7, Days: 366}); err != nil {
			t.Error(err)
		}
		many := make([]*discovery.Watch, discovery.MAX_WATCHES+1)
		for i := range many {
			many[i] = &discovery.Watch{VideoId: 2, Session: fmt.Sprint(i), WatchedMs: 1}
		}
		addWatches(t, s, 9, many[:discovery.MAX_WATCHES]...)
		if _, err := s.AddWatches(ctx, &discovery.AddWatchesRequest{UserId: 9, Watches: many}); !errors.Is(err, errno.InvalidArgument) {
			t.Errorf("too many watches: %v", err)
		}
	})
}

// The store and the contract mean the same by a view.
func TestViewMs(t *testing.T) {
	if db.ViewMs != discovery.VIEW_MS {
		t.Errorf("%d ms here, %d in the contract", db.ViewMs, discovery.VIEW_MS)
	}
}
