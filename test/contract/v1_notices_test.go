package contract_test

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	v1 "tiktok/cmd/api/biz/model/v1"
	"tiktok/pkg/errno"
	"tiktok/test/harness"
)

// noticesOf are all notices of a user, by id.
func noticesOf(t *testing.T, u *v1User, limit int) (all []*v1.Notice) {
	t.Helper()
	for cursor := ""; ; {
		var page v1.NoticePage
		u.do(t, get, at("/notices?limit=%d&cursor=%s", limit, url.QueryEscape(cursor)), nil, 200, &page)
		if all = append(all, page.Items...); page.NextCursor == "" || len(all) > 1000 {
			return all
		}
		cursor = page.NextCursor
	}
}

// summary is who did what how often, in the order of ids; actors as names.
func summary(notices []*v1.Notice) map[string]string {
	all := map[string]string{}
	for _, n := range notices {
		var who []string
		for _, a := range n.Actors {
			who = append(who, a.Name)
		}
		all[n.ID] = fmt.Sprintf("%s%d%v", n.Kind, n.Count, who)
	}
	return all
}

// wantNotices waits until a user's notices are these.
func wantNotices(t *testing.T, u *v1User, want map[string]string) (all []*v1.Notice) {
	t.Helper()
	harness.Eventually(t, 20*time.Second, func() error {
		all = noticesOf(t, u, 30)
		if got := summary(all); !maps.Equal(got, want) {
			return fmt.Errorf("notices of %s:\n%s", u.name, cmp.Diff(want, got))
		}
		return nil
	})
	return all
}

// testV1Notices: what others do is in a user's notices, and leaves them when it is taken back.
func testV1Notices(t *testing.T, d *harness.Deployment, doc *v1Document) {
	w := newWorld(t, d)
	ann, bob, eve := doc.user(d, w.ann), doc.user(d, w.bob), doc.user(d, w.eve)
	th := thread{t, w.video.ID}
	like, comment := at("like-%d", w.video.ID), at("comment-%d", w.video.ID)
	wantNotices(t, bob, map[string]string{
		"follow-0": at("follow1[%s]", w.ann.Name), like: at("like1[%s]", w.ann.Name), comment: at("comment1[%s]", w.ann.Name),
	})
	eve.do(t, put, at("/videos/%d/like", w.video.ID), nil, 204, nil)
	c := th.say(eve, "look, @"+w.ann.Name, 0)
	r := th.say(ann, "thank you", c.ID) // tells eve, and bob, whose video it is
	eve.do(t, put, at("/videos/%d/comments/%d/like", w.video.ID, w.bobsComment.ID), nil, 204, nil)
	liked, reply, mention := at("comment_like-%d", w.bobsComment.ID), at("reply-%d", c.ID), at("mention-%d", w.video.ID)
	all := map[string]string{
		"follow-0": at("follow1[%s]", w.ann.Name), like: at("like2[%s %s]", w.eve.Name, w.ann.Name), liked: at("comment_like1[%s]", w.eve.Name),
		comment: at("comment3[%s %s]", w.ann.Name, w.eve.Name),
	}
	notices := wantNotices(t, bob, all)
	for i, n := range notices {
		if !n.IsUnread || i > 0 && n.At > notices[i-1].At {
			t.Errorf("notice %d: %+v", i, n)
		}
		switch n.ID {
		case comment:
			if x := n.Comment; x == nil || x.ID != r.ID || x.Content != r.Content || x.ReplyToID != c.ID || x.ReplyToUser.ID != w.eve.ID {
				t.Errorf("%+v", n.Comment)
			}
			fallthrough
		case like:
			if n.Video == nil || n.Video.ID != w.video.ID || n.Video.Title != w.video.Title || n.Video.CoverURL != w.video.CoverURL {
				t.Errorf("%+v", n.Video)
			}
		case liked:
			if n.Comment == nil || n.Comment.ID != w.bobsComment.ID {
				t.Errorf("%+v", n.Comment)
			}
		}
	}
	for _, limit := range []int{1, 2, 3} {
		paged := noticesOf(t, bob, limit)
		if diff := cmp.Diff(notices, paged, followed()); diff != "" {
			t.Errorf("by pages of %d: %s", limit, diff)
		}
	}
	wantNotices(t, eve, map[string]string{reply: at("reply1[%s]", w.ann.Name)})
	notices = wantNotices(t, ann, map[string]string{
		"follow-0": at("follow1[%s]", w.bob.Name), mention: at("mention1[%s]", w.eve.Name),
	})
	i := slices.IndexFunc(notices, func(n *v1.Notice) bool { return n.ID == mention })
	if x := notices[i].Comment; x == nil || x.ID != c.ID {
		t.Errorf("mentioned in %+v", x)
	}

	// Up to the mark all is read.
	unread := func(u *v1User) (n int) {
		for _, x := range noticesOf(t, u, 30) {
			if x.IsUnread {
				n++
			}
		}
		return n
	}
	notices = noticesOf(t, bob, 30)
	bob.do(t, put, "/notices/read", v1.MarkNoticesReadRequest{Until: notices[1].At}, 204, nil)
	if n := unread(bob); n == 0 || n > 1 { // two may be of one moment
		t.Errorf("%d are unread, want 1", n)
	}
	bob.do(t, put, "/notices/read", v1.MarkNoticesReadRequest{Until: notices[0].At}, 204, nil)
	if n := unread(bob); n != 0 {
		t.Errorf("%d are unread", n)
	}

	// What is taken back leaves.
	eve.do(t, del, at("/videos/%d/like", w.video.ID), nil, 204, nil)
	ann.do(t, del, at("/videos/%d/like", w.video.ID), nil, 204, nil)
	eve.do(t, del, at("/videos/%d/comments/%d/like", w.video.ID, w.bobsComment.ID), nil, 204, nil)
	eve.do(t, del, at("/videos/%d/comments/%d", w.video.ID, c.ID), nil, 204, nil) // with the answer to it
	ann.do(t, del, at("/users/%d/follow", w.bob.ID), nil, 204, nil)
	wantNotices(t, bob, map[string]string{comment: at("comment1[%s]", w.ann.Name)})
	wantNotices(t, eve, map[string]string{})
	wantNotices(t, ann, map[string]string{"follow-0": at("follow1[%s]", w.bob.Name)})

	// A title mentions, and its video takes everything along.
	title := w.eve.Publish(t, "with @"+w.bob.Name).ID
	inTitle := at("mention-%d", title)
	notices = wantNotices(t, bob, map[string]string{
		comment: at("comment1[%s]", w.ann.Name), inTitle: at("mention1[%s]", w.eve.Name),
	})
	if n := notices[0]; n.ID != inTitle || n.Comment != nil || n.Video == nil || n.Video.ID != title {
		t.Errorf("mentioned in a title: %+v", n)
	}
	eve.do(t, del, at("/videos/%d", title), nil, 204, nil)
	bob.do(t, del, at("/videos/%d", w.video.ID), nil, 204, nil)
	wantNotices(t, bob, map[string]string{})

	visitor := doc.user(d, d.Visitor())
	visitor.fails(t, get, "/notices", nil, errno.Unauthenticated)
	bob.fails(t, get, "/notices?limit=0", nil, errno.InvalidArgument)
	bob.fails(t, put, "/notices/read", v1.MarkNoticesReadRequest{Until: "today"}, errno.InvalidArgument)
}

// testV1NoticeSettings: a muted kind is in no list, and back with all that came when it is not muted any more.
func testV1NoticeSettings(t *testing.T, d *harness.Deployment, doc *v1Document) {
	w := newWorld(t, d)
	bob, eve := doc.user(d, w.bob), doc.user(d, w.eve)
	like, comment := at("like-%d", w.video.ID), at("comment-%d", w.video.ID)
	settings := func(method string, body any, want ...string) {
		t.Helper()
		var s v1.NoticeSettings
		bob.do(t, method, "/notices/settings", body, 200, &s)
		if diff := cmp.Diff(append([]string{}, want...), s.MutedKinds); diff != "" {
			t.Error(diff)
		}
	}
	settings(get, nil)
	settings(put, v1.NoticeSettings{MutedKinds: []string{"follow", "like"}}, "like", "follow")
	settings(get, nil, "like", "follow")
	wantNotices(t, bob, map[string]string{comment: at("comment1[%s]", w.ann.Name)})
	eve.do(t, put, at("/videos/%d/like", w.video.ID), nil, 204, nil)
	settings(put, v1.NoticeSettings{MutedKinds: []string{}})
	settings(get, nil)
	wantNotices(t, bob, map[string]string{
		"follow-0": at("follow1[%s]", w.ann.Name), like: at("like2[%s %s]", w.eve.Name, w.ann.Name), comment: at("comment1[%s]", w.ann.Name),
	})
	visitor := doc.user(d, d.Visitor())
	visitor.fails(t, get, "/notices/settings", nil, errno.Unauthenticated)
	bob.fails(t, put, "/notices/settings", v1.NoticeSettings{MutedKinds: []string{"everything"}}, errno.InvalidArgument)
}
