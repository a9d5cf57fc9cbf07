package outboxtest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gorm.io/gorm"

	"tiktok/pkg/outbox"
	"tiktok/pkg/queue"
	"tiktok/pkg/sqldb"
	"tiktok/pkg/telemetry"
)

// RelaySystem is a service with an outbox in front of a System.
type RelaySystem struct {
	System
	// DB opens the service's schema once more, as each process does.
	DB func(t *testing.T) *sqldb.DB
}

// RunRelay checks relays between a schema and a bus. Each sub-test gets a system of its own.
func RunRelay(t *testing.T, open func(t *testing.T) RelaySystem) {
	for _, tt := range []struct {
		name string
		fn   func(t *testing.T, s RelaySystem)
	}{
		{"what is committed arrives, what is rolled back does not", testCommitted},
		{"a backlog arrives in order, and leaves the outbox", testBacklog},
		{"killed between commit and send", testKilledBeforeSend},
		{"killed between send and delete", testKilledBeforeDelete},
		{"of two relays one leads, and the other takes over after a kill", testTakeOver},
		{"a stop gives the lease back", testGivesBack},
		{"a lease from before the clock was set back", testFutureLease},
		{"writers and relays that are killed again and again", testChaos},
		{"dead letters", testDead},
		{"what the bus refuses does not stop the rest", testRefused},
		{"woken, it is quick", testQuick},
	} {
		t.Run(tt.name, func(t *testing.T) { tt.fn(t, open(t)) })
	}
}

// process is a process with a relay. Killed, it stops in the middle of what it does: its database and its bus are gone.
type process struct {
	outbox.Bus
	db      *sqldb.DB
	relay   *outbox.Relay
	killed  atomic.Bool
	before  func() error // when set, of each Publish
	after   func() error // likewise, when it succeeded
	sent    atomic.Int64 // messages
	refuses int64        // Seq
	stopped func() error
}

var errKilled = errors.New("killed")

// Publish implements outbox.Bus.
func (p *process) Publish(ctx context.Context, messages []outbox.Message) error {
	if p.before != nil {
		if err := p.before(); err != nil {
			return err
		}
	}
	if p.killed.Load() {
		return errKilled
	}
	if p.refuses != 0 && slices.ContainsFunc(messages, func(m outbox.Message) bool { return m.Seq == p.refuses }) {
		return fmt.Errorf("%w: message %d", queue.ErrRefused, p.refuses)
	}
	err := p.Bus.Publish(ctx, messages)
	if err != nil {
		return err
	}
	p.sent.Add(int64(len(messages)))
	if p.after != nil {
		return p.after()
	}
	return nil
}

// kill makes all that the process still does fail.
func (p *process) kill() error {
	p.killed.Store(true)
	if err := p.db.Close(); err != nil {
		return err
	}
	return errKilled
}

// start starts a process. prepare may set its hooks.
func (s RelaySystem) start(t *testing.T, prepare func(p *process)) *process {
	t.Helper()
	p := &process{Bus: s.Process(t), db: s.DB(t)}
	if prepare != nil {
		prepare(p)
	}
	p.relay = outbox.NewRelay(p.db, p, "suite", telemetry.Discard())
	p.stopped = inBackground(t, p.relay.Run)
	return p
}

// consumers starts both, and returns the first one's state.
func (s RelaySystem) consumers(t *testing.T) *state {
	t.Helper()
	bus := s.Process(t)
	first1 := newState(nil)
	consume(t, bus, first, first1)
	consume(t, bus, second, newState(nil))
	return first1
}

func emptied(t *testing.T, db *sqldb.DB) {
	t.Helper()
	eventually(t, "an empty outbox", func() bool { return Waiting(t, db) == 0 })
}

func testCommitted(t *testing.T, sys RelaySystem) {
	s := sys.consumers(t)
	p := sys.start(t, nil)
	db := sys.DB(t)
	Add(t, db, message(topicA, 1, 1))
	err := db.Tx(t.Context(), func(tx *gorm.DB) error {
		if err := outbox.Add(tx, message(topicA, 1, 2)); err != nil {
			return err
		}
		return errors.New("no")
	})
	if err == nil {
		t.Fatal("it was committed")
	}
	Add(t, db, message(topicA, 1, 3), message(topicNobody, 1, 4), message(topicB, 1, 5))
	Add(t, db)
	p.relay.Wake()
	s.has(t, 1, 5)
	if len(s.order) != 3 {
		t.Errorf("%v came", s.order)
	}
	emptied(t, db)
	for what, bad := range map[string]outbox.Message{
		"too large":      {Topic: topicA, Body: make([]byte, outbox.MaxBody+1)},
		"without topic":  {Body: []byte("[]")},
		"with long name": {Topic: fmt.Sprintf("%065d", 1), Body: []byte("[]")},
	} {
		if err := db.Tx(t.Context(), func(tx *gorm.DB) error { return outbox.Add(tx, bad) }); err == nil {
			t.Errorf("a message %s was taken", what)
		}
	}
}

func testBacklog(t *testing.T, sys RelaySystem) {
	const n = 3000
	db := sys.DB(t)
	for i := 0; i < n; i += 250 {
		Add(t, db, sequenceNew(i+1, 250)...)
	}
	s := sys.consumers(t)
	sys.start(t, nil)
	s.has(t, 1, n)
	s.inOrder(t)
	if s.complete(t, 1, 1, n) > 0 {
		t.Error("some came twice")
	}
	emptied(t, db)
}

// sequenceNew are messages of subject 1 without Seq.
func sequenceNew(from, n int) []outbox.Message {
	messages := sequence(topicB, 1, from, n)
	for i := range messages {
		messages[i].Seq = 0
	}
	return messages
}

func testKilledBeforeSend(t *testing.T, sys RelaySystem) {
	s := sys.consumers(t)
	p := sys.start(t, func(p *process) { p.before = p.kill })
	Add(t, sys.DB(t), sequenceNew(1, 10)...)
	p.relay.Wake()
	eventually(t, "the kill", p.killed.Load)
	next := sys.start(t, nil)
	s.has(t, 1, 10)
	if s.complete(t, 1, 1, 10) > 0 {
		t.Error("some came twice")
	}
	emptied(t, next.db)
}

func testKilledBeforeDelete(t *testing.T, sys RelaySystem) {
	s := sys.consumers(t)
	p := sys.start(t, func(p *process) { p.after = p.kill })
	Add(t, sys.DB(t), sequenceNew(1, 10)...)
	p.relay.Wake()
	eventually(t, "the kill", p.killed.Load)
	s.has(t, 1, 10)
	next := sys.start(t, nil)
	emptied(t, next.db)
	s.until(t, "the repetition", func() bool { return s.stale == 10 })
	s.has(t, 1, 10)
	if n := s.complete(t, 1, 1, 10); n != 10 {
		t.Errorf("%d came twice, want all", n)
	}
}

func testTakeOver(t *testing.T, sys RelaySystem) {
	s := sys.consumers(t)
	db := sys.DB(t)
	processes := []*process{sys.start(t, nil), sys.start(t, nil)}
	value := 0
	send := func(wake *process) {
		value++
		Add(t, db, message(topicB, 1, value))
		wake.relay.Wake()
		s.has(t, 1, value)
	}
	for range 20 {
		send(processes[value%2]) // whoever writes: the leader finds it
	}
	emptied(t, db) // else the last one may come twice
	a, b := processes[0].sent.Load(), processes[1].sent.Load()
	if a+b != 20 || a != 0 && b != 0 {
		t.Errorf("they sent %d and %d, want one all", a, b)
	}
	leader, other := processes[0], processes[1]
	if b > 0 {
		leader, other = other, leader
	}
	_ = leader.kill()
	began := time.Now()
	send(other)
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("taking over took %v", took)
	}
	if s.complete(t, 1, 1, value) > 0 {
		t.Error("some came twice")
	}
}

func testGivesBack(t *testing.T, sys RelaySystem) {
	s := sys.consumers(t)
	db := sys.DB(t)
	for value := 1; value <= 3; value++ {
		p := sys.start(t, nil)
		Add(t, db, message(topicB, 1, value))
		p.relay.Wake()
		began := time.Now()
		s.has(t, 1, value)
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("the next leader took %v", took)
		}
		emptied(t, db) // else it may come twice
		if err := p.stopped(); err != nil {
			t.Error(err)
		}
	}
	if s.complete(t, 1, 1, 3) > 0 {
		t.Error("some came twice")
	}
}

func testFutureLease(t *testing.T, sys RelaySystem) {
	s := sys.consumers(t)
	db := sys.DB(t)
	until := time.Now().Add(time.Hour).UnixMilli()
	if err := db.Write.Exec("INSERT INTO outbox_lease (id, holder, until_ms) VALUES (1, 'somebody', ?)", until).Error; err != nil {
		t.Fatal(err)
	}
	p := sys.start(t, nil)
	Add(t, db, message(topicB, 1, 1))
	p.relay.Wake()
	s.has(t, 1, 1)
}

func testChaos(t *testing.T, sys RelaySystem) {
	const writers, each = 4, 150
	s := sys.consumers(t)
	var wg sync.WaitGroup
	for subject := range writers {
		db := sys.DB(t)
		wg.Go(func() {
			for v := 1; v <= each; v++ {
				Add(t, db, message(topicB, subject, v))
			}
		})
	}
	for round := range 4 {
		p := sys.start(t, func(p *process) {
			var calls atomic.Int64
			hook := func() error {
				if calls.Add(1) == 3 {
					return p.kill()
				}
				return nil
			}
			if round%2 == 0 {
				p.before = hook
			} else {
				p.after = hook
			}
		})
		eventually(t, "the kill, or all done", func() bool {
			p.relay.Wake()
			return p.killed.Load() || s.sum() == writers*each
		})
	}
	wg.Wait()
	last := sys.start(t, nil)
	for subject := range writers {
		s.has(t, subject, each)
		s.complete(t, subject, 1, each)
	}
	emptied(t, last.db)
}

// sum is the sum of all subjects' values.
func (s *state) sum() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, v := range s.values {
		n += v
	}
	return n
}

func testDead(t *testing.T, sys RelaySystem) {
	db := sys.DB(t)
	var sick atomic.Bool
	sick.Store(true)
	s := newState(func(_ context.Context, messages []outbox.Message) error {
		for _, m := range messages {
			if sick.Load() && m.Seq == 3 {
				return fmt.Errorf("%w: bad", outbox.ErrPoison)
			}
		}
		return nil
	})
	bus := sys.Process(t)
	consume(t, bus, first, s)
	consume(t, bus, second, newState(nil))
	p := sys.start(t, nil)
	Add(t, db, sequenceNew(1, 5)...)
	p.relay.Wake()
	s.has(t, 1, 5)
	emptied(t, db)
	if !sys.Waits {
		eventually(t, "a dead letter", func() bool { return sys.Dead(t, first) == 1 })
		return
	}
	letters := outbox.NewDeadLetters(db, first)
	if n, err := letters.Count(t.Context()); n != 1 || err != nil {
		t.Fatalf("%d dead letters, %v", n, err)
	}
	if n, err := outbox.NewDeadLetters(db, second).Count(t.Context()); n != 0 || err != nil {
		t.Errorf("%d dead letters of who gave up nothing, %v", n, err)
	}
	sick.Store(false)
	n, err := letters.Replay(t.Context(), 0, nil)
	if n != 1 || err != nil {
		t.Fatalf("%d replayed, %v", n, err)
	}
	p.relay.Wake()
	s.until(t, "the replayed one", func() bool { return s.times[1][3] == 1 })
	if s.values[1] != 5 {
		t.Errorf("what is older was taken for newer: %v", s.values)
	}
	emptied(t, db)
	if n, err := letters.Count(t.Context()); n != 0 || err != nil {
		t.Errorf("%d dead letters are left, %v", n, err)
	}
}

func testRefused(t *testing.T, sys RelaySystem) {
	s := sys.consumers(t)
	db := sys.DB(t)
	Add(t, db, sequenceNew(1, 300)...)
	// It stands for one that the broker finds too large: refused whenever it is in what is sent.
	sys.start(t, func(p *process) { p.refuses = 137 })
	s.has(t, 1, 300)
	emptied(t, db)
	s.inOrder(t)
	if len(s.order) != 299 {
		t.Errorf("%d came, want all others", len(s.order))
	}
	letters := outbox.NewDeadLetters(db, outbox.BusItself)
	n, err := letters.List(t.Context(), 0, func(l queue.DeadLetter) error {
		if !strings.Contains(string(l.Events[0]), `"seq":137,`) || l.Reason == "" || l.Since.IsZero() {
			t.Errorf("dead: %s, %+v", l.Events[0], l)
		}
		return nil
	})
	if n != 1 || err != nil {
		t.Errorf("%d dead letters, %v", n, err)
	}
}

func testQuick(t *testing.T, sys RelaySystem) {
	s := sys.consumers(t)
	db := sys.DB(t)
	p := sys.start(t, nil)
	var slowest, total time.Duration
	const n = 50
	for v := 1; v <= n; v++ {
		Add(t, db, message(topicB, 1, v))
		began := time.Now()
		p.relay.Wake()
		s.has(t, 1, v)
		took := time.Since(began)
		total += took
		if v > 1 { // the first takes the lease
			slowest = max(slowest, took)
		}
	}
	t.Logf("from commit to applied: %v on average, %v at most", total/n, slowest)
	if total/n > 500*time.Millisecond {
		t.Errorf("it takes %v on average", total/n)
	}
}
