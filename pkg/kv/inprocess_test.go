package kv

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// alone is a store that no other process reaches, and options of a kind in it.
func alone[T any](t *testing.T) (Store, Options[int64, T]) {
	t.Helper()
	s, err := Open(t.Context(), Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s, Options[int64, T]{Kind: "card", Key: func(id int64) string { return fmt.Sprint(id) }, TTL: time.Minute, NegativeTTL: time.Minute}
}

func TestInProcessAsksNobody(t *testing.T) {
	s, o := alone[card](t)
	tab := newTable(2)
	c := NewLoadingCache(s, o, tab.load)
	mustGet(t, c, 1, 2, 3)
	tab.took()
	if got := mustGet(t, c, 1, 2, 3); len(got) != 2 || got[2].Name != "name 2" {
		t.Errorf("got %v", got)
	}
	if n := tab.took(); n != 0 {
		t.Errorf("%d loads of what is held, absence included", n)
	}
	tab.put(card{ID: 3, Name: "created"})
	c.Invalidate(t.Context(), 3)
	if got := mustGet(t, c, 3); got[3].Name != "created" {
		t.Errorf("what was created: %v", got)
	}
	if got, err := s.MGet(t.Context(), []string{o.Key(1)}); err != nil || got[0] != nil {
		t.Errorf("what is held is also encoded: %q, %v", got[0], err)
	}
}

func TestInProcessExpires(t *testing.T) {
	s, o := alone[card](t)
	o.TTL, o.NegativeTTL = 20*time.Millisecond, 20*time.Millisecond
	tab := newTable(1)
	c := NewLoadingCache(s, o, tab.load)
	mustGet(t, c, 1, 2)
	tab.put(card{ID: 1, Name: "changed by somebody who does not tell"})
	tab.put(card{ID: 2, Name: "so too"})
	waitFor(t, func() bool {
		got := mustGet(t, c, 1, 2)
		return got[1].Name == "changed by somebody who does not tell" && got[2].Name == "so too"
	})
}

func TestInProcessSlowReader(t *testing.T) {
	s, o := alone[card](t)
	tab := newTable(1)
	c := NewLoadingCache(s, o, tab.load)
	p := pause(t, c, tab, 1, 2)
	tab.put(card{ID: 1, Name: "committed"})
	tab.put(card{ID: 2, Name: "created"})
	c.Invalidate(t.Context(), 1, 2)
	if got := p.finish(); got[1].Name != "name 1" || len(got) != 1 {
		t.Fatalf("the slow reader got %v: this test does not test what it should", got)
	}
	if got := mustGet(t, c, 1, 2); got[1].Name != "committed" || got[2].Name != "created" {
		t.Errorf("after the slow reader: %v", got)
	}
}

// TestKindsShareAStore: what two kinds hold of an id is not mixed up, and two caches of one kind hear of each other.
func TestKindsShareAStore(t *testing.T) {
	s, o := alone[card](t)
	tab, others := newTable(1), newTable(0)
	others.put(card{ID: 1, Name: "of another kind"})
	c, same := NewLoadingCache(s, o, tab.load), NewLoadingCache(s, o, tab.load)
	o.Kind = "other"
	other := NewLoadingCache(s, o, others.load)
	mustGet(t, c, 1)
	if got := mustGet(t, other, 1); got[1].Name != "of another kind" {
		t.Errorf("read %q", got[1].Name)
	}
	tab.took()
	if got := mustGet(t, same, 1); got[1].Name != "name 1" || tab.took() != 0 {
		t.Errorf("read %q, by a load", got[1].Name)
	}
	p := pause(t, same, tab, 2)
	tab.put(card{ID: 1, Name: "committed"})
	tab.put(card{ID: 2, Name: "created"})
	c.Invalidate(t.Context(), 1, 2)
	p.finish()
	if got := mustGet(t, same, 1, 2); got[1].Name != "committed" || got[2].Name != "created" {
		t.Errorf("the other cache of the kind reads %v", got)
	}
}

// TestWaitingMissesAreNotLoadedAgain: what the load before has found is not asked for again.
func TestWaitingMissesAreNotLoadedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, o := alone[card](t)
		tab := newTable(3)
		c := NewLoadingCache(s, o, tab.load)
		p := pause(t, c, tab, 1, 2)
		var wg sync.WaitGroup
		for i := range 30 {
			wg.Go(func() { mustGet(t, c, 1, 2, int64(3+i%2)) })
		}
		synctest.Wait() // all have missed, and none has waited for 10 ms
		p.finish()
		wg.Wait()
		slices.Sort(tab.asked)
		if diff := cmp.Diff([]int64{1, 2, 3, 4}, tab.asked); diff != "" || tab.took() != 2 {
			t.Errorf("loaded %v", diff)
		}
	})
}

// TestMemoryIsBoundedForAllKinds: kinds and plain values of a store have one bound together.
func TestMemoryIsBoundedForAllKinds(t *testing.T) {
	const limit, cardBytes = 1 << 20, 10_000
	s, err := Open(t.Context(), Config{MaxBytes: limit})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	tab := newTable(1000)
	kinds := make([]*LoadingCache[int64, card], 5)
	for i := range kinds {
		kinds[i] = NewLoadingCache(s, Options[int64, card]{
			Kind: fmt.Sprint("card", i), TTL: time.Hour, Size: func(card) int { return cardBytes },
		}, tab.load)
	}
	held := func() (n int) {
		for _, c := range kinds {
			for id := range int64(1000) {
				n += 1 - len(c.local.get([]int64{id + 1}, map[int64]card{}))
			}
		}
		return n
	}
	for id := range int64(1000) {
		for _, c := range kinds {
			mustGet(t, c, id+1)
		}
		if err := s.Set(t.Context(), []Item{{Key: fmt.Sprint(id), Value: make([]byte, cardBytes), TTL: time.Hour}}); err != nil {
			t.Fatal(err)
		}
	}
	waitFor(t, func() bool { // eviction runs behind the writes
		n := held()
		return n > 0 && n <= limit/cardBytes
	})
	// One kind alone may have all of it.
	for range 3 {
		for id := range int64(limit / cardBytes * 3 / 4) {
			mustGet(t, kinds[0], id+1)
		}
	}
	waitFor(t, func() bool { return held() > limit/cardBytes/2 })
}

// TestWritesOfOthersDoNotKeepFromHolding: a value is held although another id is invalidated while it is loaded.
func TestWritesOfOthersDoNotKeepFromHolding(t *testing.T) {
	s, o := alone[card](t)
	tab := newTable(1000)
	c := NewLoadingCache(s, o, tab.load)
	other := int64(2)
	for c.local.generation(c.local.key(other)) == c.local.generation(c.local.key(1)) {
		other++
	}
	p := pause(t, c, tab, 1)
	c.Invalidate(t.Context(), other)
	p.finish()
	tab.took()
	mustGet(t, c, 1)
	if n := tab.took(); n != 0 {
		t.Error("it is not held")
	}
}

// TestInProcessNoStaleReadUnderLoad hammers one key that is created and deleted all the time: a reader never sees less than
// what was invalidated before he began.
func TestInProcessNoStaleReadUnderLoad(t *testing.T) {
	s, o := alone[int64](t)
	const writes, readers = 300, 4
	var truth, acked, reads atomic.Int64
	load := func(_ context.Context, _ []int64) (map[int64]int64, error) {
		if n := truth.Load(); n%3 != 0 { // else there is none
			return map[int64]int64{1: n}, nil
		}
		return nil, nil
	}
	c := NewLoadingCache(s, o, load)
	var wg sync.WaitGroup
	stop := make(chan struct{})
	for range readers {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				least := acked.Load()
				got, err := c.GetMulti(context.Background(), []int64{1})
				now := truth.Load()
				if n, ok := got[1]; err != nil || ok && n < least || !ok && least%3 != 0 && now == least {
					t.Errorf("read %d, %v after %d was acknowledged, %v", n, ok, least, err)
					return
				}
				reads.Add(1)
			}
		})
	}
	for i := int64(1); i <= writes; i++ {
		truth.Store(i)
		c.Invalidate(t.Context(), 1)
		acked.Store(i)
	}
	waitFor(t, func() bool { return reads.Load() > 100 || t.Failed() })
	close(stop)
	wg.Wait()
}
