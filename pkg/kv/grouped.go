package kv

import (
	"context"
	"sync"
	"time"
)

const (
	// maxFlying reads are under way at a time. With two the server works on one while the other is on its way.
	maxFlying = 2
	// maxGroupKeys bounds how many keys the calls of one group may ask for, so that neither the server nor the group
	// that comes next waits long. A single call with more goes alone.
	maxGroupKeys = 4096
)

// grouped merges reads of many callers: calls that come while others are under way wait and go together, each key
// once. It is safe for concurrent use.
//
// Nobody gets a value from before his call. A call joins a group only while the group waits, both under mu; the group
// stops waiting, under mu, before its read begins. So every read begins after all calls that it answers, exactly as if
// each had read by itself. A read that is under way is never joined.
//
// A call that finds fewer than maxFlying reads under way begins at once, by itself. There is no timer: a group leaves
// when a read lands. A group has the timeout of the call that opened it, its wait included; so a server that hangs costs
// a caller no more than it costs him alone. Waiting groups are bounded by their callers, who all wait.
type grouped struct {
	// fetch reads keys, all different, and gives up at the deadline. The slices it returns are shared.
	fetch   func(ctx context.Context, deadline time.Time, keys []string) ([][]byte, error)
	timeout time.Duration

	mu      sync.Mutex
	flying  int
	waiting []*group // the last one takes calls until it is full
}

// group is calls that are answered by one read.
type group struct {
	// ctx is that of the call that opened the group, without its end: nobody's giving up fails the others.
	ctx      context.Context //nolint:containedctx // a group is a request
	deadline time.Time
	size     int
	calls    []groupCall
	err      error // written before done is closed, read after
	done     chan struct{}
}

// groupCall is one caller's keys and, once the group is done, their values.
type groupCall struct {
	keys []string
	out  [][]byte
}

// get returns the values of keys in their order.
func (g *grouped) get(ctx context.Context, keys []string) ([][]byte, error) {
	g.mu.Lock()
	if g.flying < maxFlying { // then nobody waits
		g.flying++
		g.mu.Unlock()
		defer g.landed()
		return g.fetch(ctx, time.Now().Add(g.timeout), keys)
	}
	out := make([][]byte, len(keys))
	b := g.open(ctx, len(keys))
	b.size += len(keys)
	b.calls = append(b.calls, groupCall{keys: keys, out: out})
	g.mu.Unlock()
	select {
	case <-b.done:
		if b.err != nil {
			return nil, b.err
		}
		return out, nil
	case <-ctx.Done(): // out is not looked at any more
		return nil, ctx.Err()
	}
}

// open returns the waiting group that has room for n keys. mu is held.
func (g *grouped) open(ctx context.Context, n int) *group {
	if last := len(g.waiting) - 1; last >= 0 && g.waiting[last].size+n <= maxGroupKeys {
		return g.waiting[last]
	}
	b := &group{ctx: context.WithoutCancel(ctx), deadline: time.Now().Add(g.timeout), done: make(chan struct{})}
	g.waiting = append(g.waiting, b)
	return b
}

// landed lets the next group go, in a goroutine of its own: who lands has his values and does not work for others.
func (g *grouped) landed() {
	if b := g.next(); b != nil {
		go g.fly(b)
	}
}

// next ends a read and returns the group that takes its place, if one waits.
func (g *grouped) next() *group {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.waiting) == 0 {
		g.flying--
		return nil
	}
	b := g.waiting[0]
	g.waiting[0] = nil
	g.waiting = g.waiting[1:]
	return b
}

// fly reads groups until none waits.
func (g *grouped) fly(b *group) {
	at := make(map[string]int)
	for ; b != nil; b = g.next() {
		g.read(b, at)
		clear(at)
	}
}

// read answers the calls of b. at is empty.
func (g *grouped) read(b *group, at map[string]int) {
	defer close(b.done)
	keys := make([]string, 0, b.size)
	for _, c := range b.calls {
		for _, k := range c.keys {
			if _, ok := at[k]; !ok {
				at[k] = len(keys)
				keys = append(keys, k)
			}
		}
	}
	var values [][]byte
	if values, b.err = g.fetch(b.ctx, b.deadline, keys); b.err != nil {
		return
	}
	for _, c := range b.calls {
		for i, k := range c.keys {
			c.out[i] = values[at[k]]
		}
	}
}
