package view

import (
	"context"

	"golang.org/x/sync/errgroup"

	"tiktok/cmd/api/biz/model/api"
	"tiktok/cmd/api/biz/pack"
	"tiktok/kitex_gen/interaction"
	"tiktok/kitex_gen/video"
)

// Videos are videos with their authors, in the given order: 5 calls in 1 step.
func (v *View) Videos(ctx context.Context, s Scope, videos []*video.Video) ([]*api.Video, error) {
	if len(videos) == 0 {
		return []*api.Video{}, nil
	}
	ids, authors := make([]int64, len(videos)), make([]int64, len(videos))
	for i, x := range videos {
		ids[i], authors[i] = x.Id, x.AuthorId
	}
	var p people
	var stats map[int64]*interaction.VideoStats
	g, gctx := errgroup.WithContext(ctx)
	p.fetch(gctx, g, v, s.Viewer, distinct(authors))
	g.Go(func() error {
		v.decorate(gctx, "video stats", func(ctx context.Context) error {
			r, err := v.clients.Interaction.MGetVideoStats(ctx, &interaction.MGetVideoStatsRequest{VideoIds: distinct(ids), ViewerId: s.Viewer})
			if err != nil {
				return err
			}
			stats = r.Stats
			return nil
		})
		return nil
	})
	if err := g.Wait(); err != nil {
		return nil, err
	}
	out := make([]*api.Video, 0, len(videos))
	for _, x := range videos {
		out = append(out, pack.Video(s.Base, x, p.user(s.Base, x.AuthorId), stats[x.Id]))
	}
	return out, nil
}

// VideosByID are the videos that still exist of ids, in that order: 6 calls in 2 steps.
func (v *View) VideosByID(ctx context.Context, s Scope, ids []int64) ([]*api.Video, error) {
	if len(ids) == 0 {
		return []*api.Video{}, nil
	}
	r, err := v.clients.Video.MGetVideos(ctx, &video.MGetVideosRequest{VideoIds: ids})
	if err != nil {
		return nil, err
	}
	videos := make([]*video.Video, 0, len(ids))
	for _, id := range ids {
		if x := r.Videos[id]; x != nil {
			videos = append(videos, x)
		}
	}
	return v.Videos(ctx, s, videos)
}
