package gateway_test

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tiktok/kitex_gen/chat"
	"tiktok/kitex_gen/interaction"
	"tiktok/kitex_gen/social"
	"tiktok/kitex_gen/user"
	"tiktok/kitex_gen/video"
	"tiktok/pkg/errno"
)

// route is one endpoint as a client calls it successfully.
type route struct {
	method, path string
	params       []string
	// auth: 0 no token is looked at, 1 optional, 2 needed.
	auth int
	keys []string
}

func routes() []route {
	users := []string{"status_code", "status_msg", "user_list"}
	videos := []string{"status_code", "status_msg", "video_list"}
	bare := []string{"status_code", "status_msg"}
	return []route{
		{"GET", "/douyin/feed/", nil, 1, []string{"next_time", "status_code", "status_msg", "video_list"}},
		{
			"POST",
			"/douyin/user/register/",
			[]string{"username", "ann", "password", "secret"},
			0,
			[]string{"status_code", "status_msg", "token", "user_id"},
		},
		{
			"POST",
			"/douyin/user/login/",
			[]string{"username", "ann", "password", "secret"},
			0,
			[]string{"status_code", "status_msg", "token", "user_id"},
		},
		{"GET", "/douyin/user/", []string{"user_id", "2"}, 1, []string{"status_code", "status_msg", "user"}},
		{"GET", "/douyin/publish/list/", []string{"user_id", "2"}, 1, []string{"processing_list", "status_code", "status_msg", "video_list"}},
		{"POST", "/douyin/publish/delete/", []string{"video_id", "5"}, 2, bare},
		{"POST", "/douyin/favorite/action/", []string{"video_id", "5", "action_type", "1"}, 2, bare},
		{"GET", "/douyin/favorite/list/", []string{"user_id", "2"}, 1, videos},
		{
			"POST",
			"/douyin/comment/action/",
			[]string{"video_id", "5", "action_type", "1", "comment_text", "nice"},
			2,
			[]string{"comment", "status_code", "status_msg"},
		},
		{"GET", "/douyin/comment/list/", []string{"video_id", "5"}, 1, []string{"comment_list", "status_code", "status_msg"}},
		{"POST", "/douyin/relation/action/", []string{"to_user_id", "2", "action_type", "1"}, 2, bare},
		{"GET", "/douyin/relation/follow/list/", []string{"user_id", "2"}, 1, users},
		{"GET", "/douyin/relation/follower/list/", []string{"user_id", "2"}, 1, users},
		{"GET", "/douyin/relation/friend/list/", []string{"user_id", "2"}, 2, users},
		{"POST", "/douyin/message/action/", []string{"to_user_id", "2", "action_type", "1", "content", "hi"}, 2, bare},
		{"GET", "/douyin/message/chat/", []string{"to_user_id", "2"}, 2, []string{"message_list", "status_code", "status_msg"}},
	}
}

func keysOf(m map[string]any) []string { return slices.Sorted(maps.Keys(m)) }

func TestEveryRouteEveryPlaceOfParameters(t *testing.T) {
	e := start(t, &fakes{})
	for _, r := range routes() {
		all := values(append([]string{"token", e.token(1)}, r.params...)...)
		for name, req := range map[string]request{
			"query":      {query: all},
			"urlencoded": {form: all},
			"multipart":  {multipart: all},
			"both": {query: all, form: values("token", "another", "user_id", "999999", "video_id", "x", "to_user_id", "x", "action_type",
				"9")},
			"no slash":       {query: all, path: strings.TrimSuffix(r.path, "/")},
			"double slash":   {query: all, path: "/" + r.path},
			"bearer":         {query: values(r.params...), header: map[string]string{"Authorization": "Bearer " + e.token(1)}},
			"empty in front": {query: values("token", "", "video_id", "", "to_user_id", "", "username", ""), form: all},
		} {
			t.Run(r.path+" "+name, func(t *testing.T) {
				req.method = r.method
				if req.path == "" {
					req.path = r.path
				}
				a := e.do(req)
				wantCode(t, a, 0)
				if diff := cmp.Diff(r.keys, keysOf(a.json)); diff != "" {
					t.Errorf("keys: %s", diff)
				}
				if strings.Contains(string(a.body), "null") {
					t.Errorf("null in %s", a.body)
				}
			})
		}
	}
}

func TestFailuresHaveEveryKey(t *testing.T) {
	e := start(t, &fakes{})
	for _, r := range routes() {
		a := e.do(
			request{
				method: r.method,
				path:   r.path,
				body:   strings.NewReader("x"),
				header: map[string]string{"Content-Type": "multipart/form-data; boundary=b"},
			},
		)
		wantCode(t, a, errno.InvalidArgument.Code)
		want := slices.DeleteFunc(slices.Clone(r.keys), func(k string) bool { return k == "comment" })
		if diff := cmp.Diff(want, keysOf(a.json)); diff != "" {
			t.Errorf("%s: keys: %s", r.path, diff)
		}
		if strings.Contains(string(a.body), "null") {
			t.Errorf("%s: null in %s", r.path, a.body)
		}
	}
	f := &fakes{register: func(*user.RegisterRequest) (*user.RegisterResponse, error) { return nil, errno.UserNameTaken }}
	a := start(t, f).post("/douyin/user/register/", "username", "ann", "password", "secret")
	wantCode(t, a, errno.UserNameTaken.Code)
	if a.json["token"] != "" || a.json["user_id"] != float64(0) {
		t.Errorf("failed register: %s", a.body)
	}
}

func TestAuth(t *testing.T) {
	e := start(t, &fakes{})
	other := "eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0."
	for _, r := range routes() {
		for name, token := range map[string]string{"none": "", "rubbish": "x", "unsigned": other, "huge": strings.Repeat("a", 9000)} {
			want := int32(0)
			if r.auth == 2 {
				want = errno.Unauthenticated.Code
			}
			a := e.do(request{method: r.method, path: r.path, query: values(append([]string{"token", token}, r.params...)...)})
			if a.code() != int(want) {
				t.Errorf("%s with %s token: %s, want %d", r.path, name, a.body, want)
			}
		}
	}
	// Without user_id it is one's own; a visitor has none.
	for _, path := range []string{
		"/douyin/user/", "/douyin/publish/list/", "/douyin/favorite/list/", "/douyin/relation/follow/list/",
		"/douyin/relation/follower/list/", "/douyin/relation/friend/list/",
	} {
		wantCode(t, e.get(path, "token", e.token(7)), 0)
		wantCode(t, e.get(path, "token", e.token(7), "user_id", "0"), 0)
		wantCode(t, e.get(path), errno.Unauthenticated.Code)
		wantCode(t, e.get(path, "user_id", "0"), errno.Unauthenticated.Code)
	}
	a := e.get("/douyin/user/", "token", e.token(7))
	if u, _ := a.json["user"].(map[string]any); u["id"] != float64(7) {
		t.Errorf("own profile: %s", a.body)
	}
	wantCode(t, e.get("/douyin/user/", "user_id", "5000"), errno.UserNotFound.Code)
}

func TestBadParameters(t *testing.T) {
	var got atomic.Int64
	f := &fakes{
		favorite: func(r *interaction.FavoriteRequest) (*interaction.FavoriteResponse, error) {
			got.Add(1)
			return &interaction.FavoriteResponse{}, nil
		},
		createComment: func(*interaction.CreateCommentRequest) (*interaction.CreateCommentResponse, error) {
			got.Add(1)
			return nil, errno.Internal
		},
		send: func(*chat.SendMessageRequest) (*chat.SendMessageResponse, error) {
			got.Add(1)
			return nil, errno.Internal
		},
		follow: func(*social.FollowRequest) (*social.FollowResponse, error) {
			got.Add(1)
			return nil, errno.Internal
		},
		register: func(*user.RegisterRequest) (*user.RegisterResponse, error) {
			got.Add(1)
			return nil, errno.Internal
		},
	}
	e := start(t, f)
	token := e.token(1)
	long := strings.Repeat("名", 7000)
	for _, kv := range [][]string{
		{"/douyin/favorite/action/", "video_id", "", "action_type", "1"},
		{"/douyin/favorite/action/", "video_id", "abc", "action_type", "1"},
		{"/douyin/favorite/action/", "video_id", "-1", "action_type", "1"},
		{"/douyin/favorite/action/", "video_id", "0", "action_type", "1"},
		{"/douyin/favorite/action/", "video_id", "1.5", "action_type", "1"},
		{"/douyin/favorite/action/", "video_id", "99999999999999999999", "action_type", "1"},
		{"/douyin/favorite/action/", "video_id", "NaN", "action_type", "1"},
		{"/douyin/favorite/action/", "video_id", "0x10", "action_type", "1"},
		{"/douyin/favorite/action/", "video_id", "5"},
		{"/douyin/favorite/action/", "video_id", "5", "action_type", "3"},
		{"/douyin/favorite/action/", "video_id", "5", "action_type", "one"},
		{"/douyin/comment/action/", "video_id", "5", "action_type", "1", "comment_text", "\xff\xfe"},
		{"/douyin/comment/action/", "video_id", "5", "action_type", "1", "comment_text", "a\x00b"},
		{"/douyin/comment/action/", "video_id", "5", "action_type", "1", "comment_text", long},
		{"/douyin/comment/action/", "video_id", "5", "action_type", "2"},
		{"/douyin/comment/action/", "video_id", "5", "action_type", "2", "comment_id", "x"},
		{"/douyin/message/action/", "to_user_id", "2", "action_type", "2", "content", "x"},
		{"/douyin/message/action/", "to_user_id", "2", "action_type", "1", "content", "\xff"},
		{"/douyin/message/action/", "to_user_id", "two", "action_type", "1", "content", "x"},
		{"/douyin/relation/action/", "to_user_id", "", "action_type", "1"},
		{"/douyin/relation/action/", "to_user_id", "2", "action_type", ""},
		{"/douyin/user/register/", "username", long, "password", "x"},
		{"/douyin/user/register/", "username", "a\xff", "password", "x"},
	} {
		a := e.post(kv[0], append([]string{"token", token}, kv[1:]...)...)
		if a.StatusCode != 200 || a.code() != int(errno.InvalidArgument.Code) {
			t.Errorf("%.80q: %d %s", kv, a.StatusCode, a.body)
		}
	}
	for _, kv := range [][]string{
		{"/douyin/user/", "user_id", "x"},
		{"/douyin/user/", "user_id", "-5"},
		{"/douyin/publish/list/", "user_id", "1e99"},
		{"/douyin/comment/list/"},
		{"/douyin/comment/list/", "video_id", "x"},
		{"/douyin/message/chat/", "to_user_id", "x"},
		{"/douyin/message/chat/"},
		{"/douyin/message/chat/", "to_user_id", "2", "pre_msg_time", "3:04PM"},
	} {
		wantCode(t, e.get(kv[0], append([]string{"token", token}, kv[1:]...)...), errno.InvalidArgument.Code)
	}
	if n := got.Load(); n > 0 {
		t.Errorf("bad input reached a service %d times", n)
	}
}

func TestFloatIDs(t *testing.T) {
	var got atomic.Int64
	e := start(t, &fakes{favorite: func(r *interaction.FavoriteRequest) (*interaction.FavoriteResponse, error) {
		got.Store(r.VideoId)
		return &interaction.FavoriteResponse{}, nil
	}})
	for text, want := range map[string]int64{
		"1.000001e+06": 1000001, " 12 ": 12, "4.503599627370495e+15": 4503599627370495, "7.0": 7, "9007199254740991": 9007199254740991,
	} {
		wantCode(t, e.post("/douyin/favorite/action/", "token", e.token(1), "video_id", text, "action_type", "1"), 0)
		if got := got.Load(); got != want {
			t.Errorf("%q arrived as %d, want %d", text, got, want)
		}
	}
}

func TestFeedLatestTime(t *testing.T) {
	var got atomic.Int64
	e := start(t, &fakes{feed: func(r *video.FeedRequest) (*video.FeedResponse, error) {
		got.Store(r.BeforeMs)
		return &video.FeedResponse{NextBeforeMs: 5}, nil
	}})
	for text, want := range map[string]int64{
		"": 0, "0": 0, "-3": 0, "soon": 0, "9999999999999999": 0, "99999999999": 0, // the last is the year 5138 in seconds
		"1700000000": 1700000000000, "1700000000123": 1700000000123,
	} {
		a := e.get("/douyin/feed/", "latest_time", text)
		wantCode(t, a, 0)
		if got := got.Load(); got != want {
			t.Errorf("latest_time %q arrived as %d, want %d", text, got, want)
		}
		if a.json["next_time"] != float64(5) {
			t.Errorf("next_time: %s", a.body)
		}
	}
}

// thirty is a full page by thirty authors.
func thirty() *fakes {
	return &fakes{
		feed: func(r *video.FeedRequest) (*video.FeedResponse, error) {
			resp := &video.FeedResponse{NextBeforeMs: 1}
			for i := range int64(r.Limit) {
				resp.Videos = append(
					resp.Videos,
					&video.Video{
						Id:       100 + i,
						AuthorId: 1 + i,
						Title:    "t",
						PlayKey:  "videos/a.mp4",
						CoverKey: "covers/a.jpg",
						HlsKey:   "videos/a/hls/master.m3u8",
					},
				)
			}
			return resp, nil
		},
		stats: func(r *interaction.MGetStatsRequest) (*interaction.MGetStatsResponse, error) {
			resp := &interaction.MGetStatsResponse{Videos: map[int64]*interaction.VideoStats{}, Users: map[int64]*interaction.UserStats{}}
			for _, id := range r.VideoIds {
				resp.Videos[id] = &interaction.VideoStats{FavoriteCount: id, CommentCount: 2}
			}
			for _, id := range r.UserIds {
				resp.Users[id] = &interaction.UserStats{TotalFavorited: id, FavoriteCount: 4}
			}
			for _, l := range r.ViewerQueries {
				seen := &interaction.ViewerState{}
				if l.ViewerId == 1 {
					seen.FavoriteIds = l.VideoIds
				}
				resp.ViewerStates = append(resp.ViewerStates, seen)
			}
			return resp, nil
		},
		relations: func(r *social.MGetRelationsRequest) (*social.MGetRelationsResponse, error) {
			resp := &social.MGetRelationsResponse{Relations: map[int64]*social.Relation{}}
			for _, id := range r.UserIds {
				resp.Relations[id] = &social.Relation{FollowCount: id, FollowerCount: 6}
			}
			for _, l := range r.ViewerQueries {
				seen := &social.ViewerState{}
				if l.ViewerId == 1 {
					seen.FollowedIds = l.UserIds
				}
				resp.ViewerStates = append(resp.ViewerStates, seen)
			}
			return resp, nil
		},
		countByAuthor: func(r *video.MCountByAuthorRequest) (*video.MCountByAuthorResponse, error) {
			resp := &video.MCountByAuthorResponse{WorkCounts: map[int64]int64{}}
			for _, id := range r.AuthorIds {
				resp.WorkCounts[id] = 8
			}
			return resp, nil
		},
	}
}

func TestFeedView(t *testing.T) {
	e := start(t, thirty())
	for viewer, token := range map[bool]string{true: e.token(1), false: ""} {
		e.calls.Store(0)
		a := e.get("/douyin/feed/", "token", token)
		wantCode(t, a, 0)
		if n := e.calls.Load(); n != 5 {
			t.Errorf("a feed page took %d calls, want 5", n)
		}
		if len(a.list("video_list")) != 30 {
			t.Fatalf("%d videos", len(a.list("video_list")))
		}
		want := map[string]any{
			"id": float64(101), "title": "t", "favorite_count": float64(101), "comment_count": float64(2), "is_favorite": viewer,
			"play_url": e.url + "/media/videos/a.mp4", "cover_url": e.url + "/media/covers/a.jpg",
			"hls_url": e.url + "/media/videos/a/hls/master.m3u8", "preview_url": "",
			"author": map[string]any{
				"id": float64(2), "name": "user2", "follow_count": float64(2), "follower_count": float64(6), "is_follow": viewer,
				"avatar": e.url + "/static/avatars/2.png", "background_image": e.url + "/static/backgrounds/2.jpg", "signature": "hello",
				"total_favorited": float64(2), "work_count": float64(8), "favorite_count": float64(4),
			},
		}
		if diff := cmp.Diff(want, a.list("video_list")[1]); diff != "" {
			t.Errorf("viewer %v: %s", viewer, diff)
		}
	}
}

// Every page costs the same, however much is on it.
func TestCallsPerPage(t *testing.T) {
	var n atomic.Int64
	ids := func() (out []int64) {
		for i := range n.Load() {
			out = append(out, 1+i)
		}
		return out
	}
	f := thirty()
	f.listByAuthor = func(r *video.ListByAuthorRequest) (*video.ListByAuthorResponse, error) {
		resp := &video.ListByAuthorResponse{}
		for _, id := range ids() {
			resp.Videos = append(resp.Videos, &video.Video{Id: id, AuthorId: r.AuthorId})
		}
		return resp, nil
	}
	f.listFavorites = func(*interaction.ListFavoritesRequest) (*interaction.ListFavoritesResponse, error) {
		return &interaction.ListFavoritesResponse{VideoIds: ids()}, nil
	}
	f.mgetVideos = func(r *video.MGetVideosRequest) (*video.MGetVideosResponse, error) {
		resp := &video.MGetVideosResponse{Videos: map[int64]*video.Video{}}
		for _, id := range r.VideoIds {
			resp.Videos[id] = &video.Video{Id: id, AuthorId: id}
		}
		return resp, nil
	}
	f.listComments = func(*interaction.ListCommentsRequest) (*interaction.ListCommentsResponse, error) {
		resp := &interaction.ListCommentsResponse{}
		for _, id := range ids() {
			resp.Comments = append(resp.Comments, &interaction.Comment{Id: id, UserId: id, Content: "c", CreatedAtMs: 1700000000000})
		}
		return resp, nil
	}
	f.following = func(*social.ListFollowingRequest) (*social.ListFollowingResponse, error) {
		return &social.ListFollowingResponse{UserIds: ids()}, nil
	}
	f.followers = func(*social.ListFollowersRequest) (*social.ListFollowersResponse, error) {
		return &social.ListFollowersResponse{UserIds: ids()}, nil
	}
	f.friends = func(*social.ListFriendsRequest) (*social.ListFriendsResponse, error) {
		return &social.ListFriendsResponse{UserIds: ids()}, nil
	}
	e := start(t, f)
	for path, want := range map[string]struct {
		calls int64
		key   string
	}{
		"/douyin/publish/list/":           {5, "video_list"},
		"/douyin/favorite/list/":          {6, "video_list"},
		"/douyin/comment/list/":           {5, "comment_list"},
		"/douyin/relation/follow/list/":   {5, "user_list"},
		"/douyin/relation/follower/list/": {5, "user_list"},
		"/douyin/relation/friend/list/":   {6, "user_list"},
	} {
		for _, size := range []int64{1, 50, 1000} {
			n.Store(size)
			e.calls.Store(0)
			a := e.get(path, "token", e.token(1), "user_id", "2", "video_id", "5")
			wantCode(t, a, 0)
			if got := e.calls.Load(); got != want.calls || int64(len(a.list(want.key))) != size {
				t.Errorf("%s of %d: %d calls, want %d; %d entries", path, size, got, want.calls, len(a.list(want.key)))
			}
		}
	}
	e.calls.Store(0)
	wantCode(t, e.get("/douyin/user/", "user_id", "2"), 0)
	if got := e.calls.Load(); got != 4 {
		t.Errorf("a profile took %d calls, want 4", got)
	}
}

func TestDegraded(t *testing.T) {
	f := thirty()
	f.stats = func(*interaction.MGetStatsRequest) (*interaction.MGetStatsResponse, error) { panic("gone") }
	f.relations = func(*social.MGetRelationsRequest) (*social.MGetRelationsResponse, error) {
		return nil, errno.Unavailable
	}
	f.countByAuthor = func(*video.MCountByAuthorRequest) (*video.MCountByAuthorResponse, error) {
		return nil, errno.Unavailable
	}
	e := start(t, f)
	a := e.get("/douyin/feed/")
	wantCode(t, a, 0)
	v, _ := a.list("video_list")[0].(map[string]any)
	if v["favorite_count"] != float64(0) || v["author"].(map[string]any)["name"] != "user1" {
		t.Errorf("without decoration: %v", v)
	}
	f = thirty()
	f.mgetUsers = func(*user.MGetUsersRequest) (*user.MGetUsersResponse, error) { return nil, errno.Unavailable }
	a = start(t, f).get("/douyin/feed/")
	wantCode(t, a, errno.Unavailable.Code)
	if strings.Contains(string(a.body), "null") {
		t.Errorf("null in %s", a.body)
	}
}

// A service that hangs costs its numbers and a second, not the page; who comes later does not wait for it, and once it
// answers the numbers are back.
func TestHangingService(t *testing.T) {
	f, end := thirty(), make(chan struct{})
	healthy := f.stats
	f.stats = func(r *interaction.MGetStatsRequest) (*interaction.MGetStatsResponse, error) {
		<-end
		return healthy(r)
	}
	e := start(t, f)
	begin := time.Now()
	zeros := func() {
		t.Helper()
		a := e.get("/douyin/feed/")
		wantCode(t, a, 0)
		v, _ := a.list("video_list")[1].(map[string]any)
		if u, _ := v["author"].(map[string]any); u["total_favorited"] != float64(0) || u["work_count"] != float64(8) ||
			v["favorite_count"] != float64(0) {
			t.Errorf("%v", v)
		}
	}
	zeros()
	if took := time.Since(begin); took > 2*time.Second {
		t.Errorf("took %v", took)
	}
	begin = time.Now()
	for range 20 {
		zeros()
	}
	if took := time.Since(begin); took > 5*time.Second { // it would be 18 s if each waited
		t.Errorf("twenty more pages took %v", took)
	}
	close(end)
	for back := false; !back; <-time.After(20 * time.Millisecond) {
		a := e.get("/douyin/feed/", "token", e.token(1))
		wantCode(t, a, 0)
		v, _ := a.list("video_list")[1].(map[string]any)
		back = v["favorite_count"] == float64(101) && v["is_favorite"] == true
	}
}

// A viewer's pending writes change what they see, and nobody else.
func TestPendingIsLaidOver(t *testing.T) {
	f := thirty()
	healthy := f.stats
	f.stats = func(r *interaction.MGetStatsRequest) (*interaction.MGetStatsResponse, error) {
		resp, err := healthy(r)
		for i, l := range r.ViewerQueries {
			if l.ViewerId == 2 {
				resp.ViewerStates[i] = &interaction.ViewerState{
					FavoriteIds: []int64{103},
					Videos:      map[int64]*interaction.VideoStats{103: {FavoriteCount: 1000, CommentCount: 2}},
					Users:       map[int64]*interaction.UserStats{4: {TotalFavorited: 2000, FavoriteCount: 4}},
				}
			}
		}
		return resp, err
	}
	e := start(t, f)
	for viewer, want := range map[int64][3]any{2: {float64(1000), float64(2000), true}, 3: {float64(103), float64(4), false}} {
		a := e.get("/douyin/feed/", "token", e.token(viewer))
		wantCode(t, a, 0)
		v, _ := a.list("video_list")[3].(map[string]any)
		u, _ := v["author"].(map[string]any)
		if got := [3]any{v["favorite_count"], u["total_favorited"], v["is_favorite"]}; got != want {
			t.Errorf("viewer %d: %v, want %v", viewer, got, want)
		}
	}
}

// Concurrent viewers get their own flags each, from few calls.
func TestFeedOfMany(t *testing.T) {
	f := thirty()
	healthy := f.stats
	f.stats = func(r *interaction.MGetStatsRequest) (*interaction.MGetStatsResponse, error) {
		resp, err := healthy(r)
		for i, l := range r.ViewerQueries {
			resp.ViewerStates[i] = &interaction.ViewerState{FavoriteIds: []int64{100 + l.ViewerId%30}}
		}
		return resp, err
	}
	e := start(t, f)
	const viewers = 200
	var wg sync.WaitGroup
	for viewer := int64(1); viewer <= viewers; viewer++ {
		token := e.token(viewer)
		wg.Go(func() {
			a := e.get("/douyin/feed/", "token", token)
			for i, x := range a.list("video_list") {
				v, _ := x.(map[string]any)
				if u, _ := v["author"].(map[string]any); v["is_favorite"] != (int64(i) == viewer%30) || u["is_follow"] != (viewer == 1) {
					t.Errorf("viewer %d, video %d: %v, %v", viewer, i, v["is_favorite"], u["is_follow"])
				}
			}
		})
	}
	wg.Wait()
	if n := e.calls.Load(); n > 5*viewers {
		t.Errorf("%d calls for %d pages", n, viewers)
	}
}

func TestDeletedAuthorStays(t *testing.T) {
	e := start(t, &fakes{listComments: func(*interaction.ListCommentsRequest) (*interaction.ListCommentsResponse, error) {
		return &interaction.ListCommentsResponse{
			Comments: []*interaction.Comment{{Id: 1, UserId: 5000, Content: "c", CreatedAtMs: 1704038400000}},
		}, nil
	}})
	a := e.get("/douyin/comment/list/", "video_id", "5")
	c, _ := a.list("comment_list")[0].(map[string]any)
	u, _ := c["user"].(map[string]any)
	if u["name"] != "deleted user" || u["avatar"] == "" || u["signature"] == "" || u["id"] != float64(5000) {
		t.Errorf("author who is gone: %v", u)
	}
	if c["create_date"] != "01-01" { // 16:00 UTC on December 31st is next year at UTC+8
		t.Errorf("create_date %v", c["create_date"])
	}
}

func TestCommentIsNotLostWithItsView(t *testing.T) {
	e := start(t, &fakes{mgetUsers: func(*user.MGetUsersRequest) (*user.MGetUsersResponse, error) { return nil, errno.Unavailable }})
	a := e.post("/douyin/comment/action/", "token", e.token(1), "video_id", "5", "action_type", "1", "comment_text", "kept")
	wantCode(t, a, 0)
	if c, _ := a.json["comment"].(map[string]any); c["content"] != "kept" {
		t.Errorf("%s", a.body)
	}
	a = e.post("/douyin/comment/action/", "token", e.token(1), "video_id", "5", "action_type", "2", "comment_id", "77")
	wantCode(t, a, 0)
	if _, ok := a.json["comment"]; ok {
		t.Errorf("a delete answers a comment: %s", a.body)
	}
}

func TestFriendsAndChat(t *testing.T) {
	asked := make(chan *chat.ListMessagesRequest, 1)
	e := start(t, &fakes{
		friends: func(*social.ListFriendsRequest) (*social.ListFriendsResponse, error) {
			return &social.ListFriendsResponse{UserIds: []int64{3, 2, 4}}, nil
		},
		lastMessages: func(r *chat.MGetLastMessagesRequest) (*chat.MGetLastMessagesResponse, error) {
			return &chat.MGetLastMessagesResponse{Messages: map[int64]*chat.Message{
				2: {FromUserId: r.UserId, ToUserId: 2, Content: "mine"}, 3: {FromUserId: 3, ToUserId: r.UserId, Content: "theirs"},
			}}, nil
		},
		listMessages: func(r *chat.ListMessagesRequest) (*chat.ListMessagesResponse, error) {
			asked <- r
			return &chat.ListMessagesResponse{
				Messages: []*chat.Message{{Id: 9, FromUserId: 2, ToUserId: 1, Content: "hi", CreatedAtMs: 1700000000123}},
			}, nil
		},
	})
	type friend struct {
		id, kind float64
		message  string
	}
	var friends []friend
	for _, x := range e.get("/douyin/relation/friend/list/", "token", e.token(1)).list("user_list") {
		u, _ := x.(map[string]any)
		if len(u) != 13 {
			t.Errorf("a friend has %d keys", len(u))
		}
		friends = append(friends, friend{u["id"].(float64), u["msgType"].(float64), u["message"].(string)})
	}
	if diff := cmp.Diff([]friend{{3, 0, "theirs"}, {2, 1, "mine"}, {4, 1, ""}}, friends, cmp.AllowUnexported(friend{})); diff != "" {
		t.Error(diff)
	}
	a := e.get("/douyin/message/chat/", "token", e.token(1), "to_user_id", "2")
	want := map[string]any{
		"id":           float64(9),
		"from_user_id": float64(2),
		"to_user_id":   float64(1),
		"content":      "hi",
		"create_time":  "1700000000123",
	}
	if diff := cmp.Diff([]any{want}, a.list("message_list")); diff != "" {
		t.Error(diff)
	}
	if got := <-asked; got.AfterMs != 0 || got.FromPeerOnly {
		t.Errorf("the whole history was asked for as %+v", got)
	}
	e.get("/douyin/message/chat/", "token", e.token(1), "to_user_id", "2", "pre_msg_time", "1700000000123")
	if got := <-asked; got.AfterMs != 1700000000123 || !got.FromPeerOnly || got.UserId != 1 || got.PeerId != 2 {
		t.Errorf("news were asked for as %+v", got)
	}
}

// Every read that shows viewers their own accepted writes gets the viewer.
func TestViewerIsPassed(t *testing.T) {
	f := thirty()
	var comments, users atomic.Int64
	f.listComments = func(r *interaction.ListCommentsRequest) (*interaction.ListCommentsResponse, error) {
		comments.Store(r.ViewerId)
		return &interaction.ListCommentsResponse{Comments: []*interaction.Comment{{Id: 1, UserId: 2, Content: "c"}}}, nil
	}
	f.stats = func(r *interaction.MGetStatsRequest) (*interaction.MGetStatsResponse, error) {
		for _, l := range r.ViewerQueries {
			users.Store(l.ViewerId)
		}
		return &interaction.MGetStatsResponse{}, nil
	}
	e := start(t, f)
	wantCode(t, e.get("/douyin/comment/list/", "video_id", "5", "token", e.token(7)), 0)
	if comments.Load() != 7 || users.Load() != 7 {
		t.Errorf("the list was read for %d and the user's numbers for %d, want 7", comments.Load(), users.Load())
	}
}
