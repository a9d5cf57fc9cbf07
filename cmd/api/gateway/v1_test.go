package gateway_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tiktok/cmd/api/biz/model/v1"
	"tiktok/cmd/api/gateway"
	"tiktok/kitex_gen/interaction"
	"tiktok/kitex_gen/social"
	"tiktok/kitex_gen/video"
	"tiktok/pkg/errno"
)

// v1 sends a request to /api/v1; a body is JSON unless a header says otherwise. headers are names and values.
func (e *env) v1(method, path, body string, headers ...string) answer {
	e.t.Helper()
	r := request{method: method, path: "/api/v1" + path, header: map[string]string{}}
	if body != "" {
		r.body = strings.NewReader(body)
		r.header["Content-Type"] = "application/json"
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.header[headers[i]] = headers[i+1]
	}
	return e.do(r)
}

// bearer is the header of a user's token.
func (e *env) bearer(id int64) []string { return []string{"Authorization", "Bearer " + e.token(id)} }

// cookie is the header of a user's web session.
func (e *env) cookie(id int64, more ...string) []string {
	return append([]string{"Cookie", "session=" + e.token(id)}, more...)
}

// wantStatus checks a success, and reads it into v unless that is nil.
func wantStatus(t *testing.T, a answer, status int, v any) {
	t.Helper()
	if a.StatusCode != status {
		t.Fatalf("answered %d %s, want %d", a.StatusCode, a.body, status)
	}
	if got := a.Header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("Cache-Control: %q", got)
	}
	if status == http.StatusNoContent {
		if len(a.body) > 0 || a.Header.Get("Content-Type") != "" {
			t.Errorf("an answer without a body has %q of type %q", a.body, a.Header.Get("Content-Type"))
		}
		return
	}
	if got := a.Header.Get("Content-Type"); got != "application/json; charset=utf-8" {
		t.Errorf("Content-Type: %q", got)
	}
	if strings.Contains(string(a.body), "null") {
		t.Errorf("null in %s", a.body)
	}
	if v != nil {
		if err := json.Unmarshal(a.body, v); err != nil {
			t.Errorf("%v in %s", err, a.body)
		}
	}
}

// wantProblem checks all that a problem document promises; detail has to hold the given text.
func wantProblem(t *testing.T, a answer, status int, code *errno.Error, detail string) {
	t.Helper()
	if got := a.Header.Get("Content-Type"); got != "application/problem+json" {
		t.Fatalf("answered %d of type %q: %s", a.StatusCode, got, a.body)
	}
	var p v1.Problem
	if err := json.Unmarshal(a.body, &p); err != nil {
		t.Fatalf("%v in %s", err, a.body)
	}
	want := v1.Problem{
		Type: fmt.Sprintf("urn:tiktok:error:%d", code.Code), Title: code.Msg, Status: int32(status), Code: code.Code,
		RequestID: a.Header.Get("X-Request-Id"), Detail: p.Detail,
	}
	if diff := cmp.Diff(want, p); diff != "" || a.StatusCode != status {
		t.Errorf("status %d, problem (-want +got):\n%s", a.StatusCode, diff)
	}
	if got := p.GetDetail(); !strings.Contains(got, detail) || detail == "" && got != "" {
		t.Errorf("detail %q, want %q", got, detail)
	}
	if a.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("Cache-Control: %q", a.Header.Get("Cache-Control"))
	}
	if (status == http.StatusUnauthorized) != (a.Header.Get("WWW-Authenticate") == "Bearer") {
		t.Errorf("WWW-Authenticate: %q", a.Header.Get("WWW-Authenticate"))
	}
	for _, leak := range []string{"goroutine", ".go:", "json:", "jsontext", "Go value", "SELECT", "127.0.0.1"} {
		if strings.Contains(string(a.body), leak) {
			t.Errorf("%q in %s", leak, a.body)
		}
	}
}

func TestV1BadRequests(t *testing.T) {
	var calls atomic.Int64
	f := &fakes{
		favorite: func(*interaction.FavoriteRequest) (*interaction.FavoriteResponse, error) {
			calls.Add(1)
			return nil, errno.Internal
		},
		following: func(*social.ListFollowingRequest) (*social.ListFollowingResponse, error) {
			calls.Add(1)
			return nil, errno.Internal
		},
	}
	e := start(t, f)
	long := strings.Repeat("9", 3000)
	for _, c := range []struct {
		name, method, path, body string
		status                   int
		code                     *errno.Error
		detail                   string
	}{
		{"no such path", "GET", "/nothing", "", 404, errno.NotFound, "no such operation"},
		{"the root", "GET", "", "", 404, errno.NotFound, "no such operation"},
		{"a slash at the end", "GET", "/feed/", "", 404, errno.NotFound, "no such operation"},
		{"a part is missing", "PUT", "/videos//like", "", 405, errno.MethodNotAllowed, ""},
		{"another method", "POST", "/feed", "{}", 405, errno.MethodNotAllowed, ""},
		{"any method", "BREW", "/videos/5/like", "", 405, errno.MethodNotAllowed, ""},
		{"id 0", "PUT", "/videos/0/like", "", 400, errno.InvalidArgument, "video_id is not an id"},
		{"id -1", "PUT", "/videos/-1/like", "", 400, errno.InvalidArgument, "video_id is not an id"},
		{"id +1", "PUT", "/videos/+1/like", "", 400, errno.InvalidArgument, "video_id is not an id"},
		{"id 01", "PUT", "/videos/01/like", "", 400, errno.InvalidArgument, "video_id is not an id"},
		{"id 2^53", "PUT", "/videos/9007199254740992/like", "", 400, errno.InvalidArgument, "video_id is not an id"},
		{"id text", "PUT", "/videos/1e3/like", "", 400, errno.InvalidArgument, "video_id is not an id"},
		{"a long path", "PUT", "/videos/" + long + "/like", "", 414, errno.InvalidArgument, "path is too long"},
		{"limit 0", "GET", "/users/5/following?limit=0", "", 400, errno.InvalidArgument, "limit has to be"},
		{"limit 101", "GET", "/users/5/following?limit=101", "", 400, errno.InvalidArgument, "limit has to be"},
		{"limit text", "GET", "/users/5/following?limit=ten", "", 400, errno.InvalidArgument, "limit has to be"},
		{"limit twice", "GET", "/users/5/following?limit=1&limit=2", "", 400, errno.InvalidArgument, "limit is there twice"},
		{"cursor twice", "GET", "/feed?cursor=1&cursor=2", "", 400, errno.InvalidArgument, "cursor is there twice"},
		{"cursor text", "GET", "/feed?cursor=abc", "", 400, errno.InvalidArgument, "cursor is not valid"},
		{"cursor below 0", "GET", "/feed?cursor=-5", "", 400, errno.InvalidArgument, "cursor is not valid"},
		{"long cursor", "GET", "/users/5/following?cursor=" + long, "", 400, errno.InvalidArgument, "cursor is not valid"},
		{"cursor not UTF-8", "GET", "/users/5/following?cursor=%ff", "", 400, errno.InvalidArgument, "cursor is not valid UTF-8"},
		{"cursor NUL", "GET", "/users/5/following?cursor=%00", "", 400, errno.InvalidArgument, "cursor must not contain"},
		{"too many parameters", "GET", "/feed?" + strings.Repeat("a=1&", 100), "", 400, errno.InvalidArgument, "64 parameters"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := e.v1(c.method, c.path, c.body, e.bearer(1)...)
			wantProblem(t, a, c.status, c.code, c.detail)
		})
	}
	if n := calls.Load(); n != 0 {
		t.Errorf("%d calls to services", n)
	}
	if got := e.v1("POST", "/videos/5/like", "").Header.Get("Allow"); got != "PUT, DELETE" {
		t.Errorf("Allow: %q", got)
	}
	a := e.do(request{method: "GET", path: "/api/v1/feed", header: manyHeaders(200)})
	wantProblem(t, a, 431, errno.InvalidArgument, "more than 100 headers")
	a = e.do(request{method: "GET", path: "/api/v1/nothing", header: manyHeaders(200)})
	wantProblem(t, a, 431, errno.InvalidArgument, "more than 100 headers")
	if a := e.get("/api/v2/feed"); a.StatusCode != 404 || string(a.body) != "not found" {
		t.Errorf("outside of the APIs: %d %s", a.StatusCode, a.body)
	}
}

// TestV1BadBodies sends what is no comment.
func TestV1BadBodies(t *testing.T) {
	var calls atomic.Int64
	f := &fakes{createComment: func(*interaction.CreateCommentRequest) (*interaction.CreateCommentResponse, error) {
		calls.Add(1)
		return nil, errno.Internal
	}}
	e := start(t, f)
	long := strings.Repeat("9", 3000)
	invalid, badType, kind := errno.InvalidArgument, errno.UnsupportedMediaType, "Content-Type"
	for _, c := range []struct {
		name, body string
		header     []string
		code       *errno.Error
		detail     string
	}{
		{"another type", "content=x", []string{kind, "application/x-www-form-urlencoded"}, badType, "application/json"},
		{"no type", `{"content":"x"}`, []string{kind, ""}, badType, "application/json"},
		{"another charset", `{"content":"x"}`, []string{kind, "application/json; charset=gbk"}, badType, "application/json"},
		{"a broken type", `{"content":"x"}`, []string{kind, "application/json; ;;"}, badType, "application/json"},
		{"compressed", `{"content":"x"}`, []string{"Content-Encoding", "gzip"}, badType, "application/json"},
		{"too large", `{"content":"` + strings.Repeat("x", 2<<20) + `"}`, nil, errno.BodyTooLarge, ""},
		{"not JSON", `{"content":`, nil, invalid, "not JSON"},
		{"more after the JSON", `{"content":"x"} {}`, nil, invalid, "not JSON"},
		{"null", `null`, nil, invalid, "not a JSON object"},
		{"a list", `[]`, nil, invalid, "not a JSON object"},
		{"blank", " \n", nil, invalid, "the body is missing"},
		{"a number", `{"content":5}`, nil, invalid, `"content" has the wrong type`},
		{"an object", `{"content":{"a":1}}`, nil, invalid, `"content" has the wrong type`},
		{"twice", `{"content":"x","content":"y"}`, nil, invalid, `"content" is there twice`},
		{"a long name twice", `{"` + long + `":1,"` + long + `":1}`, nil, invalid, `a field is there twice`},
		{"not UTF-8", "{\"content\":\"\xff\"}", nil, invalid, "UTF-8"},
		{"half a surrogate", `{"content":"\ud800"}`, nil, invalid, "UTF-8"},
		{"NUL", `{"content":"a\u0000b"}`, nil, invalid, "content must not contain control characters"},
		{"a long text", `{"content":"` + long + long + long + `"}`, nil, invalid, "content is too long"},
		{"deep", `{"a":` + strings.Repeat("[", 20_000), nil, invalid, "not JSON"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := e.v1("POST", "/videos/5/comments", c.body, append(e.bearer(1), c.header...)...)
			wantProblem(t, a, c.code.Status(), c.code, c.detail)
		})
	}
	a := e.v1("POST", "/videos", `{"title":"x"}`, e.bearer(1)...)
	wantProblem(t, a, 415, errno.UnsupportedMediaType, "multipart/form-data")
	if n := calls.Load(); n != 0 {
		t.Errorf("%d calls to services", n)
	}
}

func manyHeaders(n int) map[string]string {
	h := map[string]string{}
	for i := range n {
		h[fmt.Sprintf("X-A-%d", i)] = "b"
	}
	return h
}

func TestV1TakesUnknownFieldsAndAnyJSONType(t *testing.T) {
	e := start(t, &fakes{})
	for _, body := range []string{`{"content":"nice"}`, ` {"new":[{"a":null}],"content":"nice","Content":"no"}`} {
		for _, kind := range []string{"application/json", "application/json; charset=UTF-8", "Application/JSON"} {
			var c v1.Comment
			wantStatus(t, e.v1("POST", "/videos/5/comments", body, append(e.bearer(1), "Content-Type", kind)...), 201, &c)
			if c.Content != "nice" || c.VideoID != 5 || c.Author.ID != 1 || c.CreatedAt != "1970-01-01T00:00:00.001Z" {
				t.Errorf("got %+v", c)
			}
		}
	}
}

func TestV1ErrorsOfServices(t *testing.T) {
	var fail error
	f := &fakes{favorite: func(*interaction.FavoriteRequest) (*interaction.FavoriteResponse, error) { return nil, fail }}
	e := start(t, f)
	for _, c := range []struct {
		err    error
		status int
		code   *errno.Error
		detail string
	}{
		{errno.VideoNotFound, 404, errno.VideoNotFound, ""},
		{errno.VideoNotFound.With("that one is gone"), 404, errno.VideoNotFound, "that one is gone"},
		{errno.Unavailable, 503, errno.Unavailable, ""},
		{errno.CallRefused, 500, errno.Internal, ""},
		{fmt.Errorf("SELECT 127.0.0.1"), 500, errno.Internal, ""},
	} {
		fail = c.err
		wantProblem(t, e.v1("PUT", "/videos/5/like", "", e.bearer(1)...), c.status, c.code, c.detail)
	}
}

func TestV1Panic(t *testing.T) {
	f := &fakes{feed: func(*video.FeedRequest) (*video.FeedResponse, error) { return nil, nil }} //nolint:nilnil // provokes a fault
	e := start(t, f)
	a := e.v1("GET", "/feed", "")
	wantProblem(t, a, 500, errno.Internal, "")
}

func TestV1Auth(t *testing.T) {
	e := start(t, &fakes{})
	anonymous, forbidden := errno.Unauthenticated, errno.Forbidden
	own, other := e.url, "https://evil.example"
	ended, foreign := "the session has ended", "not from a page of this site"
	huge, both := []string{"Authorization", "Bearer " + strings.Repeat("a", 9000)}, e.cookie(1, "Authorization", "Bearer x")
	for _, c := range []struct {
		name, method, path string
		header             []string
		status             int
		code               *errno.Error
		detail             string
		clears             bool
	}{
		{"a visitor", "GET", "/feed", nil, 200, nil, "", false},
		{"a visitor where members are", "GET", "/me/friends", nil, 401, anonymous, "", false},
		{"a visitor who writes", "PUT", "/videos/5/like", nil, 401, anonymous, "", false},
		{"a token in the address", "PUT", "/videos/5/like?token=" + e.token(1), nil, 401, anonymous, "", false},
		{"bearer", "PUT", "/videos/5/like", e.bearer(1), 204, nil, "", false},
		{"bearer in small letters", "PUT", "/videos/5/like", []string{"Authorization", "bearer " + e.token(1)}, 204, nil, "", false},
		{"a bad bearer where visitors are", "GET", "/feed", []string{"Authorization", "Bearer x"}, 401, anonymous, ended, false},
		{"a huge bearer", "GET", "/feed", huge, 401, anonymous, ended, false},
		{"a bearer that is not valid beside a cookie", "GET", "/feed", both, 401, anonymous, ended, false},
		{"another scheme", "GET", "/me/friends", []string{"Authorization", "Basic YTpi"}, 401, anonymous, "", false},
		{"another scheme beside a cookie", "GET", "/me/friends", e.cookie(1, "Authorization", "Basic YTpi"), 200, nil, "", false},
		{"bearer from anywhere", "PUT", "/videos/5/like", append(e.bearer(1), "Origin", other), 204, nil, "", false},
		{"cookie", "GET", "/me/friends", e.cookie(1), 200, nil, "", false},
		{"a bad cookie where visitors are", "GET", "/feed", []string{"Cookie", "session=x"}, 401, anonymous, ended, true},
		{"another cookie", "GET", "/feed", []string{"Cookie", "theme=dark"}, 200, nil, "", false},
		{"cookie from nowhere", "PUT", "/videos/5/like", e.cookie(1), 403, forbidden, foreign, false},
		{"cookie from this site", "PUT", "/videos/5/like", e.cookie(1, "Origin", own), 204, nil, "", false},
		{"cookie, says the browser", "PUT", "/videos/5/like", e.cookie(1, "Sec-Fetch-Site", "same-origin"), 204, nil, "", false},
		{"cookie, by hand", "PUT", "/videos/5/like", e.cookie(1, "Sec-Fetch-Site", "none"), 204, nil, "", false},
		{"cookie from another site", "PUT", "/videos/5/like", e.cookie(1, "Origin", other), 403, forbidden, foreign, false},
		{"cookie from a sibling", "PUT", "/videos/5/like", e.cookie(1, "Sec-Fetch-Site", "same-site"), 403, forbidden, foreign, false},
		{"cookie from another port", "DELETE", "/videos/5/like", e.cookie(1, "Origin", "http://127.0.0.1:1"), 403, forbidden, foreign, false},
		{"cookie from a longer host", "DELETE", "/videos/5/like", e.cookie(1, "Origin", own+".evil.example"), 403, forbidden, foreign, false},
		{"cookie from null", "DELETE", "/videos/5/like", e.cookie(1, "Origin", "null"), 403, forbidden, foreign, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := e.v1(c.method, c.path, "", c.header...)
			if c.code != nil {
				wantProblem(t, a, c.status, c.code, c.detail)
			} else {
				wantStatus(t, a, c.status, nil)
			}
			set := a.Header.Get("Set-Cookie")
			if cleared := strings.HasPrefix(set, "session=;") && strings.Contains(set, "2009"); cleared != c.clears || set != "" && !cleared {
				t.Errorf("Set-Cookie: %q", set)
			}
		})
	}
}

func TestV1CORS(t *testing.T) {
	e := start(t, &fakes{}, func(d *gateway.Deps) { d.Config.CORSOrigins = []string{"https://app.example"} })
	preflight := []string{"Origin", "https://app.example", "Access-Control-Request-Method", "PATCH"}
	a := e.v1("OPTIONS", "/me", "", preflight...)
	if methods := strings.Split(a.Header.Get("Access-Control-Allow-Methods"), ", "); a.StatusCode != 204 ||
		!slices.Contains(methods, "PUT") || !slices.Contains(methods, "PATCH") || !slices.Contains(methods, "DELETE") {
		t.Errorf("%d, methods %v", a.StatusCode, methods)
	}
	if a.Header.Get("Access-Control-Allow-Credentials") != "" {
		t.Error("a page of another origin may send cookies")
	}
	a = e.do(request{method: "OPTIONS", path: "/douyin/feed/", header: map[string]string{
		"Origin": "https://app.example", "Access-Control-Request-Method": "GET",
	}})
	if got := a.Header.Get("Access-Control-Allow-Methods"); got != "GET, HEAD, POST, OPTIONS" {
		t.Errorf("under /douyin: %q", got)
	}
	a = e.v1("GET", "/nothing", "", "Origin", "https://app.example")
	wantProblem(t, a, 404, errno.NotFound, "no such operation")
	if a.Header.Get("Access-Control-Allow-Origin") != "https://app.example" || !strings.HasPrefix(a.Header.Get("Vary"), "Origin") {
		t.Errorf("headers of a problem: %v", a.Header)
	}
}

func TestV1Limits(t *testing.T) {
	e := start(t, &fakes{}, func(d *gateway.Deps) { d.Limits.WriteUser.Rate, d.Limits.WriteUser.Burst = 0.01, 1 })
	wantStatus(t, e.v1("PUT", "/videos/5/like", "", e.bearer(1)...), 204, nil)
	a := e.v1("DELETE", "/videos/5/like", "", e.bearer(1)...)
	wantProblem(t, a, 429, errno.TooManyRequests, "")
	if a.Header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	wantCode(t, e.post("/douyin/favorite/action/", "token", e.token(1), "video_id", "5", "action_type", "1"), errno.TooManyRequests.Code)
	wantStatus(t, e.v1("PUT", "/videos/5/like", "", e.bearer(2)...), 204, nil)
}

func TestV1IsObserved(t *testing.T) {
	e := start(t, &fakes{favorite: func(*interaction.FavoriteRequest) (*interaction.FavoriteResponse, error) {
		return nil, errno.VideoNotFound
	}})
	e.v1("PUT", "/videos/5/like", "", e.bearer(7)...)
	e.v1("GET", "/feed", "")
	metrics := string(e.get("/metrics").body)
	for _, want := range []string{
		`tiktok_http_requests_total{code="10301",route="/api/v1/videos/:video_id/like"} 1`,
		`tiktok_http_requests_total{code="0",route="/api/v1/feed"} 1`,
	} {
		if !strings.Contains(metrics, want) {
			t.Errorf("no metric %s", want)
		}
	}
	if !strings.Contains(e.log.String(), `"route":"/api/v1/videos/:video_id/like","http":404,"code":10301`) {
		t.Errorf("log: %s", e.log)
	}
}

// videosFrom are n videos of users 1.., newest first, published at 1000*n milliseconds and before.
func videosFrom(n int) []*video.Video {
	var videos []*video.Video
	for i := n; i > 0; i-- {
		videos = append(videos, &video.Video{
			Id: int64(i), AuthorId: int64(i), Title: fmt.Sprint("video ", i), PlayKey: "videos/a.mp4", CoverKey: "covers/a.jpg",
			PublishedAtMs: int64(i) * 1000, DurationMs: 1500, WidthPx: 720, HeightPx: 1280,
		})
	}
	return videos
}

func TestV1Feed(t *testing.T) {
	var asked atomic.Pointer[video.FeedRequest]
	f := &fakes{feed: func(r *video.FeedRequest) (*video.FeedResponse, error) {
		asked.Store(r)
		all := slices.DeleteFunc(videosFrom(40), func(v *video.Video) bool { return r.BeforeMs > 0 && v.PublishedAtMs >= r.BeforeMs })
		resp := &video.FeedResponse{Videos: all[:min(int(r.Limit), len(all))]}
		if n := len(resp.Videos); n > 0 {
			resp.NextBeforeMs = resp.Videos[n-1].PublishedAtMs
		}
		return resp, nil
	}, stats: func(r *interaction.MGetStatsRequest) (*interaction.MGetStatsResponse, error) {
		resp := &interaction.MGetStatsResponse{}
		for range r.ViewerQueries {
			resp.ViewerStates = append(resp.ViewerStates, &interaction.ViewerState{FavoriteIds: []int64{40}})
		}
		return resp, nil
	}}
	e := start(t, f)
	var page v1.VideoPage
	wantStatus(t, e.v1("GET", "/feed", "", e.bearer(1)...), 200, &page)
	if len(page.Items) != 30 || page.NextCursor == "" {
		t.Fatalf("%d videos, next %q", len(page.Items), page.NextCursor)
	}
	want := &v1.Video{
		ID: 40, Title: "video 40", PlayURL: e.url + "/media/videos/a.mp4", CoverURL: e.url + "/media/covers/a.jpg", DurationMs: 1500,
		Width: 720, Height: 1280, IsLiked: true, PublishedAt: "1970-01-01T00:00:40.000Z", PageURL: e.url + "/v/40", Author: page.Items[0].Author,
		Mentions: []*v1.Mention{},
	}
	if diff := cmp.Diff(want, page.Items[0]); diff != "" {
		t.Error(diff)
	}
	if a := page.Items[0].Author; a.ID != 40 || a.Name != "user40" || a.DisplayName != "user40" || !strings.HasPrefix(a.AvatarURL, e.url) {
		t.Errorf("author %+v", a)
	}
	for _, n := range []int{1, 7, 30, 40} { // pages of any size give all videos once
		var ids []int64
		cursor := ""
		for len(ids) <= 40 {
			page = v1.VideoPage{}
			wantStatus(t, e.v1("GET", fmt.Sprintf("/feed?limit=%d&cursor=%s", n, cursor), ""), 200, &page)
			if len(page.Items) == 0 {
				break
			}
			if len(page.Items) > n {
				t.Fatalf("%d videos, limit %d", len(page.Items), n)
			}
			for _, v := range page.Items {
				ids = append(ids, v.ID)
			}
			cursor = page.NextCursor
		}
		if len(ids) != 40 || ids[0] != 40 || ids[39] != 1 || page.NextCursor != "" {
			t.Errorf("limit %d: %v, then %q", n, ids, page.NextCursor)
		}
	}
	wantStatus(t, e.v1("GET", "/feed?limit=100", ""), 200, &page)
	if got := asked.Load().Limit; got != 100 {
		t.Errorf("a page beyond the shared one: %d", got)
	}
}

func TestV1Lists(t *testing.T) {
	f := &fakes{
		following: func(r *social.ListFollowingRequest) (*social.ListFollowingResponse, error) {
			if r.UserId != 5 || r.Page.Limit != 2 || r.Page.Cursor != "c1" {
				return nil, errno.Internal
			}
			return &social.ListFollowingResponse{UserIds: []int64{3, 5000}, NextCursor: "c2"}, nil
		},
		followers: func(r *social.ListFollowersRequest) (*social.ListFollowersResponse, error) {
			return &social.ListFollowersResponse{UserIds: []int64{int64(r.Page.Limit)}}, nil
		},
		listByAuthor: func(*video.ListByAuthorRequest) (*video.ListByAuthorResponse, error) {
			return &video.ListByAuthorResponse{Videos: videosFrom(2), NextCursor: "n"}, nil
		},
		listFavorites: func(r *interaction.ListFavoritesRequest) (*interaction.ListFavoritesResponse, error) {
			if r.UserId != 5 {
				return &interaction.ListFavoritesResponse{}, nil
			}
			return &interaction.ListFavoritesResponse{VideoIds: []int64{2, 9}, NextCursor: "n"}, nil
		},
		mgetVideos: func(*video.MGetVideosRequest) (*video.MGetVideosResponse, error) {
			return &video.MGetVideosResponse{Videos: map[int64]*video.Video{2: videosFrom(2)[0]}}, nil
		},
		listThreads: func(r *interaction.ListThreadsRequest) (*interaction.ListThreadsResponse, error) {
			if r.VideoId == 404 {
				return nil, errno.VideoNotFound
			}
			c := &interaction.Comment{Id: 1, VideoId: r.VideoId, UserId: r.ViewerId, Content: "<b>", CreatedAtMs: 1_764_400_530_123}
			return &interaction.ListThreadsResponse{Comments: []*interaction.Comment{c}, NextCursor: "n"}, nil
		},
		listUploads: func(*video.ListUploadsRequest) (*video.ListUploadsResponse, error) {
			return &video.ListUploadsResponse{Uploads: []*video.Upload{
				{VideoId: 8, Title: "clip", State: video.UploadState_FAILED, Progress: 30, Reason: "broken", UploadedAtMs: 1},
			}}, nil
		},
	}
	e := start(t, f)
	var users v1.UserPage
	wantStatus(t, e.v1("GET", "/users/5/following?limit=2&cursor=c1", ""), 200, &users)
	if len(users.Items) != 2 || users.NextCursor != "c2" || users.Items[0].Name != "user3" ||
		!cmp.Equal(users.Items[1], &v1.User{ID: 5000, IsDeleted: true}) {
		t.Errorf("following: %+v", users)
	}
	users = v1.UserPage{}
	wantStatus(t, e.v1("GET", "/users/5/followers", ""), 200, &users)
	if len(users.Items) != 1 || users.Items[0].ID != 30 || users.NextCursor != "" {
		t.Errorf("followers by default: %+v", users)
	}
	wantStatus(t, e.v1("GET", "/me/friends", "", e.bearer(1)...), 200, &users)
	var videos v1.VideoPage
	wantStatus(t, e.v1("GET", "/users/5/videos", ""), 200, &videos)
	if len(videos.Items) != 2 || videos.NextCursor != "n" {
		t.Errorf("videos: %+v", videos)
	}
	wantStatus(t, e.v1("GET", "/users/5/likes", ""), 200, &videos)
	if len(videos.Items) != 1 || videos.Items[0].ID != 2 || videos.NextCursor != "n" {
		t.Errorf("likes: %+v", videos)
	}
	wantStatus(t, e.v1("GET", "/users/6/likes", ""), 200, nil)
	wantProblem(t, e.v1("GET", "/users/5000/likes", ""), 404, errno.UserNotFound, "")
	wantProblem(t, e.v1("GET", "/users/5000", ""), 404, errno.UserNotFound, "")
	wantProblem(t, e.v1("GET", "/videos/404/comments", ""), 404, errno.VideoNotFound, "")
	wantProblem(t, e.v1("GET", "/videos/7", ""), 404, errno.VideoNotFound, "")
	var v v1.Video
	wantStatus(t, e.v1("GET", "/videos/2", ""), 200, &v)
	if v.ID != 2 {
		t.Errorf("video: %+v", v)
	}
	var comments v1.CommentPage
	wantStatus(t, e.v1("GET", "/videos/2/comments", "", e.bearer(4)...), 200, &comments)
	if len(comments.Items) != 1 || comments.Items[0].Author.ID != 4 || comments.Items[0].CreatedAt != "2025-11-29T07:15:30.123Z" {
		t.Errorf("comments: %+v", comments)
	}
	var uploads v1.UploadPage
	wantStatus(t, e.v1("GET", "/me/uploads", "", e.bearer(4)...), 200, &uploads)
	want := []*v1.Upload{
		{VideoID: 8, Title: "clip", State: "failed", Progress: 30, Reason: "broken", UploadedAt: "1970-01-01T00:00:00.001Z"},
	}
	if diff := cmp.Diff(want, uploads.Items); diff != "" {
		t.Error(diff)
	}
}

func TestV1Writes(t *testing.T) {
	var got atomic.Value
	f := &fakes{
		favorite: func(r *interaction.FavoriteRequest) (*interaction.FavoriteResponse, error) {
			got.Store(fmt.Sprint("like ", r.UserId, r.VideoId))
			return &interaction.FavoriteResponse{}, nil
		},
		unfavorite: func(r *interaction.UnfavoriteRequest) (*interaction.UnfavoriteResponse, error) {
			got.Store(fmt.Sprint("unlike ", r.UserId, r.VideoId))
			return &interaction.UnfavoriteResponse{}, nil
		},
		follow: func(r *social.FollowRequest) (*social.FollowResponse, error) {
			got.Store(fmt.Sprint("follow ", r.UserId, r.ToUserId))
			return &social.FollowResponse{}, nil
		},
		unfollow: func(r *social.UnfollowRequest) (*social.UnfollowResponse, error) {
			got.Store(fmt.Sprint("unfollow ", r.UserId, r.ToUserId))
			return &social.UnfollowResponse{}, nil
		},
		deleteVideo: func(r *video.DeleteVideoRequest) (*video.DeleteVideoResponse, error) {
			got.Store(fmt.Sprint("delete ", r.AuthorId, r.VideoId))
			return &video.DeleteVideoResponse{}, nil
		},
		deleteComment: func(r *interaction.DeleteCommentRequest) (*interaction.DeleteCommentResponse, error) {
			got.Store(fmt.Sprint("uncomment ", r.UserId, r.VideoId, r.CommentId))
			return &interaction.DeleteCommentResponse{}, nil
		},
	}
	e := start(t, f)
	for _, c := range []struct{ method, path, want string }{
		{"PUT", "/videos/5/like", "like 1 5"},
		{"DELETE", "/videos/5/like", "unlike 1 5"},
		{"PUT", "/users/6/follow", "follow 1 6"},
		{"DELETE", "/users/6/follow", "unfollow 1 6"},
		{"DELETE", "/videos/7", "delete 1 7"},
		{"DELETE", "/videos/7/comments/8", "uncomment 1 7 8"},
	} {
		wantStatus(t, e.v1(c.method, c.path, "", e.bearer(1)...), 204, nil)
		if got.Load() != c.want {
			t.Errorf("%s %s: %v, want %s", c.method, c.path, got.Load(), c.want)
		}
	}
}

func TestV1CompressesLargeAnswers(t *testing.T) {
	f := &fakes{listByAuthor: func(*video.ListByAuthorRequest) (*video.ListByAuthorResponse, error) {
		return &video.ListByAuthorResponse{Videos: videosFrom(30)}, nil
	}}
	e := start(t, f)
	a := e.v1("GET", "/users/5/videos", "", "Accept-Encoding", "gzip")
	if a.StatusCode != 200 || a.Header.Get("Content-Encoding") != "gzip" || !strings.Contains(a.Header.Get("Vary"), "Accept-Encoding") {
		t.Errorf("%d, %v", a.StatusCode, a.Header)
	}
}
