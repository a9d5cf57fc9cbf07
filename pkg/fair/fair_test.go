package fair_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"tiktok/pkg/fair"
)

func acquire(t *testing.T, q *fair.Queue[string], key string) func() {
	t.Helper()
	release, err := q.Acquire(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	return release
}

// TestInTurn lets one key send many before another one comes.
func TestInTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := fair.New[string](fair.Config{Slots: 1})
		release := acquire(t, q, "greedy")
		var mu sync.Mutex
		var order []string
		for _, key := range []string{"greedy", "greedy", "greedy", "greedy", "late", "late", "other"} {
			go func() {
				release, err := q.Acquire(t.Context(), key)
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				order = append(order, key)
				mu.Unlock()
				release()
			}()
			synctest.Wait()
		}
		if n := q.Waiting(); n != 7 {
			t.Errorf("%d wait, want 7", n)
		}
		release()
		release() // does nothing
		synctest.Wait()
		if want := []string{"late", "other", "greedy", "late", "greedy", "greedy", "greedy"}; !slices.Equal(order, want) {
			t.Errorf("served %v, want %v", order, want)
		}
	})
}

func TestOneKeyLeavesSlotsToOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := fair.New[string](fair.Config{Slots: 3, PerKey: 2})
		first, second := acquire(t, q, "greedy"), acquire(t, q, "greedy")
		var served atomic.Int32
		for range 2 {
			go func() {
				if release, err := q.Acquire(t.Context(), "greedy"); err == nil {
					served.Add(1)
					defer release()
				}
			}()
		}
		synctest.Wait()
		other := acquire(t, q, "other") // at once, although others have come before
		other()
		synctest.Wait()
		if n := served.Load(); n != 0 {
			t.Errorf("%d served beyond what one key may hold", n)
		}
		first()
		second()
		synctest.Wait()
		if n := served.Load(); n != 2 {
			t.Errorf("%d of 2 served", n)
		}
	})
}

func TestBounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := fair.New[string](fair.Config{Slots: 1, Waiting: 3, WaitingPerKey: 2})
		defer acquire(t, q, "a")()
		ctx, cancel := context.WithCancel(t.Context())
		wait := func(key string) {
			go func() {
				if _, err := q.Acquire(ctx, key); !errors.Is(err, context.Canceled) {
					t.Errorf("err = %v", err)
				}
			}()
			synctest.Wait()
		}
		wait("a")
		wait("a")
		if _, err := q.Acquire(ctx, "a"); !errors.Is(err, fair.ErrBusy) {
			t.Errorf("a third of one key: %v", err)
		}
		wait("b")
		if _, err := q.Acquire(ctx, "c"); !errors.Is(err, fair.ErrBusy) {
			t.Errorf("a fourth of all: %v", err)
		}
		cancel()
		synctest.Wait()
		if n := q.Waiting(); n != 0 {
			t.Errorf("%d wait", n)
		}
	})
	nobody := fair.New[string](fair.Config{Slots: 1, Waiting: -1})
	release := acquire(t, nobody, "a")
	if _, err := nobody.Acquire(t.Context(), "b"); !errors.Is(err, fair.ErrBusy) {
		t.Errorf("where nobody may wait: %v", err)
	}
	release()
	acquire(t, nobody, "b")()
}

// TestStorm has many who come, wait and give up: never more hold a slot than there are, and in the end all are free.
func TestStorm(t *testing.T) {
	const slots, perKey = 4, 2
	q := fair.New[int](fair.Config{Slots: slots, PerKey: perKey, Waiting: 200, WaitingPerKey: 40})
	var all atomic.Int32
	var keys [8]atomic.Int32
	var wg sync.WaitGroup
	for i := range 64 {
		wg.Go(func() {
			for range 300 {
				ctx, cancel := context.WithCancel(t.Context())
				if rand.IntN(3) == 0 {
					go cancel()
				}
				key := i % len(keys)
				if release, err := q.Acquire(ctx, key); err == nil {
					if n := all.Add(1); n > slots {
						t.Errorf("%d hold a slot", n)
					}
					if n := keys[key].Add(1); n > perKey {
						t.Errorf("%d of one key hold a slot", n)
					}
					keys[key].Add(-1)
					all.Add(-1)
					release()
				}
				cancel()
			}
		})
	}
	wg.Wait()
	for key := range slots { // all are free
		if release, err := q.Acquire(t.Context(), key); err != nil {
			t.Error(err)
		} else {
			defer release()
		}
	}
}

func BenchmarkAcquire(b *testing.B) {
	q := fair.New[int](fair.Config{Slots: 64})
	b.RunParallel(func(pb *testing.PB) {
		key := rand.Int()
		for pb.Next() {
			release, err := q.Acquire(b.Context(), key)
			if err != nil {
				b.Fatal(err)
			}
			release()
		}
	})
}

// TestAhead compares the bound with how many are served before.
func TestAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := fair.New[string](fair.Config{Slots: 1})
		if all, of := q.Ahead("a"); all != 0 || of != 0 {
			t.Errorf("a free slot: %d, %d", all, of)
		}
		release := acquire(t, q, "a")
		var served atomic.Int64
		wait := func(key string) *atomic.Int64 {
			var before atomic.Int64
			go func() {
				release, err := q.Acquire(t.Context(), key)
				if err != nil {
					t.Error(err)
					return
				}
				before.Store(served.Add(1)) // with who holds the slot now, and without itself
				release()
			}()
			synctest.Wait()
			return &before
		}
		type bound struct {
			key    string
			all    int
			before *atomic.Int64
		}
		var bounds []bound
		for i, key := range []string{"a", "a", "a", "b", "a", "b", "c"} {
			all, of := q.Ahead(key)
			if want := []int{1, 2, 3, 0, 4, 1, 0}[i]; of != want {
				t.Errorf("%d. %d of %s, want %d", i, of, key, want)
			}
			bounds = append(bounds, bound{key, all, wait(key)})
		}
		// The last one of a new key has one of each other key before it at most.
		if all := bounds[6].all; all != 3 {
			t.Errorf("%d before a new key, want 3", all)
		}
		release()
		synctest.Wait()
		if before := int(bounds[6].before.Load()); before > bounds[6].all {
			t.Errorf("%d were served before the last key, the bound is %d", before, bounds[6].all)
		}
		if all, of := q.Ahead("a"); all != 0 || of != 0 {
			t.Errorf("at the end: %d, %d", all, of)
		}
	})
}
