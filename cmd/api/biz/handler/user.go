package handler

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
	"time"

	"tiktok/cmd/api/biz/call"
	"tiktok/cmd/api/biz/middleware"
	"tiktok/cmd/api/biz/model/api"
	"tiktok/cmd/api/biz/pack"
	"tiktok/kitex_gen/user"
	"tiktok/pkg/clientnet"
	"tiktok/pkg/errno"
)

// Register makes an account and logs it in.
func (h *Handler) Register(ctx context.Context, in *call.Call) (any, error) {
	name, password, err := credentials(in)
	if err != nil {
		return nil, err
	}
	r, err := h.Clients.User.Register(ctx, &user.RegisterRequest{
		Username: name, Password: password, Client: clientnet.Key(in.Addr), Device: Device(in),
	})
	if err != nil {
		return nil, retryLater(in, err)
	}
	return h.loggedIn(in, r.UserId, r.Session)
}

// Login checks a password. Each attempt on one account from one network takes a token from a bucket, which a success fills up
// again: guessing is slow from the tenth failure on, and only for the network that guesses. The user service counts all
// networks together.
func (h *Handler) Login(ctx context.Context, in *call.Call) (any, error) {
	name, password, err := credentials(in)
	if err != nil {
		return nil, err
	}
	client := clientnet.Key(in.Addr)
	sum := sha256.Sum256([]byte(name))
	bucket := hex.EncodeToString(sum[:16]) + ":" + client
	if err := h.LoginFailures.Allow(ctx, in.Request, bucket); err != nil {
		return nil, err
	}
	r, err := h.Clients.User.Login(ctx, &user.LoginRequest{Username: name, Password: password, Client: client, Device: Device(in)})
	if err != nil {
		return nil, retryLater(in, err)
	}
	if err := h.refuseDemo(ctx, in, r.UserId, password); err != nil {
		return nil, err
	}
	h.LoginFailures.Reset(ctx, bucket)
	return h.loggedIn(in, r.UserId, r.Session)
}

// What Retry-After says to clients that the user service refuses.
const (
	busyPause  = 2 * time.Second
	guessPause = 30 * time.Second
)

// retryLater sets Retry-After for a temporary error.
func retryLater(in *call.Call, err error) error {
	switch e := errno.From(err); {
	case errors.Is(e, errno.Unavailable):
		middleware.RetryAfter(in.Request, busyPause)
	case errors.Is(e, errno.TooManyRequests):
		middleware.RetryAfter(in.Request, guessPause)
	}
	return err
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

// Device is where a session is opened from.
func Device(in *call.Call) *user.Device {
	return &user.Device{Agent: string(in.Request.UserAgent()), Addr: in.Addr.String()}
}

// loggedIn answers with a token of the session, which is nil from a user service of before sessions.
func (h *Handler) loggedIn(in *call.Call, id int64, session *user.Session) (any, error) {
	if session == nil {
		session = &user.Session{}
	}
	token, err := h.Tokens.Issue(id, session.Id)
	if err != nil {
		return nil, err
	}
	in.Viewer, in.Session = id, session.Id // for the access log
	return &api.LoginResponse{StatusMsg: pack.OK, UserID: id, Token: token}, nil
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
