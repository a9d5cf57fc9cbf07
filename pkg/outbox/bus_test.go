package outbox_test

import (
	"crypto/rand"
	"os"
	"strings"
	"testing"

	"tiktok/pkg/outbox"
	"tiktok/pkg/outbox/outboxtest"
	"tiktok/pkg/queue"
	"tiktok/pkg/queue/queuetest"
	"tiktok/pkg/telemetry"
)

func openBus(t testing.TB, cfg queue.Config, consumers []outbox.Consumer) outbox.Bus {
	t.Helper()
	bus, err := outbox.OpenBus(t.Context(), cfg, consumers, telemetry.Discard())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := bus.Close(); err != nil {
			t.Error(err)
		}
	})
	return bus
}

// memory is a system of one process.
func memory(t *testing.T) outboxtest.System {
	bus := openBus(t, queue.Config{}, outboxtest.Consumers())
	return outboxtest.System{Process: func(*testing.T) outbox.Bus { return bus }, Waits: true}
}

// rabbitConfig is the broker of the tests, with names that nobody else uses. They are deleted when t ends, which should not be at once:
// RabbitMQ 3.10 makes no quorum queue any more after one was deleted in the moment in which it was made.
func rabbitConfig(t testing.TB) queue.Config {
	t.Helper()
	u := os.Getenv("TIKTOK_TEST_RABBITMQ")
	if u == "" {
		t.Skip("TIKTOK_TEST_RABBITMQ is not set")
	}
	cfg := queue.Config{Driver: queue.DriverRabbitMQ, URL: u, Prefix: "test." + strings.ToLower(rand.Text())}
	var names []string
	for _, c := range outboxtest.Consumers() {
		names = append(names, outbox.QueueName(c.Name))
	}
	queuetest.DeleteExchange(t, cfg, outbox.Exchange, names...)
	return cfg
}

// rabbit are systems of many processes. Their queues are deleted when all ends.
func rabbit(all *testing.T, kind string) func(t *testing.T) outboxtest.System {
	return func(t *testing.T) outboxtest.System {
		cfg := rabbitConfig(all)
		cfg.Type = kind
		// RabbitMQ 3.10 has trouble for some milliseconds when several declare a queue at once for the first time. It shows as nacks and
		// lost connections, and as repetitions.
		bus := openBus(t, cfg, outboxtest.Consumers())
		eventually(t, "ping", func() bool { return bus.Ping(t.Context()) == nil })
		return outboxtest.System{
			Process: func(t *testing.T) outbox.Bus { return openBus(t, cfg, outboxtest.Consumers()) },
			Dead: func(t *testing.T, consumer string) int {
				d, err := queue.OpenDeadLetters(t.Context(), cfg, outbox.QueueName(consumer))
				if err != nil {
					t.Fatal(err)
				}
				defer d.Close()
				n, err := d.Count(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				return n
			},
		}
	}
}

func TestMemory(t *testing.T) {
	t.Parallel()
	outboxtest.Run(t, memory)
}

func TestRabbit(t *testing.T) {
	t.Parallel()
	outboxtest.Run(t, rabbit(t, queue.TypeQuorum))
}

func TestRabbitClassic(t *testing.T) {
	t.Parallel()
	outboxtest.Run(t, rabbit(t, queue.TypeClassic))
}
