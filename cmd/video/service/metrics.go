package service

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are those of the work in the background. kind is transcode, cover, preview, hls, delete or sweep; a label job
// would collide with the one that Prometheus puts on everything it scrapes.
type metrics struct {
	jobs    *prometheus.CounterVec
	seconds *prometheus.HistogramVec
	running *prometheus.GaugeVec
	waiting *prometheus.GaugeVec
}

// Results of a job.
const (
	resultDone      = "done"
	resultFailed    = "failed"
	resultCancelled = "cancelled"
	resultGivenUp   = "given_up"
)

func newMetrics(reg prometheus.Registerer) metrics {
	return metrics{
		jobs: register(reg, prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "tiktok_media_jobs_total", Help: "Jobs that ended: done, failed (tried again), cancelled, given_up.",
		}, []string{"kind", "result"})),
		seconds: register(reg, prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "tiktok_media_jobs_seconds", Help: "How long jobs took that were done.", Buckets: prometheus.ExponentialBuckets(0.05, 2, 16),
		}, []string{"kind"})),
		running: register(reg, prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "tiktok_media_jobs_running", Help: "Jobs under way in this process.",
		}, []string{"kind"})),
		waiting: register(reg, prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "tiktok_media_jobs_waiting", Help: "Videos with work to do, of all processes together: delete, transcode, improve.",
		}, []string{"work"})),
	}
}

// register shares a collector that another service in the same test registered before.
func register[C prometheus.Collector](reg prometheus.Registerer, c C) C {
	var have prometheus.AlreadyRegisteredError
	if err := reg.Register(c); errors.As(err, &have) {
		if shared, ok := have.ExistingCollector.(C); ok {
			return shared
		}
	}
	return c
}
