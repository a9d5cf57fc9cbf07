package gateway_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tiktok/cmd/api/biz/model/v1"
	"tiktok/kitex_gen/discovery"
	"tiktok/kitex_gen/social"
	"tiktok/kitex_gen/video"
	"tiktok/pkg/errno"
)

// chooser answers each query with the same page, and keeps them.
type chooser struct {
	mu      sync.Mutex
	queries []discovery.FeedQuery
	calls   int
	// broken makes it fail; hang, not to answer until that is closed.
	broken error
	hang   chan struct{}
}

func (c *chooser) recommend(r *discovery.MRecommendRequest) (*discovery.MRecommendResponse, error) {
	c.mu.Lock()
	c.calls++
	for _, q := range r.Queries {
		c.queries = append(c.queries, *q)
	}
	broken, hang := c.broken, c.hang
	c.mu.Unlock()
	if hang != nil {
		<-hang
	}
	if broken != nil {
		return nil, broken
	}
	resp := &discovery.MRecommendResponse{}
	for _, q := range r.Queries {
		a := &discovery.FeedAnswer{NextCursor: "next"}
		switch q.Cursor {
		case "bad":
			a = &discovery.FeedAnswer{BadCursor: true}
		case "end":
			a = &discovery.FeedAnswer{}
		default:
			a.Videos = []*discovery.Recommended{
				{VideoId: 9, Reason: discovery.Reason_CO_LIKED, BecauseOfVideoId: 2},
				{VideoId: 404, Reason: discovery.Reason_HOT},
				{VideoId: 8, Reason: discovery.Reason_CO_LIKED, BecauseOfVideoId: 404},
				{VideoId: 7, Reason: discovery.Reason_TAG, Tag: "海"},
				{VideoId: 6, Reason: discovery.Reason_FRESH},
				{VideoId: 5, Reason: discovery.Reason_HOT},
				{VideoId: 4, Reason: discovery.Reason_FOLLOWED},
				{VideoId: 3, Reason: discovery.Reason_EXPLORE},
				{VideoId: 1, Reason: 99},
			}
		}
		resp.Answers = append(resp.Answers, a)
	}
	return resp, nil
}

func (c *chooser) set(broken error, hang chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.broken, c.hang = broken, hang
}

// asked are the queries so far, which it forgets.
func (c *chooser) asked() []discovery.FeedQuery {
	c.mu.Lock()
	defer c.mu.Unlock()
	q := c.queries
	c.queries = nil
	return q
}

// newestFirst is the feed of the videos 40..1.
func newestFirst(r *video.FeedRequest) (*video.FeedResponse, error) {
	all := slices.DeleteFunc(videosFrom(40), func(v *video.Video) bool { return r.BeforeMs > 0 && v.PublishedAtMs >= r.BeforeMs })
	resp := &video.FeedResponse{Videos: all[:min(int(r.Limit), len(all))]}
	if n := len(resp.Videos); n > 0 {
		resp.NextBeforeMs = resp.Videos[n-1].PublishedAtMs
	}
	return resp, nil
}

// feedPage reads a page of a feed and checks that each video has a reason.
func (e *env) feedPage(t *testing.T, path string, headers ...string) (page v1.FeedItemPage) {
	t.Helper()
	wantStatus(t, e.v1("GET", "/feeds/"+path, "", headers...), 200, &page)
	for _, x := range page.Items {
		if x.Reason == nil || x.Video == nil {
			t.Fatalf("item %+v", x)
		}
	}
	return page
}

// reasons are the ids of the videos of a page, each with why.
func reasons(page v1.FeedItemPage) (all []string) {
	for _, x := range page.Items {
		text := fmt.Sprint(x.Video.ID, " ", x.Reason.Kind, " ", x.Reason.GetTag())
		if x.Reason.Video != nil {
			text += x.Reason.Video.Title
		}
		all = append(all, text)
	}
	return all
}

func TestV1Feeds(t *testing.T) {
	c := &chooser{}
	e := start(t, &fakes{mgetVideos: library, views: watchedOften, recommend: c.recommend, feed: newestFirst})
	want := []string{
		"9 co_liked video 2", "8 co_liked ", "7 tag 海", "6 fresh ", "5 hot ", "4 followed ", "3 explore ", "1 fresh ",
	}
	for path, feed := range map[string]discovery.Feed{
		"for-you": discovery.Feed_FOR_YOU, "following": discovery.Feed_FOLLOWING, "hot": discovery.Feed_HOT,
	} {
		e.calls.Store(0)
		page := e.feedPage(t, path+"?limit=12&cursor=9-9", e.bearer(5)...)
		if diff := cmp.Diff(want, reasons(page)); diff != "" || page.NextCursor != "next" {
			t.Errorf("%s: next %q, %s", path, page.NextCursor, diff)
		}
		if diff := cmp.Diff([]discovery.FeedQuery{{Feed: feed, ViewerId: 5, Cursor: "9-9", Limit: 12}}, c.asked()); diff != "" {
			t.Errorf("%s asked %s", path, diff)
		}
		if got := shownVideo(page.Items[0].Video); got != "9 video 9 by user9, 109 views" {
			t.Error(got)
		}
		if ref := page.Items[0].Reason.Video; ref.ID != 2 || ref.CoverURL != e.url+"/media/covers/a.jpg" {
			t.Errorf("because of %+v", ref)
		}
		if n := e.calls.Load(); n != 7 { // MRecommend, MGetVideos, four for what is shown, MGetViews
			t.Errorf("%s: %d calls, want 7", path, n)
		}
		if page = e.feedPage(t, path+"?cursor=end", e.bearer(5)...); len(page.Items) != 0 || page.NextCursor != "" || page.Items == nil {
			t.Errorf("the end of %s: %+v", path, page)
		}
		wantProblem(t, e.v1("GET", "/feeds/"+path+"?cursor=bad", "", e.bearer(5)...), 400, errno.InvalidArgument, "cursor is not valid")
		wantProblem(t, e.v1("GET", "/feeds/"+path+"?limit=101", "", e.bearer(5)...), 400, errno.InvalidArgument, "limit")
		c.asked()
	}
	e.feedPage(t, "for-you")
	if diff := cmp.Diff([]discovery.FeedQuery{{Feed: discovery.Feed_FOR_YOU}}, c.asked()); diff != "" {
		t.Errorf("a visitor asked %s", diff)
	}
	wantProblem(t, e.v1("GET", "/feeds/following", ""), 401, errno.Unauthenticated, "")
}

// Requests that come while a call is in flight share the next one, and each gets its own page.
func TestV1ForYouSharesCalls(t *testing.T) {
	const requests = 24
	var calls atomic.Int64
	hold := make(chan struct{})
	f := &fakes{mgetVideos: library, recommend: func(r *discovery.MRecommendRequest) (*discovery.MRecommendResponse, error) {
		if calls.Add(1) == 1 {
			<-hold
		}
		resp := &discovery.MRecommendResponse{}
		for _, q := range r.Queries {
			a := &discovery.FeedAnswer{Videos: []*discovery.Recommended{{VideoId: q.ViewerId, Reason: discovery.Reason_HOT}}}
			resp.Answers = append(resp.Answers, a)
		}
		return resp, nil
	}}
	e := start(t, f)
	var all sync.WaitGroup
	var done atomic.Int64
	for i := range int64(requests) {
		all.Go(func() {
			page := e.feedPage(t, "for-you", e.bearer(1+i%20)...)
			if len(page.Items) != 1 || page.Items[0].Video.ID != 1+i%20 {
				t.Errorf("viewer %d has %v", 1+i%20, reasons(page))
			}
			if done.Add(1) == 1 {
				close(hold) // the first to answer is of a call beside the held one
			}
		})
	}
	all.Wait()
	if n := calls.Load(); n >= requests {
		t.Errorf("%d calls for %d requests", n, requests)
	}
}

// wantNewest checks a page of all videos, newest first.
func wantNewest(t *testing.T, page v1.FeedItemPage, from, n int64) {
	t.Helper()
	if len(page.Items) != int(n) {
		t.Fatalf("%d videos, want %d", len(page.Items), n)
	}
	for i, x := range page.Items {
		if x.Video.ID != from-int64(i) || x.Reason.Kind != "newest" || x.Reason.Video != nil || x.Reason.Tag != nil {
			t.Errorf("item %d is %d, %+v", i, x.Video.ID, x.Reason)
		}
	}
	if want := fmt.Sprint("newest-", 1000*(from-n+1)); page.NextCursor != want {
		t.Errorf("next %q, want %q", page.NextCursor, want)
	}
}

// While discovery fails, For you is all videos, newest first, on all pages that follow; then it is chosen again.
func TestV1ForYouWithoutDiscovery(t *testing.T) {
	c := &chooser{}
	c.set(errno.Unavailable, nil)
	f := &fakes{mgetVideos: library, recommend: c.recommend, feed: newestFirst}
	f.views = func(*discovery.MGetViewsRequest) (*discovery.MGetViewsResponse, error) { return nil, errno.Unavailable }
	e := start(t, f)
	for _, headers := range [][]string{nil, e.bearer(5)} {
		page := e.feedPage(t, "for-you", headers...)
		wantNewest(t, page, 40, 30)
		page = e.feedPage(t, "for-you?limit=4", headers...)
		wantNewest(t, page, 40, 4)
		page = e.feedPage(t, "for-you?limit=3&cursor="+page.NextCursor, headers...)
		wantNewest(t, page, 36, 3)
		wantNewest(t, e.feedPage(t, "for-you?cursor=9-9", headers...), 40, 30)
	}
	for _, path := range []string{"following", "hot"} {
		wantProblem(t, e.v1("GET", "/feeds/"+path, "", e.bearer(5)...), 503, errno.Unavailable, "")
	}
	for _, bad := range []string{"newest-", "newest-0", "newest--1", "newest-01", "newest-x", "newest-9999999999999999999999"} {
		wantProblem(t, e.v1("GET", "/feeds/for-you?cursor="+bad, ""), 400, errno.InvalidArgument, "cursor is not valid")
	}
	if !strings.Contains(string(e.get("/metrics").body), `tiktok_http_degraded_total{missing="recommendations"}`) {
		t.Error("it is not counted that recommendations are missing")
	}
	c.set(nil, nil)
	c.asked()
	wantNewest(t, e.feedPage(t, "for-you?limit=3&cursor=newest-37000"), 36, 3)
	if q := c.asked(); len(q) > 0 {
		t.Errorf("a later page asked %v", q)
	}
	if page := e.feedPage(t, "for-you"); len(page.Items) != 8 || page.NextCursor != "next" {
		t.Errorf("when discovery is back: %v", reasons(page))
	}
}

// A discovery with nothing to choose, as one that has just begun to fill, leaves nobody without videos.
func TestV1ForYouWithNothingChosen(t *testing.T) {
	f := &fakes{feed: newestFirst, views: watchedOften}
	e := start(t, f)
	page := e.feedPage(t, "for-you")
	wantNewest(t, page, 40, 30)
	if got := page.Items[0].Video.ViewCount; got != 140 {
		t.Errorf("%d views", got)
	}
}

// A discovery that hangs makes one page wait, for less than a second, and no page after it, until it answers again.
func TestV1ForYouWhileDiscoveryHangs(t *testing.T) {
	c, hang := &chooser{}, make(chan struct{})
	c.set(nil, hang)
	f := &fakes{mgetVideos: library, recommend: c.recommend, feed: newestFirst}
	f.views = func(r *discovery.MGetViewsRequest) (*discovery.MGetViewsResponse, error) {
		<-hang
		return watchedOften(r)
	}
	e := start(t, f)
	timed := func() time.Duration {
		begin := time.Now()
		wantNewest(t, e.feedPage(t, "for-you", e.bearer(5)...), 40, 30)
		return time.Since(begin)
	}
	if took := timed(); took > time.Second || took < 500*time.Millisecond {
		t.Errorf("the first page took %v", took)
	}
	for range 10 {
		if took := timed(); took > 250*time.Millisecond {
			t.Errorf("a later page took %v", took)
		}
	}
	for _, c := range []struct {
		path string
		most time.Duration
	}{{"hot", 250 * time.Millisecond}, {"following", 3 * time.Second}, {"following", 250 * time.Millisecond}} {
		begin := time.Now()
		wantProblem(t, e.v1("GET", "/feeds/"+c.path, "", e.bearer(5)...), 503, errno.Unavailable, "")
		if took := time.Since(begin); took > c.most {
			t.Errorf("%s took %v to fail", c.path, took)
		}
	}
	c.set(nil, nil)
	close(hang)
	waitFor(t, "pages to be chosen again", func() bool { return e.feedPage(t, "for-you", e.bearer(5)...).NextCursor == "next" })
	for _, q := range c.asked()[1:] {
		if q.ViewerId != 0 && q.Limit == 1 {
			t.Errorf("a probe asked %+v for a viewer", q)
		}
	}
}

// Views that do not come in time cost a chosen page no more than a second in all.
func TestV1ForYouWithoutViews(t *testing.T) {
	hang := make(chan struct{})
	f := &fakes{mgetVideos: library, recommend: (&chooser{}).recommend}
	f.views = func(*discovery.MGetViewsRequest) (*discovery.MGetViewsResponse, error) {
		<-hang
		return &discovery.MGetViewsResponse{}, nil
	}
	e := start(t, f)
	defer close(hang)
	for i := range 3 {
		begin := time.Now()
		page := e.feedPage(t, "for-you")
		if took := time.Since(begin); len(page.Items) != 8 || took > 1500*time.Millisecond || i > 0 && took > 250*time.Millisecond {
			t.Errorf("page %d: %d videos after %v", i, len(page.Items), took)
		}
		if page.Items[0].Video.ViewCount != 0 {
			t.Errorf("views %d", page.Items[0].Video.ViewCount)
		}
	}
}

// Only /api/v1 asks for views: in the shared first page too, and the answers of /douyin are as they were.
func TestViewsAreOfV1Only(t *testing.T) {
	var asked atomic.Int64
	f := &fakes{feed: newestFirst, mgetVideos: library}
	f.relations = func(r *social.MGetRelationsRequest) (*social.MGetRelationsResponse, error) {
		resp := &social.MGetRelationsResponse{}
		for range r.ViewerQueries {
			resp.ViewerStates = append(resp.ViewerStates, &social.ViewerState{FollowedIds: []int64{40}})
		}
		return resp, nil
	}
	f.views = func(r *discovery.MGetViewsRequest) (*discovery.MGetViewsResponse, error) {
		asked.Add(1)
		return watchedOften(r)
	}
	e := start(t, f)
	a := e.get("/douyin/feed/", "token", e.token(5))
	wantCode(t, a, 0)
	if asked.Load() != 0 || e.calls.Load() != 5 || strings.Contains(string(a.body), "view_count") {
		t.Errorf("/douyin asked for views %d times, in %d calls: %.300s", asked.Load(), e.calls.Load(), a.body)
	}
	for i, headers := range [][]string{nil, e.bearer(5)} {
		var page v1.VideoPage
		wantStatus(t, e.v1("GET", "/feed", "", headers...), 200, &page)
		if v := page.Items[0]; v.ViewCount != 140 || v.Author.IsFollowed != (i == 1) {
			t.Errorf("%s, followed: %v", shownVideo(v), v.Author.IsFollowed)
		}
		var one v1.Video
		wantStatus(t, e.v1("GET", "/videos/9", "", headers...), 200, &one)
		if one.ViewCount != 109 {
			t.Error(shownVideo(&one))
		}
	}
	if asked.Load() != 4 {
		t.Errorf("views were asked for %d times, want 4", asked.Load())
	}
	f.views = func(*discovery.MGetViewsRequest) (*discovery.MGetViewsResponse, error) { return nil, errno.Unavailable }
	var page v1.VideoPage
	wantStatus(t, e.v1("GET", "/feed", ""), 200, &page)
	if len(page.Items) != 30 || page.Items[0].ViewCount != 0 {
		t.Errorf("without views: %d videos, %d views", len(page.Items), page.Items[0].ViewCount)
	}
}
