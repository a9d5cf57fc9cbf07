// Package queuetest is the conformance suite that every queue.Queue must pass, and Chaos, the queue that writers are
// tested with.
package queuetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"tiktok/pkg/queue"
)

// MaxBatch must be the Config.MaxBatch of the queues that Run gets.
const MaxBatch = 16

// patience bounds every wait of the suite.
const patience = 60 * time.Second

// Msg is what the suite sends.
type Msg struct {
	ID   int64
	Text string
}

// Run checks the queue that open returns. Each sub-test needs an empty queue with MaxBatch: MaxBatch.
func Run(t *testing.T, open func(t *testing.T) queue.Queue[Msg]) {
	for _, tt := range []struct {
		name string
		fn   func(t *testing.T, q queue.Queue[Msg])
	}{
		{"content", testContent},
		{"all is applied, applied means committed, one batch at a time", testConcurrent},
		{"publish before consume", testPublishFirst},
		{"poison does not harm others", testPoison},
		{"panic is poison", testPanic},
		{"trouble of the store passes", testTrouble},
		{"an ended context publishes nothing", testEndedContext},
		{"end of consume finishes the batch", testEndOfConsume},
		{"a second consumer goes on", testConsumeAgain},
		{"close ends everything", testClose},
		{"nothing works after close", testClosed},
		{"ping", testPing},
	} {
		t.Run(tt.name, func(t *testing.T) {
			q := open(t)
			t.Cleanup(func() { _ = q.Close() })
			tt.fn(t, q)
		})
	}
}

// recorder is an apply function that counts what it has committed. It is safe for concurrent use.
type recorder struct {
	mu      sync.Mutex
	changed chan struct{}
	count   map[int64]int
	msgs    map[int64]Msg
	largest int
	calls   int
	running int
	overlap bool
	empty   bool
	// before, when set, runs before a batch is committed; its error fails the batch.
	before func(ctx context.Context, batch []Msg) error
}

func newrecorder(before func(ctx context.Context, batch []Msg) error) *recorder {
	return &recorder{changed: make(chan struct{}), count: make(map[int64]int), msgs: make(map[int64]Msg), before: before}
}

func (r *recorder) apply(ctx context.Context, batch []Msg) error {
	r.mu.Lock()
	r.running++
	r.calls++
	r.overlap = r.overlap || r.running > 1
	r.empty = r.empty || len(batch) == 0
	r.largest = max(r.largest, len(batch))
	r.mu.Unlock()
	defer func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.running--
		close(r.changed)
		r.changed = make(chan struct{})
	}()
	if r.before != nil {
		if err := r.before(ctx, batch); err != nil {
			return err
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, m := range batch {
		r.count[m.ID]++
		r.msgs[m.ID] = m
	}
	return nil
}

func (r *recorder) has(id int64) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.count[id] > 0
}

// until waits until cond, which is called with the lock held, is true.
func (r *recorder) until(t *testing.T, what string, cond func() bool) {
	t.Helper()
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	for {
		r.mu.Lock()
		ok, changed := cond(), r.changed
		r.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-changed:
		case <-timeout.C:
			t.Fatalf("%s: waited %v in vain", what, patience)
		}
	}
}

// consume runs q.Consume in the background. stop ends it and returns its error.
func consume(t *testing.T, q queue.Queue[Msg], r *recorder) (stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- q.Consume(ctx, r.apply) }()
	var once sync.Once
	var err error
	stop = func() error {
		once.Do(func() {
			cancel()
			select {
			case err = <-done:
			case <-time.After(patience):
				err = errors.New("Consume does not return after the end of its context")
			}
		})
		return err
	}
	t.Cleanup(func() { _ = stop() })
	return stop
}

func publish(t *testing.T, q queue.Queue[Msg], m Msg) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if _, err := publishReady(ctx, q, m); err != nil {
		t.Fatalf("Publish %d: %v", m.ID, err)
	}
}

// publishReady publishes; a queue that has just been opened may still be connecting.
func publishReady(ctx context.Context, q queue.Queue[Msg], m Msg) (bool, error) {
	for {
		applied, err := q.Publish(ctx, m)
		if err == nil || !errors.Is(err, queue.ErrUnavailable) || ctx.Err() != nil {
			return applied, err
		}
		if err := awaitPing(ctx, q); err != nil {
			return false, err
		}
	}
}

func awaitPing(ctx context.Context, q queue.Queue[Msg]) error {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		err := q.Ping(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return err
		}
	}
}

func ready(t *testing.T, q queue.Queue[Msg]) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := awaitPing(ctx, q); err != nil {
		t.Fatalf("Ping: %v", err)
	}
}

func testContent(t *testing.T, q queue.Queue[Msg]) {
	r := newrecorder(nil)
	consume(t, q, r)
	for _, m := range []Msg{
		{ID: 1, Text: "点赞 👍 \"quoted\" <b>\n\t"}, {ID: 1<<53 - 1}, {ID: -7}, {ID: 1 << 62, Text: string(make([]byte, 20_000))},
	} {
		publish(t, q, m)
		r.until(t, "content", func() bool { return r.count[m.ID] > 0 })
		if got := r.msgs[m.ID]; got != m {
			t.Errorf("got %+v, want %+v", got, m)
		}
	}
}

func testConcurrent(t *testing.T, q queue.Queue[Msg]) {
	const writers, each = 40, 25
	r := newrecorder(nil)
	consume(t, q, r)
	ready(t, q)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var wg sync.WaitGroup
	errs := make(chan error, writers*each)
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				id := int64(w*each + i)
				applied, err := publishReady(ctx, q, Msg{ID: id})
				switch {
				case err != nil:
					errs <- fmt.Errorf("publish %d: %w", id, err)
				case applied && !r.has(id):
					errs <- fmt.Errorf("%d was reported as applied before it was", id)
				}
			}
		})
	}
	wg.Wait()
	close(errs)
	for err := range errs {
		t.Error(err)
	}
	r.until(t, "all messages", func() bool { return len(r.count) == writers*each })
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.overlap {
		t.Error("two batches were applied at once")
	}
	if r.empty {
		t.Error("an empty batch was applied")
	}
	if r.largest > MaxBatch {
		t.Errorf("a batch had %d messages, the limit is %d", r.largest, MaxBatch)
	}
	t.Logf("%d messages in %d batches, largest %d", writers*each, r.calls, r.largest)
}

func testPublishFirst(t *testing.T, q queue.Queue[Msg]) {
	r := newrecorder(nil)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	type result struct {
		applied bool
		err     error
	}
	results := make(chan result, 3)
	for id := range int64(3) {
		go func() {
			applied, err := publishReady(ctx, q, Msg{ID: id})
			results <- result{applied, err}
		}()
	}
	consume(t, q, r)
	for range 3 {
		if res := <-results; res.err != nil {
			t.Fatalf("Publish before Consume: %v", res.err)
		}
	}
	r.until(t, "messages from before", func() bool { return len(r.count) == 3 })
}

// isPoison marks the ids that the tests' apply refuses.
func isPoison(id int64) bool { return id < 0 }

func testPoison(t *testing.T, q queue.Queue[Msg]) {
	r := newrecorder(func(_ context.Context, batch []Msg) error {
		for _, m := range batch {
			if isPoison(m.ID) {
				return fmt.Errorf("message %d: %w", m.ID, queue.ErrPoison)
			}
		}
		return nil
	})
	poisonAmongGood(t, q, r)
}

func testPanic(t *testing.T, q queue.Queue[Msg]) {
	r := newrecorder(func(_ context.Context, batch []Msg) error {
		for _, m := range batch {
			if isPoison(m.ID) {
				panic(fmt.Sprintf("message %d", m.ID)) //nolint:forbidigo // what this test is about
			}
		}
		return nil
	})
	poisonAmongGood(t, q, r)
}

func poisonAmongGood(t *testing.T, q queue.Queue[Msg], r *recorder) {
	t.Helper()
	const good, bad = 60, 3
	consume(t, q, r)
	ready(t, q)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var wg sync.WaitGroup
	errs := make(chan error, good+bad)
	for i := range int64(good) {
		wg.Go(func() {
			if _, err := publishReady(ctx, q, Msg{ID: i + 1}); err != nil {
				errs <- fmt.Errorf("publish %d: %w", i+1, err)
			}
		})
	}
	for i := range int64(bad) {
		wg.Go(func() {
			// A driver may know at once, or accept the message and give it up later.
			if applied, _ := publishReady(ctx, q, Msg{ID: -i - 1}); applied {
				errs <- fmt.Errorf("poison %d was reported as applied", -i-1)
			}
		})
	}
	wg.Wait()
	close(errs)
	for err := range errs {
		t.Error(err)
	}
	r.until(t, "good messages beside poison", func() bool { return len(r.count) == good })
	// And it goes on.
	publish(t, q, Msg{ID: 1000})
	r.until(t, "a message after poison", func() bool { return r.count[1000] > 0 })
}

func testTrouble(t *testing.T, q queue.Queue[Msg]) {
	const n = 50
	var mu sync.Mutex
	failures := 6
	r := newrecorder(func(context.Context, []Msg) error {
		mu.Lock()
		defer mu.Unlock()
		if failures > 0 {
			failures--
			return errors.New("store is away")
		}
		return nil
	})
	consume(t, q, r)
	ready(t, q)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var wg sync.WaitGroup
	errs := make(chan error, n)
	for i := range int64(n) {
		wg.Go(func() {
			for {
				applied, err := q.Publish(ctx, Msg{ID: i})
				if ctx.Err() != nil {
					errs <- fmt.Errorf("publish %d: %w", i, err)
					return
				}
				if applied && !r.has(i) {
					errs <- fmt.Errorf("%d was reported as applied and is not", i)
				}
				if err == nil {
					return
				}
			}
		})
	}
	wg.Wait()
	close(errs)
	for err := range errs {
		t.Error(err)
	}
	r.until(t, "what was acknowledged in trouble", func() bool { return len(r.count) == n })
}

func testEndedContext(t *testing.T, q queue.Queue[Msg]) {
	r := newrecorder(nil)
	consume(t, q, r)
	ready(t, q)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if applied, err := q.Publish(ctx, Msg{ID: 1}); err == nil || applied {
		t.Fatalf("Publish with an ended context: %v, %v", applied, err)
	}
	publish(t, q, Msg{ID: 2})
	r.until(t, "a later message", func() bool { return r.count[2] > 0 })
	if r.has(1) {
		t.Error("a message published with an ended context was applied")
	}
}

func testEndOfConsume(t *testing.T, q queue.Queue[Msg]) {
	entered, release := make(chan struct{}), make(chan struct{})
	var once sync.Once
	ctxErr := make(chan error, 1)
	r := newrecorder(func(ctx context.Context, _ []Msg) error {
		once.Do(func() {
			close(entered)
			<-release
			ctxErr <- ctx.Err()
		})
		return nil
	})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- q.Consume(ctx, r.apply) }()
	ready(t, q)
	published := make(chan error, 1)
	go func() {
		_, err := q.Publish(t.Context(), Msg{ID: 1})
		published <- err
	}()
	<-entered
	cancel()
	close(release)
	if err := <-done; err != nil {
		t.Errorf("Consume: %v, want nil after the end of its context", err)
	}
	if err := <-ctxErr; err != nil {
		t.Errorf("the context of apply ended with Consume's: %v", err)
	}
	if err := <-published; err != nil {
		t.Errorf("Publish: %v", err)
	}
	if !r.has(1) {
		t.Error("the batch under way was not finished")
	}
}

func testConsumeAgain(t *testing.T, q queue.Queue[Msg]) {
	r := newrecorder(nil)
	stop := consume(t, q, r)
	publish(t, q, Msg{ID: 1})
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	published := make(chan error, 1)
	go func() {
		_, err := q.Publish(t.Context(), Msg{ID: 2})
		published <- err
	}()
	consume(t, q, r)
	if err := <-published; err != nil {
		t.Fatalf("Publish between two consumers: %v", err)
	}
	r.until(t, "both messages", func() bool { return r.count[1] > 0 && r.count[2] > 0 })
}

func testClose(t *testing.T, q queue.Queue[Msg]) {
	entered, release := make(chan struct{}), make(chan struct{})
	var once sync.Once
	r := newrecorder(func(context.Context, []Msg) error {
		once.Do(func() {
			close(entered)
			<-release
		})
		return nil
	})
	done := make(chan error, 1)
	go func() { done <- q.Consume(context.Background(), r.apply) }()
	ready(t, q)
	const n = 20
	type result struct {
		id      int64
		applied bool
		err     error
	}
	results := make(chan result, n)
	for id := range int64(n) {
		go func() {
			applied, err := q.Publish(context.Background(), Msg{ID: id})
			results <- result{id, applied, err}
		}()
	}
	<-entered
	closed := make(chan error, 1)
	go func() { closed <- q.Close() }()
	close(release)
	if err := <-closed; err != nil {
		t.Fatalf("Close: %v", err)
	}
	if err := <-done; !errors.Is(err, queue.ErrClosed) {
		t.Errorf("Consume of a closed queue: %v, want ErrClosed", err)
	}
	for range n {
		res := <-results
		if res.applied && !r.has(res.id) {
			t.Errorf("%d was reported as applied and is not", res.id)
		}
		if errors.Is(res.err, queue.ErrClosed) && r.has(res.id) {
			t.Errorf("%d was refused and is applied", res.id)
		}
	}
}

func testClosed(t *testing.T, q queue.Queue[Msg]) {
	for range 2 {
		if err := q.Close(); err != nil {
			t.Fatalf("Close: %v", err)
		}
	}
	if applied, err := q.Publish(t.Context(), Msg{ID: 1}); !errors.Is(err, queue.ErrClosed) || applied {
		t.Errorf("Publish: %v, %v, want ErrClosed", applied, err)
	}
	if err := q.Consume(t.Context(), func(context.Context, []Msg) error { return nil }); !errors.Is(err, queue.ErrClosed) {
		t.Errorf("Consume: %v, want ErrClosed", err)
	}
	if err := q.Ping(t.Context()); !errors.Is(err, queue.ErrClosed) {
		t.Errorf("Ping: %v, want ErrClosed", err)
	}
}

func testPing(t *testing.T, q queue.Queue[Msg]) { ready(t, q) }
