package cache

import (
	"log/slog"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tiktok/pkg/kv"
)

// authorTTL bounds how long a process that does not hear of a deletion accepts likes and comments for nothing.
const authorTTL = 10 * time.Second

// NewAuthors returns the cache of who published a video, in a store of this process: an author never changes, so no
// other process has to hear of anything, and the writer does not store what hangs on a deleted video. Only what exists is cached, so a video is there as soon as it is published. A
// nil log or metrics switches that off.
func NewAuthors(local kv.Store, log *slog.Logger, metrics prometheus.Registerer) *kv.LoadingCache[int64, int64] {
	return kv.NewLoadingCache(local, kv.Options[int64, int64]{
		Kind: "video_author", Key: authorKey, TTL: authorTTL, NegativeTTL: -1, Log: log, Metrics: metrics,
	})
}

func authorKey(videoID int64) string { return "author:" + strconv.FormatInt(videoID, 10) }
