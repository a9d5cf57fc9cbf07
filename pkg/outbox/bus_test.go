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

// rabbitConfig is the broker of the tests, with names that nobody else uses and that are deleted at the end.
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

// rabbit is a system of many processes.
func rabbit(kind string) func(t *testing.T) outboxtest.System {
	return func(t *testing.T) outboxtest.System {
		cfg := rabbitConfig(t)
		cfg.Type = kind
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

func TestMemory(t *testing.T) { outboxtest.Run(t, memory) }

func TestRabbit(t *testing.T) { outboxtest.Run(t, rabbit(queue.TypeQuorum)) }

func TestRabbitClassic(t *testing.T) { outboxtest.Run(t, rabbit(queue.TypeClassic)) }
