package queue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"sync"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"tiktok/pkg/tracing"
)

// rabbit is a durable queue in RabbitMQ. See publisher and consumer for the two halves.
type rabbit[T any] struct {
	cfg     Config
	name    string
	log     *slog.Logger
	metrics metrics
	pub     *publisher
	// consumers is how many of them Consume runs.
	consumers int
	// degraded is told of every write.
	degraded degradation

	closed chan struct{} // closed by Close
	gone   chan struct{} // closed when Close is done

	mu        sync.Mutex
	ended     bool
	consuming bool
	idle      chan struct{} // closed when the running consumer ends
}

func newRabbit[T any](
	ctx context.Context, cfg Config, name string, log *slog.Logger, m metrics, maxLength int32, consumers int,
) (*rabbit[T], error) {
	if err := checkURL(cfg.URL); err != nil {
		return nil, err
	}
	if cfg.Type != TypeQuorum && cfg.Type != TypeClassic {
		return nil, fmt.Errorf("queue: unknown type %q, want %q or %q", cfg.Type, TypeQuorum, TypeClassic)
	}
	q := &rabbit[T]{
		cfg: cfg, name: cfg.Prefix + "." + name, log: log, metrics: m, consumers: consumers,
		degraded: degradation{log: log},
		closed:   make(chan struct{}),
		gone:     make(chan struct{}),
	}
	q.pub = newPublisher(cfg, q.name, log, m, maxLength)
	// The connection outlives the call that opened the queue. Close ends it.
	go q.pub.run(context.WithoutCancel(ctx))
	return q, nil
}

func checkURL(u string) error {
	_, err := amqp.ParseURI(u)
	if err == nil {
		return nil
	}
	var bad *url.Error
	if errors.As(err, &bad) {
		err = bad.Err // without the URL, which may hold a password
	}
	return fmt.Errorf("queue: url of RabbitMQ: %w", err)
}

func (q *rabbit[T]) Publish(ctx context.Context, msg T) (bool, error) {
	if err := ctx.Err(); err != nil {
		return false, busy(err)
	}
	body, err := json.Marshal(msg)
	if err != nil {
		return false, fmt.Errorf("queue: encode %T: %w", msg, err)
	}
	applied, err := q.pub.publish(ctx, &letter{body: body, key: q.name, ask: q.cfg.AppliedWait > 0, trace: tracing.RefOf(ctx)})
	if err == nil {
		q.degraded.healed(time.Now())
	}
	switch {
	case errors.Is(err, ErrUnavailable):
		q.degraded.add(time.Now(), err)
		q.metrics.degraded.WithLabelValues(reason(err)).Inc()
		q.metrics.published.WithLabelValues(resultFailed).Inc()
	case err != nil:
		q.metrics.published.WithLabelValues(resultFailed).Inc()
	case applied:
		q.metrics.published.WithLabelValues(resultApplied).Inc()
	default:
		q.metrics.published.WithLabelValues(resultAccepted).Inc()
	}
	return applied, err
}

func (q *rabbit[T]) Consume(ctx context.Context, apply func(context.Context, []T) error) error {
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

	running, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-q.closed:
			cancel()
		case <-running.Done():
		}
	}()
	var wg sync.WaitGroup
	for range q.consumers {
		c := &consumer[T]{cfg: q.cfg, name: q.name, log: q.log, metrics: q.metrics, pub: q.pub, apply: guard(apply)}
		wg.Go(func() { c.run(running) })
	}
	wg.Wait()
	if ctx.Err() == nil {
		return ErrClosed
	}
	return nil
}

func (q *rabbit[T]) Ping(context.Context) error {
	select {
	case <-q.closed:
		return ErrClosed
	default:
		return q.pub.ping()
	}
}

func (q *rabbit[T]) Close() error {
	q.mu.Lock()
	first := !q.ended
	q.ended = true
	consuming, idle := q.consuming, q.idle
	q.mu.Unlock()
	if !first {
		<-q.gone
		return nil
	}
	q.pub.end()
	close(q.closed)
	if consuming {
		<-idle // its last answers still reach the publishers that wait
	}
	q.pub.close()
	close(q.gone)
	return nil
}
