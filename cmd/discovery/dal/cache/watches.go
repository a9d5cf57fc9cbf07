// Package cache names and types what the service caches.
package cache

import (
	"log/slog"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tiktok/pkg/kv"
)

const (
	// MaxSeen is how many of the videos that a user watched last are cached, and known to feeds.
	MaxSeen = 2000
	// viewsTTL and seenTTL only matter when an invalidation was lost with the cache itself.
	viewsTTL = time.Minute
	seenTTL  = 2 * time.Minute
)

func viewsKey(videoID int64) string {
	return "tt:discovery:views:v1:{" + strconv.FormatInt(videoID, 10) + "}"
}

func seenKey(userID int64) string {
	return "tt:discovery:seen:v1:{" + strconv.FormatInt(userID, 10) + "}"
}

// NewViews returns the cache of how often videos were watched. A nil log or metrics switches that off.
func NewViews(s kv.Store, log *slog.Logger, metrics prometheus.Registerer, load kv.Load[int64, int64]) *kv.LoadingCache[int64, int64] {
	return kv.NewLoadingCache(s, kv.Options[int64, int64]{
		Kind: "views", Key: viewsKey, TTL: viewsTTL, NegativeTTL: viewsTTL, Log: log, Metrics: metrics,
	}, load)
}

// NewSeen returns the cache of what users have watched, up to MaxSeen videos, the last first. A nil log or metrics switches that
// off.
func NewSeen(
	s kv.Store, log *slog.Logger, metrics prometheus.Registerer, load kv.Load[int64, kv.IDList],
) *kv.LoadingCache[int64, kv.IDList] {
	return kv.NewLoadingCache(s, kv.Options[int64, kv.IDList]{
		Kind: "seen", Key: seenKey, TTL: seenTTL, NegativeTTL: seenTTL, Size: func(l kv.IDList) int { return l.Size() },
		Log: log, Metrics: metrics,
	}, load)
}
