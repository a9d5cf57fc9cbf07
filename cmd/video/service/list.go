package service

import (
	"context"
	"math"

	"golang.org/x/sync/errgroup"

	"tiktok/cmd/video/dal/cache"
	"tiktok/cmd/video/dal/db"
	"tiktok/cmd/video/pack"
	"tiktok/kitex_gen/common"
	"tiktok/kitex_gen/video"
	"tiktok/pkg/errno"
	"tiktok/pkg/paging"
)

const (
	// defaultFeed is the client's page.
	defaultFeed = 30
	// listsAtOnce bounds the statements that fill the cache of authors' lists.
	listsAtOnce = 8
)

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
	lists, err := s.newest.GetMulti(ctx, []int64{cache.Newest})
	if err != nil {
		return nil, err
	}
	rows := lists[cache.Newest]
	return rows[:min(limit, len(rows))], nil
}

// loadNewest fills the cache of the first page of the feed.
func (s *Service) loadNewest(ctx context.Context, _ []int64) (map[int64][]db.Video, error) {
	rows, err := s.store.Feed(ctx, 0, cache.NewestSize)
	return map[int64][]db.Video{cache.Newest: rows}, err
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

// byAuthor reads pages behind the first from a replica: whoever asks for a list that shows their own writes asks for a fresh one.
func (s *Service) byAuthor(ctx context.Context, authorID, beforeMs int64, limit int) ([]db.Video, error) {
	if beforeMs == math.MaxInt64 {
		lists, err := s.published.GetMulti(ctx, []int64{authorID})
		if err != nil {
			return nil, err
		}
		if l := lists[authorID]; !l.More {
			return l.Videos[:min(limit, len(l.Videos))], nil
		}
		return s.store.ListByAuthor(ctx, authorID, beforeMs, limit)
	}
	return s.behind.ListByAuthor(ctx, authorID, beforeMs, limit)
}

// loadPublished fills the cache of authors' lists, with a statement for each.
func (s *Service) loadPublished(ctx context.Context, authorIDs []int64) (map[int64]cache.Published, error) {
	lists := make([]cache.Published, len(authorIDs))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(listsAtOnce)
	for i, id := range authorIDs {
		g.Go(func() error {
			rows, err := s.store.ListByAuthor(ctx, id, 0, cache.MaxPublished+1)
			if lists[i].More = len(rows) > cache.MaxPublished; !lists[i].More {
				lists[i].Videos = rows
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	found := make(map[int64]cache.Published, len(authorIDs))
	for i, id := range authorIDs {
		found[id] = lists[i]
	}
	return found, nil
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
	videos, err := s.videos.GetMulti(ctx, ids)
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
	works, err := s.works.GetMulti(ctx, ids)
	if err != nil {
		return nil, err
	}
	counts := make(map[int64]int64, len(ids))
	for _, id := range ids {
		counts[id] = works[id]
	}
	return &video.MCountByAuthorResponse{WorkCounts: counts}, nil
}
