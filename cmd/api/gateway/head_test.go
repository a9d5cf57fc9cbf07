package gateway_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"tiktok/cmd/api/gateway"
	"tiktok/kitex_gen/chat"
	"tiktok/pkg/errno"
)

// refusedHeads are requests whose head is out of bounds, each with the status that it has outside of /douyin. %s is a path.
func refusedHeads() map[string]struct {
	text   string
	status int
} {
	const get, end = "GET %s HTTP/1.1\r\nHost: x\r\n", "\r\n"
	many := func(n int, each string) string { return strings.Repeat(each, n) }
	return map[string]struct {
		text   string
		status int
	}{
		"65 parameters":       {"GET %s?" + many(64, "a=1&") + "a=1 HTTP/1.1\r\nHost: x\r\n\r\n", 400},
		"empty parameters":    {"GET %s?" + many(20<<10, "&") + " HTTP/1.1\r\nHost: x\r\n\r\n", 400},
		"a query of 1 MiB":    {"GET %s?" + many(1<<20, "&") + " HTTP/1.1\r\nHost: x\r\n\r\n", 431},
		"an endless line":     {"GET %s?" + many(1<<20, "x"), 431},
		"a header of 33 KiB":  {get + "X-A: " + many(33<<10, "a") + "\r\n" + end, 431},
		"headers of 40 KiB":   {get + many(80, "X-A: "+many(500, "a")+"\r\n") + end, 431},
		"101 headers":         {get + many(100, "a: b\r\n") + end, 431},
		"8,000 headers":       {get + many(8000, "a:\r\n") + end, 431},
		"headers without end": {get + many(1<<16, "a: b\r\n"), 431},
		"a long path":         {"GET %s" + many(2000, "/") + " HTTP/1.1\r\nHost: x\r\n\r\n", 414},
		"a broken header":     {get + "Authorization : Bearer x\r\n" + end, 400},
		"two lengths":         {get + "Content-Length: 1\r\nContent-Length: 2\r\n" + end, 400},
	}
}

// A head that is out of bounds is refused in the words of its surface, with all keys of its route, before it is parsed; then
// the connection ends.
func TestHeadBounds(t *testing.T) {
	e := start(t, &fakes{})
	for name, r := range refusedHeads() {
		for path, key := range map[string]string{"/douyin/feed/": `"video_list":[]`, "/douyin/nothing": "status_msg"} {
			resp, body := exchange(t, e, strings.Replace(r.text, "%s", path, 1))
			if resp.StatusCode != 200 || !strings.Contains(body, fmt.Sprintf(`"status_code":%d,`, errno.InvalidArgument.Code)) ||
				!strings.Contains(body, key) {
				t.Errorf("%s, %s: %d %s", name, path, resp.StatusCode, body)
			}
			wantSecure(t, name, resp)
		}
		resp, _ := exchange(t, e, strings.Replace(r.text, "%s", "/media/x.mp4", 1))
		if resp.StatusCode != r.status {
			t.Errorf("%s outside of the API: %d, want %d", name, resp.StatusCode, r.status)
		}
		wantSecure(t, name, resp)
	}
	absolute := "GET http://h.example/douyin/feed/?" + strings.Repeat("&", 64) + " HTTP/1.1\r\nHost: x\r\n\r\n"
	if resp, body := exchange(t, e, absolute); resp.StatusCode != 200 || !strings.Contains(body, `"video_list":[]`) {
		t.Errorf("an absolute address: %d %s", resp.StatusCode, body)
	}
	for name, text := range map[string]string{
		"TLS": "\x16\x03\x01\x02\x00\x01\x00\x01", "no HTTP": "hello\r\n\r\n",
		"half a line": "GET\r\nHost: x\r\n\r\n",
	} {
		resp, body := exchange(t, e, text)
		if resp.StatusCode != 400 {
			t.Errorf("%s: %d %s", name, resp.StatusCode, body)
		}
		wantSecure(t, name, resp)
	}
	if n := e.calls.Load(); n != 0 {
		t.Errorf("services were called %d times", n)
	}
	wantCode(t, e.get("/douyin/feed/"), 0)
}

// exchange sends bytes and reads the answer, after which the server has to close the connection. What it does not take any more
// is nobody's loss.
func exchange(t *testing.T, e *env, text string) (*http.Response, string) {
	t.Helper()
	c := connect(t, e)
	defer shut(c)
	go func() { _, _ = io.WriteString(c, text) }()
	if err := c.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(c)
	resp, err := http.ReadResponse(r, nil)
	if err != nil {
		t.Fatalf("%.60q: %v", text, err)
	}
	defer shut(resp.Body)
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("%.60q: %v", text, err)
	}
	if rest, err := io.ReadAll(r); len(rest) > 0 || err != nil && !strings.Contains(err.Error(), "reset") {
		t.Errorf("%.60q: after the answer comes %.100q, %v", text, rest, err)
	}
	return resp, string(body)
}

// wantSecure checks the headers that every answer has.
func wantSecure(t *testing.T, name string, r *http.Response) {
	t.Helper()
	for key, want := range map[string]string{"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"} {
		if got := r.Header.Values(key); len(got) != 1 || got[0] != want {
			t.Errorf("%s: %s is %q, want %q once", name, key, got, want)
		}
	}
	if got := r.Header.Values("Content-Security-Policy"); len(got) != 1 || !strings.Contains(got[0], "default-src 'none'") {
		t.Errorf("%s: Content-Security-Policy is %q", name, got)
	}
}

// What the client may send at most passes.
func TestLegalHeads(t *testing.T) {
	said := make(chan string, 1)
	e := start(t, &fakes{send: func(r *chat.SendMessageRequest) (*chat.SendMessageResponse, error) {
		said <- r.Content
		return &chat.SendMessageResponse{Message: &chat.Message{Id: 1}}, nil
	}})
	text := strings.Repeat("漢", 1000)
	a := e.post("/douyin/message/action/", "token", e.token(1), "to_user_id", "2", "action_type", "1", "content", text)
	wantCode(t, a, 0)
	if got := <-said; got != text {
		t.Errorf("%d bytes of the message arrived", len(got))
	}
	wantCode(t, e.post("/douyin/comment/action/", "token", e.token(1), "video_id", "5", "action_type", "1", "comment_text", text), 0)
	q := url.Values{"token": {strings.Repeat("t", 4<<10)}}
	for i := range 63 {
		q.Add(fmt.Sprint("p", i), "1")
	}
	wantCode(t, e.do(request{method: "GET", path: "/douyin/feed/", query: q}), 0)
	head := "GET /douyin/feed/?x=" + strings.Repeat("x", 20<<10) + " HTTP/1.1\r\nHost: x\r\n" + strings.Repeat("X-A: b\r\n", 99) + "\r\n"
	if resp, body := raw(t, e, head); resp.StatusCode != 200 || !strings.Contains(body, `"status_code":0,`) {
		t.Errorf("100 headers: %d %s", resp.StatusCode, body)
	}
	if resp, body := raw(t, e, "\r\n\r\nGET /douyin/feed/ HTTP/1.1\r\nHost: x\r\n\r\n"); resp.StatusCode != 200 ||
		!strings.Contains(body, `"status_code":0,`) {
		t.Errorf("after empty lines: %d %s", resp.StatusCode, body)
	}
}

// However a head is cut into packets, and whatever follows it, it is the same request.
func TestHeadInPieces(t *testing.T) {
	e := start(t, &fakes{})
	const first = "POST /douyin/user/login/ HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: " +
		"21\r\n\r\nusername=a&password=b"
	const second = "GET /douyin/user/?user_id=5 HTTP/1.1\r\nHost: x\r\n\r\n"
	bad := "GET /douyin/user/?" + strings.Repeat("&", 64) + " HTTP/1.1\r\nHost: x\r\n\r\n"
	all := first + second + bad + second // the last one is not answered any more
	for _, size := range []int{1, 7, len(first) - 1, len(first) + 3, len(all)} {
		var d net.Dialer
		c, err := d.DialContext(t.Context(), "tcp", e.gw.Addr())
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			for rest := all; rest != ""; {
				n := min(size, len(rest))
				if _, err := io.WriteString(c, rest[:n]); err != nil {
					return // it has been closed after the third
				}
				rest = rest[n:]
			}
		}()
		r := bufio.NewReader(c)
		for i, want := range []string{`"token":"`, `"name":"user5"`, `"status_code":10002`} {
			resp, err := http.ReadResponse(r, nil)
			if err != nil {
				t.Fatalf("pieces of %d, answer %d: %v", size, i, err)
			}
			body, err := io.ReadAll(resp.Body)
			if err != nil || !strings.Contains(string(body), want) {
				t.Errorf("pieces of %d, answer %d: %s %v", size, i, body, err)
			}
		}
		if _, err := http.ReadResponse(r, nil); err == nil {
			t.Errorf("pieces of %d: what follows a refused request was answered", size)
		}
		shut(c)
	}
}

// A client that leaves in the middle of a head, or sends none, is not answered.
func TestNoHead(t *testing.T) {
	e := start(t, &fakes{})
	for _, text := range []string{"", "\r\n", "GET /douyin/fe", "GET /douyin/feed/ HTTP/1.1\r\nHost: x\r\n"} {
		var d net.Dialer
		c, err := d.DialContext(context.Background(), "tcp", e.gw.Addr())
		if err != nil {
			t.Fatal(err)
		}
		send(t, c, "%s", text)
		tcp, ok := c.(*net.TCPConn)
		if !ok {
			t.Fatal("not TCP")
		}
		if err := tcp.CloseWrite(); err != nil {
			t.Fatal(err)
		}
		if all, err := io.ReadAll(c); len(all) > 0 || err != nil {
			t.Errorf("%q: answered %q, %v", text, all, err)
		}
		shut(c)
	}
}

// A refused request counts for its address like any other.
func TestRefusedHeadsAreLimited(t *testing.T) {
	e := start(t, &fakes{}, func(d *gateway.Deps) { d.Limits.ReadAddr.Rate, d.Limits.ReadAddr.Burst = 0.001, 2 })
	text := "GET /douyin/feed/?" + strings.Repeat("&", 64) + " HTTP/1.1\r\nHost: x\r\n\r\n"
	for i, want := range []int32{errno.InvalidArgument.Code, errno.InvalidArgument.Code, errno.TooManyRequests.Code} {
		if _, body := exchange(t, e, text); !strings.Contains(body, fmt.Sprint(want)) {
			t.Errorf("%d.: %s", i, body)
		}
	}
}

// Every answer has the headers for browsers.
func TestSecurityHeaders(t *testing.T) {
	broken := start(t, &fakes{}, func(d *gateway.Deps) { d.Clients.Chat = nil })
	a := broken.get("/douyin/message/chat/", "token", broken.token(1), "to_user_id", "2")
	wantCode(t, a, errno.Internal.Code)
	wantSecure(t, "a panic", a.Response)
	e := start(t, &fakes{})
	for _, r := range []request{
		{method: "GET", path: "/douyin/feed/"},
		{method: "GET", path: "/douyin/nothing"},
		{method: "GET", path: "/media/nothing.mp4"},
		{method: "HEAD", path: "/static/avatars/1.png"},
		{method: "GET", path: "/static/avatars/1.png", header: map[string]string{"Range": "bytes=1-2"}},
		{method: "GET", path: "/static/avatars/1.png", header: map[string]string{"Range": "bytes=99999999-"}},
		{method: "GET", path: "/healthz"},
		{method: "GET", path: "/readyz"},
		{method: "GET", path: "/metrics"},
		{method: "GET", path: "/nothing"},
		{method: "OPTIONS", path: "/douyin/feed/", header: map[string]string{
			"Origin":                        "https://x.example",
			"Access-Control-Request-Method": "GET",
		}},
		{method: "TRACE", path: "/"},
	} {
		wantSecure(t, r.method+" "+r.path, e.do(r).Response)
	}
	resp, _ := raw(t, e, "GET /media/x HTTP/1.1\r\n\r\n") // Hertz refuses it: no Host
	wantSecure(t, "no host", resp)
	if resp.StatusCode != 400 {
		t.Errorf("no host: %d", resp.StatusCode)
	}
}
