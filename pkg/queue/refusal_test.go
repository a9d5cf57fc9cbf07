package queue_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"tiktok/pkg/queue"
)

// A broker that refuses message after message without being full is left for the next node; meanwhile publishers are told at once, so
// that they have time for a direct write. It takes messages again when it confirms.
func TestRabbitRefuses(t *testing.T) {
	u := rabbitURL(t)
	first, firstURL := newProxy(t, u)
	second, secondURL := newProxy(t, u)
	var refusing atomic.Bool
	first.refuseMessages(&refusing)
	second.refuseMessages(&refusing)
	q := openRabbit[int](t, newName(t, u), queue.Config{URLs: []string{firstURL, secondURL}, AppliedWait: -1})
	awaitReady(t, q)
	if _, err := q.Publish(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	refusing.Store(true)
	for i, most := range []time.Duration{2500 * time.Millisecond, 100 * time.Millisecond, 100 * time.Millisecond} {
		began := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		_, err := q.Publish(ctx, i)
		cancel()
		if took := time.Since(began); !errors.Is(err, queue.ErrUnavailable) || took > most {
			t.Errorf("%d: %v after %v, want ErrUnavailable after at most %v", i, err, took, most)
		}
	}
	eventually(t, func() bool { return first.Connections() > 0 && second.Connections() > 0 })
	if err := q.Ping(t.Context()); !errors.Is(err, queue.ErrUnavailable) {
		t.Errorf("Ping of a new connection that has confirmed nothing: %v, want ErrUnavailable", err)
	}
	refusing.Store(false)
	awaitReady(t, q)
	c := collect(t, q, nil)
	if _, err := q.Publish(t.Context(), 100); err != nil {
		t.Error(err)
	}
	eventually(t, func() bool { return c.has(100) })
}

// A full queue refuses as long as it is full: that is no reason for another connection, and nothing is written past it.
func TestRabbitFullForLong(t *testing.T) {
	for _, kind := range []string{queue.TypeQuorum, queue.TypeClassic} {
		t.Run(kind, func(t *testing.T) {
			u := rabbitURL(t)
			p, proxied := newProxy(t, u)
			cfg := queue.Config{URL: proxied, Type: kind, AppliedWait: -1, MaxBatch: 1}
			q, err := queue.OpenSmallRabbit[int](t.Context(), cfg, newName(t, u), 20)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = q.Close() }()
			awaitReady(t, q)
			before := p.Connections()
			for range 24 {
				ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
				_, _ = q.Publish(ctx, 1)
				cancel()
			}
			for until := time.Now().Add(4 * time.Second); time.Now().Before(until); {
				ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
				if _, err := q.Publish(ctx, 1); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, queue.ErrUnavailable) {
					t.Errorf("%v, want ErrBusy or the end of the context", err)
				}
				cancel()
			}
			if n := p.Connections(); n != before {
				t.Errorf("%d new connections, want the old one", n-before)
			}
		})
	}
}
