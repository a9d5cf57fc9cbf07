package gateway_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"tiktok/cmd/api/gateway"
	"tiktok/kitex_gen/user"
	"tiktok/kitex_gen/video"
	"tiktok/pkg/errno"
	"tiktok/pkg/limiter"
)

// oneVideo is a service that has the video 7 of user 3.
func oneVideo(title string) *fakes {
	return &fakes{mgetVideos: func(r *video.MGetVideosRequest) (*video.MGetVideosResponse, error) {
		found := map[int64]*video.Video{}
		for _, id := range r.VideoIds {
			if id == 7 {
				found[id] = &video.Video{
					Id: 7, AuthorId: 3, Title: title, PlayKey: "videos/7.mp4", CoverKey: "covers/7.jpg", WidthPx: 720, HeightPx: 1280,
				}
			}
		}
		return &video.MGetVideosResponse{Videos: found}, nil
	}}
}

// page asks as a browser does.
func (e *env) page(method, path string) answer {
	e.t.Helper()
	return e.do(request{method: method, path: path, header: map[string]string{"Accept": "text/html,*/*;q=0.8"}})
}

// wantPage checks that the answer is the client's page, with the policy for it.
func wantPage(t *testing.T, name string, a answer, status int) {
	t.Helper()
	if a.StatusCode != status || a.Header.Get("Content-Type") != "text/html; charset=utf-8" || a.Header.Get("Cache-Control") != "no-cache" {
		t.Errorf("%s: %d %v", name, a.StatusCode, a.Header)
	}
	if a.Request.Method != "HEAD" && !strings.Contains(string(a.body), `<div id="app">`) {
		t.Errorf("%s: %.200s", name, a.body)
	}
	policy := a.Header.Values("Content-Security-Policy")
	if len(policy) != 1 || !strings.Contains(policy[0], "default-src 'none'; script-src 'self';") || strings.Contains(policy[0], "unsafe") {
		t.Errorf("%s: policy %q", name, policy)
	}
	for key, want := range map[string]string{"Referrer-Policy": "same-origin", "X-Content-Type-Options": "nosniff"} {
		if got := a.Header.Values(key); len(got) != 1 || got[0] != want {
			t.Errorf("%s: %s is %q", name, key, got)
		}
	}
}

func TestPages(t *testing.T) {
	e := start(t, &fakes{})
	for _, path := range []string{
		"/", "/upload", "/inbox", "/inbox?x=1", "/chat", "/chat/5", "/settings", "/login", "/login?to=%2Fupload",
		"/search", "/search?q=%E7%8C%AB&tab=tags", "/history", "/statistics", "/tag/sea", "/tag/%E5%A4%9C%E6%99%9A",
	} {
		wantPage(t, path, e.page("GET", path), 200)
		head := e.page("HEAD", path)
		wantPage(t, "HEAD "+path, head, 200)
		if len(head.body) > 0 || head.ContentLength <= 0 {
			t.Errorf("HEAD %s: %d bytes, Content-Length %d", path, len(head.body), head.ContentLength)
		}
	}
	for _, path := range []string{
		"/nothing", "/v/0", "/v/x", "/v/-1", "/v/99999999999999999999", "/v/1/2", "/chat/1/2", "/@",
		"/tag/", "/tag/a%20b", "/tag/%3Cb%3E", "/tag/a/b", "/tag/" + strings.Repeat("a", 51), "/history/1", "/search/x",
		"/index.html/",
	} {
		wantPage(t, path, e.page("GET", path), 404)
	}
	if n := e.calls.Load(); n != 0 {
		t.Errorf("pages about nothing took %d calls", n)
	}
	if a := e.get("/nothing"); a.StatusCode != 404 || string(a.body) != "not found" {
		t.Errorf("for a program: %d %s", a.StatusCode, a.body)
	}
	tag := e.page("GET", "/").Header.Get("ETag")
	if a := e.do(request{method: "GET", path: "/upload", header: map[string]string{"If-None-Match": tag}}); tag == "" || a.StatusCode != 304 {
		t.Errorf("known page %q: %d", tag, a.StatusCode)
	}
}

// The page of a tag says so in its head, without a call.
func TestTagPage(t *testing.T) {
	e := start(t, &fakes{})
	body := string(e.page("GET", "/tag/%E5%A4%9C%E6%99%9A").body)
	for _, want := range []string{
		"<title>#夜晚 · tiktok</title>", `<meta property="og:title" content="#夜晚">`, `/tag/%E5%A4%9C%E6%99%9A">`,
	} {
		if !strings.Contains(body, want) {
			t.Errorf("no %s in %.600s", want, body)
		}
	}
	if n := e.calls.Load(); n != 0 {
		t.Errorf("it took %d calls", n)
	}
}

func TestAssets(t *testing.T) {
	e := start(t, &fakes{})
	index := string(e.page("GET", "/").body)
	names := regexp.MustCompile(`(?:src|href)="(/[^"]*)"`).FindAllStringSubmatch(index, -1)
	if len(names) == 0 {
		t.Fatal("the page loads nothing")
	}
	for _, m := range names {
		a := e.get(m[1])
		if a.StatusCode != 200 || len(a.body) == 0 || a.Header.Get("ETag") == "" || a.Header.Get("Content-Type") == "" {
			t.Errorf("%s: %d %v", m[1], a.StatusCode, a.Header)
		}
		want := "public, max-age=86400"
		if strings.HasPrefix(m[1], "/assets/") {
			want = "public, max-age=31536000, immutable"
		}
		if got := a.Header.Values("Cache-Control"); len(got) != 1 || got[0] != want {
			t.Errorf("%s: Cache-Control %q", m[1], got)
		}
		wantSecure(t, m[1], a.Response)
		if h := e.do(request{method: "HEAD", path: m[1]}); h.StatusCode != 200 || h.ContentLength != int64(len(a.body)) {
			t.Errorf("HEAD %s: %d, %d bytes", m[1], h.StatusCode, h.ContentLength)
		}
	}
	for _, path := range []string{
		"/assets/", "/assets/nothing.js", "/assets/../index.html", "/assets/..%2findex.html", "/assets/%2e%2e/%2e%2e/web.go",
		"/assets//etc/passwd",
		"/dist/index.html", "/index.html", "/web.go", "/assets/%00",
	} {
		_, body := raw(t, e, "GET "+path+" HTTP/1.1\r\nHost: x\r\n\r\n")
		if strings.Contains(body, "<html") || strings.Contains(body, "package") || strings.Contains(body, "root:") {
			t.Errorf("%s: %.100s", path, body)
		}
	}
}

// The service worker governs all pages, asks the API only, and is asked for anew each time: a new build's is there at once.
func TestWorker(t *testing.T) {
	e := start(t, &fakes{})
	for _, path := range []string{"/sw.js", "/sw.js?lang=zh"} {
		a := e.get(path)
		if a.StatusCode != 200 || len(a.body) == 0 || a.Header.Get("Content-Type") != "text/javascript; charset=utf-8" {
			t.Errorf("%s: %d %v", path, a.StatusCode, a.Header)
		}
		for key, want := range map[string]string{
			"Cache-Control": "no-cache", "Content-Security-Policy": "default-src 'none'; connect-src 'self'",
			"Referrer-Policy": "same-origin", "X-Content-Type-Options": "nosniff",
		} {
			if got := a.Header.Values(key); len(got) != 1 || got[0] != want {
				t.Errorf("%s: %s is %q", path, key, got)
			}
		}
	}
}

// The page of a video says what it is about, whatever people have written.
func TestVideoPage(t *testing.T) {
	e := start(t, oneVideo(`</title><script>"alert"</script>`))
	a := e.do(request{method: "GET", path: "/v/7", header: map[string]string{"Host": "v.example"}})
	wantPage(t, "video", a, 200)
	page := string(a.body)
	for _, want := range []string{
		`<title>&lt;/title&gt;&lt;script&gt;&#34;alert&#34;&lt;/script&gt; · tiktok</title>`,
		`<meta property="og:title" content="&lt;/title&gt;&lt;script&gt;&#34;alert&#34;&lt;/script&gt;">`,
		`<meta property="og:type" content="video.other">`,
		`<meta property="og:image" content="http://v.example/media/covers/7.jpg">`,
		`<meta property="og:video" content="http://v.example/media/videos/7.mp4">`,
		`<meta property="og:video:height" content="1280">`,
		`<meta name="twitter:card" content="summary_large_image">`,
		`<meta name="description" content="@user3">`,
		`<link rel="canonical" href="http://v.example/v/7">`,
	} {
		if !strings.Contains(page, want) {
			t.Errorf("no %s in %s", want, page)
		}
	}
	if a.Header.Get("Vary") != "Host" {
		t.Errorf("Vary %q", a.Header.Get("Vary"))
	}
	if n := e.calls.Load(); n != 2 {
		t.Errorf("%d calls", n)
	}
	if tag := a.Header.Get("ETag"); tag == "" ||
		e.do(request{method: "GET", path: "/v/7", header: map[string]string{"Host": "v.example", "If-None-Match": tag}}).StatusCode != 304 {
		t.Errorf("known page: %q", tag)
	}
	wantPage(t, "another host", e.page("GET", "/v/8"), 404)
	if h := e.page("HEAD", "/v/7"); h.StatusCode != 200 || h.ContentLength <= 0 {
		t.Errorf("HEAD: %d %d", h.StatusCode, h.ContentLength)
	}
	fixed := start(t, oneVideo("x"), func(d *gateway.Deps) {
		d.Config.PublicBaseURL, d.MediaOrigins = "https://v.example.com", []string{"https://cdn.example.com/media/x"}
	})
	a = fixed.page("GET", "/v/7")
	if !strings.Contains(string(a.body), `"https://v.example.com/v/7"`) || a.Header.Get("Vary") != "" {
		t.Errorf("with a public address: %v %s", a.Header, a.body)
	}
	if p := a.Header.Get("Content-Security-Policy"); !strings.Contains(p,
		"media-src 'self' blob: https://v.example.com https://cdn.example.com;") {
		t.Errorf("media of another address: %s", p)
	}
}

// Without its services, or over a limit, the page comes all the same and at once.
func TestVideoPageDegraded(t *testing.T) {
	away := start(t, &fakes{mgetVideos: func(*video.MGetVideosRequest) (*video.MGetVideosResponse, error) { return nil, errno.Unavailable }})
	a := away.page("GET", "/v/7")
	wantPage(t, "no videos", a, 200)
	if strings.Contains(string(a.body), "og:") {
		t.Errorf("no videos: %s", a.body)
	}
	f := oneVideo("x")
	f.mgetUsers = func(*user.MGetUsersRequest) (*user.MGetUsersResponse, error) { return nil, errno.Unavailable }
	wantPage(t, "no users", start(t, f).page("GET", "/v/7"), 200)

	release := make(chan struct{})
	defer close(release)
	hangs := start(t, &fakes{mgetVideos: func(*video.MGetVideosRequest) (*video.MGetVideosResponse, error) {
		<-release
		return &video.MGetVideosResponse{}, nil
	}})
	begin := time.Now()
	wantPage(t, "hangs", hangs.page("GET", "/v/7"), 200)
	if took := time.Since(begin); took > 3*time.Second {
		t.Errorf("the page took %v", took)
	}

	limited := start(t, oneVideo("x"), func(d *gateway.Deps) { d.Limits.ReadAddr = limiter.Rule{Rate: 0.001, Burst: 1} })
	for i, want := range []bool{true, false} {
		a := limited.page("GET", "/v/7")
		wantPage(t, fmt.Sprint(i), a, 200)
		if got := strings.Contains(string(a.body), "og:video"); got != want || a.Header.Get("Retry-After") != "" {
			t.Errorf("%d: head %v, %v", i, got, a.Header)
		}
	}
}

func TestUserPage(t *testing.T) {
	e := start(t, &fakes{findUser: func(r *user.FindUserRequest) (*user.FindUserResponse, error) {
		if r.Username != "猫 \"a" {
			return nil, errno.UserNotFound
		}
		return &user.FindUserResponse{User: &user.User{
			Id: 3, Name: r.Username, DisplayName: "Cat <b>", Signature: "it's me", AvatarKey: "avatars/3.jpg",
		}}, nil
	}}, func(d *gateway.Deps) { d.Config.PublicBaseURL = "https://v.example.com" })
	a := e.page("GET", "/@%E7%8C%AB%20%22a")
	wantPage(t, "user", a, 200)
	for _, want := range []string{
		`<title>Cat &lt;b&gt; (@猫 &#34;a) · tiktok</title>`, `<meta property="og:type" content="profile">`,
		`<meta property="og:image" content="https://v.example.com/media/avatars/3.jpg">`,
		`<meta name="description" content="it&#39;s me">`, `<link rel="canonical" href="https://v.example.com/@%E7%8C%AB%20%22a">`,
	} {
		if !strings.Contains(string(a.body), want) {
			t.Errorf("no %s in %s", want, a.body)
		}
	}
	wantPage(t, "nobody", e.page("GET", "/@nobody"), 404)
	wantPage(t, "an endless name", e.page("GET", "/@"+strings.Repeat("a", 500)), 404)
}
