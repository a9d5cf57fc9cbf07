package service

import (
	"context"

	"tiktok/cmd/discovery/dal/db"
	"tiktok/cmd/discovery/visible"
	"tiktok/cmd/discovery/watch"
	"tiktok/kitex_gen/common"
	"tiktok/kitex_gen/discovery"
	"tiktok/pkg/errno"
	"tiktok/pkg/paging"
)

const (
	// defaultPage and maxPage are the sizes of pages.
	defaultPage, maxPage = 30, 100
	// maxBatch is how many ids one call has at most.
	maxBatch = 1000
	// finishWeight is what one who watches a video to its end adds to its heat, in likes.
	finishWeight = 1
)

// AddWatches implements the generated interface.
func (s *Service) AddWatches(ctx context.Context, req *discovery.AddWatchesRequest) (*discovery.AddWatchesResponse, error) {
	watches := make([]watch.Watch, len(req.Watches))
	for i, w := range req.Watches {
		if w == nil {
			return nil, errno.InvalidArgument.With("a watch is missing")
		}
		watches[i] = watch.Watch{VideoID: w.VideoId, Session: w.Session, WatchedMs: w.WatchedMs, Finished: w.Finished}
	}
	if err := s.watches.Add(ctx, req.UserId, watches); err != nil {
		return nil, err
	}
	return &discovery.AddWatchesResponse{}, nil
}

// ListHistory implements the generated interface.
func (s *Service) ListHistory(ctx context.Context, req *discovery.ListHistoryRequest) (*discovery.ListHistoryResponse, error) {
	if err := positive(req.UserId); err != nil {
		return nil, err
	}
	at, videoID, limit, err := place(req.Page)
	if err != nil {
		return nil, err
	}
	// As many more as the page has are for those that nobody sees any more: then a page is only short where most of a history is gone.
	read := 2 * limit
	rows, err := s.watches.History(ctx, req.UserId, db.HistoryPlace{AtMs: at, VideoID: videoID}, read)
	if err != nil {
		return nil, err
	}
	more := len(rows) == read
	shown, err := s.seeable(ctx, req.UserId, rows)
	if err != nil {
		return nil, err
	}
	resp := &discovery.ListHistoryResponse{}
	switch cursor := func(h db.History) string { return paging.Cursor(h.AtMs, h.VideoID) }; {
	case len(shown) > limit:
		shown, resp.NextCursor = paging.CutAt(shown, limit, cursor)
	case more:
		resp.NextCursor = cursor(rows[read-1])
	}
	resp.Watched = make([]*discovery.Watched, len(shown))
	for i, h := range shown {
		resp.Watched[i] = &discovery.Watched{VideoId: h.VideoID, AtMs: h.AtMs, WatchedMs: h.WatchedMs, Finished: h.Finished}
	}
	return resp, nil
}

// seeable are those rows of a history whose videos the user may see.
func (s *Service) seeable(ctx context.Context, userID int64, rows []db.History) ([]db.History, error) {
	refs, at := make([]visible.Ref, len(rows)), make(map[int64]db.History, len(rows))
	for i, h := range rows {
		refs[i].VideoID, at[h.VideoID] = h.VideoID, h
	}
	refs, err := s.visible.Videos(ctx, userID, refs)
	if err != nil {
		return nil, err
	}
	shown := make([]db.History, len(refs))
	for i, r := range refs {
		shown[i] = at[r.VideoID]
	}
	return shown, nil
}

// DeleteHistory implements the generated interface.
func (s *Service) DeleteHistory(ctx context.Context, req *discovery.DeleteHistoryRequest) (*discovery.DeleteHistoryResponse, error) {
	if req.VideoId < 0 {
		return nil, errno.InvalidArgument.With("an id must not be negative")
	}
	if err := positive(req.UserId); err != nil {
		return nil, err
	}
	if err := s.watches.Forget(ctx, req.UserId, req.VideoId); err != nil {
		return nil, err
	}
	return &discovery.DeleteHistoryResponse{}, nil
}

// MGetViews implements the generated interface.
func (s *Service) MGetViews(ctx context.Context, req *discovery.MGetViewsRequest) (*discovery.MGetViewsResponse, error) {
	if len(req.VideoIds) > maxBatch {
		return nil, errno.InvalidArgument.With("too many ids in one call")
	}
	views, err := s.watches.Views(ctx, req.VideoIds)
	if err != nil {
		return nil, err
	}
	return &discovery.MGetViewsResponse{Views: views}, nil
}

// place reads a request for a page of a list that two numbers order, the greatest first.
func place(page *common.Page) (before, beforeID int64, limit int, err error) {
	first := db.FirstPlace()
	if page == nil {
		return first.AtMs, first.VideoID, defaultPage, nil
	}
	if limit, err = paging.Limit(page.Limit, defaultPage, maxPage); err != nil {
		return 0, 0, 0, err
	}
	if page.Cursor == "" {
		return first.AtMs, first.VideoID, limit, nil
	}
	numbers, err := paging.Numbers(page.Cursor, 2)
	if err != nil {
		return 0, 0, 0, err
	}
	if numbers[1] == 0 {
		return 0, 0, 0, paging.ErrCursor()
	}
	return numbers[0], numbers[1], limit, nil
}

// positive fails with InvalidArgument when an id cannot be one.
func positive(id int64) error {
	if id <= 0 {
		return errno.InvalidArgument.With("an id must be greater than 0")
	}
	return nil
}
