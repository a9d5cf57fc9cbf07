package handler

import (
	"context"

	"tiktok/cmd/api/biz/call"
	"tiktok/cmd/api/biz/model/api"
	"tiktok/cmd/api/biz/pack"
	"tiktok/kitex_gen/interaction"
)

// FavoriteAction likes a video or takes the like back.
func (h *Handler) FavoriteAction(ctx context.Context, in *call.Call) (any, error) {
	id, err := in.Params.ID("video_id")
	if err != nil {
		return nil, err
	}
	undo, err := action(in)
	if err != nil {
		return nil, err
	}
	if undo {
		_, err = h.Clients.Interaction.Unfavorite(ctx, &interaction.UnfavoriteRequest{UserId: in.Viewer, VideoId: id})
	} else {
		_, err = h.Clients.Interaction.Favorite(ctx, &interaction.FavoriteRequest{UserId: in.Viewer, VideoId: id})
	}
	if err != nil {
		return nil, err
	}
	return &api.FavoriteActionResponse{StatusMsg: pack.OK}, nil
}

// FavoriteList is the videos that a user likes, most recent like first.
func (h *Handler) FavoriteList(ctx context.Context, in *call.Call) (any, error) {
	id, err := target(in)
	if err != nil {
		return nil, err
	}
	r, err := h.Clients.Interaction.ListFavorites(ctx, &interaction.ListFavoritesRequest{UserId: id, Page: fullPage()})
	if err != nil {
		return nil, err
	}
	videos, err := h.View.VideosByID(ctx, in.Viewer, r.VideoIds)
	if err != nil {
		return nil, err
	}
	return &api.FavoriteListResponse{StatusMsg: pack.OK, VideoList: pack.Videos(in.Base, videos)}, nil
}
