package outbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"tiktok/pkg/queue"
	"tiktok/pkg/telemetry"
)

const (
	// Exchange is the name of the broker's exchange, after its prefix. The queue of a consumer is "<prefix>.events.<consumer>".
	Exchange = "events"
	// A batch holds messages of one topic in a row, about so many or so many bytes: the broker's work is per batch.
	maxBatchMessages = 64
	maxBatchBytes    = 256 << 10
	// prefetch bounds the batches in hand. On a quiet site each holds one message.
	prefetch = 128
)

// QueueName is the name of a consumer's queue, after the prefix, as queue.OpenDeadLetters takes it.
func QueueName(consumer string) string { return Exchange + "." + consumer }

// rabbit is the bus of many processes.
type rabbit struct {
	exchange  *queue.Exchange
	consumers []Consumer
	log       *slog.Logger
	metrics   busMetrics

	mu        sync.Mutex
	consuming map[string]bool // guarded by mu
}

func newRabbit(cfg queue.Config, consumers []Consumer, tel *telemetry.Telemetry) (*rabbit, error) {
	b := &rabbit{consumers: consumers, log: tel.Log, metrics: newBusMetrics(tel.Registry), consuming: map[string]bool{}}
	bindings := make([]queue.Binding, len(consumers))
	for i, c := range consumers {
		bindings[i] = queue.Binding{Queue: c.Name, Keys: c.Topics}
	}
	var err error
	b.exchange, err = queue.OpenExchange(cfg, Exchange, bindings, tel.Log, b.metrics.measured)
	if err != nil {
		return nil, fmt.Errorf("outbox: %w", err)
	}
	return b, nil
}

// Publish implements Bus.
func (b *rabbit) Publish(ctx context.Context, messages []Message) error {
	batches, err := pack(messages)
	if err != nil {
		return err
	}
	return closed(b.exchange.Publish(ctx, batches))
}

// closed speaks of the bus.
func closed(err error) error {
	if errors.Is(err, queue.ErrClosed) {
		return ErrClosed
	}
	return err
}

// pack makes batches of messages, in their order.
func pack(messages []Message) ([]queue.Batch, error) {
	var batches []queue.Batch
	count := 0 // messages in the last batch
	for _, m := range messages {
		encoded, err := json.Marshal(m)
		if err != nil {
			return nil, fmt.Errorf("%w: message %d of %s is no JSON: %w", queue.ErrRefused, m.Seq, m.Topic, err)
		}
		if last := len(batches) - 1; last >= 0 && batches[last].Key == m.Topic && count < maxBatchMessages &&
			len(batches[last].Body)+len(encoded) < maxBatchBytes {
			body := batches[last].Body
			body[len(body)-1] = ','
			batches[last].Body = append(append(body, encoded...), ']')
			count++
			continue
		}
		body := append(append(make([]byte, 0, len(encoded)+2), '['), encoded...)
		batches = append(batches, queue.Batch{Key: m.Topic, At: time.UnixMilli(m.AtMs), Body: append(body, ']')})
		count = 1
	}
	return batches, nil
}

// Consume implements Bus.
func (b *rabbit) Consume(ctx context.Context, consumer string, apply Apply) error {
	i := slices.IndexFunc(b.consumers, func(c Consumer) bool { return c.Name == consumer })
	if i < 0 {
		return unknown(consumer)
	}
	b.mu.Lock()
	if b.consuming[consumer] {
		b.mu.Unlock()
		return errConsuming
	}
	b.consuming[consumer] = true
	b.mu.Unlock()
	defer func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.consuming, consumer)
	}()
	log := b.log.With("consumer", consumer)
	m := b.metrics.consumer(consumer)
	return closed(b.exchange.Consume(ctx, consumer, prefetch, func(ctx context.Context, s *queue.Stream) error {
		in := &intake{Stream: s, metrics: m}
		w := &worker{
			Consumer: b.consumers[i], log: log, metrics: m, apply: apply,
			bury: func(ctx context.Context, t *task, cause error) error {
				raw, err := json.Marshal(t.Message)
				if err != nil {
					return err
				}
				return s.Bury(ctx, raw, cause)
			},
			applied: func(*task) {},
			more:    func() ([]*task, error) { return in.more(ctx) },
			gone:    func(*task) bool { return false },
		}
		return in.run(ctx, w)
	}))
}

// intake reads the messages of a stream.
type intake struct {
	*queue.Stream
	metrics consumerMetrics
	held    int // messages since the last acknowledgement
}

// run works until the stream or ctx ends.
func (in *intake) run(ctx context.Context, w *worker) error {
	for {
		in.metrics.idle()
		d, err := in.Next(ctx)
		if err != nil {
			return err
		}
		tasks, err := in.read(ctx, d)
		if err != nil {
			return err
		}
		more, err := in.more(ctx)
		if err != nil {
			return err
		}
		if err := w.settle(ctx, append(tasks, more...)); err != nil {
			return err
		}
		if err := in.Ack(); err != nil {
			return err
		}
		in.held = 0
		w.rest(ctx)
	}
}

// more takes what is there, up to about MaxBatch messages in hand.
func (in *intake) more(ctx context.Context) (tasks []*task, err error) {
	for in.held < MaxBatch {
		d, ok, err := in.Ready()
		if err != nil || !ok {
			return tasks, err
		}
		read, err := in.read(ctx, d)
		if err != nil {
			return tasks, err
		}
		tasks = append(tasks, read...)
	}
	return tasks, nil
}

// read unpacks a batch. What is no message goes to the dead letters.
func (in *intake) read(ctx context.Context, d queue.Delivery) ([]*task, error) {
	var raw []json.RawMessage
	if err := json.Unmarshal(d.Body, &raw); err != nil {
		if raw, err = quoted(d.Body); err != nil {
			return nil, err
		}
	}
	var tasks []*task
	for _, r := range raw {
		t := &task{}
		if err := json.Unmarshal(r, &t.Message); err == nil {
			tasks = append(tasks, t)
			continue
		} else if err := in.Bury(ctx, r, fmt.Errorf("no message: %w", err)); err != nil {
			return nil, err
		}
		in.metrics.dead.Inc()
	}
	in.held += len(tasks)
	if d.Again {
		in.metrics.redelivered.Add(float64(len(tasks)))
	}
	return tasks, nil
}

// quoted is a body that is no list, as a list of one JSON string.
func quoted(body []byte) ([]json.RawMessage, error) {
	text, err := json.Marshal(string(body))
	return []json.RawMessage{text}, err
}

func unknown(consumer string) error {
	return fmt.Errorf("outbox: nobody told the bus of the consumer %q", consumer)
}

// Ping implements Bus.
func (b *rabbit) Ping(context.Context) error { return closed(b.exchange.Ping()) }

// Close implements Bus.
func (b *rabbit) Close() error {
	b.exchange.Close()
	return nil
}
