package contract_test

import (
	"flag"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	v1 "tiktok/cmd/api/biz/model/v1"
	"tiktok/pkg/errno"
	"tiktok/test/harness"
)

const (
	put   = http.MethodPut
	patch = http.MethodPatch
	del   = http.MethodDelete
)

// v1Scenario is one part of the contract of /api/v1.
type v1Scenario struct {
	name string
	run  func(t *testing.T, d *harness.Deployment, doc *v1Document)
}

// TestV1 holds /api/v1 on both deployments: each answer is what the OpenAPI document says, and each operation is seen.
func TestV1(t *testing.T) {
	doc := loadV1(t)
	push, settings := pushSettings(t)
	harness.Each(t, append(settings, harness.WithoutLimits()), func(t *testing.T, d *harness.Deployment) {
		for _, s := range []v1Scenario{
			{"users", testV1Users},
			{"follows", testV1Follows},
			{"videos", testV1Videos},
			{"comments", testV1Comments},
			{"threads", testV1Threads},
			{"thread refusals", testV1ThreadRefusals},
			{"mentions", testV1Mentions},
			{"notices", testV1Notices},
			{"notice settings", testV1NoticeSettings},
			{"pages", testV1Pages},
			{"sessions", testV1Sessions},
			{"web sessions", testV1WebSessions},
			{"password", testV1Password},
			{"profile", testV1Profile},
			{"pictures", testV1Pictures},
			{"conversations", testV1Conversations},
			{"deleted messages", testV1DeleteMessages},
			{"push", testV1Push(push)},
			{"pushed", testV1Pushed(push)},
			{"events", testV1Events},
			{"search", testV1Search},
			{"tags", testV1Tags},
			{"feeds", testV1Feeds},
			{"watches", testV1Watches},
			{"statistics", testV1Statistics},
			{"bad input", testV1BadInput},
			{"credentials", testV1Credentials},
			{"other sites", testV1OtherSites},
			{"other routes", testV1OtherRoutes},
		} {
			t.Run(s.name, func(t *testing.T) { s.run(t, d, doc) })
		}
		if !t.Failed() {
			t.Run("audit", func(t *testing.T) { d.Audit(t) })
		}
	})
	t.Run("push is off", func(t *testing.T) { testV1PushOff(t, doc) })
	t.Run("too many requests", func(t *testing.T) { testV1TooManyRequests(t, doc) })
	if f := flag.Lookup("test.run"); !t.Failed() && (f == nil || f.Value.String() == "" || f.Value.String() == "TestV1") {
		doc.requireAllSeen(t)
	}
}

func at(path string, args ...any) string { return fmt.Sprintf(path, args...) }

// nobody is an id that nothing has.
const nobody = 1<<53 - 1

func testV1Users(t *testing.T, d *harness.Deployment, doc *v1Document) {
	w := newWorld(t, d)
	ann, visitor := doc.user(d, w.ann), doc.user(d, d.Visitor())
	var u v1.User
	ann.do(t, get, at("/users/%d", w.bob.ID), nil, 200, &u)
	if u.ID != w.bob.ID || u.Name != w.bob.Name || u.DisplayName == "" || !u.IsFollowed || u.VideoCount != 1 || u.FollowerCount != 1 ||
		u.FollowingCount != 1 || u.LikesReceivedCount != 1 || u.LikeCount != 0 || u.IsDeleted {
		t.Errorf("bob is %+v", u)
	}
	visitor.do(t, get, at("/users/%d", w.bob.ID), nil, 200, &u)
	if u.IsFollowed {
		t.Error("a visitor follows somebody")
	}
	visitor.fails(t, get, at("/users/%d", nobody), nil, errno.UserNotFound)

	var videos v1.VideoPage
	ann.do(t, get, at("/users/%d/videos", w.bob.ID), nil, 200, &videos)
	if len(videos.Items) != 1 || videos.Items[0].ID != w.video.ID || videos.NextCursor != "" {
		t.Errorf("bob's videos: %+v", videos)
	}
	ann.do(t, get, at("/users/%d/likes", w.ann.ID), nil, 200, &videos)
	if len(videos.Items) != 1 || videos.Items[0].ID != w.video.ID || !videos.Items[0].IsLiked || !videos.Items[0].Author.IsFollowed {
		t.Errorf("ann's likes: %+v", videos)
	}
	for _, list := range []string{"videos", "likes", "following", "followers"} {
		visitor.fails(t, get, at("/users/%d/%s", nobody, list), nil, errno.UserNotFound)
	}
}

func testV1Follows(t *testing.T, d *harness.Deployment, doc *v1Document) {
	w := newWorld(t, d)
	ann, eve := doc.user(d, w.ann), doc.user(d, w.eve)
	var page v1.UserPage
	names := func(u *v1User, path string) (names []string) {
		u.do(t, get, path, nil, 200, &page)
		for _, item := range page.Items {
			names = append(names, item.Name)
		}
		return names
	}
	for range 2 { // twice is success
		eve.do(t, put, at("/users/%d/follow", w.ann.ID), nil, 204, nil)
	}
	if got := names(eve, at("/users/%d/following", w.eve.ID)); !slices.Equal(got, []string{w.ann.Name}) {
		t.Errorf("eve follows %v", got)
	}
	if got := names(ann, at("/users/%d/followers", w.ann.ID)); !slices.Equal(got, []string{w.eve.Name, w.bob.Name}) {
		t.Errorf("ann is followed by %v", got)
	}
	if got := names(ann, "/me/friends"); !slices.Equal(got, []string{w.bob.Name}) || page.NextCursor != "" {
		t.Errorf("ann's friends are %v", got)
	}
	for range 2 {
		eve.do(t, del, at("/users/%d/follow", w.ann.ID), nil, 204, nil)
	}
	if got := names(eve, at("/users/%d/following", w.eve.ID)); len(got) != 0 {
		t.Errorf("eve follows %v", got)
	}
	for _, method := range []string{put, del} {
		eve.fails(t, method, at("/users/%d/follow", w.eve.ID), nil, errno.SocialSelf)
		eve.fails(t, method, at("/users/%d/follow", nobody), nil, errno.UserNotFound)
	}
}

func testV1Videos(t *testing.T, d *harness.Deployment, doc *v1Document) {
	w := newWorld(t, d)
	bob, eve := doc.user(d, w.bob), doc.user(d, w.eve)
	upload := func(u *v1User, title string, data []byte) harness.Answer {
		form := harness.Multipart(t, post, v1Path+"/videos", url.Values{"title": {title}}, harness.File{Field: "data", Name: "v.mp4", Data: data})
		return u.send(t, form)
	}
	title := "from the web by " + w.bob.Name
	a := upload(bob, title, harness.TestData(t, "tiny.mp4"))
	var up v1.Upload
	if decode(t, a, &up); a.Status != 201 || up.VideoID <= 0 || up.Title != title || !up.IsListed {
		t.Fatalf("upload: %d %s", a.Status, a.Raw)
	}
	var video v1.Video
	eve.do(t, get, at("/videos/%d", up.VideoID), nil, 200, &video)
	if video.Title != title || video.Author.ID != w.bob.ID || video.DurationMs <= 0 || video.Width <= 0 || video.Height <= 0 ||
		video.IsLiked || !strings.HasSuffix(video.PageURL, at("/v/%d", up.VideoID)) {
		t.Errorf("video: %+v", video)
	}
	if file := d.Raw(t, harness.Request{Method: get, Path: d.Below(t, video.PlayURL)}); file.Status != 200 {
		t.Errorf("play_url: %d", file.Status)
	}
	var feed v1.VideoPage
	eve.do(t, get, "/feed?limit=1", nil, 200, &feed)
	if len(feed.Items) != 1 || feed.Items[0].ID != up.VideoID || feed.NextCursor == "" {
		t.Errorf("feed: %+v", feed)
	}
	eve.fails(t, get, "/feed?limit=0", nil, errno.InvalidArgument)
	var uploads v1.UploadPage
	bob.do(t, get, "/me/uploads", nil, 200, &uploads)
	if len(uploads.Items) != 0 {
		t.Errorf("uploads: %+v", uploads)
	}
	for range 2 {
		eve.do(t, put, at("/videos/%d/like", up.VideoID), nil, 204, nil)
	}
	eve.do(t, get, at("/videos/%d", up.VideoID), nil, 200, &video)
	if !video.IsLiked || video.LikeCount != 1 {
		t.Errorf("liked: %+v", video)
	}
	for range 2 {
		eve.do(t, del, at("/videos/%d/like", up.VideoID), nil, 204, nil)
	}
	eve.do(t, get, at("/videos/%d", up.VideoID), nil, 200, &video)
	if video.IsLiked || video.LikeCount != 0 {
		t.Errorf("not liked any more: %+v", video)
	}
	for _, method := range []string{put, del} {
		eve.fails(t, method, at("/videos/%d/like", nobody), nil, errno.VideoNotFound)
	}
	for name, data := range map[string][]byte{"empty": {}, "text": []byte("not a video"), "cut": harness.TestData(t, "tiny.mp4")[:500]} {
		if a := upload(eve, name, data); a.Status < 400 || a.Status > 499 {
			t.Errorf("%s: %d %s", name, a.Status, a.Raw)
		}
	}
	if a := upload(eve, strings.Repeat("x", 101), harness.TestData(t, "tiny.mp4")); a.Status != 400 {
		t.Errorf("a long title: %d %s", a.Status, a.Raw)
	}
	eve.fails(t, del, at("/videos/%d", up.VideoID), nil, errno.Forbidden, errno.VideoNotFound)
	bob.do(t, del, at("/videos/%d", up.VideoID), nil, 204, nil)
	bob.fails(t, del, at("/videos/%d", up.VideoID), nil, errno.VideoNotFound)
	eve.fails(t, get, at("/videos/%d", up.VideoID), nil, errno.VideoNotFound)
}

func testV1Comments(t *testing.T, d *harness.Deployment, doc *v1Document) {
	w := newWorld(t, d)
	bob, eve, visitor := doc.user(d, w.bob), doc.user(d, w.eve), doc.user(d, d.Visitor())
	list := at("/videos/%d/comments", w.video.ID)
	var c v1.Comment
	eve.do(t, post, list, v1.CreateCommentRequest{Content: "lovely <b>猫</b>"}, 201, &c)
	if c.ID <= 0 || c.VideoID != w.video.ID || c.Author.ID != w.eve.ID || c.Content != "lovely <b>猫</b>" {
		t.Errorf("comment: %+v", c)
	}
	var page v1.CommentPage
	visitor.do(t, get, list, nil, 200, &page)
	if len(page.Items) != 3 || page.Items[0].ID != c.ID {
		t.Errorf("comments: %+v", page)
	}
	visitor.fails(t, get, at("/videos/%d/comments", nobody), nil, errno.VideoNotFound)
	eve.fails(t, post, at("/videos/%d/comments", nobody), v1.CreateCommentRequest{Content: "x"}, errno.VideoNotFound)
	bob.fails(t, del, at("%s/%d", list, c.ID), nil, errno.Forbidden)
	eve.do(t, del, at("%s/%d", list, c.ID), nil, 204, nil)
	eve.fails(t, del, at("%s/%d", list, c.ID), nil, errno.CommentNotFound)
}

// Pages: by a cursor through all entries, each once, in their order.
func testV1Pages(t *testing.T, d *harness.Deployment, doc *v1Document) {
	w := newWorld(t, d)
	bob := doc.user(d, w.bob)
	want := []int64{w.video.ID}
	for i := range 4 {
		want = append([]int64{w.bob.Publish(t, at("%d by %s", i, w.bob.Name)).ID}, want...)
	}
	var got []int64
	cursor := ""
	for range 10 {
		var page v1.VideoPage
		bob.do(t, get, at("/users/%d/videos?limit=2&cursor=%s", w.bob.ID, url.QueryEscape(cursor)), nil, 200, &page)
		if len(page.Items) > 2 {
			t.Fatalf("%d entries", len(page.Items))
		}
		for _, v := range page.Items {
			got = append(got, v.ID)
		}
		if cursor = page.NextCursor; cursor == "" {
			break
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("paged %v, want %v", got, want)
	}
}

func testV1TooManyRequests(t *testing.T, doc *v1Document) {
	d := harness.AllInOne(t, harness.Set("limits.read_addr.rate", "0.01"), harness.Set("limits.read_addr.burst", "2"))
	visitor := doc.user(d, d.Visitor())
	for range 2 {
		visitor.do(t, get, "/feed", nil, 200, nil)
	}
	visitor.fails(t, get, "/feed", nil, errno.TooManyRequests) // the document wants Retry-After
}
