package service

import (
	"context"
	"math"

	"tiktok/cmd/video/dal/cache"
	"tiktok/cmd/video/dal/db"
	"tiktok/cmd/video/pack"
	"tiktok/kitex_gen/common"
	"tiktok/kitex_gen/video"
	"tiktok/pkg/errno"
	"tiktok/pkg/paging"
)

// defaultFeed is the client's page.
const defaultFeed = 30

// Feed reads one page of all videos: the first one through the cache, the others in one statement.
func (s *Service) Feed(ctx context.Context, req *video.FeedRequest) (*video.FeedResponse, error) {
	limit, err := paging.Limit(req.Limit, defaultFeed, common.MAX_BATCH)
	if err != nil {
		return nil, err
	}
	rows, err := s.feed(ctx, req.BeforeMs, limit)
	if err != nil {
		return nil, err
	}
	return &video.FeedResponse{Videos: pack.Videos(rows), NextBeforeMs: oldest(rows)}, nil
}

func (s *Service) feed(ctx context.Context, beforeMs int64, limit int) ([]db.Video, error) {
	if beforeMs > 0 || limit > cache.NewestSize {
		return s.store.Feed(ctx, beforeMs, limit)
	}
	lists, err := s.newest.GetMulti(ctx, []int64{cache.Newest}, func(ctx context.Context, _ []int64) (map[int64][]db.Video, error) {
		rows, err := s.store.Feed(ctx, 0, cache.NewestSize)
		return map[int64][]db.Video{cache.Newest: rows}, err
	})
	if err != nil {
		return nil, err
	}
	rows := lists[cache.Newest]
	return rows[:min(limit, len(rows))], nil
}

// ListByAuthor reads one page of an author's videos: the first one through the cache, the others in one statement. The
// cursor is the publish time of the page's last video.
func (s *Service) ListByAuthor(ctx context.Context, req *video.ListByAuthorRequest) (*video.ListByAuthorResponse, error) {
	if req.AuthorId <= 0 {
		return nil, errno.InvalidArgument.With("user id is missing")
	}
	before, limit, err := paging.Page(req.Page, common.MAX_BATCH)
	if err != nil {
		return nil, err
	}
	read := s.byAuthor
	if req.Fresh {
		read = s.store.ListByAuthor
	}
	rows, err := read(ctx, req.AuthorId, before, limit+1)
	if err != nil {
		return nil, err
	}
	rows, next := paging.Cut(rows, limit, func(v db.Video) int64 { return v.PublishedAtMs })
	return &video.ListByAuthorResponse{Videos: pack.Videos(rows), NextCursor: next}, nil
}

func (s *Service) byAuthor(ctx context.Context, authorID, beforeMs int64, limit int) ([]db.Video, error) {
	if beforeMs == math.MaxInt64 {
		lists, err := s.published.GetMulti(ctx, []int64{authorID}, func(ctx context.Context, _ []int64) (map[int64]cache.Published, error) {
			rows, err := s.store.ListByAuthor(ctx, authorID, 0, cache.MaxPublished+1)
			if len(rows) > cache.MaxPublished {
				return map[int64]cache.Published{authorID: {More: true}}, err
			}
			return map[int64]cache.Published{authorID: {Videos: rows}}, err
		})
		if err != nil {
			return nil, err
		}
		if l := lists[authorID]; !l.More {
			return l.Videos[:min(limit, len(l.Videos))], nil
		}
	}
	return s.store.ListByAuthor(ctx, authorID, beforeMs, limit)
}

// oldest is the publish time of the last video of a page, 0 of an empty one.
func oldest(rows []db.Video) int64 {
	if len(rows) == 0 {
		return 0
	}
	return rows[len(rows)-1].PublishedAtMs
}

// MGetVideos reads videos through the cache.
func (s *Service) MGetVideos(ctx context.Context, req *video.MGetVideosRequest) (*video.MGetVideosResponse, error) {
	ids, err := paging.IDs(req.VideoIds, common.MAX_BATCH)
	if err != nil {
		return nil, err
	}
	videos, err := s.videos.GetMulti(ctx, ids, s.loadVideos)
	if err != nil {
		return nil, err
	}
	return &video.MGetVideosResponse{Videos: pack.ByID(videos)}, nil
}

// MCountByAuthor reads counts through the cache.
func (s *Service) MCountByAuthor(ctx context.Context, req *video.MCountByAuthorRequest) (*video.MCountByAuthorResponse, error) {
	ids, err := paging.IDs(req.AuthorIds, common.MAX_BATCH)
	if err != nil {
		return nil, err
	}
	works, err := s.works.GetMulti(ctx, ids, s.loadWorks)
	if err != nil {
		return nil, err
	}
	counts := make(map[int64]int64, len(ids))
	for _, id := range ids {
		counts[id] = works[id]
	}
	return &video.MCountByAuthorResponse{WorkCounts: counts}, nil
}
