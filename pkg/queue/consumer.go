package queue

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"tiktok/pkg/lifecycle"
	"tiktok/pkg/tracing"
)

const (
	// isolateEvery: a batch that has failed so often in a row is tried event by event, to see whether it is the store or
	// one event.
	isolateEvery = 4
	// isolateGiveUp: so many failures without a success, and it is the store.
	isolateGiveUp = 2
	// maxAttempts is how often an event may fail while others around it succeed, before it is dead.
	maxAttempts = 5
)

// consumer reads RabbitMQ, gives events to apply in batches, and acknowledges after the commit.
//
// When apply fails, the batch stays in hand and is tried again, with back-off, for as long as it takes: the store is
// away, and handing the events back would only use up their delivery limit. Two kinds of events leave the queue without
// being applied, to the dead letters: those that apply calls poison, and those that keep failing while others succeed.
type consumer[T any] struct {
	cfg     Config
	name    string
	log     *slog.Logger
	metrics metrics
	pub     *publisher
	apply   func(context.Context, []T) error
	// declare makes the queue, or fails when it is not there.
	declare func(ch *amqp.Channel) error
}

// delivery is a message of the broker: a batch of events, as a publisher has sent it.
type delivery struct {
	amqp.Delivery
	except []int // events that were not applied
}

// event is one event of a delivery.
type event[T any] struct {
	msg   T
	trace tracing.Ref
	in    *delivery
	i     int
}

// hand is what a consumer has taken and not acknowledged.
type hand[T any] struct {
	*consumer[T]
	conn       *connection
	incoming   <-chan amqp.Delivery
	deliveries []*delivery
	events     []event[T] // not yet settled
}

// session consumes over one connection.
func (c *consumer[T]) session(ctx context.Context, node string) error {
	var incoming <-chan amqp.Delivery
	conn, err := dial(ctx, c.cfg, node, c.name+" consume", func(ch *amqp.Channel) (err error) {
		if err = c.declare(ch); err != nil {
			return err
		}
		// A batch in hand and the next one on its way, even if every delivery is a single event.
		if err = ch.Qos(2*c.cfg.MaxBatch, 0, false); err != nil {
			return err
		}
		incoming, err = ch.Consume(c.name, "", false, false, false, false, nil)
		return err
	})
	if err != nil {
		return err
	}
	defer conn.close()
	c.log.Info("consuming from RabbitMQ")
	for {
		h := &hand[T]{consumer: c, conn: conn, incoming: incoming}
		if err := h.gather(ctx); err != nil {
			return err
		}
		if err := h.settle(ctx); err != nil {
			return err
		}
		h.reply() // first: publishers wait for it
		if err := conn.ch.Ack(h.deliveries[len(h.deliveries)-1].DeliveryTag, true); err != nil {
			return conn.lost()
		}
	}
}

// gather waits for a delivery, and then at most MaxWait for a full batch.
func (h *hand[T]) gather(ctx context.Context) error {
	select {
	case d, ok := <-h.incoming:
		if err := h.take(ctx, d, ok); err != nil {
			return err
		}
	default:
		h.metrics.oldest.Set(0) // nothing waits
		if _, err := h.next(ctx, nil); err != nil {
			return err
		}
	}
	return h.fill(ctx, h.cfg.MaxWait)
}

// fill takes what comes within wait, up to a full batch.
func (h *hand[T]) fill(ctx context.Context, wait time.Duration) error {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	for len(h.events) < h.cfg.MaxBatch {
		if more, err := h.next(ctx, timer.C); err != nil || !more {
			return err
		}
	}
	return nil
}

// next takes a delivery, unless timeout comes first.
func (h *hand[T]) next(ctx context.Context, timeout <-chan time.Time) (more bool, err error) {
	select {
	case d, ok := <-h.incoming:
		return true, h.take(ctx, d, ok)
	case <-timeout:
		return false, nil
	case <-ctx.Done():
		return false, ctx.Err()
	}
}

func (h *hand[T]) take(ctx context.Context, d amqp.Delivery, ok bool) error {
	if !ok {
		return h.conn.lost()
	}
	msgs, bad := decode[T](d.Body)
	in, traces := &delivery{Delivery: d}, tracesOf(d.Headers)
	h.deliveries = append(h.deliveries, in)
	if d.Redelivered {
		h.metrics.redelivered.Add(float64(len(msgs)))
	}
	for i, msg := range msgs {
		e := event[T]{msg, traces[i], in, i}
		if bad[i] == nil {
			h.events = append(h.events, e)
		} else if err := h.bury(ctx, e, bad[i]); err != nil {
			return err
		}
	}
	return nil
}

// settle brings every event in hand to its end.
func (h *hand[T]) settle(ctx context.Context) error {
	retry, failures := lifecycle.BackOff(), 0
	for len(h.events) > 0 {
		n := min(len(h.events), h.cfg.MaxBatch) // a delivery may exceed what was left of the batch
		err := h.call(ctx, h.events[:n])
		if err == nil {
			h.events, failures = h.events[n:], 0
			retry.Reset()
			continue
		}
		if failures++; failures == 1 || failures%16 == 0 {
			h.log.Warn("writing a batch failed, trying again", "size", n, "failures", failures, "err", err)
		}
		if errors.Is(err, ErrPoison) || failures%isolateEvery == 0 {
			left, err := h.isolate(ctx, h.events[:n], err)
			if err != nil {
				return err
			}
			if len(left) < n {
				failures = 0
				retry.Reset()
			}
			h.events = append(left, h.events[n:]...)
			if len(left) == 0 {
				continue
			}
		}
		if !lifecycle.Pause(ctx, retry.NextBackOff()) {
			return ctx.Err()
		}
		// Company for an event that fails alone: that others succeed shows that it is not the store.
		if err := h.fill(ctx, time.Millisecond); err != nil {
			return err
		}
	}
	return nil
}

// isolate applies events one by one after their batch failed with cause. What is poison goes to the dead letters, and what
// fails while others succeed to the end of the queue. It returns what is left to be tried again: all that failed, if none
// succeeded.
func (h *hand[T]) isolate(ctx context.Context, events []event[T], cause error) (left []event[T], err error) {
	if len(events) == 1 && errors.Is(cause, ErrPoison) {
		return nil, h.bury(ctx, events[0], cause)
	}
	events = slices.Clone(events)
	if !errors.Is(cause, ErrPoison) { // poison goes to the dead letters in its order
		// So that events which fail alone do not stand before the others every time.
		rand.Shuffle(len(events), func(i, j int) { events[i], events[j] = events[j], events[i] })
	}
	var causes []error
	succeeded := false
	for i, e := range events {
		if len(left) >= isolateGiveUp && !succeeded {
			return append(left, events[i:]...), nil
		}
		switch err := h.call(ctx, events[i:i+1]); {
		case err == nil:
			succeeded = true
		case errors.Is(err, ErrPoison):
			if err := h.bury(ctx, e, err); err != nil {
				return nil, err
			}
		default:
			left, causes = append(left, e), append(causes, err)
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
	if !succeeded {
		return left, nil
	}
	for i, e := range left {
		if err := h.postpone(ctx, e, causes[i]); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// call applies events. What is being written is finished even when everything else ends.
func (h *hand[T]) call(ctx context.Context, events []event[T]) error {
	msgs, traces := make([]T, len(events)), make([]tracing.Ref, len(events))
	var oldest time.Time
	for i, e := range events {
		msgs[i], traces[i] = e.msg, e.trace
		if at := e.in.Timestamp; !at.IsZero() && (oldest.IsZero() || at.Before(oldest)) {
			oldest = at
		}
	}
	if !oldest.IsZero() {
		h.metrics.oldest.Set(max(0, time.Since(oldest).Seconds())) // the clock of another machine may be ahead
	}
	return h.metrics.apply(context.WithoutCancel(ctx), traces, func(ctx context.Context) error { return h.apply(ctx, msgs) })
}

// postpone sends an event that failed while others succeeded to the end of the queue, or, after too many attempts, to the
// dead letters.
func (h *hand[T]) postpone(ctx context.Context, e event[T], cause error) error {
	n := attempts(e.in.Headers) + 1
	if n >= maxAttempts {
		return h.bury(ctx, e, cause)
	}
	return h.move(ctx, e, h.name, n, cause, e.in.Timestamp)
}

// bury moves an event to the dead letters.
func (h *hand[T]) bury(ctx context.Context, e event[T], cause error) error {
	h.log.Error("giving up an event, see the dead-letter queue", "dead_letters", h.name+deadSuffix, "err", cause)
	if err := h.move(ctx, e, h.name+deadSuffix, attempts(e.in.Headers), cause, time.Now()); err != nil {
		return err
	}
	h.metrics.dead.Inc()
	return nil
}

// move publishes an event to a queue, so that its delivery can be acknowledged. Moving it to a full queue takes as long as
// it takes.
func (h *hand[T]) move(ctx context.Context, e event[T], to string, attempts int, cause error, at time.Time) error {
	m := amqp.Publishing{
		DeliveryMode: amqp.Persistent, ContentType: contentType, Timestamp: at, Body: encode([][]byte{rawEvent(e.in.Body, e.i)}),
		Headers: setTraces(amqp.Table{headerAttempts: int32(attempts), headerReason: short(cause.Error())}, []tracing.Ref{e.trace}),
	}
	for retry := lifecycle.BackOff(); ; {
		err := h.conn.publish(ctx, to, m)
		if err == nil {
			e.in.except = append(e.in.except, e.i)
			return nil
		}
		if !errors.Is(err, errFull) || !lifecycle.Pause(ctx, retry.NextBackOff()) {
			return err
		}
	}
}

// reply tells the publishers what is applied: one reply for each publisher.
func (h *hand[T]) reply() {
	byPublisher := make(map[string][]appliedBatch)
	for _, d := range h.deliveries {
		if id, err := strconv.ParseUint(d.MessageId, 10, 64); err == nil && d.ReplyTo != "" {
			byPublisher[d.ReplyTo] = append(byPublisher[d.ReplyTo], appliedBatch{ID: id, Except: d.except})
		}
	}
	for to, batches := range byPublisher {
		h.pub.reply(reply{to: to, Applied: batches})
	}
}
