package watch

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp/cmpopts"

	"tiktok/cmd/discovery/dal/mq"
	"tiktok/pkg/errno"
)

// A session counts once, with the longest that was told of it; it is a view from three seconds on, or when it is finished.
func TestViews(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		v, short := videoOf(1, 1), videoOf(1, 2)
		f.tell(t, 101, Watch{VideoID: v, Session: "a", WatchedMs: 2999})
		same(t, "skimmed", int64(0), f.viewsOf(t, v))
		f.tell(t, 101, Watch{VideoID: v, Session: "a", WatchedMs: 3000}, Watch{VideoID: short, Session: "a", Finished: true})
		same(t, "watched", int64(1), f.viewsOf(t, v))
		same(t, "short, but finished", int64(1), f.viewsOf(t, short))
		f.tell(t, 101, Watch{VideoID: v, Session: "a", WatchedMs: 9000, Finished: true})
		f.tell(t, 101, Watch{VideoID: v, Session: "a", WatchedMs: 100})
		same(t, "told again", int64(1), f.viewsOf(t, v))
		f.tell(t, 101, Watch{VideoID: v, Session: "A", WatchedMs: 4000})
		f.tell(t, 102, Watch{VideoID: v, Session: "a", WatchedMs: 5000})
		same(t, "three sessions", int64(3), f.viewsOf(t, v))
		same(t, "history", []watched{{v, 9000, true}, {short, 0, true}}, f.historyOf(t, 101, 1))
		same(t, "seen", []int64{v, short}, f.seenBy(t, 101))
		same(t, "seen by nobody", []int64(nil), f.seenBy(t, 103))
		f.stats(t, v, 3, 1, 9000+4000+5000)
	})
}

// Of a call with the same session twice the longest counts.
func TestTwiceInOneCall(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		v := videoOf(1, 1)
		f.tell(t, 101, Watch{VideoID: v, Session: "a", WatchedMs: 5000}, Watch{VideoID: v, Session: "a", WatchedMs: 4000, Finished: true},
			Watch{VideoID: v, Session: "b", WatchedMs: 3000})
		f.stats(t, v, 2, 1, 8000)
	})
}

// Own videos and those that do not exist are ignored, the others of the call are not.
func TestIgnored(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		own, missing, other := videoOf(7, 1), videoOf(authors+1, 1), videoOf(8, 1)
		f.tell(t, 7, Watch{VideoID: own, Session: "a", WatchedMs: 5000}, Watch{VideoID: missing, Session: "a", WatchedMs: 5000},
			Watch{VideoID: other, Session: "a", WatchedMs: 5000})
		f.tell(t, 7, Watch{VideoID: own, Session: "b", Finished: true})
		views, err := f.Views(t.Context(), []int64{own, missing, other})
		if err != nil {
			t.Fatal(err)
		}
		same(t, "views", map[int64]int64{own: 0, missing: 0, other: 1}, views)
		same(t, "history", []watched{{other, 5000, false}}, f.historyOf(t, 7, 10))
		if n := f.fake.calls.Load(); n != 1 {
			t.Errorf("%d calls of the video service, want 1 for all videos", n)
		}
		f.audited(t)
	})
}

func TestRefused(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		ok := Watch{VideoID: videoOf(1, 1), Session: "a", WatchedMs: 5000}
		with := func(change func(*Watch)) []Watch {
			bad := ok
			change(&bad)
			return []Watch{ok, bad}
		}
		for name, tc := range map[string]struct {
			user    int64
			watches []Watch
		}{
			"no user":      {0, []Watch{ok}},
			"nothing":      {101, nil},
			"too many":     {101, make([]Watch, mq.MaxWatches+1)},
			"no video":     {101, with(func(w *Watch) { w.VideoID = 0 })},
			"no session":   {101, with(func(w *Watch) { w.Session = "" })},
			"long session": {101, with(func(w *Watch) { w.Session = strings.Repeat("x", 37) })},
			"negative":     {101, with(func(w *Watch) { w.WatchedMs = -1 })},
			"too long":     {101, with(func(w *Watch) { w.WatchedMs = mq.MaxWatchedMs + 1 })},
		} {
			if err := f.Add(t.Context(), tc.user, tc.watches); !errors.Is(err, errno.InvalidArgument) {
				t.Errorf("%s: %v", name, err)
			}
		}
		same(t, "views", int64(0), f.viewsOf(t, ok.VideoID))
		down := error(errno.Unavailable)
		f.fake.err.Store(&down)
		if err := f.Add(t.Context(), 101, []Watch{ok}); !errors.Is(err, errno.Unavailable) {
			t.Errorf("without the video service: %v", err)
		}
		same(t, "views", int64(0), f.viewsOf(t, ok.VideoID))
	})
}

// Who opens a video again and again is counted so often a day, and not more; others are counted on.
func TestCapped(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		v := videoOf(1, 1)
		for n := range 30 {
			f.tell(t, 101, Watch{VideoID: v, Session: fmt.Sprint(n), WatchedMs: int64(5000 + n)})
		}
		same(t, "views", int64(20), f.viewsOf(t, v))
		same(t, "history", []watched{{v, 5029, false}}, f.historyOf(t, 101, 10))
		f.tell(t, 101, Watch{VideoID: v, Session: "0", WatchedMs: 6000})
		f.tell(t, 101, Watch{VideoID: videoOf(1, 2), Session: "0", WatchedMs: 5000})
		f.tell(t, 102, Watch{VideoID: v, Session: "0", WatchedMs: 5000})
		same(t, "views with another's", int64(21), f.viewsOf(t, v))
		same(t, "views of another video", int64(1), f.viewsOf(t, videoOf(1, 2)))
		f.audited(t)
	})
}

// A history is in the order of the last time, in pages of any size.
func TestHistory(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		var want []watched
		for n := range int64(25) {
			f.at(t, time.Duration(n)*time.Second, 101, Watch{VideoID: videoOf(1, n), Session: "a", WatchedMs: n})
			want = append([]watched{{videoOf(1, n), n, false}}, want...)
		}
		for n := range int64(5) { // of one moment: by their ids
			f.at(t, time.Minute, 101, Watch{VideoID: videoOf(2, n), Session: "a"})
			want = append([]watched{{videoOf(2, n), 0, false}}, want...)
		}
		f.at(t, 2*time.Minute, 101, Watch{VideoID: videoOf(1, 3), Session: "b", WatchedMs: 1})
		for i, w := range want {
			if w.Video == videoOf(1, 3) {
				want = append(append([]watched{w}, want[:i]...), want[i+1:]...)
				break
			}
		}
		for _, size := range []int{1, 7, 100} {
			same(t, fmt.Sprintf("pages of %d", size), want, f.historyOf(t, 101, size))
		}
		same(t, "of another", []watched{}, f.historyOf(t, 102, 10), cmpopts.EquateEmpty())
	})
}
