package v1

import (
	"context"
	"time"

	"tiktok/cmd/api/biz/call"
	model "tiktok/cmd/api/biz/model/v1"
	"tiktok/cmd/api/biz/pack"
	"tiktok/kitex_gen/discovery"
)

// maxDays and defaultDays are for statistics by day.
const maxDays, defaultDays = 366, 28

// GetStatistics is what the viewer's videos got, by day.
func (a *API) GetStatistics(ctx context.Context, in *call.Call) (any, error) {
	n, err := number(in, "days", defaultDays, maxDays)
	if err != nil {
		return nil, err
	}
	r, err := a.shared.Clients.Discovery.GetAuthorStats(ctx, &discovery.GetAuthorStatsRequest{AuthorId: in.Viewer, Days: n})
	if err != nil {
		return nil, err
	}
	return &model.Statistics{Days: pack.Each(r.Days, func(d **discovery.DayStats) *model.DayStatistics {
		day := *d
		return &model.DayStatistics{
			Date:      time.Unix(0, 0).UTC().AddDate(0, 0, int(day.Day)).Format(time.DateOnly),
			ViewCount: day.Views, FinishCount: day.Finishes, LikeCount: day.Likes, FollowerCount: day.Followers,
		}
	})}, nil
}

// ListVideoStatistics is how each of the viewer's videos was watched, newest video first. A page has fewer than limit when some are gone.
func (a *API) ListVideoStatistics(ctx context.Context, in *call.Call) (any, error) {
	page, err := page(in)
	if err != nil {
		return nil, err
	}
	r, err := a.shared.Clients.Discovery.ListVideoStats(ctx, &discovery.ListVideoStatsRequest{AuthorId: in.Viewer, Page: page})
	if err != nil {
		return nil, err
	}
	ids, stats := make([]int64, len(r.Videos)), make(map[int64]*discovery.VideoStats, len(r.Videos))
	for i, s := range r.Videos {
		ids[i], stats[s.VideoId] = s.VideoId, s
	}
	videos, err := a.shared.View.VideosByID(ctx, in.Viewer, ids) // the statistics have the views
	if err != nil {
		return nil, err
	}
	for i := range videos {
		videos[i].Views = stats[videos[i].Id].Views
	}
	items := pack.Each(renderVideos(in.Base, videos), func(v **model.Video) *model.VideoStatistics {
		s := stats[(*v).ID]
		out := &model.VideoStatistics{Video: *v, ViewCount: s.Views, FinishCount: s.Finishes}
		if s.Views > 0 {
			out.AverageWatchedMs = s.WatchedMs / s.Views
		}
		return out
	})
	return &model.VideoStatisticsPage{Items: items, NextCursor: r.NextCursor}, nil
}
