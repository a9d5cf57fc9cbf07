package handler

import (
	"context"
	"crypto/sha256"
	"encoding/hex"

	"tiktok/cmd/api/biz/call"
	"tiktok/cmd/api/biz/model/api"
	"tiktok/cmd/api/biz/pack"
	"tiktok/kitex_gen/user"
	"tiktok/pkg/errno"
)

// Register makes an account and logs it in.
func (h *Handler) Register(ctx context.Context, in *call.Call) (any, error) {
	name, password, err := credentials(in)
	if err != nil {
		return nil, err
	}
	r, err := h.Clients.User.Register(ctx, &user.RegisterRequest{Username: name, Password: password})
	if err != nil {
		return nil, err
	}
	return h.loggedIn(in, r.UserId)
}

// Login checks a password. Each attempt on one account takes one from a bucket that a success fills up again, so guessing
// is slow from the tenth failure on.
func (h *Handler) Login(ctx context.Context, in *call.Call) (any, error) {
	name, password, err := credentials(in)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256([]byte(name))
	account := hex.EncodeToString(sum[:16])
	if err := h.LoginFailures.Allow(ctx, in.Request, account); err != nil {
		return nil, err
	}
	r, err := h.Clients.User.Login(ctx, &user.LoginRequest{Username: name, Password: password})
	if err != nil {
		return nil, err
	}
	if err := h.refuseDemo(ctx, in, r.UserId, password); err != nil {
		return nil, err
	}
	h.LoginFailures.Reset(ctx, account)
	return h.loggedIn(in, r.UserId)
}

func credentials(in *call.Call) (name, password string, err error) {
	if name, err = in.Params.Text("username"); err != nil {
		return "", "", err
	}
	password, err = in.Params.Text("password")
	return name, password, err
}

func (h *Handler) loggedIn(in *call.Call, id int64) (any, error) {
	token, err := h.Tokens.Issue(id)
	if err != nil {
		return nil, err
	}
	in.Viewer = id // for the access log
	return &api.LoginResponse{StatusMsg: pack.OK, UserID: id, Token: token}, nil
}

// User is a profile.
func (h *Handler) User(ctx context.Context, in *call.Call) (any, error) {
	id, err := target(in)
	if err != nil {
		return nil, err
	}
	u, ok, err := h.View.User(ctx, scope(in), id)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, errno.UserNotFound
	}
	return &api.UserResponse{StatusMsg: pack.OK, User: u}, nil
}
