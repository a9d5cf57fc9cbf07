package queue_test

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"

	amqp "github.com/rabbitmq/amqp091-go"

	"tiktok/pkg/queue"
	"tiktok/pkg/queue/queuetest"
)

// newPartitions is the name of a queue whose partitions are deleted at the end, the last one first.
func newPartitions(t testing.TB, u string, partitions int) string {
	t.Helper()
	name := newName(t, u)
	t.Cleanup(func() {
		onChannel(t, u, func(ch *amqp.Channel) {
			for i := partitions - 1; i > 0; i-- {
				for _, end := range []string{"", ".dead"} {
					if _, err := ch.QueueDelete(fmt.Sprintf("tiktok.%s.p%d%s", name, i, end), false, false, false); err != nil {
						t.Error(err)
					}
				}
			}
		})
	})
	return name
}

func openPartitions[T any](t testing.TB, name string, cfg queue.Config, owner func(T) int64, opts ...queue.Option) queue.Queue[T] {
	t.Helper()
	cfg.Driver = queue.DriverRabbitMQ
	q, err := queue.OpenPartitioned(t.Context(), cfg, name, owner, slog.New(slog.DiscardHandler), opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = q.Close() })
	return q
}

func self(m int) int64 { return int64(m) }

// Processes may have different numbers of partitions, as in a rolling change: every message is applied, whoever publishes, and also by
// the process with fewer partitions alone. What is deleted then stays deleted.
func TestPartitionsOfDifferentNumbers(t *testing.T) {
	u := rabbitURL(t)
	name := newPartitions(t, u, 1)
	many := openPartitions(t, name, queue.Config{URL: u, Partitions: 4, AppliedWait: -1}, self)
	awaitReady(t, many)
	const messages = 200
	var wg sync.WaitGroup
	for i := range messages {
		wg.Go(func() {
			if _, err := many.Publish(t.Context(), i); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	onChannel(t, u, func(ch *amqp.Channel) {
		for i := range 4 {
			part := "tiktok." + name
			if i > 0 {
				part += fmt.Sprintf(".p%d", i)
			}
			q, err := ch.QueueDeclarePassive(part, true, false, false, false, nil)
			if err != nil || q.Messages == 0 {
				t.Errorf("partition %d has %d batches, %v: want some in each", i, q.Messages, err)
			}
		}
	})
	if err := many.Close(); err != nil {
		t.Fatal(err)
	}
	few := openPartitions(t, name, queue.Config{URL: u, Partitions: 1}, self)
	c := collect(t, few, nil)
	eventually(t, func() bool { return c.len() == messages })
	if applied, err := few.Publish(t.Context(), messages); err != nil || !applied {
		t.Errorf("applied %v, %v", applied, err)
	}
	onChannel(t, u, func(ch *amqp.Channel) {
		for i := 3; i > 0; i-- {
			for _, end := range []string{"", ".dead"} {
				if _, err := ch.QueueDelete(fmt.Sprintf("tiktok.%s.p%d%s", name, i, end), false, false, false); err != nil {
					t.Error(err)
				}
			}
		}
	})
	if applied, err := few.Publish(t.Context(), messages+1); err != nil || !applied {
		t.Errorf("after the deletion: applied %v, %v", applied, err)
	}
}

// The messages of one owner are in one partition, and the one fallback takes what none of them does.
func TestPartitionsFallback(t *testing.T) {
	u := rabbitURL(t)
	p, proxied := newProxy(t, u)
	q := openPartitions(t, newPartitions(t, u, 3), queue.Config{URL: proxied, Partitions: 3}, self, queue.WithFallback())
	c := collect(t, q, nil)
	awaitReady(t, q)
	p.Refuse()
	for i := range 10 {
		if applied, err := q.Publish(context.Background(), i); err != nil || !applied {
			t.Errorf("%d without the broker: applied %v, %v", i, applied, err)
		}
	}
	eventually(t, func() bool { return c.len() == 10 })
}

// Dead letters are those of all partitions.
func TestPartitionsDeadLetters(t *testing.T) {
	u := rabbitURL(t)
	name := newPartitions(t, u, 2)
	cfg := queue.Config{Driver: queue.DriverRabbitMQ, URL: u, Partitions: 2}
	q := openPartitions(t, name, cfg, self)
	sick := collect(t, q, func([]int) error { return queue.ErrPoison })
	awaitReady(t, q)
	for i := range 20 {
		if _, err := q.Publish(t.Context(), i); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, func() bool {
		all, err := queue.OpenPartitionsDeadLetters(t.Context(), cfg, name)
		if err != nil || len(all) != 2 {
			t.Fatalf("%d partitions, %v", len(all), err)
		}
		n := 0
		for _, d := range all {
			one, err := d.Count(t.Context())
			d.Close()
			if err != nil || one == 20 {
				t.Fatalf("one partition has %d of all, %v", one, err)
			}
			n += one
		}
		return n == 20
	})
	sick.stop()
}

// In partitions a queue is what it is without.
func TestPartitionsConform(t *testing.T) {
	u := rabbitURL(t)
	queuetest.Run(t, func(t *testing.T) queue.Queue[queuetest.Msg] {
		cfg := queue.Config{URL: u, Partitions: 2, MaxBatch: queuetest.MaxBatch}
		return openPartitions(t, newPartitions(t, u, 2), cfg, func(queuetest.Msg) int64 { return 7 })
	})
}
