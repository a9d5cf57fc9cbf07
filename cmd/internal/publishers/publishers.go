// Package publishers knows whose videos are, as far as the video service does.
package publishers

import (
	"context"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tiktok/kitex_gen/video"
	"tiktok/kitex_gen/video/videoservice"
	"tiktok/pkg/kv"
)

// Of asks whose videos are, at most MAX_BATCH. One that does not exist is missing.
func Of(ctx context.Context, videos videoservice.Client, videoIDs []int64) (map[int64]int64, error) {
	resp, err := videos.MGetVideos(ctx, &video.MGetVideosRequest{VideoIds: videoIDs})
	if err != nil {
		return nil, err
	}
	authors := make(map[int64]int64, len(resp.Videos))
	for id, v := range resp.Videos {
		authors[id] = v.AuthorId
	}
	return authors, nil
}

// New returns a cache of Of, in this process: an author never changes, so no other process has to hear of anything. Only what exists is
// cached, so a video is there as soon as it is published; ttl is how long one that is gone is taken for being there by a process that does
// not hear of it. A nil log or metrics switches that off.
func New(
	s kv.Store, videos videoservice.Client, ttl time.Duration, log *slog.Logger, metrics prometheus.Registerer,
) *kv.LoadingCache[int64, int64] {
	return kv.NewLoadingCache(s, kv.Options[int64, int64]{
		Kind: "video_author", InProcess: true, TTL: ttl, NegativeTTL: -1, Log: log, Metrics: metrics,
	}, func(ctx context.Context, ids []int64) (map[int64]int64, error) { return Of(ctx, videos, ids) })
}
