package connlimit

import (
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
)

// Register publishes how many connections there are, and how many were refused and evicted.
func (l *Listener[C]) Register(reg prometheus.Registerer) {
	gauge := func(name, help string, value func() float64) {
		reg.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, value))
	}
	counter := func(name, help string, labels prometheus.Labels, value *atomic.Int64) {
		opts := prometheus.CounterOpts{Name: name, Help: help, ConstLabels: labels}
		reg.MustRegister(prometheus.NewCounterFunc(opts, func() float64 { return float64(value.Load()) }))
	}
	gauge("tiktok_http_connections", "Open connections of clients.", func() float64 { return float64(l.count()) })
	gauge("tiktok_http_connections_max", "How many connections may be open.", func() float64 { return float64(l.limits.total) })
	counter(
		"tiktok_http_accept_errors_total",
		"Connections that could not be accepted, mostly for want of file descriptors.",
		nil,
		&l.failures,
	)
	for reason, name := range [reasons]string{"total", "address", "files"} {
		labels := prometheus.Labels{"reason": name}
		counter("tiktok_http_connections_evicted_total", "Idle connections that were closed in favour of new ones.", labels, &l.evicted[reason])
		if reason != reasonFiles {
			counter("tiktok_http_connections_refused_total", "Connections that were closed at once because of a limit.", labels, &l.refused[reason])
		}
	}
}
