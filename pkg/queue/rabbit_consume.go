package queue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strconv"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"tiktok/pkg/tracing"
)

const (
	// isolateEvery: a batch that has failed so often in a row is tried event by event, to see whether it is the store or
	// one event.
	isolateEvery = 4
	// isolateGiveUp: so many failures without a success, and it is the store.
	isolateGiveUp = 2
	// maxStrikes is how often an event may fail while others around it succeed, before it is dead.
	maxStrikes = 5
)

// consumer reads parcels, gives their events to apply in batches, and acknowledges after the commit. One batch is in
// hand at a time, so that "all up to this tag" is exactly the batch.
//
// When apply fails, the batch stays in hand and is tried again, with back-off, for as long as it takes: the store is
// away, and handing the events back would only burn their delivery limit. Two kinds of events leave the queue without
// being applied, to the dead-letter queue: those that apply calls poison, and those that keep failing while others
// succeed.
type consumer[T any] struct {
	cfg     Config
	name    string
	log     *slog.Logger
	metrics metrics
	pub     *publisher
	apply   func(context.Context, []T) error
}

// batch is what is in hand.
type batch[T any] struct {
	parcels []*arrival
	events  []event[T] // not yet settled
}

// arrival is one parcel.
type arrival struct {
	amqp.Delivery
	size   int   // in events
	except []int // events that were not applied
}

// event is one event of an arrival.
type event[T any] struct {
	msg T
	bad error // not nil: could not be decoded
	// trace is the span that published it.
	trace tracing.Ref
	in    *arrival
	i     int
}

// run consumes until ctx ends, over any number of connections.
func (c *consumer[T]) run(ctx context.Context) {
	failures := 0
	for ctx.Err() == nil {
		began := time.Now()
		err := c.session(ctx)
		if ctx.Err() != nil {
			return
		}
		if time.Since(began) > steady {
			failures = 0
		}
		failures++
		if failures == 1 || failures%16 == 0 {
			c.log.Warn("cannot consume from RabbitMQ, trying again", "failures", failures, "err", err)
		}
		pause(ctx, backoff(failures))
	}
}

// session consumes over one connection.
func (c *consumer[T]) session(ctx context.Context) error {
	l, err := dial(ctx, c.cfg, c.name+" consume")
	if err != nil {
		return err
	}
	defer l.close()
	ch, deliveries, err := c.subscribe(ctx, l)
	if err != nil {
		return fmt.Errorf("set up RabbitMQ: %w", err)
	}
	// alive ends with ctx or with the connection.
	alive, cancel := context.WithCancel(ctx)
	defer cancel()
	down := ch.NotifyClose(make(chan *amqp.Error, 1))
	reason := make(chan error, 1)
	go func() {
		select {
		case err := <-down:
			reason <- lostBy(err)
		case err := <-l.down:
			reason <- lostBy(err)
		case <-alive.Done():
		}
		cancel()
	}()
	c.log.Info("consuming from RabbitMQ")
	var next *amqp.Delivery
	for {
		var b *batch[T]
		if b, next = c.gather(alive, deliveries, next); b == nil {
			break
		}
		if !c.settle(alive, b, deliveries) {
			break
		}
		c.countRedelivered(b)
		// What is committed is answered first: publishers wait for it.
		c.answer(b)
		if err := ch.Ack(b.parcels[len(b.parcels)-1].DeliveryTag, true); err != nil {
			return fmt.Errorf("acknowledge: %w", err)
		}
	}
	select {
	case err := <-reason:
		return err
	default:
		return errors.New("consumer ended")
	}
}

func (c *consumer[T]) subscribe(ctx context.Context, l *link) (*amqp.Channel, <-chan amqp.Delivery, error) {
	cut := time.AfterFunc(dialTimeout, func() { _ = l.raw.Close() })
	defer cut.Stop()
	stop := context.AfterFunc(ctx, func() { _ = l.raw.Close() })
	defer stop()
	ch, err := l.conn.Channel()
	if err != nil {
		return nil, nil, err
	}
	if err := declare(ch, c.name, c.cfg.Type, c.pub.maxLength); err != nil {
		return nil, nil, err
	}
	// A batch in hand and the next one on its way, even if every parcel is a single event.
	if err := ch.Qos(2*c.cfg.MaxBatch, 0, false); err != nil {
		return nil, nil, err
	}
	deliveries, err := ch.Consume(c.name, "", false, false, false, false, nil)
	return ch, deliveries, err
}

// gather waits for a first parcel, and then at most MaxWait for a full batch. It returns nil when ctx ends or the
// channel is closed. rest is a parcel that did not fit.
func (c *consumer[T]) gather(ctx context.Context, in <-chan amqp.Delivery, first *amqp.Delivery) (b *batch[T], rest *amqp.Delivery) {
	b = &batch[T]{}
	if first == nil {
		if first = c.first(ctx, in); first == nil {
			return nil, nil
		}
	}
	b.add(*first)
	timer := time.NewTimer(c.cfg.MaxWait)
	defer timer.Stop()
	for len(b.events) < c.cfg.MaxBatch {
		select {
		case d, ok := <-in:
			if !ok {
				return nil, nil // nothing of it is applied yet, and it will be delivered again
			}
			if !b.fits(d, c.cfg.MaxBatch) {
				return b, &d
			}
		case <-timer.C:
			return b, nil
		case <-ctx.Done():
			return nil, nil
		}
	}
	return b, nil
}

// first waits for a parcel.
func (c *consumer[T]) first(ctx context.Context, in <-chan amqp.Delivery) *amqp.Delivery {
	select {
	case d, ok := <-in:
		if !ok {
			return nil
		}
		return &d
	default:
		c.metrics.oldest.Set(0) // nothing waits
	}
	select {
	case d, ok := <-in:
		if !ok {
			return nil
		}
		return &d
	case <-ctx.Done():
		return nil
	}
}

func (b *batch[T]) add(d amqp.Delivery) {
	msgs, bad := open[T](d.Body)
	a := &arrival{Delivery: d, size: len(msgs)}
	b.parcels = append(b.parcels, a)
	traces := tracesOf(d.Headers)
	for i, m := range msgs {
		b.events = append(b.events, event[T]{msg: m, bad: bad[i], trace: traces[i], in: a, i: i})
	}
}

// fits adds d unless the batch would have more than limit events.
func (b *batch[T]) fits(d amqp.Delivery, limit int) bool {
	before := len(b.events)
	b.add(d)
	if len(b.events) <= limit {
		return true
	}
	b.events = b.events[:before]
	b.parcels = b.parcels[:len(b.parcels)-1]
	return false
}

// settle brings every event of b to its end. It returns false when alive ended before.
func (c *consumer[T]) settle(alive context.Context, b *batch[T], in <-chan amqp.Delivery) bool {
	// What is being written is finished even when everything else ends.
	work := context.WithoutCancel(alive)
	if !c.dropUnreadable(alive, b) {
		return false
	}
	failures := 0
	for len(b.events) > 0 {
		n := min(len(b.events), c.cfg.MaxBatch) // a foreign publisher may have made larger parcels
		err := c.call(work, b.events[:n])
		if err == nil {
			b.events = b.events[n:]
			failures = 0
			continue
		}
		failures++
		if failures == 1 || failures%16 == 0 {
			c.log.Warn("writing a batch failed, trying again", "size", n, "failures", failures, "err", err)
		}
		if errors.Is(err, ErrPoison) || failures%isolateEvery == 0 {
			rest, ok := c.isolate(alive, b.events[:n], err)
			if !ok {
				return false
			}
			if len(rest) < n {
				failures = 0
			}
			b.events = append(rest, b.events[n:]...)
			if len(rest) == 0 {
				continue
			}
		}
		if !pause(alive, backoff(max(1, failures))) {
			return false
		}
		if !c.topUp(alive, b, in) {
			return false
		}
	}
	return true
}

// topUp adds what has arrived while the batch was waiting: company for an event that fails alone.
func (c *consumer[T]) topUp(alive context.Context, b *batch[T], in <-chan amqp.Delivery) bool {
	for len(b.events) < c.cfg.MaxBatch {
		select {
		case d, ok := <-in:
			if !ok {
				return false
			}
			b.add(d)
			if !c.dropUnreadable(alive, b) {
				return false
			}
		default:
			return true
		}
	}
	return true
}

func (c *consumer[T]) call(ctx context.Context, events []event[T]) error {
	msgs := make([]T, len(events))
	oldest := time.Time{}
	var causes []tracing.Ref
	for i, e := range events {
		msgs[i] = e.msg
		if !e.trace.IsZero() {
			causes = append(causes, e.trace)
		}
		if at := e.in.Timestamp; !at.IsZero() && (oldest.IsZero() || at.Before(oldest)) {
			oldest = at
		}
	}
	if !oldest.IsZero() {
		c.metrics.oldest.Set(max(0, time.Since(oldest).Seconds())) // the clock of another machine may be ahead
	}
	c.metrics.batch.Observe(float64(len(msgs)))
	err := c.metrics.writer.call(ctx, len(msgs), causes, func(ctx context.Context) error { return c.apply(ctx, msgs) })
	if err == nil {
		c.metrics.applied.Add(float64(len(msgs)))
	} else {
		c.metrics.failed.Inc()
	}
	return err
}

func (c *consumer[T]) dropUnreadable(ctx context.Context, b *batch[T]) bool {
	good := b.events[:0]
	for _, e := range b.events {
		if e.bad == nil {
			good = append(good, e)
			continue
		}
		if !c.bury(ctx, e, e.bad) {
			return false
		}
	}
	b.events = good
	return true
}

// isolate tries the events one by one after their batch failed with cause. It settles those that succeed or are poison,
// and, if others succeeded, those that fail. The rest is left to be tried again. It returns false when alive ended.
func (c *consumer[T]) isolate(alive context.Context, events []event[T], cause error) (rest []event[T], ok bool) {
	if len(events) == 1 && errors.Is(cause, ErrPoison) {
		return nil, c.bury(alive, events[0], cause)
	}
	order := append([]event[T](nil), events...)
	if !errors.Is(cause, ErrPoison) {
		// So that events which fail alone cannot stand before the others every time.
		rand.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	}
	type failure struct {
		event event[T]
		err   error
	}
	var failed []failure
	succeeded := false
	for i, e := range order {
		err := c.call(context.WithoutCancel(alive), []event[T]{e})
		switch {
		case err == nil:
			succeeded = true
		case errors.Is(err, ErrPoison):
			if !c.bury(alive, e, err) {
				return nil, false
			}
		default:
			failed = append(failed, failure{e, err})
		}
		if !succeeded && len(failed) >= isolateGiveUp {
			rest = append(rest, order[i+1:]...)
			break
		}
		if alive.Err() != nil {
			return nil, false
		}
	}
	for _, f := range failed {
		if !succeeded {
			rest = append(rest, f.event)
		} else if !c.strike(alive, f.event, f.err) {
			return nil, false
		}
	}
	return rest, true
}

// strike sends an event that failed while others succeeded to the end of the queue, or, after too many times, to the
// dead letters.
func (c *consumer[T]) strike(ctx context.Context, e event[T], cause error) bool {
	n := strikes(e.in.Headers) + 1
	if n >= maxStrikes {
		return c.bury(ctx, e, cause)
	}
	return c.remove(ctx, e, &letter{key: c.name, strikes: n, reason: cause.Error(), born: e.in.Timestamp})
}

// bury moves an event to the dead letters.
func (c *consumer[T]) bury(ctx context.Context, e event[T], cause error) bool {
	c.log.Error("giving up an event, see the dead-letter queue", "dead_letters", c.name+deadSuffix, "err", cause)
	if !c.remove(ctx, e, &letter{key: c.name + deadSuffix, strikes: strikes(e.in.Headers), reason: cause.Error()}) {
		return false
	}
	c.metrics.dead.Inc()
	return true
}

// remove publishes e elsewhere, for as long as it takes, so that its parcel can be acknowledged.
func (c *consumer[T]) remove(ctx context.Context, e event[T], l *letter) bool {
	if l.reason == "" {
		l.reason = "unknown"
	}
	l.body, l.trace = rawEvent(e.in.Body, e.i), e.trace
	for n := 1; ; n++ {
		again := *l
		_, err := c.pub.publish(ctx, &again)
		if err == nil {
			e.in.except = append(e.in.except, e.i)
			return true
		}
		if errors.Is(err, ErrClosed) || !pause(ctx, backoff(n)) {
			return false
		}
	}
}

func (c *consumer[T]) countRedelivered(b *batch[T]) {
	for _, a := range b.parcels {
		if a.Redelivered {
			c.metrics.redelivered.Add(float64(a.size))
		}
	}
}

// answer tells the publishers what is applied: one message for each publisher.
func (c *consumer[T]) answer(b *batch[T]) {
	byPublisher := make(map[string]*answer)
	for _, a := range b.parcels {
		if a.ReplyTo == "" {
			continue
		}
		id, err := strconv.ParseUint(a.MessageId, 10, 64)
		if err != nil {
			continue
		}
		to := byPublisher[a.ReplyTo]
		if to == nil {
			to = &answer{}
			byPublisher[a.ReplyTo] = to
		}
		to.Applied = append(to.Applied, applied{ID: id, Except: a.except})
	}
	for to, a := range byPublisher {
		body, err := json.Marshal(a)
		if err != nil {
			c.log.Error("cannot encode an answer", "err", err)
			continue
		}
		c.pub.answer(to, body)
	}
}
