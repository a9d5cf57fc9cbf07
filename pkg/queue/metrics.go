package queue

import (
	"context"
	"errors"
	"slices"

	"github.com/prometheus/client_golang/prometheus"

	"tiktok/pkg/telemetry"
	"tiktok/pkg/tracing"
)

// metrics are those of one queue, and its traces.
type metrics struct {
	published *prometheus.CounterVec // by result
	batch     prometheus.Observer
	waiting   prometheus.Gauge
	applied   prometheus.Counter
	failed    prometheus.Counter
	dead      prometheus.Counter
	// degraded counts by reason what the broker did not take.
	degraded    *prometheus.CounterVec
	redelivered prometheus.Counter
	oldest      prometheus.Gauge
	// depth and deadLetters are as seen by the broker, and absent while it is away; nil when there are no metrics.
	depth, deadLetters *gauge
	name               string
	traces             *tracing.Traces
}

// gauge is one queue's value, which can be absent.
type gauge struct {
	vec  *prometheus.GaugeVec
	name string
}

func (g *gauge) set(n int) { g.vec.WithLabelValues(g.name).Set(float64(n)) }

func (g *gauge) clear() { g.vec.DeleteLabelValues(g.name) }

func newMetrics(o options, name string) metrics {
	label := []string{"queue"}
	counter := func(n, help string) prometheus.Counter {
		return telemetry.Register(o.metrics, prometheus.NewCounterVec(prometheus.CounterOpts{Name: n, Help: help}, label)).WithLabelValues(name)
	}
	counterBy := func(by, n, help string) *prometheus.CounterVec {
		vec := prometheus.NewCounterVec(prometheus.CounterOpts{Name: n, Help: help}, []string{"queue", by})
		return telemetry.Register(o.metrics, vec).MustCurryWith(prometheus.Labels{"queue": name})
	}
	newGauge := func(n, help string) *prometheus.GaugeVec {
		return telemetry.Register(o.metrics, prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: n, Help: help}, label))
	}
	m := metrics{
		name: name, traces: o.traces,
		published: counterBy("result", "tiktok_queue_published_total",
			"Messages published: applied, accepted (durable, will be applied) or failed."),
		degraded: counterBy("reason", "tiktok_queue_degraded_total",
			"Messages that the broker did not take: disconnected, unconfirmed, refused, blocked or unroutable."),
		redelivered: counter("tiktok_queue_redelivered_total", "Messages that the broker delivered again."),
		oldest:      newGauge("tiktok_queue_oldest_seconds", "Age of the oldest message that a consumer holds; 0 without.").WithLabelValues(name),
		batch: telemetry.Register(o.metrics, prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "tiktok_queue_batch_size", Help: "Messages applied at once.", Buckets: prometheus.ExponentialBuckets(1, 2, 11),
		}, label)).WithLabelValues(name),
		waiting: newGauge("tiktok_queue_waiting", "Messages whose publishers wait in this process.").WithLabelValues(name),
		applied: counter("tiktok_queue_applied_total", "Messages that were applied."),
		failed:  counter("tiktok_queue_apply_errors_total", "Batches that could not be applied."),
		dead:    counter("tiktok_queue_dead_total", "Messages given up."),
	}
	if o.metrics != nil {
		m.depth = &gauge{newGauge("tiktok_queue_depth", "Batches of messages in the broker that no consumer has taken yet."), name}
		m.deadLetters = &gauge{newGauge("tiktok_queue_dead_letters", "Dead letters in the broker."), name}
	}
	return m
}

// apply calls apply with a batch whose messages were published by these spans, and counts. Spans of the batch are linked
// to those that are recorded.
func (m *metrics) apply(ctx context.Context, traces []tracing.Ref, apply func(context.Context) error) error {
	size := len(traces)
	causes := slices.DeleteFunc(traces, tracing.Ref.IsZero)
	m.batch.Observe(float64(size))
	err := m.traces.Batch(ctx, "write "+m.name, size, causes, failure, apply)
	if err == nil {
		m.applied.Add(float64(size))
	} else {
		m.failed.Inc()
	}
	return err
}

// Results of publishing.
const (
	resultApplied  = "applied"
	resultAccepted = "accepted"
	resultFailed   = "failed"
)

// publishedAs counts a call of Publish and notes its result in its span.
func (m *metrics) publishedAs(span tracing.Span, applied bool, err error) {
	result := resultAccepted
	switch {
	case err != nil:
		result = resultFailed
		span.Fail(failure(err))
	case applied:
		result = resultApplied
	}
	span.Text("messaging.destination.name", m.name)
	span.Text("tiktok.outcome", result)
	m.published.WithLabelValues(result).Inc()
}

// failure names an error for a span.
func failure(err error) string {
	for kind, name := range map[error]string{ErrUnavailable: "unavailable", ErrBusy: "busy", ErrClosed: "closed", ErrPoison: "poison"} {
		if errors.Is(err, kind) {
			return name
		}
	}
	return "other"
}

// reason is the label of a message that the broker did not take.
func reason(err error) string {
	for kind, name := range map[error]string{
		errNoConfirm: "unconfirmed", errUnproven: "unconfirmed", errBlocked: "blocked", errUnroutable: "unroutable", errRefusing: "refused",
	} {
		if errors.Is(err, kind) {
			return name
		}
	}
	return "disconnected"
}
