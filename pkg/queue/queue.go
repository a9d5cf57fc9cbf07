// Package queue carries events of one kind to the function that stores them, in batches: a burst of writes becomes a few
// big transactions, and an acknowledged event is never lost. ADR 13 says how, and what was left out.
package queue

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tiktok/pkg/deadline"
	"tiktok/pkg/tlsconf"
	"tiktok/pkg/tracing"
)

// Drivers of Config.Driver.
const (
	DriverMemory   = "memory"
	DriverRabbitMQ = "rabbitmq"
)

// Types of Config.Type.
const (
	TypeQuorum  = "quorum"
	TypeClassic = "classic"
)

var (
	// ErrUnavailable means that the broker is away, out of memory or disk, or has not confirmed the message within
	// 1.5 s: then it may have been accepted all the same.
	ErrUnavailable = errors.New("queue: not available")
	// ErrBusy means that the queue had no capacity, or did not get to the message, before the context ended. The message
	// was not accepted and will not be applied.
	ErrBusy = errors.New("queue: busy")
	// ErrPoison is wrapped by the errors of apply that no repetition can cure: this batch holds a message that can
	// never be stored. Every other error means that the store is in trouble and the same batch may succeed later.
	ErrPoison = errors.New("queue: message can never be applied")
	// ErrClosed is returned once the queue was closed.
	ErrClosed = errors.New("queue: closed")

	errConsuming = errors.New("queue: has a consumer in this process already")
)

// Queue carries messages of one kind to one apply function. It is safe for concurrent use. The conformance suite of the
// drivers is queuetest.
type Queue[T any] interface {
	// Publish returns once msg is durable. applied reports that it is already committed, so that everybody's next read
	// sees it; false means soon.
	//
	// An error with a method OutcomeUnknown that returns true leaves open whether msg is or will be applied. Any other means that it
	// is not and will not be: ErrBusy and ErrClosed, ErrUnavailable, which WithFallback prevents, and with the memory driver and
	// the fallback also the error of apply.
	Publish(ctx context.Context, msg T) (applied bool, err error)
	// Consume calls apply with 1..MaxBatch messages until ctx ends; then it finishes the batch in hand and returns nil.
	// It returns ErrClosed when the queue is closed first. Each message is applied at least once, in no order that may
	// be relied on. One apply runs at a time, and one more with WithFallback; the context it gets does not end with ctx.
	// apply stores the whole batch or, with an error, nothing of it. Its error is either ErrPoison or taken as a trouble
	// of the store. A panic in apply is taken as ErrPoison.
	Consume(ctx context.Context, apply func(context.Context, []T) error) error
	// Ping reports whether the driver takes messages.
	Ping(ctx context.Context) error
	// Close ends Publish and Consume and releases everything. What was accepted is not lost: it is applied before, or
	// stays in the broker.
	Close() error
}

// Config chooses and sets up a queue.
type Config struct {
	// Driver is "memory" (the default: group commit in the process) or "rabbitmq".
	Driver string `mapstructure:"driver"`
	// URL of RabbitMQ, amqp://user:password@host:port/vhost; amqps with TLS. Heartbeats are 2 s, and what RabbitMQ's ?heartbeat= says.
	URL string `mapstructure:"url"`
	// URLs are those of the nodes of a cluster, instead of URL: each connection begins with a random one, and goes to the next when that
	// is away, hangs or does not take messages. All have the same scheme and vhost.
	URLs []string `mapstructure:"urls"`
	// TLS is for amqps, TLS 1.2 at least. Empty: the authorities that the operating system trusts.
	TLS tlsconf.Config `mapstructure:"tls"`
	// Prefix starts the names of RabbitMQ's queues, "<prefix>.<name>" and "<prefix>.<name>.dead"; deployments that share
	// a broker have one each. Empty means "tiktok".
	Prefix string `mapstructure:"prefix"`
	// Type of RabbitMQ's queues: "quorum" (the default: replicated, and on one broker the same with a log) or "classic"
	// (durable, on one broker; needs less of it). Both keep what they confirmed. Only with quorum does the broker count how
	// often a message was delivered, and move it to the dead letters after 100 times; with classic an event that kills
	// its consumer's process is delivered until someone removes it. The type of queues that exist cannot be changed.
	Type string `mapstructure:"type"`
	// Partitions is in how many queues of RabbitMQ, "<prefix>.<name>", "<prefix>.<name>.p1" and so on, OpenPartitioned puts a kind of
	// messages: 1 to 64, 0 means 1. Each has a leader of its own among the nodes, and a writer in each process.
	Partitions int `mapstructure:"partitions"`
	// MaxBatch bounds the messages given to apply at once. 0 means 512.
	MaxBatch int `mapstructure:"max_batch"`
	// MaxWait is how long a consumer of RabbitMQ waits to fill a batch. 0 means 5 ms. The memory driver does not wait: a
	// batch is what came in while the one before it was committed.
	MaxWait time.Duration `mapstructure:"max_wait"`
	// Capacity bounds the calls of Publish in progress in this process; others wait. 0 means 16384.
	Capacity int `mapstructure:"capacity"`
	// AppliedWait is how long Publish to RabbitMQ waits, after the broker has confirmed the message, for a consumer's
	// reply that it is committed. 0 means 2 s, negative means not at all.
	AppliedWait time.Duration `mapstructure:"applied_wait"`
}

func (c Config) withDefaults() Config {
	if c.Prefix == "" {
		c.Prefix = "tiktok"
	}
	if c.Type == "" {
		c.Type = TypeQuorum
	}
	if c.Partitions <= 0 {
		c.Partitions = 1
	}
	if c.MaxBatch <= 0 {
		c.MaxBatch = 512
	}
	if c.MaxWait <= 0 {
		c.MaxWait = 5 * time.Millisecond
	}
	if c.Capacity <= 0 {
		c.Capacity = 16384
	}
	if c.AppliedWait == 0 {
		c.AppliedWait = 2 * time.Second
	}
	return c
}

// Option is an addition to Open.
type Option func(*options)

type options struct {
	metrics   prometheus.Registerer
	traces    *tracing.Traces
	fallback  bool
	maxLength int32
}

// WithMetrics registers the metrics tiktok_queue_… with the label queue. Several queues may share reg.
func WithMetrics(reg prometheus.Registerer) Option { return func(o *options) { o.metrics = reg } }

// WithTraces makes spans of Publish and of the batches that are applied, for requests that are recorded. Nil is fine.
func WithTraces(t *tracing.Traces) Option { return func(o *options) { o.traces = t } }

// WithFallback makes Publish apply what RabbitMQ does not take, by group commit in this process and the same apply, so
// that it never returns ErrUnavailable. It needs a running Consume in this process, and an idempotent apply: RabbitMQ may
// have accepted the message all the same. The metrics of these batches are those of the queue "<name>.fallback". The
// memory driver needs none.
func WithFallback() Option { return func(o *options) { o.fallback = true } }

// Open returns the queue of that name, e.g. "interaction.favorite". It does not fail when the broker is away: the
// queue connects in the background. log may be nil.
func Open[T any](_ context.Context, cfg Config, name string, log *slog.Logger, opts ...Option) (Queue[T], error) {
	q, err := open[T](cfg, name, log, opts...)
	if err != nil {
		return nil, err
	}
	return q, nil
}

func open[T any](cfg Config, name string, log *slog.Logger, opts ...Option) (*handle[T], error) {
	if name == "" {
		return nil, errors.New("queue: no name")
	}
	o := options{maxLength: defaultMaxLength}
	for _, opt := range opts {
		opt(&o)
	}
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	log = log.With("queue", name)
	cfg = cfg.withDefaults()
	q := &handle[T]{name: name, metrics: newMetrics(o, name), capacity: make(chan struct{}, cfg.Capacity)}
	q.closing, q.close = context.WithCancel(context.Background())
	switch cfg.Driver {
	case "", DriverMemory:
		q.driver = newMemory[T](q.closing, cfg, log, q.metrics)
	case DriverRabbitMQ:
		r, err := newRabbit[T](q.closing, cfg, o, name, log, q.metrics)
		if err != nil {
			return nil, err
		}
		q.driver = r
		if o.fallback {
			q.fallback = newMemory[T](q.closing, cfg, log, newMetrics(o, name+".fallback"))
		}
	default:
		return nil, fmt.Errorf("queue: unknown driver %q, want %q or %q", cfg.Driver, DriverMemory, DriverRabbitMQ)
	}
	return q, nil
}

// driver is what differs between the drivers.
type driver[T any] interface {
	// publish is Publish within the capacity.
	publish(ctx context.Context, msg T) (applied bool, err error)
	// consume is Consume until ctx ends.
	consume(ctx context.Context, apply func(context.Context, []T) error)
	ping() error
	// close is called once, after the last consume.
	close()
}

// handle is what the drivers share.
type handle[T any] struct {
	name     string
	driver   driver[T]
	fallback driver[T] // nil without
	lent     bool      // the fallback is another's, who consumes it
	metrics  metrics
	capacity chan struct{} // holds one token for each Publish in progress

	closing    context.Context //nolint:containedctx // the lifetime of the queue, which ends with Close
	close      context.CancelFunc
	disconnect sync.Once

	mu        sync.Mutex
	consuming chan struct{} // closed at the end of the running Consume; nil without
}

// Publish implements Queue.
func (q *handle[T]) Publish(ctx context.Context, msg T) (applied bool, err error) {
	ctx, span := tracing.Start(ctx, tracing.Producer, "publish "+q.name)
	defer span.End()
	applied, err = q.publish(ctx, msg)
	q.metrics.publishedAs(span, applied, err)
	return applied, err
}

func (q *handle[T]) publish(ctx context.Context, msg T) (bool, error) {
	switch {
	case q.closing.Err() != nil:
		return false, ErrClosed
	case ctx.Err() != nil:
		return false, busy(ctx.Err())
	}
	select {
	case q.capacity <- struct{}{}:
	case <-ctx.Done():
		return false, busy(ctx.Err())
	case <-q.closing.Done():
		return false, ErrClosed
	}
	q.metrics.waiting.Inc()
	defer func() {
		q.metrics.waiting.Dec()
		<-q.capacity
	}()
	if err := deadline.Check(ctx); err != nil { // before it is durable
		return false, busy(err)
	}
	applied, err := q.driver.publish(ctx, msg)
	if errors.Is(err, ErrUnavailable) {
		q.metrics.degraded.WithLabelValues(reason(err)).Inc()
		if q.fallback != nil && !deadline.Passed(ctx) {
			applied, second := q.fallback.publish(ctx, msg)
			return applied, after(err, second)
		}
	}
	return applied, err
}

func busy(cause error) error { return fmt.Errorf("%w: %w", ErrBusy, cause) }

// Consume implements Queue.
func (q *handle[T]) Consume(ctx context.Context, apply func(context.Context, []T) error) error {
	ended := make(chan struct{})
	q.mu.Lock()
	if q.closing.Err() != nil || q.consuming != nil {
		defer q.mu.Unlock()
		if q.consuming != nil {
			return errConsuming
		}
		return ErrClosed
	}
	q.consuming = ended
	q.mu.Unlock()
	defer func() {
		q.mu.Lock()
		q.consuming = nil
		q.mu.Unlock()
		close(ended)
	}()

	running, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(q.closing, cancel)()
	apply = guard(apply)
	var wg sync.WaitGroup
	wg.Go(func() { q.driver.consume(running, apply) })
	if q.fallback != nil && !q.lent {
		wg.Go(func() { q.fallback.consume(running, apply) })
	}
	wg.Wait()
	if ctx.Err() == nil {
		return ErrClosed
	}
	return nil
}

// Ping implements Queue.
func (q *handle[T]) Ping(context.Context) error {
	if q.closing.Err() != nil {
		return ErrClosed
	}
	return q.driver.ping()
}

// Close implements Queue. A second call waits for the first.
func (q *handle[T]) Close() error {
	q.mu.Lock()
	q.close()
	consuming := q.consuming
	q.mu.Unlock()
	if consuming != nil {
		<-consuming
	}
	q.disconnect.Do(q.driver.close)
	return nil
}

// guard turns a panic of apply into an error, so that one bad message cannot end the process again and again.
func guard[T any](apply func(context.Context, []T) error) func(context.Context, []T) error {
	return func(ctx context.Context, batch []T) (err error) {
		defer func() {
			if p := recover(); p != nil {
				err = fmt.Errorf("%w: panic: %v\n%s", ErrPoison, p, debug.Stack())
			}
		}()
		return apply(ctx, batch)
	}
}

// fill makes a batch of first and what else is ready in messages, up to limit.
func fill[M any](first M, messages <-chan M, limit int) []M {
	batch := []M{first}
	for len(batch) < limit {
		select {
		case m := <-messages:
			batch = append(batch, m)
		default:
			return batch
		}
	}
	return batch
}
