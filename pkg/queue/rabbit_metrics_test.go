package queue_test

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tiktok/pkg/queue"
)

// metric is the sum of the values of a metric, over those of its labels that have all of the given values. ok is false
// when there is none.
func metric(t *testing.T, reg *prometheus.Registry, name string, labels ...string) (v float64, ok bool) {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
		for _, m := range f.GetMetric() {
			have := make(map[string]bool)
			for _, l := range m.GetLabel() {
				have[l.GetValue()] = true
			}
			match := true
			for _, l := range labels {
				match = match && have[l]
			}
			if match {
				v += m.GetCounter().GetValue() + m.GetGauge().GetValue()
				ok = true
			}
		}
	}
	return v, ok
}

// logBuffer is a log that can be read while it is written.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) count(what string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.b.String(), what)
}

// TestRabbitMetrics: the depth and the dead letters as the broker sees them, the age of the oldest event, and what the
// broker handed out twice.
func TestRabbitMetrics(t *testing.T) {
	u := rabbitURL(t)
	name := newName(t, u)
	reg := prometheus.NewRegistry()
	p, proxied := newProxy(t, u)
	cfg := queue.Config{Driver: queue.DriverRabbitMQ, URL: proxied, AppliedWait: -1, MaxBatch: 10}
	q, err := queue.Open[int](t.Context(), cfg, name, nil, queue.WithMetrics(reg))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = q.Close() }()
	awaitReady(t, q)
	for i := range 3 { // one after the other: each is a batch
		if _, err := q.Publish(t.Context(), i); err != nil {
			t.Fatal(err)
		}
	}
	is := func(metricName string, want float64) func() bool {
		return func() bool { v, ok := metric(t, reg, metricName, name); return ok && v == want }
	}
	eventually(t, is("tiktok_queue_depth", 3))
	eventually(t, is("tiktok_queue_dead_letters", 0))
	published := time.Now()

	// The writer takes them, and the connection is lost while it has them in hand.
	hold, held := make(chan struct{}), make(chan struct{}, 1000)
	c := collect(t, q, func(batch []int) error {
		held <- struct{}{}
		<-hold
		for _, m := range batch {
			if m == 1 {
				return queue.ErrPoison
			}
		}
		return nil
	})
	<-held
	// It has waited for about 5 s, the time until the depth is asked for again.
	if age, _ := metric(t, reg, "tiktok_queue_oldest_seconds", name); age <= 0 || age > time.Since(published).Seconds()+60 {
		t.Errorf("the oldest event is %v s old", age)
	}
	p.Refuse()
	eventually(t, func() bool { return q.Ping(t.Context()) != nil })
	if _, ok := metric(t, reg, "tiktok_queue_depth", name); ok {
		t.Error("the depth is shown while nobody knows it")
	}
	close(hold)
	p.Accept()
	eventually(t, is("tiktok_queue_dead_letters", 1))
	eventually(t, is("tiktok_queue_depth", 0))
	eventually(t, func() bool { return c.has(0) && c.has(2) })
	eventually(t, is("tiktok_queue_oldest_seconds", 0))
	c.stop()
	if n, _ := metric(t, reg, "tiktok_queue_redelivered_total", name); n != 3 {
		t.Errorf("%v redelivered, want 3", n)
	}
}

// TestRabbitDegradedIsVisible: messages that the broker does not take are counted by reason, and the log says when that
// began and when it ended, not for each of them.
func TestRabbitDegradedIsVisible(t *testing.T) {
	u := rabbitURL(t)
	name := newName(t, u)
	reg := prometheus.NewRegistry()
	var log logBuffer
	p, proxied := newProxy(t, u)
	q, err := queue.Open[int](t.Context(), queue.Config{Driver: queue.DriverRabbitMQ, URL: proxied, AppliedWait: -1}, name,
		slog.New(slog.NewTextHandler(&log, nil)), queue.WithMetrics(reg))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = q.Close() }()
	awaitReady(t, q)
	const began, ended = "RabbitMQ does not take writes", "RabbitMQ takes writes"
	if _, err := q.Publish(t.Context(), 0); err != nil || log.count(began) != 0 {
		t.Fatalf("%v, %d lines about trouble", err, log.count(began))
	}
	p.Refuse()
	eventually(t, func() bool { return q.Ping(t.Context()) != nil })
	for i := range 50 {
		if _, err := q.Publish(t.Context(), i); !errors.Is(err, queue.ErrUnavailable) {
			t.Fatal(err)
		}
	}
	if n := log.count(began); n != 1 {
		t.Errorf("%d lines, want 1", n)
	}
	if n, _ := metric(t, reg, "tiktok_queue_degraded_total", name, "disconnected"); n != 50 {
		t.Errorf("%v counted as disconnected, want 50", n)
	}
	p.Accept()
	awaitReady(t, q)
	p.alarm(t, true)
	eventually(t, func() bool { return q.Ping(t.Context()) != nil })
	if _, err := q.Publish(t.Context(), 100); !errors.Is(err, queue.ErrUnavailable) {
		t.Fatal(err)
	}
	if n, _ := metric(t, reg, "tiktok_queue_degraded_total", name, "blocked"); n != 1 {
		t.Errorf("%v counted as blocked, want 1", n)
	}
	p.alarm(t, false)
	awaitReady(t, q)
	for i := range 3 {
		if _, err := q.Publish(t.Context(), i); err != nil {
			t.Fatal(err)
		}
	}
	if n := log.count(began); n != 2 {
		t.Errorf("%d lines about a beginning, want 2", n)
	}
	if n := log.count(ended); n != 3 { // connected, connected again, alarm over
		t.Errorf("%d lines about an end, want 3", n)
	}
	if log.count("refused=50") != 1 || log.count("refused=1 ") != 1 {
		t.Error("the log does not say how many messages were refused")
	}
}
