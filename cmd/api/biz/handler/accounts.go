package handler

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strconv"
	"time"

	"tiktok/cmd/api/biz/call"
	"tiktok/cmd/api/biz/middleware"
	"tiktok/kitex_gen/user"
	"tiktok/pkg/clientnet"
	"tiktok/pkg/errno"
)

// Login is a session that was opened.
type Login struct {
	UserID int64
	// Session has the id 0 from a user service of before sessions.
	Session *user.Session
	Token   string
}

// SignUp makes an account and opens a session. strict refuses the most common passwords.
func (h *Handler) SignUp(ctx context.Context, in *call.Call, name, password string, strict bool) (*Login, error) {
	key, err := in.RequestKey()
	if err != nil {
		return nil, err
	}
	r, err := h.Clients.User.Register(ctx, &user.RegisterRequest{
		Username: name, Password: password, Client: clientnet.Key(in.Addr), Device: device(in), StrictPassword: strict, RequestKey: key,
	})
	if err != nil {
		return nil, retryLater(in, err)
	}
	return h.loggedIn(in, r.UserId, r.Session)
}

// SignIn checks a password and opens a session. Each attempt on one account from one network takes a token from a bucket, which a success
// fills up again: guessing is slow from the tenth failure on, and only for the network that guesses. The user service counts all networks
// together.
func (h *Handler) SignIn(ctx context.Context, in *call.Call, name, password string) (*Login, error) {
	client := clientnet.Key(in.Addr)
	sum := sha256.Sum256([]byte(name))
	bucket := hex.EncodeToString(sum[:16]) + ":" + client
	if err := h.LoginFailures.Allow(ctx, in.Request, bucket); err != nil {
		return nil, err
	}
	r, err := h.Clients.User.Login(ctx, &user.LoginRequest{Username: name, Password: password, Client: client, Device: device(in)})
	if err != nil {
		return nil, retryLater(in, err)
	}
	if err := h.refuseDemo(ctx, in, r.UserId, password); err != nil {
		return nil, err
	}
	h.LoginFailures.Reset(ctx, bucket)
	return h.loggedIn(in, r.UserId, r.Session)
}

// ChangePassword replaces the viewer's password and ends all their sessions but the one that asks. Attempts are limited as those of SignIn.
func (h *Handler) ChangePassword(ctx context.Context, in *call.Call, oldPassword, newPassword string) error {
	client := clientnet.Key(in.Addr)
	bucket := strconv.FormatInt(in.Viewer, 10) + ":" + client
	if err := h.LoginFailures.Allow(ctx, in.Request, bucket); err != nil {
		return err
	}
	r, err := h.Clients.User.ChangePassword(ctx, &user.ChangePasswordRequest{
		UserId: in.Viewer, OldPassword: oldPassword, NewPassword_: newPassword, SessionId: in.Session, Client: client, StrictPassword: true,
	})
	if err != nil {
		return retryLater(in, err)
	}
	h.LoginFailures.Reset(ctx, bucket)
	h.Guard.Sessions.Add(r.Revocations)
	return nil
}

// EndSession ends a session of the viewer.
func (h *Handler) EndSession(ctx context.Context, in *call.Call, session int64) error {
	r, err := h.Clients.User.RevokeSession(ctx, &user.RevokeSessionRequest{UserId: in.Viewer, SessionId: session})
	if err != nil {
		return err
	}
	h.Guard.Sessions.Add(r.Revocations)
	return nil
}

// EndOtherSessions ends all sessions of the viewer but the one that asks.
func (h *Handler) EndOtherSessions(ctx context.Context, in *call.Call) error {
	r, err := h.Clients.User.RevokeOtherSessions(ctx, &user.RevokeOtherSessionsRequest{UserId: in.Viewer, SessionId: in.Session})
	if err != nil {
		return err
	}
	h.Guard.Sessions.Add(r.Revocations)
	return nil
}

// loggedIn signs a token of the session, which is nil from a user service of before sessions.
func (h *Handler) loggedIn(in *call.Call, id int64, session *user.Session) (*Login, error) {
	if session == nil {
		session = &user.Session{}
	}
	token, err := h.Tokens.Issue(id, session.Id)
	if err != nil {
		return nil, err
	}
	in.Viewer, in.Session = id, session.Id // for the access log
	return &Login{UserID: id, Session: session, Token: token}, nil
}

// device is where a session is opened from.
func device(in *call.Call) *user.Device {
	return &user.Device{Agent: string(in.Request.UserAgent()), Addr: in.Addr.String()}
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
