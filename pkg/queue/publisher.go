package queue

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"tiktok/pkg/tracing"
)

// fullPause is how long a publisher waits after the broker has refused its message because the queue is full.
const fullPause = 100 * time.Millisecond

// publisher publishes to RabbitMQ. It keeps a session, which is one connection, and renews it for ever; session.go sends
// the messages in batches. After the broker's confirm a message is durable. publish then waits for the consumer's reply
// that it is applied, unless the consumers lag behind.
//
// While the broker is away, out of memory or disk, owes a confirm for too long, or refuses without being full, the gate is shut and
// publish fails at once. What was sent stays sent, so an event may be applied twice: from the queue and by the fallback.
type publisher struct {
	cfg       Config
	name      string
	maxLength int32 // of the queue, in batches
	log       *slog.Logger
	metrics   metrics
	gate      *gate
	// messages is unbuffered: what the session did not receive from it was not sent.
	messages chan *message
	// replies are those of this process's consumers to other publishers.
	replies chan reply
	// lagging means that the consumers' replies take longer than AppliedWait. Nobody waits for them.
	lagging atomic.Bool
	// doubted means that the connection before was lost or given up: a new one takes messages once the broker has confirmed an empty one.
	// It is the sessions' own.
	doubted bool

	closing <-chan struct{} // publish fails
	stop    chan struct{}   // the session sends nothing more, and ends when all is confirmed
	cancel  context.CancelFunc
	stopped chan struct{} // run has returned
}

// message is an event and the call of publish that waits for its fate. The channels have a buffer: nobody waits for a
// publisher.
type message struct {
	due
	body  []byte
	trace tracing.Ref
	// confirmed gets nil once the broker has it, or why it may not have it.
	confirmed chan error
	// applied gets whether it is committed.
	applied chan bool
}

func newPublisher(closing context.Context, cfg Config, o options, name string, log *slog.Logger, m metrics) *publisher {
	p := &publisher{
		cfg: cfg, name: name, maxLength: o.maxLength, log: log, metrics: m, gate: newGate(log),
		messages: make(chan *message), replies: make(chan reply, maxReplies),
		closing: closing.Done(), stop: make(chan struct{}), stopped: make(chan struct{}),
	}
	ctx, cancel := context.WithCancel(context.Background())
	p.cancel = cancel
	go func() {
		defer close(p.stopped)
		keep(ctx, cfg, log.With("what", "publish"), p.session)
	}()
	return p
}

// publish returns once the broker has the event, and, if the consumers keep up, once it is applied.
func (p *publisher) publish(ctx context.Context, body []byte) (applied bool, err error) {
	for {
		shut, err := p.gate.state()
		if err != nil {
			return false, err
		}
		m := &message{due: dueOf(ctx), body: body, trace: tracing.RefOf(ctx), confirmed: make(chan error, 1), applied: make(chan bool, 1)}
		select {
		case p.messages <- m:
		case <-shut:
			return false, p.gate.why()
		case <-p.closing:
			return false, ErrClosed
		case <-ctx.Done():
			return false, busy(ctx.Err())
		}
		// It is being sent: now the end of ctx leaves open whether the broker gets it.
		select {
		case err = <-m.confirmed:
		case <-ctx.Done():
			return false, outcomeUnknown{ctx.Err()}
		}
		if err == nil {
			return p.awaitApplied(ctx, m, shut), nil
		}
		if errors.Is(err, ErrBusy) { // it was not sent
			return false, err
		}
		if !errors.Is(err, errFull) {
			return false, outcomeUnknown{err}
		}
		// Backpressure: it was not accepted.
		select {
		case <-time.After(fullPause):
		case <-p.closing:
			return false, ErrClosed
		case <-ctx.Done():
			return false, busy(ctx.Err())
		}
	}
}

// awaitApplied waits for the reply to a durable message. Without one it is applied later.
func (p *publisher) awaitApplied(ctx context.Context, m *message, shut <-chan struct{}) bool {
	if p.cfg.AppliedWait < 0 || p.lagging.Load() {
		return false
	}
	timeout := time.NewTimer(p.cfg.AppliedWait)
	defer timeout.Stop()
	select {
	case applied := <-m.applied:
		return applied
	case <-timeout.C:
		p.lagging.Store(true)
	case <-shut:
	case <-ctx.Done():
	}
	return false
}

// reply hands a consumer's reply to the session. It is dropped when too many wait: it only spares a publisher some
// waiting.
func (p *publisher) reply(r reply) {
	select {
	case p.replies <- r:
	default:
	}
}

// close lets the broker confirm, not for long, what was sent, and disconnects. publish has been refused before.
func (p *publisher) close() {
	close(p.stop)
	if _, err := p.gate.state(); err == nil {
		select {
		case <-p.stopped:
		case <-time.After(closeTimeout):
		}
	}
	p.cancel()
	<-p.stopped
}
