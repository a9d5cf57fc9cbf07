package outbox

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tiktok/pkg/queue"
	"tiktok/pkg/telemetry"
)

const (
	// MaxBatch bounds the messages that a consumer gets at once.
	MaxBatch = 512
	// defaultRest leaves a consumer a seventh of one processor.
	defaultRest = 6
	// maxRest bounds each rest, and with it what it adds to the age of what comes meanwhile.
	maxRest = time.Second
)

var (
	// ErrPoison is wrapped by the errors of a consumer that no repetition can cure: the message goes to its dead letters. Every other
	// error means that the consumer's store is in trouble, and the same messages come again.
	ErrPoison = errors.New("outbox: message can never be applied")
	// ErrClosed is returned once the bus was closed.
	ErrClosed = errors.New("outbox: bus closed")

	errConsuming = errors.New("outbox: this process consumes in that name already")
)

// Consumer is who gets messages. Every process must know all consumers, so that messages wait for one that has not started yet.
type Consumer struct {
	// Name of the consumer, that of its service. Of several processes with that name one gets each message.
	Name string
	// Topics that it wants, as they are. It also gets those that it wanted in an earlier release: the broker remembers.
	Topics []string
	// Rest is how many times as long as apply took the consumer then rests, at most 1 s. What it does is background work, and must
	// not take the processors from the requests that cause it; while it rests messages gather, and it takes them together. 0 means 6,
	// negative means no rest.
	Rest float64
}

// restAfter is how long the consumer rests after an apply that took so long.
func (c Consumer) restAfter(took time.Duration) time.Duration {
	times := c.Rest
	if times == 0 {
		times = defaultRest
	}
	return min(time.Duration(max(0, times)*float64(took)), maxRest)
}

// Apply applies 1..MaxBatch messages: all, or with an error none.
type Apply = func(ctx context.Context, messages []Message) error

// Bus carries messages from the relays of all services to the consumers. It is safe for concurrent use. The conformance suite of
// the drivers is outboxtest.
type Bus interface {
	// Publish hands messages, of one service and in order, to every consumer of their topics. When it returns nil they are durable
	// there: RabbitMQ has confirmed them, or in one process the consumers have applied them, for which it waits as long as ctx goes
	// on. A *GivenUp means the same, but for the messages that it names. After another error some may have been handed over;
	// queue.ErrRefused says that one of them never will be.
	Publish(ctx context.Context, messages []Message) error
	// Consume calls apply with 1..MaxBatch messages until ctx ends, one call at a time, in the order of Publish but for repetitions.
	// The context of apply does not end with ctx. apply takes all messages or, with an error, none. A panic in it is ErrPoison.
	// Consume returns ErrClosed when the bus is closed first.
	Consume(ctx context.Context, consumer string, apply Apply) error
	// Ping reports whether the driver takes messages.
	Ping(ctx context.Context) error
	// Close ends Publish and Consume and releases everything.
	Close() error
}

// GivenUp is the error of a Publish that has handed over all messages, some of which their consumers then gave up.
type GivenUp struct{ Dead []Dead }

// Dead is a message that a consumer gave up.
type Dead struct {
	Message
	// Consumer who gave it up.
	Consumer string
	// Reason is its last error.
	Reason string
}

// Error implements error.
func (g *GivenUp) Error() string {
	return fmt.Sprintf("outbox: consumers gave up %d messages", len(g.Dead))
}

// OpenBus returns the bus that the queue's settings describe: in the process, or RabbitMQ. It does not fail when the broker is away.
func OpenBus(_ context.Context, cfg queue.Config, consumers []Consumer, tel *telemetry.Telemetry) (Bus, error) {
	switch cfg.Driver {
	case "", queue.DriverMemory:
		return newMemory(consumers, tel), nil
	case queue.DriverRabbitMQ:
		return newRabbit(cfg, consumers, tel)
	default:
		return nil, fmt.Errorf("outbox: unknown driver %q of the queue", cfg.Driver)
	}
}
