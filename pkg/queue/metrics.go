package queue

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are those of one queue.
type metrics struct {
	published *prometheus.CounterVec // by result
	batch     prometheus.Observer
	waiting   prometheus.Gauge
	applied   prometheus.Counter
	failed    prometheus.Counter
	dead      prometheus.Counter
}

// Results of publishing.
const (
	resultApplied  = "applied"
	resultAccepted = "accepted"
	resultFailed   = "failed"
)

func newMetrics(reg prometheus.Registerer, name string) metrics {
	label := []string{"queue"}
	counter := func(n, help string) prometheus.Counter {
		return register(reg, prometheus.NewCounterVec(prometheus.CounterOpts{Name: n, Help: help}, label)).WithLabelValues(name)
	}
	published := register(reg, prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "tiktok_queue_published_total", Help: "Messages published: applied, accepted (will be applied) or failed.",
	}, []string{"queue", "result"}))
	return metrics{
		published: published.MustCurryWith(prometheus.Labels{"queue": name}),
		batch: register(reg, prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "tiktok_queue_batch_size", Help: "Messages given to the writer at once.", Buckets: prometheus.ExponentialBuckets(1, 2, 11),
		}, label)).WithLabelValues(name),
		waiting: register(reg, prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "tiktok_queue_waiting", Help: "Messages that wait in this process.",
		}, label)).WithLabelValues(name),
		applied: counter("tiktok_queue_applied_total", "Messages that the writer has committed."),
		failed:  counter("tiktok_queue_apply_errors_total", "Calls of the writer that failed."),
		dead:    counter("tiktok_queue_dead_total", "Messages given up."),
	}
}

// register shares a collector that another queue registered before. Any other refusal leaves c unregistered.
func register[C prometheus.Collector](reg prometheus.Registerer, c C) C {
	if reg == nil {
		return c
	}
	var have prometheus.AlreadyRegisteredError
	if err := reg.Register(c); errors.As(err, &have) {
		if shared, ok := have.ExistingCollector.(C); ok {
			return shared
		}
	}
	return c
}
