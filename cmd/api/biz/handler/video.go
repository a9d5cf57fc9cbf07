package handler

import (
	"context"
	"time"

	"tiktok/cmd/api/biz/call"
	"tiktok/cmd/api/biz/model/api"
	"tiktok/cmd/api/biz/pack"
	"tiktok/kitex_gen/video"
)

// msFrom is the value from which latest_time is in milliseconds; below, it is in seconds.
const msFrom = 1e11

// Feed is one page of all videos, newest first.
func (h *Handler) Feed(ctx context.Context, in *call.Call) (any, error) {
	page, err := h.View.Feed(ctx, in.Viewer, feedBefore(in, time.Now()), 0)
	if err != nil {
		return nil, err
	}
	return &api.FeedResponse{StatusMsg: pack.OK, VideoList: pack.Videos(in.Base, page.Videos), NextTime: page.NextBeforeMs}, nil
}

// feedBefore reads latest_time. Clients disagree about it, and the first screen must not fail for that: what cannot be meant is now,
// which is 0.
func feedBefore(in *call.Call, now time.Time) int64 {
	n, _, err := in.Params.Int("latest_time")
	if err != nil || n <= 0 {
		return 0
	}
	if n < msFrom {
		n *= 1000
	}
	if n > now.UnixMilli() {
		return 0
	}
	return n
}

// PublishList is the videos of a user, newest first; they themselves also see what is not listed yet.
func (h *Handler) PublishList(ctx context.Context, in *call.Call) (any, error) {
	id, err := target(in)
	if err != nil {
		return nil, err
	}
	published, err := h.View.Published(ctx, in.Viewer, id)
	if err != nil {
		return nil, err
	}
	return pack.Published(in.Base, published), nil
}

// PublishDelete deletes a video of the viewer, listed or not. It is gone from every list when this returns; its likes,
// comments and files follow. Again is VideoNotFound.
func (h *Handler) PublishDelete(ctx context.Context, in *call.Call) (any, error) {
	id, err := in.Params.ID("video_id")
	if err != nil {
		return nil, err
	}
	if _, err = h.Clients.Video.DeleteVideo(ctx, &video.DeleteVideoRequest{AuthorId: in.Viewer, VideoId: id}); err != nil {
		return nil, err
	}
	return &api.PublishDeleteResponse{StatusMsg: pack.OK}, nil
}
