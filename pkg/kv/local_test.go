package kv

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestLocalHitAsksNobody(t *testing.T) {
	eachStore(t, func(t *testing.T, s *counting, o Options[int64, card]) {
		o.Local = time.Hour
		tab := newTable(3)
		c := NewLoadingCache(s, o, tab.load)
		mustGet(t, c, 1, 2)
		s.trips()
		if got := mustGet(t, c, 1, 2, 2); len(got) != 2 || got[1].Name != "name 1" || got[2].Name != "name 2" {
			t.Errorf("got %v", got)
		}
		if mgets, sets := s.trips(); mgets+sets != 0 {
			t.Errorf("%d round trips for what is held", mgets+sets)
		}
		if got := mustGet(t, c, 1, 2, 3); len(got) != 3 {
			t.Errorf("got %v", got)
		}
		if mgets, _ := s.trips(); mgets != 1 {
			t.Errorf("%d reads for what is not held, want 1", mgets)
		}
		// Held by another process that read it from the store.
		other := NewLoadingCache(s, o, tab.load)
		mustGet(t, other, 1)
		s.trips()
		mustGet(t, other, 1)
		if mgets, _ := s.trips(); mgets != 0 {
			t.Error("what came from the store is not held")
		}
	})
}

func TestLocalIsDroppedAtOnce(t *testing.T) {
	eachStore(t, func(t *testing.T, s *counting, o Options[int64, card]) {
		o.Local = time.Hour
		tab := newTable(1)
		c := NewLoadingCache(s, o, tab.load)
		for i := range 3 {
			name := fmt.Sprint("version ", i)
			tab.put(card{ID: 1, Name: name})
			c.Invalidate(t.Context(), 1)
			for range 2 {
				if got := mustGet(t, c, 1); got[1].Name != name {
					t.Fatalf("read %q, want %q", got[1].Name, name)
				}
			}
		}
	})
}

// TestLocalNeverHoldsAbsence: a create is visible at once in every process.
func TestLocalNeverHoldsAbsence(t *testing.T) {
	eachStore(t, func(t *testing.T, s *counting, o Options[int64, card]) {
		o.Local = time.Hour
		tab := newTable(0)
		c, other := NewLoadingCache(s, o, tab.load), NewLoadingCache(s, o, tab.load)
		mustGet(t, c, 5)
		mustGet(t, other, 5)
		tab.put(card{ID: 5, Name: "new"})
		other.Invalidate(t.Context(), 5)
		for _, p := range []*LoadingCache[int64, card]{c, other} {
			if got := mustGet(t, p, 5); got[5].Name != "new" {
				t.Errorf("got %v after the create", got)
			}
		}
	})
}

func TestLocalEndsInOtherProcesses(t *testing.T) {
	eachStore(t, func(t *testing.T, s *counting, o Options[int64, card]) {
		o.Local = 50 * time.Millisecond
		tab := newTable(1)
		c, other := NewLoadingCache(s, o, tab.load), NewLoadingCache(s, o, tab.load)
		mustGet(t, other, 1)
		tab.put(card{ID: 1, Name: "committed"})
		c.Invalidate(t.Context(), 1)
		done := time.Now()
		for {
			asked := time.Now()
			got := mustGet(t, other, 1)[1].Name
			if got == "committed" {
				return
			}
			if late := asked.Sub(done); late > o.Local {
				t.Fatalf("read %q %v after Invalidate", got, late)
			}
		}
	})
}

// TestLocalRefusesOldReads is the race of the two levels: what a reader has read before an Invalidate must not get into
// the local level after it, whether it came from the store or from a load.
func TestLocalRefusesOldReads(t *testing.T) {
	t.Run("from the store", func(t *testing.T) {
		eachStore(t, func(t *testing.T, s *counting, o Options[int64, card]) {
			tab := newTable(1)
			mustGet(t, NewLoadingCache(s, o, tab.load), 1)
			o.Local = time.Hour
			slow := &slowRead{Store: s, between: func() {}}
			c := NewLoadingCache(slow, o, tab.load)
			slow.between = func() { // the old value is on its way to the reader
				slow.between = func() {}
				tab.put(card{ID: 1, Name: "committed"})
				c.Invalidate(t.Context(), 1)
			}
			if got := mustGet(t, c, 1); got[1].Name != "name 1" {
				t.Fatalf("the slow reader got %q: this test does not test what it should", got[1].Name)
			}
			if got := mustGet(t, c, 1); got[1].Name != "committed" {
				t.Errorf("after the slow reader: %q", got[1].Name)
			}
		})
	})
	t.Run("from a load", func(t *testing.T) {
		eachStore(t, func(t *testing.T, s *counting, o Options[int64, card]) {
			o.Local = time.Hour
			tab := newTable(1)
			c := NewLoadingCache(s, o, tab.load)
			p := pause(t, c, tab, 1)
			tab.put(card{ID: 1, Name: "committed"})
			c.Invalidate(t.Context(), 1)
			if got := p.finish(); got[1].Name != "name 1" {
				t.Fatalf("the slow reader got %q: this test does not test what it should", got[1].Name)
			}
			if got := mustGet(t, c, 1); got[1].Name != "committed" {
				t.Errorf("after the slow reader: %q", got[1].Name)
			}
		})
	})
	t.Run("while the tombstone is on its way", func(t *testing.T) {
		eachStore(t, func(t *testing.T, s *counting, o Options[int64, card]) {
			o.Local = time.Hour
			tab := newTable(1)
			late := &lateSet{Store: s}
			c := NewLoadingCache(late, o, tab.load)
			mustGet(t, c, 1)
			tab.put(card{ID: 1, Name: "committed"})
			late.before = func() { // Invalidate has begun, and the store still has the old value
				late.before = nil
				c.local.drop([]int64{1}) // so that it is read from there
				if got := mustGet(t, c, 1); got[1].Name != "name 1" {
					t.Errorf("the early reader got %q: this test does not test what it should", got[1].Name)
				}
			}
			c.Invalidate(t.Context(), 1)
			if got := mustGet(t, c, 1); got[1].Name != "committed" {
				t.Errorf("after Invalidate: %q", got[1].Name)
			}
		})
	})
	t.Run("store away", func(t *testing.T) {
		eachStore(t, func(t *testing.T, s *counting, o Options[int64, card]) {
			o.Local = time.Hour
			tab := newTable(1)
			c := NewLoadingCache(s, o, tab.load)
			s.away.Store(true)
			p := pause(t, c, tab, 1)
			tab.put(card{ID: 1, Name: "committed"})
			c.Invalidate(t.Context(), 1)
			p.finish()
			for range 2 {
				if got := mustGet(t, c, 1); got[1].Name != "committed" {
					t.Errorf("after the slow reader: %q", got[1].Name)
				}
			}
			s.away.Store(false)
		})
	})
}

// lateSet calls before ahead of a write.
type lateSet struct {
	Store
	before func()
}

func (s *lateSet) Set(ctx context.Context, items []Item) error {
	if s.before != nil {
		s.before()
	}
	return s.Store.Set(ctx, items)
}

// TestLocalTimeCountsFromTheRead: a value that was long on its way is as old as its read.
func TestLocalTimeCountsFromTheRead(t *testing.T) {
	eachStore(t, func(t *testing.T, s *counting, o Options[int64, card]) {
		o.Local = 20 * time.Millisecond
		tab := newTable(1)
		c := NewLoadingCache(s, o, tab.load)
		p := pause(t, c, tab, 1)
		<-time.NewTimer(o.Local).C
		p.finish()
		if missing := c.local.get([]int64{1}, map[int64]card{}); len(missing) == 0 {
			t.Error("a value is held that was read longer ago than it may be held")
		}
	})
}

// TestLocalNoStaleReadUnderLoad hammers one key from two processes with a local level: a reader must never see less than
// his own process has committed and invalidated before he began.
func TestLocalNoStaleReadUnderLoad(t *testing.T) {
	eachStore(t, func(t *testing.T, s *counting, o Options[int64, int64]) {
		const writes, readers = 300, 6
		o.Local = time.Hour
		var truth atomic.Int64
		load := func(_ context.Context, _ []int64) (map[int64]int64, error) {
			return map[int64]int64{1: truth.Load()}, nil
		}
		procs := [2]*LoadingCache[int64, int64]{NewLoadingCache(s, o, load), NewLoadingCache(s, o, load)}
		var acked [2]atomic.Int64
		var wg sync.WaitGroup
		stop := make(chan struct{})
		var reads atomic.Int64
		for r := range readers {
			wg.Go(func() {
				for {
					select {
					case <-stop:
						return
					default:
					}
					least := acked[r%2].Load()
					got, err := procs[r%2].GetMulti(context.Background(), []int64{1})
					if err != nil || got[1] < least {
						t.Errorf("read %d after %d was acknowledged here, %v", got[1], least, err)
						return
					}
					reads.Add(1)
				}
			})
		}
		for i := int64(1); i <= writes; i++ {
			truth.Store(i)
			procs[i%2].Invalidate(t.Context(), 1)
			acked[i%2].Store(i)
		}
		waitFor(t, func() bool { return reads.Load() > 100 || t.Failed() })
		close(stop)
		wg.Wait()
	})
}

// TestRefresh: who asks for it sees the commit of another process at once, also while others of this process read what is old.
func TestRefresh(t *testing.T) {
	eachStore(t, func(t *testing.T, s *counting, o Options[int64, card]) {
		o.Local = time.Hour
		tab := newTable(2)
		c, other := NewLoadingCache(s, o, tab.load), NewLoadingCache(s, o, tab.load)
		mustGet(t, c, 1, 2)
		stop := make(chan struct{})
		var readers sync.WaitGroup
		for range 4 {
			readers.Go(func() {
				for {
					select {
					case <-stop:
						return
					default:
						if _, err := c.GetMulti(t.Context(), []int64{1}); err != nil {
							t.Error(err)
							return
						}
					}
				}
			})
		}
		for i := range 50 {
			name := fmt.Sprint("version ", i)
			tab.put(card{ID: 1, Name: name})
			other.Invalidate(t.Context(), 1)
			c.Refresh(1)
			if got := mustGet(t, c, 1); got[1].Name != name {
				t.Errorf("read %q after a refresh, want %q", got[1].Name, name)
			}
		}
		close(stop)
		readers.Wait()
		s.trips()
		mustGet(t, c, 1, 2)
		if mgets, sets := s.trips(); mgets+sets != 0 {
			t.Errorf("%d round trips for what is held again", mgets+sets)
		}
	})
}

// Where there is no other process, a refresh costs nothing.
func TestRefreshOfTheOnlyCache(t *testing.T) {
	store := newMemory(0)
	t.Cleanup(func() { _ = store.Close() })
	tab := newTable(1)
	c := NewLoadingCache(store, Options[int64, card]{Kind: "card", Key: func(int64) string { return "k" }}, tab.load)
	mustGet(t, c, 1)
	c.Refresh(1)
	mustGet(t, c, 1)
	if tab.loads != 1 {
		t.Errorf("%d loads, want the first one only", tab.loads)
	}
}
