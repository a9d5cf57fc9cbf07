package view

import (
	"context"

	"golang.org/x/sync/errgroup"

	"tiktok/cmd/api/biz/model/api"
	"tiktok/cmd/api/biz/pack"
	"tiktok/kitex_gen/common"
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

// Works are an author's videos, newest first, and, when he looks himself, how far the work on each is and what is not
// listed yet. 6 calls in 2 steps, and one before them when he looks himself.
func (v *View) Works(ctx context.Context, s Scope, author int64) (listed []*api.Video, processing []*api.ProcessingVideo, err error) {
	processing = []*api.ProcessingVideo{}
	var uploads []*video.Upload
	known := false
	if author == s.Viewer { // before the list: what is listed meanwhile is then seen twice instead of not at all
		v.decorate(ctx, "uploads", func(ctx context.Context) error {
			r, err := v.clients.Video.ListUploads(ctx, &video.ListUploadsRequest{AuthorId: author})
			if err != nil {
				return err
			}
			uploads, known = r.Uploads, true
			return nil
		})
	}
	r, err := v.clients.Video.ListByAuthor(ctx, &video.ListByAuthorRequest{AuthorId: author, Page: &common.Page{Limit: common.MAX_BATCH}})
	if err != nil {
		return nil, nil, err
	}
	if listed, err = v.Videos(ctx, s, r.Videos); err != nil || !known {
		return listed, processing, err
	}
	work := make(map[int64]*video.Upload, len(uploads))
	for _, u := range uploads {
		work[u.VideoId] = u
	}
	for _, x := range listed {
		pack.SetState(x, work[x.ID])
		delete(work, x.ID)
	}
	for _, u := range uploads {
		if work[u.VideoId] != nil && !u.Listed { // a listed one was deleted a moment ago
			processing = append(processing, pack.ProcessingVideo(u))
		}
	}
	return listed, processing, nil
}
