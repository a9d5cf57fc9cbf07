package fault_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	api "tiktok/cmd/api/biz/model/v1"
	"tiktok/pkg/errno"
	"tiktok/test/harness"
)

// discovery is the name of a process and of its schema.
const discovery = "discovery"

// errSearchAway is that search says in words that it is away.
var errSearchAway = errors.New("search is not available")

// finds searches for videos as a visitor. The error is errSearchAway when that is the answer.
func finds(ctx context.Context, d *harness.Deployment, text string) (ids []int64, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	a, err := d.Visitor().V1(ctx, http.MethodGet, "/search/videos", url.Values{"q": {text}}, nil)
	if err != nil {
		return nil, err
	}
	var problem api.Problem
	if a.Status == http.StatusServiceUnavailable && json.Unmarshal(a.Raw, &problem) == nil &&
		problem.Code == errno.SearchUnavailable.Code && problem.Title != "" {
		return nil, errSearchAway
	}
	var page api.VideoHitPage
	if err := a.Into(http.StatusOK, &page); err != nil {
		return nil, err
	}
	for _, hit := range page.Items {
		ids = append(ids, hit.Video.ID)
	}
	return ids, nil
}

// foundSoon waits until a search for the word finds the video first.
func foundSoon(t *testing.T, d *harness.Deployment, word string, video int64, within time.Duration) time.Duration {
	t.Helper()
	began := time.Now()
	harness.Eventually(t, within, func() error {
		ids, err := finds(t.Context(), d, word)
		if err == nil && (len(ids) == 0 || ids[0] != video) {
			err = fmt.Errorf("%q finds %v, want %d first", word, ids, video)
		}
		return err
	})
	return time.Since(began).Round(10 * time.Millisecond)
}

// forYou is a page of For you as a user sees it.
func forYou(ctx context.Context, u *harness.User) (items []*api.FeedItem, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	a, err := u.V1(ctx, http.MethodGet, "/feeds/for-you", nil, nil)
	if err != nil {
		return nil, err
	}
	var page api.FeedItemPage
	if err := a.Into(http.StatusOK, &page); err != nil {
		return nil, err
	}
	return page.Items, nil
}

// newest is why a feed shows a video when nothing is chosen.
const newest = "newest"

// chronological is an error unless a page is the newest videos, in their order.
func chronological(items []*api.FeedItem) error {
	if len(items) == 0 {
		return errors.New("an empty page")
	}
	for i, item := range items {
		if item.Reason.Kind != newest {
			return fmt.Errorf("the %d. video is shown as %s, want %s", i+1, item.Reason.Kind, newest)
		}
		if i > 0 && item.Video.PublishedAt > items[i-1].Video.PublishedAt {
			return fmt.Errorf("the %d. video is newer than the one before it", i+1)
		}
	}
	return nil
}

// chosen is an error unless a page was chosen by discovery.
func chosen(items []*api.FeedItem) error {
	if len(items) == 0 || slices.ContainsFunc(items, func(i *api.FeedItem) bool { return i.Reason.Kind == newest }) {
		return fmt.Errorf("%d videos, none is chosen", len(items))
	}
	return nil
}

// testDiscoveryAway: nothing else is affected.
func testDiscoveryAway(t *testing.T, d *harness.Deployment) {
	withoutDiscovery(t, d, outage()/2, d.Kill, d.Revive)
}

// testDiscoveryHangs: it keeps its connections and does not answer, for so long that etcd forgets it.
func testDiscoveryHangs(t *testing.T, d *harness.Deployment) {
	withoutDiscovery(t, d, max(outage()/2, forgotten), d.Pause, d.Resume)
}

// searchGivesUp is how long a search may wait for a service that hangs: what the gateway gives it, and what a timer is late on a full
// machine.
const searchGivesUp = 2500*time.Millisecond + 500*time.Millisecond

// word is one that no other title has.
func word(d *harness.Deployment) string { return "w" + d.NewName() }

func withoutDiscovery(t *testing.T, d *harness.Deployment, length time.Duration, begin, end func(t testing.TB, name string)) {
	t.Helper()
	s := newStorm(t, d)
	fan, author := d.NewUser(t), d.NewUser(t)
	before := word(d)
	old := author.Publish(t, before)
	foundSoon(t, d, before, old.ID, heal)
	s.more(t, 100, stormy)
	begin(t, discovery)
	s.watch()
	meanwhile := word(d)
	video := author.Publish(t, meanwhile)
	fan.Like(t, video.ID)
	var feed, search time.Duration
	n := during(t.Context(), length, func() {
		began := time.Now()
		items, err := forYou(t.Context(), fan)
		feed = max(feed, time.Since(began))
		if err == nil {
			err = chronological(items)
		}
		if err == nil && items[0].Video.ID != video.ID {
			err = fmt.Errorf("the first video is %d, want the newest, %d", items[0].Video.ID, video.ID)
		}
		if err != nil {
			t.Errorf("For you: %v", err)
		}
		began = time.Now()
		if _, err := finds(t.Context(), d, before); !errors.Is(err, errSearchAway) {
			t.Errorf("search: %v", err)
		}
		search = max(search, time.Since(began))
	})
	t.Logf("%d times without discovery: the slowest For you took %v, the slowest search %v, the slowest write %v",
		n, feed.Round(time.Millisecond), search.Round(time.Millisecond), s.slowestWrite())
	if feed > feedWithout || search > searchGivesUp {
		t.Errorf("For you took %v, search %v", feed, search)
	}
	if failures := s.failures(); len(failures) > 0 {
		t.Errorf("others were affected: %v", failures)
	}
	end(t, discovery)
	began := time.Now()
	foundSoon(t, d, meanwhile, video.ID, heal)
	harness.Eventually(t, heal-time.Since(began), func() error {
		items, err := forYou(t.Context(), fan)
		if err == nil {
			err = chosen(items)
		}
		return err
	})
	t.Logf("healed after %v", time.Since(began).Round(10*time.Millisecond))
	s.verify(t)
	s.answered(t)
}

// viewers watch videos and remember what they were told: each session has to be counted, once.
type viewers struct {
	d      *harness.Deployment
	videos []harness.Video

	mu sync.Mutex
	// told and unsure are how many sessions of each video were acknowledged, and how many had no clear answer; guarded by mu.
	told, unsure map[int64]int
	// seen are the videos in each user's acknowledged sessions; guarded by mu.
	seen map[*harness.User]map[int64]bool
	stop context.CancelFunc
	wg   sync.WaitGroup
}

const (
	// watching users tell their sessions at once, watchBatch in each request, one each tellPace.
	watching, watchBatch, tellPace = 16, 2, 100 * time.Millisecond
	// watchedVideos are watched, each by each user in watchedDaily sessions: more of one user in a day are no views.
	watchedVideos, watchedDaily = 20, 20
	// viewMs is how long a session is that counts.
	viewMs = 3000
)

// newViewers lets users watch an author's videos until end.
func newViewers(t *testing.T, d *harness.Deployment, author *harness.User) *viewers {
	t.Helper()
	v := &viewers{d: d, told: map[int64]int{}, unsure: map[int64]int{}, seen: map[*harness.User]map[int64]bool{}}
	for range watchedVideos {
		v.videos = append(v.videos, author.Publish(t, word(d)))
	}
	users := make([]*harness.User, watching)
	harness.Parallel(t, 4, func(t testing.TB, i int) {
		for ; i < watching; i += 4 {
			users[i] = d.NewUser(t)
		}
	})
	ctx, cancel := context.WithCancel(context.Background())
	v.stop = cancel
	for _, u := range users {
		v.seen[u] = map[int64]bool{}
	}
	for _, u := range users {
		v.wg.Go(func() { v.watch(ctx, u) })
	}
	t.Cleanup(v.end)
	return v
}

func (v *viewers) end() {
	v.stop()
	v.wg.Wait()
}

// watch tells of sessions, each batch twice: the second time it is old news.
func (v *viewers) watch(ctx context.Context, u *harness.User) {
	tick := time.NewTicker(tellPace)
	defer tick.Stop()
	for n := 0; n < watchedVideos*watchedDaily; n += watchBatch {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		var batch []*api.Watch
		for i := n; i < n+watchBatch; i++ {
			finished := i%2 == 0
			batch = append(batch, &api.Watch{
				VideoID: v.videos[i%watchedVideos].ID, Session: strconv.Itoa(i), WatchedMs: viewMs, IsFinished: &finished,
			})
		}
		err := v.tell(u, batch)
		if err == nil {
			_ = v.tell(u, batch) // whatever comes of it
		}
		v.note(u, batch, err)
	}
}

func (v *viewers) tell(u *harness.User, batch []*api.Watch) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	a, err := u.V1(ctx, http.MethodPost, "/watches", nil, &api.AddWatchesRequest{Items: batch})
	if err != nil {
		return err
	}
	return a.Into(http.StatusNoContent, nil)
}

func (v *viewers) note(u *harness.User, batch []*api.Watch, err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, w := range batch {
		if err != nil {
			v.unsure[w.VideoID]++
			continue
		}
		v.told[w.VideoID]++
		v.seen[u][w.VideoID] = true
	}
}

// total is how many sessions were acknowledged.
func (v *viewers) total() (n int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, told := range v.told {
		n += told
	}
	return n
}

// more waits until so many more sessions are acknowledged.
func (v *viewers) more(t *testing.T, n int, within time.Duration) {
	t.Helper()
	goal := v.total() + n
	goal = min(goal, watching*watchedVideos*watchedDaily/2) // they may have no more to tell
	harness.Eventually(t, within, func() error {
		if have := v.total(); have < goal {
			return fmt.Errorf("%d sessions acknowledged, want %d", have, goal)
		}
		return nil
	})
}

// verify ends it, and waits until each video has as many views as sessions were acknowledged, and each history all that was watched.
func (v *viewers) verify(t *testing.T) {
	t.Helper()
	v.end()
	r := &report{}
	defer func() { r.print(t) }()
	harness.Eventually(t, settles, func() error {
		r = &report{}
		for _, video := range v.videos {
			a, err := v.d.Visitor().V1(t.Context(), http.MethodGet, fmt.Sprint("/videos/", video.ID), nil, nil)
			var got api.Video
			if err == nil {
				err = a.Into(http.StatusOK, &got)
			}
			if err != nil {
				return err
			}
			told, most := v.told[video.ID], v.told[video.ID]+v.unsure[video.ID]
			r.acknowledged += told
			r.stored += min(told, int(got.ViewCount))
			r.unknown += v.unsure[video.ID]
			r.lost += max(0, told-int(got.ViewCount))
			r.doubled += max(0, int(got.ViewCount)-most)
		}
		for u, seen := range v.seen {
			for id := range seen {
				if !v.remembers(t, u, id) {
					r.errorf("%s has no %d in their history", u.Name, id)
				}
			}
		}
		return r.err()
	})
}

// remembers tells whether a video is in a user's history.
func (v *viewers) remembers(t *testing.T, u *harness.User, video int64) bool {
	t.Helper()
	a, err := u.V1(t.Context(), http.MethodGet, "/me/history", url.Values{"limit": {"100"}}, nil)
	var page api.HistoryPage
	if err == nil {
		err = a.Into(http.StatusOK, &page)
	}
	if err != nil {
		t.Fatal(err)
	}
	return slices.ContainsFunc(page.Items, func(i *api.HistoryItem) bool { return i.Video.ID == video })
}

// testDiscoveryStorm kills discovery in a storm of likes, follows, watches and uploads, empties the caches and restarts the broker, so that
// events come late and twice: nothing is lost or counted twice, and what was published is found.
func testDiscoveryStorm(t *testing.T, d *harness.Deployment) {
	s := newStorm(t, d)
	v := newViewers(t, d, s.author)
	published := map[string]int64{}
	publish := func() {
		title := word(d)
		published[title] = s.author.Publish(t, title).ID
	}
	for range rounds() {
		s.more(t, before/2, stormy)
		v.more(t, 60, stormy)
		publish()
		d.Kill(t, discovery)
		flush(t)
		publish()
		s.more(t, before/4, stormy)
		d.Revive(t, discovery)
		v.more(t, 60, stormy)
	}
	s.lull(func() { server(t, "restart", "rabbitmq") })
	t.Logf("healed after %v", s.heals(t, heal))
	publish()
	v.more(t, 60, stormy)
	gone := word(d)
	deleted := s.author.Publish(t, gone)
	foundSoon(t, d, gone, deleted.ID, heal)
	d.Kill(t, discovery)
	s.author.DeleteVideo(t, deleted.ID)
	d.Revive(t, discovery)
	t.Run("watches", v.verify)
	s.verify(t)
	for title, id := range published {
		foundSoon(t, d, title, id, heal)
	}
	if ids, err := finds(t.Context(), d, gone); err != nil || slices.Contains(ids, deleted.ID) {
		t.Errorf("a deleted video is found: %v, %v", ids, err)
	}
}
