package queue

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"

	"tiktok/pkg/telemetry"
)

// metrics are those of one queue.
type metrics struct {
	published *prometheus.CounterVec // by result
	batch     prometheus.Observer
	waiting   prometheus.Gauge
	applied   prometheus.Counter
	failed    prometheus.Counter
	dead      prometheus.Counter
	// degraded counts by reason what the caller was told to apply directly.
	degraded    *prometheus.CounterVec
	redelivered prometheus.Counter
	oldest      prometheus.Gauge
	// depth and deadLetters are as seen by the broker, and absent while it is away; nil when there are no metrics.
	depth, deadLetters *gauge
	// writer makes the spans of applied batches.
	writer writer
}

// gauge is one queue's value, which can be absent.
type gauge struct {
	vec  *prometheus.GaugeVec
	name string
}

func (g *gauge) set(n int) { g.vec.WithLabelValues(g.name).Set(float64(n)) }

func (g *gauge) clear() { g.vec.DeleteLabelValues(g.name) }

// Results of publishing.
const (
	resultApplied  = "applied"
	resultAccepted = "accepted"
	resultFailed   = "failed"
)

// reason is the label of a degraded write.
func reason(err error) string {
	switch {
	case errors.Is(err, errNoConfirm):
		return "unconfirmed"
	case errors.Is(err, errBlocked):
		return "blocked"
	case errors.Is(err, errUnroutable):
		return "unroutable"
	default:
		return "disconnected"
	}
}

func newMetrics(reg prometheus.Registerer, name string) metrics {
	label := []string{"queue"}
	counter := func(n, help string) prometheus.Counter {
		return telemetry.Register(reg, prometheus.NewCounterVec(prometheus.CounterOpts{Name: n, Help: help}, label)).WithLabelValues(name)
	}
	published := telemetry.Register(reg, prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "tiktok_queue_published_total", Help: "Messages published: applied, accepted (will be applied) or failed.",
	}, []string{"queue", "result"}))
	newGauge := func(n, help string) *prometheus.GaugeVec {
		return telemetry.Register(reg, prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: n, Help: help}, label))
	}
	degraded := telemetry.Register(reg, prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "tiktok_queue_degraded_total", Help: "Messages that were applied directly: disconnected, unconfirmed, blocked or unroutable.",
	}, []string{"queue", "reason"}))
	m := metrics{
		degraded:    degraded.MustCurryWith(prometheus.Labels{"queue": name}),
		redelivered: counter("tiktok_queue_redelivered_total", "Messages that the broker handed out again."),
		oldest:      newGauge("tiktok_queue_oldest_seconds", "Age of the oldest message in the writer's hand; 0 when it has none.").WithLabelValues(name),
		published:   published.MustCurryWith(prometheus.Labels{"queue": name}),
		batch: telemetry.Register(reg, prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "tiktok_queue_batch_size", Help: "Messages given to the writer at once.", Buckets: prometheus.ExponentialBuckets(1, 2, 11),
		}, label)).WithLabelValues(name),
		waiting: newGauge("tiktok_queue_waiting", "Messages that wait in this process.").WithLabelValues(name),
		applied: counter("tiktok_queue_applied_total", "Messages that the writer has committed."),
		failed:  counter("tiktok_queue_apply_errors_total", "Calls of the writer that failed."),
		dead:    counter("tiktok_queue_dead_total", "Messages given up."),
	}
	if reg != nil {
		m.depth = &gauge{newGauge("tiktok_queue_depth", "Parcels of messages in the broker that no writer has taken yet."), name}
		m.deadLetters = &gauge{newGauge("tiktok_queue_dead_letters", "Dead letters in the broker."), name}
	}
	return m
}
