package queue

import (
	"context"
	"errors"

	"golang.org/x/sync/errgroup"
)

// withFallback is a queue whose Publish falls back to group commit in this process when the broker does not take a
// message.
type withFallback[T any] struct {
	Queue[T]
	local *memory[T]
}

// Publish implements Queue. The broker may have accepted the message all the same; apply is idempotent.
func (q withFallback[T]) Publish(ctx context.Context, msg T) (bool, error) {
	applied, err := q.Queue.Publish(ctx, msg)
	if errors.Is(err, ErrUnavailable) {
		return q.local.Publish(ctx, msg)
	}
	return applied, err
}

// Consume implements Queue.
func (q withFallback[T]) Consume(ctx context.Context, apply func(context.Context, []T) error) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return q.local.Consume(ctx, apply) })
	g.Go(func() error { return q.Queue.Consume(ctx, apply) })
	return g.Wait()
}

// Close implements Queue.
func (q withFallback[T]) Close() error { return errors.Join(q.Queue.Close(), q.local.Close()) }
