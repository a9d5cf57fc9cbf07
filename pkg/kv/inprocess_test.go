package kv

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestPrivateAsksNobody(t *testing.T) {
	eachStore(t, func(t *testing.T, s *counting, o Options[int64, card]) {
		tab := newTable(2)
		c := NewLoadingCache(InProcess(s, 1<<20), o)
		mustGet(t, c, tab, 1, 2, 3)
		tab.took()
		if got := mustGet(t, c, tab, 1, 2, 3); len(got) != 2 || got[2].Name != "name 2" {
			t.Errorf("got %v", got)
		}
		if n := tab.took(); n != 0 {
			t.Errorf("%d loads of what is held, absence included", n)
		}
		tab.put(card{ID: 3, Name: "created"})
		c.Invalidate(t.Context(), 3)
		if got := mustGet(t, c, tab, 3); got[3].Name != "created" {
			t.Errorf("what was created: %v", got)
		}
		if mgets, sets := s.trips(); mgets+sets != 0 {
			t.Errorf("%d round trips to a store that is not needed", mgets+sets)
		}
	})
}

func TestPrivateExpires(t *testing.T) {
	eachStore(t, func(t *testing.T, s *counting, o Options[int64, card]) {
		o.TTL, o.NegativeTTL = 20*time.Millisecond, 20*time.Millisecond
		tab := newTable(1)
		c := NewLoadingCache(InProcess(s, 1<<20), o)
		mustGet(t, c, tab, 1, 2)
		tab.put(card{ID: 1, Name: "changed by somebody who does not tell"})
		tab.put(card{ID: 2, Name: "so too"})
		waitFor(t, func() bool {
			got := mustGet(t, c, tab, 1, 2)
			return got[1].Name == "changed by somebody who does not tell" && got[2].Name == "so too"
		})
	})
}

func TestPrivateSlowReader(t *testing.T) {
	eachStore(t, func(t *testing.T, s *counting, o Options[int64, card]) {
		tab := newTable(1)
		c := NewLoadingCache(InProcess(s, 1<<20), o)
		p := pause(t, c, tab, 1, 2)
		tab.put(card{ID: 1, Name: "committed"})
		tab.put(card{ID: 2, Name: "created"})
		c.Invalidate(t.Context(), 1, 2)
		if got := p.finish(); got[1].Name != "name 1" || len(got) != 1 {
			t.Fatalf("the slow reader got %v: this test does not test what it should", got)
		}
		if got := mustGet(t, c, tab, 1, 2); got[1].Name != "committed" || got[2].Name != "created" {
			t.Errorf("after the slow reader: %v", got)
		}
	})
}

// TestWritesOfOthersDoNotKeepFromHolding: a value is held although another id is invalidated while it is loaded.
func TestWritesOfOthersDoNotKeepFromHolding(t *testing.T) {
	eachStore(t, func(t *testing.T, s *counting, o Options[int64, card]) {
		tab := newTable(1000)
		c := NewLoadingCache(InProcess(s, 1<<20), o)
		other := int64(2)
		for c.local.shard(other) == c.local.shard(1) {
			other++
		}
		p := pause(t, c, tab, 1)
		c.Invalidate(t.Context(), other)
		p.finish()
		tab.took()
		mustGet(t, c, tab, 1)
		if n := tab.took(); n != 0 {
			t.Error("it is not held")
		}
	})
}

// TestPrivateNoStaleReadUnderLoad hammers one key that is created and deleted all the time: a reader never sees less than
// what was invalidated before he began.
func TestPrivateNoStaleReadUnderLoad(t *testing.T) {
	eachStore(t, func(t *testing.T, s *counting, o Options[int64, int64]) {
		const writes, readers = 300, 4
		var truth, acked, reads atomic.Int64
		load := func(_ context.Context, _ []int64) (map[int64]int64, error) {
			if n := truth.Load(); n%3 != 0 { // else there is none
				return map[int64]int64{1: n}, nil
			}
			return nil, nil
		}
		c := NewLoadingCache(InProcess(s, 1<<20), o)
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
					got, err := c.GetMulti(context.Background(), []int64{1}, load)
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
	})
}
