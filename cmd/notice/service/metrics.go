package service

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// metrics are what the service tells about its work.
type metrics struct {
	changes *prometheus.CounterVec
	ignored prometheus.Counter
	hints   *prometheus.CounterVec
	delay   prometheus.Histogram
}

func newMetrics(reg prometheus.Registerer) metrics {
	m := promauto.With(reg)
	return metrics{
		changes: m.NewCounterVec(prometheus.CounterOpts{
			Name: "tiktok_notice_changes_total",
			Help: "Changes of entries of notices, by what they were: added, other (taken back, or of what nobody sees) or old (a repetition).",
		}, []string{"result"}),
		ignored: m.NewCounter(prometheus.CounterOpts{
			Name: "tiktok_notice_ignored_events_total", Help: "Events of a later version, which were left out.",
		}),
		hints: m.NewCounterVec(prometheus.CounterOpts{
			Name: "tiktok_notice_hints_total", Help: "Hints for open pages, by whether they were sent or lost.",
		}, []string{"result"}),
		delay: m.NewHistogram(prometheus.HistogramOpts{
			Name: "tiktok_notice_delay_seconds", Help: "From what happened to its notice, by message.",
			Buckets: []float64{.01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300, 3600},
		}),
	}
}
