package service

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"golang.org/x/sync/errgroup"

	"tiktok/cmd/interaction/dal/cache"
	"tiktok/cmd/interaction/dal/db"
	"tiktok/cmd/interaction/dal/mq"
	"tiktok/cmd/interaction/dal/pending"
	"tiktok/cmd/interaction/pack"
	"tiktok/kitex_gen/common"
	"tiktok/kitex_gen/interaction"
	"tiktok/pkg/paging"
)

// viewerQuery is a checked ViewerQuery.
type viewerQuery struct {
	viewer        int64
	videos, users []int64
}

// MGetStats reads counters through the cache, and what viewers see differently. Without pending events that is four reads
// of the cache, whatever the number of queries, and a constant number of statements for what it does not hold.
func (s *Service) MGetStats(ctx context.Context, req *interaction.MGetStatsRequest) (*interaction.MGetStatsResponse, error) {
	videoIDs, err := paging.IDs(req.VideoIds, common.MAX_BATCH)
	if err != nil {
		return nil, err
	}
	userIDs, err := paging.IDs(req.UserIds, common.MAX_BATCH)
	if err != nil {
		return nil, err
	}
	queries, err := checkQueries(req.ViewerQueries)
	if err != nil {
		return nil, err
	}
	o, err := s.overlayStats(ctx, userIDs, queries) // before the caches: see package pending
	if err != nil {
		return nil, fmt.Errorf("read pending events: %w", err)
	}
	resp := &interaction.MGetStatsResponse{}
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		counts, err := s.stats.Videos.GetMulti(gctx, videoIDs)
		resp.Videos = pack.VideoStats(videoIDs, counts)
		return wrap("read video stats", err)
	})
	g.Go(func() error {
		counts, err := s.stats.Users.GetMulti(gctx, userIDs)
		if err == nil {
			maps.Copy(counts, o.userStats(0, userIDs))
		}
		resp.Users = pack.UserStats(userIDs, counts)
		return wrap("read user stats", err)
	})
	g.Go(func() (err error) {
		resp.ViewerStates, err = s.viewerStates(gctx, queries, o)
		return wrap("read what viewers see", err)
	})
	if err := g.Wait(); err != nil {
		return nil, err
	}
	return resp, nil
}

func wrap(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}

func checkQueries(asked []*interaction.ViewerQuery) ([]viewerQuery, error) {
	err := paging.Viewers(asked, common.MAX_BATCH, interaction.MAX_VIEWER_IDS, func(q *interaction.ViewerQuery) (viewerID int64, ids int) {
		return q.ViewerId, len(q.VideoIds) + len(q.UserIds)
	})
	if err != nil {
		return nil, err
	}
	queries := make([]viewerQuery, len(asked))
	for i, q := range asked {
		queries[i] = viewerQuery{viewer: q.ViewerId, videos: q.VideoIds, users: q.UserIds}
	}
	return queries, nil
}

// overlayStats lays the pending events that change an answer over the stored counters.
func (s *Service) overlayStats(ctx context.Context, userIDs []int64, queries []viewerQuery) (*overlay, error) {
	events := s.pendingFor(ctx, userIDs, queries)
	if len(events) == 0 {
		return &overlay{}, nil
	}
	touchedVideos, touchedUsers := map[int64]bool{}, map[int64]bool{}
	for _, e := range events {
		touchedVideos[e.VideoID], touchedUsers[e.UserID], touchedUsers[e.AuthorID] = true, true, true
	}
	var videoIDs []int64
	userIDs = take(userIDs, touchedUsers)
	for _, q := range queries {
		videoIDs = append(videoIDs, take(q.videos, touchedVideos)...)
		userIDs = append(userIDs, take(q.users, touchedUsers)...)
	}
	var videos map[int64]db.VideoStats
	var users map[int64]db.UserStats
	o, err := s.overlay(ctx, events, func(at *db.Store, _ *overlay) (err error) {
		if videos, err = at.VideoStats(ctx, videoIDs); err != nil {
			return err
		}
		users, err = at.UserStats(ctx, userIDs)
		return err
	})
	if err != nil {
		return nil, err
	}
	o.storedVideos, o.storedUsers = videos, users
	return o, nil
}

// take returns those ids that are in a set and removes them from it.
func take(ids []int64, from map[int64]bool) []int64 {
	var taken []int64
	for _, id := range ids {
		if from[id] {
			taken = append(taken, id)
			delete(from, id)
		}
	}
	return taken
}

// pendingFor reads the pending events that change an answer: all likes of users, which everybody sees, and what viewers
// have pending for the videos and users that they ask about.
func (s *Service) pendingFor(ctx context.Context, userIDs []int64, queries []viewerQuery) []mq.Event {
	lists := make([]pending.List, 0, len(userIDs)+2*len(queries))
	for _, id := range userIDs {
		lists = append(lists, pending.Likes(id))
	}
	for _, q := range queries {
		lists = append(lists, pending.Likes(q.viewer))
		if len(q.videos) > 0 {
			lists = append(lists, pending.Comments(q.viewer))
		}
	}
	found := s.readPending(ctx, lists...)
	if len(found) == 0 {
		return nil
	}
	var events []mq.Event
	asked := map[int64]bool{}
	for _, id := range userIDs {
		asked[id] = true
		events = append(events, found[pending.Likes(id)]...)
	}
	for _, q := range queries {
		for _, id := range q.users {
			asked[id] = true
		}
	}
	for _, q := range queries {
		for _, e := range slices.Concat(found[pending.Likes(q.viewer)], found[pending.Comments(q.viewer)]) {
			if slices.Contains(q.videos, e.VideoID) || e.Favorite != nil && (asked[e.UserID] || asked[e.AuthorID]) {
				events = append(events, e)
			}
		}
	}
	return events
}

// viewerStates are what viewers see differently from everybody.
func (s *Service) viewerStates(ctx context.Context, queries []viewerQuery, o *overlay) ([]*interaction.ViewerState, error) {
	likes, rows, err := s.likesFor(ctx, queries)
	if err != nil {
		return nil, err
	}
	maps.Copy(rows, o.favorites)
	states := make([]*interaction.ViewerState, len(queries))
	for i, q := range queries {
		state, cached := &interaction.ViewerState{}, likes[q.viewer]
		for _, v := range q.videos {
			row, found := rows[db.FavoriteKey{UserID: q.viewer, VideoID: v}]
			if found && row.Liked || !found && cached.Has(v) {
				state.FavoriteIds = append(state.FavoriteIds, v)
			}
		}
		if counts := o.videoStats(q.viewer, q.videos); len(counts) > 0 {
			state.Videos = pack.VideoStats(slices.Collect(maps.Keys(counts)), counts)
		}
		if counts := o.userStats(q.viewer, q.users); len(counts) > 0 {
			state.Users = pack.UserStats(slices.Collect(maps.Keys(counts)), counts)
		}
		states[i] = state
	}
	return states, nil
}

// likesFor reads the likes of viewers, and row by row those of viewers with more likes than are cached.
func (s *Service) likesFor(ctx context.Context, queries []viewerQuery) (map[int64]cache.Likes, map[db.FavoriteKey]db.Favorite, error) {
	viewers := make([]int64, 0, len(queries))
	for _, q := range queries {
		if len(q.videos) > 0 {
			viewers = append(viewers, q.viewer)
		}
	}
	likes, err := s.likes.GetMulti(ctx, viewers)
	if err != nil {
		return nil, nil, err
	}
	var keys []db.FavoriteKey
	for _, q := range queries {
		if likes[q.viewer].More {
			for _, v := range q.videos {
				keys = append(keys, db.FavoriteKey{UserID: q.viewer, VideoID: v})
			}
		}
		s.ids.Observe(likes[q.viewer].Newest)
	}
	rows, err := s.store.FavoriteRows(ctx, keys)
	if err != nil {
		return nil, nil, err
	}
	s.observe(rows)
	return likes, rows, nil
}
