package queue_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"tiktok/pkg/errno"
	"tiktok/pkg/queue"
	"tiktok/pkg/queue/queuetest"
)

// rabbitURL is the broker of the tests.
func rabbitURL(t testing.TB) string {
	t.Helper()
	u := os.Getenv("TIKTOK_TEST_RABBITMQ")
	if u == "" {
		t.Skip("TIKTOK_TEST_RABBITMQ is not set")
	}
	return u
}

// newName is a queue of this test alone, deleted at its end.
func newName(t testing.TB, brokerURL string) string {
	t.Helper()
	name := "test." + strings.ToLower(rand.Text())
	t.Cleanup(func() {
		onChannel(t, brokerURL, func(ch *amqp.Channel) {
			for _, q := range []string{"tiktok." + name, "tiktok." + name + ".dead"} {
				if _, err := ch.QueueDelete(q, false, false, false); err != nil {
					t.Errorf("delete %s: %v", q, err)
				}
			}
		})
	})
	return name
}

func onChannel(t testing.TB, brokerURL string, fn func(ch *amqp.Channel)) {
	t.Helper()
	conn, err := amqp.Dial(brokerURL)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	ch, err := conn.Channel()
	if err != nil {
		t.Fatal(err)
	}
	fn(ch)
}

func openRabbit[T any](t testing.TB, name string, cfg queue.Config) queue.Queue[T] {
	t.Helper()
	cfg.Driver = queue.DriverRabbitMQ
	q, err := queue.Open[T](t.Context(), cfg, name, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = q.Close() })
	return q
}

func awaitReady[T any](t testing.TB, q queue.Queue[T]) {
	t.Helper()
	eventually(t, func() bool { return q.Ping(t.Context()) == nil })
}

func eventually(t testing.TB, cond func() bool) {
	t.Helper()
	deadline := time.Now().Add(60 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !cond() {
		if time.Now().After(deadline) {
			t.Fatal("waited in vain")
		}
		<-tick.C
	}
}

func TestRabbit(t *testing.T) {
	u := rabbitURL(t)
	for _, kind := range []string{queue.TypeQuorum, queue.TypeClassic} {
		t.Run(kind, func(t *testing.T) {
			queuetest.Run(t, func(t *testing.T) queue.Queue[queuetest.Msg] {
				// A batch that holds poison is answered only when the broker has the dead letters.
				return openRabbit[queuetest.Msg](t, newName(t, u), queue.Config{URL: u, Type: kind, MaxBatch: queuetest.MaxBatch})
			})
		})
	}
}

func TestRabbitWithoutAnswers(t *testing.T) {
	u := rabbitURL(t)
	queuetest.Run(t, func(t *testing.T) queue.Queue[queuetest.Msg] {
		return openRabbit[queuetest.Msg](t, newName(t, u), queue.Config{URL: u, MaxBatch: queuetest.MaxBatch, AppliedWait: -1})
	})
}

func TestRabbitBadURL(t *testing.T) {
	for _, u := range []string{"", "http://x", "amqp://user:geheim@host:port:1/%zz"} {
		_, err := queue.Open[int](t.Context(), queue.Config{Driver: queue.DriverRabbitMQ, URL: u}, "x", nil)
		if err == nil || strings.Contains(err.Error(), "geheim") {
			t.Errorf("%s: %v", u, err)
		}
	}
}

func TestRabbitAwayFailsFast(t *testing.T) {
	var lc net.ListenConfig
	ln, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := ln.Addr().String()
	if err := ln.Close(); err != nil {
		t.Fatal(err)
	}
	q := openRabbit[int](t, "away", queue.Config{URL: "amqp://guest:guest@" + addr + "/"})
	began := time.Now()
	if _, err := q.Publish(context.Background(), 1); !errors.Is(err, queue.ErrUnavailable) {
		t.Errorf("Publish: %v, want ErrUnavailable", err)
	}
	if err := q.Ping(t.Context()); !errors.Is(err, queue.ErrUnavailable) {
		t.Errorf("Ping: %v, want ErrUnavailable", err)
	}
	if took := time.Since(began); took > time.Second {
		t.Errorf("took %v", took)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- q.Consume(ctx, func(context.Context, []int) error { return nil }) }()
	cancel()
	if err := <-done; err != nil {
		t.Errorf("Consume: %v", err)
	}
}

// collector runs Consume in the background and collects what is applied.
type collector struct {
	mu   sync.Mutex
	seen map[int]int
	stop func()
}

func collect(t testing.TB, q queue.Queue[int], before func(batch []int) error) *collector {
	t.Helper()
	c := &collector{seen: make(map[int]int)}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() {
		done <- q.Consume(ctx, func(_ context.Context, batch []int) error {
			if before != nil {
				if err := before(batch); err != nil {
					return err
				}
			}
			c.mu.Lock()
			defer c.mu.Unlock()
			for _, m := range batch {
				c.seen[m]++
			}
			return nil
		})
	}()
	var once sync.Once
	c.stop = func() {
		once.Do(func() {
			cancel()
			if err := <-done; err != nil {
				t.Errorf("Consume: %v", err)
			}
		})
	}
	t.Cleanup(c.stop)
	return c
}

func (c *collector) len() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.seen)
}

func (c *collector) has(m int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.seen[m] > 0
}

func TestRabbitSurvivesClose(t *testing.T) {
	u := rabbitURL(t)
	name := newName(t, u)
	q := openRabbit[int](t, name, queue.Config{URL: u, AppliedWait: -1})
	awaitReady(t, q)
	for i := range 100 {
		if _, err := q.Publish(t.Context(), i); err != nil {
			t.Fatal(err)
		}
	}
	if err := q.Close(); err != nil {
		t.Fatal(err)
	}
	c := collect(t, openRabbit[int](t, name, queue.Config{URL: u}), nil)
	eventually(t, func() bool { return c.len() == 100 })
}

// TestRabbitOtherProcess has one process that publishes and another that consumes.
func TestRabbitOtherProcess(t *testing.T) {
	u := rabbitURL(t)
	name := newName(t, u)
	patient := queue.Config{URL: u, AppliedWait: 30 * time.Second}
	front, second := openRabbit[int](t, name, patient), openRabbit[int](t, name, patient)
	back := openRabbit[int](t, name, queue.Config{URL: u})
	awaitReady(t, front)
	awaitReady(t, second)
	awaitReady(t, back)
	c := collect(t, back, nil)
	var wg sync.WaitGroup
	for i := range 200 {
		wg.Go(func() {
			q := front
			if i%2 == 1 {
				q = second
			}
			applied, err := q.Publish(t.Context(), i)
			if err != nil || !applied || !c.has(i) {
				t.Errorf("%d: applied %v, %v, stored %v", i, applied, err, c.has(i))
			}
		})
	}
	wg.Wait()
}

// TestRabbitStorm: when the writer falls behind, publishers stop waiting for it, and start again when it has caught up.
func TestRabbitStorm(t *testing.T) {
	u := rabbitURL(t)
	const wait = 200 * time.Millisecond
	q := openRabbit[int](t, newName(t, u), queue.Config{URL: u, AppliedWait: wait})
	awaitReady(t, q)
	gate := make(chan struct{})
	c := collect(t, q, func([]int) error { <-gate; return nil })
	// The first one waits for AppliedWait in vain.
	if applied, err := q.Publish(t.Context(), 0); applied || err != nil {
		t.Fatalf("got %v, %v", applied, err)
	}
	// The others do not: one after the other they would take 50 × 200 ms.
	began := time.Now()
	for i := range 50 {
		if applied, err := q.Publish(t.Context(), i+1); applied || err != nil {
			t.Fatalf("got %v, %v", applied, err)
		}
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("50 messages in a storm took %v", took)
	}
	close(gate)
	eventually(t, func() bool { return c.len() == 51 })
	n := 100
	eventually(t, func() bool {
		n++
		applied, err := q.Publish(t.Context(), n)
		if err != nil {
			t.Fatal(err)
		}
		return applied
	})
}

// TestRabbitTroubleDoesNotBurnDeliveries: while the store is away events are held, not handed back.
func TestRabbitTroubleDoesNotBurnDeliveries(t *testing.T) {
	u := rabbitURL(t)
	name := newName(t, u)
	q := openRabbit[int](t, name, queue.Config{URL: u, AppliedWait: -1})
	awaitReady(t, q)
	var failures atomic.Int64
	failures.Store(6)
	c := collect(t, q, func([]int) error {
		if failures.Add(-1) >= 0 {
			return errors.New("store is away")
		}
		return nil
	})
	for i := range 20 {
		if _, err := q.Publish(t.Context(), i); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, func() bool { return c.len() == 20 })
	c.stop()
	if err := q.Close(); err != nil {
		t.Fatal(err)
	}
	if dead := deadLetters(t, u, name); len(dead) != 0 {
		t.Errorf("%d dead letters, want none", len(dead))
	}
}

func deadLetters(t *testing.T, u, name string) (bodies []string) {
	t.Helper()
	onChannel(t, u, func(ch *amqp.Channel) {
		for {
			d, ok, err := ch.Get("tiktok."+name+".dead", true)
			if err != nil {
				t.Fatal(err)
			}
			if !ok {
				return
			}
			if d.Headers["x-tiktok-reason"] == "" {
				t.Error("a dead letter without a reason")
			}
			bodies = append(bodies, string(d.Body))
		}
	})
	return bodies
}

func TestRabbitDeadLetters(t *testing.T) {
	for _, kind := range []string{queue.TypeQuorum, queue.TypeClassic} {
		t.Run(kind, func(t *testing.T) { testRabbitDeadLetters(t, kind) })
	}
}

func testRabbitDeadLetters(t *testing.T, kind string) {
	u := rabbitURL(t)
	name := newName(t, u)
	q := openRabbit[int](t, name, queue.Config{URL: u, Type: kind, AppliedWait: 20 * time.Second})
	awaitReady(t, q)
	c := collect(t, q, func(batch []int) error {
		for _, m := range batch {
			switch {
			case m < 0:
				return fmt.Errorf("%d is negative: %w", m, queue.ErrPoison)
			case m == 13:
				return errors.New("13 never works, and nobody knows why")
			}
		}
		return nil
	})
	// Bodies that are no events, or no list at all, from who knows where.
	onChannel(t, u, func(ch *amqp.Channel) {
		// Without confirms the broker may lose what a channel has sent when that is closed at once.
		if err := ch.Confirm(false); err != nil {
			t.Fatal(err)
		}
		for _, body := range []string{`[1000,"text",1001]`, `{"broken`} {
			sent, err := ch.PublishWithDeferredConfirmWithContext(t.Context(), "", "tiktok."+name, true, false, amqp.Publishing{Body: []byte(body)})
			if err != nil {
				t.Fatal(err)
			}
			if ok, err := sent.WaitContext(t.Context()); !ok || err != nil {
				t.Fatalf("not confirmed: %v", err)
			}
		}
	})
	var wg sync.WaitGroup
	for i := -3; i < 0; i++ {
		wg.Go(func() {
			if applied, err := q.Publish(t.Context(), i); applied || err != nil {
				t.Errorf("poison %d: %v, %v", i, applied, err)
			}
		})
	}
	wg.Go(func() {
		if applied, err := q.Publish(t.Context(), 13); applied || err != nil {
			t.Errorf("13: %v, %v", applied, err)
		}
	})
	// 13 is found out because others succeed, so others there must be.
	stop := make(chan struct{})
	published := 0
	var traffic sync.WaitGroup
	traffic.Go(func() {
		for i := 2000; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			if _, err := q.Publish(t.Context(), i); err != nil {
				t.Errorf("Publish: %v", err)
				return
			}
			published++
		}
	})
	wg.Wait()
	var dead []string
	defer func() {
		if t.Failed() {
			t.Logf("dead letters: %q", dead)
		}
	}()
	eventually(t, func() bool {
		dead = append(dead, deadLetters(t, u, name)...)
		return len(dead) >= 6
	})
	close(stop)
	traffic.Wait()
	eventually(t, func() bool { return c.len() == published+2 })
	want := map[string]bool{"[-1]": true, "[-2]": true, "[-3]": true, "[13]": true, `["text"]`: true, `[{"broken]`: true}
	for _, d := range dead {
		if !want[d] {
			t.Errorf("unexpected dead letter %s", d)
		}
		delete(want, d)
	}
	if len(want) > 0 {
		t.Errorf("missing dead letters: %v", want)
	}
}

// TestRabbitFull: when the broker's queue is full, publishers wait, then get ErrBusy, and nothing of theirs is stored.
func TestRabbitFull(t *testing.T) {
	for _, kind := range []string{queue.TypeQuorum, queue.TypeClassic} {
		t.Run(kind, func(t *testing.T) { testRabbitFull(t, kind) })
	}
}

func testRabbitFull(t *testing.T, kind string) {
	u := rabbitURL(t)
	q, err := queue.OpenSmallRabbit[int](t.Context(), queue.Config{URL: u, Type: kind, AppliedWait: -1, MaxBatch: 1}, newName(t, u), 20)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = q.Close() }()
	awaitReady(t, q)
	accepted, refused, unknown := make(map[int]bool), 0, 0
	for i := 0; refused < 3; i++ {
		if i > 1000 {
			t.Fatal("the queue does not fill up")
		}
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		_, err := q.Publish(ctx, i)
		cancel()
		switch {
		case err == nil:
			accepted[i] = true
		case errors.Is(err, queue.ErrBusy):
			refused++
		case errors.Is(err, context.DeadlineExceeded):
			accepted[i] = true // its deadline came while it was on its way: it may be stored
			unknown++
		default:
			t.Fatalf("%d: %v, want ErrBusy", i, err)
		}
	}
	// Somebody who waits gets through as soon as there is room again.
	late := make(chan error, 1)
	go func() {
		_, err := q.Publish(t.Context(), -1)
		late <- err
	}()
	c := collect(t, q, nil)
	if err := <-late; err != nil {
		t.Errorf("Publish while the queue drained: %v", err)
	}
	accepted[-1] = true
	eventually(t, func() bool { return c.len() >= len(accepted)-unknown && c.has(-1) })
	c.stop()
	for m := range c.seen {
		if !accepted[m] {
			t.Errorf("%d was refused and is stored", m)
		}
	}
	t.Logf("%d accepted, %d refused", len(accepted), refused)
}

// TestRabbitReconnects cuts the line again and again under load: nothing acknowledged is lost, and nobody hangs.
func TestRabbitReconnects(t *testing.T) {
	u := rabbitURL(t)
	name := newName(t, u)
	p, proxied := newProxy(t, u)
	q := openRabbit[int](t, name, queue.Config{URL: proxied, AppliedWait: 500 * time.Millisecond})
	awaitReady(t, q)
	c := collect(t, q, nil)
	var mu sync.Mutex
	acked := make(map[int]bool)
	var next, early atomic.Int64
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				id := int(next.Add(1))
				ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
				applied, err := q.Publish(ctx, id)
				cancel()
				switch {
				case err == nil:
					if applied && !c.has(id) {
						early.Add(1)
					}
					mu.Lock()
					acked[id] = true
					mu.Unlock()
				case errors.Is(err, queue.ErrUnavailable):
					// Told at once: do not spin.
					eventually(t, func() bool { return q.Ping(t.Context()) == nil })
				default:
					t.Errorf("Publish: %v", err)
				}
			}
		})
	}
	count := func() int {
		mu.Lock()
		defer mu.Unlock()
		return len(acked)
	}
	for range 4 {
		before := count()
		eventually(t, func() bool { return count() > before+500 })
		p.Refuse()
		eventually(t, func() bool { return q.Ping(t.Context()) != nil })
		p.Accept()
		eventually(t, func() bool { return q.Ping(t.Context()) == nil })
	}
	close(stop)
	wg.Wait()
	lost := 0
	eventually(t, func() bool {
		lost = 0
		mu.Lock()
		defer mu.Unlock()
		for id := range acked {
			if !c.has(id) {
				lost++
			}
		}
		return lost == 0
	})
	if early.Load() > 0 {
		t.Errorf("%d were reported as applied before they were", early.Load())
	}
	t.Logf("%d acknowledged of %d, none lost", count(), next.Load())
}

// TestRabbitHangs freezes the line: publishers end within their deadline.
func TestRabbitHangs(t *testing.T) {
	u := rabbitURL(t)
	p, proxied := newProxy(t, u)
	q := openRabbit[int](t, newName(t, u), queue.Config{URL: proxied, AppliedWait: -1})
	awaitReady(t, q)
	if _, err := q.Publish(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	p.Freeze()
	began := time.Now()
	var wg sync.WaitGroup
	for i := range 50 {
		wg.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
			defer cancel()
			if _, err := q.Publish(ctx, i); err == nil {
				t.Error("published over a frozen line")
			}
		})
	}
	wg.Wait()
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("took %v", took)
	}
	// The broker that owes a confirm is given up, so that callers are told at once.
	eventually(t, func() bool { return errors.Is(q.Ping(t.Context()), queue.ErrUnavailable) })
	p.Refuse()
	p.Thaw()
	p.Accept()
	eventually(t, func() bool {
		_, err := q.Publish(t.Context(), 2)
		return err == nil
	})
}

// TestRabbitHangsInTime: when the broker hangs, nobody waits longer than leaves time for a direct write, whatever the
// deadline: neither those whose letters were sent, nor those that wait to be sent, nor those that wait for room. When it
// answers again, the connection is still there.
func TestRabbitHangsInTime(t *testing.T) {
	u := rabbitURL(t)
	p, proxied := newProxy(t, u)
	q := openRabbit[int](t, newName(t, u), queue.Config{URL: proxied, AppliedWait: -1, MaxBatch: 2, Capacity: 4})
	awaitReady(t, q)
	if _, err := q.Publish(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	before := p.Connections()
	p.Freeze()
	const writers = 40 // 8 are sent in 4 batches, 4 wait, the others wait for room
	var wg sync.WaitGroup
	var slowest, unknown atomic.Int64
	for i := range writers {
		wg.Go(func() {
			began := time.Now()
			_, err := q.Publish(t.Context(), i+1)
			took := time.Since(began)
			for {
				if have := slowest.Load(); have >= int64(took) || slowest.CompareAndSwap(have, int64(took)) {
					break
				}
			}
			if !errors.Is(err, queue.ErrUnavailable) {
				t.Errorf("%d: %v, want ErrUnavailable", i, err)
			}
			if errno.From(err).Is(errno.OutcomeUnknown) {
				unknown.Add(1)
			}
		})
	}
	wg.Wait()
	t.Logf("the slowest of %d was told after %v", writers, time.Duration(slowest.Load()))
	if took := time.Duration(slowest.Load()); took > 2*time.Second {
		t.Errorf("took %v, want at most 2 s", took)
	}
	if n := unknown.Load(); n == 0 || n == writers { // what was sent, and what was not
		t.Errorf("the outcome of %d of %d is unknown", n, writers)
	}
	began := time.Now()
	if _, err := q.Publish(t.Context(), 100); !errors.Is(err, queue.ErrUnavailable) || errno.From(err).Is(errno.OutcomeUnknown) {
		t.Errorf("while it hangs: %v, want ErrUnavailable", err)
	}
	if took := time.Since(began); took > 500*time.Millisecond {
		t.Errorf("while it hangs: told after %v, want at once", took)
	}
	p.Thaw()
	eventually(t, func() bool { return q.Ping(t.Context()) == nil })
	if _, err := q.Publish(t.Context(), 101); err != nil {
		t.Errorf("after it: %v", err)
	}
	if n := p.Connections(); n != before {
		t.Errorf("%d new connections, want the old one", n-before)
	}
}

// TestRabbitSlowConfirms: a broker that takes two seconds for a confirm is slow and not dead.
func TestRabbitSlowConfirms(t *testing.T) {
	u := rabbitURL(t)
	p, proxied := newProxy(t, u)
	q := openRabbit[int](t, newName(t, u), queue.Config{URL: proxied, AppliedWait: -1})
	awaitReady(t, q)
	before := p.Connections()
	confirm := p.holdConfirms()
	if _, err := q.Publish(t.Context(), 1); !errors.Is(err, queue.ErrUnavailable) {
		t.Fatalf("%v, want ErrUnavailable", err)
	}
	if err := q.Ping(t.Context()); !errors.Is(err, queue.ErrUnavailable) {
		t.Errorf("Ping: %v, want ErrUnavailable", err)
	}
	confirm <- struct{}{}
	eventually(t, func() bool { return q.Ping(t.Context()) == nil })
	close(confirm)
	if _, err := q.Publish(t.Context(), 2); err != nil {
		t.Error(err)
	}
	if n := p.Connections(); n != before {
		t.Errorf("%d new connections, want the old one", n-before)
	}
	// Told that it is not available, 1 was in the broker all the same.
	c := collect(t, q, nil)
	eventually(t, func() bool { return c.has(1) && c.has(2) })
}

// TestRabbitOutOfMemory: a broker that stops reading is not waited for, and not connected to again and again.
func TestRabbitOutOfMemory(t *testing.T) {
	u := rabbitURL(t)
	p, proxied := newProxy(t, u)
	q := openRabbit[int](t, newName(t, u), queue.Config{URL: proxied, AppliedWait: -1})
	awaitReady(t, q)
	before := p.Connections()
	p.Freeze() // so that the letter is under way when the alarm comes
	told := make(chan error, 1)
	go func() {
		_, err := q.Publish(t.Context(), 1)
		told <- err
	}()
	eventually(t, func() bool { return queue.InProgress(q) == 1 })
	p.alarm(t, true)
	if err := <-told; !errors.Is(err, queue.ErrUnavailable) || !strings.Contains(err.Error(), "memory or disk") {
		t.Errorf("%v, want ErrUnavailable and the reason", err)
	}
	if _, err := q.Publish(t.Context(), 2); !errors.Is(err, queue.ErrUnavailable) {
		t.Errorf("during the alarm: %v, want ErrUnavailable", err)
	}
	p.Thaw()
	p.alarm(t, false)
	eventually(t, func() bool { return q.Ping(t.Context()) == nil })
	if _, err := q.Publish(t.Context(), 3); err != nil {
		t.Error(err)
	}
	if n := p.Connections(); n != before {
		t.Errorf("%d new connections, want the old one", n-before)
	}
}

// TestRabbitOtherType: a queue that exists with another type is named, and what to do about it; the old one is untouched.
func TestRabbitOtherType(t *testing.T) {
	u := rabbitURL(t)
	name := newName(t, u)
	quorum := openRabbit[int](t, name, queue.Config{URL: u, AppliedWait: -1})
	awaitReady(t, quorum)
	if _, err := quorum.Publish(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	classic := openRabbit[int](t, name, queue.Config{URL: u, Type: queue.TypeClassic})
	eventually(t, func() bool {
		err := classic.Ping(t.Context())
		return errors.Is(err, queue.ErrUnavailable) &&
			strings.Contains(err.Error(), "tiktok."+name) && strings.Contains(err.Error(), "queue.type")
	})
	if _, err := classic.Publish(t.Context(), 2); !errors.Is(err, queue.ErrUnavailable) {
		t.Errorf("%v, want ErrUnavailable", err)
	}
	c := collect(t, quorum, nil)
	eventually(t, func() bool { return c.has(1) })
}

func TestUnknownType(t *testing.T) {
	_, err := queue.Open[int](t.Context(), queue.Config{Driver: queue.DriverRabbitMQ, URL: "amqp://127.0.0.1/", Type: "mirrored"}, "x", nil)
	if err == nil || !strings.Contains(err.Error(), "mirrored") {
		t.Errorf("%v, want an error that names the type", err)
	}
}

// TestRabbitQueueDeleted: the queue is declared again, by the publisher and by the consumer.
func TestRabbitQueueDeleted(t *testing.T) {
	u := rabbitURL(t)
	name := newName(t, u)
	q := openRabbit[int](t, name, queue.Config{URL: u})
	awaitReady(t, q)
	c := collect(t, q, nil)
	if _, err := q.Publish(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	onChannel(t, u, func(ch *amqp.Channel) {
		if _, err := ch.QueueDelete("tiktok."+name, false, false, false); err != nil {
			t.Fatal(err)
		}
	})
	n := 1
	eventually(t, func() bool {
		n++
		_, err := q.Publish(t.Context(), n)
		if err != nil && !errors.Is(err, queue.ErrUnavailable) {
			t.Fatal(err)
		}
		return err == nil
	})
	eventually(t, func() bool { return c.has(n) })
}

func BenchmarkRabbit(b *testing.B) {
	u := rabbitURL(b)
	for _, bm := range []struct {
		name    string
		writers int
		wait    time.Duration
	}{{"confirmed 16", 8, -1}, {"confirmed 256", 128, -1}, {"applied 1", 0, 0}, {"applied 16", 8, 0}, {"applied 256", 128, 0}} {
		b.Run(bm.name, func(b *testing.B) {
			q := openRabbit[queuetest.Msg](b, newName(b, u), queue.Config{URL: u, AppliedWait: bm.wait})
			awaitReady(b, q)
			ctx, cancel := context.WithCancel(context.Background())
			done := make(chan error, 1)
			var batches, msgs atomic.Int64
			go func() {
				done <- q.Consume(ctx, func(_ context.Context, batch []queuetest.Msg) error {
					batches.Add(1)
					msgs.Add(int64(len(batch)))
					return nil
				})
			}()
			msg := queuetest.Msg{ID: 1, Text: strings.Repeat("x", 150)}
			publish := func() {
				if _, err := q.Publish(context.Background(), msg); err != nil {
					b.Error(err)
				}
			}
			publish()
			b.ResetTimer()
			if bm.writers == 0 {
				for range b.N {
					publish()
				}
			} else {
				b.SetParallelism(bm.writers)
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						publish()
					}
				})
			}
			b.StopTimer()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "msgs/s")
			eventually(b, func() bool { return msgs.Load() == int64(b.N)+1 })
			cancel()
			if err := <-done; err != nil {
				b.Error(err)
			}
			b.ReportMetric(float64(msgs.Load())/float64(batches.Load()), "msgs/batch")
		})
	}
}
