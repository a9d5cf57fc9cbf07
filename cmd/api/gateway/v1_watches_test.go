package gateway_test

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tiktok/cmd/api/biz/model/v1"
	"tiktok/cmd/api/gateway"
	"tiktok/kitex_gen/common"
	"tiktok/kitex_gen/discovery"
	"tiktok/pkg/errno"
)

func TestV1Watches(t *testing.T) {
	var told atomic.Pointer[discovery.AddWatchesRequest]
	f := &fakes{addWatches: func(r *discovery.AddWatchesRequest) (*discovery.AddWatchesResponse, error) {
		told.Store(r)
		return &discovery.AddWatchesResponse{}, nil
	}}
	e := start(t, f)
	body := `{"items":[{"video_id":9,"session":"a-1","watched_ms":86400000,"is_finished":true,"more":[1]},
		{"video_id":3,"session":"海","watched_ms":0}]}`
	want := &discovery.AddWatchesRequest{UserId: 5, Watches: []*discovery.Watch{
		{VideoId: 9, Session: "a-1", WatchedMs: 86_400_000, Finished: true}, {VideoId: 3, Session: "海"},
	}}
	for name, headers := range map[string][]string{
		"bearer": e.bearer(5),
		// As fetch(…, {keepalive: true}) and navigator.sendBeacon of a page of this site send it.
		"cookie, keepalive":   e.cookie(5, "Sec-Fetch-Site", "same-origin", "Sec-Fetch-Mode", "cors", "Origin", e.url),
		"cookie, older":       e.cookie(5, "Origin", e.url),
		"cookie, sendBeacon":  e.cookie(5, "Sec-Fetch-Site", "same-origin", "Sec-Fetch-Mode", "no-cors", "Origin", e.url),
		"cookie, charset set": e.cookie(5, "Sec-Fetch-Site", "same-origin", "Content-Type", "application/json; charset=UTF-8"),
	} {
		told.Store(nil)
		wantStatus(t, e.v1("POST", "/watches", body, headers...), 204, nil)
		if diff := cmp.Diff(want, told.Load()); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	told.Store(nil)
	wantProblem(t, e.v1("POST", "/watches", body), 401, errno.Unauthenticated, "")
	wantProblem(t, e.v1("POST", "/watches", body, e.cookie(5, "Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example")...),
		403, errno.Forbidden, "not from a page of this site")
	wantProblem(t, e.v1("POST", "/watches", body, e.cookie(5, "Origin", e.url, "Content-Type", "text/plain;charset=UTF-8")...),
		415, errno.UnsupportedMediaType, "application/json")
	if told.Load() != nil {
		t.Error("a refused request was stored")
	}
	f.addWatches = func(*discovery.AddWatchesRequest) (*discovery.AddWatchesResponse, error) {
		return nil, errno.Unavailable
	}
	wantProblem(t, e.v1("POST", "/watches", body, e.bearer(5)...), 503, errno.Unavailable, "")
}

func TestV1WatchesAreChecked(t *testing.T) {
	var calls atomic.Int64
	f := &fakes{addWatches: func(*discovery.AddWatchesRequest) (*discovery.AddWatchesResponse, error) {
		calls.Add(1)
		return &discovery.AddWatchesResponse{}, nil
	}}
	e := start(t, f)
	const good = `{"video_id":9,"session":"s","watched_ms":1}`
	list := func(items ...string) string { return `{"items":[` + strings.Join(items, ",") + `]}` }
	of := func(n int) (items []string) {
		for range n {
			items = append(items, good)
		}
		return items
	}
	session := func(s string) string { return fmt.Sprintf(`{"video_id":9,"session":%q,"watched_ms":1}`, s) }
	for _, c := range []struct{ body, detail string }{
		{`{}`, "items has to be a list of 1 to 50 watches"},
		{`{"items":null}`, "items has to be a list of 1 to 50 watches"},
		{list(), "items has to be a list of 1 to 50 watches"},
		{list(of(51)...), "items has to be a list of 1 to 50 watches"},
		{`{"items":{}}`, `"items" has the wrong type`},
		{list(good, `5`), `"items.1" has the wrong type`},
		{list(good, good, `{"video_id":"9"}`), `"items.2.video_id" has the wrong type`},
		{list(`{"video_id":1e40}`), `"items.0.video_id" has the wrong type`},
		{list(`{"session":"a","session":"b"}`), `"items.0.session" is there twice`},
		{list(good, `null`), "items.1 is not an object"},
		{list(`{}`), "items.0.video_id is not an id"},
		{list(good, `{"video_id":-1,"session":"s","watched_ms":1}`), "items.1.video_id is not an id"},
		{list(`{"video_id":9007199254740992,"session":"s","watched_ms":1}`), "items.0.video_id is not an id"},
		{list(good, `{"video_id":9,"watched_ms":1}`), "items.1.session has to be a text of 1 to 36 characters"},
		{list(session(strings.Repeat("海", 37))), "items.0.session has to be"},
		{list(session(" ")), "items.0.session has to be"},
		{list(`{"video_id":9,"session":"a\u0000","watched_ms":1}`), "items.0.session has to be"},
		{list(`{"video_id":9,"session":"s","watched_ms":-1}`), "items.0.watched_ms has to be a number from 0 to 86400000"},
		{list(`{"video_id":9,"session":"s","watched_ms":86400001}`), "items.0.watched_ms has to be"},
		{list(`{"video_id":9,"session":"s","watched_ms":1.5}`), `"items.0.watched_ms" has the wrong type`},
	} {
		wantProblem(t, e.v1("POST", "/watches", c.body, e.bearer(5)...), 400, errno.InvalidArgument, c.detail)
	}
	if n := calls.Load(); n != 0 {
		t.Errorf("%d calls", n)
	}
	wantStatus(t, e.v1("POST", "/watches", list(append(of(49), session(strings.Repeat("海", 36)))...), e.bearer(5)...), 204, nil)
}

// A batch of watches counts as one write.
func TestV1WatchesAreLimited(t *testing.T) {
	e := start(t, &fakes{}, func(d *gateway.Deps) { d.Limits.WriteUser.Rate, d.Limits.WriteUser.Burst = 0.01, 2 })
	items := strings.Repeat(`{"video_id":9,"session":"s","watched_ms":1},`, 49) + `{"video_id":9,"session":"s","watched_ms":1}`
	for range 2 {
		wantStatus(t, e.v1("POST", "/watches", `{"items":[`+items+`]}`, e.bearer(5)...), 204, nil)
	}
	wantProblem(t, e.v1("POST", "/watches", `{"items":[`+items+`]}`, e.bearer(5)...), 429, errno.TooManyRequests, "")
}

func TestV1History(t *testing.T) {
	var asked, deleted atomic.Value
	f := &fakes{
		mgetVideos: library, views: watchedOften,
		listHistory: func(r *discovery.ListHistoryRequest) (*discovery.ListHistoryResponse, error) {
			asked.Store(r)
			return &discovery.ListHistoryResponse{NextCursor: "5-5", Watched: []*discovery.Watched{
				{VideoId: 9, AtMs: 1_764_400_530_123, WatchedMs: 4000, Finished: true},
				{VideoId: 404, AtMs: 7, WatchedMs: 7},
				{VideoId: 3, AtMs: 1000, WatchedMs: 10},
			}}, nil
		},
		deleteHistory: func(r *discovery.DeleteHistoryRequest) (*discovery.DeleteHistoryResponse, error) {
			deleted.Store(*r)
			return &discovery.DeleteHistoryResponse{}, nil
		},
	}
	e := start(t, f)
	var page v1.HistoryPage
	wantStatus(t, e.v1("GET", "/me/history?limit=3&cursor=9-9", "", e.bearer(5)...), 200, &page)
	if diff := cmp.Diff(&discovery.ListHistoryRequest{UserId: 5, Page: &common.Page{Cursor: "9-9", Limit: 3}}, asked.Load()); diff != "" {
		t.Errorf("asked: %s", diff)
	}
	var got []string
	for _, x := range page.Items {
		got = append(got, fmt.Sprint(shownVideo(x.Video), " ", x.WatchedAt, " ", x.WatchedMs, " ", x.IsFinished))
	}
	want := []string{
		"9 video 9 by user9, 109 views 2025-11-29T07:15:30.123Z 4000 true",
		"3 video 3 by user3, 103 views 1970-01-01T00:00:01.000Z 10 false",
	}
	if diff := cmp.Diff(want, got); diff != "" || page.NextCursor != "5-5" {
		t.Errorf("next %q, items: %s", page.NextCursor, diff)
	}
	if n := e.calls.Load(); n != 7 {
		t.Errorf("%d calls, want 7", n)
	}
	wantStatus(t, e.v1("DELETE", "/me/history", "", e.bearer(5)...), 204, nil)
	if diff := cmp.Diff(discovery.DeleteHistoryRequest{UserId: 5}, deleted.Load()); diff != "" {
		t.Error(diff)
	}
	wantStatus(t, e.v1("DELETE", "/me/history/9", "", e.bearer(5)...), 204, nil)
	if diff := cmp.Diff(discovery.DeleteHistoryRequest{UserId: 5, VideoId: 9}, deleted.Load()); diff != "" {
		t.Error(diff)
	}
	wantProblem(t, e.v1("DELETE", "/me/history/x", "", e.bearer(5)...), 400, errno.InvalidArgument, "video_id is not an id")
	for _, method := range []string{"GET", "DELETE"} {
		wantProblem(t, e.v1(method, "/me/history", ""), 401, errno.Unauthenticated, "")
	}
	f.listHistory = func(*discovery.ListHistoryRequest) (*discovery.ListHistoryResponse, error) {
		return nil, errno.Unavailable
	}
	wantProblem(t, e.v1("GET", "/me/history", "", e.bearer(5)...), 503, errno.Unavailable, "")
}

func TestV1Statistics(t *testing.T) {
	var days atomic.Value
	f := &fakes{
		mgetVideos: library, views: watchedOften,
		authorStats: func(r *discovery.GetAuthorStatsRequest) (*discovery.GetAuthorStatsResponse, error) {
			days.Store(fmt.Sprint(r.AuthorId, " ", r.Days))
			return &discovery.GetAuthorStatsResponse{Days: []*discovery.DayStats{
				{Day: 20_421, Views: 12, Finishes: 7, Likes: 3, Followers: 1}, {Day: 20_422},
			}}, nil
		},
		videoStats: func(*discovery.ListVideoStatsRequest) (*discovery.ListVideoStatsResponse, error) {
			return &discovery.ListVideoStatsResponse{NextCursor: "5-5", Videos: []*discovery.VideoStats{
				{VideoId: 9, Views: 3, Finishes: 2, WatchedMs: 10_000}, {VideoId: 404, Views: 1}, {VideoId: 3},
			}}, nil
		},
	}
	e := start(t, f)
	var s v1.Statistics
	wantStatus(t, e.v1("GET", "/me/statistics", "", e.bearer(5)...), 200, &s)
	want := v1.Statistics{Days: []*v1.DayStatistics{
		{Date: "2025-11-29", ViewCount: 12, FinishCount: 7, LikeCount: 3, FollowerCount: 1}, {Date: "2025-11-30"},
	}}
	if diff := cmp.Diff(want, s); diff != "" || days.Load() != "5 28" {
		t.Errorf("asked %v, got %s", days.Load(), diff)
	}
	wantStatus(t, e.v1("GET", "/me/statistics?days=366", "", e.bearer(5)...), 200, nil)
	if days.Load() != "5 366" {
		t.Errorf("asked %v", days.Load())
	}
	for _, bad := range []string{"0", "367", "x", "-1", "70000"} {
		a := e.v1("GET", "/me/statistics?days="+bad, "", e.bearer(5)...)
		wantProblem(t, a, 400, errno.InvalidArgument, "days has to be a number from 1 to 366")
	}
	wantProblem(t, e.v1("GET", "/me/statistics", ""), 401, errno.Unauthenticated, "")

	e.calls.Store(0)
	var page v1.VideoStatisticsPage
	wantStatus(t, e.v1("GET", "/me/statistics/videos", "", e.bearer(5)...), 200, &page)
	var got []string
	for _, x := range page.Items {
		got = append(got, fmt.Sprint(shownVideo(x.Video), " ", x.ViewCount, " ", x.FinishCount, " ", x.AverageWatchedMs))
	}
	if diff := cmp.Diff([]string{"9 video 9 by user9, 3 views 3 2 3333", "3 video 3 by user3, 0 views 0 0 0"}, got); diff != "" {
		t.Error(diff)
	}
	if n := e.calls.Load(); n != 6 || page.NextCursor != "5-5" {
		t.Errorf("%d calls, want 6; next %q", n, page.NextCursor)
	}
	wantProblem(t, e.v1("GET", "/me/statistics/videos", ""), 401, errno.Unauthenticated, "")
}
