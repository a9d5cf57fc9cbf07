package gateway_test

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cloudwego/kitex/pkg/kerrors"
	"github.com/google/go-cmp/cmp"

	"tiktok/cmd/api/biz/model/v1"
	"tiktok/kitex_gen/common"
	"tiktok/kitex_gen/discovery"
	"tiktok/kitex_gen/video"
	"tiktok/pkg/errno"
)

// library has the videos 1..20, "video 1" and so on, each of the user with its number.
func library(r *video.MGetVideosRequest) (*video.MGetVideosResponse, error) {
	resp := &video.MGetVideosResponse{Videos: map[int64]*video.Video{}}
	for _, id := range r.VideoIds {
		if id > 0 && id <= 20 {
			resp.Videos[id] = &video.Video{Id: id, AuthorId: id, Title: fmt.Sprint("video ", id), CoverKey: "covers/a.jpg", PlayKey: "videos/a.mp4"}
		}
	}
	return resp, nil
}

// watchedOften is a hundred views for each video and its number.
func watchedOften(r *discovery.MGetViewsRequest) (*discovery.MGetViewsResponse, error) {
	resp := &discovery.MGetViewsResponse{Views: map[int64]int64{}}
	for _, id := range r.VideoIds {
		resp.Views[id] = 100 + id
	}
	return resp, nil
}

// shownVideo is the text of what tests compare of a video.
func shownVideo(v *v1.Video) string {
	return fmt.Sprintf("%d %s by %s, %d views", v.ID, v.Title, v.Author.Name, v.ViewCount)
}

func span(start, length int32) *discovery.Span { return &discovery.Span{Start: start, Length: length} }

func TestV1SearchVideos(t *testing.T) {
	var asked atomic.Pointer[discovery.SearchRequest]
	f := &fakes{mgetVideos: library, views: watchedOften, search: func(r *discovery.SearchRequest) (*discovery.SearchResponse, error) {
		asked.Store(r)
		return &discovery.SearchResponse{NextCursor: "7-3", Hits: []*discovery.Hit{
			// "video 9" has seven characters.
			{Id: 9, Spans: []*discovery.Span{span(-1, 2), span(0, 5), span(4, 2), span(6, 0), span(6, 1), span(6, 2), span(1<<30, 1<<30)}},
			{Id: 404, Spans: []*discovery.Span{span(0, 1)}},
			{Id: 3},
		}}, nil
	}}
	e := start(t, f)
	var page v1.VideoHitPage
	wantStatus(t, e.v1("GET", "/search/videos?limit=20&cursor=9-9&q="+url.QueryEscape(" 海 sea"), "", e.bearer(5)...), 200, &page)
	want := &discovery.SearchRequest{
		Kind: discovery.SearchKind_VIDEOS, Text: " 海 sea", ViewerId: 5, Page: &common.Page{Cursor: "9-9", Limit: 20},
	}
	if diff := cmp.Diff(want, asked.Load()); diff != "" {
		t.Errorf("asked: %s", diff)
	}
	if len(page.Items) != 2 || page.NextCursor != "7-3" {
		t.Fatalf("%d videos, next %q", len(page.Items), page.NextCursor)
	}
	if got := shownVideo(page.Items[0].Video); got != "9 video 9 by user9, 109 views" {
		t.Error(got)
	}
	if diff := cmp.Diff([]*v1.TextSpan{{Start: 0, Length: 5}, {Start: 6, Length: 1}}, page.Items[0].TitleSpans); diff != "" {
		t.Errorf("spans: %s", diff)
	}
	if page.Items[1].Video.ID != 3 || page.Items[1].TitleSpans == nil || len(page.Items[1].TitleSpans) > 0 {
		t.Errorf("the second is %+v", page.Items[1])
	}
	if n := e.calls.Load(); n != 7 { // Search, MGetVideos, four for what is shown of them, MGetViews
		t.Errorf("%d calls, want 7", n)
	}
	wantStatus(t, e.v1("GET", "/search/videos?q=%E6%B5%B7", ""), 200, nil)
	if r := asked.Load(); r.Text != "海" || r.ViewerId != 0 || r.Page.Limit != 30 {
		t.Errorf("a visitor asked %+v", r)
	}
}

func TestV1SearchUsersAndTags(t *testing.T) {
	f := &fakes{search: func(r *discovery.SearchRequest) (*discovery.SearchResponse, error) {
		if r.Kind == discovery.SearchKind_TAGS {
			return &discovery.SearchResponse{NextCursor: "1", Hits: []*discovery.Hit{{Tag: "海", VideoCount: 7}, {Tag: "sea", VideoCount: 0}}}, nil
		}
		return &discovery.SearchResponse{Hits: []*discovery.Hit{
			{Id: 5000},
			{Id: 7, Spans: []*discovery.Span{span(0, 4), span(4, 2)}, ShownNameSpans: []*discovery.Span{span(2, 3), span(5, 1)}},
		}}, nil
	}}
	e := start(t, f)
	var users v1.UserHitPage
	wantStatus(t, e.v1("GET", "/search/users?q=user", ""), 200, &users)
	if n := e.calls.Load(); n != 5 {
		t.Errorf("%d calls, want 5", n)
	}
	if len(users.Items) != 1 || users.Items[0].User.Name != "user7" || users.NextCursor != "" {
		t.Fatalf("users %+v", users)
	}
	got := [][]*v1.TextSpan{users.Items[0].NameSpans, users.Items[0].DisplayNameSpans}
	if diff := cmp.Diff([][]*v1.TextSpan{{{Length: 4}}, {{Start: 2, Length: 3}}}, got); diff != "" {
		t.Errorf("spans: %s", diff)
	}
	var tags v1.TagPage
	wantStatus(t, e.v1("GET", "/search/tags?q=s", ""), 200, &tags)
	want := v1.TagPage{Items: []*v1.Tag{{Name: "海", VideoCount: 7}, {Name: "sea"}}, NextCursor: "1"}
	if diff := cmp.Diff(want, tags); diff != "" {
		t.Error(diff)
	}
}

func TestV1Suggestions(t *testing.T) {
	var asked atomic.Pointer[discovery.SuggestRequest]
	f := &fakes{suggest: func(r *discovery.SuggestRequest) (*discovery.SuggestResponse, error) {
		asked.Store(r)
		return &discovery.SuggestResponse{Suggestions: []*discovery.Suggestion{
			{Kind: discovery.SearchKind_TAGS, Text: "sea"},
			{Kind: discovery.SearchKind_USERS, Text: "gone", UserId: 5000},
			{Kind: discovery.SearchKind_USERS, Text: "user7", UserId: 7},
			{Kind: 99, Text: "of a newer service"},
			{Kind: discovery.SearchKind_VIDEOS, Text: "sea by night"},
		}}, nil
	}}
	e := start(t, f)
	var list v1.SuggestionList
	wantStatus(t, e.v1("GET", "/search/suggestions?q=se&limit=20", "", e.bearer(5)...), 200, &list)
	if diff := cmp.Diff(&discovery.SuggestRequest{Text: "se", ViewerId: 5, Limit: 20}, asked.Load()); diff != "" {
		t.Errorf("asked: %s", diff)
	}
	var got []string
	for _, s := range list.Items {
		got = append(got, fmt.Sprint(s.Kind, " ", s.Text, " ", s.User != nil && s.User.Name == s.Text))
	}
	if diff := cmp.Diff([]string{"tag sea false", "user user7 true", "video sea by night false"}, got); diff != "" {
		t.Error(diff)
	}
	if n := e.calls.Load(); n != 5 {
		t.Errorf("%d calls, want 5", n)
	}
	wantStatus(t, e.v1("GET", "/search/suggestions?q=se", ""), 200, nil)
	if r := asked.Load(); r.Limit != 10 || r.ViewerId != 0 {
		t.Errorf("a visitor asked %+v", r)
	}
}

func TestV1SearchChecksItsText(t *testing.T) {
	var calls atomic.Int64
	f := &fakes{search: func(*discovery.SearchRequest) (*discovery.SearchResponse, error) {
		calls.Add(1)
		return &discovery.SearchResponse{}, nil
	}}
	e := start(t, f)
	most := url.QueryEscape(strings.Repeat("海", 100))
	for _, c := range []struct{ query, detail string }{
		{"", "q is missing"},
		{"q=", "q is missing"},
		{"q=+%09%E2%80%8B", "the text of q is empty"},
		{"q=" + most + "x", "longer than 100 characters"},
		{"q=%ff", "not valid UTF-8"},
		{"q=a%00b", "control characters"},
		{"q=a%1bb", "control character"},
		{"q=a&q=b", "q is there twice"},
		{"q=a&limit=0", "limit has to be a number from 1 to 100"},
		{"q=a&limit=101", "limit has to be a number from 1 to 100"},
		{"q=a&cursor=" + strings.Repeat("9", 129), "cursor is not valid"},
	} {
		for _, kind := range []string{"videos", "users", "tags"} {
			wantProblem(t, e.v1("GET", "/search/"+kind+"?"+c.query, ""), 400, errno.InvalidArgument, c.detail)
		}
		if !strings.Contains(c.query, "limit") && !strings.Contains(c.query, "cursor") {
			wantProblem(t, e.v1("GET", "/search/suggestions?"+c.query, ""), 400, errno.InvalidArgument, c.detail)
		}
	}
	wantProblem(t, e.v1("GET", "/search/suggestions?q=a&limit=21", ""), 400, errno.InvalidArgument, "limit has to be a number from 1 to 20")
	if n := calls.Load(); n != 0 {
		t.Errorf("%d searches", n)
	}
	wantStatus(t, e.v1("GET", "/search/videos?q="+most, ""), 200, nil)
	f.search = func(*discovery.SearchRequest) (*discovery.SearchResponse, error) {
		return nil, errno.InvalidArgument.With("cursor is not valid")
	}
	wantProblem(t, e.v1("GET", "/search/videos?q=a&cursor=x", ""), 400, errno.InvalidArgument, "cursor is not valid")
}

// A search that gets no answer says so in its own words, also while there is no index.
func TestV1SearchAway(t *testing.T) {
	var fail error
	f := &fakes{
		search:  func(*discovery.SearchRequest) (*discovery.SearchResponse, error) { return nil, fail },
		suggest: func(*discovery.SuggestRequest) (*discovery.SuggestResponse, error) { return nil, fail },
	}
	e := start(t, f)
	for _, fail = range []error{errno.SearchUnavailable, errno.Unavailable, context.DeadlineExceeded, kerrors.ErrNoInstance} {
		for _, path := range []string{"/search/videos", "/search/users", "/search/tags", "/search/suggestions"} {
			wantProblem(t, e.v1("GET", path+"?q=sea", ""), 503, errno.SearchUnavailable, "")
		}
	}
	var tries atomic.Int64
	f.search = func(*discovery.SearchRequest) (*discovery.SearchResponse, error) {
		if tries.Add(1)%3 != 0 { // those who answer have no index yet
			return nil, errno.SearchUnavailable
		}
		return &discovery.SearchResponse{}, nil
	}
	wantStatus(t, e.v1("GET", "/search/videos?q=sea", ""), 200, nil)
	f.search = func(*discovery.SearchRequest) (*discovery.SearchResponse, error) {
		tries.Add(1)
		return nil, fail
	}
	tries.Store(0)
	fail = errno.Unavailable
	wantProblem(t, e.v1("GET", "/search/videos?q=sea", ""), 503, errno.SearchUnavailable, "")
	if n := tries.Load(); n != 1 {
		t.Errorf("a service that is away was asked %d times", n)
	}
	fail = errno.Internal
	wantProblem(t, e.v1("GET", "/search/videos?q=sea", ""), 500, errno.Internal, "")
}

// Nobody waits long for a search that hangs.
func TestV1SearchHangs(t *testing.T) {
	hang := make(chan struct{})
	defer close(hang)
	e := start(t, &fakes{search: func(*discovery.SearchRequest) (*discovery.SearchResponse, error) {
		<-hang
		return &discovery.SearchResponse{}, nil
	}})
	begin := time.Now()
	wantProblem(t, e.v1("GET", "/search/videos?q=sea", ""), 503, errno.SearchUnavailable, "")
	if took := time.Since(begin); took > 4*time.Second {
		t.Errorf("it was given up after %v", took)
	}
}

func TestV1Tags(t *testing.T) {
	var asked atomic.Pointer[discovery.ListTagVideosRequest]
	f := &fakes{
		mgetVideos: library, views: watchedOften,
		trending: func(r *discovery.ListTrendingTagsRequest) (*discovery.ListTrendingTagsResponse, error) {
			tags := []*discovery.Tag{{Tag: "sea", VideoCount: 7}, {Tag: "海", VideoCount: int64(r.Limit)}}
			return &discovery.ListTrendingTagsResponse{Tags: tags}, nil
		},
		getTag: func(r *discovery.GetTagRequest) (*discovery.GetTagResponse, error) {
			return &discovery.GetTagResponse{Tag: &discovery.Tag{Tag: strings.ToLower(r.Tag), VideoCount: 3}}, nil
		},
		tagVideos: func(r *discovery.ListTagVideosRequest) (*discovery.ListTagVideosResponse, error) {
			asked.Store(r)
			return &discovery.ListTagVideosResponse{VideoIds: []int64{9, 404, 3}, NextCursor: "3-3"}, nil
		},
	}
	e := start(t, f)
	var tags v1.TagPage
	wantStatus(t, e.v1("GET", "/tags", ""), 200, &tags)
	want := v1.TagPage{Items: []*v1.Tag{{Name: "sea", VideoCount: 7}, {Name: "海"}}}
	if diff := cmp.Diff(want, tags); diff != "" {
		t.Error(diff)
	}
	for path, name := range map[string]string{"Sea": "sea", "%E6%B5%B7": "海", "a%20b%3F": "a b?", "%25": "%"} {
		var tag v1.Tag
		wantStatus(t, e.v1("GET", "/tags/"+path, ""), 200, &tag)
		if tag.Name != name || tag.VideoCount != 3 {
			t.Errorf("/tags/%s is %+v", path, tag)
		}
	}
	e.calls.Store(0)
	var page v1.VideoPage
	wantStatus(t, e.v1("GET", "/tags/%E6%B5%B7/videos?limit=2&cursor=9-9", "", e.bearer(5)...), 200, &page)
	wantAsked := &discovery.ListTagVideosRequest{Tag: "海", ViewerId: 5, Page: &common.Page{Cursor: "9-9", Limit: 2}}
	if diff := cmp.Diff(wantAsked, asked.Load()); diff != "" {
		t.Errorf("asked: %s", diff)
	}
	if len(page.Items) != 2 || shownVideo(page.Items[1]) != "3 video 3 by user3, 103 views" || page.NextCursor != "3-3" {
		t.Errorf("page %+v", page)
	}
	if n := e.calls.Load(); n != 7 {
		t.Errorf("%d calls, want 7", n)
	}
	for path, detail := range map[string]string{
		"/tags/%ff": "not valid UTF-8", "/tags/a%00": "control characters", "/tags/%ff/videos": "not valid UTF-8",
		"/tags/" + strings.Repeat("%E6%B5%B7", 51): "longer than 50 characters", "/tags/sea/videos?limit=x": "limit",
	} {
		wantProblem(t, e.v1("GET", path, ""), 400, errno.InvalidArgument, detail)
	}
	f.trending = func(*discovery.ListTrendingTagsRequest) (*discovery.ListTrendingTagsResponse, error) {
		return nil, errno.Unavailable
	}
	wantProblem(t, e.v1("GET", "/tags", ""), 503, errno.Unavailable, "")
}
