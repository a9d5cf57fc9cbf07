package service

import (
	"context"
	"fmt"

	"tiktok/cmd/interaction/dal/db"
	"tiktok/cmd/interaction/dal/mq"
	"tiktok/cmd/interaction/pack"
	"tiktok/kitex_gen/common"
	"tiktok/kitex_gen/interaction"
	"tiktok/kitex_gen/video"
	"tiktok/pkg/batch"
	"tiktok/pkg/errno"
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
	e := s.event(userID, videoID, author)
	e.Favorite = &mq.FavoriteEvent{Liked: liked}
	if err := s.publish(ctx, e); err != nil {
		return fmt.Errorf("favorite video %d: %w", videoID, err)
	}
	return nil
}

// ListFavorites reads one page of the videos that a user likes.
func (s *Service) ListFavorites(ctx context.Context, req *interaction.ListFavoritesRequest) (*interaction.ListFavoritesResponse, error) {
	if err := positive(req.UserId); err != nil {
		return nil, err
	}
	before, limit, err := batch.Page(req.Page, common.MAX_BATCH)
	if err != nil {
		return nil, err
	}
	rows, err := s.favorites(ctx, req.UserId, before, limit+1)
	if err != nil {
		return nil, fmt.Errorf("list favorites of user %d: %w", req.UserId, err)
	}
	rows, next := batch.Cut(rows, limit, func(f db.Favorite) int64 { return f.LikedEvent })
	return &interaction.ListFavoritesResponse{VideoIds: pack.VideoIDs(rows), NextCursor: next}, nil
}

// authorOf asks the video service who published a video. It fails with VideoNotFound.
func (s *Service) authorOf(ctx context.Context, videoID int64) (int64, error) {
	resp, err := s.peers.Videos.MGetVideos(ctx, &video.MGetVideosRequest{VideoIds: []int64{videoID}})
	if err != nil {
		if code := errno.From(err); code.Is(errno.Unavailable) {
			err = fmt.Errorf("%w: %w", code, err) // over the wire a bare error would become an internal one
		}
		return 0, fmt.Errorf("read video %d: %w", videoID, err)
	}
	v := resp.Videos[videoID]
	if v == nil {
		return 0, errno.VideoNotFound
	}
	return v.AuthorId, nil
}
