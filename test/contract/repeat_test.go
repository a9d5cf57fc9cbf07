package contract_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"tiktok/pkg/errno"
	"tiktok/test/harness"
)

func diff(before, after string) string { return cmp.Diff(before, after) }

// Doing something twice is a success that changes nothing, and so is undoing it twice.
func testRepeatedWrites(t *testing.T, d *harness.Deployment) {
	w := newWorld(t, d)
	likes := func() int64 { return d.Visitor().Published(t, w.bob.ID)[0].FavoriteCount }
	for range 3 {
		w.eve.Like(t, w.video.ID)
		if n := likes(); n != 2 { // ann's too
			t.Errorf("%d likes, want 2", n)
		}
		if c := w.eve.Profile(t, 0); c.FavoriteCount != 1 {
			t.Errorf("eve likes %d videos, want 1", c.FavoriteCount)
		}
		if c := w.eve.Profile(t, w.bob.ID); c.TotalFavorited != 2 {
			t.Errorf("bob has %d likes, want 2", c.TotalFavorited)
		}
	}
	if n := len(w.eve.Favorites(t, w.eve.ID)); n != 1 {
		t.Errorf("eve's list has %d videos", n)
	}
	for range 3 {
		w.eve.Unlike(t, w.video.ID)
		if n := likes(); n != 1 {
			t.Errorf("%d likes, want 1", n)
		}
	}
	for range 3 {
		w.eve.Follow(t, w.bob.ID)
		if c := w.eve.Profile(t, w.bob.ID); !c.IsFollow || c.FollowerCount != 2 {
			t.Errorf("bob is %+v", c)
		}
		if c := w.eve.Profile(t, 0); c.FollowCount != 1 {
			t.Errorf("eve follows %d", c.FollowCount)
		}
	}
	if n := len(w.eve.Following(t, w.eve.ID)); n != 1 {
		t.Errorf("eve's list has %d users", n)
	}
	for range 3 {
		w.eve.Unfollow(t, w.bob.ID)
		if c := w.eve.Profile(t, w.bob.ID); c.IsFollow || c.FollowerCount != 1 {
			t.Errorf("bob is %+v", c)
		}
	}
	t.Run("what was never done can be undone", func(t *testing.T) {
		w.bob.Unlike(t, w.video.ID)
		w.ann.Unfollow(t, w.eve.ID)
		if n := likes(); n != 1 {
			t.Errorf("%d likes, want 1", n)
		}
		if c := w.ann.Profile(t, w.eve.ID); c.FollowerCount != 0 {
			t.Errorf("eve has %d followers", c.FollowerCount)
		}
	})
	t.Run("a comment is deleted once", func(t *testing.T) {
		w.ann.DeleteComment(t, w.video.ID, w.comment.ID)
		w.ann.Post(t, harness.PathComment, "video_id", w.video.ID, "action_type", 2, "comment_id", w.comment.ID).Fails(t, errno.CommentNotFound)
		v := d.Visitor().Published(t, w.bob.ID)[0]
		if c := d.Visitor().Comments(t, w.video.ID); v.CommentCount != 1 || len(c) != 1 || c[0].ID != w.bobsComment.ID {
			t.Errorf("count %d, comments %+v", v.CommentCount, c)
		}
	})
	t.Run("the same comment and message twice are two", func(t *testing.T) {
		first, second := w.ann.Comment(t, w.video.ID, "again"), w.ann.Comment(t, w.video.ID, "again")
		if c := w.ann.Comments(t, w.video.ID); len(c) != 3 || c[0].ID != second.ID || c[1].ID != first.ID {
			t.Errorf("comments %+v", c)
		}
		w.eve.Send(t, w.bob.ID, "again")
		w.eve.Send(t, w.bob.ID, "again")
		if m := w.eve.Chat(t, w.bob.ID, 0); len(m) != 2 || m[0].ID == m[1].ID || m[0].Time(t) >= m[1].Time(t) {
			t.Errorf("messages %+v", m)
		}
	})
}
