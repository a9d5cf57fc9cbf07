package v1

import (
	"context"

	"tiktok/cmd/api/biz/call"
	model "tiktok/cmd/api/biz/model/v1"
	"tiktok/cmd/api/biz/view"
	"tiktok/kitex_gen/interaction"
	"tiktok/kitex_gen/video"
	"tiktok/pkg/errno"
)

// Feed is one page of all videos, newest first. A cursor is the publish time of the last video.
func (a *API) Feed(ctx context.Context, in *call.Call) (any, error) {
	from, err := cursor(in)
	if err != nil {
		return nil, err
	}
	before, err := msOf(from)
	if err != nil {
		return nil, err
	}
	n, err := limit(in, 0) // 0: as many as the shared first page has
	if err != nil {
		return nil, err
	}
	p, err := a.view.Feed(ctx, in.Viewer, before, n)
	if err != nil {
		return nil, err
	}
	return &model.VideoPage{Items: renderFeed(in.Base, p), NextCursor: cursorOf(p.NextBeforeMs)}, nil
}

func videoPage(in *call.Call, videos []view.Video, next string) *model.VideoPage {
	return &model.VideoPage{Items: renderVideos(in.Base, videos), NextCursor: next}
}

// GetVideo is one video.
func (a *API) GetVideo(ctx context.Context, in *call.Call) (any, error) {
	id, err := pathID(in, "video_id")
	if err != nil {
		return nil, err
	}
	videos, err := a.view.VideosByID(ctx, in.Viewer, []int64{id})
	if err != nil {
		return nil, err
	}
	if len(videos) == 0 {
		return nil, errno.VideoNotFound
	}
	return renderVideo(in.Base, &videos[0]), nil
}

// DeleteVideo deletes a video of the viewer, listed or not.
func (a *API) DeleteVideo(ctx context.Context, in *call.Call) (any, error) {
	id, err := pathID(in, "video_id")
	if err != nil {
		return nil, err
	}
	_, err = a.shared.Clients.Video.DeleteVideo(ctx, &video.DeleteVideoRequest{AuthorId: in.Viewer, VideoId: id})
	return nil, err
}

// Like makes the viewer like a video.
func (a *API) Like(ctx context.Context, in *call.Call) (any, error) {
	id, err := pathID(in, "video_id")
	if err != nil {
		return nil, err
	}
	_, err = a.shared.Clients.Interaction.Favorite(ctx, &interaction.FavoriteRequest{UserId: in.Viewer, VideoId: id})
	return nil, err
}

// Unlike takes that back.
func (a *API) Unlike(ctx context.Context, in *call.Call) (any, error) {
	id, err := pathID(in, "video_id")
	if err != nil {
		return nil, err
	}
	_, err = a.shared.Clients.Interaction.Unfavorite(ctx, &interaction.UnfavoriteRequest{UserId: in.Viewer, VideoId: id})
	return nil, err
}

// ListUserVideos is an author's videos, newest first.
func (a *API) ListUserVideos(ctx context.Context, in *call.Call) (any, error) {
	id, page, err := listOf(in, "user_id")
	if err != nil {
		return nil, err
	}
	r, err := a.shared.Clients.Video.ListByAuthor(ctx, &video.ListByAuthorRequest{AuthorId: id, Page: page})
	if err != nil {
		return nil, err
	}
	if len(r.Videos) == 0 {
		return videoPage(in, nil, ""), a.mustExist(ctx, in, id)
	}
	videos, err := a.view.Videos(ctx, in.Viewer, r.Videos)
	if err != nil {
		return nil, err
	}
	return videoPage(in, videos, r.NextCursor), nil
}

// ListUserLikes is the videos that a user likes, last liked first. A page has fewer than limit when some were deleted.
func (a *API) ListUserLikes(ctx context.Context, in *call.Call) (any, error) {
	id, page, err := listOf(in, "user_id")
	if err != nil {
		return nil, err
	}
	r, err := a.shared.Clients.Interaction.ListFavorites(ctx, &interaction.ListFavoritesRequest{UserId: id, Page: page})
	if err != nil {
		return nil, err
	}
	if len(r.VideoIds) == 0 {
		return videoPage(in, nil, ""), a.mustExist(ctx, in, id)
	}
	videos, err := a.view.VideosByID(ctx, in.Viewer, r.VideoIds)
	if err != nil {
		return nil, err
	}
	return videoPage(in, videos, r.NextCursor), nil
}
