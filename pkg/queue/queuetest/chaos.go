package queuetest

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"

	"tiktok/pkg/queue"
)

const (
	// chaosHistory is how many delivered messages may come again.
	chaosHistory = 256
	// chaosHold is how many messages may overtake one at most, roughly.
	chaosHold = 32
)

// Chaos is a queue as nasty as a real one may be: it delivers messages twice, or again much later, and lets younger
// ones overtake older ones, across batches. For one seed and one sequence of batches it always does the same. Every
// writer's test should run with it: call Publish any number of times, then Settle, then compare.
type Chaos[T any] struct {
	inner queue.Queue[T]

	mu      sync.Mutex // also makes that one apply runs at a time
	rnd     *rand.Rand
	held    []T
	history []T
	apply   func(context.Context, []T) error
}

// NewChaos wraps inner, usually a memory queue.
func NewChaos[T any](inner queue.Queue[T], seed uint64) *Chaos[T] {
	return &Chaos[T]{inner: inner, rnd: rand.New(rand.NewPCG(seed, 0x9e3779b97f4a7c15))}
}

// Publish hands msg to the inner queue. It never reports applied, because the message may be held back.
func (c *Chaos[T]) Publish(ctx context.Context, msg T) (bool, error) {
	_, err := c.inner.Publish(ctx, msg)
	return false, err
}

// Consume calls apply with what the seed makes of the inner queue's batches. What is held back when ctx ends is
// delivered before it returns.
func (c *Chaos[T]) Consume(ctx context.Context, apply func(context.Context, []T) error) error {
	c.mu.Lock()
	c.apply = apply
	c.mu.Unlock()
	err := c.inner.Consume(ctx, func(ctx context.Context, batch []T) error {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.held = append(c.held, batch...)
		c.round(ctx)
		return nil
	})
	return errors.Join(err, c.Settle(context.WithoutCancel(ctx)))
}

// Settle delivers everything that is held back, and much of the past once more. Call it when all Publish have returned
// and Consume has begun. Its error is the last one of apply when messages could not be delivered; these are kept,
// unless they are poison.
func (c *Chaos[T]) Settle(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.apply == nil {
		return errors.New("queuetest: Settle before Consume")
	}
	for len(c.held) > 0 {
		if err := c.deliver(ctx, c.pick(min(len(c.held), 1+c.rnd.IntN(chaosHold)))); err != nil {
			return err
		}
	}
	again := append([]T(nil), c.history...)
	c.rnd.Shuffle(len(again), func(i, j int) { again[i], again[j] = again[j], again[i] })
	for len(again) > 0 {
		n := min(len(again), 1+c.rnd.IntN(chaosHold))
		if err := c.apply(ctx, again[:n]); err != nil {
			return err
		}
		again = again[n:]
	}
	return nil
}

// round delivers some of what is held, in any order, mixed with repetitions.
func (c *Chaos[T]) round(ctx context.Context) {
	n := c.rnd.IntN(len(c.held) + 1)
	n = max(n, len(c.held)-chaosHold)
	if n == 0 {
		return
	}
	if c.deliver(ctx, c.pick(n)) != nil {
		return // kept for a later round
	}
	// The whole past may come again on its own, without anything new.
	if len(c.history) > 0 && c.rnd.IntN(4) == 0 {
		k := c.rnd.IntN(len(c.history))
		_ = c.apply(ctx, append([]T(nil), c.history[k:min(len(c.history), k+chaosHold)]...)) // repetitions do not count
	}
}

// pick takes n of the held messages at random.
func (c *Chaos[T]) pick(n int) []T {
	c.rnd.Shuffle(len(c.held), func(i, j int) { c.held[i], c.held[j] = c.held[j], c.held[i] })
	out := append([]T(nil), c.held[:n]...)
	c.held = append([]T(nil), c.held[n:]...)
	return out
}

// deliver applies fresh messages together with repetitions of themselves and of the past.
func (c *Chaos[T]) deliver(ctx context.Context, fresh []T) error {
	batch := append([]T(nil), fresh...)
	for _, m := range fresh {
		if c.rnd.IntN(4) == 0 {
			batch = append(batch, m)
		}
	}
	for range c.rnd.IntN(len(fresh) + 1) {
		if len(c.history) > 0 {
			batch = append(batch, c.history[c.rnd.IntN(len(c.history))])
		}
	}
	c.rnd.Shuffle(len(batch), func(i, j int) { batch[i], batch[j] = batch[j], batch[i] })
	err := c.apply(ctx, batch)
	if err != nil && !errors.Is(err, queue.ErrPoison) {
		c.held = append(c.held, fresh...)
		return err
	}
	if err != nil {
		for i, m := range fresh {
			if err := c.apply(ctx, []T{m}); err != nil && !errors.Is(err, queue.ErrPoison) {
				c.held = append(c.held, fresh[i:]...)
				return err
			}
		}
		return nil
	}
	for _, m := range fresh {
		if len(c.history) < chaosHistory {
			c.history = append(c.history, m)
		} else {
			c.history[c.rnd.IntN(chaosHistory)] = m
		}
	}
	return nil
}

// Ping pings the inner queue.
func (c *Chaos[T]) Ping(ctx context.Context) error { return c.inner.Ping(ctx) }

// Close closes the inner queue.
func (c *Chaos[T]) Close() error { return c.inner.Close() }
