package queue_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"tiktok/pkg/queue"
)

func openDead(t *testing.T, cfg queue.Config, name string) *queue.DeadLetters {
	t.Helper()
	cfg.Driver = queue.DriverRabbitMQ
	d, err := queue.OpenDeadLetters(t.Context(), cfg, name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	return d
}

// awaitDead waits until there are n dead letters that nobody holds.
func awaitDead(t *testing.T, cfg queue.Config, name string, n int) {
	t.Helper()
	d := openDead(t, cfg, name)
	defer d.Close()
	eventually(t, func() bool {
		have, err := d.Count(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return have == n
	})
}

// bury makes dead letters of the numbers -1 … -n and of a body that is no event, all refused while sick is true.
func bury(t *testing.T, cfg queue.Config, name string, n int) (sick *atomic.Bool, c *collector) {
	t.Helper()
	q := openRabbit[int](t, name, cfg)
	awaitReady(t, q)
	sick = new(atomic.Bool)
	sick.Store(true)
	c = collect(t, q, func(batch []int) error {
		for _, m := range batch {
			if m < 0 && sick.Load() {
				return fmt.Errorf("%d is negative: %w", m, queue.ErrPoison)
			}
		}
		return nil
	})
	for i := range n {
		if _, err := q.Publish(t.Context(), -i-1); err != nil {
			t.Fatal(err)
		}
	}
	onChannel(t, cfg.URL, func(ch *amqp.Channel) {
		if err := ch.Confirm(false); err != nil {
			t.Fatal(err)
		}
		sent, err := ch.PublishWithDeferredConfirmWithContext(t.Context(), "", "tiktok."+name, true, false, amqp.Publishing{
			Body: []byte(`{"broken`),
		})
		if err != nil {
			t.Fatal(err)
		}
		if ok, err := sent.WaitContext(t.Context()); !ok || err != nil {
			t.Fatalf("not confirmed: %v", err)
		}
	})
	awaitDead(t, cfg, name, n+1)
	return sick, c
}

func TestDeadLetters(t *testing.T) {
	for _, kind := range []string{queue.TypeQuorum, queue.TypeClassic} {
		t.Run(kind, func(t *testing.T) {
			u := rabbitURL(t)
			cfg := queue.Config{URL: u, Type: kind, AppliedWait: -1}
			name := newName(t, u)
			sick, c := bury(t, cfg, name, 3)

			list := func(limit int) map[string]queue.DeadLetter {
				d := openDead(t, cfg, name)
				defer d.Close()
				have := make(map[string]queue.DeadLetter)
				n, err := d.List(t.Context(), limit, func(l queue.DeadLetter) error {
					have[string(l.Events[0])] = l
					return nil
				})
				if err != nil || n != len(have) {
					t.Fatalf("%d of %d, %v", len(have), n, err)
				}
				return have
			}
			for range 2 { // looking changes nothing
				have := list(0)
				if len(have) != 4 {
					t.Fatalf("got %v, want 4", have)
				}
				if l := have["-2"]; !strings.Contains(l.Reason, "-2 is negative") || time.Since(l.Since).Abs() > time.Minute {
					t.Errorf("got %+v", l)
				}
				if l, ok := have[`"[{\"broken]"`]; !ok || !strings.Contains(l.Reason, "not a list") {
					t.Errorf("got %+v, want the broken body as text", have)
				}
				awaitDead(t, cfg, name, 4)
			}
			if have := list(2); len(have) != 2 {
				t.Errorf("got %d, want 2", len(have))
			}
			awaitDead(t, cfg, name, 4)

			// Without a cure they die again, and are not sent twice.
			d := openDead(t, cfg, name)
			if n, err := d.Replay(t.Context(), 0, nil); n != 4 || err != nil {
				t.Fatalf("replayed %d, %v", n, err)
			}
			awaitDead(t, cfg, name, 4)
			sick.Store(false)
			seen := 0
			if n, err := d.Replay(t.Context(), 0, func(queue.DeadLetter) { seen++ }); n != 4 || err != nil || seen != 4 {
				t.Fatalf("replayed %d (%d seen), %v", n, seen, err)
			}
			// Only the broken one comes back.
			awaitDead(t, cfg, name, 1)
			eventually(t, func() bool { return c.has(-1) && c.has(-2) && c.has(-3) })

			c.stop()
			for _, m := range []int{-1, -2, -3} {
				if c.seen[m] != 1 {
					t.Errorf("%d was applied %d times, want once", m, c.seen[m])
				}
			}
		})
	}
}

func TestDropDeadLetters(t *testing.T) {
	u := rabbitURL(t)
	cfg := queue.Config{URL: u, AppliedWait: -1}
	name := newName(t, u)
	bury(t, cfg, name, 2)
	d := openDead(t, cfg, name)
	failing, calls := errors.New("disk is full"), 0
	n, err := d.Drop(t.Context(), 0, func(queue.DeadLetter) error {
		if calls++; calls == 3 {
			return failing
		}
		return nil
	})
	if n != 2 || !errors.Is(err, failing) {
		t.Fatalf("dropped %d, %v; want 2 and the error", n, err)
	}
	d.Close()
	awaitDead(t, cfg, name, 1) // the one that failed is still there
	var kept []json.RawMessage
	if n, err := openDead(t, cfg, name).Drop(t.Context(), 5, func(l queue.DeadLetter) error {
		kept = append(kept, l.Events...)
		return nil
	}); n != 1 || err != nil || len(kept) != 1 {
		t.Errorf("dropped %d, %v, %s", n, err, kept)
	}
	awaitDead(t, cfg, name, 0)
}

// TestReplayIntoAFullQueue: what does not fit stays a dead letter.
func TestReplayIntoAFullQueue(t *testing.T) {
	u := rabbitURL(t)
	name := newName(t, u)
	cfg := queue.Config{URL: u, AppliedWait: -1, MaxBatch: 1}
	small, err := queue.OpenSmallRabbit[int](t.Context(), cfg, name, 5)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = small.Close() }()
	awaitReady(t, small)
	const n = 40
	onChannel(t, u, func(ch *amqp.Channel) {
		if err := ch.Confirm(false); err != nil {
			t.Fatal(err)
		}
		for i := range n {
			sent, err := ch.PublishWithDeferredConfirmWithContext(t.Context(), "", "tiktok."+name+".dead", true, false, amqp.Publishing{
				Body: fmt.Appendf(nil, "[%d]", i),
			})
			if err != nil {
				t.Fatal(err)
			}
			if ok, err := sent.WaitContext(t.Context()); !ok || err != nil {
				t.Fatalf("not confirmed: %v", err)
			}
		}
	})
	d := openDead(t, cfg, name)
	sent, err := d.Replay(t.Context(), 0, nil)
	if !errors.Is(err, queue.ErrBusy) || sent == 0 || sent == n {
		t.Fatalf("replayed %d, %v; want some and ErrBusy", sent, err)
	}
	d.Close()
	awaitDead(t, cfg, name, n-sent)
	c := collect(t, small, nil)
	eventually(t, func() bool { return c.len() == sent })
	// Once there is room the rest follows.
	d = openDead(t, cfg, name)
	eventually(t, func() bool {
		more, err := d.Replay(t.Context(), 0, nil)
		sent += more
		if errors.Is(err, queue.ErrBusy) { // the refused one is handed back by Close
			d.Close()
			d = openDead(t, cfg, name)
		} else if err != nil {
			t.Fatal(err)
		}
		return sent == n
	})
	eventually(t, func() bool { return c.len() == n })
	c.stop()
	for i := range n {
		if c.seen[i] != 1 {
			t.Errorf("%d was applied %d times", i, c.seen[i])
		}
	}
}

func TestDeadLettersErrors(t *testing.T) {
	if _, err := queue.OpenDeadLetters(t.Context(), queue.Config{}, "x"); !errors.Is(err, queue.ErrNoDeadLetters) {
		t.Errorf("memory: %v", err)
	}
	var lc net.ListenConfig
	ln, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ln.Close() }()
	hangs := queue.Config{Driver: queue.DriverRabbitMQ, URL: "amqp://guest:geheim@" + ln.Addr().String() + "/"}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := queue.OpenDeadLetters(ctx, hangs, "x"); !errors.Is(err, queue.ErrUnavailable) || strings.Contains(err.Error(), "geheim") {
		t.Errorf("a broker that hangs: %v", err)
	}
	u := rabbitURL(t)
	_, err = queue.OpenDeadLetters(t.Context(), queue.Config{Driver: queue.DriverRabbitMQ, URL: u, Prefix: "nobody"}, "x")
	if !errors.Is(err, queue.ErrUnavailable) || !strings.Contains(err.Error(), "nobody.x.dead") {
		t.Errorf("no such queue: %v", err)
	}
}
