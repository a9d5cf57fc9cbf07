package follow

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// metrics are what the follower tells about its work.
type metrics struct {
	lagChanges, lagSeconds prometheus.Gauge
	docs, bytes, present   prometheus.Gauge
	building               prometheus.Gauge
	rebuilds               *prometheus.CounterVec
	applied, failures      prometheus.Counter
}

func newMetrics(reg prometheus.Registerer) metrics {
	m := promauto.With(reg)
	gauge := func(name, help string) prometheus.Gauge {
		return m.NewGauge(prometheus.GaugeOpts{Name: name, Help: help})
	}
	counter := func(name, help string) prometheus.Counter {
		return m.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
	}
	return metrics{
		lagChanges: gauge("tiktok_discovery_index_lag_changes", "Changes of the catalogue that the index does not have yet."),
		lagSeconds: gauge("tiktok_discovery_index_lag_seconds", "Since when the index has lacked some change; 0: it has all."),
		docs:       gauge("tiktok_discovery_index_docs", "Documents of the index that serves."),
		bytes:      gauge("tiktok_discovery_index_bytes", "Size of the index that serves, on disk, in all its copies."),
		present:    gauge("tiktok_discovery_index_present", "1 when there is an index that answers searches, else 0."),
		building:   gauge("tiktok_discovery_index_build_progress", "How much of an index is built, 0 to 1; 0 when none is."),
		rebuilds: m.NewCounterVec(prometheus.CounterOpts{
			Name: "tiktok_discovery_index_rebuilds_total",
			Help: "Indexes built, by why (lost, ahead, outdated or asked) and how it ended (done or failed).",
		}, []string{"why", "result"}),
		applied:  counter("tiktok_discovery_index_applied_total", "Documents that were added to, replaced in or removed from the index."),
		failures: counter("tiktok_discovery_index_failures_total", "Steps of following the catalogue that failed and are tried again."),
	}
}

// lag tells that there is an index, and how far it is behind.
func (m *metrics) lag(changes int64, since time.Duration) {
	m.present.Set(1)
	m.lagChanges.Set(float64(changes))
	m.lagSeconds.Set(since.Seconds())
}

// positionless tells that there is no index.
func (m *metrics) positionless() {
	m.present.Set(0)
	m.docs.Set(0)
	m.bytes.Set(0)
}
