package queue_test

import (
	"context"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"tiktok/pkg/queue"
)

// TestRabbitFallback: what the broker does not take is applied in this process by the time Publish returns, and counted
// as such.
func TestRabbitFallback(t *testing.T) {
	u := rabbitURL(t)
	name := newName(t, u)
	p, proxied := newProxy(t, u)
	reg := prometheus.NewRegistry()
	cfg := queue.Config{Driver: queue.DriverRabbitMQ, URL: proxied}
	q, err := queue.Open[int](t.Context(), cfg, name, nil, queue.WithMetrics(reg), queue.WithFallback())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = q.Close() }) // after the consumer has stopped
	awaitReady(t, q)
	c := collect(t, q, nil)
	p.Refuse()
	eventually(t, func() bool { return q.Ping(t.Context()) != nil })
	var wg sync.WaitGroup
	for i := range 50 {
		wg.Go(func() {
			if applied, err := q.Publish(t.Context(), i); !applied || err != nil || !c.has(i) {
				t.Errorf("%d: %v, %v, applied in fact: %v", i, applied, err, c.has(i))
			}
		})
	}
	wg.Wait()
	if n, _ := metric(t, reg, "tiktok_queue_applied_total", name+".fallback"); n != 50 {
		t.Errorf("%v counted as applied by the fallback, want 50", n)
	}
	p.Accept()
	awaitReady(t, q)
	if _, err := q.Publish(t.Context(), 50); err != nil {
		t.Error(err)
	}
	eventually(t, func() bool { return c.has(50) })
	if err := q.Consume(t.Context(), func(context.Context, []int) error { return nil }); err == nil {
		t.Error("a second Consume beside the first one")
	}
	if n, _ := metric(t, reg, "tiktok_queue_applied_total", name); n != 1 {
		t.Errorf("%v counted as applied from the broker, want 1", n)
	}
}
