package v1

import (
	"context"

	"tiktok/cmd/api/biz/call"
	"tiktok/cmd/api/biz/handler"
)

// pictureTypes are the content types of pictures. What counts is what is in them.
func pictureTypes() []string { return []string{"image/jpeg", "image/png", "image/gif", "image/webp"} }

// SetAvatar replaces the viewer's avatar.
func (a *API) SetAvatar(ctx context.Context, in *call.Call) (any, error) {
	return a.setPicture(ctx, in, handler.Avatar())
}

// DeleteAvatar goes back to the default avatar.
func (a *API) DeleteAvatar(ctx context.Context, in *call.Call) (any, error) {
	return a.deletePicture(ctx, in, handler.Avatar())
}

// SetBackground replaces the background of the viewer's profile.
func (a *API) SetBackground(ctx context.Context, in *call.Call) (any, error) {
	return a.setPicture(ctx, in, handler.Background())
}

// DeleteBackground goes back to the default background.
func (a *API) DeleteBackground(ctx context.Context, in *call.Call) (any, error) {
	return a.deletePicture(ctx, in, handler.Background())
}

func (a *API) setPicture(ctx context.Context, in *call.Call, kind handler.OwnPicture) (any, error) {
	if err := a.shared.SetPicture(ctx, in, kind); err != nil {
		return nil, err
	}
	return a.user(ctx, in, in.Viewer)
}

func (a *API) deletePicture(ctx context.Context, in *call.Call, kind handler.OwnPicture) (any, error) {
	if err := a.shared.DeletePicture(ctx, in.Viewer, kind); err != nil {
		return nil, err
	}
	return a.user(ctx, in, in.Viewer)
}
