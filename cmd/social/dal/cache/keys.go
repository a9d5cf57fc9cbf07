// Package cache says how the service's data is kept in the cache: keys and times to live.
package cache

import (
	"log/slog"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tiktok/pkg/kv"
)

// statsTTL also bounds how long a counter may be shown wrong when a process dies between a commit and the invalidation
// after it. Users without counters are as common as others, so their absence is kept as long.
const statsTTL = time.Minute

// StatsKey is the key of a user's counters. Raise its version when the cached row changes its shape.
func StatsKey(userID int64) string {
	return "tt:social:stats:v1:{" + strconv.FormatInt(userID, 10) + "}"
}

// Stats are the options of the typed cache of counters.
func Stats(log *slog.Logger, metrics prometheus.Registerer) kv.Options[int64] {
	return kv.Options[int64]{Kind: "social_stats", Key: StatsKey, TTL: statsTTL, NegativeTTL: statsTTL, Log: log, Metrics: metrics}
}
