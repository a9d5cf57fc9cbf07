package view

import (
	"context"

	"tiktok/cmd/api/biz/model/api"
	"tiktok/cmd/api/biz/pack"
	"tiktok/kitex_gen/common"
	"tiktok/kitex_gen/video"
)

// Videos are videos with their authors, in the given order: 4 calls in 1 step.
func (v *View) Videos(ctx context.Context, s Scope, videos []*video.Video) ([]*api.Video, error) {
	if len(videos) == 0 {
		return []*api.Video{}, nil
	}
	ids, authors := idsOf(videos)
	p, e, err := v.people(ctx, s, authors, ids)
	if err != nil {
		return nil, err
	}
	return p.compose(s.Base, videos, e), nil
}

// VideosByID are the videos that still exist of ids, in that order: 5 calls in 2 steps.
func (v *View) VideosByID(ctx context.Context, s Scope, ids []int64) ([]*api.Video, error) {
	found, err := v.videos(ctx, ids)
	if err != nil {
		return nil, err
	}
	videos := make([]*video.Video, 0, len(ids))
	for _, id := range ids {
		if x := found[id]; x != nil {
			videos = append(videos, x)
		}
	}
	return v.Videos(ctx, s, videos)
}

// Works are an author's videos, newest first, and, when he looks himself, how far the work on each is and what is not
// listed yet. 5 calls in 2 steps, and one before them when he looks himself.
func (v *View) Works(ctx context.Context, s Scope, author int64) (listed []*api.Video, processing []*api.ProcessingVideo, err error) {
	processing = []*api.ProcessingVideo{}
	var uploads []*video.Upload
	known := false
	if author == s.Viewer { // before the list: what is listed meanwhile is then seen twice instead of not at all
		uploads, known = v.uploads(ctx, author)
	}
	r, err := v.clients.Video.ListByAuthor(ctx, &video.ListByAuthorRequest{
		AuthorId: author, Page: &common.Page{Limit: common.MAX_BATCH}, Fresh: known, // a cached one may be older than uploads
	})
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

// uploads are those of an author on which work is under way or has failed, if they can be had.
func (v *View) uploads(ctx context.Context, author int64) (uploads []*video.Upload, known bool) {
	decor, cancel := context.WithTimeout(ctx, decorTimeout)
	defer cancel()
	r, err := v.clients.Video.ListUploads(decor, &video.ListUploadsRequest{AuthorId: author})
	if err != nil {
		if ctx.Err() == nil {
			v.missing(ctx, "uploads", err)
		}
		return nil, false
	}
	return r.Uploads, true
}
