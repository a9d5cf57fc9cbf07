package kv

import (
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tiktok/pkg/telemetry"
)

// metrics are the counters of one kind.
type metrics struct {
	local, store           prometheus.Counter // hits by level
	misses, joined, errors prometheus.Counter
}

func newMetrics(reg prometheus.Registerer, kind string) metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		vec := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, append([]string{"kind"}, labels...))
		return telemetry.Register(reg, vec)
	}
	hits := counter("tiktok_cache_hits_total", "Ids answered by a level of the cache, those known not to exist included.", "level")
	return metrics{
		local:  hits.WithLabelValues(kind, "local"),
		store:  hits.WithLabelValues(kind, "store"),
		misses: counter("tiktok_cache_misses_total", "Ids that the cache did not answer.").WithLabelValues(kind),
		joined: counter("tiktok_cache_joined_total", "Misses that waited for a load already under way.").WithLabelValues(kind),
		errors: counter("tiktok_cache_errors_total", "Operations on the cache that failed.").WithLabelValues(kind),
	}
}

// occasionalLog lets one line a second through.
type occasionalLog struct {
	log  *slog.Logger
	next atomic.Int64 // unix nanoseconds
}

func (l *occasionalLog) failure(args ...any) {
	if l.log == nil {
		return
	}
	now, next := time.Now().UnixNano(), l.next.Load()
	if now < next || !l.next.CompareAndSwap(next, now+int64(time.Second)) {
		return
	}
	l.log.Warn("cache failed, going on without it", args...)
}
