package e2e_test

import (
	"fmt"
	"maps"
	"net/http"
	"testing"

	"tiktok/test/harness"
)

// maxFeedRPCs: the videos, then their authors, works, relations, and the counters of both.
const maxFeedRPCs = 5

// testRPCs: a page costs as many calls between gateway and services as its composition has parts, not as it has items.
func testRPCs(t *testing.T, d *harness.Deployment) {
	const pageSize = 30
	authors := d.People(t, pageSize)
	clip := harness.TestData(t, "tiny.mp4")
	harness.Parallel(t, pageSize, func(t testing.TB, i int) {
		authors[i].TryPublish(t, "by "+authors[i].Name, harness.File{Data: clip}).OK(t)
	})
	viewer := authors[0]
	fan := d.NewUser(t)
	for i, v := range d.Visitor().Feed(t, 0).Videos {
		if i < 10 {
			fan.Like(t, v.ID)
			fan.Follow(t, v.Author.ID)
			d.People(t, pageSize)[(i+5)%pageSize].Comment(t, v.ID, "counted")
		}
	}
	first := d.Visitor().Feed(t, 0)
	distinct := map[int64]bool{}
	for _, v := range first.Videos {
		distinct[v.Author.ID] = true
	}
	if len(distinct) != pageSize {
		t.Fatalf("the page has videos of %d authors, want %d", len(distinct), pageSize)
	}
	// Services call each other in the background, too: discovery does so after likes and follows. What a page costs, it costs each time.
	cost := func(t *testing.T, what string, most float64, ask func()) (n float64, by map[string]float64) {
		t.Helper()
		for range 5 {
			before := d.RPCs(t)
			ask()
			if n, by = harness.Added(before, d.RPCs(t)); n <= most {
				break
			}
		}
		t.Logf("%s: %v calls %v", what, n, by)
		return n, by
	}
	for name, u := range map[string]*harness.User{"a visitor": d.Visitor(), "a user": viewer, "a fan": fan} {
		t.Run(name, func(t *testing.T) {
			full := func() {
				if n := len(u.Feed(t, 0).Videos); n != pageSize {
					t.Errorf("a page of %d", n)
				}
			}
			// A page of fewer: the videos published before the 28th of the page.
			latest := d.Visitor().Feed(t, 0).Next + 1
			few := func() { u.Feed(t, latest) }
			for what, ask := range map[string]func(){"30 videos by 30 authors": full, "a short page": few, "the same again": full} {
				n, calls := cost(t, what, maxFeedRPCs, ask)
				if n > maxFeedRPCs || n < maxFeedRPCs-1 { // the gateway holds the authors' cards for a second
					t.Errorf("%s costs %v calls, want %d: %v", what, n, maxFeedRPCs, calls)
				}
				for call, times := range calls {
					if times != 1 {
						t.Errorf("%s: %v times %s", what, times, call)
					}
				}
			}
		})
	}
	t.Run("other lists", func(t *testing.T) {
		for what, c := range map[string]struct {
			most float64
			ask  func()
		}{
			"profile":       {4, func() { fan.Profile(t, viewer.ID) }},
			"publish list":  {5, func() { fan.Published(t, viewer.ID) }},
			"favorite list": {6, func() { fan.Favorites(t, fan.ID) }}, // the ids, then the videos like a feed's
			"comment list":  {5, func() { fan.Comments(t, first.Videos[0].ID) }},
			"follow list":   {5, func() { fan.Following(t, fan.ID) }},
			"follower list": {5, func() { fan.Followers(t, viewer.ID) }},
			"friend list":   {6, func() { fan.Friends(t) }},
			"chat":          {1, func() { fan.Chat(t, viewer.ID, 0) }},
			"like":          {2, func() { fan.Like(t, first.Videos[20].ID) }},
			"follow":        {2, func() { fan.Follow(t, first.Videos[20].Author.ID) }},
			"message":       {2, func() { fan.Send(t, viewer.ID, messageText+"counted") }},
			"feed of v1":    {6, func() { v1(t, d, fan, http.MethodGet, "/feed", "", 200) }}, // and the views
			"for you":       {7, func() { v1(t, d, fan, http.MethodGet, "/feeds/for-you", "", 200) }},
			"search":        {7, func() { v1(t, d, fan, http.MethodGet, "/search/videos?q=by", "", 200) }},
			"watches":       {2, func() { watch(t, d, fan, seen(first.Videos[20].ID, "counted", 4000, true)) }},
		} {
			if n, by := cost(t, what, c.most, c.ask); n > c.most {
				t.Errorf("%s costs %v calls, want at most %v: %v", what, n, c.most, fmt.Sprint(maps.Clone(by)))
			}
		}
	})
}
