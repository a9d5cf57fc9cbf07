package id

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tiktok/pkg/errno"
)

// next is the next id, which there must be.
func next(t testing.TB, g *Generator) int64 {
	t.Helper()
	id, err := g.Next()
	if err != nil {
		t.Error(err)
	}
	return id
}

// at is a generator on a clock that the test sets, in milliseconds since the epoch.
func at(node int, ms int64) (*Generator, *atomic.Int64) {
	g, clock := New(node), new(atomic.Int64)
	clock.Store(ms)
	g.nowMs = clock.Load
	return g, clock
}

func TestNextIsUniqueAndOrderedUnderConcurrency(t *testing.T) {
	const workers, each = 8, 20_000
	nodes := []*Generator{New(0), New(1), New(255)}
	all := make([][]int64, workers*len(nodes))
	var wg sync.WaitGroup
	for i := range all {
		wg.Go(func() {
			g := nodes[i%len(nodes)]
			for range each {
				all[i] = append(all[i], next(t, g))
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
		"nothing": 0, "the past": (now - hour) << 13, "an hour ahead, of the last node": (now+hour)<<13 | 255<<5 | 31,
	} {
		g, _ := at(0, now)
		log.Reset()
		if err := g.StartAbove(t.Context(), newest(stored, nil), logger); err != nil {
			t.Fatal(err)
		}
		id := next(t, g)
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
	g, clock := at(255, 1)
	if id := next(t, g); id != 1<<13|255<<5 {
		t.Errorf("first id %b", id)
	}
	clock.Store(1<<40 - 1) // the last millisecond, in 2059
	for range 32 {
		if id := next(t, g); id <= 0 || id >= 1<<53 {
			t.Fatalf("%d is out of range", id)
		}
	}
	if y := Time(1<<53 - 1).Year(); y != 2059 {
		t.Errorf("ends in %d", y)
	}
	if New(256).node != 0 || New(-1).node != 255 {
		t.Error("node is not taken modulo 256")
	}
}

func TestTime(t *testing.T) {
	before := time.Now().Truncate(time.Millisecond)
	made := Time(next(t, New(5)))
	if made.Before(before) || made.After(time.Now()) {
		t.Errorf("%v is not between %v and now", made, before)
	}
	g, _ := at(0, 0)
	if first := Time(next(t, g)); !first.Equal(time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("epoch is %v", first)
	}
}

func TestClockGoesBack(t *testing.T) {
	g, clock := at(1, 1_000_000)
	last := next(t, g)
	clock.Store(500_000)
	for range 1000 {
		id := next(t, g)
		if id <= last {
			t.Fatalf("%d after %d", id, last)
		}
		last = id
	}
	// 1000 more ids at 32 a millisecond: the logical clock is 31 ms ahead of where it was, and waits there for the real one.
	if ahead := g.lastMs(); ahead != 1_000_031 {
		t.Errorf("logical clock at %d", ahead)
	}
	clock.Store(2_000_000)
	if id := next(t, g); id>>13 != 2_000_000 {
		t.Errorf("does not follow the clock again: %d", id>>13)
	}
}

func TestStartAfter(t *testing.T) {
	g, _ := at(0, 100)
	g.startAfter(500)
	if id := next(t, g); id>>13 != 501 {
		t.Errorf("first id at %d ms", id>>13)
	}
}

func TestNextRefusesBeyondItsLimit(t *testing.T) {
	g, clock := at(0, 100)
	g.limit(200)
	before := next(t, g)
	clock.Store(201)
	for range 3 {
		if id, err := g.Next(); !errors.Is(err, ErrUnavailable) || id != 0 {
			t.Fatalf("%d is beyond the limit, %v", id, err)
		}
	}
	if got := errno.From(fmt.Errorf("like: %w", ErrUnavailable)); got != errno.Unavailable {
		t.Errorf("clients are told %v", got)
	}
	<-g.short // it asks for more
	if left, refused := g.covered(); left != -time.Millisecond || refused != 3 {
		t.Errorf("%v are covered, %d were refused", left, refused)
	}
	g.limit(300)
	if id := next(t, g); id>>13 != 201 || id <= before {
		t.Fatalf("id at %d ms", id>>13)
	}
}

// Another node goes on above what the first one made, also within the same millisecond, and above its own floor.
func TestMove(t *testing.T) {
	g, _ := at(200, 1000)
	last := next(t, g)
	for _, floor := range []int64{0, 1000, 5000, 4000} {
		g.move(3, floor, noLimit)
		id := next(t, g)
		if id <= last || id>>13 <= floor || id>>5&255 != 3 {
			t.Errorf("after %d and above %d ms: %d, at %d ms", last, floor, id, id>>13)
		}
		last = id
	}
}

func BenchmarkNext(b *testing.B) {
	g := New(0)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			next(b, g)
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
			seen := next(t, there)
			here.Observe(seen)
			if own := next(t, here); own <= seen {
				t.Fatalf("nodes %v: %d was made after %d was seen", nodes, own, seen)
			}
		}
		before := next(t, here)
		here.Observe(1)
		if own := next(t, here); own <= before || own > before+10 {
			t.Errorf("an old id moved the generator from %d to %d", before, own)
		}
		there.nowMs = func() int64 { return now + 2*maxAhead.Milliseconds() }
		here.Observe(next(t, there))
		if own := next(t, here); own > before+10 {
			t.Errorf("an id from a broken clock moved the generator from %d to %d", before, own)
		}
	}
}

// Processes of before and of now observe each other's ids during a rolling update.
func TestObserveIdsOfBefore(t *testing.T) {
	const now = 1_000_000
	for node := range Nodes {
		g, _ := at(node, now)
		for _, low := range []int64{0, 1, 31, 32, 127, 128, 63<<7 | 127, int64(node) << 5, int64(node)<<5 | 31} {
			seen := int64(now+10)<<13 | low
			g.Observe(seen)
			if own := next(t, g); own <= seen {
				t.Fatalf("node %d made %d after %d was seen", node, own, seen)
			}
		}
	}
}
