package e2e_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	api "tiktok/cmd/api/biz/model/v1"
	"tiktok/test/harness"
)

// foundWithin is how long it may take until what was published is found.
const foundWithin = 2 * time.Second

// soon waits until check says nothing is wrong.
func soon(t *testing.T, check func() error) {
	t.Helper()
	harness.Eventually(t, 20*time.Second, check)
}

// found are the ids of the videos that a search finds, the best first.
func found(t *testing.T, d *harness.Deployment, u *harness.User, q string) []int64 {
	t.Helper()
	return idsOf(t, v1(t, d, u, http.MethodGet, "/search/videos?limit=100&q="+url.QueryEscape(q), "", 200))
}

// idsOf reads the ids of the videos of a page of search.
func idsOf(t *testing.T, answer []byte) (ids []int64) {
	t.Helper()
	var page api.VideoHitPage
	read(t, answer, &page)
	for _, h := range page.Items {
		ids = append(ids, h.Video.ID)
	}
	return ids
}

// tagged are the ids of the videos of a tag, newest first, and how many the tag says that it has.
func tagged(t *testing.T, d *harness.Deployment, u *harness.User, tag string) (ids []int64, count int64) {
	t.Helper()
	var page api.VideoPage
	read(t, v1(t, d, u, http.MethodGet, "/tags/"+url.PathEscape(tag)+"/videos", "", 200), &page)
	for _, v := range page.Items {
		ids = append(ids, v.ID)
	}
	var all api.Tag
	read(t, v1(t, d, u, http.MethodGet, "/tags/"+url.PathEscape(tag), "", 200), &all)
	return ids, all.VideoCount
}

// feedItems are the first items of a feed.
func feedItems(t *testing.T, d *harness.Deployment, u *harness.User, feed string) map[int64]string {
	t.Helper()
	items := map[int64]string{}
	for cursor, pages := "", 0; pages < 4; pages++ {
		var page api.FeedItemPage
		read(t, v1(t, d, u, http.MethodGet, "/feeds/"+feed+"?limit=100&cursor="+url.QueryEscape(cursor), "", 200), &page)
		for _, x := range page.Items {
			if _, twice := items[x.Video.ID]; twice {
				t.Errorf("%s has %d twice", feed, x.Video.ID)
			}
			items[x.Video.ID] = x.Reason.Kind
		}
		if cursor = page.NextCursor; cursor == "" || len(page.Items) == 0 {
			break
		}
	}
	return items
}

func watch(t testing.TB, d *harness.Deployment, u *harness.User, items ...string) {
	t.Helper()
	a := d.Raw(t, harness.Request{
		Method: http.MethodPost, Path: "/api/v1/watches", ContentType: "application/json",
		Body: fmt.Appendf(nil, `{"items":[%s]}`, strings.Join(items, ",")), Header: http.Header{"Authorization": {"Bearer " + u.Token}},
	})
	if a.Status != http.StatusNoContent {
		t.Errorf("watches: %d %s", a.Status, a.Raw)
	}
}

func seen(video int64, session string, ms int, finished bool) string {
	return fmt.Sprintf(`{"video_id":%d,"session":%q,"watched_ms":%d,"is_finished":%v}`, video, session, ms, finished)
}

func viewsOf(t *testing.T, d *harness.Deployment, u *harness.User, video int64) int64 {
	t.Helper()
	var v api.Video
	read(t, v1(t, d, u, http.MethodGet, fmt.Sprint("/videos/", video), "", 200), &v)
	return v.ViewCount
}

// testFound: what is published is found in two seconds, a name that has changed is found by both parts of it, and what is deleted is in no
// answer any more.
func testFound(t *testing.T, d *harness.Deployment) {
	people := d.People(t, 2)
	bob, eve := people[0], people[1]
	word := "wq" + strings.ToLower(bob.Name)
	for i := range 3 {
		published := bob.Publish(t, fmt.Sprintf("看%s的日落 %d #%sday", word, i, word))
		answered := time.Now()
		soon(t, func() error {
			if ids := found(t, d, eve, word); !slices.Contains(ids, published.ID) {
				return fmt.Errorf("found %v, want %d", ids, published.ID)
			}
			return nil
		})
		if took := time.Since(answered); took > foundWithin && !harness.RaceEnabled {
			t.Errorf("found after %v, want at most %v", took, foundWithin)
		}
	}
	ids := found(t, d, eve, word)
	soon(t, func() error {
		if got, n := tagged(t, d, eve, strings.ToUpper(word)+"DAY"); len(got) != 3 || n != 3 {
			return fmt.Errorf("tagged %v, counted %d", got, n)
		}
		return nil
	})

	renamed := "Nq" + bob.Name
	v1(t, d, bob, http.MethodPatch, "/me", fmt.Sprintf(`{"display_name":%q}`, renamed), 200)
	for _, q := range []string{renamed, bob.Name} {
		soon(t, func() error {
			var page api.UserHitPage
			read(t, v1(t, d, eve, http.MethodGet, "/search/users?q="+url.QueryEscape(q), "", 200), &page)
			if len(page.Items) == 0 || page.Items[0].User.ID != bob.ID || page.Items[0].User.DisplayName != renamed {
				return fmt.Errorf("%q finds %+v", q, page.Items)
			}
			return nil
		})
	}

	gone := ids[1]
	bob.DeleteVideo(t, gone)
	if left := found(t, d, eve, word); len(left) != 2 || slices.Contains(left, gone) {
		t.Errorf("found %v after %d was deleted", left, gone)
	}
	if left, _ := tagged(t, d, eve, word+"day"); len(left) != 2 || slices.Contains(left, gone) {
		t.Errorf("tagged %v after %d was deleted", left, gone)
	}
	for _, feed := range []string{"for-you", "hot"} {
		if _, there := feedItems(t, d, eve, feed)[gone]; there {
			t.Errorf("%s has %d, which was deleted", feed, gone)
		}
	}
	soon(t, func() error {
		if _, n := tagged(t, d, eve, word+"day"); n != 2 {
			return fmt.Errorf("the tag counts %d", n)
		}
		return nil
	})
}

// testWatched: what somebody watches is in their history at once, and a view of the video; clearing takes it out of the one only.
func testWatched(t *testing.T, d *harness.Deployment) {
	people := d.People(t, 2)
	bob, eve := people[0], people[1]
	video := bob.Publish(t, "watched of "+bob.Name)
	history := func() (ids []int64) {
		var page api.HistoryPage
		read(t, v1(t, d, eve, http.MethodGet, "/me/history", "", 200), &page)
		for _, x := range page.Items {
			ids = append(ids, x.Video.ID)
		}
		return ids
	}
	soon(t, func() error {
		watch(t, d, eve, seen(video.ID, "a", 1000, false))
		if got := history(); !slices.Equal(got, []int64{video.ID}) {
			return fmt.Errorf("history %v", got)
		}
		return nil
	})
	views := func(want int64) {
		t.Helper()
		soon(t, func() error {
			if got := viewsOf(t, d, bob, video.ID); got != want {
				return fmt.Errorf("%d views, want %d", got, want)
			}
			return nil
		})
	}
	views(0)
	watch(t, d, eve, seen(video.ID, "a", 3000, false), seen(video.ID, "b", 100, true))
	watch(t, d, eve, seen(video.ID, "a", 9000, true))
	watch(t, d, bob, seen(video.ID, "own", 9000, true))
	views(2)
	v1(t, d, eve, http.MethodDelete, "/me/history", "", 204)
	if got := history(); len(got) != 0 {
		t.Errorf("history %v after it was cleared", got)
	}
	views(2)
	soon(t, func() error {
		var s api.Statistics
		read(t, v1(t, d, bob, http.MethodGet, "/me/statistics?days=2", "", 200), &s)
		if views, finishes := s.Days[0].ViewCount+s.Days[1].ViewCount, s.Days[0].FinishCount+s.Days[1].FinishCount; views != 2 || finishes != 2 {
			return fmt.Errorf("%d views, %d finishes", views, finishes)
		}
		return nil
	})
	bob.DeleteVideo(t, video.ID)
	watch(t, d, eve, seen(video.ID, "c", 9000, true)) // ignored
	if got := history(); len(got) != 0 {
		t.Errorf("history %v of a video that is gone", got)
	}
}

// testFeeds: whom one follows are in one's feed, what people like and finish is hot, and no page of For you has a video twice.
func testFeeds(t *testing.T, d *harness.Deployment) {
	people := d.People(t, 5)
	bob, eve := people[0], people[1]
	before, liked := bob.Publish(t, "before "+bob.Name), bob.Publish(t, "liked "+bob.Name)
	follows := func(want bool) {
		t.Helper()
		soon(t, func() error {
			items := feedItems(t, d, eve, "following")
			if (items[before.ID] == "followed") != want || (items[liked.ID] == "followed") != want {
				return fmt.Errorf("following: %v, want %d and %d in it: %v", items, before.ID, liked.ID, want)
			}
			return nil
		})
	}
	follows(false)
	eve.Follow(t, bob.ID)
	follows(true)
	later := bob.Publish(t, "later "+bob.Name)
	soon(t, func() error {
		if items := feedItems(t, d, eve, "following"); items[later.ID] != "followed" {
			return fmt.Errorf("following: %v, want %d in it", items, later.ID)
		}
		return nil
	})
	eve.Unfollow(t, bob.ID)
	follows(false)

	for _, u := range people[2:] {
		u.Like(t, liked.ID)
		watch(t, d, u, seen(liked.ID, "hot", 5000, true))
	}
	soon(t, func() error {
		if items := feedItems(t, d, d.Visitor(), "hot"); items[liked.ID] == "" {
			return fmt.Errorf("hot: %v, want %d in it", items, liked.ID)
		}
		return nil
	})
	soon(t, func() error {
		items := feedItems(t, d, eve, "for-you")
		if len(items) == 0 {
			return fmt.Errorf("nothing for %s", eve.Name)
		}
		for id, reason := range items {
			if reason == "newest" {
				return fmt.Errorf("%d is for %s because it is new: there are no recommendations", id, eve.Name)
			}
		}
		return nil
	})
}

// testWatchStorm: many tell the same and more at the same time, again and again; each session counts once.
func testWatchStorm(t *testing.T, d *harness.Deployment) {
	const viewers, rounds, sessions = 12, 12, 5
	people := d.People(t, viewers+1)
	author := people[viewers]
	videos := make([]harness.Video, 3)
	for i := range videos {
		videos[i] = author.Publish(t, fmt.Sprint("stormed ", i, " ", author.Name))
	}
	for _, v := range videos { // discovery has to know them
		soon(t, func() error {
			watch(t, d, people[0], seen(v.ID, "0", 1, false))
			var page api.HistoryPage
			read(t, v1(t, d, people[0], http.MethodGet, "/me/history", "", 200), &page)
			if !slices.ContainsFunc(page.Items, func(x *api.HistoryItem) bool { return x.Video.ID == v.ID }) {
				return fmt.Errorf("%d is not in the history", v.ID)
			}
			return nil
		})
	}
	var mu sync.Mutex
	want := map[int64]map[string]bool{} // guarded by mu: the views of a video
	count := func(video int64, view string) {
		mu.Lock()
		defer mu.Unlock()
		if want[video] == nil {
			want[video] = map[string]bool{}
		}
		want[video][view] = true
	}
	harness.Parallel(t, 2*viewers, func(tb testing.TB, i int) { // each viewer on two devices
		u := people[i%viewers]
		for n := range rounds {
			var items []string
			for s := range sessions {
				v := videos[(n+s)%len(videos)]
				ms, finished := 1000*((n+s)%4+1), (n+s)%7 == 0
				items = append(items, seen(v.ID, fmt.Sprint(s), ms, finished))
				if ms >= 3000 || finished {
					count(v.ID, fmt.Sprint(u.ID, " ", s))
				}
			}
			watch(tb, d, u, items...)
			switch n {
			case 5:
				u.Like(tb, videos[i%len(videos)].ID)
			case 8:
				a := d.Raw(tb, harness.Request{
					Method: http.MethodDelete, Path: "/api/v1/me/history", Header: http.Header{"Authorization": {"Bearer " + u.Token}},
				})
				if a.Status != http.StatusNoContent {
					tb.Errorf("clear: %d %s", a.Status, a.Raw)
				}
			}
		}
	})
	for _, v := range videos {
		soon(t, func() error {
			if got := viewsOf(t, d, author, v.ID); got != int64(len(want[v.ID])) {
				return fmt.Errorf("video %d has %d views, want %d", v.ID, got, len(want[v.ID]))
			}
			return nil
		})
	}
	d.Audit(t)
}

// Everything goes on through a second gateway and a second replica of discovery, each with an index of its own, and when one of them dies.
func TestDiscoveryReplicas(t *testing.T) {
	d := harness.Distributed(t, harness.WithoutLimits())
	people := d.People(t, 2)
	bob, eve := people[0], people[1]
	word := "rq" + strings.ToLower(bob.Name)
	first := bob.Publish(t, word+" first")
	second := d.AddReplica(t, "discovery")
	g := d.AddGateway(t)
	published := bob.Publish(t, word+" second")
	want := []int64{first.ID, published.ID}
	slices.Sort(want)
	both := func(times int) {
		t.Helper()
		for range times { // whichever replica answers
			for _, through := range []*harness.Deployment{d, g} {
				soon(t, func() error {
					a := through.Raw(t, harness.Request{Method: http.MethodGet, Path: "/api/v1/search/videos", Query: url.Values{"q": {word}}})
					if a.Status == http.StatusServiceUnavailable { // the call was for a replica that has just died
						return fmt.Errorf("search: %s", a.Raw)
					}
					ids := idsOf(t, a.Raw)
					if slices.Sort(ids); !slices.Equal(ids, want) {
						return fmt.Errorf("found %v, want %v", ids, want)
					}
					return nil
				})
			}
		}
	}
	both(10)
	for i := range 10 {
		watch(t, []*harness.Deployment{d, g}[i%2], eve, seen(published.ID, fmt.Sprint(i), 4000, false))
	}
	for _, through := range []*harness.Deployment{d, g} {
		soon(t, func() error {
			if got := viewsOf(t, through, bob, published.ID); got != 10 {
				return fmt.Errorf("%d views", got)
			}
			return nil
		})
	}
	d.Kill(t, "discovery")
	both(10)
	watch(t, g, eve, seen(first.ID, "after", 4000, false))
	d.Revive(t, "discovery")
	d.Kill(t, second)
	both(3)
	soon(t, func() error {
		if got := viewsOf(t, d, bob, first.ID); got != 1 {
			return fmt.Errorf("%d views", got)
		}
		return nil
	})
	d.Audit(t)
}

// Without discovery the newest videos are for everybody, search says that it is away, and all else goes on.
func TestWithoutDiscovery(t *testing.T) {
	d := harness.Distributed(t, harness.WithoutLimits())
	people := d.People(t, 2)
	bob, eve := people[0], people[1]
	video := bob.Publish(t, "still here of "+bob.Name)
	chosen := func() (bool, time.Duration) {
		began := time.Now()
		var page api.FeedItemPage
		read(t, v1(t, d, eve, http.MethodGet, "/feeds/for-you", "", 200), &page)
		took := time.Since(began)
		if len(page.Items) == 0 {
			t.Fatal("nothing for eve")
		}
		return page.Items[0].Reason.Kind != "newest", took
	}
	recommended := func() {
		t.Helper()
		soon(t, func() error {
			if ok, _ := chosen(); !ok {
				return fmt.Errorf("there are no recommendations")
			}
			return nil
		})
	}
	away := func() {
		t.Helper()
		for range 5 {
			if ok, took := chosen(); ok || took > time.Second && !harness.RaceEnabled {
				t.Errorf("for you: recommended %v after %v", ok, took)
			}
		}
		if a := v1(t, d, eve, http.MethodGet, "/search/videos?q=here", "", 503); !strings.Contains(string(a), "10801") {
			t.Errorf("search: %s", a)
		}
		v1(t, d, eve, http.MethodGet, "/feeds/hot", "", 503)
		if got := viewsOf(t, d, eve, video.ID); got != 0 {
			t.Errorf("%d views", got)
		}
		eve.Like(t, video.ID)
	}
	recommended()
	d.Pause(t, "discovery")
	away()
	d.Resume(t, "discovery")
	recommended()
	d.Kill(t, "discovery")
	away()
	later := bob.Publish(t, "published meanwhile by "+bob.Name)
	d.Revive(t, "discovery")
	recommended()
	soon(t, func() error {
		if ids := found(t, d, eve, "meanwhile "+bob.Name); !slices.Contains(ids, later.ID) {
			return fmt.Errorf("found %v, want %d", ids, later.ID)
		}
		return nil
	})
	d.Audit(t)
}
