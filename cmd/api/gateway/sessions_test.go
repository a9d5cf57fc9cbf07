package gateway_test

import (
	"fmt"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tiktok/cmd/api/gateway"
	"tiktok/config"
	"tiktok/kitex_gen/user"
	"tiktok/pkg/errno"
)

// sessionToken is a valid token of a session.
func (e *env) sessionToken(user, session int64) string {
	e.t.Helper()
	token, err := e.tokens.Issue(user, session)
	if err != nil {
		e.t.Fatal(err)
	}
	return token
}

// like needs a login.
func (e *env) like(token string) answer {
	e.t.Helper()
	return e.post("/douyin/favorite/action/", "token", token, "video_id", "1", "action_type", "1")
}

// noLimits is for tests that ask until something is so.
func noLimits(d *gateway.Deps) { d.Limits = config.Limits{} }

// becomes asks until the answer has the code, for two seconds and what a loaded machine takes.
func becomes(t *testing.T, ask func() answer, code int32) {
	t.Helper()
	began := time.Now()
	for deadline := began.Add(10 * time.Second); ; {
		a := ask()
		if a.code() == int(code) {
			t.Logf("answers %d after %v", code, time.Since(began).Round(time.Millisecond))
			return
		}
		if time.Now().After(deadline) {
			t.Errorf("still %s", a.body)
			return
		}
	}
}

func TestLoginOpensASession(t *testing.T) {
	var asked atomic.Pointer[user.Device]
	f := &fakes{
		register: func(r *user.RegisterRequest) (*user.RegisterResponse, error) {
			asked.Store(r.Device)
			return &user.RegisterResponse{UserId: 5, Session: &user.Session{Id: 70, UserId: 5, Device: r.Device}}, nil
		},
		login: func(r *user.LoginRequest) (*user.LoginResponse, error) {
			asked.Store(r.Device)
			return &user.LoginResponse{UserId: 5, Session: &user.Session{Id: 71, UserId: 5, Device: r.Device}}, nil
		},
	}
	e := start(t, f)
	for path, session := range map[string]int64{"/douyin/user/register/": 70, "/douyin/user/login/": 71} {
		a := e.do(request{
			method: "POST", path: path, query: values("username", "ann", "password", "x"), header: map[string]string{"User-Agent": "手机/1.0"},
		})
		wantCode(t, a, 0)
		token, _ := a.json["token"].(string)
		if id, got, err := e.tokens.Parse(token); err != nil || id != 5 || got != session {
			t.Errorf("%s: token of user %d, session %d, %v", path, id, got, err)
		}
		if d := asked.Load(); d == nil || d.Agent != "手机/1.0" || d.Addr != "127.0.0.1" {
			t.Errorf("%s: device %v", path, d)
		}
	}
	// A user service of before sessions.
	f.login = func(*user.LoginRequest) (*user.LoginResponse, error) { return &user.LoginResponse{UserId: 5}, nil }
	token, _ := e.post("/douyin/user/login/", "username", "ann", "password", "x").json["token"].(string)
	if id, session, err := e.tokens.Parse(token); err != nil || id != 5 || session != 0 {
		t.Errorf("without a session: %d %d %v", id, session, err)
	}
}

func TestJSONLogin(t *testing.T) {
	var calls atomic.Int64
	count := func() { calls.Add(1) }
	e := start(t, &fakes{
		login: func(*user.LoginRequest) (*user.LoginResponse, error) {
			count()
			return &user.LoginResponse{UserId: 1}, nil
		},
		register: func(*user.RegisterRequest) (*user.RegisterResponse, error) {
			count()
			return &user.RegisterResponse{UserId: 1}, nil
		},
	})
	for _, path := range []string{"/douyin/user/login/", "/douyin/user/register/"} {
		for _, kind := range []string{"application/json", "application/json; charset=utf-8", "Application/JSON"} {
			a := e.do(request{
				method: "POST", path: path, body: strings.NewReader(`{"username":"ann","password":"secret"}`),
				header: map[string]string{"Content-Type": kind},
			})
			wantCode(t, a, errno.InvalidArgument.Code)
			if msg, _ := a.json["status_msg"].(string); !strings.Contains(msg, "/api/v1/sessions takes JSON") {
				t.Errorf("%s: %s", kind, a.body)
			}
		}
	}
	if calls.Load() != 0 {
		t.Errorf("%d calls", calls.Load())
	}
	a := e.do(request{
		method: "POST", path: "/douyin/user/login/", query: values("username", "ann", "password", "x"), body: strings.NewReader("{}"),
		header: map[string]string{"Content-Type": "application/json"},
	})
	wantCode(t, a, 0)
	wantCode(t, e.do(request{method: "POST", path: "/douyin/user/login/", form: url.Values{"username": {"a"}, "password": {"b"}}}), 0)
}

// What another gateway revoked is refused here soon, also a token that was checked before; whoever asks as a visitor may is one.
func TestRevokedSessionsAreRefused(t *testing.T) {
	var revoked atomic.Bool
	e := start(t, &fakes{listRevoked: func(*user.ListRevokedRequest) (*user.ListRevokedResponse, error) {
		resp := &user.ListRevokedResponse{NextCursor: "x"}
		if revoked.Load() {
			now := time.Now().UnixMilli()
			resp.Revocations = []*user.Revocation{{UserId: 5, SessionId: 70, RevokedAtMs: now}, {UserId: 6, RevokedAtMs: now}}
		}
		return resp, nil
	}}, noLimits)
	gone, stays, old, others := e.sessionToken(5, 70), e.sessionToken(5, 71), e.token(6), e.token(5)
	for _, token := range []string{gone, stays, old, others} {
		wantCode(t, e.like(token), 0)
	}
	revoked.Store(true)
	began := time.Now()
	becomes(t, func() answer { return e.like(gone) }, errno.Unauthenticated.Code)
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("refused after %v", took)
	}
	wantCode(t, e.like(old), errno.Unauthenticated.Code)
	wantCode(t, e.like(stays), 0)
	wantCode(t, e.like(others), 0)
	wantCode(t, e.get("/douyin/feed/", "token", gone), 0)
	wantCode(t, e.get("/douyin/user/", "token", gone), errno.Unauthenticated.Code) // whose profile?
	wantCode(t, e.get("/douyin/user/", "token", gone, "user_id", "7"), 0)
	a := e.do(request{method: "POST", path: "/douyin/publish/action/", multipart: url.Values{"token": {gone}, "title": {"x"}, "data": {"y"}}})
	wantCode(t, a, errno.Unauthenticated.Code)
	if metrics := e.get("/metrics"); !strings.Contains(string(metrics.body), "\ntiktok_sessions_revoked 2\n") ||
		!strings.Contains(string(metrics.body), "\ntiktok_sessions_poll_age_seconds ") {
		t.Error("no metrics of sessions")
	}
}

// A gateway that starts while the user service is away takes nobody for logged in, and serves visitors.
func TestStartWithoutUserService(t *testing.T) {
	var back atomic.Bool
	e := start(t, &fakes{listRevoked: func(*user.ListRevokedRequest) (*user.ListRevokedResponse, error) {
		if !back.Load() {
			return nil, errno.Unavailable
		}
		return &user.ListRevokedResponse{NextCursor: "x"}, nil
	}}, noLimits)
	token := e.sessionToken(5, 70)
	wantCode(t, e.like(token), errno.Unavailable.Code)
	wantCode(t, e.get("/douyin/feed/", "token", token), errno.Unavailable.Code)
	wantCode(t, e.get("/douyin/feed/"), 0)
	wantCode(t, e.get("/douyin/feed/", "token", "nonsense"), 0)
	a := e.do(request{method: "POST", path: "/douyin/publish/action/", multipart: url.Values{"token": {token}, "title": {"x"}, "data": {"y"}}})
	wantCode(t, a, errno.Unavailable.Code)
	if a := e.get("/readyz"); a.StatusCode != 503 {
		t.Errorf("readyz: %d %s", a.StatusCode, a.body)
	}
	back.Store(true)
	becomes(t, func() answer { return e.like(token) }, 0)
	if err := e.gw.Ready(t.Context()); err != nil {
		t.Errorf("ready: %v", err)
	}
}

// When a session was last used is reported in batches, at the latest when the gateway stops.
func TestUsesOfSessions(t *testing.T) {
	used := make(chan string, 10)
	f := &fakes{touch: func(r *user.TouchSessionsRequest) (*user.TouchSessionsResponse, error) {
		for _, u := range r.Uses {
			used <- fmt.Sprint(u.UserId, " ", u.SessionId)
		}
		return &user.TouchSessionsResponse{}, nil
	}}
	t.Run("a gateway", func(t *testing.T) {
		e := start(t, f)
		for range 3 {
			wantCode(t, e.like(e.sessionToken(5, 70)), 0)
		}
		wantCode(t, e.like(e.token(5)), 0)
	})
	close(used)
	var got []string
	for u := range used {
		got = append(got, u)
	}
	if len(got) != 1 || got[0] != "5 70" {
		t.Errorf("uses: %v", got)
	}
}
