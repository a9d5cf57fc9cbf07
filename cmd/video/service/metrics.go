package service

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tiktok/cmd/video/dal/db"
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
			Name: "tiktok_media_jobs_waiting",
			Help: "Videos with work to do, of all processes together: delete, transcode, cover, improve, backfill.",
		}, []string{"work"})),
		oldest: telemetry.Register(reg, prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "tiktok_media_jobs_oldest_seconds", Help: "For how long work has been due that nobody has taken up, of all processes together.",
		}, []string{"work"})),
		refused: telemetry.Register(reg, prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "tiktok_media_jobs_refused_total", Help: "Jobs given up because of what is in the file, by reason.",
		}, []string{"reason"})),
	}
}

// countEvery is the pause between two counts of how much waits.
const countEvery = 15 * time.Second

// countPeriodically keeps the gauges of waiting work.
func (w *worker) countPeriodically(ctx context.Context) {
	tick := time.NewTicker(max(w.Poll, countEvery))
	defer tick.Stop()
	for {
		counts, err := w.store.CountWork(ctx)
		if err == nil {
			for name, lane := range map[string]int{
				"delete": db.LaneDelete, "transcode": db.LaneTranscode, "cover": db.LaneCover, "improve": db.LaneImprove, "backfill": db.LaneBackfill,
			} {
				age := max(w.now().UnixMilli()-counts[lane].SinceMs, 0)
				w.metrics.waiting.WithLabelValues(name).Set(float64(counts[lane].Rows))
				w.metrics.oldest.WithLabelValues(name).Set((time.Duration(age) * time.Millisecond).Seconds())
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}
