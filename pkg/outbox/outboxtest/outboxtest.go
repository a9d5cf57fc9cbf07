// Package outboxtest is the conformance suite that every outbox.Bus must pass, alone and behind relays, and what tests of producers and
// consumers need.
package outboxtest

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"testing"
	"time"

	"gorm.io/gorm"

	"tiktok/pkg/outbox"
	"tiktok/pkg/queue"
	"tiktok/pkg/sqldb"
)

//go:embed migrations
var migrations embed.FS

// Migrations make a schema that has the tables of an outbox alone. Those of the services are the same.
func Migrations() fs.FS { return migrations }

// patience bounds every wait of the suite.
const patience = 60 * time.Second

// Topics of the suite.
const (
	topicA = "suite.a"
	topicB = "suite.b"
	// topicNobody has no consumer.
	topicNobody = "suite.nobody"
)

// Consumers of the suite.
const (
	first  = "first"  // of both topics
	second = "second" // of topicB
)

// Consumers are those that a bus of the suite has. They do not rest.
func Consumers() []outbox.Consumer {
	return []outbox.Consumer{
		{Name: first, Topics: []string{topicA, topicB}, Rest: -1},
		{Name: second, Topics: []string{topicB}, Rest: -1},
	}
}

// change is the body of the suite's messages: a subject has a new value, one more than before.
type change struct {
	Subject int
	Value   int
}

func message(topic string, subject, value int) outbox.Message {
	body, err := json.Marshal(change{subject, value})
	if err != nil {
		body = nil // the message then is bad, and the test fails
	}
	return outbox.Message{Topic: topic, AtMs: time.Now().UnixMilli(), Body: body}
}

// sequence are n messages with Seq from, from+1, …, the values of one subject.
func sequence(topic string, subject, from, n int) []outbox.Message {
	messages := make([]outbox.Message, n)
	for i := range messages {
		messages[i] = message(topic, subject, from+i)
		messages[i].Seq = int64(from + i)
	}
	return messages
}

// state is what a consumer knows: the newest value of each subject, as consumers of the product keep it. It is safe for concurrent use.
type state struct {
	mu      sync.Mutex
	changed chan struct{}
	values  map[int]int
	newest  map[int]int64 // Seq
	times   map[int]map[int]int
	order   []int // values, of all subjects, as they came
	stale   int   // repetitions and what was overtaken
	running int
	overlap bool
	largest int
	calls   int
	// before, when set, runs before messages are applied; its error fails them.
	before func(ctx context.Context, messages []outbox.Message) error
}

func newState(before func(ctx context.Context, messages []outbox.Message) error) *state {
	return &state{
		changed: make(chan struct{}), values: map[int]int{}, newest: map[int]int64{}, times: map[int]map[int]int{}, before: before,
	}
}

func (s *state) apply(ctx context.Context, messages []outbox.Message) error {
	s.mu.Lock()
	s.running++
	s.calls++
	s.overlap = s.overlap || s.running > 1 || len(messages) == 0
	s.largest = max(s.largest, len(messages))
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.running--
		close(s.changed)
		s.changed = make(chan struct{})
	}()
	if s.before != nil {
		if err := s.before(ctx, messages); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range messages {
		var c change
		if err := json.Unmarshal(m.Body, &c); err != nil {
			return fmt.Errorf("%w: %w", outbox.ErrPoison, err)
		}
		if s.times[c.Subject] == nil {
			s.times[c.Subject] = map[int]int{}
		}
		s.times[c.Subject][c.Value]++
		s.order = append(s.order, c.Value)
		if m.Seq <= s.newest[c.Subject] {
			s.stale++
			continue
		}
		s.newest[c.Subject], s.values[c.Subject] = m.Seq, c.Value
	}
	return nil
}

// until waits until cond, which is called with the lock held, is true.
func (s *state) until(t *testing.T, what string, cond func() bool) {
	t.Helper()
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	for {
		s.mu.Lock()
		ok, changed := cond(), s.changed
		s.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-changed:
		case <-timeout.C:
			s.mu.Lock()
			defer s.mu.Unlock()
			t.Fatalf("%s: waited %v in vain; %d calls, values %v", what, patience, s.calls, s.values)
		}
	}
}

// has waits until a subject has a value.
func (s *state) has(t *testing.T, subject, value int) {
	t.Helper()
	s.until(t, fmt.Sprintf("value %d of subject %d", value, subject), func() bool { return s.values[subject] == value })
}

// complete checks that a subject had each of the values from..to at least once, and returns how many came more than once.
func (s *state) complete(t *testing.T, subject, from, to int) (repeated int) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for v := from; v <= to; v++ {
		switch n := s.times[subject][v]; {
		case n == 0:
			t.Errorf("value %d of subject %d was lost", v, subject)
		case n > 1:
			repeated++
		}
	}
	if s.overlap {
		t.Error("apply overlapped itself or got nothing")
	}
	return repeated
}

// inOrder checks that the values came in ascending order.
func (s *state) inOrder(t *testing.T) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := 1; i < len(s.order); i++ {
		if s.order[i] <= s.order[i-1] {
			t.Errorf("%d came after %d", s.order[i], s.order[i-1])
			return
		}
	}
}

// inBackground runs fn until the test ends, or until stop, which returns its error.
func inBackground(t *testing.T, fn func(ctx context.Context) error) (stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- fn(ctx) }()
	var once sync.Once
	var err error
	stop = func() error {
		once.Do(func() {
			cancel()
			select {
			case err = <-done:
			case <-time.After(patience):
				err = errors.New("it does not return after the end of its context")
			}
		})
		return err
	}
	t.Cleanup(func() { _ = stop() })
	return stop
}

// consume applies a consumer's messages in the background.
func consume(t *testing.T, bus outbox.Bus, consumer string, s *state) (stop func() error) {
	t.Helper()
	return inBackground(t, func(ctx context.Context) error { return bus.Consume(ctx, consumer, s.apply) })
}

// publish publishes, as often as it takes until the bus is connected.
func publish(ctx context.Context, bus outbox.Bus, messages []outbox.Message) error {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		err := bus.Publish(ctx, messages)
		if !errors.Is(err, queue.ErrUnavailable) {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return errors.Join(err, ctx.Err())
		}
	}
}

// eventually waits for a condition.
func eventually(t testing.TB, what string, cond func() bool) {
	t.Helper()
	deadline := time.Now().Add(patience)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !cond() {
		if time.Now().After(deadline) {
			t.Fatalf("%s: waited %v in vain", what, patience)
		}
		<-tick.C
	}
}

// Waiting is how many messages are in the outbox of a schema.
func Waiting(t testing.TB, db *sqldb.DB) (n int64) {
	t.Helper()
	if err := db.Read.WithContext(t.Context()).Raw("SELECT COUNT(*) FROM outbox").Scan(&n).Error; err != nil {
		t.Fatal(err)
	}
	return n
}

// Add commits messages.
func Add(t testing.TB, db *sqldb.DB, messages ...outbox.Message) {
	t.Helper()
	if err := db.Tx(t.Context(), func(tx *gorm.DB) error { return outbox.Add(tx, messages...) }); err != nil {
		t.Fatal(err)
	}
}
