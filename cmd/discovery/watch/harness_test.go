package watch

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cloudwego/kitex/client/callopt"
	"github.com/google/go-cmp/cmp"

	"tiktok/cmd/discovery/dal/db"
	"tiktok/cmd/discovery/dal/mq"
	"tiktok/cmd/discovery/heat"
	"tiktok/kitex_gen/video"
	"tiktok/kitex_gen/video/videoservice"
	"tiktok/pkg/id"
	"tiktok/pkg/kv/kvtest"
	"tiktok/pkg/queue"
	"tiktok/pkg/sqldb"
	"tiktok/pkg/sqldb/sqldbtest"
)

// schema is what the service's schema is called.
const schema = "discovery"

// Every video in the tests has an id of author*videosPerAuthor + n; the video service knows those of authors 1..authors.
const (
	videosPerAuthor = 1000
	authors         = 50
)

func videoOf(author, n int64) int64 { return author*videosPerAuthor + n }

func authorOf(videoID int64) int64 { return videoID / videosPerAuthor }

// fakeVideos is a client of a video service that knows videos by their number alone.
type fakeVideos struct {
	videoservice.Client
	calls atomic.Int64
	// deleted holds the ids of videos that are no more.
	deleted sync.Map
	err     atomic.Pointer[error]
}

// MGetVideos implements the generated interface.
func (f *fakeVideos) MGetVideos(_ context.Context, req *video.MGetVideosRequest, _ ...callopt.Option) (*video.MGetVideosResponse, error) {
	f.calls.Add(1)
	if err := f.err.Load(); err != nil {
		return nil, *err
	}
	resp := &video.MGetVideosResponse{Videos: map[int64]*video.Video{}}
	for _, v := range req.VideoIds {
		if _, deleted := f.deleted.Load(v); deleted {
			continue
		}
		if a := authorOf(v); a >= 1 && a <= authors {
			resp.Videos[v] = &video.Video{Id: v, AuthorId: a}
		}
	}
	return resp, nil
}

const halfLife = 24 * time.Hour

func addHeat(h float64, atMs int64) float64 { return heat.Add(h, 1, atMs, halfLife) }

// fixture is what a test looks at.
type fixture struct {
	*Watches
	fake *fakeVideos
	raw  *sqldb.DB
	// start is an hour before the test, and events how many it has made.
	start  time.Time
	events atomic.Int64
	// clock is what time it is for the purge and for deletions; the zero time is now.
	clock atomic.Pointer[time.Time]
}

// newFixture puts Watches together on raw and runs them until the test ends. change may replace dependencies.
func newFixture(t testing.TB, raw *sqldb.DB, change func(*Deps)) *fixture {
	t.Helper()
	f := &fixture{fake: &fakeVideos{}, raw: raw, start: time.Now().Add(-time.Hour).Truncate(time.Millisecond)}
	events, err := queue.Open[mq.Event](t.Context(), queue.Config{Driver: queue.DriverMemory}, mq.Watches, nil)
	if err != nil {
		t.Fatal(err)
	}
	d := Deps{
		Store: db.New(raw), Cache: kvtest.Shared(t), Queue: events, IDs: id.New(0), Videos: f.fake, Heat: addHeat, SessionDays: 30,
		Now: func() time.Time {
			if at := f.clock.Load(); at != nil {
				return *at
			}
			return time.Now()
		},
	}
	if change != nil {
		change(&d)
	}
	f.Watches = New(d)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- f.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
		if err := d.Queue.Close(); err != nil {
			t.Errorf("close the queue: %v", err)
		}
		if err := d.Cache.Close(); err != nil {
			t.Errorf("close the cache: %v", err)
		}
	})
	return f
}

// each runs fn over every SQL dialect.
func each(t *testing.T, fn func(t *testing.T, f *fixture)) {
	sqldbtest.Each(t, schema, db.Migrations(), func(t *testing.T, raw *sqldb.DB) { fn(t, newFixture(t, raw, nil)) })
}

// tell adds what a user has watched, and fails the test when that fails.
func (f *fixture) tell(t testing.TB, userID int64, watches ...Watch) {
	t.Helper()
	if err := f.Add(t.Context(), userID, watches); err != nil {
		t.Errorf("user %d watches %v: %v", userID, watches, err)
	}
}

// viewsOf is how often a video was watched.
func (f *fixture) viewsOf(t testing.TB, videoID int64) int64 {
	t.Helper()
	views, err := f.Views(t.Context(), []int64{videoID})
	if err != nil {
		t.Fatal(err)
	}
	return views[videoID]
}

// watched is one row of a history without its time.
type watched struct {
	Video     int64
	WatchedMs int64
	Finished  bool
}

// historyOf reads a whole history in pages of a size.
func (f *fixture) historyOf(t testing.TB, userID int64, size int) []watched {
	t.Helper()
	all, before := []watched{}, db.FirstPlace()
	for {
		rows, err := f.History(t.Context(), userID, before, size)
		if err != nil {
			t.Fatal(err)
		}
		for _, h := range rows {
			all = append(all, watched{h.VideoID, h.WatchedMs, h.Finished})
		}
		if len(rows) < size {
			return all
		}
		before = db.HistoryPlace{AtMs: rows[size-1].AtMs, VideoID: rows[size-1].VideoID}
	}
}

// seenBy is what feeds know a user to have seen, in ascending order.
func (f *fixture) seenBy(t testing.TB, userID int64) []int64 {
	t.Helper()
	seen, err := f.SeenSorted(t.Context(), []int64{userID})
	if err != nil {
		t.Fatal(err)
	}
	return seen[userID]
}

func same(t testing.TB, what string, want, got any, opts ...cmp.Option) {
	t.Helper()
	if diff := cmp.Diff(want, got, opts...); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// audited fails the test when a counter is not what the sessions say.
func (f *fixture) audited(t testing.TB) {
	t.Helper()
	if _, err := f.store.AuditWatches(t.Context(), t.Errorf); err != nil {
		t.Fatal(err)
	}
}

// stats fails the test when a video's row says something else, or not what its sessions say.
func (f *fixture) stats(t testing.TB, videoID, views, finishes, watchedMs int64) {
	t.Helper()
	var row db.VideoWatches
	if err := f.raw.Read.Take(&row, "video_id = ?", videoID).Error; err != nil {
		t.Fatal(err)
	}
	same(t, "counters", [3]int64{views, finishes, watchedMs}, [3]int64{row.Views, row.Finishes, row.WatchedMs})
	if row.AuthorID != authorOf(videoID) {
		t.Errorf("video %d is of author %d", videoID, row.AuthorID)
	}
	f.audited(t)
}

// event is an event of a time after start.
func (f *fixture) event(after time.Duration, userID int64, watches ...Watch) mq.Event {
	at := f.start.Add(after)
	e := mq.Event{V: mq.Version, ID: id.At(at) + f.events.Add(1)%1000, AtMs: at.UnixMilli(), UserID: userID}
	for _, w := range watches {
		e.Watches = append(e.Watches, mq.Watch{
			VideoID: w.VideoID, AuthorID: authorOf(w.VideoID), Session: w.Session, WatchedMs: w.WatchedMs, Finished: w.Finished,
		})
	}
	return e
}

// at applies what a user has watched at a time after start.
func (f *fixture) at(t testing.TB, after time.Duration, userID int64, watches ...Watch) {
	t.Helper()
	if err := f.apply(t.Context(), []mq.Event{f.event(after, userID, watches...)}); err != nil {
		t.Errorf("apply: %v", err)
	}
}

// poison fails the test when err does not say that the batch can never be applied.
func poison(t testing.TB, err error) {
	t.Helper()
	if !errors.Is(err, queue.ErrPoison) {
		t.Errorf("apply: %v, want poison", err)
	}
}
