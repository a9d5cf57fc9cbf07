package queue

import (
	"context"
	"log/slog"

	"tiktok/pkg/tracing"
)

// memory is group commit: publish blocks until the batch that holds its message is committed. While one batch is
// committed the next one collects, so batches grow with the load and a lone message does not wait.
type memory[T any] struct {
	maxBatch int
	log      *slog.Logger
	metrics  metrics
	closing  <-chan struct{}
	// messages is unbuffered: what was not received from it was not accepted.
	messages chan *localMessage[T]
}

// localMessage is a message and the call of publish that waits for its result.
type localMessage[T any] struct {
	due
	msg    T
	trace  tracing.Ref
	result chan error // with a buffer: the consumer never waits for a publisher
}

func newMemory[T any](closing context.Context, cfg Config, log *slog.Logger, m metrics) *memory[T] {
	return &memory[T]{maxBatch: cfg.MaxBatch, log: log, metrics: m, closing: closing.Done(), messages: make(chan *localMessage[T])}
}

func (q *memory[T]) publish(ctx context.Context, msg T) (bool, error) {
	m := &localMessage[T]{due: dueOf(ctx), msg: msg, trace: tracing.RefOf(ctx), result: make(chan error, 1)}
	select {
	case q.messages <- m:
	case <-ctx.Done():
		return false, busy(ctx.Err())
	case <-q.closing:
		return false, ErrClosed
	}
	select {
	case err := <-m.result:
		return err == nil, err
	case <-ctx.Done():
		return false, outcomeUnknown{ctx.Err()}
	}
}

func (q *memory[T]) consume(ctx context.Context, apply func(context.Context, []T) error) {
	for {
		select {
		case first := <-q.messages:
			if batch := wanted(fill(first, q.messages, q.maxBatch)); len(batch) > 0 {
				q.commit(context.WithoutCancel(ctx), apply, batch, nil)
			}
		case <-ctx.Done():
			return
		}
	}
}

// commit applies a batch and tells the publishers. A batch that fails is tried again one by one, so that one bad
// message does not fail the others. before is the error of a batch that held this one.
func (q *memory[T]) commit(ctx context.Context, apply func(context.Context, []T) error, batch []*localMessage[T], before error) {
	msgs := make([]T, len(batch))
	traces := make([]tracing.Ref, len(batch))
	for i, m := range batch {
		msgs[i], traces[i] = m.msg, m.trace
	}
	err := q.metrics.apply(ctx, traces, func(ctx context.Context) error { return apply(ctx, msgs) })
	if err != nil {
		q.log.Warn("writing a batch failed", "size", len(batch), "err", err)
		if len(batch) > 1 {
			for _, m := range batch {
				q.commit(ctx, apply, []*localMessage[T]{m}, err)
			}
			return
		}
		q.metrics.dead.Inc()
	}
	for _, m := range batch {
		m.result <- after(before, err)
	}
}

func (q *memory[T]) ping() error { return nil }

func (q *memory[T]) close() {}
