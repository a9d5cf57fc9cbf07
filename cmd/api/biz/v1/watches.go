package v1

import (
	"context"
	"fmt"

	"tiktok/cmd/api/biz/call"
	model "tiktok/cmd/api/biz/model/v1"
	"tiktok/cmd/api/biz/pack"
	"tiktok/kitex_gen/discovery"
	"tiktok/pkg/text"
)

const (
	// maxSession is the longest name of a session of watching, in characters.
	maxSession = 36
	// maxWatchedMs is the longest that is watched in one session: a day.
	maxWatchedMs = 86_400_000
)

// AddWatches stores what the viewer has watched.
func (a *API) AddWatches(ctx context.Context, in *call.Call) (any, error) {
	var req model.AddWatchesRequest
	if err := body(in, &req); err != nil {
		return nil, err
	}
	if len(req.Items) < 1 || len(req.Items) > int(discovery.MAX_WATCHES) {
		return nil, invalid(fmt.Sprintf("items has to be a list of 1 to %d watches", discovery.MAX_WATCHES))
	}
	watches := make([]*discovery.Watch, len(req.Items))
	for i, item := range req.Items {
		w, problem := watchOf(item)
		if problem != "" {
			return nil, invalid(fmt.Sprintf("items.%d%s", i, problem))
		}
		watches[i] = w
	}
	_, err := a.shared.Clients.Discovery.AddWatches(ctx, &discovery.AddWatchesRequest{UserId: in.Viewer, Watches: watches})
	return nil, err
}

// watchOf reads a watch, or says what is wrong with it.
func watchOf(w *model.Watch) (out *discovery.Watch, problem string) {
	if w == nil {
		return nil, " is not an object"
	}
	if w.VideoID <= 0 || w.VideoID > maxID {
		return nil, ".video_id is not an id"
	}
	if _, err := (text.Rule{Max: maxSession}).Clean(w.Session); err != nil {
		return nil, fmt.Sprintf(".session has to be a text of 1 to %d characters", maxSession)
	}
	if w.WatchedMs < 0 || w.WatchedMs > maxWatchedMs {
		return nil, fmt.Sprintf(".watched_ms has to be a number from 0 to %d", maxWatchedMs)
	}
	return &discovery.Watch{VideoId: w.VideoID, Session: w.Session, WatchedMs: w.WatchedMs, Finished: w.GetIsFinished()}, ""
}

// ListHistory is what the viewer has watched, last watched first. A page has fewer than limit when some videos are gone.
func (a *API) ListHistory(ctx context.Context, in *call.Call) (any, error) {
	page, err := page(in)
	if err != nil {
		return nil, err
	}
	r, err := a.shared.Clients.Discovery.ListHistory(ctx, &discovery.ListHistoryRequest{UserId: in.Viewer, Page: page})
	if err != nil {
		return nil, err
	}
	ids, watched := make([]int64, len(r.Watched)), make(map[int64]*discovery.Watched, len(r.Watched))
	for i, w := range r.Watched {
		ids[i], watched[w.VideoId] = w.VideoId, w
	}
	videos, err := a.view.VideosByID(ctx, in.Viewer, ids)
	if err != nil {
		return nil, err
	}
	items := pack.Each(renderVideos(in.Base, videos), func(v **model.Video) *model.HistoryItem {
		w := watched[(*v).ID]
		return &model.HistoryItem{Video: *v, WatchedAt: timestamp(w.AtMs), WatchedMs: w.WatchedMs, IsFinished: w.Finished}
	})
	return &model.HistoryPage{Items: items, NextCursor: r.NextCursor}, nil
}

// DeleteHistory forgets all that the viewer has watched.
func (a *API) DeleteHistory(ctx context.Context, in *call.Call) (any, error) {
	_, err := a.shared.Clients.Discovery.DeleteHistory(ctx, &discovery.DeleteHistoryRequest{UserId: in.Viewer})
	return nil, err
}

// DeleteHistoryItem forgets that the viewer has watched a video.
func (a *API) DeleteHistoryItem(ctx context.Context, in *call.Call) (any, error) {
	id, err := pathID(in, "video_id")
	if err != nil {
		return nil, err
	}
	_, err = a.shared.Clients.Discovery.DeleteHistory(ctx, &discovery.DeleteHistoryRequest{UserId: in.Viewer, VideoId: id})
	return nil, err
}
