package queue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"tiktok/pkg/lifecycle"
)

// Stream is what one connection to a queue of an exchange gives. It is not safe for concurrent use.
type Stream struct {
	name     string
	conn     *connection
	incoming <-chan amqp.Delivery
	last     uint64 // delivery tag of the newest in hand; 0 without
}

// Delivery is a batch in hand.
type Delivery struct {
	// Body is the batch's.
	Body []byte
	// Again tells that the broker may have delivered it before.
	Again bool
}

// Consume calls work with a stream over a new connection, again and again until ctx ends or the exchange is closed. Of all who consume
// from a queue one at a time gets batches. prefetch bounds those in hand. When work returns, what it did not acknowledge goes back to
// the queue, in its order.
func (x *Exchange) Consume(ctx context.Context, queue string, prefetch int, work func(context.Context, *Stream) error) error {
	x.mu.Lock()
	if x.closing.Err() != nil {
		x.mu.Unlock()
		return ErrClosed
	}
	x.wg.Add(1)
	x.mu.Unlock()
	defer x.wg.Done()
	running, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(x.closing, cancel)()
	name, log := x.queue(queue), x.log.With("what", "consume", "queue", queue)
	keep(running, x.cfg, log, func(ctx context.Context, node string) error {
		s := &Stream{name: name}
		conn, err := dial(ctx, x.cfg, node, name+" consume", func(ch *amqp.Channel) (err error) {
			if err = x.declare(ch); err != nil {
				return err
			}
			if err = ch.Qos(prefetch, 0, false); err != nil {
				return err
			}
			incoming, err := ch.Consume(name, "", false, false, false, false, nil)
			if err == nil {
				s.incoming = buffered(incoming, prefetch)
			}
			return err
		})
		if err != nil {
			return err
		}
		defer conn.close()
		s.conn = conn
		log.Info("consuming from RabbitMQ")
		return work(ctx, s)
	})
	if ctx.Err() == nil {
		return ErrClosed
	}
	return nil
}

// buffered has room for all that are in hand. The library offers deliveries one by one: right after one of them, the next would not
// be there for who looks without waiting, however many wait.
func buffered(in <-chan amqp.Delivery, prefetch int) <-chan amqp.Delivery {
	out := make(chan amqp.Delivery, prefetch)
	go func() {
		defer close(out)
		for d := range in { // it is closed with its connection
			out <- d // there is room: the broker sends no more than prefetch
		}
	}()
	return out
}

// Next waits for a batch. Its error ends the stream.
func (s *Stream) Next(ctx context.Context) (Delivery, error) {
	select {
	case d, ok := <-s.incoming:
		return s.take(d, ok)
	case <-ctx.Done():
		return Delivery{}, ctx.Err()
	}
}

// Ready returns a batch that is there already; ok is false without one.
func (s *Stream) Ready() (d Delivery, ok bool, err error) {
	select {
	case in, open := <-s.incoming:
		d, err = s.take(in, open)
		return d, err == nil, err
	default:
		return Delivery{}, false, nil
	}
}

func (s *Stream) take(d amqp.Delivery, ok bool) (Delivery, error) {
	if !ok {
		return Delivery{}, s.conn.lost()
	}
	s.last = d.DeliveryTag
	return Delivery{Body: d.Body, Again: d.Redelivered}, nil
}

// Ack acknowledges everything in hand.
func (s *Stream) Ack() error {
	if s.last == 0 {
		return nil
	}
	if err := s.conn.ch.Ack(s.last, true); err != nil {
		return s.conn.lost()
	}
	s.last = 0
	return nil
}

// Bury puts an element of a batch into the dead letters, and returns once the broker has it there.
func (s *Stream) Bury(ctx context.Context, element json.RawMessage, cause error) error {
	m := amqp.Publishing{
		DeliveryMode: amqp.Persistent, ContentType: contentType, Timestamp: time.Now(), Body: encode([][]byte{element}),
		Headers: amqp.Table{headerAttempts: int32(0), headerReason: short(cause.Error())},
	}
	for retry := lifecycle.BackOff(); ; {
		err := s.conn.publish(ctx, s.name+deadSuffix, m)
		if err == nil {
			return nil
		}
		if !errors.Is(err, errFull) || !lifecycle.Pause(ctx, retry.NextBackOff()) {
			return fmt.Errorf("bury: %w", err)
		}
	}
}
