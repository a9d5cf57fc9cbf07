package gateway_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tiktok/cmd/api/biz/model/v1"
	"tiktok/kitex_gen/interaction"
	"tiktok/kitex_gen/notice"
	"tiktok/kitex_gen/video"
	"tiktok/pkg/errno"
)

// inbox has a notice of each kind; video 404 and comment 404 are gone.
func inbox(r *notice.ListNoticesRequest) (*notice.ListNoticesResponse, error) {
	if r.UserId != 1 || r.Page.Limit != 20 || r.Page.Cursor != "5-7" {
		return &notice.ListNoticesResponse{}, nil
	}
	const at = 1_764_400_530_123
	return &notice.ListNoticesResponse{NextCursor: "3-4", Notices: []*notice.Notice{
		{Kind: notice.Kind_LIKE, SubjectId: 9, VideoId: 9, Count: 14, ActorIds: []int64{2, 5000, 3}, NewestAtMs_: at, Unread: true},
		{Kind: notice.Kind_LIKE, SubjectId: 404, VideoId: 404, Count: 1, ActorIds: []int64{2}, NewestAtMs_: at},
		{Kind: notice.Kind_COMMENT, SubjectId: 9, VideoId: 9, Count: 2, ActorIds: []int64{2}, CommentId: 12, NewestAtMs_: at},
		{Kind: notice.Kind_COMMENT, SubjectId: 8, VideoId: 8, Count: 2, ActorIds: []int64{2}, CommentId: 404, NewestAtMs_: at},
		{Kind: notice.Kind_REPLY, SubjectId: 11, VideoId: 8, Count: 1, ActorIds: []int64{2}, CommentId: 12, NewestAtMs_: at},
		{Kind: notice.Kind_MENTION, SubjectId: 8, VideoId: 8, Count: 1, ActorIds: []int64{3}, NewestAtMs_: at},
		{Kind: notice.Kind_FOLLOW, Count: 2, ActorIds: []int64{3, 2}, NewestAtMs_: at},
		{Kind: notice.Kind_COMMENT_LIKE, SubjectId: 12, VideoId: 9, Count: 1, ActorIds: []int64{3}, CommentId: 12, NewestAtMs_: at},
		{Kind: notice.Kind_UPLOAD, SubjectId: 8, VideoId: 8, Count: 1, NewestAtMs_: at, Title: "clip 8"},
		{Kind: notice.Kind_UPLOAD, SubjectId: 404, VideoId: 404, Count: 1, NewestAtMs_: at, Failed: true, Reason: "broken", Title: "clip"},
		{Kind: notice.Kind_UPLOAD, SubjectId: 405, VideoId: 405, Count: 1, NewestAtMs_: at, Title: "clip"},
		{Kind: 99, SubjectId: 8, VideoId: 8, Count: 1, ActorIds: []int64{3}, NewestAtMs_: at},
	}}, nil
}

func inboxFakes() *fakes {
	return &fakes{
		listNotices: inbox,
		mgetVideos: func(*video.MGetVideosRequest) (*video.MGetVideosResponse, error) {
			resp := &video.MGetVideosResponse{Videos: map[int64]*video.Video{}}
			for _, id := range []int64{8, 9} {
				resp.Videos[id] = &video.Video{Id: id, AuthorId: 1, Title: fmt.Sprint("clip ", id), CoverKey: "covers/a.jpg"}
			}
			return resp, nil
		},
		mgetComments: func(*interaction.MGetCommentsRequest) (*interaction.MGetCommentsResponse, error) {
			return &interaction.MGetCommentsResponse{Comments: map[int64]*interaction.Comment{12: answered(9)}}, nil
		},
	}
}

func (e *env) inbox(t *testing.T) (page v1.NoticePage) {
	t.Helper()
	wantStatus(t, e.v1("GET", "/notices?limit=20&cursor=5-7", "", e.bearer(1)...), 200, &page)
	for _, n := range page.Items {
		cardsOf(n.Actors...)
		if n.Comment != nil {
			cardsOf(n.Comment.Author, n.Comment.ReplyToUser)
		}
	}
	return page
}

func TestV1Notices(t *testing.T) {
	e := start(t, inboxFakes())
	ref := func(id int64) *v1.VideoRef {
		return &v1.VideoRef{ID: id, Title: fmt.Sprint("clip ", id), CoverURL: e.url + "/media/covers/a.jpg"}
	}
	who := func(ids ...int64) (users []*v1.User) {
		users = []*v1.User{}
		for _, id := range ids {
			if u := (&v1.User{ID: id, Name: fmt.Sprint("user", id)}); id < 1000 {
				users = append(users, u)
			} else {
				users = append(users, &v1.User{ID: id, IsDeleted: true})
			}
		}
		return users
	}
	const at = "2025-11-29T07:15:30.123Z"
	comment := &v1.Comment{
		ID: 12, VideoID: 9, Author: who(2)[0], Content: "@user3 @gone", CreatedAt: at, Mentions: []*v1.Mention{{UserID: 3, Name: "user3"}},
		LikeCount: 4, IsLiked: true, RootID: 10, ReplyToID: 11, ReplyToUser: who(5000)[0],
	}
	want := v1.NoticePage{NextCursor: "3-4", Items: []*v1.Notice{
		{ID: "like-9", Kind: "like", Actors: who(2, 5000, 3), Count: 14, At: at, IsUnread: true, Video: ref(9)},
		{ID: "comment-9", Kind: "comment", Actors: who(2), Count: 2, At: at, Video: ref(9), Comment: comment},
		{ID: "reply-11", Kind: "reply", Actors: who(2), Count: 1, At: at, Video: ref(8), Comment: comment},
		{ID: "mention-8", Kind: "mention", Actors: who(3), Count: 1, At: at, Video: ref(8)},
		{ID: "follow-0", Kind: "follow", Actors: who(3, 2), Count: 2, At: at},
		{ID: "comment_like-12", Kind: "comment_like", Actors: who(3), Count: 1, At: at, Video: ref(9), Comment: comment},
		{ID: "upload-8", Kind: "upload", Actors: who(), Count: 1, At: at, Video: ref(8), State: "ready", Title: "clip 8"},
		{ID: "upload-404", Kind: "upload", Actors: who(), Count: 1, At: at, State: "failed", Reason: "broken", Title: "clip"},
	}}
	if diff := cmp.Diff(want, e.inbox(t)); diff != "" {
		t.Error(diff)
	}
	if n := e.calls.Load(); n != 7 {
		t.Errorf("%d calls, want 7", n)
	}
	var page v1.NoticePage
	wantStatus(t, e.v1("GET", "/notices", "", e.bearer(1)...), 200, &page)
	if page.Items == nil || len(page.Items) != 0 || page.NextCursor != "" {
		t.Errorf("without notices: %+v", page)
	}
	wantProblem(t, e.v1("GET", "/notices", ""), 401, errno.Unauthenticated, "")
	wantProblem(t, e.v1("GET", "/notices?limit=0", "", e.bearer(1)...), 400, errno.InvalidArgument, "limit")
}

// Notices are read also while it is not known what they are about.
func TestV1NoticesWithoutTheirSubjects(t *testing.T) {
	f := inboxFakes()
	f.mgetVideos = func(*video.MGetVideosRequest) (*video.MGetVideosResponse, error) { return nil, errno.Unavailable }
	hang := make(chan struct{})
	f.mgetComments = func(*interaction.MGetCommentsRequest) (*interaction.MGetCommentsResponse, error) {
		<-hang
		return nil, errno.Unavailable
	}
	e := start(t, f)
	defer close(hang)
	begin := time.Now()
	page := e.inbox(t)
	if took := time.Since(begin); len(page.Items) != 11 || page.NextCursor != "3-4" || took > 3*time.Second {
		t.Errorf("%d notices after %v", len(page.Items), took)
	}
	for _, n := range page.Items {
		if n.Video != nil || n.Comment != nil || n.Kind != "upload" && len(n.Actors) == 0 {
			t.Errorf("notice %+v", n)
		}
	}
	f.listNotices = func(*notice.ListNoticesRequest) (*notice.ListNoticesResponse, error) { return nil, errno.Unavailable }
	wantProblem(t, e.v1("GET", "/notices", "", e.bearer(1)...), 503, errno.Unavailable, "")
}

func TestV1NoticeSettings(t *testing.T) {
	var marked, set atomic.Value
	f := &fakes{
		markNotices: func(r *notice.MarkReadRequest) (*notice.MarkReadResponse, error) {
			marked.Store(*r)
			return &notice.MarkReadResponse{}, nil
		},
		preferences: func(r *notice.GetPreferencesRequest) (*notice.GetPreferencesResponse, error) {
			if r.UserId != 1 {
				return &notice.GetPreferencesResponse{}, nil
			}
			return &notice.GetPreferencesResponse{Muted: []notice.Kind{notice.Kind_LIKE, notice.Kind_COMMENT_LIKE, 99}}, nil
		},
		setPreferences: func(r *notice.SetPreferencesRequest) (*notice.SetPreferencesResponse, error) {
			set.Store(fmt.Sprint(r.UserId, r.Muted))
			return &notice.SetPreferencesResponse{}, nil
		},
	}
	e := start(t, f)
	wantStatus(t, e.v1("PUT", "/notices/read", `{"until":"2025-11-29T07:15:30.123Z"}`, e.bearer(1)...), 204, nil)
	if got := marked.Load(); got != (notice.MarkReadRequest{UserId: 1, UntilMs: 1_764_400_530_123}) {
		t.Errorf("marked %+v", got)
	}
	for _, body := range []string{`{}`, `{"until":""}`, `{"until":1}`, `{"until":"2025-11-29"}`, `{"until":"1969-11-29T07:15:30Z"}`} {
		wantProblem(t, e.v1("PUT", "/notices/read", body, e.bearer(1)...), 400, errno.InvalidArgument, "until")
	}
	settings := func(method, body string, user int64, want ...string) {
		t.Helper()
		var s v1.NoticeSettings
		wantStatus(t, e.v1(method, "/notices/settings", body, e.bearer(user)...), 200, &s)
		if diff := cmp.Diff(append([]string{}, want...), s.MutedKinds); diff != "" {
			t.Errorf("%s %s: %s", method, body, diff)
		}
	}
	settings("GET", "", 1, "like", "comment_like")
	settings("GET", "", 2)
	settings("PUT", `{"muted_kinds":["upload","like","like","follow"]}`, 1, "like", "follow", "upload")
	if set.Load() != "1 [LIKE FOLLOW UPLOAD]" {
		t.Errorf("set %v", set.Load())
	}
	settings("PUT", `{"muted_kinds":[]}`, 1)
	if set.Load() != "1 []" {
		t.Errorf("set %v", set.Load())
	}
	set.Store("")
	for _, body := range []string{
		`{}`, `{"muted_kinds":null}`, `{"muted_kinds":"like"}`, `{"muted_kinds":[1]}`, `{"muted_kinds":[null]}`, `{"muted_kinds":["LIKE"]}`,
		`{"muted_kinds":["like","nothing"]}`, `{"muted_kinds":[["like"]]}`, `{"muted_kinds":["like\u0000"]}`,
	} {
		wantProblem(t, e.v1("PUT", "/notices/settings", body, e.bearer(1)...), 400, errno.InvalidArgument, "muted_kinds")
	}
	if set.Load() != "" {
		t.Errorf("set %v", set.Load())
	}
	for _, path := range []string{"/notices/settings", "/notices/read"} {
		wantProblem(t, e.v1("PUT", path, `{"muted_kinds":[],"until":"2025-11-29T07:15:30.123Z"}`), 401, errno.Unauthenticated, "")
	}
}
