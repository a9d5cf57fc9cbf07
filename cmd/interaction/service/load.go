package service

import (
	"cmp"
	"context"
	"slices"

	"tiktok/cmd/interaction/dal/cache"
	"tiktok/cmd/interaction/dal/db"
	"tiktok/cmd/interaction/pack"
	"tiktok/pkg/kv"
)

// loadLikes reads what users like; of a user with more rows than are cached only that there are more.
func (s *Service) loadLikes(ctx context.Context, userIDs []int64) (map[int64]cache.Likes, error) {
	rows, err := s.store.FavoritesOfUsers(ctx, userIDs, cache.MaxLikes+1)
	if err != nil {
		return nil, err
	}
	found := make(map[int64]cache.Likes, len(userIDs))
	for _, id := range userIDs {
		found[id] = likesOf(rows[id])
	}
	return found, nil
}

func likesOf(rows []db.Favorite) cache.Likes {
	if len(rows) > cache.MaxLikes {
		return cache.Likes{IDList: kv.IDList{More: true}}
	}
	newest := int64(0)
	for _, row := range rows {
		newest = max(newest, row.LastEvent)
	}
	liked := slices.DeleteFunc(rows, func(row db.Favorite) bool { return !row.Liked })
	slices.SortFunc(liked, func(a, b db.Favorite) int { return cmp.Compare(b.LikedEvent, a.LikedEvent) })
	return cache.Likes{IDList: kv.NewIDList(pack.VideoIDs(liked), cache.MaxLikes), Newest: newest}
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
