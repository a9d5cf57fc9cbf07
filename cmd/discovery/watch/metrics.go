package watch

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"tiktok/cmd/discovery/dal/db"
)

// metrics are what Watches tells about its work.
type metrics struct {
	stored  *prometheus.CounterVec
	ignored *prometheus.CounterVec
	delay   prometheus.Histogram
}

func newMetrics(reg prometheus.Registerer) metrics {
	m := promauto.With(reg)
	return metrics{
		stored: m.NewCounterVec(prometheus.CounterOpts{
			Name: "tiktok_discovery_watches_total",
			Help: "Watches that were applied, by what they were: view (a session that began to count), repeated (told again), skimmed " +
				"(too short to count) or capped (too many sessions of a user and a video in a day).",
		}, []string{"result"}),
		ignored: m.NewCounterVec(prometheus.CounterOpts{
			Name: "tiktok_discovery_watches_ignored_total", Help: "Watches that were ignored: of own videos, or of missing ones.",
		}, []string{"reason"}),
		delay: m.NewHistogram(prometheus.HistogramOpts{
			Name: "tiktok_discovery_watches_delay_seconds", Help: "From accepted to applied, by event.",
			Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300, 3600},
		}),
	}
}

func (m metrics) applied(done db.WatchesApplied) {
	for result, n := range map[string]int{
		"view": done.Counted, "repeated": done.Repeated, "skimmed": done.Skimmed, "capped": done.Capped,
	} {
		m.stored.WithLabelValues(result).Add(float64(n))
	}
}
