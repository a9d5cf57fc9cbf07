// Package id makes the numbers of users, videos, comments and messages: ordered by time, unique over all replicas, and
// below 2^53, so that they are exact in JavaScript and in a float64.
package id

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// An id has 53 bits: 40 of milliseconds since 2025-01-01 UTC (until October 2059), 8 of node, 5 of sequence. Up to release 0.9 it
// was 6 of node and 7 of sequence (legacy.go): the time is at the same place, and of two ids the greater one is the later one
// whichever way they were made.
const (
	nodeBits = 8
	seqBits  = 5

	// Nodes is how many generators of one service can be at work at the same time.
	Nodes = 1 << nodeBits

	// epochMs is 2025-01-01T00:00:00Z in Unix milliseconds.
	epochMs = 1735689600000
	// noLimit is the limit of a generator without a lease.
	noLimit = 1<<63 - 1
)

// ErrUnavailable says that no id can be made now: the lease of the node number does not cover the present time, because etcd was
// away for longer than that or the clock was put forward. Nothing was done; errno.From makes errno.Unavailable of it.
var ErrUnavailable error = unavailable{}

type unavailable struct{}

// Error implements error.
func (unavailable) Error() string {
	return "id: the lease of the node number does not cover the present time"
}

// Unavailable makes it the error that clients may repeat at once.
func (unavailable) Unavailable() bool { return true }

// Generator makes ids. It is safe for concurrent use.
type Generator struct {
	nowMs func() int64 // since the epoch

	mu   sync.Mutex
	node int64
	// last is the newest used tick: the milliseconds since the epoch and the sequence below them as one number. It
	// never goes back; when a millisecond is used up, or the clock was set back, it runs ahead of the clock.
	last int64
	// limitMs is the last millisecond that may be used.
	limitMs int64
	// refused is how many ids were asked for beyond it.
	refused int64
	// short asks the owner of the limit to raise it.
	short chan struct{}
}

// New makes ids for one node, 0 to 255 (other numbers count modulo 256). No two generators with the same node may work
// for one service at the same time: a distributed process takes its generator from AcquireNode instead.
func New(node int) *Generator {
	return &Generator{node: int64(node) & (Nodes - 1), nowMs: clockMs, limitMs: noLimit, short: make(chan struct{}, 1)}
}

// Next is a new id: positive, greater than each id that this generator made before. It makes 32 ids per millisecond
// and borrows from the next milliseconds when there is a run on them. It never waits.
//
// The error is ErrUnavailable, of a generator of a lease only, while the lease does not cover the present time, or after its
// Close: better no id than one that two rows share.
func (g *Generator) Next() (int64, error) {
	g.mu.Lock()
	tick := max(g.last+1, g.nowMs()<<seqBits)
	if tick>>seqBits > g.limitMs {
		g.refused++
		g.mu.Unlock()
		g.ask()
		return 0, ErrUnavailable
	}
	g.last = tick
	id := tick>>seqBits<<(nodeBits+seqBits) | g.node<<seqBits | tick&(1<<seqBits-1)
	g.mu.Unlock()
	return id, nil
}

// ask asks the owner of the limit to raise it.
func (g *Generator) ask() {
	select {
	case g.short <- struct{}{}:
	default: // already asked
	}
}

// maxAhead bounds how far Observe follows an id that is ahead of this machine's clock. One further ahead comes from a
// clock that is broken, and would take all replicas with it.
const maxAhead = time.Minute

// Observe makes sure that every id from now on is greater than one that was read somewhere, as a hybrid logical clock
// does: what follows from an event gets a later id than the event, whichever replica made that, and whatever its clock
// said. An id of more than a minute ahead of this machine's clock is not followed. Observing what is older than the
// own ids costs a lock and changes nothing.
//
// So two ids of different generators are in the order in which they were made if the second generator had observed the
// first id, or anything later. Without that their order is the order of the clocks, which is wrong only for ids that
// were made closer together than the two clocks differ.
func (g *Generator) Observe(id int64) {
	tick := id>>(nodeBits+seqBits)<<seqBits | id&(1<<seqBits-1)
	g.mu.Lock()
	defer g.mu.Unlock()
	if id>>seqBits&(Nodes-1) > g.node {
		tick |= 1<<seqBits - 1 // within that millisecond, none of ours would be greater
	}
	if tick > g.last && tick>>seqBits <= g.nowMs()+maxAhead.Milliseconds() {
		g.last = tick
	}
}

// StartAbove makes every id from now on greater than the newest one that the service has stored: newest reads that, 0 when
// nothing is stored. Call it when a service starts, before its first id. Without it a clock that was set back while the
// process was down would make ids below stored ones, and of two writes the newer id decides.
//
// Unlike Observe it follows an id however far ahead of the clock it is, because the stored rows can only be changed by
// greater ones; it logs that then, and ids run ahead until the clock has caught up.
func (g *Generator) StartAbove(ctx context.Context, newest func(context.Context) (int64, error), log *slog.Logger) error {
	id, err := newest(ctx)
	if err != nil {
		return fmt.Errorf("newest stored id: %w", err)
	}
	if id <= 0 {
		return nil
	}
	ms := id >> (nodeBits + seqBits)
	g.startAfter(ms)
	g.ask() // before the first id is wanted: a lease may not cover times so far ahead
	if ahead := ms - g.nowMs(); ahead > 0 {
		log.WarnContext(ctx, "the clock was set back: ids begin above the newest one stored, and run ahead of the clock",
			"newest", id, "made", Time(id), "ahead", time.Duration(ahead)*time.Millisecond)
	}
	return nil
}

// Time is when id was made, to the millisecond, in UTC. It is ahead of the clock by as much as Next had to borrow.
func Time(id int64) time.Time {
	return time.UnixMilli(id>>(nodeBits+seqBits) + epochMs).UTC()
}

// At is the smallest id that can be made at t, to compare with: what is below it was made before.
func At(t time.Time) int64 { return (t.UnixMilli() - epochMs) << (nodeBits + seqBits) }

// lastMs is the newest millisecond that was used, or that ids were told to begin above; 0 for none.
func (g *Generator) lastMs() int64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.last >> seqBits
}

// limit allows ids up to and including this millisecond.
func (g *Generator) limit(ms int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.limitMs = ms
}

// startAfter makes all ids newer than this millisecond.
func (g *Generator) startAfter(ms int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.last = max(g.last, (ms+1)<<seqBits-1)
}

// move goes on with another node, above what this generator has made and above floorMs, up to and including limitMs.
func (g *Generator) move(node int, floorMs, limitMs int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	floorMs = max(floorMs, g.last>>seqBits) // within that millisecond, the new node may be below the old one
	g.last = (floorMs+1)<<seqBits - 1
	g.node, g.limitMs = int64(node), limitMs
}

// covered is for how long ids can be made when the limit stays what it is, 0 or less: not now. refused is how many were not made.
func (g *Generator) covered() (left time.Duration, refused int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return time.Duration(g.limitMs-max(g.nowMs(), g.last>>seqBits)) * time.Millisecond, g.refused
}

// clockMs is the wall clock in milliseconds since the epoch.
func clockMs() int64 { return time.Now().UnixMilli() - epochMs }
