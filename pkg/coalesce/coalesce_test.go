package coalesce_test

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
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

// loader starts a request and waits for it.
func loader[T any](maxInFlight, maxIDs int, load coalesce.Load[T]) coalesce.Load[T] {
	c := coalesce.NewByID(maxInFlight, maxIDs, load)
	return func(ctx context.Context, ids []int64) (map[int64]T, error) {
		if len(ids) == 0 {
			return map[int64]T{}, nil
		}
		return c.Start(ctx, ids).Wait(ctx)
	}
}

func TestPendingRequestsShareACall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gate{open: make(chan error)}
		load := loader(1, 4, g.load)
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
		ask(1, 2) // joins no call: the first is in flight
		ask(2, 500)
		ask(3) // a call has four ids at most
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

func TestGivingUpAndFailing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gate{open: make(chan error)}
		load := loader(1, 100, g.load)
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

// A second call starts beside the first when that is slow, or when the pending one is full.
func TestSlowAndFullCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gate{open: make(chan error)}
		load := loader(2, 8, g.load)
		var wg sync.WaitGroup
		ask := func(ids ...int64) {
			wg.Go(func() {
				if _, err := load(t.Context(), ids); err != nil {
					t.Error(err)
				}
			})
			synctest.Wait()
		}
		calls := func(want ...[]int64) {
			t.Helper()
			synctest.Wait()
			if !slices.EqualFunc(g.calls, want, slices.Equal) {
				t.Errorf("calls %v, want %v", g.calls, want)
			}
		}
		ask(1)
		ask(2)
		ask(3)
		ask(4)
		<-time.After(9 * time.Millisecond)
		calls([]int64{1}) // three wait
		<-time.After(time.Millisecond)
		calls([]int64{1}, []int64{2, 3, 4}) // though nobody else asks
		ask(6)
		ask(7)
		<-time.After(time.Second)
		ask(8)
		ask(9)
		calls([]int64{1}, []int64{2, 3, 4}) // there are no more than two in flight
		g.open <- nil
		calls([]int64{1}, []int64{2, 3, 4}, []int64{6, 7, 8, 9})
		g.open <- nil
		g.open <- nil
		synctest.Wait()
		ask(10)
		ask(11, 12, 13, 14, 15)
		ask(16, 17, 18, 19) // does not fit: the pending call is full
		calls([]int64{1}, []int64{2, 3, 4}, []int64{6, 7, 8, 9}, []int64{10}, []int64{11, 12, 13, 14, 15})
		for range 3 {
			g.open <- nil
			synctest.Wait()
		}
		wg.Wait()
	})
}

// With Eager, two calls start at once; then requests wait and share the next call.
func TestEager(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gate{open: make(chan error)}
		c := coalesce.New(2, 4, func([]int64) int { return 1 }, g.each, coalesce.Eager())
		var waits []coalesce.Pending[map[int64]int64]
		for id := range int64(7) {
			waits = append(waits, c.Start(t.Context(), []int64{id}))
			synctest.Wait()
		}
		for range 4 {
			g.open <- nil
			synctest.Wait()
		}
		if want := [][]int64{{0}, {1}, {2, 3, 4, 5}, {6}}; !slices.EqualFunc(g.calls, want, slices.Equal) {
			t.Errorf("calls %v, want %v", g.calls, want)
		}
		for id, p := range waits {
			if got, err := p.Wait(t.Context()); err != nil || got[int64(id)] != int64(id)*10 {
				t.Errorf("%d: %v, %v", id, got, err)
			}
		}
	})
}

// each answers every request with its own values.
func (g *gate) each(ctx context.Context, requests [][]int64) ([]map[int64]int64, error) {
	found, err := g.load(ctx, slices.Concat(requests...))
	return slices.Repeat([]map[int64]int64{found}, len(requests)), err
}

// The error of a call is that of its requests only, and a request that is larger than a call goes by itself.
func TestFailureAndSizeOfACall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const most = 100
		g := &gate{open: make(chan error)}
		c := coalesce.New(1, most, func(ids []int64) int { return len(ids) }, g.each)
		start := func(n int) coalesce.Pending[map[int64]int64] {
			defer synctest.Wait()
			return c.Start(t.Context(), make([]int64, n))
		}
		var waits []coalesce.Pending[map[int64]int64]
		for _, n := range []int{1, most - 1, 2, most - 2, most + 1, 1} {
			waits = append(waits, start(n))
		}
		broken := errors.New("broken")
		for _, err := range []error{nil, nil, broken, nil, nil} {
			g.open <- err
			synctest.Wait()
		}
		for i, p := range waits {
			if _, err := p.Wait(t.Context()); errors.Is(err, broken) != (i == 2 || i == 3) {
				t.Errorf("request %d: %v", i, err)
			}
		}
		var sizes []int
		for _, call := range g.calls {
			sizes = append(sizes, len(call))
		}
		if want := []int{1, most - 1, most, most + 1, 1}; !slices.Equal(sizes, want) {
			t.Errorf("calls of %v ids, want %v", sizes, want)
		}
	})
}

// A call ends at the deadline of its first request, or with Timeout that long after it; either counts the time pending.
func TestDeadlines(t *testing.T) {
	for name, tt := range map[string]struct {
		opts []coalesce.Option
		want time.Duration
	}{
		"of the first request": {nil, 50 * time.Millisecond},
		"Timeout":              {[]coalesce.Option{coalesce.Timeout(time.Minute)}, time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := &gate{open: make(chan error)}
				var deadlines []time.Time
				c := coalesce.New(1, 100, func([]int64) int { return 1 }, func(ctx context.Context, requests [][]int64) ([]map[int64]int64, error) {
					d, _ := ctx.Deadline()
					deadlines = append(deadlines, d)
					return g.each(ctx, requests)
				}, tt.opts...)
				c.Start(t.Context(), []int64{1})
				ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
				defer cancel()
				began := time.Now()
				c.Start(ctx, []int64{2})
				<-time.After(time.Millisecond)
				last := c.Start(t.Context(), []int64{3})
				g.open <- nil
				g.open <- nil
				if _, err := last.Wait(t.Context()); err != nil {
					t.Error(err)
				}
				if got := deadlines[1].Sub(began); got != tt.want {
					t.Errorf("the call may take until %v after its first request, want %v", got, tt.want)
				}
			})
		})
	}
}

// No request gets an answer from before it: many read one number that grows all the time.
func TestAnswersAreNeverFromBefore(t *testing.T) {
	type coalescer = *coalesce.Coalescer[int, int64]
	start := func(t *testing.T, c coalescer) (int64, error) {
		t.Helper()
		return c.Start(t.Context(), 0).Wait(t.Context())
	}
	do := func(t *testing.T, c coalescer) (int64, error) { t.Helper(); return c.Do(t.Context(), 0) }
	for _, tt := range []struct {
		name string
		ask  func(*testing.T, coalescer) (int64, error)
		opts []coalesce.Option
	}{
		{"Start", start, nil},
		{"Start, eager", start, []coalesce.Option{coalesce.Eager()}},
		{"Do", do, nil},
		{"Do, eager", do, []coalesce.Option{coalesce.Eager(), coalesce.Timeout(time.Minute)}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var truth atomic.Int64
			c := coalesce.New(2, 8, func(int) int { return 1 }, func(_ context.Context, requests []int) ([]int64, error) {
				read := truth.Load()
				truth.Add(1) // while the answer is on its way, others ask
				for range 4 {
					runtime.Gosched()
				}
				return slices.Repeat([]int64{read}, len(requests)), nil
			}, tt.opts...)
			var wg sync.WaitGroup
			for range 16 {
				wg.Go(func() {
					for range 2000 {
						least := truth.Load()
						if got, err := tt.ask(t, c); err != nil || got < least {
							t.Errorf("read %d when %d was true before, %v", got, least, err)
							return
						}
					}
				})
			}
			wg.Wait()
		})
	}
}

func TestPanicIsAnError(t *testing.T) {
	c := coalesce.New(1, 8, func(int) int { return 1 }, func(context.Context, []int) ([]int, error) { panic("boom") })
	for range 2 { // it can be called again
		if _, err := c.Start(t.Context(), 0).Wait(t.Context()); err == nil || !strings.Contains(err.Error(), "boom") {
			t.Errorf("Start: %v", err)
		}
		if _, err := c.Do(t.Context(), 0); err == nil || !strings.Contains(err.Error(), "boom") {
			t.Errorf("Do: %v", err)
		}
	}
}

// Do answers at once when nothing is in flight, and else joins the pending call and starts it when its own is over.
func TestDo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gate{open: make(chan error)}
		c := coalesce.New(2, 4, func([]int64) int { return 1 }, g.each, coalesce.Eager())
		var wg sync.WaitGroup
		for id := range int64(5) {
			wg.Go(func() {
				if got, err := c.Do(t.Context(), []int64{id}); err != nil || got[id] != id*10 {
					t.Errorf("%d: %v, %v", id, got, err)
				}
			})
			synctest.Wait()
		}
		ctx, cancel := context.WithCancel(t.Context())
		wg.Go(func() {
			if _, err := c.Do(ctx, []int64{5}); !errors.Is(err, context.Canceled) {
				t.Errorf("a caller that gave up got %v", err)
			}
		})
		synctest.Wait()
		cancel()
		for range 3 {
			g.open <- nil
			synctest.Wait()
		}
		wg.Wait()
		if want := [][]int64{{0}, {1}, {2, 3, 4, 5}}; !slices.EqualFunc(g.calls, want, slices.Equal) {
			t.Errorf("calls %v, want %v", g.calls, want)
		}
	})
}
