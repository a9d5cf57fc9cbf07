package queue_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"tiktok/pkg/queue"
)

// overload publishes 1, 2, 3, … from more goroutines than the queue has capacity for, each with a deadline, and records
// what became of every message.
type overload struct {
	deadline time.Duration
	quit     chan struct{}
	wg       sync.WaitGroup

	mu                         sync.Mutex
	next                       int
	accepted, refused, unknown map[int]bool
	slow                       int // calls that returned long after their deadline
	most                       int // calls in progress
}

func startOverload(ctx context.Context, q queue.Queue[int], writers int, deadline time.Duration) *overload {
	o := &overload{deadline: deadline, quit: make(chan struct{}), accepted: map[int]bool{}, refused: map[int]bool{}, unknown: map[int]bool{}}
	for range writers {
		o.wg.Go(func() {
			for {
				select {
				case <-o.quit:
					return
				default:
					o.publish(ctx, q)
				}
			}
		})
	}
	return o
}

func (o *overload) publish(ctx context.Context, q queue.Queue[int]) {
	o.mu.Lock()
	o.next++
	id := o.next
	o.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, o.deadline)
	defer cancel()
	began := time.Now()
	_, err := q.Publish(ctx, id)
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case err == nil:
		o.accepted[id] = true
	case errors.Is(err, queue.ErrBusy):
		o.refused[id] = true
	default:
		o.unknown[id] = true
	}
	if time.Since(began) > o.deadline+2*time.Second {
		o.slow++
	}
	o.most = max(o.most, queue.InProgress(q))
}

// enough reports whether at least n messages were refused.
func (o *overload) enough(n int) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.refused) >= n
}

func (o *overload) stop() {
	close(o.quit)
	o.wg.Wait()
}

// check compares what became of the messages with what was applied in the end.
func (o *overload) check(t *testing.T, applied map[int]int, capacity, writers, leastAccepted, mostAccepted int) {
	t.Helper()
	count := func(set map[int]bool, wasApplied bool) (n int) {
		for id := range set {
			if (applied[id] > 0) == wasApplied {
				n++
			}
		}
		return n
	}
	for _, c := range []struct {
		what             string
		got, least, most int
	}{
		{"calls in progress at most", o.most, capacity, capacity},
		{"refused", len(o.refused), writers, o.next},
		{"refused and applied all the same", count(o.refused, true), 0, 0},
		{"accepted", len(o.accepted), leastAccepted, mostAccepted},
		{"accepted and lost", count(o.accepted, false), 0, 0},
		{"returned long after the deadline", o.slow, 0, 0},
	} {
		if c.got < c.least || c.got > c.most {
			t.Errorf("%s: %d, want %d to %d", c.what, c.got, c.least, c.most)
		}
	}
	t.Logf("%d accepted, %d refused, %d unknown; at most %d in progress", len(o.accepted), len(o.refused), len(o.unknown), o.most)
}

// Overload without end on a store that hangs: the calls in progress are bounded, who is not served gets ErrBusy at the
// deadline, and nothing of that is ever applied.
func TestMemoryBounded(t *testing.T) {
	const capacity, writers, deadline = 16, 100, 50 * time.Millisecond
	q := openMemory[int](t, queue.Config{Capacity: capacity, MaxBatch: 4})
	hang := make(chan struct{})
	c := collect(t, q, func([]int) error { <-hang; return nil })
	o := startOverload(t.Context(), q, writers, deadline)
	eventually(t, func() bool { return o.enough(4 * writers) })
	o.stop()
	close(hang)
	if _, err := q.Publish(t.Context(), -1); err != nil {
		t.Fatal(err)
	}
	c.stop()
	o.check(t, c.seen, capacity, writers, 0, 0)
}

// The same on a broker that confirms a batch now and then.
func TestRabbitBounded(t *testing.T) {
	const capacity, writers, deadline = 32, 200, 250 * time.Millisecond
	for name, appliedWait := range map[string]time.Duration{"with replies": time.Minute, "without replies": -1} {
		t.Run(name, func(t *testing.T) {
			u := rabbitURL(t)
			queueName := newName(t, u)
			p, proxied := newProxy(t, u)
			q := openRabbit[int](t, queueName, queue.Config{URL: proxied, AppliedWait: appliedWait, Capacity: capacity, MaxBatch: 4})
			awaitReady(t, q)
			confirm := p.holdConfirms()
			o := startOverload(t.Context(), q, writers, deadline)
			tick := time.NewTicker(deadline / 10)
			defer tick.Stop()
			for range 80 {
				<-tick.C
				confirm <- struct{}{}
			}
			o.stop()
			close(confirm)
			c := collect(t, openRabbit[int](t, queueName, queue.Config{URL: u}), nil)
			// Behind the last message nothing follows: the queue is first in, first out.
			if _, err := q.Publish(t.Context(), -1); err != nil {
				t.Fatal(err)
			}
			eventually(t, func() bool { return c.has(-1) })
			c.stop()
			o.check(t, c.seen, capacity, writers, 1, o.next)
		})
	}
}
