// Package coalesce lets concurrent requests share one call: a Coalescer does so for any call, a Loader for reads by id.
package coalesce

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"
	"time"
)

// slow is how long a call has been in flight when the next may start beside it. Until then requests wait: under load a call
// costs more than the wait, and without load nothing is in flight.
const slow = 10 * time.Millisecond

// Coalescer answers many concurrent requests with few calls: while a call is in flight, new requests wait and share the
// next one, which starts as soon as that finishes. When it is slow, or the waiting requests fill a call, more start beside it,
// up to maxInFlight. Without load every request is a call of its own, at once. Make one with New. It is safe for concurrent use.
//
// No request gets an answer from before it: it joins only a pending call, one that has not started. An error is the error
// of all requests of the call. A call has the context values and the deadline of its first request (but see Timeout), and is
// not cancelled with it.
type Coalescer[Q, A any] struct {
	do          func(ctx context.Context, requests []Q) ([]A, error)
	size        func(Q) int
	maxSize     int
	maxInFlight int
	options

	mu        sync.Mutex
	inFlight  int
	lastStart time.Time
	pending   []*call[Q, A] // only the last one accepts more requests
	watched   bool          // startOverdue will be called
}

// Option changes when a Coalescer starts and ends its calls.
type Option func(*options)

type options struct {
	eager   bool
	timeout time.Duration
}

// Eager makes no request wait while fewer than maxInFlight calls are in flight. It is for calls that cost less than the wait.
func Eager() Option { return func(o *options) { o.eager = true } }

// Timeout makes a call end d after its first request, time pending included, instead of at that request's deadline: a
// request with little time left does not fail the others.
func Timeout(d time.Duration) Option { return func(o *options) { o.timeout = d } }

// Pending is a request whose answer is not there yet. The zero value has the zero answer at once.
type Pending[A any] struct {
	done <-chan struct{}
	// answer is called after done is closed.
	answer func() (A, error)
}

// call is the requests that share one call of do. answers and err are written before done is closed and read after.
type call[Q, A any] struct {
	ctx      context.Context //nolint:containedctx // a call is a request
	cancel   context.CancelFunc
	requests []Q
	size     int
	answers  []A
	err      error
	done     chan struct{}
}

// New returns a Coalescer of do, which answers each request at its index. The sizes of the requests of one call add up to
// at most maxSize; a single request may be larger. do must not keep the requests.
func New[Q, A any](
	maxInFlight, maxSize int, size func(Q) int, do func(ctx context.Context, requests []Q) ([]A, error), opts ...Option,
) *Coalescer[Q, A] {
	c := &Coalescer[Q, A]{do: do, size: size, maxSize: maxSize, maxInFlight: max(1, maxInFlight)}
	for _, o := range opts {
		o(&c.options)
	}
	return c
}

// Start starts a request and returns at once. q must not be changed afterwards.
func (c *Coalescer[Q, A]) Start(ctx context.Context, q Q) Pending[A] {
	c.mu.Lock()
	joined, at := c.join(ctx, q)
	c.startIf(c.eager || len(c.pending) > 1)
	c.mu.Unlock()
	return joined.request(at)
}

// Do is Start and Wait, for calls that cost little more than a goroutine: a request that need not wait is answered in the
// caller's, and ends with the call, not with ctx. So calls have to be short (see Timeout).
func (c *Coalescer[Q, A]) Do(ctx context.Context, q Q) (A, error) {
	c.mu.Lock()
	joined, at := c.join(ctx, q)
	// A pending call that may start has started before: this one has no other request.
	own := c.inFlight == 0 || c.eager && c.inFlight < c.maxInFlight
	if own {
		c.inFlight++
		c.take()
	} else {
		c.startIf(len(c.pending) > 1)
	}
	c.mu.Unlock()
	if own {
		c.doOne(joined)
		if next := c.finish(); next != nil {
			go c.run(next)
		}
	}
	return joined.request(at).Wait(ctx)
}

// request is the one at index at.
func (c *call[Q, A]) request(at int) Pending[A] {
	return Pending[A]{done: c.done, answer: func() (a A, err error) {
		if c.err != nil {
			return a, c.err
		}
		return c.answers[at], nil
	}}
}

// startIf starts the oldest pending call if it need not wait: because so says the caller, or none is in flight, or those
// in flight are slow. mu is held.
func (c *Coalescer[Q, A]) startIf(now bool) {
	if len(c.pending) == 0 || c.inFlight >= c.maxInFlight {
		return
	}
	if now || c.inFlight == 0 || time.Since(c.lastStart) >= slow {
		c.inFlight++
		go c.run(c.take())
	}
	if len(c.pending) > 0 && c.inFlight < c.maxInFlight && !c.watched {
		c.watched = true
		time.AfterFunc(slow-time.Since(c.lastStart), c.startOverdue)
	}
}

// startOverdue starts a pending call for which no other request comes that would.
func (c *Coalescer[Q, A]) startOverdue() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.watched = false
	c.startIf(false)
}

// Wait returns the answer, or the error of ctx if that ends first. Answers are shared: they must not be changed.
func (p Pending[A]) Wait(ctx context.Context) (a A, err error) {
	if p.done == nil {
		return a, nil
	}
	select {
	case <-p.done:
		return p.answer()
	default:
	}
	select {
	case <-p.done:
		return p.answer()
	case <-ctx.Done():
		return a, ctx.Err()
	}
}

// join adds q to a pending call and returns its index there. mu is held.
func (c *Coalescer[Q, A]) join(ctx context.Context, q Q) (joined *call[Q, A], at int) {
	size := c.size(q)
	last := len(c.pending) - 1
	if last < 0 || c.pending[last].size+size > c.maxSize {
		next := &call[Q, A]{ctx: context.WithoutCancel(ctx), cancel: func() {}, done: make(chan struct{})}
		deadline, ok := ctx.Deadline()
		if c.timeout > 0 {
			deadline, ok = time.Now().Add(c.timeout), true
		}
		if ok {
			next.ctx, next.cancel = context.WithDeadline(next.ctx, deadline)
		}
		c.pending = append(c.pending, next)
		last++
	}
	joined = c.pending[last]
	joined.requests = append(joined.requests, q)
	joined.size += size
	return joined, len(joined.requests) - 1
}

// run makes calls until none is pending.
func (c *Coalescer[Q, A]) run(next *call[Q, A]) {
	for ; next != nil; next = c.finish() {
		c.doOne(next)
	}
}

// finish ends a call and returns the pending one that takes its place, nil if there is none.
func (c *Coalescer[Q, A]) finish() *call[Q, A] {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.pending) == 0 {
		c.inFlight--
		return nil
	}
	return c.take()
}

// take removes the oldest pending call, which starts now. mu is held.
func (c *Coalescer[Q, A]) take() *call[Q, A] {
	next := c.pending[0]
	c.pending[0] = nil
	c.pending = c.pending[1:]
	c.lastStart = time.Now()
	return next
}

// doOne makes one call.
func (c *Coalescer[Q, A]) doOne(next *call[Q, A]) {
	defer close(next.done)
	defer next.cancel()
	// In a request's goroutine a panic would end that request, here it would end the process.
	defer func() {
		if p := recover(); p != nil {
			next.err = fmt.Errorf("coalesce: panic: %v\n%s", p, debug.Stack())
		}
	}()
	next.answers, next.err = c.do(next.ctx, next.requests)
	if next.err == nil && len(next.answers) != len(next.requests) {
		next.err = fmt.Errorf("coalesce: %d answers to %d requests", len(next.answers), len(next.requests))
	}
}
