package cache

import (
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tiktok/pkg/kv"
)

// authorTTL bounds how long a process that does not hear of a deletion accepts likes and comments for nothing.
const authorTTL = 10 * time.Second

// NewAuthors returns the cache of who published a video, in this process: an author never changes, so no other process has to
// hear of anything, and the writer does not store what belongs to a deleted video. Only what exists is cached, so a video is
// there as soon as it is published. A nil log or metrics switches that off.
func NewAuthors(s kv.Store, log *slog.Logger, metrics prometheus.Registerer, load kv.Load[int64, int64]) *kv.LoadingCache[int64, int64] {
	return kv.NewLoadingCache(s, kv.Options[int64, int64]{
		Kind: "video_author", InProcess: true, TTL: authorTTL, NegativeTTL: -1, Log: log, Metrics: metrics,
	}, load)
}
