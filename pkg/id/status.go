package id

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tiktok/pkg/telemetry"
)

// Node is the number of now.
func (l *Lease) Node() int {
	l.gen.mu.Lock()
	defer l.gen.mu.Unlock()
	return int(l.gen.node)
}

// Covered is for how long ids can be made if etcd is not heard of from now on; 0 or less: they are refused.
func (l *Lease) Covered() time.Duration {
	left, _ := l.gen.covered()
	return left.Round(time.Second)
}

// Check says in /readyz whether ids can be made, and whether the node number is renewed: "ok", "not renewed, ids for 5h30m0s", or
// "refused". It never makes a process unready: what needs no new id goes on.
func (l *Lease) Check() telemetry.Check {
	return telemetry.Check{Name: "ids", Info: func() string {
		left, _ := l.gen.covered()
		l.mu.Lock()
		late := time.Since(l.renewed) > l.cfg.Life
		l.mu.Unlock()
		switch {
		case left <= 0:
			return "refused"
		case late:
			return "not renewed, ids for " + l.Covered().String()
		}
		return "ok"
	}}
}

// Register adds the metrics of the lease to a process's.
func (l *Lease) Register(reg prometheus.Registerer) {
	gauge := func(name, help string, value func() float64) {
		telemetry.Register(reg, prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, value))
	}
	counter := func(name, help string, value func() float64) {
		telemetry.Register(reg, prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help}, value))
	}
	gauge("tiktok_ids_covered_seconds", "For how long ids can be made if etcd is not heard of from now on.", func() float64 {
		return l.Covered().Seconds()
	})
	gauge("tiktok_ids_renewed_timestamp_seconds", "When the node number of ids was renewed last.", func() float64 {
		l.mu.Lock()
		defer l.mu.Unlock()
		return float64(l.renewed.UnixMilli()) / 1000
	})
	counter("tiktok_ids_refused_total", "Ids that were not made because the node number's lease did not cover the time.", func() float64 {
		_, refused := l.gen.covered()
		return float64(refused)
	})
	counter("tiktok_ids_nodes_taken_total", "Node numbers that the process took: one at its start, more when it lost one.", func() float64 {
		l.mu.Lock()
		defer l.mu.Unlock()
		return float64(l.nodes)
	})
}
