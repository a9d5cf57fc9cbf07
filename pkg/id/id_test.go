package id

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// at is a generator on a clock that the test sets, in milliseconds since the epoch.
func at(node int, ms int64) (*Generator, *atomic.Int64) {
	g, clock := New(node), new(atomic.Int64)
	clock.Store(ms)
	g.nowMs = clock.Load
	return g, clock
}

func TestNextIsUniqueAndOrderedUnderConcurrency(t *testing.T) {
	const workers, each = 8, 20_000
	nodes := []*Generator{New(0), New(1), New(63)}
	all := make([][]int64, workers*len(nodes))
	var wg sync.WaitGroup
	for i := range all {
		wg.Go(func() {
			g := nodes[i%len(nodes)]
			for range each {
				all[i] = append(all[i], g.Next())
			}
		})
	}
	wg.Wait()
	for i, ids := range all {
		if !slices.IsSorted(ids) {
			t.Errorf("worker %d: not increasing", i)
		}
	}
	ids := slices.Concat(all...)
	slices.Sort(ids)
	if n := len(slices.Compact(slices.Clone(ids))); n != len(ids) {
		t.Fatalf("%d of %d ids are double", len(ids)-n, len(ids))
	}
	if ids[0] <= 0 || ids[len(ids)-1] >= 1<<53 {
		t.Fatalf("out of range: %d to %d", ids[0], ids[len(ids)-1])
	}
}

func TestStartAbove(t *testing.T) {
	var log bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&log, nil))
	newest := func(id int64, err error) func(context.Context) (int64, error) {
		return func(context.Context) (int64, error) { return id, err }
	}
	const now, hour = 10_000_000, 3_600_000
	for name, stored := range map[string]int64{
		"nothing": 0, "the past": (now - hour) << 13, "an hour ahead, of the last node": (now+hour)<<13 | 63<<7 | 127,
	} {
		g, _ := at(0, now)
		log.Reset()
		if err := g.StartAbove(t.Context(), newest(stored, nil), logger); err != nil {
			t.Fatal(err)
		}
		id := g.Next()
		if id <= stored || stored < now<<13 && id != now<<13 {
			t.Errorf("%s: %d was stored, the next id is %d", name, stored, id)
		}
		if ahead := stored > now<<13; ahead != strings.Contains(log.String(), "ahead=1h0m0s") {
			t.Errorf("%s: logged %q", name, log.String())
		}
	}
	g, _ := at(0, now)
	if err := g.StartAbove(t.Context(), newest(0, errors.ErrUnsupported), logger); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("an unreadable store: %v", err)
	}
}

func TestLayout(t *testing.T) {
	g, clock := at(63, 1)
	if id := g.Next(); id != 1<<13|63<<7 {
		t.Errorf("first id %b", id)
	}
	clock.Store(1<<40 - 1) // the last millisecond, in 2059
	for range 128 {
		if id := g.Next(); id <= 0 || id >= 1<<53 {
			t.Fatalf("%d is out of range", id)
		}
	}
	if y := Time(1<<53 - 1).Year(); y != 2059 {
		t.Errorf("ends in %d", y)
	}
	if New(64).node != 0 || New(-1).node != 63 {
		t.Error("node is not taken modulo 64")
	}
}

func TestTime(t *testing.T) {
	before := time.Now().Truncate(time.Millisecond)
	made := Time(New(5).Next())
	if made.Before(before) || made.After(time.Now()) {
		t.Errorf("%v is not between %v and now", made, before)
	}
	g, _ := at(0, 0)
	if first := Time(g.Next()); !first.Equal(time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("epoch is %v", first)
	}
}

func TestClockGoesBack(t *testing.T) {
	g, clock := at(1, 1_000_000)
	last := g.Next()
	clock.Store(500_000)
	for range 1000 {
		id := g.Next()
		if id <= last {
			t.Fatalf("%d after %d", id, last)
		}
		last = id
	}
	// 1000 ids at 128 a millisecond: the logical clock is 7 ms ahead of where it was, and waits there for the real one.
	if ahead := g.lastMs(); ahead != 1_000_007 {
		t.Errorf("logical clock at %d", ahead)
	}
	clock.Store(2_000_000)
	if id := g.Next(); id>>13 != 2_000_000 {
		t.Errorf("does not follow the clock again: %d", id>>13)
	}
}

func TestStartAfter(t *testing.T) {
	g, _ := at(0, 100)
	g.startAfter(500)
	if id := g.Next(); id>>13 != 501 {
		t.Errorf("first id at %d ms", id>>13)
	}
}

func TestNextWaitsForItsLimit(t *testing.T) {
	g, clock := at(0, 100)
	g.limit(200)
	g.Next()
	clock.Store(201)
	got := make(chan int64)
	go func() { got <- g.Next() }()
	<-g.short // it asks for more
	select {
	case id := <-got:
		t.Fatalf("%d is beyond the limit", id)
	default:
	}
	g.limit(300)
	if id := <-got; id>>13 != 201 {
		t.Fatalf("id at %d ms", id>>13)
	}
}

func BenchmarkNext(b *testing.B) {
	g := New(0)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			g.Next()
		}
	})
}

// What was seen is older than what is made next, whichever node made it, however far behind this clock is.
func TestObserve(t *testing.T) {
	now := int64(1_000_000)
	for _, nodes := range [][2]int{{3, 9}, {9, 3}, {5, 5}} {
		here, there := New(nodes[0]), New(nodes[1])
		here.nowMs = func() int64 { return now }
		there.nowMs = func() int64 { return now + 5000 }
		for range 300 { // more than a millisecond holds
			seen := there.Next()
			here.Observe(seen)
			if own := here.Next(); own <= seen {
				t.Fatalf("nodes %v: %d was made after %d was seen", nodes, own, seen)
			}
		}
		before := here.Next()
		here.Observe(1)
		if own := here.Next(); own <= before || own > before+10 {
			t.Errorf("an old id moved the generator from %d to %d", before, own)
		}
		there.nowMs = func() int64 { return now + 2*maxAhead.Milliseconds() }
		here.Observe(there.Next())
		if own := here.Next(); own > before+10 {
			t.Errorf("an id from a broken clock moved the generator from %d to %d", before, own)
		}
	}
}
