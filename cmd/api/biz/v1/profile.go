package v1

import (
	"context"

	"tiktok/cmd/api/biz/call"
	model "tiktok/cmd/api/biz/model/v1"
	"tiktok/kitex_gen/user"
)

// GetUserByName is the profile of the account with a name, compared byte for byte.
func (a *API) GetUserByName(ctx context.Context, in *call.Call) (any, error) {
	r, err := a.shared.Clients.User.FindUser(ctx, &user.FindUserRequest{Username: in.Request.Param("name")})
	if err != nil {
		return nil, err
	}
	return a.user(ctx, in, r.User.Id)
}

// UpdateProfile changes the texts of the viewer's profile.
func (a *API) UpdateProfile(ctx context.Context, in *call.Call) (any, error) {
	var req model.ProfileRequest
	if err := body(in, &req); err != nil {
		return nil, err
	}
	_, err := a.shared.Clients.User.UpdateProfile(ctx, &user.UpdateProfileRequest{
		UserId: in.Viewer, DisplayName: req.DisplayName, Signature: req.Signature,
	})
	if err != nil {
		return nil, err
	}
	return a.user(ctx, in, in.Viewer)
}
