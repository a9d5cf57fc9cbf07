package outbox

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/cenkalti/backoff/v5"
	"golang.org/x/sync/errgroup"

	"tiktok/pkg/lifecycle"
	"tiktok/pkg/queue"
	"tiktok/pkg/sqldb"
	"tiktok/pkg/telemetry"
)

const (
	// batchBytes bounds the bodies that are read at once, about.
	batchBytes = 4 << 20
	// pollMySQL is how long a message of another process waits at most while the bus is idle. SQLite has no other process: its poll
	// is for what was replayed by hand, and for a commit whose Wake was lost with a panic.
	pollMySQL, pollSQLite = 100 * time.Millisecond, time.Second
	// standbyPoll is how often who does not lead looks whether it should.
	standbyPoll = 500 * time.Millisecond
	// leaseTTL is how long nobody takes over after the leader was killed.
	leaseTTL = 3 * time.Second
	// relayRest is how many times as long as the outbox was read and deleted from the relay then rests, at most maxRelayRest:
	// meanwhile messages gather, and are fewer statements.
	relayRest    = 4
	maxRelayRest = 200 * time.Millisecond
	// patience is how often in a row the bus may fail until another process may try.
	patience = 3
	// stopGrace is how long a stop waits for the bus.
	stopGrace = 300 * time.Millisecond
	// endTimeout bounds the last statement.
	endTimeout = 2 * time.Second
)

// BusItself is the consumer of dead letters that the bus refuses for good. They are in the outbox_dead of their service also with
// RabbitMQ.
const BusItself = "bus"

var errLeaseLost = errors.New("outbox: another process leads")

// Relay hands the messages of one service's outbox to the bus, and deletes them then. Of the relays of several processes one leads, by
// a lease that is taken when there is something to do and kept until it runs out. That a leader who was paused goes on with an old lease
// does no harm: messages are sent twice.
type Relay struct {
	db      *sqldb.DB
	bus     Bus
	log     *slog.Logger
	metrics relayMetrics
	woken   chan struct{}
	poll    time.Duration

	// What follows is Run's own.
	lease lease
	limit int // messages at once: fewer while one is searched that the bus refuses
	// sent are the messages that the bus has, but the outbox has still.
	sent       []int64
	dead       []Dead // of sent
	failing    int    // how often in a row
	busFailing int    // how often of these it was the bus
	retry      *backoff.ExponentialBackOff
}

// NewRelay returns the relay of a service. It starts nothing. A nil bus: messages stay where they are.
func NewRelay(db *sqldb.DB, bus Bus, service string, tel *telemetry.Telemetry) *Relay {
	r := &Relay{
		db: db, bus: bus, log: tel.Log.With("outbox", service), metrics: newRelayMetrics(tel.Registry, service),
		woken: make(chan struct{}, 1), limit: MaxBatch, retry: lifecycle.BackOff(), poll: pollMySQL,
	}
	r.lease = lease{db: db, holder: rand.Text()}
	if db != nil && db.IsSQLite() {
		r.poll = pollSQLite
	}
	return r
}

// Wake says that messages were committed, so that they need not wait for the next look. It never blocks. A nil Relay does nothing.
func (r *Relay) Wake() {
	if r == nil {
		return
	}
	select {
	case r.woken <- struct{}{}:
	default: // it has been woken
	}
}

// Run relays until ctx ends. A nil Relay waits for that.
func (r *Relay) Run(ctx context.Context) error {
	if r == nil || r.bus == nil {
		<-ctx.Done()
		return nil
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { r.measure(ctx); return nil })
	g.Go(func() error { r.run(ctx); return nil })
	return g.Wait()
}

func (r *Relay) run(ctx context.Context) {
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTimeout)
		defer cancel()
		if err := errors.Join(r.remove(ctx), r.lease.giveBack(ctx)); err != nil {
			r.log.Warn("the outbox's lease was not given back", "err", err)
		}
		r.metrics.leader.Set(0)
	}()
	for ctx.Err() == nil {
		wait, wakes := r.pass(ctx)
		r.sleep(ctx, wait, wakes)
	}
}

// pass relays one batch, and returns how long to wait until the next one, and whether Wake ends that.
func (r *Relay) pass(ctx context.Context) (wait time.Duration, wakes bool) {
	n, took, err := r.batch(ctx)
	r.metrics.leader.Set(flag(r.lease.held()))
	switch {
	case err != nil && ctx.Err() != nil:
		return 0, false
	case errors.Is(err, errLeaseLost):
		return standbyPoll, false
	case err != nil:
		return r.failed(ctx, err), false
	}
	if r.failing > 0 {
		r.log.Info("relaying again", "failures", r.failing)
	}
	r.failing, r.busFailing = 0, 0
	r.retry.Reset()
	if n == 0 {
		return r.poll, true
	}
	if n < r.limit {
		r.limit = MaxBatch // what was refused is not there any more
	}
	return min(relayRest*took, maxRelayRest), false
}

// failed is how long to wait after a failure.
func (r *Relay) failed(ctx context.Context, err error) time.Duration {
	if r.failing++; r.failing == 1 || r.failing%32 == 0 {
		r.log.Warn("the outbox waits", "failures", r.failing, "err", err)
	}
	var f busFailure
	if !errors.As(err, &f) {
		return r.retry.NextBackOff()
	}
	if r.busFailing++; r.busFailing%patience == 0 {
		// Perhaps it is only this process that does not reach the broker.
		if err := r.lease.giveBack(ctx); err != nil {
			r.log.Warn("the outbox's lease was not given back", "err", err)
		}
	}
	return r.retry.NextBackOff()
}

// sleep waits.
func (r *Relay) sleep(ctx context.Context, wait time.Duration, wakes bool) {
	if wait <= 0 {
		return
	}
	if !wakes {
		lifecycle.Pause(ctx, wait)
		return
	}
	t := time.NewTimer(wait)
	defer t.Stop()
	select {
	case <-r.woken:
	case <-t.C:
	case <-ctx.Done():
	}
}

// busFailure is an error of Publish.
type busFailure struct{ error }

// Unwrap is the bus's error.
func (f busFailure) Unwrap() error { return f.error }

// batch relays the oldest messages. It returns how many, and how long the database worked for that.
func (r *Relay) batch(ctx context.Context) (n int, took time.Duration, err error) {
	began := time.Now()
	if err := r.remove(ctx); err != nil {
		return 0, 0, err
	}
	messages, err := r.oldest(ctx)
	if err != nil || len(messages) == 0 {
		return 0, 0, err
	}
	took = time.Since(began)
	if err := r.publish(ctx, messages); err != nil {
		return 0, took, err
	}
	began = time.Now()
	r.metrics.published.Add(float64(len(messages)))
	for _, m := range messages {
		r.sent = append(r.sent, m.Seq)
	}
	// What the bus has must go also when ctx has ended meanwhile: else it is sent again by who comes next.
	rctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTimeout)
	defer cancel()
	err = r.remove(rctx)
	return len(messages), took + time.Since(began), err
}

// oldest reads the next batch, once this process leads. It is empty when the outbox is.
func (r *Relay) oldest(ctx context.Context) ([]Message, error) {
	if !r.lease.held() {
		// Who has nothing to do needs no lease, and leaves it to the one that is woken first.
		if any, err := r.any(ctx); err != nil || !any {
			return nil, err
		}
	}
	if err := r.lease.hold(ctx); err != nil {
		return nil, err
	}
	return r.read(ctx)
}

// publish hands messages to the bus, and keeps the lease as long as that takes.
func (r *Relay) publish(ctx context.Context, messages []Message) error {
	running := ctx
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	// What is being handed over at a stop may come to its end, so that it is not sent again by who comes next.
	defer context.AfterFunc(running, func() { time.AfterFunc(stopGrace, func() { cancel(running.Err()) }) })()
	var kept errgroup.Group
	kept.Go(func() error { r.lease.keep(ctx, cancel); return nil })
	err := r.bus.Publish(ctx, messages)
	if lost := context.Cause(ctx); err != nil && errors.Is(lost, errLeaseLost) {
		err = lost
	}
	cancel(nil)
	_ = kept.Wait() // it has no error
	var given *GivenUp
	switch {
	case err == nil:
		return nil
	case errors.As(err, &given):
		r.dead = append(r.dead, given.Dead...)
		return nil
	case errors.Is(err, queue.ErrRefused) && len(messages) > 1:
		r.limit = len(messages) / 2 // until it is alone
		return busFailure{err}
	case errors.Is(err, queue.ErrRefused):
		r.log.Error("the bus refuses a message for good, see the dead letters", "seq", messages[0].Seq, "topic", messages[0].Topic, "err", err)
		r.dead = append(r.dead, Dead{Message: messages[0], Consumer: BusItself, Reason: err.Error()})
		r.limit = MaxBatch
		return nil
	case errors.Is(err, errLeaseLost):
		return err
	}
	return busFailure{fmt.Errorf("publish: %w", err)}
}

func flag(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
