package service

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"tiktok/cmd/interaction/dal/cache"
	"tiktok/kitex_gen/common"
	"tiktok/kitex_gen/interaction"
	"tiktok/pkg/batch"
)

// MGetVideoStats reads the counters of videos and whether the viewer likes them.
func (s *Service) MGetVideoStats(ctx context.Context, req *interaction.MGetVideoStatsRequest) (*interaction.MGetVideoStatsResponse, error) {
	ids, err := batch.IDs(req.VideoIds, common.MAX_BATCH)
	if err != nil {
		return nil, err
	}
	var lists pendingLists
	if req.ViewerId > 0 && len(ids) > 0 {
		lists = s.readPending(ctx, cache.FavoritesBy(req.ViewerId), cache.CommentsBy(req.ViewerId))
	}
	touched := touchedVideos(ids, lists)
	counts, err := s.stats.Videos.GetMulti(ctx, without(ids, touched), s.loadVideos)
	if err != nil {
		return nil, fmt.Errorf("read video stats: %w", err)
	}
	var liked map[int64]bool
	switch {
	case len(touched) > 0:
		now, is, err := s.videoStatsNow(ctx, req.ViewerId, touched, ids, lists)
		if err != nil {
			return nil, fmt.Errorf("read video stats with pending writes: %w", err)
		}
		maps.Copy(counts, now)
		liked = is
	case req.ViewerId > 0:
		if liked, err = s.likedBy(ctx, req.ViewerId, ids); err != nil {
			return nil, fmt.Errorf("read likes of user %d: %w", req.ViewerId, err)
		}
	}
	stats := make(map[int64]*interaction.VideoStats, len(ids))
	for _, id := range ids {
		c := counts[id]
		stats[id] = &interaction.VideoStats{FavoriteCount: c.FavoriteCount, CommentCount: c.CommentCount, IsFavorite: liked[id]}
	}
	return &interaction.MGetVideoStatsResponse{Stats: stats}, nil
}

// MGetUserStats reads the counters of users.
func (s *Service) MGetUserStats(ctx context.Context, req *interaction.MGetUserStatsRequest) (*interaction.MGetUserStatsResponse, error) {
	ids, err := batch.IDs(req.UserIds, common.MAX_BATCH)
	if err != nil {
		return nil, err
	}
	keys := make([]cache.PendingKey, len(ids), len(ids)+1)
	for i, id := range ids {
		keys[i] = cache.FavoritesBy(id)
	}
	if req.ViewerId > 0 && len(ids) > 0 && !slices.Contains(ids, req.ViewerId) {
		keys = append(keys, cache.FavoritesBy(req.ViewerId))
	}
	lists := s.readPending(ctx, keys...)
	touched := touchedUsers(req.ViewerId, ids, lists)
	counts, err := s.stats.Users.GetMulti(ctx, without(ids, touched), s.loadUsers)
	if err != nil {
		return nil, fmt.Errorf("read user stats: %w", err)
	}
	if len(touched) > 0 {
		now, err := s.userStatsNow(ctx, req.ViewerId, touched, lists)
		if err != nil {
			return nil, fmt.Errorf("read user stats with pending writes: %w", err)
		}
		maps.Copy(counts, now)
	}
	stats := make(map[int64]*interaction.UserStats, len(ids))
	for _, id := range ids {
		c := counts[id]
		stats[id] = &interaction.UserStats{TotalFavorited: c.TotalFavorited, FavoriteCount: c.FavoriteCount}
	}
	return &interaction.MGetUserStatsResponse{Stats: stats}, nil
}

func (s *Service) likedBy(ctx context.Context, userID int64, videoIDs []int64) (map[int64]bool, error) {
	rows, err := s.store.FavoritesOf(ctx, userID, videoIDs)
	if err != nil {
		return nil, err
	}
	observe(s, rows)
	liked := make(map[int64]bool, len(rows))
	for id, row := range rows {
		liked[id] = row.Liked
	}
	return liked, nil
}

func (s *Service) loadVideoStats(ctx context.Context, ids []int64) (map[int64]cache.VideoStats, error) {
	rows, err := s.store.VideoStats(ctx, ids)
	if err != nil {
		return nil, err
	}
	found := make(map[int64]cache.VideoStats, len(rows))
	for id, r := range rows {
		found[id] = cache.VideoStats{FavoriteCount: r.FavoriteCount, CommentCount: r.CommentCount}
	}
	return found, nil
}

func (s *Service) loadUserStats(ctx context.Context, ids []int64) (map[int64]cache.UserStats, error) {
	rows, err := s.store.UserStats(ctx, ids)
	if err != nil {
		return nil, err
	}
	found := make(map[int64]cache.UserStats, len(rows))
	for id, r := range rows {
		found[id] = cache.UserStats{TotalFavorited: r.TotalFavorited, FavoriteCount: r.FavoriteCount}
	}
	return found, nil
}
