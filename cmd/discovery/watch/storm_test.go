package watch

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"tiktok/cmd/discovery/dal/db"
	"tiktok/cmd/discovery/dal/mq"
	"tiktok/pkg/queue/queuetest"
	"tiktok/pkg/sqldb"
	"tiktok/pkg/sqldb/sqldbtest"
)

// told is the most that was told.
type told struct {
	WatchedMs int64
	Finished  bool
}

func (t told) and(w Watch) told { return told{max(t.WatchedMs, w.WatchedMs), t.Finished || w.Finished} }

type sessionKey struct {
	user, video int64
	session     string
}

// ledger notes what was told, as the store shall have it in the end.
type ledger struct {
	mu sync.Mutex
	// sessions is what was told of those that count, by what counts: of a session that is finished, shorter looks before that are none.
	sessions  map[sessionKey]told
	histories map[db.HistoryKey]told
}

func newLedger() *ledger {
	return &ledger{sessions: map[sessionKey]told{}, histories: map[db.HistoryKey]told{}}
}

func (l *ledger) note(user int64, watches []Watch) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, w := range watches {
		if w.WatchedMs >= db.ViewMs || w.Finished {
			k := sessionKey{user, w.VideoID, w.Session}
			l.sessions[k] = l.sessions[k].and(w)
		}
		k := db.HistoryKey{UserID: user, VideoID: w.VideoID}
		l.histories[k] = l.histories[k].and(w)
	}
}

// check compares what is stored with what was told. No user may have opened a video so often that it did not count.
func (l *ledger) check(t *testing.T, f *fixture) {
	t.Helper()
	type sums struct{ Views, Finishes, WatchedMs int64 }
	wantVideos := map[int64]sums{}
	for k, s := range l.sessions {
		v := wantVideos[k.video]
		v.Views, v.WatchedMs = v.Views+1, v.WatchedMs+s.WatchedMs
		if s.Finished {
			v.Finishes++
		}
		wantVideos[k.video] = v
	}
	var rows []db.VideoWatches
	if err := f.raw.Read.Find(&rows).Error; err != nil {
		t.Fatal(err)
	}
	gotVideos, cached := map[int64]sums{}, []int64{}
	for _, r := range rows {
		gotVideos[r.VideoID], cached = sums{r.Views, r.Finishes, r.WatchedMs}, append(cached, r.VideoID)
	}
	same(t, "counters of videos", wantVideos, gotVideos)
	views, err := f.Views(t.Context(), cached)
	if err != nil {
		t.Fatal(err)
	}
	for id, n := range views {
		if n != wantVideos[id].Views {
			t.Errorf("video %d is answered with %d views, want %d", id, n, wantVideos[id].Views)
		}
	}
	var histories []db.History
	if err := f.raw.Read.Find(&histories).Error; err != nil {
		t.Fatal(err)
	}
	gotHistories := map[db.HistoryKey]told{}
	for _, h := range histories {
		gotHistories[db.HistoryKey{UserID: h.UserID, VideoID: h.VideoID}] = told{h.WatchedMs, h.Finished}
	}
	same(t, "histories", l.histories, gotHistories)
	f.audited(t)
}

// randomWatches are up to 12 watches of a few videos in a few sessions each.
func randomWatches(t *testing.T, r *rand.Rand) []Watch {
	watches := make([]Watch, 1+r.IntN(12))
	for i := range watches {
		watches[i] = Watch{
			VideoID: videoOf(1+r.Int64N(4), r.Int64N(4)), Session: fmt.Sprint(r.IntN(5)), WatchedMs: r.Int64N(9000), Finished: r.IntN(4) == 0,
		}
	}
	watches, err := merge(1, watches)
	if err != nil {
		t.Error(err)
	}
	return watches
}

// Users tell the same sessions again and again, through a queue that delays, reorders and delivers twice. In the end views are the
// sessions that count, and histories the longest.
func TestChaos(t *testing.T) {
	sqldbtest.Each(t, schema, db.Migrations(), func(t *testing.T, raw *sqldb.DB) {
		seed := rand.Uint64()
		t.Logf("seed %d", seed)
		var chaos *queuetest.Chaos[mq.Event]
		f := newFixture(t, raw, func(d *Deps) {
			chaos = queuetest.NewChaos(d.Queue, seed)
			d.Queue = chaos
		})
		l := newLedger()
		var wg sync.WaitGroup
		for user := int64(101); user < 113; user++ {
			r := rand.New(rand.NewPCG(seed, uint64(user)))
			wg.Go(func() {
				for range 40 {
					watches := randomWatches(t, r)
					f.tell(t, user, watches...)
					l.note(user, watches)
				}
			})
		}
		wg.Wait()
		if err := chaos.Settle(t.Context()); err != nil {
			t.Fatal(err)
		}
		l.check(t, f)
	})
}

// Writers of two processes apply the same events at the same time, in other batches and orders: nobody fails, nothing counts twice.
func TestWritersAtOnce(t *testing.T) {
	sqldbtest.Each(t, schema, db.Migrations(), func(t *testing.T, raw *sqldb.DB) {
		a, b := newFixture(t, raw, nil), newFixture(t, raw, nil)
		seed := rand.Uint64()
		t.Logf("seed %d", seed)
		r := rand.New(rand.NewPCG(seed, 0))
		l := newLedger()
		var events []mq.Event
		for n := range 400 {
			user, watches := int64(101+r.IntN(15)), randomWatches(t, r)
			events = append(events, a.event(time.Duration(n)*time.Millisecond, user, watches...))
			l.note(user, watches)
		}
		var wg sync.WaitGroup
		for writer, f := range []*fixture{a, b, a, b} {
			own := slices.Clone(events)
			r := rand.New(rand.NewPCG(seed, uint64(1+writer)))
			r.Shuffle(len(own), func(i, j int) { own[i], own[j] = own[j], own[i] })
			wg.Go(func() {
				for len(own) > 0 {
					n := min(len(own), 1+r.IntN(60))
					if err := f.apply(t.Context(), own[:n]); err != nil {
						t.Errorf("apply: %v", err)
					}
					own = own[n:]
				}
			})
		}
		wg.Wait()
		l.check(t, a)
	})
}

// A process may die after the commit and before anybody hears of it. The event comes again: nothing counts twice, and caches hear of it.
func TestDiedAfterCommit(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		v := videoOf(1, 1)
		same(t, "cached", int64(0), f.viewsOf(t, v))
		same(t, "cached", []int64(nil), f.seenBy(t, 101))
		e := f.event(0, 101, Watch{VideoID: v, Session: "a", WatchedMs: 5000, Finished: true})
		if _, err := f.store.ApplyWatches(t.Context(), flatten([]mq.Event{e}), f.heat); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := f.apply(t.Context(), []mq.Event{e, e}); err != nil {
				t.Fatal(err)
			}
			same(t, "views", int64(1), f.viewsOf(t, v))
			same(t, "seen", []int64{v}, f.seenBy(t, 101))
			f.stats(t, v, 1, 1, 5000)
		}
		var row db.VideoWatches
		if err := f.raw.Read.Take(&row, "video_id = ?", v).Error; err != nil {
			t.Fatal(err)
		}
		if want := addHeat(0, e.AtMs); row.Heat != want {
			t.Errorf("heat %v, want that of one finish, %v", row.Heat, want)
		}
	})
}

// An event that is too old to be told from a new one, or is none, is refused as a whole batch that can never be applied.
func TestPoison(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		good := f.event(0, 101, Watch{VideoID: videoOf(1, 1), Session: "a", WatchedMs: 5000})
		old := f.event(-maxLate, 101, Watch{VideoID: videoOf(1, 1), Session: "b", WatchedMs: 5000})
		other := good
		other.V++
		for _, bad := range []mq.Event{old, other, {}} {
			poison(t, f.apply(t.Context(), []mq.Event{good, bad}))
		}
		same(t, "views", int64(0), f.viewsOf(t, videoOf(1, 1)))
	})
}

// What counts belongs to the day on which it was told, in UTC.
func TestDays(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		midnight := time.Now().UTC().Truncate(24 * time.Hour).Add(-24 * time.Hour)
		f.start = midnight
		v := videoOf(7, 1)
		f.at(t, -time.Millisecond, 101, Watch{VideoID: v, Session: "a", WatchedMs: 5000})
		f.at(t, 0, 101, Watch{VideoID: v, Session: "b", WatchedMs: 5000, Finished: true})
		f.at(t, time.Hour, 101, Watch{VideoID: v, Session: "a", WatchedMs: 8000, Finished: true})
		f.at(t, 2*time.Hour, 102, Watch{VideoID: v, Session: "c", WatchedMs: 100})
		day := db.Day(midnight.UnixMilli())
		rows, err := f.store.AuthorDays(t.Context(), 7, day-3, day+3)
		if err != nil {
			t.Fatal(err)
		}
		same(t, "days", []db.AuthorDay{{AuthorID: 7, Day: day - 1, Views: 1}, {AuthorID: 7, Day: day, Views: 1, Finishes: 2}}, rows)
		f.stats(t, v, 2, 2, 13000)

		// A user who is at the most of a day counts again the next day.
		w := videoOf(7, 2)
		for n := range 25 {
			f.at(t, -time.Hour, 101, Watch{VideoID: w, Session: fmt.Sprint("y", n), WatchedMs: 5000})
			f.at(t, time.Hour, 101, Watch{VideoID: w, Session: fmt.Sprint("t", n), WatchedMs: 5000})
		}
		f.stats(t, w, 2*db.MaxDaily, 0, 2*db.MaxDaily*5000)
	})
}

// A history that was cleared stays so, whatever comes late or again at the same time; what is watched afterwards is there.
func TestForget(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		one, two, three := videoOf(1, 1), videoOf(1, 2), videoOf(1, 3)
		old := []mq.Event{
			f.event(0, 101, Watch{VideoID: one, Session: "a", WatchedMs: 9000, Finished: true}),
			f.event(time.Second, 101, Watch{VideoID: two, Session: "a", WatchedMs: 5000}),
			f.event(2*time.Second, 101, Watch{VideoID: three, Session: "a", WatchedMs: 5000}),
		}
		forget := func(videoID int64) {
			t.Helper()
			for range 2 { // twice is once
				if err := f.Forget(t.Context(), 101, videoID); err != nil {
					t.Fatal(err)
				}
			}
		}
		again := func() {
			t.Helper()
			if err := f.apply(t.Context(), old); err != nil {
				t.Fatal(err)
			}
		}
		again()
		same(t, "seen", []int64{one, two, three}, f.seenBy(t, 101))
		forget(two)
		again()
		same(t, "one forgotten", []watched{{three, 5000, false}, {one, 9000, true}}, f.historyOf(t, 101, 10))
		same(t, "seen", []int64{one, three}, f.seenBy(t, 101))
		forget(videoOf(9, 9)) // never watched
		forget(0)
		again()
		same(t, "all forgotten", []watched{}, f.historyOf(t, 101, 10))
		same(t, "seen", []int64(nil), f.seenBy(t, 101))
		f.tell(t, 101, Watch{VideoID: one, Session: "a", WatchedMs: 1000})
		again()
		same(t, "watched since", []watched{{one, 1000, false}}, f.historyOf(t, 101, 10))
		same(t, "views", int64(1), f.viewsOf(t, one))
		f.audited(t)
	})
}

// Writers deliver old events again and again while their user clears the history.
func TestForgetRaces(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		var old []mq.Event
		for n := range int64(30) {
			old = append(old, f.event(time.Duration(n)*time.Second, 101, Watch{VideoID: videoOf(1, n), Session: "a", WatchedMs: 5000}))
		}
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() {
				own := slices.Clone(old)
				for range 10 {
					rand.Shuffle(len(own), func(i, j int) { own[i], own[j] = own[j], own[i] })
					if err := f.apply(t.Context(), own[:1+rand.IntN(len(own))]); err != nil {
						t.Errorf("apply: %v", err)
					}
				}
			})
		}
		wg.Go(func() {
			for _, videoID := range []int64{0, videoOf(1, 3), 0} {
				if err := f.Forget(t.Context(), 101, videoID); err != nil {
					t.Errorf("forget: %v", err)
				}
				if left := f.historyOf(t, 101, 100); videoID == 0 && len(left) > 0 {
					t.Errorf("%d videos are left", len(left))
				}
			}
		})
		wg.Wait()
		if err := f.apply(t.Context(), old); err != nil {
			t.Fatal(err)
		}
		same(t, "history", []watched{}, f.historyOf(t, 101, 100))
		same(t, "seen", []int64(nil), f.seenBy(t, 101))
		f.audited(t)
	})
}

// Archived sessions stay counted, also while others are told; sessions that are not old stay.
func TestArchive(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		v := videoOf(1, 1)
		f.at(t, 0, 101, Watch{VideoID: v, Session: "old", WatchedMs: 5000, Finished: true})
		f.at(t, 0, 102, Watch{VideoID: v, Session: "old", WatchedMs: 4000})
		f.at(t, 0, 101, Watch{VideoID: v, Session: "renewed", WatchedMs: 5000})
		f.at(t, time.Minute, 101, Watch{VideoID: v, Session: "renewed", WatchedMs: 6000})
		f.stats(t, v, 3, 1, 15000)
		if n, done, err := f.store.ArchiveSessions(t.Context(), f.start.Add(time.Minute).UnixMilli()); n != 2 || !done || err != nil {
			t.Errorf("archived %d, done %t, %v", n, done, err)
		}
		f.stats(t, v, 3, 1, 15000)
		var left []db.WatchSession
		if err := f.raw.Read.Find(&left).Error; err != nil || len(left) != 1 || left[0].Session != "renewed" {
			t.Errorf("left: %v, %v", left, err)
		}

		var wg sync.WaitGroup
		for writer := range 3 {
			wg.Go(func() {
				for n := range 40 {
					w := Watch{VideoID: videoOf(1, int64(n%3)), Session: fmt.Sprintf("%d-%d", writer, n), WatchedMs: 5000}
					f.at(t, time.Duration(n)*time.Second, int64(200+n%7), w)
				}
			})
		}
		wg.Go(func() {
			for n := range 40 {
				if _, _, err := f.store.ArchiveSessions(t.Context(), f.start.Add(time.Duration(n)*time.Second).UnixMilli()); err != nil {
					t.Errorf("archive: %v", err)
				}
			}
		})
		wg.Wait()
		f.audited(t)
		var views int64
		if err := f.raw.Read.Raw("SELECT SUM(views) FROM video_watches").Scan(&views).Error; err != nil || views != 3+120 {
			t.Errorf("%d views, %v; want 123", views, err)
		}
	})
}

// The purge archives what is older than the setting says, keeps the newest of a history, and removes what is forgotten for long.
func TestPurge(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		v := videoOf(1, 1)
		for n := range int64(8) {
			f.at(t, time.Duration(n)*time.Second, 101, Watch{VideoID: videoOf(1, n), Session: "a", WatchedMs: 5000})
			f.at(t, time.Duration(n)*time.Second, 102, Watch{VideoID: videoOf(1, n), Session: "a", WatchedMs: 5000})
		}
		if err := f.Forget(t.Context(), 102, 0); err != nil {
			t.Fatal(err)
		}
		f.at(t, 2*time.Hour, 102, Watch{VideoID: v, Session: "b", WatchedMs: 1000})
		same(t, "views", int64(2), f.viewsOf(t, v))

		next, n, done, err := f.store.PurgeHistories(t.Context(), 0, 5, time.Now().Add(-time.Minute).UnixMilli())
		if n != 3+3 || next != 102 || !done || err != nil { // of both what is beyond five
			t.Errorf("removed %d, next %d, done %t, %v", n, next, done, err)
		}
		same(t, "history", 5, len(f.historyOf(t, 101, 100)))
		same(t, "history", []watched{{v, 1000, false}}, f.historyOf(t, 102, 100))

		later := f.start.Add(f.keep - time.Minute)
		f.clock.Store(&later)
		if n, err := f.purgeOnce(t.Context(), 0); n != 4 || err != nil { // the rest of what 102 has forgotten
			t.Errorf("removed %d, %v", n, err)
		}
		later = later.Add(2 * time.Minute)
		if n, err := f.purgeOnce(t.Context(), 0); n != 16 || err != nil {
			t.Errorf("removed %d, %v; want the 16 sessions", n, err)
		}
		f.stats(t, v, 2, 0, 10000)
		same(t, "views", int64(2), f.viewsOf(t, v))
	})
}

// An audit finds what is wrong, and a repair makes it right, also in the cache.
func TestRepair(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		for n := range int64(3) {
			f.tell(t, 101+n, Watch{VideoID: videoOf(1, 1), Session: "a", WatchedMs: 5000, Finished: true},
				Watch{VideoID: videoOf(1, 2), Session: "a", WatchedMs: 4000}, Watch{VideoID: videoOf(2, 1), Session: "a", WatchedMs: 4000})
		}
		f.audited(t)
		for _, query := range []string{
			"UPDATE video_watches SET views = 7, watched_ms = 1 WHERE video_id = 1001",
			"UPDATE video_watches SET finishes = 5 WHERE video_id = 1002",
			"UPDATE author_days SET views = 99, finishes = 0 WHERE author_id = 2",
			"INSERT INTO author_days (author_id, day, views, finishes) VALUES (2, 100, 1, 4)",
			"INSERT INTO author_days (author_id, day, views, finishes) VALUES (3, 100, 1, 4)",
		} {
			if err := f.raw.Write.Exec(query).Error; err != nil {
				t.Fatal(err)
			}
		}
		f.views.Invalidate(t.Context(), videoOf(1, 1))
		same(t, "wrong", int64(7), f.viewsOf(t, videoOf(1, 1))) // now cached
		if n, err := f.store.AuditWatches(t.Context(), t.Logf); n != 5 || err != nil {
			t.Errorf("%d mismatches, %v; want 2 videos and 3 authors", n, err)
		}
		changed := func(ctx context.Context, videoID int64) { f.views.Invalidate(ctx, videoID) }
		if n, err := f.store.RepairWatches(t.Context(), t.Logf, changed); n != 4 || err != nil { // the days of author 1 were right
			t.Errorf("%d repaired, %v; want 4", n, err)
		}
		f.audited(t)
		same(t, "views", int64(3), f.viewsOf(t, videoOf(1, 1)))
		rows, err := f.store.AuthorDays(t.Context(), 2, 0, 1<<40)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range rows {
			if d.Views < 0 || d.Finishes < 0 {
				t.Errorf("less than nothing: %+v", d)
			}
		}
	})
}
