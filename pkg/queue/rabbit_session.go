package queue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

const (
	// window is how many parcels may be unconfirmed. Few, so that parcels fill up; more than one, so that the broker
	// always has something to do.
	window = 4
	// answerBacklog is how many answers to other publishers may wait.
	answerBacklog = 1024
	// measureEvery is how often the broker is asked for the depth of its queues.
	measureEvery = 5 * time.Second
)

// session is one connection of a publisher, from connect to loss.
type session struct {
	p       *publisher
	link    *link
	ch      *amqp.Channel // parcels, with confirms
	side    *amqp.Channel // answers, both ways
	replyTo string        // the queue of the answers to this publisher
	inbox   <-chan amqp.Delivery

	confirms chan amqp.Confirmation
	returns  chan amqp.Return
	blocked  chan amqp.Blocking
	chDown   chan *amqp.Error
	sideDown chan *amqp.Error

	slots   chan struct{} // one token for each unconfirmed parcel
	answers chan outgoing
	dead    chan struct{} // closed when the session is over
	failed  chan error    // why it must end

	// Guarded by publisher.mu.
	lastTag     uint64
	unconfirmed map[uint64]*parcel // by delivery tag, which is also the parcel's id
	unanswered  map[uint64]*parcel
	settled     chan struct{} // when not nil, closed when nothing is unconfirmed
	full        bool          // the broker reads nothing from this connection: it is out of memory or disk
	resumed     time.Time     // when that ended
	held        int           // letters that are confirmed and not answered
	order       []*parcel     // the unanswered and some of the answered, oldest first
}

// parcel is some letters in one message of the broker.
type parcel struct {
	id       uint64
	letters  []*letter
	sent     time.Time
	ask      bool
	answered bool
	returned bool
	held     int // its part of session.held
	// patient: its publisher, the consumer of this process, does not give up while the connection holds.
	patient bool
}

// outgoing is an answer to another publisher.
type outgoing struct {
	to   string
	body []byte
}

func newSession(ctx context.Context, p *publisher) (*session, error) {
	l, err := dial(ctx, p.cfg, p.name+" publish")
	if err != nil {
		return nil, err
	}
	s := &session{
		p: p, link: l,
		slots:       make(chan struct{}, window),
		answers:     make(chan outgoing, answerBacklog),
		dead:        make(chan struct{}),
		failed:      make(chan error, 4),
		unconfirmed: make(map[uint64]*parcel),
		unanswered:  make(map[uint64]*parcel),
	}
	// A broker that accepts connections and then hangs must not hold the set-up.
	cut := time.AfterFunc(dialTimeout, func() { _ = l.raw.Close() })
	defer cut.Stop()
	stop := context.AfterFunc(ctx, func() { _ = l.raw.Close() })
	defer stop()
	if err := s.setUp(); err != nil {
		l.close()
		return nil, fmt.Errorf("set up RabbitMQ: %w", err)
	}
	return s, nil
}

func (s *session) setUp() (err error) {
	if s.ch, err = s.link.conn.Channel(); err != nil {
		return err
	}
	if err := declare(s.ch, s.p.name, s.p.cfg.Type, s.p.maxLength); err != nil {
		return err
	}
	if err := s.ch.Confirm(false); err != nil {
		return err
	}
	if s.side, err = s.link.conn.Channel(); err != nil {
		return err
	}
	replies, err := s.side.QueueDeclare("", false, true, true, false, nil)
	if err != nil {
		return err
	}
	s.replyTo = replies.Name
	if s.inbox, err = s.side.Consume(replies.Name, "", true, true, false, false, nil); err != nil {
		return err
	}
	// Without buffer: the library hands over one after the other, so a return is seen before its confirm.
	s.confirms = s.ch.NotifyPublish(make(chan amqp.Confirmation))
	s.returns = s.ch.NotifyReturn(make(chan amqp.Return))
	s.blocked = s.link.conn.NotifyBlocked(make(chan amqp.Blocking, 1))
	s.chDown = s.ch.NotifyClose(make(chan *amqp.Error, 1))
	s.sideDown = s.side.NotifyClose(make(chan *amqp.Error, 1))
	return nil
}

// run works until the connection is lost or ctx ends, and returns why.
func (s *session) run(ctx context.Context) error {
	var wg sync.WaitGroup
	wg.Go(s.send)
	wg.Go(s.confirm)
	wg.Go(s.receive)
	wg.Go(s.sendAnswers)
	if s.p.metrics.depth != nil {
		wg.Go(s.measure)
	}
	err := s.supervise(ctx)
	close(s.dead)
	s.link.close()
	wg.Wait()
	return err
}

func (s *session) supervise(ctx context.Context) error {
	every := 100 * time.Millisecond
	if s.p.cfg.AppliedWait > 0 {
		every = min(every, max(5*time.Millisecond, s.p.cfg.AppliedWait/10))
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return errEnding
		case err := <-s.failed:
			return err
		case err := <-s.link.down:
			return lostBy(err)
		case err := <-s.chDown:
			return lostBy(err)
		case err := <-s.sideDown:
			return lostBy(err)
		case b, ok := <-s.blocked:
			if !ok {
				return lostBy(nil)
			}
			s.setFull(b.Active)
		case now := <-tick.C:
			if err := s.check(now); err != nil {
				return err
			}
		}
	}
}

func lostBy(err *amqp.Error) error {
	if err == nil {
		return errors.New("connection lost")
	}
	return fmt.Errorf("connection lost: %w", err)
}

func (s *session) fail(err error) {
	select {
	case s.failed <- err:
	default:
	}
}

// send packs and sends parcels. It is the only goroutine that publishes on ch.
func (s *session) send() {
	for {
		select {
		case s.slots <- struct{}{}:
		case <-s.dead:
			return
		}
		pc, letters := s.next()
		if pc == nil {
			return
		}
		if err := s.publish(pc, letters); err != nil {
			s.fail(fmt.Errorf("publish: %w", err))
			return
		}
	}
}

// next waits for letters and makes a parcel of them; nil means that the session is over. The letters are also returned by
// themselves: the parcel loses them when nobody waits for it any more.
func (s *session) next() (*parcel, []*letter) {
	for {
		now := time.Now()
		s.p.mu.Lock()
		letters, wait := s.p.pack(now)
		if len(letters) > 0 {
			s.lastTag++
			pc := &parcel{id: s.lastTag, letters: letters, sent: now, ask: letters[0].ask, patient: letters[0].alone()}
			s.unconfirmed[pc.id] = pc
			if pc.ask {
				s.unanswered[pc.id] = pc
				s.order = append(s.order, pc)
			}
			s.p.mu.Unlock()
			return pc, letters
		}
		s.p.mu.Unlock()
		if !s.sleep(wait) {
			return nil, nil
		}
	}
}

// sleep waits until something may be sent.
func (s *session) sleep(wait time.Duration) bool {
	if wait <= 0 {
		select {
		case <-s.p.wake:
			return true
		case <-s.dead:
			return false
		}
	}
	t := time.NewTimer(wait)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-s.dead:
		return false
	}
}

func (s *session) publish(pc *parcel, letters []*letter) error {
	events := make([][]byte, len(letters))
	for i, l := range letters {
		events[i] = l.body
	}
	first := letters[0]
	born := first.born
	if born.IsZero() {
		born = pc.sent
	}
	msg := amqp.Publishing{
		DeliveryMode: amqp.Persistent,
		ContentType:  "application/json",
		Timestamp:    born,
		MessageId:    strconv.FormatUint(pc.id, 10),
		Body:         join(events),
	}
	if pc.ask {
		msg.ReplyTo = s.replyTo
	}
	if first.alone() {
		msg.Headers = amqp.Table{headerStrikes: int32(first.strikes), headerReason: short(first.reason)}
	}
	msg.Headers = setTraces(msg.Headers, letters)
	// The context of a publisher cannot stop a write half-way, and this parcel has many publishers.
	return s.ch.PublishWithContext(context.Background(), "", first.key, true, false, msg)
}

// confirm takes the broker's confirms.
func (s *session) confirm() {
	returns := s.returns
	for {
		select {
		case r, ok := <-returns:
			if !ok {
				returns = nil
				continue
			}
			if id, err := strconv.ParseUint(r.MessageId, 10, 64); err == nil {
				s.p.mu.Lock()
				if pc := s.unconfirmed[id]; pc != nil {
					pc.returned = true
				}
				s.p.mu.Unlock()
			}
		case c, ok := <-s.confirms:
			if !ok {
				return
			}
			s.confirmed(c)
		}
	}
}

func (s *session) confirmed(c amqp.Confirmation) {
	s.p.mu.Lock()
	defer s.p.mu.Unlock()
	pc := s.unconfirmed[c.DeliveryTag]
	if pc == nil {
		return
	}
	delete(s.unconfirmed, c.DeliveryTag)
	<-s.slots
	if s.settled != nil && len(s.unconfirmed) == 0 {
		close(s.settled)
		s.settled = nil
	}
	defer func() { _ = s.judge(time.Now()) }() // a connection is given up by check alone
	switch {
	case pc.returned:
		s.forget(pc)
		for _, l := range pc.letters {
			l.finish(false, unavailable(errUnroutable))
		}
		s.fail(errUnroutable) // the next session declares the queue again
	case !c.Ack:
		s.forget(pc)
		if s.p.ended {
			for _, l := range pc.letters {
				l.finish(false, ErrClosed)
			}
			return
		}
		s.p.putBack(pc.letters)
	default:
		for _, l := range pc.letters {
			l.state = letterSafe
		}
		switch {
		case !pc.ask || s.p.storm:
			s.accept(pc)
		case !pc.answered:
			pc.held = len(pc.letters)
			s.held += pc.held
			if s.held > s.p.cfg.Capacity {
				s.startStorm()
			}
		}
	}
}

// forget stops waiting for the answer to pc.
func (s *session) forget(pc *parcel) {
	delete(s.unanswered, pc.id)
	pc.answered = true
	s.release(pc)
}

func (s *session) release(pc *parcel) {
	s.held -= pc.held
	pc.held = 0
}

// accept ends the wait for the answer: it is safe, and will be applied.
func (s *session) accept(pc *parcel) {
	s.release(pc)
	for _, l := range pc.letters {
		l.finish(false, nil)
	}
	pc.letters = nil
}

// receive takes the consumers' answers.
func (s *session) receive() {
	for d := range s.inbox {
		var a answer
		if err := json.Unmarshal(d.Body, &a); err != nil {
			s.p.log.Warn("cannot read an answer", "err", err)
			continue
		}
		now := time.Now()
		s.p.mu.Lock()
		for _, one := range a.Applied {
			if pc := s.unanswered[one.ID]; pc != nil {
				s.answered(pc, one.Except, now)
			}
		}
		s.p.mu.Unlock()
	}
}

func (s *session) answered(pc *parcel, except []int, now time.Time) {
	s.forget(pc)
	if s.p.storm && now.Sub(pc.sent) < s.p.cfg.AppliedWait/4 {
		s.p.storm = false
	}
	for _, i := range except {
		if i >= 0 && i < len(pc.letters) {
			pc.letters[i].finish(false, nil)
		}
	}
	// It is committed: it does not matter that the broker's confirm may still be under way.
	for _, l := range pc.letters {
		l.finish(true, nil)
	}
	pc.letters = nil
}

// check looks for what takes too long.
func (s *session) check(now time.Time) error {
	s.p.mu.Lock()
	defer s.p.mu.Unlock()
	if err := s.judge(now); err != nil {
		return err
	}
	n := 0
	for n < len(s.order) && s.order[n].answered {
		n++
	}
	for len(s.order)-n > maxUnanswered {
		pc := s.order[n]
		s.forget(pc)
		if s.unconfirmed[pc.id] == nil {
			s.accept(pc)
		}
		n++
	}
	clear(s.order[:n])
	s.order = s.order[n:]
	if s.p.storm || len(s.order) == 0 || now.Sub(s.order[0].sent) < s.p.cfg.AppliedWait {
		return nil
	}
	s.startStorm()
	return nil
}

// startStorm ends everybody's wait for answers. Called with publisher.mu held.
func (s *session) startStorm() {
	s.p.storm = true
	for _, pc := range s.order {
		if !pc.answered && s.unconfirmed[pc.id] == nil {
			s.accept(pc)
		}
	}
}

// judge stalls the publisher, or ends its stall, by the age of the oldest confirm that is owed. The error means that the
// connection must be given up. Called with publisher.mu held.
func (s *session) judge(now time.Time) error {
	if s.full || s.p.session != s {
		return nil
	}
	var oldest time.Duration
	for _, pc := range s.unconfirmed {
		since := pc.sent
		if since.Before(s.resumed) {
			since = s.resumed
		}
		oldest = max(oldest, now.Sub(since))
	}
	switch {
	case oldest > confirmTimeout:
		return errNoConfirm
	case oldest <= confirmPatience:
		s.p.resume()
	case s.p.stalled == nil:
		s.p.stall(errNoConfirm)
	}
	return nil
}

// setFull notes that the broker stopped or started reading from this connection. The connection is kept: a new one
// would be stopped by its first message.
func (s *session) setFull(full bool) {
	s.p.mu.Lock()
	defer s.p.mu.Unlock()
	s.full = full
	if full {
		s.p.stall(errBlocked)
		return
	}
	s.resumed = time.Now()
	_ = s.judge(s.resumed) // nothing is overdue now
}

// giveUp ends the wait for confirms. Called with publisher.mu held.
func (s *session) giveUp(reason error) {
	for _, pc := range s.unconfirmed {
		if pc.patient {
			continue
		}
		s.forget(pc)
		for _, l := range pc.letters {
			l.finish(false, reason)
		}
		pc.letters = nil
	}
}

// drop ends everybody's wait when the session is over. Called with publisher.mu held.
func (s *session) drop(reason error) {
	for _, pc := range s.unconfirmed {
		for _, l := range pc.letters {
			l.finish(false, reason)
		}
	}
	for _, pc := range s.unanswered {
		s.accept(pc)
	}
}

// settle waits until everything that was sent is confirmed, at most for d. Nothing may be waiting to be sent.
func (s *session) settle(d time.Duration) {
	s.p.mu.Lock()
	if len(s.unconfirmed) == 0 {
		s.p.mu.Unlock()
		return
	}
	settled := make(chan struct{})
	s.settled = settled
	s.p.mu.Unlock()
	timeout := time.NewTimer(d)
	defer timeout.Stop()
	select {
	case <-settled:
	case <-s.dead:
	case <-timeout.C:
	}
}

// sendAnswers sends the answers to other publishers. It is the only goroutine that publishes on side.
func (s *session) sendAnswers() {
	for {
		select {
		case <-s.dead:
			return
		case a := <-s.answers:
			// Transient, not confirmed: a lost answer only costs waiting. A publisher that is gone has no queue any
			// more, and the broker drops the answer.
			err := s.side.PublishWithContext(context.Background(), "", a.to, false, false, amqp.Publishing{
				DeliveryMode: amqp.Transient, ContentType: "application/json", Body: a.body,
			})
			if err != nil {
				s.fail(fmt.Errorf("answer: %w", err))
				return
			}
		}
	}
}

// measure keeps the gauges of the broker's queues, on a channel of its own: one question at a time, and none while the
// answer to the last one is owed.
func (s *session) measure() {
	depth, dead := s.p.metrics.depth, s.p.metrics.deadLetters
	defer dead.clear()
	defer depth.clear()
	ch, err := s.link.conn.Channel()
	if err != nil {
		return // the connection is gone, or going
	}
	tick := time.NewTicker(measureEvery)
	defer tick.Stop()
	for {
		for name, g := range map[string]*gauge{s.p.name: depth, s.p.name + deadSuffix: dead} {
			q, err := ch.QueueDeclarePassive(name, true, false, false, false, nil)
			if err != nil {
				s.fail(fmt.Errorf("ask for the depth of %s: %w", name, err)) // the next session declares it again
				return
			}
			g.set(q.Messages)
		}
		select {
		case <-tick.C:
		case <-s.dead:
			return
		}
	}
}
