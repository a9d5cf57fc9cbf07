package contract_test

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	v1 "tiktok/cmd/api/biz/model/v1"
	"tiktok/pkg/errno"
	"tiktok/test/harness"
)

// soon waits until an answer is what is wanted: services hear of each other's changes a little later.
func soon(t *testing.T, check func() error) {
	t.Helper()
	harness.Eventually(t, 20*time.Second, check)
}

// hits are the videos that a search finds, each with what fits of its title.
func hits(t *testing.T, u *v1User, q string, limit int) (found []string) {
	t.Helper()
	for cursor := ""; ; {
		var page v1.VideoHitPage
		u.do(t, get, at("/search/videos?q=%s&limit=%d&cursor=%s", url.QueryEscape(q), limit, url.QueryEscape(cursor)), nil, 200, &page)
		for _, h := range page.Items {
			title := []rune(h.Video.Title)
			text := h.Video.Title + ":"
			for _, s := range h.TitleSpans {
				text += string(title[s.Start : s.Start+s.Length])
			}
			found = append(found, text)
		}
		if cursor = page.NextCursor; cursor == "" || len(found) > 1000 {
			return found
		}
	}
}

// testV1Search: what is published is found by its words in both scripts, its tags and its author; users and tags are found as well.
func testV1Search(t *testing.T, d *harness.Deployment, doc *v1Document) {
	w := newWorld(t, d)
	eve, visitor := doc.user(d, w.eve), doc.user(d, d.Visitor())
	word := "zq" + strings.ToLower(w.bob.Name)
	titles := []string{at("%s in the morning", word), at("日落%s的海滩 #%stag", word, word), at("%s at night #%stag", word, word)}
	var ids []int64
	for _, title := range titles {
		ids = append(ids, w.bob.Publish(t, title).ID)
	}
	want := []string{titles[0] + ":" + word, titles[1] + ":" + word, titles[2] + ":" + word}
	slices.Sort(want)
	for _, u := range []*v1User{eve, visitor} {
		for _, limit := range []int{1, 100} {
			soon(t, func() error {
				got := hits(t, u, word, limit)
				if slices.Sort(got); !slices.EqualFunc(got, want, func(g, w string) bool { return strings.HasPrefix(g, w) }) {
					return fmt.Errorf("found (-want +got):\n%s", cmp.Diff(want, got))
				}
				return nil
			})
		}
	}
	if got := hits(t, eve, "日落 "+word, 30); len(got) == 0 || !strings.HasPrefix(got[0], titles[1]+":日落") {
		t.Errorf("in two scripts: %q", got)
	}
	soon(t, func() error {
		var tags v1.TagPage
		eve.do(t, get, "/search/tags?q="+word, nil, 200, &tags)
		if len(tags.Items) != 1 || tags.Items[0].Name != word+"tag" || tags.Items[0].VideoCount != 2 {
			return fmt.Errorf("tags %+v", tags)
		}
		var users v1.UserHitPage
		eve.do(t, get, "/search/users?q="+url.QueryEscape(w.bob.Name), nil, 200, &users)
		if len(users.Items) == 0 || users.Items[0].User.ID != w.bob.ID || len(users.Items[0].NameSpans) == 0 {
			return fmt.Errorf("users %+v", users)
		}
		var list v1.SuggestionList
		eve.do(t, get, "/search/suggestions?limit=20&q="+url.QueryEscape(w.bob.Name), nil, 200, &list)
		for _, s := range list.Items {
			if s.Kind == "user" && s.User.ID == w.bob.ID && s.Text == w.bob.Name {
				return nil
			}
		}
		return fmt.Errorf("suggestions %+v", list)
	})
	doc.user(d, w.bob).do(t, del, at("/videos/%d", ids[0]), nil, 204, nil)
	if got := hits(t, eve, word, 30); len(got) != 2 {
		t.Errorf("after one was deleted: %q", got)
	}
	for _, kind := range []string{"videos", "users", "tags", "suggestions"} {
		visitor.fails(t, get, "/search/"+kind, nil, errno.InvalidArgument)
	}
}

// testV1Tags: a tag's page has its videos, however the tag is written.
func testV1Tags(t *testing.T, d *harness.Deployment, doc *v1Document) {
	w := newWorld(t, d)
	eve := doc.user(d, w.eve)
	tag := "海zt" + strings.ToLower(w.bob.Name)
	var want []int64
	for i := range 3 {
		want = append([]int64{w.bob.Publish(t, at("%d at #%s", i, strings.ToUpper(tag))).ID}, want...)
	}
	for _, name := range []string{tag, strings.ToUpper(tag)} {
		soon(t, func() error {
			var found v1.Tag
			eve.do(t, get, "/tags/"+url.PathEscape(name), nil, 200, &found)
			if found.Name != tag || found.VideoCount != 3 {
				return fmt.Errorf("tag %+v", found)
			}
			return nil
		})
		var got []int64
		for cursor := ""; ; {
			var page v1.VideoPage
			eve.do(t, get, at("/tags/%s/videos?limit=2&cursor=%s", url.PathEscape(name), url.QueryEscape(cursor)), nil, 200, &page)
			for _, v := range page.Items {
				got = append(got, v.ID)
			}
			if cursor = page.NextCursor; cursor == "" || len(got) > 100 {
				break
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("videos of %s: %s", name, diff)
		}
	}
	var trending v1.TagPage
	doc.user(d, d.Visitor()).do(t, get, "/tags", nil, 200, &trending)
	if trending.NextCursor != "" {
		t.Errorf("trending tags go on at %q", trending.NextCursor)
	}
	var none v1.Tag
	eve.do(t, get, "/tags/"+tag+"x", nil, 200, &none)
	if none.VideoCount != 0 {
		t.Errorf("a tag that nobody uses: %+v", none)
	}
}

// testV1Feeds: each feed has pages of videos with reasons, and no page has what an earlier one had.
func testV1Feeds(t *testing.T, d *harness.Deployment, doc *v1Document) {
	w := newWorld(t, d)
	ann, visitor := doc.user(d, w.ann), doc.user(d, d.Visitor())
	var own []int64
	for i := range 3 {
		own = append([]int64{w.bob.Publish(t, at("feed %d of %s", i, w.bob.Name)).ID}, own...)
	}
	own = append(own, w.video.ID)
	pages := func(u *v1User, feed string) (ids []int64, kinds map[string]bool) {
		t.Helper()
		kinds = map[string]bool{}
		for cursor := ""; ; {
			var page v1.FeedItemPage
			u.do(t, get, at("/feeds/%s?limit=3&cursor=%s", feed, url.QueryEscape(cursor)), nil, 200, &page)
			for _, x := range page.Items {
				ids, kinds[x.Reason.Kind] = append(ids, x.Video.ID), true
			}
			if cursor = page.NextCursor; cursor == "" || len(page.Items) == 0 || len(ids) > 30 {
				return ids, kinds
			}
		}
	}
	soon(t, func() error {
		if got, kinds := pages(ann, "following"); !slices.Equal(got, own) || len(kinds) != 1 || !kinds["followed"] {
			return fmt.Errorf("following: %v for %v, want %v", got, kinds, own)
		}
		return nil
	})
	for _, u := range []*v1User{ann, visitor} {
		soon(t, func() error {
			got, kinds := pages(u, "for-you")
			sorted := slices.Clone(got)
			slices.Sort(sorted)
			if len(got) == 0 || len(slices.Compact(sorted)) != len(got) {
				return fmt.Errorf("for you: %v for %v", got, kinds)
			}
			return nil
		})
	}
	soon(t, func() error {
		if got, _ := pages(visitor, "hot"); !slices.Contains(got, w.video.ID) { // ann likes it
			return fmt.Errorf("hot: %v, want %d in it", got, w.video.ID)
		}
		return nil
	})
	visitor.fails(t, get, "/feeds/following", nil, errno.Unauthenticated)
}

// testV1Watches: what is told twice counts once, is a view for others only, and is forgotten on demand.
func testV1Watches(t *testing.T, d *harness.Deployment, doc *v1Document) {
	w := newWorld(t, d)
	eve, bob := doc.user(d, w.eve), doc.user(d, w.bob)
	second := w.bob.Publish(t, "second of "+w.bob.Name)
	tell := func(u *v1User, items ...*v1.Watch) {
		t.Helper()
		u.do(t, post, "/watches", v1.AddWatchesRequest{Items: items}, 204, nil)
	}
	finished := true
	long := &v1.Watch{VideoID: w.video.ID, Session: "one", WatchedMs: 5000, IsFinished: &finished}
	short := &v1.Watch{VideoID: second.ID, Session: "one", WatchedMs: 2999}
	soon(t, func() error { // discovery has to know the videos
		tell(eve, long, short, &v1.Watch{VideoID: nobody, Session: "one", WatchedMs: 5000})
		tell(eve, long)
		tell(bob, long) // their own
		var history v1.HistoryPage
		if eve.do(t, get, "/me/history", nil, 200, &history); len(history.Items) != 2 {
			return fmt.Errorf("history %+v", history)
		}
		for _, x := range history.Items {
			if whole := x.Video.ID == w.video.ID; x.IsFinished != whole || whole && x.WatchedMs != 5000 || !whole && x.WatchedMs != 2999 {
				t.Errorf("watched %+v", x)
			}
		}
		return nil
	})
	views := func(video, want int64) {
		t.Helper()
		soon(t, func() error {
			var v v1.Video
			if bob.do(t, get, at("/videos/%d", video), nil, 200, &v); v.ViewCount != want {
				return fmt.Errorf("video %d has %d views, want %d", video, v.ViewCount, want)
			}
			return nil
		})
	}
	views(w.video.ID, 1)
	views(second.ID, 0)
	tell(eve, &v1.Watch{VideoID: second.ID, Session: "one", WatchedMs: 3000}, &v1.Watch{VideoID: second.ID, Session: "two", WatchedMs: 3000})
	views(second.ID, 2)
	var page v1.HistoryPage
	eve.do(t, get, "/me/history?limit=1", nil, 200, &page)
	if len(page.Items) != 1 || page.Items[0].Video.ID != second.ID || page.NextCursor == "" {
		t.Errorf("first page %+v", page)
	}
	eve.do(t, get, "/me/history?limit=1&cursor="+url.QueryEscape(page.NextCursor), nil, 200, &page)
	if len(page.Items) != 1 || page.Items[0].Video.ID != w.video.ID {
		t.Errorf("second page %+v", page)
	}
	for range 2 {
		eve.do(t, del, at("/me/history/%d", second.ID), nil, 204, nil)
	}
	eve.do(t, get, "/me/history", nil, 200, &page)
	if len(page.Items) != 1 || page.Items[0].Video.ID != w.video.ID {
		t.Errorf("after one was forgotten: %+v", page)
	}
	for range 2 {
		eve.do(t, del, "/me/history", nil, 204, nil)
	}
	if eve.do(t, get, "/me/history", nil, 200, &page); len(page.Items) != 0 || page.NextCursor != "" {
		t.Errorf("after all was forgotten: %+v", page)
	}
	views(w.video.ID, 1)
	views(second.ID, 2)
	eve.fails(t, post, "/watches", v1.AddWatchesRequest{Items: []*v1.Watch{}}, errno.InvalidArgument)
}

// testV1Statistics: an author reads what their videos got, by day and by video.
func testV1Statistics(t *testing.T, d *harness.Deployment, doc *v1Document) {
	w := newWorld(t, d)
	ann, eve, bob := doc.user(d, w.ann), doc.user(d, w.eve), doc.user(d, w.bob)
	finished := true
	soon(t, func() error {
		eve.do(t, post, "/watches", v1.AddWatchesRequest{Items: []*v1.Watch{{VideoID: w.video.ID, Session: "s", WatchedMs: 4000}}}, 204, nil)
		ann.do(t, post, "/watches", v1.AddWatchesRequest{Items: []*v1.Watch{
			{VideoID: w.video.ID, Session: "s", WatchedMs: 2000, IsFinished: &finished},
		}}, 204, nil)
		var s v1.Statistics
		bob.do(t, get, "/me/statistics?days=2", nil, 200, &s)
		if len(s.Days) != 2 {
			t.Fatalf("days %+v", s)
		}
		got := *s.Days[1]
		got.Date = ""
		if day := s.Days[0]; day.ViewCount > 0 { // midnight has passed meanwhile
			got = *day
			got.Date = ""
		}
		want := v1.DayStatistics{ViewCount: 2, FinishCount: 1, LikeCount: 1, FollowerCount: 1}
		if diff := cmp.Diff(want, got); diff != "" {
			return fmt.Errorf("today: %s", diff)
		}
		return nil
	})
	var page v1.VideoStatisticsPage
	bob.do(t, get, "/me/statistics/videos", nil, 200, &page)
	if len(page.Items) != 1 || page.Items[0].Video.ID != w.video.ID || page.Items[0].ViewCount != 2 || page.Items[0].FinishCount != 1 ||
		page.Items[0].AverageWatchedMs != 3000 || page.Items[0].Video.ViewCount != 2 {
		t.Errorf("videos %+v", page.Items)
	}
	var s v1.Statistics
	if eve.do(t, get, "/me/statistics", nil, 200, &s); len(s.Days) != 28 {
		t.Errorf("%d days", len(s.Days))
	}
	eve.fails(t, get, "/me/statistics?days=0", nil, errno.InvalidArgument)
}
