package handler

import (
	"context"
	"strings"

	"tiktok/cmd/api/biz/call"
	"tiktok/cmd/api/biz/model/api"
	"tiktok/cmd/api/biz/pack"
	"tiktok/pkg/errno"
)

// Register makes an account and logs it in.
func (h *Handler) Register(ctx context.Context, in *call.Call) (any, error) {
	name, password, err := credentials(in)
	if err != nil {
		return nil, err
	}
	return loginResponse(h.SignUp(ctx, in, name, password, false))
}

// Login checks a password.
func (h *Handler) Login(ctx context.Context, in *call.Call) (any, error) {
	name, password, err := credentials(in)
	if err != nil {
		return nil, err
	}
	return loginResponse(h.SignIn(ctx, in, name, password))
}

func loginResponse(l *Login, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return &api.LoginResponse{StatusMsg: pack.OK, UserID: l.UserID, Token: l.Token}, nil
}

func credentials(in *call.Call) (name, password string, err error) {
	if name, err = in.Params.Text("username"); err != nil {
		return "", "", err
	}
	if password, err = in.Params.Text("password"); err != nil {
		return "", "", err
	}
	if kind, _, _ := strings.Cut(string(in.Request.ContentType()), ";"); (name == "" || password == "") &&
		strings.EqualFold(strings.TrimSpace(kind), "application/json") {
		return "", "", errno.InvalidArgument.With(
			"send username and password as query or form parameters, not JSON; /api/v1/sessions takes JSON")
	}
	return name, password, nil
}

// User is a profile.
func (h *Handler) User(ctx context.Context, in *call.Call) (any, error) {
	id, err := target(in)
	if err != nil {
		return nil, err
	}
	p, err := h.View.Profile(ctx, in.Viewer, id)
	if err != nil {
		return nil, err
	}
	if p.User == nil {
		return nil, errno.UserNotFound
	}
	return &api.UserResponse{StatusMsg: pack.OK, User: pack.User(in.Base, p)}, nil
}
