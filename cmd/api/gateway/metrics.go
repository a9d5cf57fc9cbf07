package gateway

import (
	"github.com/prometheus/client_golang/prometheus"

	"tiktok/cmd/api/biz/params"
)

// register publishes what clients hold of the process: connections, and memory for bodies.
func (l *listener) register(reg prometheus.Registerer, bodies *params.Budget) {
	gauge := func(name, help string, value func() float64) {
		reg.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, value))
	}
	gauge("tiktok_http_connections", "Open connections of clients.", func() float64 { return float64(l.count()) })
	gauge("tiktok_http_connections_max", "How many connections may be open.", func() float64 { return float64(l.limits.total) })
	gauge("tiktok_http_buffered_bytes", "Memory taken by bodies of requests, beyond the first 8 KiB of each.",
		func() float64 { return float64(bodies.Used()) })
	counter := func(name, help string, labels prometheus.Labels, value func() float64) {
		reg.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help, ConstLabels: labels}, value))
	}
	counter("tiktok_http_accept_errors_total", "Connections that could not be accepted, for want of file descriptors mostly.", nil,
		func() float64 { return float64(l.failures.Load()) })
	counter("tiktok_http_bodies_refused_total", "Requests refused because too much memory was taken by the bodies of others.", nil,
		func() float64 { return float64(bodies.Refused()) })
	for reason, name := range [reasons]string{"total", "address", "files"} {
		labels := prometheus.Labels{"reason": name}
		counter("tiktok_http_connections_evicted_total", "Idle connections that were closed to make room for new ones.", labels,
			func() float64 { return float64(l.evicted[reason].Load()) })
		if reason != reasonFiles {
			counter("tiktok_http_connections_refused_total", "Connections that were closed at once because of a limit.", labels,
				func() float64 { return float64(l.refused[reason].Load()) })
		}
	}
}
