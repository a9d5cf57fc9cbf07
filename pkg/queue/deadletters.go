package queue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

// stepTimeout bounds each exchange with the broker about dead letters.
const stepTimeout = 10 * time.Second

// ErrNoDeadLetters is returned for a driver that keeps no dead letters.
var ErrNoDeadLetters = errors.New("queue: only the rabbitmq driver keeps dead letters; with the memory driver the caller gets the error")

// DeadLetter is what a consumer gave up.
type DeadLetter struct {
	// Events are those of one message: one, or more when the broker gave the whole batch up. What is not valid JSON is
	// one JSON string.
	Events []json.RawMessage `json:"events"`
	// Reason is the last error of apply, or the broker's reason.
	Reason string `json:"reason"`
	// Attempts is how often the event failed while others did not.
	Attempts int `json:"attempts"`
	// Since is when it was given up, to the second. Zero: unknown.
	Since time.Time `json:"since,omitzero"`
}

// DeadLetters looks after the dead letters of one queue, over one connection. It is not safe for concurrent use; other
// processes may look after the same ones, each then sees what the others do not hold.
type DeadLetters struct {
	name string
	conn *connection
}

// OpenDeadLetters connects to the dead letters of the queue that Open knows by the same cfg and name.
//
// Errors: ErrNoDeadLetters for the memory driver, ErrUnavailable when the broker is away or has no such queue.
func OpenDeadLetters(ctx context.Context, cfg Config, name string) (*DeadLetters, error) {
	if cfg.Driver != DriverRabbitMQ {
		return nil, ErrNoDeadLetters
	}
	cfg = cfg.withDefaults()
	if err := cfg.CheckNodes(); err != nil {
		return nil, err
	}
	name = cfg.Prefix + "." + name
	conn, err := dialAny(ctx, cfg, name+" dead letters", func(*amqp.Channel) error { return nil })
	if err != nil {
		return nil, unavailable(err)
	}
	d := &DeadLetters{name: name, conn: conn}
	if _, err := d.Count(ctx); err != nil {
		conn.close()
		return nil, err
	}
	return d, nil
}

// OpenPartitionsDeadLetters is OpenDeadLetters for each partition that the broker has of a queue, the first one first. Close each.
func OpenPartitionsDeadLetters(ctx context.Context, cfg Config, name string) ([]*DeadLetters, error) {
	var all []*DeadLetters
	for i := range MaxPartitions {
		d, err := OpenDeadLetters(ctx, cfg, partitionName(name, i))
		if i > 0 && isMissing(err) {
			break
		}
		if err != nil {
			for _, d := range all {
				d.Close()
			}
			return nil, err
		}
		all = append(all, d)
	}
	return all, nil
}

// Close hands back what List holds and disconnects.
func (d *DeadLetters) Close() { d.conn.close() }

// Count is how many dead letters there are, without those that someone holds.
func (d *DeadLetters) Count(ctx context.Context) (n int, err error) {
	err = d.step(ctx, func(context.Context) error {
		q, err := d.conn.ch.QueueDeclarePassive(d.name+deadSuffix, true, false, false, false, nil)
		n = q.Messages
		return err
	})
	return n, err
}

// List calls fn with the oldest dead letters, at most limit; 0 means all. They stay where they are: they are handed back
// by Close. It returns how many it has seen. An error of fn ends it and is returned.
func (d *DeadLetters) List(ctx context.Context, limit int, fn func(DeadLetter) error) (int, error) {
	return d.each(ctx, limit, func(m amqp.Delivery) error { return fn(read(m)) })
}

// Replay sends the oldest dead letters back to the queue as new events, at most limit; 0 means all that are there at the
// start, so that one which dies again is not sent again. Each leaves the dead letters when the broker has confirmed it in
// the queue: nothing is lost, and only a crash in between doubles one. fn, which may be nil, is called after each.
//
// Errors: ErrBusy when the queue is full, ErrUnavailable when the broker went away; those that were sent stay sent.
func (d *DeadLetters) Replay(ctx context.Context, limit int, fn func(DeadLetter)) (int, error) {
	return d.remove(ctx, limit, func(m amqp.Delivery) error {
		if err := d.send(ctx, m); err != nil {
			return err
		}
		if fn != nil {
			fn(read(m))
		}
		return nil
	})
}

// Drop removes the oldest dead letters, at most limit; 0 means all that are there at the start. Each is given to fn
// first, and stays when fn fails.
func (d *DeadLetters) Drop(ctx context.Context, limit int, fn func(DeadLetter) error) (int, error) {
	return d.remove(ctx, limit, func(m amqp.Delivery) error { return fn(read(m)) })
}

// remove is each for dead letters that are acknowledged after fn.
func (d *DeadLetters) remove(ctx context.Context, limit int, fn func(amqp.Delivery) error) (int, error) {
	n, err := d.each(ctx, limit, func(m amqp.Delivery) error {
		if err := fn(m); err != nil {
			return err
		}
		if err := m.Ack(false); err != nil {
			return unavailable(err)
		}
		return nil
	})
	// The broker works on a channel in order: with this answer it has got all acknowledgements.
	if _, cerr := d.Count(context.WithoutCancel(ctx)); err == nil {
		err = cerr
	}
	return n, err
}

// each takes one dead letter after the other. One for which fn fails is handed back by Close.
func (d *DeadLetters) each(ctx context.Context, limit int, fn func(amqp.Delivery) error) (n int, err error) {
	there, err := d.Count(ctx)
	if err != nil {
		return 0, err
	}
	if limit <= 0 || limit > there {
		limit = there
	}
	for n < limit {
		if err := ctx.Err(); err != nil {
			return n, err
		}
		var m amqp.Delivery
		var ok bool
		err := d.step(ctx, func(context.Context) (err error) {
			m, ok, err = d.conn.ch.Get(d.name+deadSuffix, false)
			return err
		})
		if err != nil || !ok {
			return n, err
		}
		if err := fn(m); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// send publishes m to the work queue. Neither the end of ctx nor a signal comes between the confirm and the
// acknowledgement.
func (d *DeadLetters) send(ctx context.Context, m amqp.Delivery) error {
	headers := maps.Clone(m.Headers)
	maps.DeleteFunc(headers, func(k string, _ any) bool {
		return k == headerAttempts || k == headerReason || k == "x-death" || k == "x-delivery-count" || strings.HasPrefix(k, "x-first-death-")
	})
	err := d.step(context.WithoutCancel(ctx), func(ctx context.Context) error {
		return d.conn.publish(ctx, d.name, amqp.Publishing{
			DeliveryMode: amqp.Persistent, ContentType: m.ContentType, Headers: headers, Timestamp: time.Now(), Body: m.Body,
		})
	})
	switch {
	case errors.Is(err, errUnroutable):
		return unavailable(fmt.Errorf("there is no queue %s", d.name))
	case errors.Is(err, errFull):
		return fmt.Errorf("%w: the broker refused a message, %s is full", ErrBusy, d.name)
	}
	return err
}

// step runs one exchange with the broker, which a broker that hangs or the end of ctx cuts short.
func (d *DeadLetters) step(ctx context.Context, fn func(context.Context) error) error {
	limited, cancel := context.WithTimeout(ctx, stepTimeout)
	defer cancel()
	defer context.AfterFunc(limited, func() { _ = d.conn.raw.Close() })()
	err := fn(limited)
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case isMissing(err):
		return unavailable(fmt.Errorf("the broker has no queue %s: is queue.prefix right, and did a service run with it? (%w)",
			d.name+deadSuffix, err))
	}
	return unavailable(err)
}

// read makes a message presentable.
func read(m amqp.Delivery) DeadLetter {
	l := DeadLetter{Attempts: attempts(m.Headers), Since: m.Timestamp}
	l.Reason, _ = m.Headers[headerReason].(string)
	if l.Reason == "" {
		l.Reason = "unknown"
		if deaths, _ := m.Headers["x-death"].([]any); len(deaths) > 0 {
			if death, ok := deaths[0].(amqp.Table); ok {
				l.Reason = fmt.Sprintf("given up by the broker: %v", death["reason"])
				l.Since, _ = death["time"].(time.Time)
			}
		}
	}
	if json.Unmarshal(m.Body, &l.Events) == nil && len(l.Events) > 0 {
		return l
	}
	// A body that is no list of events was put into one as it came, and need not be JSON.
	text, err := json.Marshal(string(m.Body))
	if err != nil {
		text = []byte(`"unreadable"`)
	}
	l.Events = []json.RawMessage{text}
	return l
}
