// Package fair shares few slots among many who want one: first come first served for one key, in turn between keys.
package fair

import (
	"container/list"
	"context"
	"sync"
)

// ErrBusy says that too many wait already. Nothing was waited for.
const ErrBusy busy = "too many wait for their turn"

// busy is an error that passes: package errno answers it as "busy, please try again".
type busy string

func (b busy) Error() string { return string(b) }

// Unavailable is what package errno looks for.
func (b busy) Unavailable() bool { return true }

// Config bounds a Queue.
type Config struct {
	// Slots is how many hold a slot at a time, at least 1.
	Slots int
	// PerKey is how many of them one key may hold; 0 is all.
	PerKey int
	// Waiting is how many may wait in all; 0 is no limit, less than 0 nobody.
	Waiting int
	// WaitingPerKey is how many of them may be of one key; 0 is no limit.
	WaitingPerKey int
}

// Queue hands out slots. A slot that becomes free goes to the key that was served longest ago, of those that wait and may
// hold another, and there to who has waited longest: a key with a thousand waiting takes no more turns than one with a
// single one. Each call costs the same however many wait. It is safe for concurrent use. It remembers only keys that hold
// a slot or wait for one.
type Queue[K comparable] struct {
	cfg Config

	mu      sync.Mutex
	held    int
	waiting int
	lanes   map[K]*lane[K]
	turns   list.List // of *lane: who waits and may hold another slot, next first
}

// lane is what is known about one key.
type lane[K comparable] struct {
	key     K
	held    int
	waiters list.List     // of chan struct{}, which is closed when its waiter has a slot
	turn    *list.Element // in Queue.turns; nil when it is not there
}

// New returns a queue with all slots free.
func New[K comparable](cfg Config) *Queue[K] {
	cfg.Slots = max(cfg.Slots, 1)
	if cfg.PerKey <= 0 || cfg.PerKey > cfg.Slots {
		cfg.PerKey = cfg.Slots
	}
	return &Queue[K]{cfg: cfg, lanes: make(map[K]*lane[K])}
}

// Acquire waits for a slot of key's. The error is ErrBusy, at once, when too many wait, or that of ctx. Without one,
// release gives the slot back; it may be called more than once.
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

// Waiting is how many wait for a slot now.
func (q *Queue[K]) Waiting() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.waiting
}

// Ahead bounds how many are served before one of key's who came now, those who hold a slot included: all who wait, or with
// few keys as many turns of each as key needs. Who joins later under another key may come before too. It is 0 when a slot
// is free.
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

// enter takes a slot, or joins those who wait.
func (q *Queue[K]) enter(key K) (*lane[K], *list.Element, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	l := q.lanes[key]
	if l == nil {
		l = &lane[K]{key: key}
	}
	// Nobody who may hold a slot waits while one is free, so nobody is overtaken here.
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

// leave ends a wait in vain. Who was given a slot at the same moment gives it back.
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

// free gives back a slot of l's, and hands it to whose turn it is.
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

// line puts a lane at the end of the turns when somebody of it waits and may have a slot.
func (q *Queue[K]) line(l *lane[K]) {
	if l.turn == nil && l.waiters.Len() > 0 && l.held < q.cfg.PerKey {
		l.turn = q.turns.PushBack(l)
	}
}

// forget drops a lane that is not in use.
func (q *Queue[K]) forget(l *lane[K]) {
	if l.held == 0 && l.waiters.Len() == 0 {
		delete(q.lanes, l.key)
	}
}
