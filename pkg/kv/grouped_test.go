package kv

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// gate is a server whose reads are let through one by one.
type gate struct {
	mu      sync.Mutex
	reads   [][]string
	entered chan struct{}
	release chan error
}

func newGate() *gate { return &gate{entered: make(chan struct{}, 1000), release: make(chan error)} }

func (g *gate) fetch(ctx context.Context, _ time.Time, keys []string) ([][]byte, error) {
	g.mu.Lock()
	g.reads = append(g.reads, keys)
	g.mu.Unlock()
	g.entered <- struct{}{}
	select {
	case err := <-g.release:
		if err != nil {
			return nil, err
		}
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	values := make([][]byte, len(keys))
	for i, k := range keys {
		if k != "missing" {
			values[i] = []byte("value of " + k)
		}
	}
	return values, nil
}

func (g *gate) seen() [][]string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.reads)
}

type reply struct {
	values [][]byte
	err    error
}

func ask(ctx context.Context, r *grouped, keys ...string) chan reply {
	c := make(chan reply, 1)
	go func() {
		values, err := r.get(ctx, keys)
		c <- reply{values, err}
	}()
	return c
}

func asked(r *grouped) (keys int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, b := range r.waiting {
		keys += b.size
	}
	return keys
}

// fill takes all the places of reads under way.
func fill(t *testing.T, r *grouped, g *gate) []chan reply {
	t.Helper()
	var out []chan reply
	for i := range maxFlying {
		out = append(out, ask(t.Context(), r, fmt.Sprint("first", i)))
		<-g.entered
	}
	return out
}

func TestCallsThatWaitGoTogether(t *testing.T) {
	g := newGate()
	r := &grouped{fetch: g.fetch, timeout: time.Minute}
	first := fill(t, r, g)
	var rest []chan reply
	for i := range 50 {
		rest = append(rest, ask(t.Context(), r, "hot", "missing", fmt.Sprint("own", i), "hot"))
	}
	waitFor(t, func() bool { return asked(r) == 200 })
	for range maxFlying + 1 {
		g.release <- nil
	}
	for i, c := range first {
		if got := <-c; got.err != nil || string(got.values[0]) != fmt.Sprint("value of first", i) {
			t.Errorf("first %d: %q, %v", i, got.values, got.err)
		}
	}
	for i, c := range rest {
		got := <-c
		if got.err != nil || len(got.values) != 4 || string(got.values[0]) != "value of hot" || got.values[1] != nil ||
			string(got.values[2]) != fmt.Sprint("value of own", i) || string(got.values[3]) != "value of hot" {
			t.Fatalf("call %d: %q, %v", i, got.values, got.err)
		}
	}
	reads := g.seen()
	if len(reads) != maxFlying+1 || len(reads[maxFlying]) != 52 {
		t.Errorf("%d reads, the last of %d keys; want %d, of 52", len(reads), len(reads[len(reads)-1]), maxFlying+1)
	}
	waitFor(t, func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		return r.flying == 0 && len(r.waiting) == 0
	})
}

// TestNobodyJoinsAReadUnderWay: what is asked for while the same key is being read is read again afterwards.
func TestNobodyJoinsAReadUnderWay(t *testing.T) {
	g := newGate()
	r := &grouped{fetch: g.fetch, timeout: time.Minute}
	first := fill(t, r, g)
	second := ask(t.Context(), r, "first0", "k")
	waitFor(t, func() bool { return asked(r) == 2 })
	g.release <- nil
	<-g.entered // the group is being read
	third := ask(t.Context(), r, "k")
	waitFor(t, func() bool { return asked(r) == 1 })
	for range maxFlying + 1 {
		g.release <- nil
	}
	for _, c := range append(first, second, third) {
		if got := <-c; got.err != nil {
			t.Error(got.err)
		}
	}
	if reads := g.seen(); len(reads) != maxFlying+2 || !slices.Equal(reads[maxFlying], []string{"first0", "k"}) || !slices.Equal(reads[maxFlying+1], []string{"k"}) {
		t.Errorf("reads: %q", reads)
	}
}

func TestGivingUpDoesNotFailTheGroup(t *testing.T) {
	g := newGate()
	r := &grouped{fetch: g.fetch, timeout: time.Minute}
	fill(t, r, g)
	ctx, cancel := context.WithCancel(t.Context())
	opener := ask(ctx, r, "a")
	waitFor(t, func() bool { return asked(r) == 1 })
	other := ask(t.Context(), r, "b")
	waitFor(t, func() bool { return asked(r) == 2 })
	cancel()
	if got := <-opener; !errors.Is(got.err, context.Canceled) {
		t.Errorf("who gave up got %v", got.err)
	}
	for range maxFlying + 1 {
		g.release <- nil
	}
	if got := <-other; got.err != nil || string(got.values[0]) != "value of b" {
		t.Errorf("the other got %q, %v", got.values, got.err)
	}
}

func TestFailureReachesItsGroupOnly(t *testing.T) {
	g := newGate()
	r := &grouped{fetch: g.fetch, timeout: time.Minute}
	fill(t, r, g)
	bad := errors.New("bad")
	var group []chan reply
	for range 3 {
		group = append(group, ask(t.Context(), r, "k"))
	}
	waitFor(t, func() bool { return asked(r) == 3 })
	for range maxFlying {
		g.release <- nil
	}
	<-g.entered
	g.release <- bad
	for _, c := range group {
		if got := <-c; !errors.Is(got.err, bad) {
			t.Errorf("got %v", got.err)
		}
	}
	next := ask(t.Context(), r, "k")
	g.release <- nil
	if got := <-next; got.err != nil {
		t.Error(got.err)
	}
}

func TestGroupsAreBounded(t *testing.T) {
	g := newGate()
	r := &grouped{fetch: g.fetch, timeout: time.Minute}
	fill(t, r, g)
	keys := func(n int) (keys []string) {
		for i := range n {
			keys = append(keys, strconv.Itoa(i))
		}
		return keys
	}
	var calls []chan reply
	total := 0
	for _, n := range []int{maxGroupKeys - 1, 2, maxGroupKeys - 2, maxGroupKeys + 1, 1} {
		calls = append(calls, ask(t.Context(), r, keys(n)...))
		total += n
		waitFor(t, func() bool { return asked(r) == total })
	}
	for range maxFlying + 4 {
		g.release <- nil
	}
	for _, c := range calls {
		if got := <-c; got.err != nil {
			t.Error(got.err)
		}
	}
	var sizes []int
	for _, read := range g.seen()[maxFlying:] {
		sizes = append(sizes, len(read))
	}
	slices.Sort(sizes) // two are under way at a time
	if want := []int{1, maxGroupKeys - 2, maxGroupKeys - 1, maxGroupKeys + 1}; !slices.Equal(sizes, want) {
		t.Errorf("groups of %v keys, want %v", sizes, want)
	}
}

// TestWaitingCountsAsTimeout: a group that waited has only what is left of its time.
func TestWaitingCountsAsTimeout(t *testing.T) {
	g := newGate()
	var deadlines []time.Time
	var mu sync.Mutex
	r := &grouped{timeout: time.Minute, fetch: func(ctx context.Context, deadline time.Time, keys []string) ([][]byte, error) {
		mu.Lock()
		deadlines = append(deadlines, deadline)
		mu.Unlock()
		return g.fetch(ctx, deadline, keys)
	}}
	fill(t, r, g)
	call := ask(t.Context(), r, "k")
	waitFor(t, func() bool { return asked(r) == 1 })
	joined := time.Now()
	for range maxFlying + 1 {
		g.release <- nil
	}
	<-call
	mu.Lock()
	defer mu.Unlock()
	if late := deadlines[maxFlying].Sub(joined.Add(time.Minute)); late > 0 {
		t.Errorf("the group may read %v longer than its first caller may wait", late)
	}
}

// TestGroupedReadsAreNeverFromBefore hammers one key: a call must not answer less than was true when it began.
func TestGroupedReadsAreNeverFromBefore(t *testing.T) {
	var truth atomic.Int64
	r := &grouped{timeout: time.Minute, fetch: func(_ context.Context, _ time.Time, keys []string) ([][]byte, error) {
		values := make([][]byte, len(keys))
		for i := range keys {
			values[i] = strconv.AppendInt(nil, truth.Load(), 10)
		}
		truth.Add(1) // while the read is on its way back, the world goes on and others ask
		for range 4 {
			runtime.Gosched()
		}
		return values, nil
	}}
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for range 2000 {
				least := truth.Load()
				values, err := r.get(t.Context(), []string{"k"})
				if err != nil {
					t.Error(err)
					return
				}
				if got, err := strconv.ParseInt(string(values[0]), 10, 64); err != nil || got < least {
					t.Errorf("read %d when %d was true before the call, %v", got, least, err)
					return
				}
			}
		})
	}
	wg.Wait()
}
