package v1

import (
	"context"

	"tiktok/cmd/api/biz/call"
	"tiktok/cmd/api/biz/handler"
	"tiktok/cmd/api/biz/middleware"
	model "tiktok/cmd/api/biz/model/v1"
	"tiktok/cmd/api/biz/pack"
	"tiktok/cmd/api/biz/view"
	"tiktok/kitex_gen/user"
	"tiktok/pkg/errno"
)

// Register makes an account and opens a session.
func (a *API) Register(ctx context.Context, in *call.Call) (any, error) {
	req, err := credentials(in)
	if err != nil {
		return nil, err
	}
	login, err := a.shared.SignUp(ctx, in, req.Name, req.Password, true)
	if err != nil {
		return nil, err
	}
	return a.loggedIn(ctx, in, login, req), nil
}

// Login opens a session.
func (a *API) Login(ctx context.Context, in *call.Call) (any, error) {
	req, err := credentials(in)
	if err != nil {
		return nil, err
	}
	login, err := a.shared.SignIn(ctx, in, req.Name, req.Password)
	if err != nil {
		return nil, err
	}
	return a.loggedIn(ctx, in, login, req), nil
}

// credentials reads a request for a session.
func credentials(in *call.Call) (*model.CredentialsRequest, error) {
	req := &model.CredentialsRequest{}
	if err := body(in, req); err != nil {
		return nil, err
	}
	switch {
	case req.Name == "":
		return nil, missing("name")
	case req.Password == "":
		return nil, missing("password")
	case req.GetCookie():
		return req, middleware.MayHaveSession(in)
	}
	return req, nil
}

// loggedIn answers with a new session. It does not fail, because the session exists: without the user service its user has only a name.
func (a *API) loggedIn(ctx context.Context, in *call.Call, l *handler.Login, req *model.CredentialsRequest) *model.SessionResponse {
	p, err := a.view.Profile(ctx, l.UserID, l.UserID)
	if err != nil || p.User == nil {
		a.shared.Log.WarnContext(ctx, "the answer to a login has no profile", "err", err)
		p = view.Profile{ID: l.UserID, User: &user.User{Id: l.UserID, Name: req.Name}}
	}
	out := &model.SessionResponse{Session: renderSession(l.Session, l.Session.Id), User: renderUser(in.Base, &p)}
	if req.GetCookie() {
		middleware.SetSession(in, l.Token, a.shared.TokenTTL)
	} else {
		out.Token = &l.Token
	}
	return out
}

// ListSessions is the sessions of the viewer.
func (a *API) ListSessions(ctx context.Context, in *call.Call) (any, error) {
	r, err := a.shared.Clients.User.ListSessions(ctx, &user.ListSessionsRequest{UserId: in.Viewer})
	if err != nil {
		return nil, err
	}
	items := pack.Each(r.Sessions, func(s **user.Session) *model.Session { return renderSession(*s, in.Session) })
	return &model.SessionPage{Items: items}, nil
}

// RevokeSession ends a session of the viewer.
func (a *API) RevokeSession(ctx context.Context, in *call.Call) (any, error) {
	id, err := pathID(in, "session_id")
	if err != nil {
		return nil, err
	}
	return nil, a.endSession(ctx, in, id)
}

// Logout ends the session that asks. A token of before sessions names none: then SessionNotFound, and RevokeOtherSessions ends it.
func (a *API) Logout(ctx context.Context, in *call.Call) (any, error) {
	if in.Session == 0 {
		return nil, errno.SessionNotFound
	}
	return nil, a.endSession(ctx, in, in.Session)
}

func (a *API) endSession(ctx context.Context, in *call.Call, id int64) error {
	if err := a.shared.EndSession(ctx, in, id); err != nil {
		return err
	}
	if id == in.Session {
		middleware.ClearSession(in)
	}
	return nil
}

// RevokeOtherSessions ends all sessions of the viewer but the one that asks.
func (a *API) RevokeOtherSessions(ctx context.Context, in *call.Call) (any, error) {
	return nil, a.shared.EndOtherSessions(ctx, in)
}

// ChangePassword replaces the viewer's password and ends all other sessions.
func (a *API) ChangePassword(ctx context.Context, in *call.Call) (any, error) {
	var req model.PasswordRequest
	if err := body(in, &req); err != nil {
		return nil, err
	}
	switch {
	case req.OldPassword == "":
		return nil, missing("old_password")
	case req.NewPassword == "":
		return nil, missing("new_password")
	}
	return nil, a.shared.ChangePassword(ctx, in, req.OldPassword, req.NewPassword)
}

// GetMe is the viewer.
func (a *API) GetMe(ctx context.Context, in *call.Call) (any, error) {
	p, unread, err := a.view.Me(ctx, in.Viewer)
	if err != nil {
		return nil, err
	}
	if p.User == nil {
		return nil, errno.Unauthenticated.With("the account does not exist any more")
	}
	return &model.Me{
		User: renderUser(in.Base, &p), SessionID: in.Session, UnreadConversations: unread.Conversations, UnreadNotices: unread.Notices,
	}, nil
}
