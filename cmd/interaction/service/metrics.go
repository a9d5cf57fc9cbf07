package service

import (
	"github.com/prometheus/client_golang/prometheus"

	"tiktok/pkg/telemetry"
)

// metrics are the service's own.
type metrics struct {
	clockOffset prometheus.Gauge
	// dropped counts events that were not stored because what they belong to is deleted.
	dropped prometheus.Counter
}

func newMetrics(reg prometheus.Registerer) metrics {
	return metrics{
		clockOffset: telemetry.Register(reg, prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "tiktok_clock_offset_seconds", Help: "How far the database server's clock is ahead of this process's.",
			ConstLabels: prometheus.Labels{"service": Name},
		})),
		dropped: telemetry.Register(reg, prometheus.NewCounter(prometheus.CounterOpts{
			Name: "tiktok_interaction_dropped_events_total", Help: "Events that were not stored because what they belong to is deleted.",
		})),
	}
}
