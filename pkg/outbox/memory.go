package outbox

import (
	"context"
	"log/slog"
	"slices"
	"sync"

	"tiktok/pkg/telemetry"
)

// memory is the bus of one process. It keeps nothing: a message is in its outbox until every consumer has applied it, so Publish waits
// for the slowest of them, also for one that has not started.
type memory struct {
	consumers []*local
	log       *slog.Logger

	closing context.Context //nolint:containedctx // the lifetime of the bus, which ends with Close
	close   context.CancelFunc
	mu      sync.Mutex // between the end and who begins to consume
	wg      sync.WaitGroup
}

// local is a consumer of the process.
type local struct {
	Consumer
	metrics consumerMetrics
	arrived chan struct{} // has a value when tasks may have come

	mu        sync.Mutex
	tasks     []*task // that came, in order, guarded by mu
	consuming bool    // guarded by mu
}

// publication is a call of Publish.
type publication struct {
	mu        sync.Mutex
	left      int    // tasks not done, guarded by mu
	dead      []Dead // guarded by mu
	abandoned bool   // nobody waits, guarded by mu
	done      chan struct{}
}

func newMemory(consumers []Consumer, tel *telemetry.Telemetry) *memory {
	b := &memory{log: tel.Log}
	b.closing, b.close = context.WithCancel(context.Background())
	m := newBusMetrics(tel.Registry)
	for _, c := range consumers {
		b.consumers = append(b.consumers, &local{Consumer: c, metrics: m.consumer(c.Name), arrived: make(chan struct{}, 1)})
	}
	return b
}

// Publish implements Bus.
func (b *memory) Publish(ctx context.Context, messages []Message) error {
	if b.closing.Err() != nil {
		return ErrClosed
	}
	p := &publication{left: 1, done: make(chan struct{})} // one until all have it
	for _, c := range b.consumers {
		var tasks []*task
		for _, m := range messages {
			if slices.Contains(c.Topics, m.Topic) {
				tasks = append(tasks, &task{Message: m, publication: p})
			}
		}
		p.expect(len(tasks))
		c.add(tasks)
	}
	p.finish()
	select {
	case <-p.done:
	case <-ctx.Done():
		if !p.abandon() {
			return ctx.Err()
		}
	case <-b.closing.Done():
		if !p.abandon() {
			return ErrClosed
		}
	}
	if len(p.dead) > 0 {
		return &GivenUp{p.dead}
	}
	return nil
}

func (p *publication) expect(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.left += n
}

// finish counts a task that came to its end, and notes if it was given up.
func (p *publication) finish(dead ...Dead) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dead = append(p.dead, dead...)
	if p.left--; p.left == 0 {
		close(p.done)
	}
}

// abandon says that nobody waits any more, unless all is done.
func (p *publication) abandon() (done bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.abandoned = p.left > 0
	return !p.abandoned
}

func (p *publication) isAbandoned() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.abandoned
}

func (c *local) add(tasks []*task) {
	if len(tasks) == 0 {
		return
	}
	c.mu.Lock()
	c.tasks = append(c.tasks, tasks...)
	c.mu.Unlock()
	c.wake()
}

func (c *local) wake() {
	select {
	case c.arrived <- struct{}{}:
	default:
	}
}

// take returns what came.
func (c *local) take() []*task {
	c.mu.Lock()
	defer c.mu.Unlock()
	tasks := c.tasks
	c.tasks = nil
	return tasks
}

// giveBack puts what was not done before what came since.
func (c *local) giveBack(tasks []*task) {
	c.mu.Lock()
	c.tasks = append(slices.DeleteFunc(tasks, func(t *task) bool { return t.done || t.publication.isAbandoned() }), c.tasks...)
	c.mu.Unlock()
	c.wake()
}

func (c *local) begin() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.consuming {
		return errConsuming
	}
	c.consuming = true
	return nil
}

func (c *local) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.consuming = false
}

// Consume implements Bus.
func (b *memory) Consume(ctx context.Context, consumer string, apply Apply) error {
	i := slices.IndexFunc(b.consumers, func(c *local) bool { return c.Name == consumer })
	if i < 0 {
		return unknown(consumer)
	}
	c := b.consumers[i]
	b.mu.Lock()
	if b.closing.Err() != nil {
		b.mu.Unlock()
		return ErrClosed
	}
	b.wg.Add(1)
	b.mu.Unlock()
	defer b.wg.Done()
	if err := c.begin(); err != nil {
		return err
	}
	defer c.end()
	running, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(b.closing, cancel)()
	b.consume(running, c, apply)
	if ctx.Err() == nil {
		return ErrClosed
	}
	return nil
}

// consume works until ctx ends.
func (b *memory) consume(ctx context.Context, c *local, apply Apply) {
	var inHand []*task
	defer func() { c.giveBack(inHand) }()
	w := &worker{
		Consumer: c.Consumer, log: b.log.With("consumer", c.Name), metrics: c.metrics, apply: apply,
		bury: func(_ context.Context, t *task, cause error) error {
			t.done = true
			t.publication.finish(Dead{Message: t.Message, Consumer: c.Name, Reason: cause.Error()})
			return nil
		},
		applied: func(t *task) { t.done = true; t.publication.finish() },
		more: func() ([]*task, error) {
			more := c.take()
			inHand = append(inHand, more...)
			return more, nil
		},
		gone: func(t *task) bool { return t.publication.isAbandoned() },
	}
	for {
		select {
		case <-c.arrived:
			inHand = c.take()
			if w.settle(ctx, slices.Clone(inHand)) != nil {
				return
			}
			w.metrics.idle()
			w.rest(ctx)
		case <-ctx.Done():
			return
		}
	}
}

// Ping implements Bus.
func (b *memory) Ping(context.Context) error {
	if b.closing.Err() != nil {
		return ErrClosed
	}
	return nil
}

// Close implements Bus.
func (b *memory) Close() error {
	b.mu.Lock()
	b.close()
	b.mu.Unlock()
	b.wg.Wait()
	return nil
}
