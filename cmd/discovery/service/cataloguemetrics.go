package service

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"tiktok/cmd/discovery/dal/db"
)

// catalogueMetrics are what the service tells about its catalogue.
type catalogueMetrics struct {
	changes  *prometheus.CounterVec
	ignored  prometheus.Counter
	delay    prometheus.Histogram
	ranked   *prometheus.CounterVec
	backfill *prometheus.CounterVec
	filled   prometheus.Gauge
	purged   prometheus.Counter
}

func newCatalogueMetrics(reg prometheus.Registerer) catalogueMetrics {
	m := promauto.With(reg)
	return catalogueMetrics{
		changes: m.NewCounterVec(prometheus.CounterOpts{
			Name: "tiktok_discovery_changes_total",
			Help: "Changes of the catalogue, by what they were: listed, gone (videos), liked, unliked, followed, unfollowed, " +
				"old (a repetition, or late) or other.",
		}, []string{"kind"}),
		ignored: m.NewCounter(prometheus.CounterOpts{
			Name: "tiktok_discovery_ignored_events_total", Help: "Events of a later version, which were left out.",
		}),
		delay: m.NewHistogram(prometheus.HistogramOpts{
			Name: "tiktok_discovery_delay_seconds", Help: "From what happened to the catalogue, by message.",
			Buckets: []float64{.01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300, 3600},
		}),
		ranked: m.NewCounterVec(prometheus.CounterOpts{
			Name: "tiktok_discovery_ranks_total",
			Help: "Videos and users whose popularity was looked at, by what came of it: moved (indexed again), same or lost (a service was away).",
		}, []string{"result"}),
		backfill: m.NewCounterVec(prometheus.CounterOpts{
			Name: "tiktok_discovery_backfill_rows_total", Help: "Rows of other services that were read to fill the catalogue, by what they are.",
		}, []string{"kind"}),
		filled: m.NewGauge(prometheus.GaugeOpts{
			Name: "tiktok_discovery_filled",
			Help: "1 when the catalogue has all that there was before this service, 0 while the process that looks fills it.",
		}),
		purged: m.NewCounter(prometheus.CounterOpts{
			Name: "tiktok_discovery_purged_rows_total", Help: "Rows of what ended long ago that were removed from the catalogue.",
		}),
	}
}

// count counts changes, of which some were old.
func (m *catalogueMetrics) count(done *db.Changed, all, old int) {
	other := all - old
	for kind, n := range map[string]int{
		"listed": len(done.Listed), "gone": len(done.Gone), "liked": len(done.LikesBegan), "unliked": len(done.LikesEnded),
		"followed": len(done.FollowsBegan), "unfollowed": len(done.FollowsEnded),
	} {
		m.changes.WithLabelValues(kind).Add(float64(n))
		other -= n
	}
	m.changes.WithLabelValues("old").Add(float64(old))
	m.changes.WithLabelValues("other").Add(float64(other))
}
