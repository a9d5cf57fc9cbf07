package service

import (
	"context"
	"fmt"
	"math"

	"tiktok/cmd/interaction/dal/db"
	"tiktok/cmd/interaction/dal/mq"
	"tiktok/cmd/interaction/pack"
	"tiktok/kitex_gen/common"
	"tiktok/kitex_gen/interaction"
	"tiktok/pkg/paging"
)

// Favorite likes a video.
func (s *Service) Favorite(ctx context.Context, req *interaction.FavoriteRequest) (*interaction.FavoriteResponse, error) {
	if err := s.setFavorite(ctx, req.UserId, req.VideoId, true); err != nil {
		return nil, err
	}
	return &interaction.FavoriteResponse{}, nil
}

// Unfavorite takes a like back.
func (s *Service) Unfavorite(ctx context.Context, req *interaction.UnfavoriteRequest) (*interaction.UnfavoriteResponse, error) {
	if err := s.setFavorite(ctx, req.UserId, req.VideoId, false); err != nil {
		return nil, err
	}
	return &interaction.UnfavoriteResponse{}, nil
}

func (s *Service) setFavorite(ctx context.Context, userID, videoID int64, liked bool) error {
	if err := positive(userID, videoID); err != nil {
		return err
	}
	author, err := s.authorOf(ctx, videoID)
	if err != nil {
		return err
	}
	e, err := s.event(userID, videoID, author)
	if err != nil {
		return err
	}
	e.Favorite = &mq.FavoriteEvent{Liked: liked}
	if _, err := s.publish(ctx, e); err != nil {
		return fmt.Errorf("favorite video %d: %w", videoID, err)
	}
	return nil
}

// ListFavorites reads one page of the videos that a user likes.
func (s *Service) ListFavorites(ctx context.Context, req *interaction.ListFavoritesRequest) (*interaction.ListFavoritesResponse, error) {
	if err := positive(req.UserId); err != nil {
		return nil, err
	}
	before, limit, err := paging.Page(req.Page, common.MAX_BATCH)
	if err != nil {
		return nil, err
	}
	rows, err := s.favorites(ctx, req.UserId, before, limit+1)
	if err != nil {
		return nil, fmt.Errorf("list favorites of user %d: %w", req.UserId, err)
	}
	rows, next := paging.Cut(rows, limit, func(f db.Favorite) int64 { return f.LikedEvent })
	return &interaction.ListFavoritesResponse{VideoIds: pack.VideoIDs(rows), NextCursor: next}, nil
}

// storedFavorites are the favorites of a user who has nothing pending. The cache answers the first page when it holds all of
// them and they fit on it: it does not know the cursors of further pages.
func (s *Service) storedFavorites(ctx context.Context, userID, before int64, limit int) ([]db.Favorite, error) {
	if before == math.MaxInt64 {
		cached, err := s.likes.GetMulti(ctx, []int64{userID})
		if err != nil {
			return nil, err
		}
		if l := cached[userID]; !l.More && len(l.Order) < limit {
			s.ids.Observe(l.Newest)
			rows := make([]db.Favorite, len(l.Order))
			for i, id := range l.All() {
				rows[i] = db.Favorite{UserID: userID, VideoID: id, Liked: true}
			}
			return rows, nil
		}
	}
	return s.store.ListFavorites(ctx, userID, before, limit)
}
