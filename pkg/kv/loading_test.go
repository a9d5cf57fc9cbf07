package kv

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

type card struct {
	ID   int64
	Name string
	Tags []string `json:",omitempty"`
}

// counting counts round trips and can be made to fail.
type counting struct {
	Store
	mgets, sets atomic.Int64
	away        atomic.Bool
}

// reachable is s as a store that other processes reach, too.
func reachable(s Store) Store {
	if _, ok := s.(*memory); ok {
		return struct{ Store }{s}
	}
	return s
}

var errTestAway = errors.New("test: store is away")

func (c *counting) MGet(ctx context.Context, keys []string) ([][]byte, error) {
	c.mgets.Add(1)
	if c.away.Load() {
		return nil, errTestAway
	}
	return c.Store.MGet(ctx, keys)
}

func (c *counting) Set(ctx context.Context, items []Item) error {
	c.sets.Add(1)
	if c.away.Load() {
		return errTestAway
	}
	return c.Store.Set(ctx, items)
}

func (c *counting) trips() (mgets, sets int64) { return c.mgets.Swap(0), c.sets.Swap(0) }

// table is the truth that the cache stands before.
type table struct {
	mu    sync.Mutex
	rows  map[int64]card
	loads int
	asked []int64
	// next is called by the next load, once it has read the rows.
	next func(ctx context.Context) error
}

func newTable(n int64) *table {
	t := &table{rows: make(map[int64]card)}
	for id := int64(1); id <= n; id++ {
		t.rows[id] = card{ID: id, Name: fmt.Sprint("name ", id)}
	}
	return t
}

func cardKey(id int64) string { return fmt.Sprintf("tt:user:card:v1:{%d}", id) }

func (t *table) put(c card) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.rows[c.ID] = c
}

func (t *table) load(ctx context.Context, ids []int64) (map[int64]card, error) {
	t.mu.Lock()
	t.loads++
	t.asked = append(t.asked, ids...)
	out := make(map[int64]card)
	for _, id := range ids {
		if c, ok := t.rows[id]; ok {
			out[id] = c
		}
	}
	next := t.next
	t.next = nil
	t.mu.Unlock()
	if next == nil {
		return out, nil
	}
	return out, next(ctx)
}

func (t *table) onNextLoad(next func(ctx context.Context) error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.next = next
}

func (t *table) took() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := t.loads
	t.loads, t.asked = 0, nil
	return n
}

// eachStore runs fn on the memory store, as one that other processes reach too, and on Redis when there is one.
func eachStore[T any](t *testing.T, fn func(t *testing.T, s *counting, o Options[int64, T])) {
	t.Helper()
	run := func(name string, cfg Config) {
		t.Run(name, func(t *testing.T) {
			s, err := Open(t.Context(), cfg)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = s.Close() })
			prefix := fmt.Sprintf("loadingtest:%d:", time.Now().UnixNano())
			fn(t, &counting{Store: s}, Options[int64, T]{
				Kind: "card",
				Key:  func(id int64) string { return fmt.Sprintf("%s{%d}", prefix, id) },
				TTL:  time.Minute, NegativeTTL: time.Minute,
			})
		})
	}
	run("memory", Config{})
	if addr := os.Getenv("TIKTOK_TEST_REDIS"); addr != "" {
		run("redis", Config{Driver: DriverRedis, Addrs: []string{addr}, Timeout: 5 * time.Second})
	}
}

func mustGet(t *testing.T, c *LoadingCache[int64, card], ids ...int64) map[int64]card {
	t.Helper()
	got, err := c.GetMulti(t.Context(), ids)
	if err != nil {
		t.Fatalf("GetMulti: %v", err)
	}
	return got
}

func TestBatchIsThreeRoundTrips(t *testing.T) {
	eachStore(t, func(t *testing.T, s *counting, o Options[int64, card]) {
		tab := newTable(90)
		tab.put(card{ID: 7, Name: "七 \"quoted\" <b>", Tags: []string{"a", ""}})
		ids := make([]int64, 0, 200)
		for id := range int64(100) {
			ids = append(ids, id+1, id+1)
		}
		c := NewLoadingCache(s, o, tab.load)
		for round, want := range [][3]int64{{1, 1, 1}, {1, 0, 0}} {
			got := mustGet(t, c, ids...)
			if diff := cmp.Diff(tab.rows, got); diff != "" {
				t.Fatalf("round %d: %s", round, diff)
			}
			mgets, sets := s.trips()
			if have := [3]int64{mgets, int64(tab.took()), sets}; have != want {
				t.Errorf("round %d: MGet, load, Set = %v, want %v", round, have, want)
			}
		}
		if got := mustGet(t, c); got == nil || len(got) != 0 {
			t.Errorf("no ids: %v", got)
		}
		if mgets, sets := s.trips(); mgets+sets != 0 {
			t.Errorf("no ids cost %d round trips", mgets+sets)
		}
	})
}

func TestOnlyTheMissingAreLoaded(t *testing.T) {
	eachStore(t, func(t *testing.T, s *counting, o Options[int64, card]) {
		tab := newTable(10)
		c := NewLoadingCache(s, o, tab.load)
		mustGet(t, c, 1, 2, 3)
		tab.took()
		mustGet(t, c, 2, 3, 4, 5)
		if diff := cmp.Diff([]int64{4, 5}, tab.asked); diff != "" {
			t.Error(diff)
		}
	})
}

func TestCreateReplacesNegativeEntry(t *testing.T) {
	eachStore(t, func(t *testing.T, s *counting, o Options[int64, card]) {
		tab := newTable(0)
		c := NewLoadingCache(s, o, tab.load)
		mustGet(t, c, 5)
		mustGet(t, c, 5)
		if n := tab.took(); n != 1 {
			t.Errorf("%d loads of an id that does not exist, want 1", n)
		}
		tab.put(card{ID: 5, Name: "new"})
		c.Invalidate(t.Context(), 5)
		if got := mustGet(t, c, 5); got[5].Name != "new" {
			t.Errorf("got %v after the create", got)
		}
	})
}

func TestNegativeEntriesCanBeOff(t *testing.T) {
	eachStore(t, func(t *testing.T, s *counting, o Options[int64, card]) {
		o.NegativeTTL = -1
		tab := newTable(0)
		c := NewLoadingCache(s, o, tab.load)
		mustGet(t, c, 5)
		mustGet(t, c, 5)
		if n := tab.took(); n != 2 {
			t.Errorf("%d loads, want 2", n)
		}
	})
}

// TestManyReadersFewLoads: misses that come while an id is being loaded share the next load.
func TestManyReadersFewLoads(t *testing.T) {
	eachStore(t, func(t *testing.T, s *counting, o Options[int64, card]) {
		const readers = 30
		tab := newTable(3)
		c := NewLoadingCache(s, o, tab.load)
		p := pause(t, c, tab, 1, 2)
		var wg sync.WaitGroup
		for range readers {
			wg.Go(func() {
				if got := mustGet(t, c, 1, 2); got[1].Name == "" || got[2].Name == "" {
					t.Errorf("got %v", got)
				}
			})
		}
		waitFor(t, func() bool { return testutil.ToFloat64(c.metrics.misses) == 2+2*readers })
		p.finish()
		wg.Wait()
		if n := tab.took(); n > readers/2 { // who is a moment late has a load of its own
			t.Errorf("%d loads", n)
		}
		if n := testutil.ToFloat64(c.metrics.joined); n < readers {
			t.Errorf("%v misses shared a load", n)
		}
	})
}

// pausedRead is a reader whose load has read the truth and then waits.
type pausedRead struct {
	read, release chan struct{}
	result        chan map[int64]card
}

func pause(t *testing.T, c *LoadingCache[int64, card], tab *table, ids ...int64) *pausedRead {
	t.Helper()
	p := &pausedRead{read: make(chan struct{}), release: make(chan struct{}), result: make(chan map[int64]card, 1)}
	tab.onNextLoad(func(context.Context) error {
		close(p.read)
		<-p.release
		return nil
	})
	go func() {
		got, err := c.GetMulti(context.Background(), ids)
		if err != nil {
			t.Errorf("paused reader: %v", err)
		}
		p.result <- got
	}()
	<-p.read
	return p
}

func (p *pausedRead) finish() map[int64]card {
	close(p.release)
	return <-p.result
}

// TestSlowReaderCannotBringBackOldValue is the race that invalidation by deleting loses: a reader loads the old value,
// a commit and its invalidation come, and then the reader stores what it has.
func TestSlowReaderCannotBringBackOldValue(t *testing.T) {
	nothing := func(*testing.T, *LoadingCache[int64, card], *table) {}
	aTombstone := func(t *testing.T, c *LoadingCache[int64, card], _ *table) { t.Helper(); c.Invalidate(t.Context(), 1) }
	for _, tt := range []struct {
		name string
		// before brings the store into the state that the slow reader finds.
		before func(t *testing.T, c *LoadingCache[int64, card], tab *table)
		// other is another process on the same store.
		other bool
		// forgotten means that the store loses the tombstone.
		forgotten bool
	}{
		{name: "nothing found", before: nothing},
		{name: "nothing found, other process", before: nothing, other: true},
		{name: "nothing found, tombstone evicted", before: nothing, forgotten: true},
		{name: "tombstone found", before: aTombstone},
		{name: "tombstone found, other process", before: aTombstone, other: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			eachStore(t, func(t *testing.T, s *counting, o Options[int64, card]) {
				tab := newTable(2)
				slow := NewLoadingCache(s, o, tab.load)
				writer := slow
				if tt.other {
					writer = NewLoadingCache(s, o, tab.load)
				}
				tt.before(t, writer, tab)

				p := pause(t, slow, tab, 1, 2)
				tab.put(card{ID: 1, Name: "committed"})
				writer.Invalidate(t.Context(), 1)
				if tt.forgotten {
					if err := s.Delete(t.Context(), []string{o.Key(1)}); err != nil {
						t.Fatal(err)
					}
				}

				// While the slow reader is still away, nobody may join it for what was committed. With another process
				// only that one asks: a question to the slow one would end its flight, and then it stores nothing anyway.
				midway := []*LoadingCache[int64, card]{slow, writer}
				if tt.other {
					midway = midway[1:]
				}
				for _, c := range midway {
					if got := mustGet(t, c, 1); got[1].Name != "committed" {
						t.Errorf("after the commit: %q", got[1].Name)
					}
				}
				if tt.forgotten {
					if err := s.Delete(t.Context(), []string{o.Key(1)}); err != nil {
						t.Fatal(err)
					}
				}
				if got := p.finish(); got[1].Name != "name 1" {
					t.Fatalf("the slow reader got %q: this test does not test what it should", got[1].Name)
				}
				for _, c := range []*LoadingCache[int64, card]{slow, writer} {
					if got := mustGet(t, c, 1, 2); got[1].Name != "committed" {
						t.Errorf("after the slow reader: %q", got[1].Name)
					}
				}
				// What nobody invalidated was stored by the slow reader.
				tab.took()
				mustGet(t, writer, 2)
				if n := tab.took(); n != 0 {
					t.Error("the other id was not stored")
				}
			})
		})
	}
}

// TestHotKeyIsCachedBetweenWrites checks that a tombstone does not keep the key out of the cache.
func TestHotKeyIsCachedBetweenWrites(t *testing.T) {
	eachStore(t, func(t *testing.T, s *counting, o Options[int64, card]) {
		tab := newTable(1)
		c, other := NewLoadingCache(s, o, tab.load), NewLoadingCache(s, o, tab.load)
		for i := range 20 {
			name := fmt.Sprint("version ", i)
			tab.put(card{ID: 1, Name: name})
			c.Invalidate(t.Context(), 1)
			tab.took()
			for range 5 {
				for _, reader := range []*LoadingCache[int64, card]{c, other} {
					if got := mustGet(t, reader, 1); got[1].Name != name {
						t.Fatalf("got %q, want %q", got[1].Name, name)
					}
				}
			}
			if n := tab.took(); n != 1 {
				t.Fatalf("%d loads after one write, want 1", n)
			}
		}
	})
}

// TestNoStaleReadUnderLoad hammers one key from two processes; a reader must never see less than was committed and
// invalidated before it began.
func TestNoStaleReadUnderLoad(t *testing.T) {
	eachStore(t, func(t *testing.T, s *counting, o Options[int64, int64]) {
		const writes, readers = 300, 6
		var truth, acked atomic.Int64
		load := func(_ context.Context, _ []int64) (map[int64]int64, error) {
			return map[int64]int64{1: truth.Load()}, nil
		}
		procs := []*LoadingCache[int64, int64]{NewLoadingCache(s, o, load), NewLoadingCache(s, o, load)}
		var wg sync.WaitGroup
		stop := make(chan struct{})
		var hits atomic.Int64
		for r := range readers {
			wg.Go(func() {
				c := procs[r%2]
				for {
					select {
					case <-stop:
						return
					default:
					}
					least := acked.Load()
					got, err := c.GetMulti(context.Background(), []int64{1})
					if err != nil {
						t.Error(err)
						return
					}
					if got[1] < least {
						t.Errorf("read %d after %d was acknowledged", got[1], least)
						return
					}
					hits.Add(1)
				}
			})
		}
		for i := int64(1); i <= writes; i++ {
			truth.Store(i)
			procs[i%2].Invalidate(t.Context(), 1)
			acked.Store(i)
		}
		waitFor(t, func() bool { return hits.Load() > 100 || t.Failed() })
		close(stop)
		wg.Wait()
	})
}

func TestStoreFailureIsNotAnError(t *testing.T) {
	s := &counting{}
	mem, err := Open(t.Context(), Config{})
	if err != nil {
		t.Fatal(err)
	}
	s.Store = mem
	reg := prometheus.NewRegistry()
	tab := newTable(3)
	c := NewLoadingCache(s, Options[int64, card]{Kind: "card", Key: cardKey, Metrics: reg}, tab.load)
	s.away.Store(true)
	if got := mustGet(t, c, 1, 2, 9); len(got) != 2 {
		t.Errorf("got %v", got)
	}
	if _, sets := s.trips(); sets != 0 {
		t.Error("a value was stored although it is not known what the store held")
	}
	if n := testutil.ToFloat64(c.metrics.errors); n != 1 {
		t.Errorf("%v errors counted, want 1", n)
	}
}

func TestFailedInvalidationIsMadeUpFor(t *testing.T) {
	eachStore(t, func(t *testing.T, s *counting, o Options[int64, card]) {
		tab := newTable(2)
		c, other := NewLoadingCache(s, o, tab.load), NewLoadingCache(s, o, tab.load)
		mustGet(t, c, 1, 2)
		s.away.Store(true)
		tab.put(card{ID: 1, Name: "committed"})
		c.Invalidate(t.Context(), 1)
		// The store comes back with the old value still in it.
		s.away.Store(false)
		if got := mustGet(t, c, 1); got[1].Name != "committed" {
			t.Errorf("this process reads %q", got[1].Name)
		}
		// And soon the tombstone is there for the others.
		waitFor(t, func() bool { return mustGet(t, other, 1)[1].Name == "committed" })
		waitFor(t, func() bool {
			retrying, ids := c.unconfirmed.state()
			return !retrying && ids == 0
		})
		mustGet(t, c, 1)
		tab.took()
		mustGet(t, c, 1, 2)
		if n := tab.took(); n != 0 {
			t.Error("the key is still not cached")
		}
	})
}

func (u *unconfirmed[K]) state() (retrying bool, ids int) {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.retrying, len(u.ids)
}

// slowRead calls between after each read of the store, before its caller sees the values.
type slowRead struct {
	Store
	between func()
}

func (s *slowRead) MGet(ctx context.Context, keys []string) ([][]byte, error) {
	values, err := s.Store.MGet(ctx, keys)
	s.between()
	return values, err
}

// A read takes the old value out of the store; before it goes on, the late tombstone is written and the id is trusted
// again.
func TestReadAcrossALateTombstone(t *testing.T) {
	eachStore(t, func(t *testing.T, s *counting, o Options[int64, card]) {
		tab := newTable(1)
		slow := &slowRead{Store: s, between: func() {}}
		c := NewLoadingCache(slow, o, tab.load)
		mustGet(t, c, 1)
		s.away.Store(true)
		tab.put(card{ID: 1, Name: "committed"})
		c.Invalidate(t.Context(), 1)
		slow.between = func() {
			waitFor(t, func() bool {
				_, ids := c.unconfirmed.state()
				return ids == 0
			})
		}
		s.away.Store(false)
		if got := mustGet(t, c, 1); got[1].Name != "committed" {
			t.Errorf("read %q", got[1].Name)
		}
	})
}

func TestTooManyFailedInvalidations(t *testing.T) {
	mem, err := Open(t.Context(), Config{})
	if err != nil {
		t.Fatal(err)
	}
	s := &counting{Store: mem}
	tab := newTable(1)
	c := NewLoadingCache(s, Options[int64, card]{Kind: "card", Key: cardKey, TTL: time.Minute}, tab.load)
	mustGet(t, c, 1)
	s.away.Store(true)
	ids := make([]int64, maxUnconfirmed+1)
	for i := range ids {
		ids[i] = int64(1000 + i)
	}
	c.Invalidate(t.Context(), ids...)
	c.Invalidate(t.Context(), 1)
	tab.put(card{ID: 1, Name: "committed"})
	s.away.Store(false)
	if got := mustGet(t, c, 1); got[1].Name != "committed" {
		t.Errorf("got %q", got[1].Name)
	}
	if err := s.Close(); err != nil { // ends the retries
		t.Fatal(err)
	}
	waitFor(t, func() bool {
		retrying, _ := c.unconfirmed.state()
		return !retrying
	})
}

func TestLoadErrorIsNotRemembered(t *testing.T) {
	eachStore(t, func(t *testing.T, s *counting, o Options[int64, card]) {
		tab := newTable(1)
		c := NewLoadingCache(s, o, tab.load)
		bad := errors.New("no database")
		tab.onNextLoad(func(context.Context) error { return bad })
		if _, err := c.GetMulti(t.Context(), []int64{1}); !errors.Is(err, bad) {
			t.Errorf("got %v", err)
		}
		tab.onNextLoad(func(context.Context) error { panic("boom") })
		if _, err := c.GetMulti(t.Context(), []int64{1}); err == nil || !strings.Contains(err.Error(), "boom") {
			t.Errorf("panic: got %v", err)
		}
		if got := mustGet(t, c, 1); got[1].ID != 1 {
			t.Errorf("got %v", got)
		}
	})
}

// TestGivingUpDoesNotEndTheLoad: others may wait for it, and its value is stored.
func TestGivingUpDoesNotEndTheLoad(t *testing.T) {
	eachStore(t, func(t *testing.T, s *counting, o Options[int64, card]) {
		tab := newTable(1)
		c := NewLoadingCache(s, o, tab.load)
		entered, release := make(chan struct{}), make(chan struct{})
		tab.onNextLoad(func(ctx context.Context) error {
			close(entered)
			<-release
			return ctx.Err()
		})
		ctx, cancel := context.WithCancel(t.Context())
		first := make(chan error, 1)
		go func() {
			_, err := c.GetMulti(ctx, []int64{1})
			first <- err
		}()
		<-entered
		cancel()
		if err := <-first; !errors.Is(err, context.Canceled) {
			t.Errorf("who gave up got %v", err)
		}
		close(release)
		waitFor(t, func() bool { // until the value is stored
			values, err := s.Store.MGet(t.Context(), []string{o.Key(1)})
			return err == nil && values[0] != nil
		})
		if got := mustGet(t, c, 1); got[1].ID != 1 {
			t.Errorf("another reader got %v", got)
		}
		if n := tab.took(); n != 1 {
			t.Errorf("%d loads, want 1", n)
		}
		if _, err := c.GetMulti(ctx, []int64{1}); !errors.Is(err, context.Canceled) {
			t.Errorf("ended context: %v", err)
		}
	})
}

func TestLateLoadIsNotStored(t *testing.T) {
	eachStore(t, func(t *testing.T, s *counting, o Options[int64, card]) {
		tab := newTable(1)
		c := NewLoadingCache(s, o, tab.load)
		c.loadTimeout, c.tombstoneTTL = time.Millisecond, time.Millisecond
		p := pause(t, c, tab, 1)
		// The load has long passed its deadline.
		timer := time.NewTimer(20 * time.Millisecond)
		<-timer.C
		p.finish()
		if _, sets := s.trips(); sets != 0 {
			t.Error("the value of a load that came too late was stored")
		}
	})
}

func TestUnreadableValueIsReplaced(t *testing.T) {
	eachStore(t, func(t *testing.T, s *counting, o Options[int64, card]) {
		tab := newTable(2)
		c := NewLoadingCache(s, o, tab.load)
		for id, garbage := range map[int64]string{1: "v{not json", 2: "?"} {
			if err := s.Set(t.Context(), []Item{{Key: o.Key(id), Value: []byte(garbage), TTL: time.Minute}}); err != nil {
				t.Fatal(err)
			}
		}
		for range 2 {
			if diff := cmp.Diff(tab.rows, mustGet(t, c, 1, 2)); diff != "" {
				t.Error(diff)
			}
		}
		if n := tab.took(); n != 1 {
			t.Errorf("%d loads, want 1", n)
		}
	})
}

func TestMetricsAreShared(t *testing.T) {
	mem, err := Open(t.Context(), Config{})
	if err != nil {
		t.Fatal(err)
	}
	reg := prometheus.NewRegistry()
	tab := newTable(2)
	kinds := map[string]*LoadingCache[int64, card]{}
	for kind, local := range map[string]time.Duration{"a": 0, "b": time.Hour} {
		kinds[kind] = NewLoadingCache(reachable(mem), Options[int64, card]{
			Kind: kind, Key: func(id int64) string { return fmt.Sprint(kind, id) }, Local: local, Metrics: reg,
		}, tab.load)
	}
	mustGet(t, kinds["a"], 1, 2)
	mustGet(t, kinds["a"], 1, 2)
	for range 3 {
		mustGet(t, kinds["b"], 1)
	}
	want := `
# HELP tiktok_cache_hits_total Ids answered by a level of the cache, those known not to exist included.
# TYPE tiktok_cache_hits_total counter
tiktok_cache_hits_total{kind="a",level="local"} 0
tiktok_cache_hits_total{kind="a",level="store"} 2
tiktok_cache_hits_total{kind="b",level="local"} 2
tiktok_cache_hits_total{kind="b",level="store"} 0
# HELP tiktok_cache_misses_total Ids that the cache did not answer.
# TYPE tiktok_cache_misses_total counter
tiktok_cache_misses_total{kind="a"} 2
tiktok_cache_misses_total{kind="b"} 1
`
	if err := testutil.GatherAndCompare(reg, strings.NewReader(want), "tiktok_cache_hits_total", "tiktok_cache_misses_total"); err != nil {
		t.Error(err)
	}
}

func TestJitter(t *testing.T) {
	low, high := time.Hour, time.Duration(0)
	for range 10_000 {
		d := jitter(100 * time.Second)
		low, high = min(low, d), max(high, d)
	}
	if low < 90*time.Second || high > 110*time.Second || high-low < 15*time.Second {
		t.Errorf("from %v to %v, want 90 s to 110 s", low, high)
	}
}

func waitFor(t *testing.T, cond func() bool) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !cond() {
		if time.Now().After(deadline) {
			t.Fatal("waited in vain")
		}
		<-tick.C
	}
}

func BenchmarkGetMultiHit(b *testing.B) {
	mem, err := Open(b.Context(), Config{})
	if err != nil {
		b.Fatal(err)
	}
	tab := newTable(30)
	c := NewLoadingCache(reachable(mem), Options[int64, card]{Kind: "card", Key: cardKey}, tab.load)
	ids := make([]int64, 0, 30)
	for id := range maps.Keys(tab.rows) {
		ids = append(ids, id)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.GetMulti(b.Context(), ids); err != nil {
			b.Fatal(err)
		}
	}
}
