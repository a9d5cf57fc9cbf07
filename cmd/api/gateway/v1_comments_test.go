package gateway_test

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tiktok/cmd/api/biz/model/v1"
	"tiktok/kitex_gen/interaction"
	"tiktok/kitex_gen/user"
	"tiktok/kitex_gen/video"
	"tiktok/pkg/errno"
)

// cardsOf keeps of the users of an answer what tells who they are.
func cardsOf(users ...*v1.User) {
	for _, u := range users {
		if u != nil {
			*u = v1.User{ID: u.ID, Name: u.Name, IsDeleted: u.IsDeleted, IsFollowed: u.IsFollowed}
		}
	}
}

// answered is a comment of user 2, who answers user 5000, who is gone, and mentions 3 and 5000.
func answered(videoID int64) *interaction.Comment {
	return &interaction.Comment{
		Id: 12, VideoId: videoID, UserId: 2, Content: "@user3 @gone", CreatedAtMs: 1_764_400_530_123, RootId: 10, ReplyToId: 11,
		ReplyToUserId: 5000, MentionedUserIds: []int64{3, 5000}, LikeCount: 4, Liked: true,
	}
}

func TestV1Threads(t *testing.T) {
	f := &fakes{
		listThreads: func(r *interaction.ListThreadsRequest) (*interaction.ListThreadsResponse, error) {
			if r.VideoId != 5 || r.ViewerId != 1 || r.Page.Limit != 2 || r.Page.Cursor != "c1" {
				return nil, errno.VideoNotFound
			}
			resp := &interaction.ListThreadsResponse{NextCursor: "c2", Comments: []*interaction.Comment{
				{Id: 10, VideoId: 5, UserId: 5000, Content: "first", CreatedAtMs: 1, ReplyCount: 2, LikeCount: int64(r.Sort), Pinned: true},
			}}
			return resp, nil
		},
		listReplies: func(r *interaction.ListRepliesRequest) (*interaction.ListRepliesResponse, error) {
			if r.VideoId != 5 || r.CommentId != 10 || r.ViewerId != 1 || r.Page.Limit != 30 || r.Page.Cursor != "" {
				return nil, errno.CommentNotFound
			}
			return &interaction.ListRepliesResponse{NextCursor: "c3", Comments: []*interaction.Comment{answered(5)}}, nil
		},
	}
	e := start(t, f)
	get := func(path string) (page v1.CommentPage) {
		t.Helper()
		e.calls.Store(0)
		wantStatus(t, e.v1("GET", path, "", e.bearer(1)...), 200, &page)
		if n := e.calls.Load(); n != 5 {
			t.Errorf("%s took %d calls, want 5", path, n)
		}
		for _, c := range page.Items {
			cardsOf(c.Author, c.ReplyToUser)
		}
		return page
	}
	for query, sort := range map[string]int64{"": 1, "&sort=newest": 1, "&sort=top": 2} {
		want := v1.CommentPage{NextCursor: "c2", Items: []*v1.Comment{{
			ID: 10, VideoID: 5, Author: &v1.User{ID: 5000, IsDeleted: true}, Content: "first", CreatedAt: "1970-01-01T00:00:00.001Z",
			Mentions: []*v1.Mention{}, LikeCount: sort, ReplyCount: 2, IsPinned: true,
		}}}
		if diff := cmp.Diff(want, get("/videos/5/comments?limit=2&cursor=c1"+query)); diff != "" {
			t.Errorf("%q: %s", query, diff)
		}
	}
	want := v1.CommentPage{NextCursor: "c3", Items: []*v1.Comment{{
		ID: 12, VideoID: 5, Author: &v1.User{ID: 2, Name: "user2"}, Content: "@user3 @gone", CreatedAt: "2025-11-29T07:15:30.123Z",
		Mentions: []*v1.Mention{{UserID: 3, Name: "user3"}}, LikeCount: 4, IsLiked: true, RootID: 10, ReplyToID: 11,
		ReplyToUser: &v1.User{ID: 5000, IsDeleted: true},
	}}}
	if diff := cmp.Diff(want, get("/videos/5/comments/10/replies")); diff != "" {
		t.Error(diff)
	}
	wantProblem(t, e.v1("GET", "/videos/6/comments", ""), 404, errno.VideoNotFound, "")
	wantProblem(t, e.v1("GET", "/videos/5/comments/11/replies", ""), 404, errno.CommentNotFound, "")
	for _, query := range []string{"sort=oldest", "sort=TOP", "sort=top,newest", "sort=top&sort=top"} {
		wantProblem(t, e.v1("GET", "/videos/5/comments?"+query, ""), 400, errno.InvalidArgument, "sort")
	}
}

// However many users a page mentions, it takes few calls, none of them too large.
func TestV1ManyMentions(t *testing.T) {
	var tooLarge atomic.Bool
	f := &fakes{
		mgetUsers: func(r *user.MGetUsersRequest) (*user.MGetUsersResponse, error) {
			if len(r.UserIds) > 1000 {
				tooLarge.Store(true)
			}
			resp := &user.MGetUsersResponse{Users: map[int64]*user.User{}}
			for _, id := range r.UserIds {
				resp.Users[id] = &user.User{Id: id, Name: fmt.Sprint("user", id)}
			}
			return resp, nil
		},
		listThreads: func(*interaction.ListThreadsRequest) (*interaction.ListThreadsResponse, error) {
			resp := &interaction.ListThreadsResponse{}
			for i := range int64(100) {
				c := &interaction.Comment{Id: i + 1, VideoId: 5, UserId: 10_000 + i, ReplyToUserId: 20_000 + i}
				for j := range int64(10) {
					c.MentionedUserIds = append(c.MentionedUserIds, 30_000+10*i+j)
				}
				resp.Comments = append(resp.Comments, c)
			}
			return resp, nil
		},
	}
	e := start(t, f)
	var page v1.CommentPage
	wantStatus(t, e.v1("GET", "/videos/5/comments?limit=100", ""), 200, &page)
	if n := e.calls.Load(); n != 6 || tooLarge.Load() {
		t.Errorf("%d calls, one too large: %v", n, tooLarge.Load())
	}
	for i, c := range page.Items {
		last := int64(30_000 + 10*i + 9)
		if len(c.Mentions) != 10 || *c.Mentions[9] != (v1.Mention{UserID: last, Name: fmt.Sprint("user", last)}) ||
			c.Author.Name == "" || c.ReplyToUser.Name == "" {
			t.Errorf("comment %+v", c)
		}
	}
}

// findUsers knows user3, user1 and 小明.
func findUsers(r *user.MFindUsersRequest) (*user.MFindUsersResponse, error) {
	resp := &user.MFindUsersResponse{UserIds: map[string]int64{}}
	for _, name := range r.Names {
		if id, ok := map[string]int64{"user1": 1, "user3": 3, "小明": 4}[name]; ok {
			resp.UserIds[name] = id
		}
	}
	return resp, nil
}

func TestV1CreateComment(t *testing.T) {
	f := &fakes{
		findUsers: findUsers,
		createComment: func(r *interaction.CreateCommentRequest) (*interaction.CreateCommentResponse, error) {
			if r.ReplyToId == 404 {
				return nil, errno.CommentNotFound
			}
			c := &interaction.Comment{
				Id: 77, VideoId: r.VideoId, UserId: r.UserId, Content: r.Content, CreatedAtMs: 1, MentionedUserIds: r.MentionedUserIds,
				ReplyToId: r.ReplyToId,
			}
			if r.ReplyToId != 0 {
				c.RootId, c.ReplyToUserId = 10, 2
			}
			return &interaction.CreateCommentResponse{Comment: c}, nil
		},
	}
	e := start(t, f)
	post := func(body string) (c v1.Comment) {
		t.Helper()
		wantStatus(t, e.v1("POST", "/videos/5/comments", body, e.bearer(1)...), 201, &c)
		cardsOf(c.Author, c.ReplyToUser)
		return c
	}
	want := v1.Comment{
		ID: 77, VideoID: 5, Author: &v1.User{ID: 1, Name: "user1"}, Content: "hi @user1, @user3! 看@小明", CreatedAt: "1970-01-01T00:00:00.001Z",
		Mentions: []*v1.Mention{{UserID: 3, Name: "user3"}, {UserID: 4, Name: "user4"}},
	}
	if diff := cmp.Diff(want, post(`{"content":"hi @user1, @user3! 看@小明"}`)); diff != "" {
		t.Error(diff)
	}
	want = v1.Comment{
		ID: 77, VideoID: 5, Author: &v1.User{ID: 1, Name: "user1"}, Content: "so it is", CreatedAt: "1970-01-01T00:00:00.001Z",
		Mentions: []*v1.Mention{}, RootID: 10, ReplyToID: 11, ReplyToUser: &v1.User{ID: 2, Name: "user2"},
	}
	e.calls.Store(0)
	if diff := cmp.Diff(want, post(`{"content":"so it is","reply_to_id":11}`)); diff != "" {
		t.Error(diff)
	}
	if n := e.calls.Load(); n != 5 {
		t.Errorf("a comment without mentions took %d calls, want 5", n)
	}
	if c := post(`{"content":"x","reply_to_id":null}`); c.ReplyToID != 0 {
		t.Errorf("answers %d", c.ReplyToID)
	}
	wantProblem(t, e.v1("POST", "/videos/5/comments", `{"content":"x","reply_to_id":404}`, e.bearer(1)...), 404, errno.CommentNotFound, "")
	for _, id := range []string{"0", "-1", "9007199254740992", `"11"`, "1.5", "true", "[11]", "{}"} {
		a := e.v1("POST", "/videos/5/comments", `{"content":"x","reply_to_id":`+id+`}`, e.bearer(1)...)
		wantProblem(t, a, 400, errno.InvalidArgument, "reply_to_id")
	}
}

// Names that cannot be looked up cost a comment, by both APIs, its mentions alone.
func TestMentionsAreOptional(t *testing.T) {
	var asked atomic.Int64
	var stored atomic.Value
	f := &fakes{
		findUsers: func(*user.MFindUsersRequest) (*user.MFindUsersResponse, error) {
			asked.Add(1)
			return nil, errno.Unavailable
		},
		createComment: func(r *interaction.CreateCommentRequest) (*interaction.CreateCommentResponse, error) {
			stored.Store(fmt.Sprint(r.Content, r.MentionedUserIds))
			return &interaction.CreateCommentResponse{Comment: &interaction.Comment{Id: 77, UserId: r.UserId, Content: r.Content}}, nil
		},
	}
	e := start(t, f)
	wantStatus(t, e.v1("POST", "/videos/5/comments", `{"content":"@user3"}`, e.bearer(1)...), 201, nil)
	if stored.Load() != "@user3[]" || asked.Load() != 1 {
		t.Errorf("stored %v after %d questions", stored.Load(), asked.Load())
	}
	wantCode(t, e.post("/douyin/comment/action/", "token", e.token(1), "video_id", "5", "action_type", "1", "comment_text", "a b@c.d"), 0)
	if stored.Load() != "a b@c.d[]" || asked.Load() != 1 {
		t.Errorf("stored %v after %d questions", stored.Load(), asked.Load())
	}
	wantCode(t, e.post("/douyin/comment/action/", "token", e.token(1), "video_id", "5", "action_type", "1", "comment_text", "@user3"), 0)
	if stored.Load() != "@user3[]" || asked.Load() != 2 {
		t.Errorf("stored %v after %d questions", stored.Load(), asked.Load())
	}
}

// The mobile client knows no mentions, but those whom it names are mentioned, in comments and titles; its comments stay as they were.
func TestDouyinMentions(t *testing.T) {
	var mentioned, title atomic.Value
	f := &fakes{
		findUsers: findUsers,
		createComment: func(r *interaction.CreateCommentRequest) (*interaction.CreateCommentResponse, error) {
			mentioned.Store(fmt.Sprint(r.MentionedUserIds))
			c := &interaction.Comment{Id: 77, UserId: r.UserId, Content: r.Content, MentionedUserIds: r.MentionedUserIds}
			return &interaction.CreateCommentResponse{Comment: c}, nil
		},
		listComments: func(*interaction.ListCommentsRequest) (*interaction.ListCommentsResponse, error) {
			return &interaction.ListCommentsResponse{Comments: []*interaction.Comment{answered(5)}}, nil
		},
		publish: func(r *video.PublishRequest) (*video.PublishResponse, error) {
			title.Store(fmt.Sprint(r.Title, r.MentionedUserIds))
			return &video.PublishResponse{Video: &video.Video{Id: 1, AuthorId: r.AuthorId}, Listed: true}, nil
		},
	}
	e := start(t, f)
	wantCode(t, e.post("/douyin/comment/action/", "token", e.token(1), "video_id", "5", "action_type", "1", "comment_text", "看@小明你好"), 0)
	if mentioned.Load() != "[4]" {
		t.Errorf("mentioned %v", mentioned.Load())
	}
	e.calls.Store(0)
	a := e.get("/douyin/comment/list/", "video_id", "5")
	wantCode(t, a, 0)
	c, _ := a.list("comment_list")[0].(map[string]any)
	if len(c) != 4 || c["content"] != "@user3 @gone" || e.calls.Load() != 5 {
		t.Errorf("%d calls for a comment %v", e.calls.Load(), c)
	}
	body, kind := form(t,
		field{"token", "", []byte(e.token(1))}, field{"title", "", []byte("with @user3 by the sea")}, field{"data", "v.mp4", clip(t)})
	wantCode(t, e.publish("/douyin/publish/action/", kind, body), 0)
	if title.Load() != "with @user3 by the sea[3]" {
		t.Errorf("published %v", title.Load())
	}
}

func TestV1VideoMentions(t *testing.T) {
	e := start(t, &fakes{feed: func(*video.FeedRequest) (*video.FeedResponse, error) {
		videos := videosFrom(2)
		videos[0].MentionedUserIds = []int64{7, 5000, 1}
		return &video.FeedResponse{Videos: videos, NextBeforeMs: 1}, nil
	}})
	var page v1.VideoPage
	wantStatus(t, e.v1("GET", "/feed", ""), 200, &page)
	if n := e.calls.Load(); n != 6 {
		t.Errorf("%d calls", n)
	}
	want := []*v1.Mention{{UserID: 7, Name: "user7"}, {UserID: 1, Name: "user1"}}
	if diff := cmp.Diff(want, page.Items[0].Mentions); diff != "" || page.Items[1].Mentions == nil || len(page.Items[1].Mentions) > 0 {
		t.Errorf("mentions %v: %s", page.Items[1].Mentions, diff)
	}
}

func TestV1CommentWrites(t *testing.T) {
	var got atomic.Value
	f := &fakes{
		likeComment: func(r *interaction.LikeCommentRequest) (*interaction.LikeCommentResponse, error) {
			got.Store(fmt.Sprint("like ", r.UserId, r.VideoId, r.CommentId))
			return &interaction.LikeCommentResponse{}, nil
		},
		unlikeComment: func(r *interaction.UnlikeCommentRequest) (*interaction.UnlikeCommentResponse, error) {
			got.Store(fmt.Sprint("unlike ", r.UserId, r.VideoId, r.CommentId))
			return &interaction.UnlikeCommentResponse{}, nil
		},
		pinComment: func(r *interaction.PinCommentRequest) (*interaction.PinCommentResponse, error) {
			got.Store(fmt.Sprint("pin ", r.UserId, r.VideoId, r.CommentId))
			if r.UserId != 1 {
				return nil, errno.Forbidden
			}
			return &interaction.PinCommentResponse{}, nil
		},
	}
	e := start(t, f)
	for _, c := range []struct{ method, path, want string }{
		{"PUT", "/videos/5/comments/6/like", "like 1 5 6"},
		{"DELETE", "/videos/5/comments/6/like", "unlike 1 5 6"},
		{"PUT", "/videos/5/comments/6/pin", "pin 1 5 6"},
		{"DELETE", "/videos/5/pinned-comment", "pin 1 5 0"},
	} {
		wantStatus(t, e.v1(c.method, c.path, "", e.bearer(1)...), 204, nil)
		if got.Load() != c.want {
			t.Errorf("%s %s: %v, want %s", c.method, c.path, got.Load(), c.want)
		}
		got.Store("")
		wantProblem(t, e.v1(c.method, c.path, ""), 401, errno.Unauthenticated, "")
		for _, id := range []string{"5", "6"} {
			if strings.Contains(c.path, "/"+id) {
				bad := e.v1(c.method, strings.Replace(c.path, "/"+id, "/0", 1), "", e.bearer(1)...)
				wantProblem(t, bad, 400, errno.InvalidArgument, "_id is not an id")
			}
		}
		if got.Load() != "" {
			t.Errorf("%s %s was called for a bad request", c.method, c.path)
		}
	}
	wantProblem(t, e.v1("PUT", "/videos/5/comments/6/pin", "", e.bearer(2)...), 403, errno.Forbidden, "")
}
