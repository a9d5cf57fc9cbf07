package queue

import (
	"context"
	"errors"
	"fmt"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

// errRefusing means that the broker refuses messages for a reason other than a full queue: none of the queue's members leads.
var errRefusing = errors.New("the broker refuses messages, and the queue is not full")

// settled is what the outcome of a batch means for the session: nil and errFull let it go on, and open the gate if it was shut because
// the broker did not answer.
func (s *session) settled(ctx context.Context, outcome error) error {
	if outcome != nil && !errors.Is(outcome, errFull) {
		return outcome
	}
	_, shut := s.gate.state()
	owed := errors.Is(shut, errNoConfirm)
	if s.refuses(outcome != nil) || outcome != nil && owed {
		if !s.isFull(ctx) {
			return errRefusing
		}
	}
	if owed {
		s.gate.open(errNoConfirm)
	}
	return outcome
}

// refuses is refusals.tooLong for outcomes that come side by side.
func (s *session) refuses(refused bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.refusals.tooLong(refused)
}

// refusals are those of one connection. since is when the broker refused the first of the batches since it took one; zero after one that
// it took.
type refusals struct{ since time.Time }

// tooLong notes whether the broker has refused a batch, and reports whether it has done so, and nothing else, for refusalPatience.
func (r *refusals) tooLong(refused bool) bool {
	switch {
	case !refused:
		r.since = time.Time{}
	case r.since.IsZero():
		r.since = time.Now()
	case time.Since(r.since) > refusalPatience:
		r.since = time.Now() // it is looked at again after that time
		return true
	}
	return false
}

// isFull reports whether the queue has about as many messages as it may have. A broker that has refused because of that takes messages
// again at four fifths of it.
func (s *session) isFull(ctx context.Context) bool {
	depth := make(chan int, 1)
	go func() { // the library's calls know no context
		ch, err := s.conn.conn.Channel()
		if err != nil {
			depth <- 0
			return
		}
		defer func() { _ = ch.Close() }() // or it is closed with the connection
		q, err := ch.QueueDeclarePassive(s.name, true, false, false, false, nil)
		if err != nil {
			q.Messages = 0
		}
		depth <- q.Messages
	}()
	timeout := time.NewTimer(refusalPatience)
	defer timeout.Stop()
	select {
	case n := <-depth:
		return n >= int(s.maxLength)*3/4
	case <-timeout.C:
	case <-ctx.Done():
	}
	return false
}

// prove opens the gate of a new connection once the broker has confirmed an empty batch, which consumers take for what it is. The error
// means that this node does not do.
func (s *session) prove(ctx context.Context) error {
	began := time.Now()
	for {
		confirmation, err := s.conn.ch.PublishWithDeferredConfirm("", s.name, true, false, amqp.Publishing{
			DeliveryMode: amqp.Persistent, ContentType: contentType, Timestamp: time.Now(), Body: encode(nil),
		})
		if err != nil {
			return fmt.Errorf("publish: %w", err)
		}
		switch err := s.proof(ctx, confirmation); {
		case err == nil, errors.Is(err, errFull) && s.isFull(ctx):
			s.gate.open(errUnproven)
			return nil
		case !errors.Is(err, errFull):
			return err
		case time.Since(began) > refusalPatience:
			return errRefusing
		}
		select {
		case <-time.After(proofEvery):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// proof waits for the confirm. Nobody waits for it meanwhile, so a busy broker has its time.
func (s *session) proof(ctx context.Context, confirmation *amqp.DeferredConfirmation) error {
	timer := time.NewTimer(confirmPatience + confirmTimeout)
	defer timer.Stop()
	for {
		select {
		case <-confirmation.Done():
			return s.conn.outcome(confirmation)
		case <-timer.C:
			if _, err := s.gate.state(); !errors.Is(err, errBlocked) {
				return errNoConfirm
			}
			timer.Reset(confirmPatience + confirmTimeout)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
