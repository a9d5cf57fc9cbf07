// Package queue carries events of one kind to the one writer that stores them. A burst of writes becomes a few big
// transactions, and an acknowledged event is never lost.
package queue

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/prometheus/client_golang/prometheus"

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
	// 1.5 s. It comes early enough for a direct write. The message may have been accepted all the same; the caller may
	// apply it directly, because apply is safe to run twice.
	ErrUnavailable = errors.New("queue: not available")
	// ErrBusy means that the queue had no room, or did not get to the message, before the context ended. The message
	// was not accepted and will not be applied.
	ErrBusy = errors.New("queue: busy")
	// ErrPoison is wrapped by the errors of apply that no repetition can cure: this batch holds a message that can
	// never be stored. Every other error means that the store is in trouble and the same batch may succeed later.
	ErrPoison = errors.New("queue: message can never be applied")
	// ErrClosed is returned once the queue was closed.
	ErrClosed = errors.New("queue: closed")
)

// Queue carries messages of one kind to one apply function. It is safe for concurrent use. The suite for every driver
// is queuetest.
type Queue[T any] interface {
	// Publish returns once msg survives a crash. applied reports that the writer has already committed it, so that the
	// next read of anyone sees it; false means soon.
	//
	// Errors: ErrBusy and ErrClosed mean that msg was not accepted, ErrUnavailable that the caller should apply it
	// directly. A bare context error leaves open whether msg will be applied: ctx ended while it was on its way. The
	// memory driver also returns the error of apply.
	Publish(ctx context.Context, msg T) (applied bool, err error)
	// Consume calls apply with 1..MaxBatch messages until ctx ends; then it finishes what it holds and returns nil.
	// It returns ErrClosed when the queue is closed first. Each message is applied at least once, in no order that may
	// be relied on. One apply runs at a time, or as many as WithConsumers says, and one more with WithFallback; the
	// context it gets does not end with ctx. apply stores the whole batch or, with an error, nothing of it. Its error is either ErrPoison or taken as a trouble of the store. A panic in
	// apply is taken as ErrPoison.
	Consume(ctx context.Context, apply func(context.Context, []T) error) error
	// Ping reports whether Publish has a chance.
	Ping(ctx context.Context) error
	// Close ends Publish and Consume and releases everything. What was accepted is not lost: it is applied before, or
	// stays in the broker.
	Close() error
}

// Config chooses and sets up a queue.
type Config struct {
	// Driver is "memory" (the default: group commit in the process) or "rabbitmq".
	Driver string `mapstructure:"driver"`
	// URL of RabbitMQ, amqp://user:password@host:port/vhost; amqps with TLS.
	URL string `mapstructure:"url"`
	// TLS is for amqps, TLS 1.2 at least. Empty: the authorities that the operating system trusts.
	TLS tlsconf.Config `mapstructure:"tls"`
	// Prefix starts the names of RabbitMQ's queues, "<prefix>.<name>" and "<prefix>.<name>.dead"; deployments that share
	// a broker have one each. Empty means "tiktok".
	Prefix string `mapstructure:"prefix"`
	// Type of RabbitMQ's queues: "quorum" (the default: replicated, and on one broker the same with a log) or "classic"
	// (durable, on one broker; needs less of it). Both keep what they confirmed. Only with quorum does the broker count how
	// often a message was handed out, and move it to the dead letters after 100 times; with classic an event that kills
	// its consumer's process is handed out until someone removes it. The type of queues that exist cannot be changed.
	Type string `mapstructure:"type"`
	// MaxBatch bounds the messages given to apply at once. 0 means 512.
	MaxBatch int `mapstructure:"max_batch"`
	// MaxWait is how long RabbitMQ's consumer waits to fill a batch. 0 means 5 ms. The memory driver does not wait: a
	// batch is what came in while the one before it was committed.
	MaxWait time.Duration `mapstructure:"max_wait"`
	// Capacity bounds the messages that wait in this process. Publish waits for room above it. 0 means 16384. With
	// RabbitMQ a few batches more are on their way to the broker, and at most as many again wait for AppliedWait.
	Capacity int `mapstructure:"capacity"`
	// AppliedWait is how long Publish to RabbitMQ waits, after the broker has the message, for the writer to say that
	// it is committed. 0 means 2 s, negative means not at all.
	AppliedWait time.Duration `mapstructure:"applied_wait"`
}

func (c Config) withDefaults() Config {
	if c.Prefix == "" {
		c.Prefix = "tiktok"
	}
	if c.Type == "" {
		c.Type = TypeQuorum
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
	consumers int
	fallback  bool
}

// WithMetrics registers the metrics queue_… with the label queue. Several queues may share reg.
func WithMetrics(reg prometheus.Registerer) Option {
	return func(o *options) { o.metrics = reg }
}

// WithConsumers makes Consume read RabbitMQ with n consumers, each with a batch and an apply of its own: while one waits
// for the database the others work. The default is 1. The memory driver has always one.
func WithConsumers(n int) Option {
	return func(o *options) { o.consumers = n }
}

// WithFallback makes Publish apply what RabbitMQ does not take, by group commit in this process and the same apply, so
// that it never returns ErrUnavailable. It needs a running Consume in this process, and an idempotent apply: RabbitMQ may
// have accepted the message all the same. The metrics of these messages are those of the queue "<name>.fallback". The
// memory driver needs none.
func WithFallback() Option {
	return func(o *options) { o.fallback = true }
}

// Open returns the queue of that name, e.g. "interaction.favorite". It does not fail when the broker is away: the
// queue connects in the background. log may be nil.
func Open[T any](ctx context.Context, cfg Config, name string, log *slog.Logger, opts ...Option) (Queue[T], error) {
	if name == "" {
		return nil, errors.New("queue: no name")
	}
	o := options{consumers: 1}
	for _, opt := range opts {
		opt(&o)
	}
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	log = log.With("queue", name)
	m := newMetrics(o.metrics, name)
	m.writer = writer{traces: o.traces, name: name}
	var q Queue[T]
	switch cfg.Driver {
	case "", DriverMemory:
		q = newMemory[T](cfg.withDefaults(), log, m)
	case DriverRabbitMQ:
		r, err := newRabbit[T](ctx, cfg.withDefaults(), name, log, m, defaultMaxLength, o.consumers)
		if err != nil {
			return nil, err
		}
		q = r
		if o.fallback {
			local := newMetrics(o.metrics, name+".fallback")
			local.writer = writer{traces: o.traces, name: name + ".fallback"}
			q = withFallback[T]{r, newMemory[T](cfg.withDefaults(), log, local)}
		}
	default:
		return nil, fmt.Errorf("queue: unknown driver %q, want %q or %q", cfg.Driver, DriverMemory, DriverRabbitMQ)
	}
	if o.traces != nil {
		q = traced[T]{q, name}
	}
	return q, nil
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
