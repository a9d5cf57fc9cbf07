package outboxtest

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"tiktok/pkg/outbox"
	"tiktok/pkg/queue"
)

// System is what the suite tests.
type System struct {
	// Process returns the bus of one more process of the same system, with Consumers. In one process it is always the same. It is
	// closed at the end of the test.
	Process func(t *testing.T) outbox.Bus
	// Waits tells that Publish waits for the consumers, and tells of what they give up.
	Waits bool
	// Dead is how many dead letters a consumer has in the broker. Nil when Waits.
	Dead func(t *testing.T, consumer string) int
}

// Run checks a bus. Each sub-test gets a system of its own.
func Run(t *testing.T, open func(t *testing.T) System) {
	for _, tt := range []struct {
		name string
		fn   func(t *testing.T, s System)
	}{
		{"content and order, to each consumer what it wants", testContent},
		{"many publishers", testMany},
		{"a topic that nobody wants", testNobody},
		{"a consumer that starts late", testLate},
		{"a consumer that goes on later", testAgain},
		{"poison goes to the dead letters, others keep their order", testPoison},
		{"a panic is poison", testPanic},
		{"trouble passes, and order stays", testTrouble},
		{"one message that fails for long does not stop the others", testStubborn},
		{"trouble of one consumer repeats nothing for another", testOneInTrouble},
		{"an ended context", testEnded},
		{"the end of consume finishes what is applied", testFinishes},
		{"close during work", testClose},
		{"unknown consumers, and a second one in a process", testUnknown},
	} {
		t.Run(tt.name, func(t *testing.T) { tt.fn(t, open(t)) })
	}
}

// inOne publishes in the background, for a bus that waits.
func inOne(t *testing.T, bus outbox.Bus, messages []outbox.Message) (result func() error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	done := make(chan error, 1)
	go func() {
		defer cancel()
		done <- publish(ctx, bus, messages)
	}()
	return func() error { return <-done }
}

func testContent(t *testing.T, sys System) {
	from, to := sys.Process(t), sys.Process(t)
	s1, s2 := newState(nil), newState(nil)
	consume(t, to, first, s1)
	consume(t, to, second, s2)
	want := sequence(topicA, 1, 1, 10)
	want = append(want, sequence(topicB, 1, 11, 700)...)
	want = append(want, sequence(topicA, 1, 711, 10)...)
	if err := publish(t.Context(), from, want); err != nil {
		t.Fatal(err)
	}
	s1.has(t, 1, 720)
	s2.has(t, 1, 710)
	s1.complete(t, 1, 1, 720)
	s2.complete(t, 1, 11, 710)
	s1.inOrder(t)
	s2.inOrder(t)
	if n := len(s2.order); n != 700 {
		t.Errorf("%d came, want 700", n)
	}
	if s1.largest > outbox.MaxBatch {
		t.Errorf("%d at once", s1.largest)
	}
}

func testMany(t *testing.T, sys System) {
	to := sys.Process(t)
	s := newState(nil)
	consume(t, to, first, s)
	consume(t, to, second, newState(nil))
	results := make([]func() error, 8)
	for i := range results {
		results[i] = inOne(t, sys.Process(t), sequence(topicB, i, 1, 200))
	}
	for i, result := range results {
		if err := result(); err != nil {
			t.Error(err)
		}
		s.has(t, i, 200)
		s.complete(t, i, 1, 200)
	}
}

func testNobody(t *testing.T, sys System) {
	bus := sys.Process(t)
	if err := publish(t.Context(), bus, sequence(topicNobody, 1, 1, 10)); err != nil {
		t.Error(err)
	}
	if err := publish(t.Context(), bus, nil); err != nil {
		t.Error(err)
	}
}

func testLate(t *testing.T, sys System) {
	result := inOne(t, sys.Process(t), sequence(topicB, 1, 1, 5))
	to := sys.Process(t)
	s1 := newState(nil)
	consume(t, to, first, s1)
	s1.has(t, 1, 5)
	if !sys.Waits {
		if err := result(); err != nil { // it is durable without
			t.Fatal(err)
		}
	}
	s2 := newState(nil)
	consume(t, to, second, s2)
	s2.has(t, 1, 5)
	if sys.Waits {
		if err := result(); err != nil {
			t.Fatal(err)
		}
	}
	if s1.complete(t, 1, 1, 5)+s2.complete(t, 1, 1, 5) > 0 {
		t.Error("some came twice")
	}
}

func testAgain(t *testing.T, sys System) {
	from, to := sys.Process(t), sys.Process(t)
	consume(t, to, second, newState(nil))
	s := newState(nil)
	stop := consume(t, to, first, s)
	for round := range 5 {
		result := inOne(t, from, sequence(topicB, 1, 1+20*round, 20))
		s.has(t, 1, 20*(round+1))
		if err := errors.Join(result(), stop()); err != nil {
			t.Fatal(err)
		}
		stop = consume(t, to, first, s)
	}
	s.complete(t, 1, 1, 100)
}

func testPoison(t *testing.T, sys System) {
	from, to := sys.Process(t), sys.Process(t)
	bad := func(m outbox.Message) bool { return m.Seq%100 == 7 }
	s1 := newState(func(_ context.Context, messages []outbox.Message) error {
		if slices.ContainsFunc(messages, bad) {
			return errors.Join(errors.New("cannot be"), outbox.ErrPoison)
		}
		return nil
	})
	s2 := newState(nil)
	consume(t, to, first, s1)
	consume(t, to, second, s2)
	err := publish(t.Context(), from, sequence(topicB, 1, 1, 500))
	s1.has(t, 1, 500)
	s2.has(t, 1, 500)
	s1.inOrder(t)
	s2.inOrder(t)
	if n := len(s1.order); n != 495 {
		t.Errorf("%d were applied, want 495", n)
	}
	s2.complete(t, 1, 1, 500)
	if !sys.Waits {
		if err != nil {
			t.Error(err)
		}
		eventually(t, "dead letters", func() bool { return sys.Dead(t, first) == 5 })
		if n := sys.Dead(t, second); n != 0 {
			t.Errorf("%d dead letters of who gave up nothing", n)
		}
		return
	}
	var given *outbox.GivenUp
	if !errors.As(err, &given) || len(given.Dead) != 5 {
		t.Fatalf("%v, want 5 given up", err)
	}
	for i, d := range given.Dead {
		if d.Consumer != first || d.Seq != int64(100*i+7) || d.Reason == "" || len(d.Body) == 0 {
			t.Errorf("given up: %+v", d)
		}
	}
}

func testPanic(t *testing.T, sys System) {
	from, to := sys.Process(t), sys.Process(t)
	s := newState(func(_ context.Context, messages []outbox.Message) error {
		if messages[0].Seq == 1 {
			panic("boom") //nolint:forbidigo // what is tested
		}
		return nil
	})
	consume(t, to, first, s)
	result := inOne(t, from, sequence(topicA, 1, 1, 2))
	s.has(t, 1, 2)
	var given *outbox.GivenUp
	if err := result(); sys.Waits != errors.As(err, &given) {
		t.Error(err)
	}
}

func testTrouble(t *testing.T, sys System) {
	from, to := sys.Process(t), sys.Process(t)
	var failures atomic.Int64
	s := newState(func(context.Context, []outbox.Message) error {
		if failures.Add(1) <= 7 { // long enough for it to try messages alone
			return errors.New("the store is away")
		}
		return nil
	})
	consume(t, to, first, s)
	result := inOne(t, from, sequence(topicA, 1, 1, 300))
	s.has(t, 1, 300)
	if err := result(); err != nil {
		t.Error(err)
	}
	s.inOrder(t)
	if s.complete(t, 1, 1, 300) > 0 {
		t.Error("some came twice")
	}
}

func testStubborn(t *testing.T, sys System) {
	from, to := sys.Process(t), sys.Process(t)
	s := newState(func(_ context.Context, messages []outbox.Message) error {
		if slices.ContainsFunc(messages, func(m outbox.Message) bool { return m.Seq == 20 }) {
			return errors.New("who knows why")
		}
		return nil
	})
	consume(t, to, first, s)
	result := inOne(t, from, sequence(topicA, 1, 1, 40))
	s.has(t, 1, 40)
	var given *outbox.GivenUp
	if err := result(); sys.Waits != errors.As(err, &given) {
		t.Error(err)
	}
	if !sys.Waits {
		eventually(t, "dead letters", func() bool { return sys.Dead(t, first) == 1 })
	}
	s.inOrder(t)
	if n := len(s.order); n != 39 {
		t.Errorf("%d were applied, want 39", n)
	}
}

func testOneInTrouble(t *testing.T, sys System) {
	from, to := sys.Process(t), sys.Process(t)
	var away atomic.Bool
	away.Store(true)
	s1 := newState(func(context.Context, []outbox.Message) error {
		if away.Load() {
			return errors.New("the store is away")
		}
		return nil
	})
	s2 := newState(nil)
	consume(t, to, first, s1)
	consume(t, to, second, s2)
	result := inOne(t, from, sequence(topicB, 1, 1, 50))
	s2.has(t, 1, 50)
	s1.until(t, "attempts", func() bool { return s1.calls >= 6 })
	away.Store(false)
	s1.has(t, 1, 50)
	if err := result(); err != nil {
		t.Error(err)
	}
	if s1.complete(t, 1, 1, 50)+s2.complete(t, 1, 1, 50) > 0 {
		t.Error("some came twice")
	}
}

func testEnded(t *testing.T, sys System) {
	bus := sys.Process(t)
	eventually(t, "ping", func() bool { return bus.Ping(t.Context()) == nil })
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := bus.Consume(ctx, first, func(context.Context, []outbox.Message) error { return nil }); err != nil {
		t.Errorf("Consume: %v", err)
	}
	// Nobody consumes: in one process it waits, and gives up with its context.
	ctx, cancel = context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	err := bus.Publish(ctx, sequence(topicA, 1, 1, 1))
	if sys.Waits != errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Publish: %v", err)
	}
}

func testFinishes(t *testing.T, sys System) {
	from, to := sys.Process(t), sys.Process(t)
	began, finish := make(chan struct{}), make(chan struct{})
	s := newState(func(ctx context.Context, _ []outbox.Message) error {
		close(began)
		<-finish
		return ctx.Err()
	})
	stop := consume(t, to, first, s)
	result := inOne(t, from, sequence(topicA, 1, 1, 1))
	<-began
	stopped := make(chan error, 1)
	go func() { stopped <- stop() }()
	select {
	case err := <-stopped:
		t.Fatalf("Consume returned before apply: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	close(finish)
	if err := errors.Join(<-stopped, result()); err != nil {
		t.Error(err)
	}
	s.has(t, 1, 1)
}

func testClose(t *testing.T, sys System) {
	bus := sys.Process(t)
	eventually(t, "ping", func() bool { return bus.Ping(t.Context()) == nil })
	s := newState(nil)
	consumed, published := make(chan error, 1), make(chan error, 1)
	go func() { consumed <- bus.Consume(context.Background(), first, s.apply) }()
	go func() {
		for i := 1; ; i++ {
			if err := bus.Publish(context.Background(), sequence(topicA, 1, i, 1)); err != nil {
				published <- err
				return
			}
		}
	}()
	s.until(t, "work", func() bool { return len(s.order) > 10 })
	if err := bus.Close(); err != nil {
		t.Error(err)
	}
	if err := <-consumed; !errors.Is(err, outbox.ErrClosed) {
		t.Errorf("Consume: %v, want ErrClosed", err)
	}
	if err := <-published; !errors.Is(err, outbox.ErrClosed) && !errors.Is(err, queue.ErrUnavailable) {
		t.Errorf("Publish: %v, want ErrClosed", err)
	}
	for what, err := range map[string]error{
		"Publish": bus.Publish(t.Context(), sequence(topicA, 1, 1, 1)),
		"Consume": bus.Consume(t.Context(), first, s.apply),
		"Ping":    bus.Ping(t.Context()),
	} {
		if !errors.Is(err, outbox.ErrClosed) {
			t.Errorf("%s after Close: %v, want ErrClosed", what, err)
		}
	}
	if err := bus.Close(); err != nil {
		t.Error(err)
	}
}

func testUnknown(t *testing.T, sys System) {
	bus := sys.Process(t)
	nothing := func(context.Context, []outbox.Message) error { return nil }
	if err := bus.Consume(t.Context(), "third", nothing); err == nil {
		t.Error("a consumer that nobody knows can consume")
	}
	s := newState(nil)
	consume(t, bus, first, s)
	result := inOne(t, bus, sequence(topicA, 1, 1, 1))
	s.has(t, 1, 1)
	if err := result(); err != nil {
		t.Error(err)
	}
	if err := bus.Consume(t.Context(), first, nothing); err == nil {
		t.Error("two consume in the same name and process")
	}
}
