package gateway_test

import (
	"testing"

	"tiktok/cmd/api/biz/handler"
	"tiktok/cmd/api/gateway"
	"tiktok/kitex_gen/user"
	"tiktok/pkg/errno"
)

// Accounts whose password everybody knows are for the neighbourhood. All others log in from everywhere, also with such a password.
func TestDemoAccounts(t *testing.T) {
	f := &fakes{
		login: func(r *user.LoginRequest) (*user.LoginResponse, error) {
			switch {
			case r.Password != "known" && r.Password != "own":
				return nil, errno.UserBadCredentials
			case r.Username == "alice":
				return &user.LoginResponse{UserId: 11}, nil
			}
			return &user.LoginResponse{UserId: 12}, nil
		},
		mgetUsers: func(*user.MGetUsersRequest) (*user.MGetUsersResponse, error) {
			return &user.MGetUsersResponse{Users: map[int64]*user.User{11: {Id: 11, Name: "alice"}, 12: {Id: 12, Name: "zoe"}}}, nil
		},
	}
	demo := func(d *gateway.Deps) { d.Demo = handler.Demo{Accounts: []string{"alice", "bob"}, Password: "known"} }
	login := func(e *env, name, password, from string) answer {
		h := map[string]string{}
		if from != "" {
			h["X-Forwarded-For"] = from
		}
		return e.do(request{method: "POST", path: "/douyin/user/login/", query: values("username", name, "password", password), header: h})
	}
	const refused = 10004
	e := start(t, f, demo, trust("127.0.0.1/32"))
	for from, code := range map[string]int32{
		"": 0, "192.168.1.20": 0, "10.9.9.9": 0, "172.20.1.1": 0, "169.254.1.1": 0, "fd00::1": 0, "fe80::1": 0, "::ffff:192.168.1.1": 0,
		"203.0.113.5": refused, "2001:db8::1": refused, "172.32.0.1": refused, "rubbish": refused,
		"192.168.1.1, 203.0.113.5": refused, "203.0.113.5, 192.168.1.1": 0, // the proxy has the last word
	} {
		a := login(e, "alice", "known", from)
		wantCode(t, a, code)
		if token, _ := a.json["token"].(string); (token == "") != (code != 0) {
			t.Errorf("from %q: token %q", from, token)
		}
		wantCode(t, login(e, "alice", "wrong", from), errno.UserBadCredentials.Code)
		wantCode(t, login(e, "zoe", "known", from), 0)
		wantCode(t, login(e, "alice", "own", from), 0) // she is somebody else of that name
	}
	untrusted := start(t, f, demo) // somebody sends strangers on, and is not known as a proxy
	wantCode(t, login(untrusted, "alice", "known", "192.168.1.20"), refused)
	wantCode(t, login(untrusted, "alice", "known", ""), 0)
	without := start(t, f, trust("127.0.0.1/32"))
	wantCode(t, login(without, "alice", "known", "203.0.113.5"), 0)
}
