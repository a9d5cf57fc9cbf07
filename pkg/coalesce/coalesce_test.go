package coalesce_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tiktok/pkg/coalesce"
)

// gate is a load that waits until it is let go, and remembers what it was asked for.
type gate struct {
	mu    sync.Mutex
	calls [][]int64
	open  chan error
}

func (g *gate) load(ctx context.Context, ids []int64) (map[int64]int64, error) {
	g.mu.Lock()
	g.calls = append(g.calls, slices.Clone(ids))
	g.mu.Unlock()
	select {
	case err := <-g.open:
		if err != nil {
			return nil, err
		}
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	out := map[int64]int64{}
	for _, id := range ids {
		if id < 100 { // there are no more
			out[id] = id * 10
		}
	}
	return out, nil
}

func TestMergeGoesTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gate{open: make(chan error)}
		load := coalesce.Loader(1, 4, g.load)
		var wg sync.WaitGroup
		ask := func(ids ...int64) {
			wg.Go(func() {
				got, err := load(t.Context(), ids)
				if err != nil {
					t.Error(err)
				}
				for _, id := range ids {
					if v, ok := got[id]; ok != (id < 100) || ok && v != id*10 {
						t.Errorf("%d: %d, %v", id, v, ok)
					}
				}
			})
			synctest.Wait()
		}
		ask(1)
		ask(1, 2) // joins nobody: the first is under way
		ask(2, 500)
		ask(3) // there is no room for a fifth id
		for range 3 {
			g.open <- nil
			synctest.Wait()
		}
		wg.Wait()
		want := [][]int64{{1}, {1, 2, 500}, {3}}
		if !slices.EqualFunc(g.calls, want, slices.Equal) {
			t.Errorf("calls %v, want %v", g.calls, want)
		}
		ask2 := func() { ask(7) }
		ask2() // and then alone and at once again
		g.open <- nil
		wg.Wait()
		if len(g.calls) != 4 {
			t.Errorf("%d calls", len(g.calls))
		}
	})
}

func TestMergeGivingUpAndFailing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gate{open: make(chan error)}
		load := coalesce.Loader(1, 100, g.load)
		var wg sync.WaitGroup
		wg.Go(func() { _, _ = load(t.Context(), []int64{1}) })
		synctest.Wait()
		opener, giveUp := context.WithTimeout(t.Context(), time.Minute)
		wg.Go(func() {
			if _, err := load(opener, []int64{2}); !errors.Is(err, context.Canceled) {
				t.Errorf("who gives up gets %v", err)
			}
		})
		synctest.Wait()
		wg.Go(func() {
			if got, err := load(t.Context(), []int64{3}); err != nil || got[3] != 30 {
				t.Errorf("who stays gets %v, %v", got, err)
			}
		})
		synctest.Wait()
		giveUp()
		synctest.Wait()
		g.open <- nil
		g.open <- nil
		wg.Wait()

		broken := errors.New("broken")
		for range 3 {
			wg.Go(func() {
				if _, err := load(t.Context(), []int64{4}); !errors.Is(err, broken) {
					t.Errorf("%v, want the error of load", err)
				}
			})
		}
		synctest.Wait()
		g.open <- broken
		g.open <- broken
		wg.Wait()
	})
}

// A second call begins beside the first when that takes long, or when one can take no more.
func TestJoinFlights(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gate{open: make(chan error)}
		load := coalesce.Loader(2, 8, g.load)
		var wg sync.WaitGroup
		ask := func(ids ...int64) {
			wg.Go(func() {
				if _, err := load(t.Context(), ids); err != nil {
					t.Error(err)
				}
			})
			synctest.Wait()
		}
		under := func(want ...[]int64) {
			t.Helper()
			if !slices.EqualFunc(g.calls, want, slices.Equal) {
				t.Errorf("calls %v, want %v", g.calls, want)
			}
		}
		ask(1)
		ask(2)
		ask(3)
		ask(4)
		<-time.After(10 * time.Millisecond)
		under([]int64{1}) // three wait
		<-time.After(time.Millisecond)
		ask(5)
		under([]int64{1}, []int64{2, 3, 4, 5}) // nobody waits for one that takes so long
		ask(6)
		ask(7)
		ask(8)
		ask(9)
		under([]int64{1}, []int64{2, 3, 4, 5}) // there are no more than two flights
		g.open <- nil
		synctest.Wait()
		under([]int64{1}, []int64{2, 3, 4, 5}, []int64{6, 7, 8, 9})
		g.open <- nil
		g.open <- nil
		synctest.Wait()
		ask(10)
		ask(11, 12, 13, 14, 15)
		ask(16, 17, 18, 19) // does not fit: what waits is complete
		under([]int64{1}, []int64{2, 3, 4, 5}, []int64{6, 7, 8, 9}, []int64{10}, []int64{11, 12, 13, 14, 15})
		for range 3 {
			g.open <- nil
			synctest.Wait()
		}
		wg.Wait()
	})
}
