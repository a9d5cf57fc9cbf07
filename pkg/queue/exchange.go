package queue

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
	"golang.org/x/sync/errgroup"
)

const (
	// exchangeWindow is how many batches are sent and not waited for. With the one that is waited for and the one that is being sent
	// they are as many as maxReturns, so that the broker's returns never fill their channel.
	exchangeWindow = maxReturns - 2
	// batchTimeout: when the broker owes a confirm for so long, and did not say that it is out of memory or disk, the connection is
	// given up.
	batchTimeout = 10 * time.Second
	// defaultMaxDepth bounds each queue of an exchange, in batches: above it Publish refuses.
	defaultMaxDepth = 1_000_000
)

// ErrRefused means that the broker will never take one of the batches, because it is too large.
var ErrRefused = errors.New("queue: the broker refuses a message for good")

var errNacked = errors.New("the broker did not take a message: a queue has no majority, or is full by a policy")

// Binding is a queue of an exchange.
type Binding struct {
	// Queue is its name, after the exchange's.
	Queue string
	// Keys are the routing keys of the batches that it gets.
	Keys []string
}

// Batch is a message of an exchange: a JSON array, of which each element can become a dead letter.
type Batch struct {
	// Key is its routing key.
	Key string
	// At is when the oldest of what is in it happened.
	At time.Time
	// Body is the array.
	Body []byte
}

// Measured is told the depth of a queue and of its dead letters, as the broker knows them; known is false while it is away.
type Measured func(queue string, depth, dead int, known bool)

// Exchange is a topic exchange of RabbitMQ, "<prefix>.<name>", with a durable queue, "<prefix>.<name>.<queue>", and its dead letters,
// "….dead", for each binding. Whoever opens it declares all of it before the first batch, so that nothing is lost for who has not
// started yet. A batch whose key has no binding is confirmed and gone. It is safe for concurrent use.
//
// It is the layer below a bus: batches come in the order of Publish, at least once, and stay in hand of the one active consumer of a
// queue until that acknowledges them.
type Exchange struct {
	cfg      Config
	name     string
	bindings []Binding
	keys     map[string]bool // that have a queue
	log      *slog.Logger
	gate     *gate
	measured Measured
	maxDepth int
	full     atomic.Pointer[string] // the queue that is too deep; nil without

	jobs    chan *publication
	mu      sync.Mutex      // between the end and who begins to consume
	closing context.Context //nolint:containedctx // the lifetime of the exchange, which ends with Close
	close   context.CancelFunc
	wg      sync.WaitGroup
}

// publication is one call of Publish.
type publication struct {
	list []Batch
	done chan error    // with a buffer: nobody waits for the caller
	over chan struct{} // closed when the broker has answered for all
}

func (p *publication) tell(err error) {
	select {
	case p.done <- err:
	default: // it was told before
	}
}

// OpenExchange returns the exchange of that name and connects in the background. It does not fail when the broker is away. measured
// may be nil.
func OpenExchange(cfg Config, name string, bindings []Binding, log *slog.Logger, measured Measured) (*Exchange, error) {
	cfg = cfg.withDefaults()
	if err := cfg.CheckNodes(); err != nil {
		return nil, err
	}
	if cfg.Type != TypeQuorum && cfg.Type != TypeClassic {
		return nil, fmt.Errorf("queue: unknown type %q, want %q or %q", cfg.Type, TypeQuorum, TypeClassic)
	}
	if measured == nil {
		measured = func(string, int, int, bool) {}
	}
	log = log.With("exchange", name)
	x := &Exchange{
		cfg: cfg, name: cfg.Prefix + "." + name, bindings: bindings, keys: map[string]bool{}, log: log, gate: newGate(log),
		measured: measured, maxDepth: defaultMaxDepth, jobs: make(chan *publication),
	}
	for _, b := range bindings {
		for _, key := range b.Keys {
			x.keys[key] = true
		}
	}
	x.closing, x.close = context.WithCancel(context.Background())
	x.wg.Go(func() { keep(x.closing, cfg, log.With("what", "publish"), x.session) })
	return x, nil
}

// Publish sends batches in order and returns nil when all of them are durable in every queue that they belong to. After an error
// some may be.
//
// Errors: ErrUnavailable while the broker is away, out of memory or disk, or a queue holds a million batches; ErrRefused;
// ErrClosed; that of ctx.
func (x *Exchange) Publish(ctx context.Context, list []Batch) error {
	if x.closing.Err() != nil {
		return ErrClosed
	}
	shut, err := x.gate.state()
	if err != nil {
		return err
	}
	if q := x.full.Load(); q != nil {
		return unavailable(fmt.Errorf("%w: %s", errFull, *q))
	}
	job := &publication{list: list, done: make(chan error, 1), over: make(chan struct{})}
	select {
	case x.jobs <- job:
	case <-shut:
		return x.gate.why()
	case <-x.closing.Done():
		return ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-job.done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Ping reports whether the broker takes batches.
func (x *Exchange) Ping() error {
	if x.closing.Err() != nil {
		return ErrClosed
	}
	_, err := x.gate.state()
	return err
}

// Close ends Publish and Consume, waits for them, and disconnects.
func (x *Exchange) Close() {
	x.mu.Lock()
	x.close()
	x.mu.Unlock()
	x.wg.Wait()
}

// declare makes the exchange, all its queues and what binds them, or checks that they are as they should be.
func (x *Exchange) declare(ch *amqp.Channel) error {
	if err := ch.ExchangeDeclare(x.name, amqp.ExchangeTopic, true, false, false, false, nil); err != nil {
		return fmt.Errorf("declare the exchange %s: %w", x.name, err)
	}
	for _, b := range x.bindings {
		if _, _, err := x.declareQueue(ch, b.Queue); err != nil {
			return err
		}
		for _, key := range b.Keys {
			if err := ch.QueueBind(x.queue(b.Queue), key, x.name, false, nil); err != nil {
				return fmt.Errorf("bind %s to %s: %w", x.queue(b.Queue), key, err)
			}
		}
	}
	return nil
}

// declareQueue has no maximal length: when the broker refuses a batch for one queue the others have got it, and each new attempt
// would give it to them again. See measure.
func (x *Exchange) declareQueue(ch *amqp.Channel, queue string) (depth, dead int, err error) {
	return declare(ch, x.queue(queue), x.cfg.Type, amqp.Table{amqp.SingleActiveConsumerArg: true})
}

func (x *Exchange) queue(name string) string { return x.name + "." + name }

// exchangeSession is one connection that publishes.
type exchangeSession struct {
	*Exchange
	conn *connection
	sent chan sent
	// refusals are follow's own.
	refusals refusals
}

// sent is a batch that the broker has not confirmed.
type sent struct {
	confirmation *amqp.DeferredConfirmation
	job          *publication
	last         bool // of its job
}

// session connects and publishes until the connection is lost, and returns why.
func (x *Exchange) session(ctx context.Context, node string) error {
	c, err := dial(ctx, x.cfg, node, x.name+" publish", x.declare)
	if err != nil {
		x.gate.close(err)
		return err
	}
	blocked := c.conn.NotifyBlocked(make(chan amqp.Blocking, 1))
	x.full.Store(nil)
	x.gate.open(nil)
	g, ctx := errgroup.WithContext(ctx)
	s := &exchangeSession{Exchange: x, conn: c, sent: make(chan sent, exchangeWindow)}
	g.Go(func() error { return refused(watch(ctx, c, x.gate, blocked)) })
	g.Go(func() error { return s.send(ctx) })
	g.Go(func() error { return s.follow(ctx) })
	g.Go(func() error { return s.measure(ctx) })
	g.Go(func() error { <-ctx.Done(); c.close(); return nil }) // also frees a write that hangs
	err = g.Wait()
	if errors.Is(err, context.Canceled) {
		err = errEnding
	}
	if errors.Is(err, ErrRefused) {
		err = fmt.Errorf("%v", err) //nolint:errorlint // it is the error of who sent that message, not of who comes next
	}
	x.gate.close(err)
	return err
}

// refused marks the error by which the broker closes a channel that has published what it never takes.
func refused(err error) error {
	var closed *amqp.Error
	if errors.As(err, &closed) && closed.Code == amqp.PreconditionFailed {
		return fmt.Errorf("%w: %w", ErrRefused, err)
	}
	return err
}

// send sends what Publish offers, the batches of one call at a time: when the broker refuses one for good, it is known whose it was.
func (s *exchangeSession) send(ctx context.Context) error {
	for {
		select {
		case job := <-s.jobs:
			if err := s.deliver(ctx, job); err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// deliver sends batches and waits until the broker has answered for all. The error means the end of the connection, of which it has
// told the caller.
func (s *exchangeSession) deliver(ctx context.Context, job *publication) error {
	if len(job.list) == 0 {
		job.tell(nil)
		return nil
	}
	err := s.sendAll(ctx, job)
	if err == nil {
		select {
		case <-job.over:
			return nil
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	cause := err
	if ctx.Err() != nil {
		cause = context.Cause(ctx)
	}
	if !errors.Is(cause, ErrRefused) {
		cause = unavailable(cause)
	}
	job.tell(cause)
	return err
}

func (s *exchangeSession) sendAll(ctx context.Context, job *publication) error {
	for i, p := range job.list {
		// One that no queue takes, though it should, comes back: then the broker has lost a queue, and the next session declares it.
		confirmation, err := s.conn.ch.PublishWithDeferredConfirm(s.name, p.Key, s.keys[p.Key], false, amqp.Publishing{
			DeliveryMode: amqp.Persistent, ContentType: contentType, Timestamp: p.At, Body: p.Body,
		})
		if err != nil {
			if s.conn.ch.IsClosed() { // watch knows why
				<-ctx.Done()
			}
			return fmt.Errorf("publish: %w", err)
		}
		select {
		case s.sent <- sent{confirmation, job, i == len(job.list)-1}:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// follow waits for the confirms in order.
func (s *exchangeSession) follow(ctx context.Context) error {
	for {
		select {
		case p := <-s.sent:
			if err := s.await(ctx, p); err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// await waits for one confirm. The error means that the connection must be given up.
func (s *exchangeSession) await(ctx context.Context, p sent) error {
	timer := time.NewTimer(batchTimeout)
	defer timer.Stop()
	for {
		select {
		case <-p.confirmation.Done():
			if !p.confirmation.Acked() && s.conn.ch.IsClosed() { // watch knows why
				<-ctx.Done()
				return ctx.Err()
			}
			err := s.conn.outcome(p.confirmation)
			refused := errors.Is(err, errFull)
			if err != nil && !refused {
				return err
			}
			if refused {
				p.job.tell(unavailable(errNacked))
			}
			if s.refusals.tooLong(refused) {
				return errNacked // another node may know who leads the queue
			}
			if p.last {
				p.job.tell(nil) // unless it was told before
				close(p.job.over)
			}
			return nil
		case <-timer.C:
			if _, err := s.gate.state(); !errors.Is(err, errBlocked) {
				return errNoConfirm
			}
			timer.Reset(batchTimeout)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// measure asks for the depth of the queues, on a channel of its own. While one of them is too deep Publish refuses: a consumer that is
// away for long must not fill the broker's disk, which the queues of all share.
func (s *exchangeSession) measure(ctx context.Context) error {
	defer func() {
		for _, b := range s.bindings {
			s.measured(b.Queue, 0, 0, false)
		}
	}()
	return s.conn.measure(ctx, func(ch *amqp.Channel) error {
		var full *string
		for _, b := range s.bindings {
			depth, dead, err := s.declareQueue(ch, b.Queue)
			if err != nil {
				return fmt.Errorf("measure: %v", err) //nolint:errorlint // not for refused
			}
			if depth >= s.maxDepth {
				full = &b.Queue
			}
			s.measured(b.Queue, depth, dead, true)
		}
		s.full.Store(full)
		return nil
	})
}
