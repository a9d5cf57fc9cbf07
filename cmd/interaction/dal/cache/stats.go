package cache

import (
	"context"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tiktok/pkg/kv"
)

// statsTTL only matters when an invalidation was lost with the cache itself: it bounds how long a count can be old.
const statsTTL = time.Minute

// VideoStats are the cached counters of a video.
type VideoStats struct {
	FavoriteCount int64 `json:"f"`
	CommentCount  int64 `json:"c"`
}

// UserStats are the cached counters of a user.
type UserStats struct {
	TotalFavorited int64 `json:"t"`
	FavoriteCount  int64 `json:"f"`
}

// Stats caches the counters. What a viewer likes is in Likes.
type Stats struct {
	Videos *kv.LoadingCache[int64, VideoStats]
	Users  *kv.LoadingCache[int64, UserStats]
}

// NewStats returns the cache of counters in s. A nil log or metrics switches that off.
func NewStats(
	s kv.Store, log *slog.Logger, metrics prometheus.Registerer, videos kv.Load[int64, VideoStats], users kv.Load[int64, UserStats],
) *Stats {
	return &Stats{
		Videos: kv.NewLoadingCache(s, kv.Options[int64, VideoStats]{
			Kind: "video_stats", Key: videoStatsKey, TTL: statsTTL, NegativeTTL: statsTTL, Log: log, Metrics: metrics,
		}, videos),
		Users: kv.NewLoadingCache(s, kv.Options[int64, UserStats]{
			Kind: "user_stats", Key: userStatsKey, TTL: statsTTL, NegativeTTL: statsTTL, Log: log, Metrics: metrics,
		}, users),
	}
}

// Repaired makes sure that the old counters of a video and a user are not served any more. An id of 0 is none.
func (s *Stats) Repaired(ctx context.Context, videoID, userID int64) {
	if videoID != 0 {
		s.Videos.Invalidate(ctx, videoID)
	}
	if userID != 0 {
		s.Users.Invalidate(ctx, userID)
	}
}
