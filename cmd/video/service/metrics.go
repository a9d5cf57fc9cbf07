package service

import (
	"github.com/prometheus/client_golang/prometheus"

	"tiktok/pkg/telemetry"
)

// metrics are those of the work in the background. kind is transcode, cover, preview, hls, delete or sweep; a label job
// would collide with the one that Prometheus puts on everything it scrapes.
type metrics struct {
	jobs    *prometheus.CounterVec
	seconds *prometheus.HistogramVec
	running *prometheus.GaugeVec
	waiting *prometheus.GaugeVec
	oldest  *prometheus.GaugeVec
	refused *prometheus.CounterVec
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
		jobs: telemetry.Register(reg, prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "tiktok_media_jobs_total", Help: "Jobs that ended: done, failed (tried again), cancelled, given_up.",
		}, []string{"kind", "result"})),
		seconds: telemetry.Register(reg, prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "tiktok_media_jobs_seconds", Help: "How long jobs took that were done.", Buckets: prometheus.ExponentialBuckets(0.05, 2, 16),
		}, []string{"kind"})),
		running: telemetry.Register(reg, prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "tiktok_media_jobs_running", Help: "Jobs under way in this process.",
		}, []string{"kind"})),
		waiting: telemetry.Register(reg, prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "tiktok_media_jobs_waiting", Help: "Videos with work to do, of all processes together: delete, transcode, cover, improve, backfill.",
		}, []string{"work"})),
		oldest: telemetry.Register(reg, prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "tiktok_media_jobs_oldest_seconds", Help: "For how long work has been due that nobody has taken up, of all processes together.",
		}, []string{"work"})),
		refused: telemetry.Register(reg, prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "tiktok_media_jobs_refused_total", Help: "Jobs given up because of what is in the file, by reason.",
		}, []string{"reason"})),
	}
}
