// Package cache says how the service's data is kept in the cache: keys and times to live.
package cache

import (
	"log/slog"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tiktok/cmd/chat/dal/db"
	"tiktok/pkg/kv"
)

// lastTTL also bounds how long a message may stay unseen by polls when a process dies between its commit and the
// invalidation after it.
const lastTTL = 10 * time.Second

// LastKey is the key of when a conversation got its newest message.
func LastKey(k db.Key) string {
	return "tt:chat:last:v1:{" + strconv.FormatInt(k.Low, 10) + "-" + strconv.FormatInt(k.High, 10) + "}"
}

// Last are the options of the typed cache of those times. Conversations without messages are as common as others, so
// their absence is kept as long.
func Last(log *slog.Logger, metrics prometheus.Registerer) kv.Options[db.Key, int64] {
	return kv.Options[db.Key, int64]{Kind: "chat_last", Key: LastKey, TTL: lastTTL, NegativeTTL: lastTTL, Log: log, Metrics: metrics}
}
