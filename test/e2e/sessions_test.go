package e2e_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"tiktok/pkg/errno"
	"tiktok/test/harness"
)

// session is one in the list of /api/v1/sessions.
type session struct {
	ID      int64  `json:"id"`
	Agent   string `json:"agent"`
	Current bool   `json:"is_current"`
}

// v1 asks /api/v1 with the user's token and wants a status.
func v1(t *testing.T, d *harness.Deployment, u *harness.User, method, path, body string, status int) []byte {
	t.Helper()
	r := harness.Request{Method: method, Path: "/api/v1" + path, Header: http.Header{"Authorization": {"Bearer " + u.Token}}}
	if body != "" {
		r.Body, r.ContentType = []byte(body), "application/json"
	}
	a := d.Raw(t, r)
	if a.Status != status {
		t.Fatalf("%s %s: %d %s, want %d", method, path, a.Status, a.Raw, status)
	}
	return a.Raw
}

// sessionsOf lists the user's sessions, last used first.
func sessionsOf(t *testing.T, d *harness.Deployment, u *harness.User) []session {
	t.Helper()
	var page struct {
		Items []session `json:"items"`
	}
	if err := json.Unmarshal(v1(t, d, u, http.MethodGet, "/sessions", "", 200), &page); err != nil {
		t.Fatal(err)
	}
	return page.Items
}

// current is the session of the user's token.
func current(t *testing.T, d *harness.Deployment, u *harness.User) int64 {
	t.Helper()
	for _, s := range sessionsOf(t, d, u) {
		if s.Current {
			return s.ID
		}
	}
	t.Fatal("no session is current")
	return 0
}

// friends needs a login.
func friends(t *testing.T, u *harness.User) harness.Answer {
	t.Helper()
	return u.Get(t, harness.PathFriendList, "user_id", u.ID)
}

// testSessions: a login ends when its owner says so, at once, and stays ended after a restart.
func testSessions(t *testing.T, d *harness.Deployment) {
	phone := d.NewUser(t)
	tablet, lost := d.Login(t, phone.Name, phone.Password), d.Login(t, phone.Name, phone.Password)
	if got := sessionsOf(t, d, phone); len(got) != 3 || got[0].Agent == "" {
		t.Fatalf("sessions: %+v", got)
	}
	gone := current(t, d, lost)
	v1(t, d, phone, http.MethodDelete, fmt.Sprint("/sessions/", gone), "", 204)
	friends(t, lost).Fails(t, errno.Unauthenticated)
	v1(t, d, lost, http.MethodGet, "/sessions", "", 401)
	v1(t, d, phone, http.MethodDelete, fmt.Sprint("/sessions/", gone), "", 204) // again
	v1(t, d, d.NewUser(t), http.MethodDelete, fmt.Sprint("/sessions/", current(t, d, tablet)), "", 404)
	friends(t, tablet).OK(t)

	d.Stop(t)
	d.Start(t)
	friends(t, lost).Fails(t, errno.Unauthenticated)
	friends(t, tablet).OK(t)
	for _, s := range sessionsOf(t, d, phone) {
		if s.ID == gone {
			t.Error("a restart brought a session back")
		}
	}

	password := "a new one " + phone.Name[len(phone.Name)-4:]
	change := fmt.Sprintf(`{"old_password":%q,"new_password":%q}`, phone.Password, password)
	v1(t, d, phone, http.MethodPut, "/me/password", change, 204)
	friends(t, tablet).Fails(t, errno.Unauthenticated)
	friends(t, phone).OK(t)
	d.Call(t, http.MethodPost, harness.PathLogin, harness.Params("username", phone.Name, "password", phone.Password), nil).
		Fails(t, errno.UserBadCredentials)
	again := d.Login(t, phone.Name, password)
	v1(t, d, again, http.MethodDelete, "/sessions", "", 204)
	friends(t, phone).Fails(t, errno.Unauthenticated)
	v1(t, d, again, http.MethodDelete, "/sessions/current", "", 204)
	friends(t, again).Fails(t, errno.Unauthenticated)
}

// What one gateway revoked another one refuses, whoever is killed meanwhile; a rotated key logs nobody out.
func TestSessionsOfGateways(t *testing.T) {
	d := harness.Distributed(t, harness.WithoutLimits())
	other := d.AddGateway(t)
	phone := d.NewUser(t)
	refused := func(what string, lost *harness.User) {
		t.Helper()
		began := time.Now()
		harness.Eventually(t, 20*time.Second, func() error {
			a := friends(t, lost.Through(other))
			if a.Code != errno.Unauthenticated.Code {
				return fmt.Errorf("%s: still %d %s", what, a.Code, a.Msg)
			}
			return nil
		})
		took := time.Since(began)
		t.Logf("%s: refused after %v", what, took.Round(time.Millisecond))
		if took > 2*time.Second {
			t.Errorf("%s: refused after %v", what, took)
		}
	}
	lost := d.Login(t, phone.Name, phone.Password)
	friends(t, lost.Through(other)).OK(t) // the other gateway has checked the token
	v1(t, d, phone, http.MethodDelete, fmt.Sprint("/sessions/", current(t, d, lost)), "", 204)
	refused("by another gateway", lost)

	// An acknowledged revoke outlives kill -9.
	second := d.Login(t, phone.Name, phone.Password)
	id := current(t, d, second)
	v1(t, d, phone, http.MethodDelete, fmt.Sprint("/sessions/", id), "", 204)
	d.Kill(t, "user")
	friends(t, second).Fails(t, errno.Unauthenticated)
	d.Revive(t, "user")
	d.Kill(t, "api")
	d.Revive(t, "api")
	for _, u := range []*harness.User{lost, second} {
		harness.Eventually(t, 20*time.Second, func() error { return d.Ready(t.Context()) })
		friends(t, u).Fails(t, errno.Unauthenticated)
	}
	refused("after kill -9 of the user service", second)
	for _, s := range sessionsOf(t, d, phone) {
		if s.ID == id {
			t.Error("kill -9 brought a session back")
		}
	}

	// A gateway with a new key takes what the old one signed, and the other way round.
	next := strings.Repeat("a key for tests ", 3)
	rotated := d.AddGateway(t, harness.Set("auth.secret", next), harness.Set("auth.old_secrets", d.Config.Auth.Secret))
	friends(t, phone.Through(rotated)).OK(t)
	friends(t, second.Through(rotated)).Fails(t, errno.Unauthenticated)
	fresh := rotated.Login(t, phone.Name, phone.Password)
	friends(t, fresh).OK(t)
	friends(t, fresh.Through(other)).Fails(t, errno.Unauthenticated) // which has not got the new key
}
