package service

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are the service's own.
type metrics struct {
	clockOffset prometheus.Gauge
	// dropped counts events that were not stored because their video is deleted.
	dropped prometheus.Counter
}

func newMetrics(reg prometheus.Registerer) metrics {
	return metrics{
		clockOffset: register(reg, prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "tiktok_clock_offset_seconds", Help: "How far the database server's clock is ahead of this process's.",
			ConstLabels: prometheus.Labels{"service": Name},
		})),
		dropped: register(reg, prometheus.NewCounter(prometheus.CounterOpts{
			Name: "tiktok_interaction_dropped_events_total", Help: "Events that were not stored because their video is deleted.",
		})),
	}
}

// register shares a collector that another service on the same registry registered before. Any other refusal leaves c
// unregistered.
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
