// Package fair is a concurrency limiter with fair queueing: round-robin between keys, first in, first out within a key.
package fair

import (
	"container/list"
	"context"
	"sync"
)

// ErrBusy is returned at once when the queue is full.
const ErrBusy busy = "too many wait for their turn"

// busy is a temporary error: package errno answers it as "busy, please try again".
type busy string

func (b busy) Error() string { return string(b) }

// Unavailable is what package errno looks for.
func (b busy) Unavailable() bool { return true }

// Config holds the limits of a Queue.
type Config struct {
	// Slots is the number of concurrent holders, at least 1.
	Slots int
	// PerKey limits the holders of one key; 0 means Slots.
	PerKey int
	// Waiting limits the waiting calls; 0 means no limit, a negative number that none may wait.
	Waiting int
	// WaitingPerKey limits the waiting calls of one key; 0 means no limit.
	WaitingPerKey int
}

// Queue hands out slots round-robin: a free slot goes to the least recently served key that waits and is below PerKey, and
// there to its oldest waiting call. A key with a thousand waiting calls gets as many turns as a key with one. Every operation
// takes constant time. It is safe for concurrent use. Keys without holders and waiting calls take no memory.
type Queue[K comparable] struct {
	cfg Config

	mu      sync.Mutex
	held    int
	waiting int
	lanes   map[K]*lane[K]
	turns   list.List // of *lane: those with waiting calls and below PerKey, next first
}

// lane is the state of one key.
type lane[K comparable] struct {
	key     K
	held    int
	waiters list.List     // of chan struct{}, closed when its call has got a slot
	turn    *list.Element // in Queue.turns; nil while it is not in there
}

// New returns a queue with all slots free.
func New[K comparable](cfg Config) *Queue[K] {
	cfg.Slots = max(cfg.Slots, 1)
	if cfg.PerKey <= 0 || cfg.PerKey > cfg.Slots {
		cfg.PerKey = cfg.Slots
	}
	return &Queue[K]{cfg: cfg, lanes: make(map[K]*lane[K])}
}

// Acquire waits for a slot for key. release returns the slot; it is idempotent.
//
// Errors: ErrBusy, at once, when the queue is full; that of ctx when it ends first.
func (q *Queue[K]) Acquire(ctx context.Context, key K) (release func(), err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	l, waiter, err := q.enter(key)
	if err != nil {
		return nil, err
	}
	if waiter != nil {
		select {
		case <-waiter.Value.(chan struct{}): //nolint:forcetypeassert // nothing else is in the list
		case <-ctx.Done():
			q.leave(l, waiter)
			return nil, ctx.Err()
		}
	}
	return sync.OnceFunc(func() { q.release(l) }), nil
}

// Waiting is the number of waiting calls.
func (q *Queue[K]) Waiting() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.waiting
}

// Ahead returns an upper bound of the calls that would be served before a new call of key, holders included, and how many
// of them are of key. Calls that other keys make later may come before it too. all is 0 when a slot is free.
func (q *Queue[K]) Ahead(key K) (all, ofKey int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	turns, lanes := 1, len(q.lanes)
	if l := q.lanes[key]; l != nil {
		ofKey = l.held + l.waiters.Len()
		turns += l.waiters.Len()
	} else {
		lanes++
	}
	if q.held < q.cfg.Slots && ofKey < q.cfg.PerKey {
		return 0, ofKey
	}
	return q.held + min(q.waiting, turns*lanes-1), ofKey
}

// enter takes a free slot, or enqueues a waiter.
func (q *Queue[K]) enter(key K) (*lane[K], *list.Element, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	l := q.lanes[key]
	if l == nil {
		l = &lane[K]{key: key}
	}
	// No call that may have a slot waits while one is free, so this overtakes none.
	if q.held < q.cfg.Slots && l.held < q.cfg.PerKey {
		q.held++
		l.held++
		q.lanes[key] = l
		return l, nil, nil
	}
	if q.cfg.Waiting != 0 && q.waiting >= q.cfg.Waiting || q.cfg.WaitingPerKey > 0 && l.waiters.Len() >= q.cfg.WaitingPerKey {
		return nil, nil, ErrBusy
	}
	q.waiting++
	q.lanes[key] = l
	waiter := l.waiters.PushBack(make(chan struct{}))
	q.line(l)
	return l, waiter, nil
}

// leave removes a waiter whose context has ended. A slot that it got at the same moment is freed.
func (q *Queue[K]) leave(l *lane[K], waiter *list.Element) {
	q.mu.Lock()
	defer q.mu.Unlock()
	select {
	case <-waiter.Value.(chan struct{}): //nolint:forcetypeassert // nothing else is in the list
		q.free(l)
		return
	default:
	}
	q.waiting--
	l.waiters.Remove(waiter)
	if l.waiters.Len() == 0 && l.turn != nil {
		q.turns.Remove(l.turn)
		l.turn = nil
	}
	q.forget(l)
}

func (q *Queue[K]) release(l *lane[K]) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.free(l)
}

// free returns a slot of l and gives free slots to the next lanes.
func (q *Queue[K]) free(l *lane[K]) {
	q.held--
	l.held--
	q.line(l)
	q.forget(l)
	for q.held < q.cfg.Slots && q.turns.Len() > 0 {
		next := q.turns.Remove(q.turns.Front()).(*lane[K]) //nolint:forcetypeassert // nothing else is in the list
		next.turn = nil
		waiter := next.waiters.Remove(next.waiters.Front()).(chan struct{}) //nolint:forcetypeassert // nothing else is in the list
		q.waiting--
		q.held++
		next.held++
		q.line(next)
		close(waiter)
	}
}

// line appends a lane to the turns if it has waiting calls and is below PerKey.
func (q *Queue[K]) line(l *lane[K]) {
	if l.turn == nil && l.waiters.Len() > 0 && l.held < q.cfg.PerKey {
		l.turn = q.turns.PushBack(l)
	}
}

// forget deletes an unused lane.
func (q *Queue[K]) forget(l *lane[K]) {
	if l.held == 0 && l.waiters.Len() == 0 {
		delete(q.lanes, l.key)
	}
}
