package gateway_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tiktok/cmd/api/biz/model/v1"
	"tiktok/cmd/api/gateway"
	"tiktok/kitex_gen/chat"
	"tiktok/kitex_gen/notice"
	"tiktok/kitex_gen/user"
	"tiktok/pkg/errno"
)

// sessionOf is a session as the user service answers it.
func sessionOf(userID, id int64, d *user.Device) *user.Session {
	return &user.Session{Id: id, UserId: userID, CreatedAtMs: 1000, SeenAtMs: 2000, Device: d}
}

// accounts has the user 7 with the password "secret".
func accounts(t *testing.T) *fakes {
	return &fakes{
		register: func(r *user.RegisterRequest) (*user.RegisterResponse, error) {
			if !r.StrictPassword || r.Device == nil {
				t.Errorf("register: %+v", r)
			}
			if r.Username == "taken" {
				return nil, errno.UserNameTaken
			}
			return &user.RegisterResponse{UserId: 7, Session: sessionOf(7, 70, r.Device)}, nil
		},
		login: func(r *user.LoginRequest) (*user.LoginResponse, error) {
			if r.Password != "secret" {
				return nil, errno.UserBadCredentials
			}
			return &user.LoginResponse{UserId: 7, Session: sessionOf(7, 71, r.Device)}, nil
		},
	}
}

func TestV1OpensSessions(t *testing.T) {
	e := start(t, accounts(t))
	for path, id := range map[string]int64{"/users": 70, "/sessions": 71} {
		a := e.v1("POST", path, `{"name":"user7","password":"secret"}`, "User-Agent", "a test")
		var r v1.SessionResponse
		wantStatus(t, a, 201, &r)
		want := &v1.Session{
			ID: id, CreatedAt: "1970-01-01T00:00:01.000Z", SeenAt: "1970-01-01T00:00:02.000Z", Agent: "a test", Address: "127.0.0.1",
			IsCurrent: true,
		}
		if diff := cmp.Diff(want, r.Session); diff != "" || r.User.Name != "user7" || a.Header.Get("Set-Cookie") != "" {
			t.Errorf("%s: %s, user %+v, cookie %q", path, diff, r.User, a.Header.Get("Set-Cookie"))
		}
		var me v1.Me
		wantStatus(t, e.v1("GET", "/me", "", "Authorization", "Bearer "+r.GetToken()), 200, &me)
		if me.User.ID != 7 || me.SessionID != id {
			t.Errorf("the token of %s is of %+v", path, me)
		}

		a = e.v1("POST", path, `{"name":"user7","password":"secret","cookie":true}`, "Origin", e.url)
		r = v1.SessionResponse{}
		wantStatus(t, a, 201, &r)
		if r.Token != nil {
			t.Error("a web session has its token in the answer")
		}
		set := a.Header.Get("Set-Cookie")
		cookie, rest, _ := strings.Cut(set, ";")
		for _, want := range []string{"HttpOnly", "SameSite=Lax", "path=/", "max-age=3600"} {
			if !strings.Contains(strings.ToLower(rest), strings.ToLower(want)) {
				t.Errorf("no %s in %q", want, set)
			}
		}
		if strings.Contains(strings.ToLower(rest), "secure") {
			t.Errorf("no browser sends %q over http", set)
		}
		wantStatus(t, e.v1("GET", "/me", "", "Cookie", cookie), 200, &me)
		if me.User.ID != 7 || me.SessionID != id {
			t.Errorf("the cookie of %s is of %+v", path, me)
		}
	}
}

func TestV1CookieIsSecureOverHTTPS(t *testing.T) {
	e := start(t, accounts(t), func(d *gateway.Deps) { d.Config.PublicBaseURL = "https://video.example/app" })
	a := e.v1("POST", "/sessions", `{"name":"user7","password":"secret","cookie":true}`, "Origin", "https://video.example")
	wantStatus(t, a, 201, nil)
	if set := a.Header.Get("Set-Cookie"); !strings.Contains(strings.ToLower(set), "secure") {
		t.Errorf("Set-Cookie: %q", set)
	}
}

func TestV1RefusesSessions(t *testing.T) {
	e := start(t, accounts(t))
	for name, c := range map[string]struct {
		path, body, origin string
		code               *errno.Error
		detail             string
	}{
		"no name":          {"/sessions", `{"password":"secret"}`, "", errno.InvalidArgument, "name is missing"},
		"no password":      {"/users", `{"name":"ann"}`, "", errno.InvalidArgument, "password is missing"},
		"a number":         {"/users", `{"name":"ann","password":5}`, "", errno.InvalidArgument, `"password" has the wrong type`},
		"cookie is a text": {"/users", `{"name":"ann","password":"x","cookie":"yes"}`, "", errno.InvalidArgument, `"cookie" has the wrong type`},
		"wrong":            {"/sessions", `{"name":"ann","password":"guess"}`, "", errno.UserBadCredentials, ""},
		"taken":            {"/users", `{"name":"taken","password":"secret"}`, "", errno.UserNameTaken, ""},
		"another site": {
			"/sessions", `{"name":"ann","password":"secret","cookie":true}`, "https://evil.example", errno.Forbidden, "another site",
		},
	} {
		t.Run(name, func(t *testing.T) {
			a := e.v1("POST", c.path, c.body, "Origin", c.origin)
			wantProblem(t, a, c.code.Status(), c.code, c.detail)
			if a.Header.Get("Set-Cookie") != "" {
				t.Errorf("Set-Cookie: %q", a.Header.Get("Set-Cookie"))
			}
		})
	}
	if a := e.v1("POST", "/sessions?name=user7&password=secret", `{}`); a.StatusCode != 400 {
		t.Errorf("a password in the address: %d", a.StatusCode)
	}
}

func TestV1LimitsGuesses(t *testing.T) {
	e := start(t, accounts(t), func(d *gateway.Deps) { d.Limits.LoginFailures.Rate, d.Limits.LoginFailures.Burst = 0.001, 2 })
	for range 2 {
		wantProblem(t, e.v1("POST", "/sessions", `{"name":"ann","password":"guess"}`), 401, errno.UserBadCredentials, "")
	}
	a := e.v1("POST", "/sessions", `{"name":"ann","password":"secret"}`)
	wantProblem(t, a, 429, errno.TooManyRequests, "")
	if a.Header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	wantCode(t, e.post("/douyin/user/login/", "username", "ann", "password", "secret"), errno.TooManyRequests.Code) // one bucket for both
}

func TestV1EndsSessions(t *testing.T) {
	f := accounts(t)
	ended := func(id int64) []*user.Revocation {
		return []*user.Revocation{{UserId: 7, SessionId: id, RevokedAtMs: 1}}
	}
	f.listSessions = func(r *user.ListSessionsRequest) (*user.ListSessionsResponse, error) {
		return &user.ListSessionsResponse{Sessions: []*user.Session{sessionOf(r.UserId, 71, nil), sessionOf(r.UserId, 72, nil)}}, nil
	}
	f.revoke = func(r *user.RevokeSessionRequest) (*user.RevokeSessionResponse, error) {
		if r.UserId != 7 || r.SessionId > 80 {
			return nil, errno.SessionNotFound
		}
		return &user.RevokeSessionResponse{Revocations: ended(r.SessionId)}, nil
	}
	f.revokeOthers = func(r *user.RevokeOtherSessionsRequest) (*user.RevokeOtherSessionsResponse, error) {
		return &user.RevokeOtherSessionsResponse{Revocations: ended(r.SessionId + 1)}, nil
	}
	f.changePassword = func(r *user.ChangePasswordRequest) (*user.ChangePasswordResponse, error) {
		switch {
		case r.OldPassword != "secret":
			return nil, errno.UserBadCredentials
		case !r.StrictPassword || r.SessionId != 73 || r.NewPassword_ != "a long walk":
			return nil, errno.Internal
		}
		return &user.ChangePasswordResponse{Revocations: ended(75)}, nil
	}
	e := start(t, f)
	of := func(session int64) string {
		token, err := e.tokens.Issue(7, session)
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	bearer := func(session int64) []string { return []string{"Authorization", "Bearer " + of(session)} }
	var sessions v1.SessionPage
	wantStatus(t, e.v1("GET", "/sessions", "", bearer(72)...), 200, &sessions)
	if len(sessions.Items) != 2 || sessions.Items[0].IsCurrent || !sessions.Items[1].IsCurrent {
		t.Errorf("sessions: %+v", sessions)
	}
	gone := func(session int64) {
		t.Helper()
		wantProblem(t, e.v1("GET", "/feed", "", bearer(session)...), 401, errno.Unauthenticated, "the session has ended")
		wantCode(t, e.get("/douyin/message/chat/", "token", of(session), "to_user_id", "2"), errno.Unauthenticated.Code)
	}
	wantStatus(t, e.v1("DELETE", "/sessions/71", "", bearer(72)...), 204, nil)
	gone(71)
	wantProblem(t, e.v1("DELETE", "/sessions/81", "", bearer(72)...), 404, errno.SessionNotFound, "")
	wantProblem(t, e.v1("DELETE", "/sessions/x", "", bearer(72)...), 400, errno.InvalidArgument, "session_id is not an id")

	a := e.v1("DELETE", "/sessions/current", "", "Cookie", "session="+of(72), "Origin", e.url)
	wantStatus(t, a, 204, nil)
	if set := a.Header.Get("Set-Cookie"); !strings.HasPrefix(set, "session=;") {
		t.Errorf("Set-Cookie: %q", set)
	}
	gone(72)
	wantProblem(t, e.v1("DELETE", "/sessions/current", "", bearer(0)...), 404, errno.SessionNotFound, "")

	wantStatus(t, e.v1("DELETE", "/sessions", "", bearer(73)...), 204, nil)
	gone(74)

	change := func(oldPassword string, session int64) answer {
		return e.v1("PUT", "/me/password", `{"old_password":"`+oldPassword+`","new_password":"a long walk"}`, bearer(session)...)
	}
	wantProblem(t, change("guess", 73), 401, errno.UserBadCredentials, "")
	wantProblem(t, change("", 73), 400, errno.InvalidArgument, "old_password is missing")
	wantStatus(t, change("secret", 73), 204, nil)
	gone(75)
	wantProblem(t, e.v1("PUT", "/me/password", `{}`), 401, errno.Unauthenticated, "")
}

func TestV1Me(t *testing.T) {
	f := &fakes{countUnread: func(r *chat.CountUnreadRequest) (*chat.CountUnreadResponse, error) {
		if r.UserId == 8 {
			return nil, errno.Unavailable
		}
		return &chat.CountUnreadResponse{Conversations: 3}, nil
	}, countNotices: func(r *notice.CountUnreadRequest) (*notice.CountUnreadResponse, error) {
		if r.UserId == 9 {
			return nil, errno.Unavailable
		}
		return &notice.CountUnreadResponse{Notices: 5}, nil
	}}
	e := start(t, f)
	for id, unread := range map[int64][2]int32{7: {3, 5}, 8: {0, 5}, 9: {3, 0}} {
		var me v1.Me
		wantStatus(t, e.v1("GET", "/me", "", e.bearer(id)...), http.StatusOK, &me)
		if me.User.ID != id || me.UnreadConversations != unread[0] || me.UnreadNotices != unread[1] {
			t.Errorf("%d: %+v", id, me)
		}
	}
	wantProblem(t, e.v1("GET", "/me", "", e.bearer(5000)...), 401, errno.Unauthenticated, "does not exist any more")
}
