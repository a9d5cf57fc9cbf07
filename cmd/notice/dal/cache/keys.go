// Package cache says how the service's data is kept in the cache: keys and times to live.
package cache

import (
	"log/slog"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tiktok/pkg/kv"
)

const (
	// unreadTTL also bounds how long a count may be wrong when a process dies between its commit and the invalidation after it.
	unreadTTL = time.Minute
	// PurgeKey is the lease of the daily purge.
	PurgeKey = "tt:notice:purge:v1"
)

// UnreadKey is the key of a user's number of unread notices.
func UnreadKey(userID int64) string {
	return "tt:notice:unread:v1:{" + strconv.FormatInt(userID, 10) + "}"
}

// UnreadOptions are the options of the cache of unread notices.
func UnreadOptions(log *slog.Logger, metrics prometheus.Registerer) kv.Options[int64, int] {
	return kv.Options[int64, int]{Kind: "unread_notices", Key: UnreadKey, TTL: unreadTTL, Log: log, Metrics: metrics}
}
