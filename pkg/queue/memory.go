package queue

import (
	"context"
	"fmt"
	"log/slog"
	"sync"

	"tiktok/pkg/tracing"
)

// memory is group commit: Publish blocks until the batch that holds its message is committed. While one batch is
// committed the next one collects, so batches grow with the load and a lone message does not wait.
type memory[T any] struct {
	cfg     Config
	log     *slog.Logger
	metrics metrics

	room   chan struct{} // one token for each message that waits
	wake   chan struct{} // tells the consumer that something waits
	closed chan struct{} // closed by Close
	done   chan struct{} // closed when nothing will be applied any more

	mu        sync.Mutex
	waiting   []*note[T]
	consuming bool
	ended     bool          // Close was called
	idle      chan struct{} // closed when the running consumer ends
}

// note is a message and who waits for it.
type note[T any] struct {
	msg T
	// trace is the span that published it.
	trace tracing.Ref
	// out gets the outcome once. It has room for it: the consumer never waits for a publisher.
	out chan error
	// withdrawn means that the publisher is gone and nothing has been tried yet. Guarded by memory.mu.
	withdrawn bool
	// taken means that the consumer is about to apply it. Guarded by memory.mu.
	taken bool
}

func newMemory[T any](cfg Config, log *slog.Logger, m metrics) *memory[T] {
	return &memory[T]{
		cfg: cfg, log: log, metrics: m,
		room:   make(chan struct{}, cfg.Capacity),
		wake:   make(chan struct{}, 1),
		closed: make(chan struct{}),
		done:   make(chan struct{}),
	}
}

func (q *memory[T]) Publish(ctx context.Context, msg T) (bool, error) {
	err := q.publish(ctx, msg)
	if err != nil {
		q.metrics.published.WithLabelValues(resultFailed).Inc()
		return false, err
	}
	q.metrics.published.WithLabelValues(resultApplied).Inc()
	return true, nil
}

func (q *memory[T]) publish(ctx context.Context, msg T) error {
	if err := ctx.Err(); err != nil {
		return busy(err)
	}
	select {
	case <-q.closed:
		return ErrClosed
	default:
	}
	select {
	case q.room <- struct{}{}:
	case <-ctx.Done():
		return busy(ctx.Err())
	case <-q.closed:
		return ErrClosed
	}
	l := &note[T]{msg: msg, trace: tracing.RefOf(ctx), out: make(chan error, 1)}
	q.mu.Lock()
	if q.ended {
		q.mu.Unlock()
		<-q.room
		return ErrClosed
	}
	q.waiting = append(q.waiting, l)
	q.mu.Unlock()
	q.metrics.waiting.Inc()
	q.ring()

	select {
	case err := <-l.out:
		return err
	case <-ctx.Done():
		return q.withdraw(ctx, l)
	case <-q.done:
		select {
		case err := <-l.out:
			return err
		default:
			return ErrClosed
		}
	}
}

// ring tells the consumer that something may wait.
func (q *memory[T]) ring() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// withdraw takes l back if the consumer has not got it yet.
func (q *memory[T]) withdraw(ctx context.Context, l *note[T]) error {
	q.mu.Lock()
	taken := l.taken
	l.withdrawn = !taken
	q.mu.Unlock()
	if !taken {
		return busy(ctx.Err())
	}
	select {
	case err := <-l.out: // just in time
		return err
	default:
		return ctx.Err()
	}
}

func busy(cause error) error { return fmt.Errorf("%w: %w", ErrBusy, cause) }

func (q *memory[T]) Consume(ctx context.Context, apply func(context.Context, []T) error) error {
	idle := make(chan struct{})
	q.mu.Lock()
	switch {
	case q.ended:
		q.mu.Unlock()
		return ErrClosed
	case q.consuming:
		q.mu.Unlock()
		return errConsuming
	}
	q.consuming, q.idle = true, idle
	q.mu.Unlock()
	defer func() {
		q.mu.Lock()
		q.consuming = false
		q.mu.Unlock()
		close(idle)
	}()

	apply = guard(apply)
	work := context.WithoutCancel(ctx)
	for {
		select {
		case <-ctx.Done():
			q.drain(work, apply)
			return nil
		case <-q.closed:
			q.drain(work, apply)
			return ErrClosed
		case <-q.wake:
		}
		// The token of wake stands for any number of notes; put it back as long as some wait.
		if batch := q.take(); len(batch) > 0 {
			q.commit(work, apply, batch)
			q.ring()
		}
	}
}

// drain applies what was accepted before the end.
func (q *memory[T]) drain(ctx context.Context, apply func(context.Context, []T) error) {
	// Not more than what waits now: publishers that never stop must not keep the consumer from stopping.
	q.mu.Lock()
	left := len(q.waiting)
	q.mu.Unlock()
	for left > 0 {
		batch, seen := q.takeN(min(left, q.cfg.MaxBatch))
		left -= seen
		if len(batch) > 0 {
			q.commit(ctx, apply, batch)
		}
	}
	q.ring() // for the next consumer
}

// take returns up to MaxBatch notes whose publishers still wait. None means that none are left.
func (q *memory[T]) take() []*note[T] {
	for {
		batch, seen := q.takeN(q.cfg.MaxBatch)
		if len(batch) > 0 || seen == 0 {
			return batch
		}
	}
}

// takeN takes the first n notes off the queue and returns those whose publishers still wait.
func (q *memory[T]) takeN(n int) (batch []*note[T], seen int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	seen = min(n, len(q.waiting))
	batch = make([]*note[T], 0, seen)
	for _, l := range q.waiting[:seen] {
		<-q.room
		if !l.withdrawn {
			l.taken = true
			batch = append(batch, l)
		}
	}
	q.metrics.waiting.Sub(float64(seen))
	clear(q.waiting[:seen]) // let go of the notes
	q.waiting = q.waiting[seen:]
	if len(q.waiting) == 0 {
		q.waiting = nil
	}
	return batch, seen
}

// commit applies a batch and tells the publishers. A batch that fails is tried again one by one, so that one bad
// message does not fail the others.
func (q *memory[T]) commit(ctx context.Context, apply func(context.Context, []T) error, batch []*note[T]) {
	msgs := make([]T, len(batch))
	var causes []tracing.Ref
	for i, l := range batch {
		msgs[i] = l.msg
		if !l.trace.IsZero() {
			causes = append(causes, l.trace)
		}
	}
	q.metrics.batch.Observe(float64(len(batch)))
	err := q.metrics.writer.call(ctx, len(msgs), causes, func(ctx context.Context) error { return apply(ctx, msgs) })
	if err == nil {
		q.metrics.applied.Add(float64(len(batch)))
		for _, l := range batch {
			l.out <- nil
		}
		return
	}
	q.metrics.failed.Inc()
	q.log.Warn("writing a batch failed", "size", len(batch), "err", err)
	if len(batch) == 1 {
		q.metrics.dead.Inc()
		batch[0].out <- err
		return
	}
	// The batch changed nothing, so until its turn comes each publisher may give up again.
	q.mu.Lock()
	for _, l := range batch {
		l.taken = false
	}
	q.mu.Unlock()
	for _, l := range batch {
		q.mu.Lock()
		gone := l.withdrawn
		l.taken = !gone
		q.mu.Unlock()
		if gone {
			continue
		}
		err := q.metrics.writer.call(ctx, 1, l.trace.List(), func(ctx context.Context) error { return apply(ctx, []T{l.msg}) })
		if err == nil {
			q.metrics.applied.Inc()
		} else {
			q.metrics.failed.Inc()
			q.metrics.dead.Inc()
			q.log.Warn("writing one message failed", "err", err)
		}
		l.out <- err
	}
}

func (q *memory[T]) Ping(context.Context) error {
	select {
	case <-q.closed:
		return ErrClosed
	default:
		return nil
	}
}

func (q *memory[T]) Close() error {
	q.mu.Lock()
	first := !q.ended
	q.ended = true
	consuming, idle := q.consuming, q.idle
	q.mu.Unlock()
	if !first {
		<-q.done
		return nil
	}
	close(q.closed)
	if consuming {
		<-idle
	}
	close(q.done)
	return nil
}
