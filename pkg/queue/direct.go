package queue

import (
	"context"
	"sync"

	"tiktok/pkg/tracing"
)

// direct is no queue at all: Publish calls apply with its one message, and returns when that is committed. It is what the
// queues are compared with. Unlike theirs, many of its applies run at a time.
type direct[T any] struct {
	metrics metrics
	closed  chan struct{}

	mu        sync.Mutex
	apply     func(context.Context, []T) error // nil without a consumer
	consuming chan struct{}                    // closed when there is one
	running   sync.WaitGroup
	ended     bool
}

func newDirect[T any](m metrics) *direct[T] {
	return &direct[T]{metrics: m, closed: make(chan struct{}), consuming: make(chan struct{})}
}

func (q *direct[T]) Publish(ctx context.Context, msg T) (bool, error) {
	err := q.publish(ctx, msg)
	if err != nil {
		q.metrics.published.WithLabelValues(resultFailed).Inc()
		return false, err
	}
	q.metrics.published.WithLabelValues(resultApplied).Inc()
	return true, nil
}

func (q *direct[T]) publish(ctx context.Context, msg T) error {
	for {
		if err := ctx.Err(); err != nil {
			return busy(err)
		}
		q.mu.Lock()
		apply, consuming, ended := q.apply, q.consuming, q.ended
		if apply != nil && !ended {
			q.running.Add(1)
		}
		q.mu.Unlock()
		switch {
		case ended:
			return ErrClosed
		case apply != nil:
			defer q.running.Done()
			q.metrics.batch.Observe(1)
			err := q.metrics.writer.call(ctx, 1, tracing.RefOf(ctx).List(), func(ctx context.Context) error { return apply(ctx, []T{msg}) })
			if err != nil {
				q.metrics.failed.Inc()
				return err
			}
			q.metrics.applied.Inc()
			return nil
		}
		select {
		case <-consuming:
		case <-ctx.Done():
		case <-q.closed:
		}
	}
}

func (q *direct[T]) Consume(ctx context.Context, apply func(context.Context, []T) error) error {
	q.mu.Lock()
	switch {
	case q.ended:
		q.mu.Unlock()
		return ErrClosed
	case q.apply != nil:
		q.mu.Unlock()
		return errConsuming
	}
	q.apply = guard(apply)
	close(q.consuming)
	q.mu.Unlock()
	select {
	case <-ctx.Done():
	case <-q.closed:
	}
	q.mu.Lock()
	q.apply, q.consuming = nil, make(chan struct{})
	q.mu.Unlock()
	q.running.Wait()
	if ctx.Err() == nil {
		return ErrClosed
	}
	return nil
}

func (q *direct[T]) Ping(context.Context) error {
	select {
	case <-q.closed:
		return ErrClosed
	default:
		return nil
	}
}

func (q *direct[T]) Close() error {
	q.mu.Lock()
	if !q.ended {
		q.ended = true
		close(q.closed)
	}
	q.mu.Unlock()
	q.running.Wait()
	return nil
}
