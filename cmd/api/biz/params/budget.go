package params

import (
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
)

// Budget bounds the memory for all bodies that are held at the same time. Its zero value allows none. It is safe for concurrent
// use.
type Budget struct {
	max           int64
	used, refused atomic.Int64
}

// NewBudget makes a budget of limit bytes and registers its metrics.
func NewBudget(limit int64, reg prometheus.Registerer) *Budget {
	b := &Budget{max: limit}
	reg.MustRegister(
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "tiktok_http_buffered_bytes", Help: "Memory held by bodies of requests, beyond the first 8 KiB of each.",
		}, func() float64 { return float64(b.used.Load()) }),
		prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "tiktok_http_bodies_refused_total", Help: "Requests refused because the bodies of others held too much memory.",
		}, func() float64 { return float64(b.refused.Load()) }),
	)
	return b
}

// reserve takes n bytes, or none and returns false if they are not left.
func (b *Budget) reserve(n int64) bool {
	if b.used.Add(n) > b.max {
		b.used.Add(-n)
		b.refused.Add(1)
		return false
	}
	return true
}

// Release gives n bytes back that ReadBody held.
func (b *Budget) Release(n int64) { b.used.Add(-n) }

// Used is how many bytes are reserved.
func (b *Budget) Used() int64 { return b.used.Load() }
