package queue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
	"golang.org/x/sync/errgroup"

	"tiktok/pkg/tracing"
)

const (
	// window is how many batches may be unconfirmed. Few, so that batches fill up while the broker stores those before
	// them; more than one, so that the broker always has something to do.
	window = 4
	// confirmPatience: when the broker owes a confirm for so long, nobody waits for it any more. Publishers then have
	// time to fall back. It is no reason to give up the connection: a busy broker may only be slow.
	confirmPatience = 1500 * time.Millisecond
	// confirmTimeout: when the broker owes it for so long after that, the connection is given up.
	confirmTimeout = 3500 * time.Millisecond
	// refusalPatience: when the broker has refused batches for so long, without taking one, and the queue is not full, the connection is
	// given up for one to another node. After the election of a queue's leader a channel may be left with none to send to.
	refusalPatience = 1500 * time.Millisecond
	// proofEvery is how often a broker that refuses is asked again.
	proofEvery = 100 * time.Millisecond
	// maxReplies is how many replies to publishers may wait to be sent.
	maxReplies = 1024
	// directReplyTo is replaced by the broker with an address of the channel that consumes it; no queue is declared.
	directReplyTo = "amq.rabbitmq.reply-to"
	// measureEvery is how often the broker is asked for the depth of its queues.
	measureEvery = 5 * time.Second
)

var (
	errBlocked   = errors.New("broker is out of memory or disk")
	errNoConfirm = errors.New("broker does not confirm in time")
	errEnding    = errors.New("closed before the broker confirmed")
	errUnproven  = errors.New("connected, and nothing was confirmed yet")
)

// session is one connection of a publisher.
type session struct {
	*publisher
	conn   *connection
	window chan struct{} // holds one token for each unconfirmed batch

	mu     sync.Mutex
	lastID uint64
	// awaited are the batches whose publishers wait for a reply.
	awaited map[uint64][]*message
	// refusals are guarded by mu.
	refusals refusals
}

// session connects, sends and receives until the connection is lost or the publisher stops, and returns why.
func (p *publisher) session(ctx context.Context, node string) error {
	var replies <-chan amqp.Delivery
	c, err := dial(ctx, p.cfg, node, p.name+" publish", func(ch *amqp.Channel) (err error) {
		if _, _, err = declare(ch, p.name, p.cfg.Type, bounded(p.maxLength)); err == nil {
			replies, err = ch.Consume(directReplyTo, "", true, false, false, false, nil)
		}
		return err
	})
	if err != nil {
		p.gate.close(err)
		return err
	}
	s := &session{publisher: p, conn: c, window: make(chan struct{}, window), awaited: make(map[uint64][]*message)}
	blocked := c.conn.NotifyBlocked(make(chan amqp.Blocking, 1))
	p.lagging.Store(false)
	if p.doubted {
		p.gate.close(errUnproven)
	} else {
		p.gate.open(nil)
	}

	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return watch(ctx, c, p.gate, blocked) })
	if p.doubted {
		g.Go(func() error { return s.prove(ctx) })
	}
	g.Go(func() error { return s.send(ctx, g) })
	g.Go(func() error { return s.sendReplies(ctx) })
	g.Go(func() error { s.receiveReplies(replies); return nil })
	if p.metrics.depth != nil {
		g.Go(func() error { return s.measure(ctx) })
	}
	g.Go(func() error { <-ctx.Done(); c.close(); return nil }) // also frees a write that hangs
	err = g.Wait()
	if errors.Is(err, context.Canceled) {
		err = errEnding
	}
	p.doubted = true
	p.gate.close(err)
	return err
}

// watch waits for the end of the connection, and shuts the gate while the broker is out of memory or disk: then it reads
// nothing from this connection. A new connection would be stopped by its first message.
func watch(ctx context.Context, c *connection, gate *gate, blocked <-chan amqp.Blocking) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err := <-c.down:
			return lostBy(err)
		case b := <-blocked:
			if b.Active {
				gate.close(errBlocked)
			} else {
				gate.open(errBlocked)
			}
		}
	}
}

// send sends what publishers offer, one batch after the other, until the publisher stops.
func (s *session) send(ctx context.Context, g *errgroup.Group) error {
	for {
		select {
		case s.window <- struct{}{}:
		case <-ctx.Done():
			return ctx.Err()
		}
		select {
		case first := <-s.messages:
			batch, sent := wanted(fill(first, s.messages, s.cfg.MaxBatch)), make(chan *amqp.DeferredConfirmation, 1)
			if len(batch) == 0 {
				<-s.window
				continue
			}
			g.Go(func() error { return s.follow(ctx, batch, sent) }) // before the write, which may hang
			confirmation, err := s.publishBatch(batch)
			if err != nil {
				return fmt.Errorf("publish: %w", err)
			}
			sent <- confirmation
		case <-s.stop:
			for range window - 1 { // once all of the window is free everything is confirmed
				select {
				case s.window <- struct{}{}:
				case <-ctx.Done():
				}
			}
			s.cancel()
			return errEnding
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (s *session) publishBatch(batch []*message) (*amqp.DeferredConfirmation, error) {
	now := time.Now()
	events, traces := make([][]byte, len(batch)), make([]tracing.Ref, len(batch))
	for i, m := range batch {
		events[i], traces[i] = m.body, m.trace
	}
	m := amqp.Publishing{
		DeliveryMode: amqp.Persistent, ContentType: contentType, Timestamp: now, Headers: setTraces(nil, traces), Body: encode(events),
	}
	if s.cfg.AppliedWait > 0 {
		m.ReplyTo, m.MessageId = directReplyTo, strconv.FormatUint(s.await(batch, now), 10)
	}
	return s.conn.ch.PublishWithDeferredConfirm("", s.name, true, false, m)
}

// follow waits for the broker's confirm of a batch, which is sent once it is being sent, and tells the publishers. The
// error means that the connection must be given up.
func (s *session) follow(ctx context.Context, batch []*message, sent <-chan *amqp.DeferredConfirmation) error {
	tell := func(err error) {
		for _, m := range batch {
			select {
			case m.confirmed <- err:
			default: // it was told before
			}
		}
	}
	var confirmation *amqp.DeferredConfirmation
	var done <-chan struct{}
	shut, _ := s.gate.state()
	timer := time.NewTimer(confirmPatience)
	defer timer.Stop()
	overdue := false
	for {
		select {
		case confirmation = <-sent:
			done = confirmation.Done()
		case <-done:
			<-s.window
			err := s.settled(ctx, s.conn.outcome(confirmation))
			if err == nil || errors.Is(err, errFull) {
				tell(err)
				return nil
			}
			tell(unavailable(err))
			return err
		case <-shut:
			tell(s.gate.why())
			shut = nil // the confirm is still owed
		case <-timer.C:
			_, err := s.gate.state()
			switch {
			case errors.Is(err, errBlocked):
				overdue = false
				timer.Reset(confirmPatience)
			case !overdue:
				overdue = true
				s.gate.close(errNoConfirm)
				timer.Reset(confirmTimeout)
			default:
				return errNoConfirm
			}
		case <-ctx.Done():
			tell(unavailable(errLost))
			return ctx.Err()
		}
	}
}

// await makes the id of a batch, which tells when it was sent, and, unless the consumers lag behind, remembers that its
// publishers wait for the reply.
func (s *session) await(batch []*message, now time.Time) uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lastID = max(s.lastID+1, uint64(now.UnixNano()))
	id := s.lastID
	if !s.lagging.Load() {
		s.awaited[id] = batch
		time.AfterFunc(confirmPatience+s.cfg.AppliedWait, func() { s.take(id) })
	}
	return id
}

// take returns the messages of a batch once.
func (s *session) take(id uint64) []*message {
	s.mu.Lock()
	defer s.mu.Unlock()
	batch := s.awaited[id]
	delete(s.awaited, id)
	return batch
}

// receiveReplies tells publishers what the consumers have applied, until the connection is lost.
func (s *session) receiveReplies(in <-chan amqp.Delivery) {
	for d := range in {
		var r reply
		if err := json.Unmarshal(d.Body, &r); err != nil {
			s.log.Warn("cannot read a reply", "err", err)
			continue
		}
		for _, b := range r.Applied {
			if time.Since(time.Unix(0, int64(b.ID))) < s.cfg.AppliedWait/4 {
				s.lagging.Store(false)
			}
			for i, m := range s.take(b.ID) {
				m.applied <- !slices.Contains(b.Except, i)
			}
		}
	}
}

// sendReplies sends the consumers' replies. They go over this connection because the broker, when it is out of memory,
// reads nothing from one that has published: the consumers' must go on acknowledging.
func (s *session) sendReplies(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case r := <-s.replies:
			// Neither durable nor mandatory: a publisher that is gone has no address any more.
			body, err := json.Marshal(r)
			if err == nil {
				err = s.conn.ch.PublishWithContext(ctx, "", r.to, false, false, amqp.Publishing{ContentType: contentType, Body: body})
			}
			if err != nil {
				return fmt.Errorf("reply: %w", err)
			}
		}
	}
}

// measure keeps the gauges of the broker's queues, on a channel of its own.
func (s *session) measure(ctx context.Context) error {
	defer s.metrics.depth.clear()
	defer s.metrics.deadLetters.clear()
	return s.conn.measure(ctx, func(ch *amqp.Channel) error {
		depth, dead, err := declare(ch, s.name, s.cfg.Type, bounded(s.maxLength))
		if err != nil {
			return fmt.Errorf("measure: %w", err)
		}
		s.metrics.depth.set(depth)
		s.metrics.deadLetters.set(dead)
		return nil
	})
}
