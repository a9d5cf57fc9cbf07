package queue

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"tiktok/pkg/tracing"
)

const (
	// confirmPatience: when the broker owes a confirm for so long, nobody waits for it any more. Callers then have time
	// to apply their events directly. It is no reason to give up the connection: a busy broker may only be slow.
	confirmPatience = 1500 * time.Millisecond
	// confirmTimeout: a broker that owes a confirm for so long is given up, and with it the connection.
	confirmTimeout = 5 * time.Second
	// refusedPause is how long nothing is sent after the broker refused a parcel because the queue is full.
	refusedPause = 100 * time.Millisecond
	// maxUnanswered bounds the parcels whose answer is awaited, over all storms.
	maxUnanswered = 8192
)

var (
	errConsuming    = errors.New("queue: has a consumer in this process already")
	errNotConnected = errors.New("not connected yet")
	errBlocked      = errors.New("broker is out of memory or disk")
	errUnroutable   = errors.New("the queue is gone")
	errEnding       = errors.New("closed before the broker confirmed")
	errNoConfirm    = errors.New("broker does not confirm in time")
)

// publisher sends letters. It holds one connection, which it renews for ever. Letters wait in a bounded list; one
// goroutine, the only one that writes to the connection, packs what waits into parcels. At most a few parcels are
// unconfirmed at a time: while the broker stores these, the next ones fill up, so parcels grow with the load.
//
// After the broker's confirm a letter is safe. Then its publisher waits for the consumer's answer that it is applied,
// which in calm weather takes milliseconds. Once an answer has taken longer than AppliedWait, or more than Capacity letters
// wait for theirs, there is a storm: nobody waits for answers until they come within a quarter of it again.
//
// A broker that hangs, or says that it is out of memory or disk, stalls the publisher: the wait of everybody ends and new
// letters are refused at once. What was sent stays sent, and is the probe: the confirms that are owed, or the broker's
// word that it has room again, end the stall. So the letters of a stalled broker may be applied twice, never not at all.
type publisher struct {
	cfg       Config
	name      string
	log       *slog.Logger
	metrics   metrics
	maxLength int32 // of the queue in the broker, in parcels

	room    chan struct{} // one token for each letter that waits
	wake    chan struct{} // tells the packer that something waits
	stop    chan struct{} // closed by close
	stopped chan struct{} // closed when run has returned

	mu      sync.Mutex
	ended   bool
	waiting []*letter
	paused  time.Time     // until when nothing is sent
	session *session      // nil while not connected
	lastErr error         // why there is no session
	stalled error         // not nil: why nothing is accepted although there is a session
	away    chan struct{} // closed as soon as there is no session or it is stalled
	storm   bool
}

// letter is one event on its way. All but body, key, and what follows them is guarded by publisher.mu.
type letter struct {
	body []byte
	// key is the queue it goes to.
	key string
	// ask means that the consumer shall answer.
	ask bool
	// strikes and reason are of an event that had trouble; such a letter travels alone.
	strikes int
	reason  string
	// born is when it was first published; zero means now.
	born time.Time
	// trace is the span that published it.
	trace tracing.Ref

	out      chan outcome // gets one outcome
	state    letterState
	hasRoom  bool
	finished bool
}

type outcome struct {
	applied bool
	err     error
}

type letterState int

const (
	letterWaiting letterState = iota
	letterSent
	letterSafe // confirmed
	letterWithdrawn
)

func (l *letter) alone() bool { return l.reason != "" }

func (l *letter) finish(applied bool, err error) {
	if !l.finished {
		l.finished = true
		l.out <- outcome{applied, err}
	}
}

func newPublisher(cfg Config, name string, log *slog.Logger, m metrics, maxLength int32) *publisher {
	return &publisher{
		cfg: cfg, name: name, log: log, metrics: m, maxLength: maxLength,
		room:    make(chan struct{}, cfg.Capacity),
		wake:    make(chan struct{}, 1),
		stop:    make(chan struct{}),
		stopped: make(chan struct{}),
		lastErr: errNotConnected,
	}
}

func unavailable(cause error) error { return fmt.Errorf("%w: %w", ErrUnavailable, cause) }

// publish sends l and waits for the outcome.
func (p *publisher) publish(ctx context.Context, l *letter) (bool, error) {
	l.out = make(chan outcome, 1)
	p.mu.Lock()
	err, away := p.refusal(), p.away
	p.mu.Unlock()
	if err != nil {
		return false, err
	}
	select {
	case p.room <- struct{}{}:
	case <-ctx.Done():
		return false, busy(ctx.Err())
	case <-away:
		return false, p.whyAway()
	case <-p.stop:
		return false, ErrClosed
	}
	p.mu.Lock()
	if err := p.refusal(); err != nil {
		p.mu.Unlock()
		<-p.room
		return false, err
	}
	l.hasRoom = true
	p.waiting = append(p.waiting, l)
	p.mu.Unlock()
	p.metrics.waiting.Inc()
	p.ring()

	select {
	case o := <-l.out:
		return o.applied, o.err
	case <-ctx.Done():
		return p.giveUp(ctx, l)
	}
}

// refusal is why no letter is taken now. Call it with mu held.
func (p *publisher) refusal() error {
	switch {
	case p.ended:
		return ErrClosed
	case p.session == nil:
		return unavailable(p.lastErr)
	case p.stalled != nil:
		return unavailable(p.stalled)
	}
	return nil
}

// whyAway is the error of those who waited for room when the broker went away; it may be back by now.
func (p *publisher) whyAway() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.refusal(); err != nil {
		return err
	}
	return unavailable(errNotConnected)
}

// stall ends everybody's wait for a broker that is connected and does not take letters. Call it with mu held and a
// session.
func (p *publisher) stall(reason error) {
	if p.stalled == nil {
		close(p.away)
	}
	p.stalled = reason
	p.session.giveUp(unavailable(reason))
	p.refuseWaiting(unavailable(reason))
}

// resume ends a stall. Call it with mu held.
func (p *publisher) resume() {
	if p.stalled != nil {
		p.stalled = nil
		p.away = make(chan struct{})
	}
}

// refuseWaiting ends the wait of all letters that were not sent. Call it with mu held.
func (p *publisher) refuseWaiting(reason error) {
	for _, l := range p.waiting {
		p.releaseRoom(l)
		l.finish(false, reason)
	}
	p.waiting = nil
}

// giveUp ends the wait for l because ctx has ended.
func (p *publisher) giveUp(ctx context.Context, l *letter) (bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if l.finished {
		o := <-l.out
		return o.applied, o.err
	}
	switch l.state {
	case letterWaiting:
		l.state = letterWithdrawn
		return false, busy(ctx.Err())
	case letterSafe:
		return false, nil
	default:
		return false, ctx.Err()
	}
}

func (p *publisher) ring() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// pack takes the letters of the next parcel; none means that nothing can be sent now, and wait, if not 0, that something
// can be sent then. Call it with mu held.
func (p *publisher) pack(now time.Time) (letters []*letter, wait time.Duration) {
	if wait := p.paused.Sub(now); wait > 0 {
		return nil, wait
	}
	taken := 0
	for _, l := range p.waiting {
		if l.state == letterWaiting {
			if len(letters) == p.cfg.MaxBatch || len(letters) > 0 && (l.alone() || letters[0].alone()) {
				break
			}
			l.state = letterSent
			letters = append(letters, l)
		}
		p.releaseRoom(l)
		taken++
	}
	clear(p.waiting[:taken]) // let go of the letters
	p.waiting = p.waiting[taken:]
	if len(p.waiting) == 0 {
		p.waiting = nil
	} else {
		p.ring()
	}
	return letters, 0
}

func (p *publisher) releaseRoom(l *letter) {
	if l.hasRoom {
		l.hasRoom = false
		<-p.room
		p.metrics.waiting.Dec()
	}
}

// putBack makes refused letters the next ones again.
func (p *publisher) putBack(letters []*letter) {
	again := make([]*letter, 0, len(letters)+len(p.waiting))
	for _, l := range letters {
		if !l.finished {
			l.state = letterWaiting
			again = append(again, l)
		}
	}
	p.waiting = append(again, p.waiting...)
	p.paused = time.Now().Add(refusedPause)
	p.ring()
}

// run keeps a session until close.
func (p *publisher) run(ctx context.Context) {
	defer close(p.stopped)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-p.stop:
			cancel()
		case <-ctx.Done():
		}
	}()
	defer p.disconnected(errEnding)
	failures := 0
	for ctx.Err() == nil {
		s, err := newSession(ctx, p)
		if err == nil {
			p.connected(s)
			p.log.Info("connected to RabbitMQ")
			began := time.Now()
			err = s.run(ctx)
			p.disconnected(err)
			if time.Since(began) > steady {
				failures = 0
			}
		} else {
			p.mu.Lock()
			p.lastErr = err
			p.mu.Unlock()
		}
		if ctx.Err() != nil {
			return
		}
		failures++
		if failures == 1 || failures%16 == 0 {
			p.log.Warn("no connection to RabbitMQ, trying again", "failures", failures, "err", err)
		}
		pause(ctx, backoff(failures))
	}
}

func (p *publisher) connected(s *session) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.session, p.away, p.stalled, p.storm, p.paused = s, make(chan struct{}), nil, false, time.Time{}
}

// disconnected ends the session and the wait of everybody: what was confirmed is safe, of what was not the fate is
// unknown, and the rest was not sent.
func (p *publisher) disconnected(reason error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lastErr = reason
	if s := p.session; s != nil {
		if p.stalled == nil {
			close(p.away)
		}
		p.session, p.stalled = nil, nil
		s.drop(unavailable(reason))
	}
	if p.ended {
		p.refuseWaiting(ErrClosed)
	} else {
		p.refuseWaiting(unavailable(reason))
	}
}

// answer hands the consumer's answer for another publisher to the connection. It is dropped when there is none or when
// too many wait: the answer only spares a publisher some waiting.
func (p *publisher) answer(to string, body []byte) {
	p.mu.Lock()
	s := p.session
	p.mu.Unlock()
	if s == nil {
		return
	}
	select {
	case s.answers <- outgoing{to: to, body: body}:
	default:
	}
}

func (p *publisher) ping() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.refusal()
}

// end refuses new letters and those that have not been sent.
func (p *publisher) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended = true
	p.refuseWaiting(ErrClosed)
}

// close waits, not for long, for the confirms of what was sent, and disconnects.
func (p *publisher) close() {
	p.mu.Lock()
	s := p.session
	p.mu.Unlock()
	if s != nil {
		s.settle(closeTimeout)
	}
	close(p.stop)
	<-p.stopped
}
