package gateway_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tiktok/cmd/api/biz/handler"
	"tiktok/cmd/api/biz/rpc"
	"tiktok/cmd/api/gateway"
	"tiktok/config"
	"tiktok/kitex_gen/user"
	"tiktok/kitex_gen/video"
	"tiktok/pkg/errno"
	"tiktok/pkg/limiter"
	"tiktok/pkg/telemetry"
)

func TestUnknownPaths(t *testing.T) {
	e := start(t, &fakes{})
	for _, r := range []request{
		{method: "GET", path: "/douyin/nothing/"},
		{method: "GET", path: "/douyin"},
		{method: "GET", path: "/douyin/"},
		{method: "POST", path: "/douyin/feed/"},
		{method: "GET", path: "/douyin/user/login/"},
		{method: "PUT", path: "/douyin/user/"},
		{method: "DELETE", path: "/douyin/comment/list/"},
		{method: "PATCH", path: "/douyin/publish/action/", body: strings.NewReader("x")},
		{method: "GET", path: "/douyin/feed/extra"},
		{method: "OPTIONS", path: "/douyin/feed/"},
	} {
		wantCode(t, e.do(r), errno.NotFound.Code)
	}
	for _, path := range []string{"/nothing", "/douyinx/feed", "/media"} {
		if a := e.get(path); a.StatusCode != 404 {
			t.Errorf("%s: %d", path, a.StatusCode)
		}
	}
}

// raw sends bytes and reads one response.
func raw(t *testing.T, e *env, text string) (*http.Response, string) {
	t.Helper()
	c := connect(t, e)
	defer shut(c)
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatalf("%.60q: %v", text, err)
	}
	defer shut(resp.Body)
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("%.60q: %v", text, err)
	}
	return resp, string(body)
}

func TestWeirdRequests(t *testing.T) {
	e := start(t, &fakes{})
	for name, text := range map[string]string{
		"no host":      "GET /douyin/feed/ HTTP/1.1\r\n\r\n",
		"control byte": "GET /douyin/feed/?x=\x01 HTTP/1.1\r\nHost: x\r\n\r\n",
		"broken chunk": "POST /douyin/user/login/ HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Type: " +
			"application/x-www-form-urlencoded\r\n\r\nzz\r\nxx",
		"strange type": "POST /douyin/user/login/ HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Type: ;;\r\n\r\nx",
		"oversized": fmt.Sprintf("POST /douyin/user/login/ HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", 2<<20,
			strings.Repeat("x", 2<<20)),
		"enormous": fmt.Sprintf("POST /douyin/user/login/ HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", 1<<40,
			strings.Repeat("x", 64<<10)),
		"JSON": "POST /douyin/user/login/ HTTP/1.1\r\nHost: x\r\nContent-Type: application/json; charset=utf-8\r\n" +
			"Content-Length: 2\r\n\r\n{}",
		"too many parts": "POST /douyin/user/login/ HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n" +
			"Content-Length: 2000\r\n\r\n" + strings.Repeat("a&", 1000),
	} {
		resp, body := raw(t, e, text)
		if resp.StatusCode != 200 || !strings.Contains(body, fmt.Sprintf(`"status_code":%d,`, errno.InvalidArgument.Code)) {
			t.Errorf("%s: %d %s", name, resp.StatusCode, body)
		}
	}
	for name, text := range map[string]string{
		"GET with a body": "GET /douyin/user/ HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: " +
			"9\r\n\r\nuser_id=5",
		"chunked": "POST /douyin/user/login/ HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n" +
			"Transfer-Encoding: chunked\r\n\r\n5\r\nusern\r\n5\r\name=x\r\n0\r\n\r\n",
		"expect": "POST /douyin/user/login/ HTTP/1.0\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n" +
			"Content-Length: 10\r\n\r\nusername=x",
		"absolute address": "GET http://x/douyin/feed/ HTTP/1.1\r\nHost: x\r\n\r\n",
		"unescaped plus":   "GET /douyin/user/?user_id=5.0e+00 HTTP/1.1\r\nHost: x\r\n\r\n",
		"body of no form":  "POST /douyin/user/login/ HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}",
		"JSON beside it": "POST /douyin/user/login/?username=a&password=b HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n" +
			"Content-Length: 2\r\n\r\n{}",
		"percent at an end": "GET /douyin/feed/?latest_time=%zz%2 HTTP/1.1\r\nHost: x\r\n\r\n",
	} {
		if resp, body := raw(t, e, text); resp.StatusCode != 200 || !strings.Contains(body, `"status_code":0,`) {
			t.Errorf("%s: %d %s", name, resp.StatusCode, body)
		}
	}
}

// After a refused body the connection still works, or is closed; it never answers the body as if it were a request.
func TestConnectionSurvivesRefusedBody(t *testing.T) {
	e := start(t, &fakes{})
	smuggled := "GET /douyin/user/?user_id=7 HTTP/1.1\r\nHost: x\r\n\r\n"
	body := strings.Repeat("x", 2<<20) + smuggled
	c := connect(t, e)
	defer shut(c)
	go func() {
		send(t, c, "POST /douyin/user/login/ HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
		send(t, c, "GET /douyin/feed/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
	}()
	all, err := io.ReadAll(c)
	if err != nil {
		t.Fatal(err)
	}
	text := string(all)
	if strings.Count(text, "HTTP/1.1 200") != 2 || !strings.Contains(text, "next_time") || strings.Contains(text, "user7") {
		t.Errorf("%s", text)
	}
}

func TestPanic(t *testing.T) {
	e := start(t, &fakes{}, func(d *gateway.Deps) { d.Clients.Chat = nil })
	a := e.get("/douyin/message/chat/", "token", e.token(1), "to_user_id", "2")
	wantCode(t, a, errno.Internal.Code)
	if diff := cmp.Diff([]string{"message_list", "status_code", "status_msg"}, keysOf(a.json)); diff != "" {
		t.Error(diff)
	}
	if strings.Contains(string(a.body), "nil pointer") {
		t.Errorf("the client sees %s", a.body)
	}
	log := e.log.String()
	if n := strings.Count(log, "nil pointer"); n != 1 {
		t.Errorf("logged %d times: %s", n, log)
	}
	if !strings.Contains(log, "message.go") {
		t.Errorf("no stack in %s", log)
	}
	wantCode(t, e.get("/douyin/feed/"), 0)
}

func TestErrorsAreLoggedNotShown(t *testing.T) {
	e := start(t, &fakes{feed: func(*video.FeedRequest) (*video.FeedResponse, error) {
		return nil, errors.New("dial tcp 10.9.8.7:3306: no route")
	}})
	a := e.do(request{method: "GET", path: "/douyin/feed/", header: map[string]string{"X-Request-ID": "abc-1"}})
	wantCode(t, a, errno.Internal.Code)
	if strings.Contains(string(a.body), "10.9.8.7") || a.Header.Get("X-Request-Id") != "abc-1" {
		t.Errorf("%v %s", a.Header, a.body)
	}
	waitFor(t, "the log line", func() bool { return strings.Contains(e.log.String(), `"level":"ERROR"`) })
	if log := e.log.String(); !strings.Contains(log, "10.9.8.7") || !strings.Contains(log, `"request_id":"abc-1"`) {
		t.Errorf("log: %s", log)
	}
}

func TestAccessLog(t *testing.T) {
	e := start(t, &fakes{})
	token := e.token(42)
	e.post("/douyin/user/register/", "username", "somebody", "password", "pa55word")
	e.do(
		request{
			method: "POST",
			path:   "/douyin/message/action/",
			query:  values("token", token),
			form:   values("to_user_id", "2", "action_type", "1", "content", "whisper"),
		},
	)
	e.do(
		request{method: "GET", path: "/douyin/feed", header: map[string]string{"Authorization": "Bearer " + token, "X-Request-ID": "bad id\tx"}},
	)
	waitFor(t, "three lines", func() bool { return strings.Count(e.log.String(), "\n") >= 3 })
	log := e.log.String()
	for _, secret := range []string{token, "pa55word", "whisper", "somebody", "bad id", "token="} {
		if strings.Contains(log, secret) {
			t.Errorf("%q is in the log: %s", secret, log)
		}
	}
	var line map[string]any
	if err := json.Unmarshal([]byte(strings.Split(log, "\n")[1]), &line); err != nil {
		t.Fatal(err)
	}
	for k, want := range map[string]any{
		"method": "POST", "route": "/douyin/message/action", "code": float64(0), "http": float64(200), "user_id": float64(42),
		"addr": "127.0.0.1",
	} {
		if line[k] != want {
			t.Errorf("log %s = %v, want %v", k, line[k], want)
		}
	}
	if line["request_id"] == "" || line["bytes"] == float64(0) {
		t.Errorf("log line %v", line)
	}
}

func TestLimits(t *testing.T) {
	rule := limiter.Rule{Rate: 0.001, Burst: 2}
	wrong := func(*user.LoginRequest) (*user.LoginResponse, error) { return nil, errno.UserBadCredentials }
	for name, try := range map[string]struct {
		change func(*config.Limits)
		hit    func(*env) answer
	}{
		"reads of an address": {func(l *config.Limits) { l.ReadAddr = rule }, func(e *env) answer { return e.get("/douyin/feed/") }},
		"reads of a user": {
			func(l *config.Limits) { l.ReadUser = rule },
			func(e *env) answer { return e.get("/douyin/feed/", "token", e.token(1)) },
		},
		"writes of an address": {func(l *config.Limits) { l.WriteAddr = rule }, func(e *env) answer {
			return e.post("/douyin/favorite/action/", "video_id", "5", "action_type", "1", "token", e.token(1))
		}},
		"writes of a user": {func(l *config.Limits) { l.WriteUser = rule }, func(e *env) answer {
			return e.post("/douyin/favorite/action/", "video_id", "5", "action_type", "1", "token", e.token(1))
		}},
		"registrations": {
			func(l *config.Limits) { l.RegisterAddr = rule },
			func(e *env) answer { return e.post("/douyin/user/register/", "username", "a", "password", "b") },
		},
		"logins": {
			func(l *config.Limits) { l.LoginAddr = rule },
			func(e *env) answer { return e.post("/douyin/user/login/", "username", "a", "password", "b") },
		},
		"chat polls": {
			func(l *config.Limits) { l.ChatUser = rule },
			func(e *env) answer { return e.get("/douyin/message/chat/", "to_user_id", "2", "token", e.token(1)) },
		},
	} {
		e := start(t, &fakes{}, func(d *gateway.Deps) { try.change(&d.Limits) })
		wantCode(t, try.hit(e), 0)
		wantCode(t, try.hit(e), 0)
		a := try.hit(e)
		if a.StatusCode != 200 || a.code() != int(errno.TooManyRequests.Code) || a.Header.Get("Retry-After") == "" {
			t.Errorf("%s: third answered %d %s", name, a.StatusCode, a.body)
		}
	}

	t.Run("guessing", func(t *testing.T) {
		f := &fakes{login: wrong}
		e := start(t, f)
		guess := func(name string) answer { return e.post("/douyin/user/login/", "username", name, "password", "x") }
		for range 10 {
			wantCode(t, guess("ann"), errno.UserBadCredentials.Code)
		}
		wantCode(t, guess("ann"), errno.TooManyRequests.Code)
		wantCode(t, guess("bob"), errno.UserBadCredentials.Code)
	})
	t.Run("a success forgives", func(t *testing.T) {
		var good atomic.Bool
		e := start(t, &fakes{login: func(r *user.LoginRequest) (*user.LoginResponse, error) {
			if good.Load() {
				return &user.LoginResponse{UserId: 1}, nil
			}
			return wrong(r)
		}})
		for range 3 {
			for range 9 {
				good.Store(false)
				wantCode(t, e.post("/douyin/user/login/", "username", "ann", "password", "x"), errno.UserBadCredentials.Code)
			}
			good.Store(true)
			wantCode(t, e.post("/douyin/user/login/", "username", "ann", "password", "x"), 0)
		}
	})
	t.Run("a school by default", func(t *testing.T) {
		e := start(t, &fakes{})
		for i := range 100 {
			wantCode(t, e.post("/douyin/user/register/", "username", fmt.Sprint("u", i), "password", "b"), 0)
		}
		for range 1000 {
			wantCode(t, e.get("/douyin/feed/"), 0)
		}
	})
}

func TestClientAddress(t *testing.T) {
	rule := limiter.Rule{Rate: 0.001, Burst: 1}
	limit := func(d *gateway.Deps) { d.Limits.RegisterAddr = rule }
	from := func(e *env, chain string) int {
		return e.do(request{
			method: "POST", path: "/douyin/user/register/", query: values("username", "a", "password", "b"),
			header: map[string]string{"X-Forwarded-For": chain},
		}).
			code()
	}
	e := start(t, &fakes{}, limit) // nobody is trusted: the header changes nothing
	if a, b := from(e, "1.1.1.1"), from(e, "2.2.2.2"); a != 0 || b != int(errno.TooManyRequests.Code) {
		t.Errorf("untrusted header: %d, %d", a, b)
	}
	e = start(t, &fakes{}, limit, trust("127.0.0.0/8"))
	for _, invented := range []string{"1.1.1.1", "2.2.2.2"} { // the proxy's own line comes last
		_, body := raw(
			t,
			e,
			"POST /douyin/user/register/?username=a&password=b HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: "+invented+"\r\nX-Forwarded-For: "+
				"7.7.7.7\r\n\r\n",
		)
		if limited := strings.Contains(body, "10007"); limited != (invented == "2.2.2.2") {
			t.Errorf("two lines, the first %s: %s", invented, body)
		}
	}
	e = start(t, &fakes{}, limit, trust("127.0.0.0/8"), trust("10.0.0.0/8"))
	for i, try := range []struct {
		chain string
		ok    bool
	}{
		{"1.1.1.1", true},
		{"1.1.1.1", false},
		{"2.2.2.2", true},
		{"9.9.9.9, 2.2.2.2", false},
		{"9.9.9.9, 3.3.3.3, 10.0.0.7", true},
		{"8.8.8.8, 3.3.3.3", false},
		{"rubbish", true},
		{"more rubbish, 10.0.0.1", true},
		{"::ffff:1.1.1.1", false},
	} {
		want := 0
		if !try.ok {
			want = int(errno.TooManyRequests.Code)
		}
		if got := from(e, try.chain); got != want {
			t.Errorf("%d. %q: %d, want %d", i, try.chain, got, want)
		}
	}
}

func TestBaseURL(t *testing.T) {
	avatar := func(e *env, header map[string]string) string {
		a := e.do(request{method: "GET", path: "/douyin/user/", query: values("user_id", "3"), header: header})
		u, _ := a.json["user"].(map[string]any)
		s, _ := u["avatar"].(string)
		base, ok := strings.CutSuffix(s, "/static/avatars/12.png")
		if !ok {
			t.Errorf("avatar %q", s)
		}
		return base
	}
	e := start(t, &fakes{})
	for host, want := range map[string]string{
		"192.168.1.7:10001": "http://192.168.1.7:10001", "phone.example": "http://phone.example", "[::1]:80": "http://[::1]:80",
	} {
		if got := avatar(e, map[string]string{"Host": host, "X-Forwarded-Proto": "https"}); got != want {
			t.Errorf("host %q: base %q, want %q", host, got, want)
		}
	}
	for _, host := range []string{`a"b<script>`, "a/b", "user@host", "a b", "ä.example", strings.Repeat("a", 300)} {
		_, body := raw(t, e, "GET /douyin/user/?user_id=3 HTTP/1.1\r\nHost: "+host+"\r\n\r\n")
		if !strings.Contains(body, e.url+"/static/avatars/12.png") {
			t.Errorf("host %q: %s", host, body)
		}
	}
	e = start(t, &fakes{}, trust("127.0.0.1/32"))
	if got := avatar(e, map[string]string{"Host": "v.example", "X-Forwarded-Proto": "https"}); got != "https://v.example" {
		t.Errorf("behind a proxy: %q", got)
	}
	e = start(t, &fakes{}, func(d *gateway.Deps) { d.Config.PublicBaseURL = "https://cdn.example/v" })
	if got := avatar(e, map[string]string{"Host": "v.example"}); got != "https://cdn.example/v" {
		t.Errorf("configured: %q", got)
	}
}

func TestGzip(t *testing.T) {
	e := start(t, thirty())
	plain := e.get("/douyin/feed/")
	if plain.Header.Get("Content-Encoding") != "" || !strings.Contains(plain.Header.Get("Vary"), "Accept-Encoding") {
		t.Errorf("plain: %v", plain.Header)
	}
	packed := e.do(request{method: "GET", path: "/douyin/feed/", header: map[string]string{"Accept-Encoding": "br, gzip;q=0.8"}})
	if packed.Header.Get("Content-Encoding") != "gzip" || len(packed.body)*3 > len(plain.body) {
		t.Errorf("packed %d of %d bytes: %v", len(packed.body), len(plain.body), packed.Header)
	}
	r, err := gzip.NewReader(bytes.NewReader(packed.body))
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(r); err != nil || !bytes.Equal(text, plain.body) {
		t.Errorf("unpacked %d bytes, %v", len(text), err)
	}
	for _, header := range []string{"gzip;q=0", "identity", "br"} {
		if a := e.do(request{method: "GET", path: "/douyin/feed/", header: map[string]string{"Accept-Encoding": header}}); a.Header.Get(
			"Content-Encoding",
		) != "" {
			t.Errorf("%s: %v", header, a.Header)
		}
	}
	small := e.do(
		request{
			method: "GET",
			path:   "/douyin/comment/list/",
			query:  values("video_id", "1"),
			header: map[string]string{"Accept-Encoding": "gzip"},
		},
	)
	if small.Header.Get("Content-Encoding") != "" {
		t.Errorf("small: %v", small.Header)
	}
	if a := e.do(request{method: "GET", path: "/static/avatars/1.png", header: map[string]string{"Accept-Encoding": "gzip"}}); a.Header.Get(
		"Content-Encoding",
	) != "" {
		t.Errorf("picture: %v", a.Header)
	}
}

func TestCORS(t *testing.T) {
	e := start(t, &fakes{})
	origin := map[string]string{"Origin": "https://web.example"}
	for _, path := range []string{"/douyin/feed/", "/static/avatars/1.png", "/douyin/nothing"} {
		if a := e.do(request{method: "GET", path: path, header: origin}); a.Header.Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("%s: %v", path, a.Header)
		}
	}
	pre := e.do(
		request{
			method: "OPTIONS",
			path:   "/douyin/publish/action/",
			header: map[string]string{"Origin": "https://web.example", "Access-Control-Request-Method": "POST"},
		},
	)
	if pre.StatusCode != 204 || !strings.Contains(pre.Header.Get("Access-Control-Allow-Methods"), "POST") {
		t.Errorf("preflight: %d %v", pre.StatusCode, pre.Header)
	}
	e = start(t, &fakes{}, func(d *gateway.Deps) { d.Config.CORSOrigins = []string{"https://web.example"} })
	if a := e.do(request{method: "GET", path: "/douyin/feed/", header: origin}); a.Header.Get(
		"Access-Control-Allow-Origin",
	) != "https://web.example" {
		t.Errorf("listed origin: %v", a.Header)
	}
	if a := e.do(request{method: "GET", path: "/douyin/feed/", header: map[string]string{"Origin": "https://evil.example"}}); a.Header.Get(
		"Access-Control-Allow-Origin",
	) != "" {
		t.Errorf("other origin: %v", a.Header)
	}
}

func TestHealthReadyMetrics(t *testing.T) {
	f := &fakes{}
	e := start(t, f)
	if a := e.get("/healthz"); a.StatusCode != 200 {
		t.Errorf("healthz: %d", a.StatusCode)
	}
	a := e.get("/readyz")
	want := map[string]any{
		"media_tools": "no ffmpeg: only mp4 and mov files with H.264 and AAC are taken, covers are drawn",
		"media":       "ok", "media_space": "ok", "user": "ok", "video": "ok", "interaction": "ok", "social": "ok", "chat": "ok", "push": "ok",
		"sessions": "ok",
	}
	if diff := cmp.Diff(want, a.json); a.StatusCode != 200 || diff != "" {
		t.Errorf("readyz: %d %s", a.StatusCode, diff)
	}
	if err := e.gw.Ready(t.Context()); err != nil {
		t.Errorf("ready: %v", err)
	}
	e.get("/douyin/user/", "user_id", "5000")
	e.get("/douyin/user", "user_id", "5")
	metrics := string(e.get("/metrics").body)
	for _, line := range []string{
		`tiktok_http_requests_total{code="10201",route="/douyin/user"} 1`, `tiktok_http_requests_total{code="0",route="/douyin/user"} 1`,
		`tiktok_http_duration_seconds_count{route="/douyin/user"} 2`,
	} {
		if !strings.Contains(metrics, line) {
			t.Errorf("no %s in\n%s", line, metrics)
		}
	}
	behind := start(t, f, trust("127.0.0.1/32"))
	if a := behind.do(request{method: "GET", path: "/metrics", header: map[string]string{"X-Forwarded-For": "1.1.1.1"}}); a.StatusCode != 403 {
		t.Errorf("metrics for somebody else: %d", a.StatusCode)
	}
	private := start(t, f, func(d *gateway.Deps) { d.PublicMetrics = false })
	// What the admin server has is nowhere on the public address.
	for _, g := range []*env{e, private} {
		for _, path := range []string{"/debug/pprof/", "/debug/pprof/heap", "/debug/", "/loglevel"} {
			if a := g.get(path); a.StatusCode != 404 {
				t.Errorf("%s is public: %d %.100s", path, a.StatusCode, a.body)
			}
		}
	}
	if a := private.get("/metrics"); a.StatusCode != 404 {
		t.Errorf("metrics with an admin server: %d", a.StatusCode)
	}
	f = &fakes{mgetUsers: func(*user.MGetUsersRequest) (*user.MGetUsersResponse, error) { return nil, errno.Unavailable }}
	e = start(t, f)
	if a := e.get("/readyz"); a.StatusCode != 503 || a.json["user"] != "unavailable" || a.json["video"] != "ok" {
		t.Errorf("readyz without users: %d %s", a.StatusCode, a.body)
	}
}

// A stop answers what is under way and does not wait for connections that only wait themselves.
func TestStop(t *testing.T) {
	inside, leave := make(chan struct{}), make(chan struct{})
	f := &fakes{feed: func(*video.FeedRequest) (*video.FeedResponse, error) {
		close(inside)
		<-leave
		return &video.FeedResponse{NextBeforeMs: 77}, nil
	}}
	e := start(t, f)
	if a := e.get("/healthz"); a.StatusCode != 200 { // leaves an idle connection
		t.Fatal(a.StatusCode)
	}
	type result struct {
		body string
		err  error
	}
	got := make(chan result, 1)
	go func() {
		c := http.Client{Transport: &http.Transport{}}
		defer c.CloseIdleConnections()
		req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, e.url+"/douyin/feed/", nil)
		if err != nil {
			got <- result{"", err}
			return
		}
		resp, err := c.Do(req)
		if err != nil {
			got <- result{"", err}
			return
		}
		defer shut(resp.Body)
		body, err := io.ReadAll(resp.Body)
		got <- result{string(body), err}
	}()
	<-inside
	begin := time.Now()
	e.stop()
	waitFor(t, "the port to be closed", func() bool {
		var d net.Dialer
		c, err := d.DialContext(t.Context(), "tcp", e.gw.Addr())
		if err == nil {
			_ = c.Close()
		}
		return err != nil
	})
	close(leave)
	if r := <-got; r.err != nil || !strings.Contains(r.body, `"next_time":77`) {
		t.Errorf("request under way: %+v", r)
	}
	err := <-e.done
	e.done <- err
	if err != nil {
		t.Error(err)
	}
	if took := time.Since(begin); took > 3*time.Second {
		t.Errorf("stop took %v", took)
	}
}

func TestOpen(t *testing.T) {
	cfg := config.Default()
	cfg.Gateway.Addr = "127.0.0.1:0"
	cfg.Gateway.PublicBaseURL = "http://v.example/"
	cfg.Gateway.TrustedProxies = []string{"10.0.0.7"}
	cfg.Blob.Dir, cfg.Media.WorkDir = t.TempDir(), t.TempDir()
	cfg.Auth.SecretFile = t.TempDir() + "/secret"
	gw, err := gateway.Open(t.Context(), cfg, telemetry.Discard(), (&fakes{}).clients(t), noHints(), handler.Demo{})
	if err != nil {
		t.Fatal(err)
	}
	defer shut(gw)
	taken := cfg
	taken.Gateway.Addr = gw.Addr()
	if _, err := gateway.Open(t.Context(), taken, telemetry.Discard(), rpc.Clients{}, noHints(), handler.Demo{}); err == nil ||
		!strings.Contains(err.Error(), "public address") {
		t.Errorf("taken address: %v", err)
	}
	off := cfg
	off.Limits.Driver = "off"
	unlimited, err := gateway.Open(t.Context(), off, telemetry.Discard(), (&fakes{}).clients(t), noHints(), handler.Demo{})
	if err != nil {
		t.Fatal(err)
	}
	defer shut(unlimited)
	bad := cfg
	bad.Gateway.TimeZone = "Mars/Olympus"
	if _, err := gateway.Open(t.Context(), bad, telemetry.Discard(), rpc.Clients{}, noHints(), handler.Demo{}); err == nil {
		t.Error("unknown zone is accepted")
	}
	if _, _, err := net.SplitHostPort(gw.Addr()); err != nil {
		t.Error(err)
	}
	if _, err := url.Parse("http://" + gw.Addr()); err != nil {
		t.Error(err)
	}
}
