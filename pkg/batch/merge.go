package batch

import (
	"context"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"
)

// Load reads values by id. An id without a value is missing from the map.
type Load[T any] func(ctx context.Context, ids []int64) (map[int64]T, error)

// Merge returns a load that does the work of load with fewer calls when many ask at a time: while flights calls are
// under way, those that come wait and go together in one of up to most ids, each id once. In calm weather every call
// goes at once, by itself.
//
// Nobody gets a value from before his call: a call joins only others that wait, and these stop waiting before load
// begins. The error of a merged call is everybody's. A merged call has the values and the deadline of the one that
// opened it, but does not end when that one gives up. The map's values are shared.
func Merge[T any](flights, most int, load Load[T]) Load[T] {
	m := &merger[T]{load: load, flights: flights, most: most}
	return m.get
}

type merger[T any] struct {
	load          Load[T]
	flights, most int

	mu      sync.Mutex
	flying  int
	waiting []*merged[T] // only the last one takes more calls
}

// merged is calls that wait to go together. found and err are written before done is closed and read after.
type merged[T any] struct {
	ctx    context.Context //nolint:containedctx // a merged call is a request
	cancel context.CancelFunc
	ids    []int64
	found  map[int64]T
	err    error
	done   chan struct{}
}

func (m *merger[T]) get(ctx context.Context, ids []int64) (map[int64]T, error) {
	if len(ids) == 0 {
		return map[int64]T{}, nil
	}
	m.mu.Lock()
	if m.flying < m.flights { // then nobody waits
		m.flying++
		m.mu.Unlock()
		defer m.landed()
		return m.load(ctx, ids)
	}
	c := m.join(ctx, ids)
	m.mu.Unlock()
	select {
	case <-c.done:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if c.err != nil {
		return nil, c.err
	}
	out := make(map[int64]T, len(ids))
	for _, id := range ids {
		if v, ok := c.found[id]; ok {
			out[id] = v
		}
	}
	return out, nil
}

// join adds ids to a call that waits. mu is held.
func (m *merger[T]) join(ctx context.Context, ids []int64) *merged[T] {
	last := len(m.waiting) - 1
	if last < 0 || len(m.waiting[last].ids)+len(ids) > m.most {
		c := &merged[T]{ctx: context.WithoutCancel(ctx), cancel: func() {}, done: make(chan struct{})}
		if deadline, ok := ctx.Deadline(); ok {
			c.ctx, c.cancel = context.WithDeadline(c.ctx, deadline)
		}
		m.waiting = append(m.waiting, c)
		last++
	}
	c := m.waiting[last]
	c.ids = append(c.ids, ids...)
	return c
}

// landed lets the next call go, in a goroutine of its own: who lands has his values and does not work for others.
func (m *merger[T]) landed() {
	if c := m.next(); c != nil {
		go func() {
			for ; c != nil; c = m.next() {
				m.fly(c)
			}
		}()
	}
}

// next ends a call and returns the one that takes its place, if one waits.
func (m *merger[T]) next() *merged[T] {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.waiting) == 0 {
		m.flying--
		return nil
	}
	c := m.waiting[0]
	m.waiting = slices.Delete(m.waiting, 0, 1)
	return c
}

func (m *merger[T]) fly(c *merged[T]) {
	defer close(c.done)
	defer c.cancel()
	// In a caller's goroutine a panic would end one request, here the process.
	defer func() {
		if p := recover(); p != nil {
			c.err = fmt.Errorf("batch: load: panic: %v\n%s", p, debug.Stack())
		}
	}()
	slices.Sort(c.ids)
	c.ids = slices.Compact(c.ids)
	c.found, c.err = m.load(c.ctx, c.ids)
}
