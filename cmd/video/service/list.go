package service

import (
	"context"
	"strconv"

	"tiktok/cmd/video/dal/db"
	"tiktok/cmd/video/pack"
	"tiktok/kitex_gen/common"
	"tiktok/kitex_gen/video"
	"tiktok/pkg/errno"
)

// defaultFeed is the client's page.
const defaultFeed = 30

// Feed reads one page of all videos in one statement. It is not cached: a video must be in the feed at once.
func (s *Service) Feed(ctx context.Context, req *video.FeedRequest) (*video.FeedResponse, error) {
	limit, err := pageSize(req.Limit, defaultFeed)
	if err != nil {
		return nil, err
	}
	rows, err := s.store.Feed(ctx, req.BeforeMs, limit)
	if err != nil {
		return nil, err
	}
	return &video.FeedResponse{Videos: pack.Videos(rows), NextBeforeMs: oldest(rows)}, nil
}

// ListByAuthor reads one page of an author's videos in one statement. The cursor is the publish time of the page's last
// video.
func (s *Service) ListByAuthor(ctx context.Context, req *video.ListByAuthorRequest) (*video.ListByAuthorResponse, error) {
	if req.AuthorId <= 0 {
		return nil, errno.InvalidArgument.With("user id is missing")
	}
	page := req.Page
	if page == nil {
		page = &common.Page{}
	}
	limit, err := pageSize(page.Limit, common.MAX_BATCH)
	if err != nil {
		return nil, err
	}
	before := int64(0)
	if page.Cursor != "" {
		if before, err = strconv.ParseInt(page.Cursor, 10, 64); err != nil || before <= 0 {
			return nil, errno.InvalidArgument.With("cursor is not valid")
		}
	}
	rows, err := s.store.ListByAuthor(ctx, req.AuthorId, before, limit+1)
	if err != nil {
		return nil, err
	}
	next := ""
	if len(rows) > limit {
		rows = rows[:limit]
		next = strconv.FormatInt(oldest(rows), 10)
	}
	return &video.ListByAuthorResponse{Videos: pack.Videos(rows), NextCursor: next}, nil
}

// oldest is the publish time of the last video of a page, 0 of an empty one.
func oldest(rows []db.Video) int64 {
	if len(rows) == 0 {
		return 0
	}
	return rows[len(rows)-1].PublishedAtMs
}

func pageSize(asked int32, none int) (int, error) {
	switch {
	case asked < 0 || asked > common.MAX_BATCH:
		return 0, errno.InvalidArgument.With("page size is out of range")
	case asked == 0:
		return none, nil
	}
	return int(asked), nil
}

// MGetVideos reads videos through the cache.
func (s *Service) MGetVideos(ctx context.Context, req *video.MGetVideosRequest) (*video.MGetVideosResponse, error) {
	ids, err := uniqueIDs(req.VideoIds)
	if err != nil {
		return nil, err
	}
	videos, err := s.videos.GetMulti(ctx, ids, s.store.MGetVideos)
	if err != nil {
		return nil, err
	}
	return &video.MGetVideosResponse{Videos: pack.ByID(videos)}, nil
}

// MCountByAuthor reads counts through the cache.
func (s *Service) MCountByAuthor(ctx context.Context, req *video.MCountByAuthorRequest) (*video.MCountByAuthorResponse, error) {
	ids, err := uniqueIDs(req.AuthorIds)
	if err != nil {
		return nil, err
	}
	works, err := s.works.GetMulti(ctx, ids, s.store.MCountWorks)
	if err != nil {
		return nil, err
	}
	counts := make(map[int64]int64, len(ids))
	for _, id := range ids {
		counts[id] = works[id]
	}
	return &video.MCountByAuthorResponse{WorkCounts: counts}, nil
}
