package service

import (
	"context"
	"fmt"

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
	counts, err := s.stats.Videos.GetMulti(ctx, ids, s.loadVideoStats)
	if err != nil {
		return nil, fmt.Errorf("read video stats: %w", err)
	}
	var liked map[int64]bool
	if req.ViewerId > 0 {
		if liked, err = s.store.Liked(ctx, req.ViewerId, ids); err != nil {
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
	counts, err := s.stats.Users.GetMulti(ctx, ids, s.loadUserStats)
	if err != nil {
		return nil, fmt.Errorf("read user stats: %w", err)
	}
	stats := make(map[int64]*interaction.UserStats, len(ids))
	for _, id := range ids {
		c := counts[id]
		stats[id] = &interaction.UserStats{TotalFavorited: c.TotalFavorited, FavoriteCount: c.FavoriteCount}
	}
	return &interaction.MGetUserStatsResponse{Stats: stats}, nil
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
