package contract_test

import (
	"net/url"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	v1 "tiktok/cmd/api/biz/model/v1"
	"tiktok/pkg/errno"
	"tiktok/test/harness"
)

// thread is where the comments of a video are.
type thread struct {
	t     *testing.T
	video int64
}

func (th thread) path() string { return at("/videos/%d/comments", th.video) }

// say posts a comment, or answers one.
func (th thread) say(u *v1User, text string, to int64) (c v1.Comment) {
	th.t.Helper()
	req := v1.CreateCommentRequest{Content: text}
	if to != 0 {
		req.ReplyToID = &to
	}
	u.do(th.t, post, th.path(), req, 201, &c)
	return c
}

// all are the comments of all pages of a list.
func (th thread) all(u *v1User, path string, limit int) (all []*v1.Comment) {
	th.t.Helper()
	for cursor := ""; ; {
		var page v1.CommentPage
		u.do(th.t, get, at("%s&limit=%d&cursor=%s", path, limit, url.QueryEscape(cursor)), nil, 200, &page)
		if all = append(all, page.Items...); page.NextCursor == "" || len(all) > 1000 {
			return all
		}
		if len(page.Items) == 0 || len(page.Items) > limit {
			th.t.Fatalf("%s: a page of %d, and more after it", path, len(page.Items))
		}
		cursor = page.NextCursor
	}
}

func (th thread) roots(u *v1User, sort string, limit int) []int64 {
	th.t.Helper()
	return idsOf(th.all(u, th.path()+"?sort="+sort, limit))
}

func (th thread) replies(u *v1User, root int64, limit int) []*v1.Comment {
	th.t.Helper()
	return th.all(u, at("%s/%d/replies?", th.path(), root), limit)
}

func idsOf(comments []*v1.Comment) []int64 {
	ids := make([]int64, len(comments))
	for i, c := range comments {
		ids[i] = c.ID
	}
	return ids
}

// flat checks that the mobile client's list has these comments, and that every counter says so.
func (th thread) flat(u *v1User, mobile *harness.User, want ...int64) {
	th.t.Helper()
	var got []int64
	for _, c := range mobile.Comments(th.t, th.video) {
		got = append(got, c.ID)
	}
	if !slices.Equal(got, want) {
		th.t.Errorf("/douyin/comment/list has %v, want %v", got, want)
	}
	var video v1.Video
	u.do(th.t, get, at("/videos/%d", th.video), nil, 200, &video)
	if video.CommentCount != int64(len(want)) {
		th.t.Errorf("comment_count is %d, want %d", video.CommentCount, len(want))
	}
}

// testV1Threads: comments and their answers by both surfaces, in every order, with likes and a pin.
func testV1Threads(t *testing.T, d *harness.Deployment, doc *v1Document) {
	w := newWorld(t, d)
	ann, bob, eve, visitor := doc.user(d, w.ann), doc.user(d, w.bob), doc.user(d, w.eve), doc.user(d, d.Visitor())
	th := thread{t, w.bob.Publish(t, "threads by "+w.bob.Name).ID}
	a := th.say(ann, "a", 0)
	b := th.say(bob, "b", 0)
	ra := th.say(bob, "to a", a.ID)
	raa := th.say(eve, "to the answer", ra.ID)
	c := th.say(eve, "c", 0)
	th.flat(ann, w.ann, c.ID, raa.ID, ra.ID, b.ID, a.ID)

	if ra.RootID != a.ID || ra.ReplyToID != a.ID || ra.ReplyToUser == nil || ra.ReplyToUser.ID != w.ann.ID {
		t.Errorf("an answer: %+v", ra)
	}
	if raa.RootID != a.ID || raa.ReplyToID != ra.ID || raa.ReplyToUser == nil || raa.ReplyToUser.Name != w.bob.Name {
		t.Errorf("an answer to an answer: %+v", raa)
	}
	if a.RootID != 0 || a.ReplyToID != 0 || a.ReplyToUser != nil {
		t.Errorf("the beginning of a thread: %+v", a)
	}
	for _, limit := range []int{1, 2, 30} {
		if got := th.roots(visitor, "newest", limit); !slices.Equal(got, []int64{c.ID, b.ID, a.ID}) {
			t.Errorf("threads by pages of %d: %v", limit, got)
		}
		replies := th.replies(ann, a.ID, limit)
		if got := idsOf(replies); !slices.Equal(got, []int64{ra.ID, raa.ID}) {
			t.Errorf("answers by pages of %d: %v", limit, got)
		}
		if diff := cmp.Diff(ra, *replies[0], followed()); diff != "" {
			t.Errorf("the answer is another than its author was told: %s", diff)
		}
	}
	roots := th.all(visitor, th.path()+"?", 30)
	if roots[2].ReplyCount != 2 || roots[1].ReplyCount != 0 || roots[2].Author.ID != w.ann.ID {
		t.Errorf("threads: %+v", roots)
	}

	// Likes: twice is success, each counts once, the viewer's own shows at once.
	like := func(u *v1User, method string, id int64) {
		t.Helper()
		for range 2 {
			u.do(t, method, at("%s/%d/like", th.path(), id), nil, 204, nil)
		}
	}
	like(ann, put, b.ID)
	like(eve, put, b.ID)
	like(eve, put, a.ID)
	for u, want := range map[*v1User]bool{ann: true, bob: false, visitor: false} {
		if roots := th.all(u, th.path()+"?", 30); roots[1].LikeCount != 2 || roots[1].IsLiked != want {
			t.Errorf("liked: %+v", roots[1])
		}
	}
	for _, limit := range []int{1, 2, 30} {
		if got := th.roots(visitor, "top", limit); !slices.Equal(got, []int64{b.ID, a.ID, c.ID}) {
			t.Errorf("top threads by pages of %d: %v", limit, got)
		}
	}
	like(ann, del, b.ID)
	like(eve, del, b.ID)
	if got := th.roots(eve, "top", 30); !slices.Equal(got, []int64{a.ID, c.ID, b.ID}) {
		t.Errorf("top threads after likes were taken back: %v", got)
	}

	// The pinned comment is first in both orders, once.
	bob.do(t, put, at("%s/%d/pin", th.path(), c.ID), nil, 204, nil)
	bob.do(t, put, at("%s/%d/pin", th.path(), b.ID), nil, 204, nil)
	for _, limit := range []int{1, 2, 30} {
		if got := th.roots(visitor, "newest", limit); !slices.Equal(got, []int64{b.ID, c.ID, a.ID}) {
			t.Errorf("with a pin by pages of %d: %v", limit, got)
		}
		if got := th.roots(visitor, "top", limit); !slices.Equal(got, []int64{b.ID, a.ID, c.ID}) {
			t.Errorf("top with a pin by pages of %d: %v", limit, got)
		}
	}
	if roots := th.all(visitor, th.path()+"?", 30); !roots[0].IsPinned || roots[1].IsPinned {
		t.Errorf("pinned: %+v", roots)
	}
	for range 2 {
		bob.do(t, del, at("/videos/%d/pinned-comment", th.video), nil, 204, nil)
	}
	if got := th.roots(visitor, "newest", 30); !slices.Equal(got, []int64{c.ID, b.ID, a.ID}) {
		t.Errorf("without a pin: %v", got)
	}

	// An answer goes alone, the beginning of a thread with all its answers.
	eve.do(t, del, at("%s/%d", th.path(), raa.ID), nil, 204, nil)
	th.flat(eve, w.eve, c.ID, ra.ID, b.ID, a.ID)
	if roots := th.all(eve, th.path()+"?", 30); roots[2].ReplyCount != 1 {
		t.Errorf("an answer fewer: %+v", roots[2])
	}
	ann.do(t, del, at("%s/%d", th.path(), a.ID), nil, 204, nil)
	th.flat(ann, w.ann, c.ID, b.ID)
	if got := th.roots(ann, "top", 30); !slices.Equal(got, []int64{c.ID, b.ID}) {
		t.Errorf("a thread fewer: %v", got)
	}
	eve.fails(t, post, th.path(), v1.CreateCommentRequest{Content: "too late", ReplyToID: &a.ID}, errno.CommentNotFound)
	bob.fails(t, del, at("%s/%d", th.path(), ra.ID), nil, errno.CommentNotFound)
}

// followed leaves out of a comparison of comments what depends on who looks, and when.
func followed() cmp.Option {
	return cmp.FilterPath(func(p cmp.Path) bool {
		name := p.Last().String()
		return slices.Contains([]string{".IsFollowed", ".FollowingCount", ".FollowerCount", ".VideoCount", ".LikeCount"}, name)
	}, cmp.Ignore())
}

// testV1ThreadRefusals: what is not below that video, or is another's.
func testV1ThreadRefusals(t *testing.T, d *harness.Deployment, doc *v1Document) {
	w := newWorld(t, d)
	bob, eve := doc.user(d, w.bob), doc.user(d, w.eve)
	other := w.eve.Publish(t, "by "+w.eve.Name).ID
	th := thread{t, w.video.ID}
	reply := th.say(eve, "an answer", w.comment.ID)
	comments := at("/videos/%d/comments", other)
	for _, id := range []int64{w.comment.ID, nobody} {
		eve.fails(t, get, at("%s/%d/replies", comments, id), nil, errno.CommentNotFound)
		eve.fails(t, post, comments, v1.CreateCommentRequest{Content: "x", ReplyToID: &id}, errno.CommentNotFound)
		eve.fails(t, put, at("%s/%d/like", comments, id), nil, errno.CommentNotFound)
		eve.fails(t, del, at("%s/%d/like", comments, id), nil, errno.CommentNotFound)
		eve.fails(t, put, at("%s/%d/pin", comments, id), nil, errno.CommentNotFound)
	}
	eve.fails(t, get, at("/videos/%d/comments/%d/replies", nobody, w.comment.ID), nil, errno.VideoNotFound, errno.CommentNotFound)
	eve.fails(t, put, at("%s/%d/pin", th.path(), w.comment.ID), nil, errno.Forbidden)
	eve.fails(t, del, at("/videos/%d/pinned-comment", w.video.ID), nil, errno.Forbidden)
	bob.fails(t, del, at("/videos/%d/pinned-comment", nobody), nil, errno.VideoNotFound)
	bob.fails(t, put, at("/videos/%d/comments/%d/pin", nobody, w.comment.ID), nil, errno.VideoNotFound, errno.CommentNotFound)
	bob.fails(t, put, at("%s/%d/pin", th.path(), reply.ID), nil, errno.CommentNotFound) // an answer
	bob.fails(t, get, th.path()+"?sort=oldest", nil, errno.InvalidArgument)
	zero := int64(0)
	bob.fails(t, post, th.path(), v1.CreateCommentRequest{Content: "x", ReplyToID: &zero}, errno.InvalidArgument)
}

// testV1Mentions: in comments and titles, by both surfaces.
func testV1Mentions(t *testing.T, d *harness.Deployment, doc *v1Document) {
	w := newWorld(t, d)
	ann, eve := doc.user(d, w.ann), doc.user(d, w.eve)
	th := thread{t, w.video.ID}
	mentions := func(what string, got []*v1.Mention, want ...*harness.User) {
		t.Helper()
		all := []*v1.Mention{}
		for _, u := range want {
			all = append(all, &v1.Mention{UserID: u.ID, Name: u.Name})
		}
		if diff := cmp.Diff(all, got); diff != "" {
			t.Errorf("%s: %s", what, diff)
		}
	}
	a, b, e := w.ann.Name, w.bob.Name, w.eve.Name
	text := at("@%s, see what @%s has! 看@%s的猫 and @%s. Not x@%s or @nobody%s", b, e, a, b, a, b)
	c := th.say(ann, text, 0)
	mentions("a comment", c.Mentions, w.bob, w.eve) // not its author
	r := th.say(eve, "@"+w.ann.Name, c.ID)
	mentions("an answer", r.Mentions, w.ann)
	w.bob.Comment(t, w.video.ID, "ask @"+w.eve.Name)
	roots := th.all(eve, th.path()+"?", 30)
	mentions("a comment of the mobile client", roots[0].Mentions, w.eve)
	mentions("a listed comment", roots[1].Mentions, w.bob, w.eve)
	mentions("a listed comment without mentions", roots[2].Mentions)
	mentions("a listed answer", th.replies(ann, c.ID, 30)[0].Mentions, w.ann)

	published := w.eve.Publish(t, "with @"+w.ann.Name+" and @"+w.eve.Name)
	var video v1.Video
	ann.do(t, get, at("/videos/%d", published.ID), nil, 200, &video)
	mentions("a title", video.Mentions, w.ann)
	form := harness.Multipart(t, post, v1Path+"/videos", url.Values{"title": {"@" + w.bob.Name}},
		harness.File{Field: "data", Name: "v.mp4", Data: harness.TestData(t, "tiny.mp4")})
	var up v1.Upload
	decode(t, eve.send(t, form), &up)
	ann.do(t, get, at("/videos/%d", up.VideoID), nil, 200, &video)
	mentions("a title from the web", video.Mentions, w.bob)
	var feed v1.VideoPage
	ann.do(t, get, "/feed?limit=3", nil, 200, &feed)
	mentions("a title in the feed", feed.Items[0].Mentions, w.bob)
	mentions("another title in the feed", feed.Items[1].Mentions, w.ann)
}
