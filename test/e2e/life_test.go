package e2e_test

import (
	"net/http"
	"strings"
	"testing"

	"tiktok/pkg/errno"
	"tiktok/test/harness"
)

// counters are what a profile says beside names and pictures.
type counters struct {
	follow, followers, favorited, works, favorites int64
	isFollow                                       bool
}

func requireCounters(t *testing.T, viewer *harness.User, of int64, want counters) {
	t.Helper()
	c := viewer.Profile(t, of)
	got := counters{c.FollowCount, c.FollowerCount, c.TotalFavorited, c.WorkCount, c.FavoriteCount, c.IsFollow}
	if got != want {
		t.Errorf("%s sees %s with %+v, want %+v", viewer.Name, c.Name, got, want)
	}
}

func requireVideo(t *testing.T, viewer *harness.User, id, likes, comments int64, liked bool) {
	t.Helper()
	for _, v := range viewer.Feed(t, 0).Videos {
		if v.ID != id {
			continue
		}
		if v.FavoriteCount != likes || v.CommentCount != comments || v.IsFavorite != liked {
			t.Errorf("%q sees the video with %d likes, %d comments, liked %v; want %d, %d, %v",
				viewer.Name, v.FavoriteCount, v.CommentCount, v.IsFavorite, likes, comments, liked)
		}
		return
	}
	t.Errorf("the video is not on the first page of %q", viewer.Name)
}

// testLife is two people's first day: each step is seen at once, by both and by a visitor.
func testLife(t *testing.T, d *harness.Deployment) {
	anna, ben, visitor := d.NewUser(t), d.NewUser(t), d.Visitor()
	requireCounters(t, anna, anna.ID, counters{})

	v := anna.Publish(t, "my first video")
	if v.Author.ID != anna.ID || v.Author.WorkCount != 1 {
		t.Errorf("published by %+v", v.Author)
	}
	for _, u := range []*harness.User{anna, ben, visitor} {
		requireVideo(t, u, v.ID, 0, 0, false)
	}
	for _, link := range []string{v.PlayURL, v.CoverURL, v.Author.Avatar, v.Author.BackgroundImage} {
		if a := d.Raw(t, harness.Request{Method: http.MethodGet, Path: d.Below(t, link)}); a.Status != http.StatusOK || len(a.Raw) == 0 {
			t.Errorf("%s: HTTP status %d, %d bytes", link, a.Status, len(a.Raw))
		}
	}

	ben.Like(t, v.ID)
	requireVideo(t, ben, v.ID, 1, 0, true)
	requireVideo(t, anna, v.ID, 1, 0, false)
	requireVideo(t, visitor, v.ID, 1, 0, false)
	requireCounters(t, ben, anna.ID, counters{favorited: 1, works: 1})
	requireCounters(t, anna, ben.ID, counters{favorites: 1})
	if liked := anna.Favorites(t, ben.ID); len(liked) != 1 || liked[0].ID != v.ID || liked[0].IsFavorite {
		t.Errorf("anna sees ben's likes as %+v", liked)
	}
	if liked := ben.Favorites(t, ben.ID); len(liked) != 1 || !liked[0].IsFavorite {
		t.Errorf("ben sees his likes as %+v", liked)
	}
	ben.Unlike(t, v.ID)
	requireVideo(t, ben, v.ID, 0, 0, false)
	requireCounters(t, visitor, anna.ID, counters{works: 1})
	ben.Like(t, v.ID)

	first := ben.Comment(t, v.ID, "nice 👍")
	anna.Comment(t, v.ID, "谢谢")
	requireVideo(t, visitor, v.ID, 1, 2, false)
	if list := visitor.Comments(t, v.ID); len(list) != 2 || list[0].Content != "谢谢" || list[1].ID != first.ID || list[1].User.ID != ben.ID {
		t.Errorf("comments %+v", list)
	}
	anna.Post(t, harness.PathComment, "video_id", v.ID, "action_type", 2, "comment_id", first.ID).Fails(t, errno.Forbidden)
	ben.DeleteComment(t, v.ID, first.ID)
	ben.Post(t, harness.PathComment, "video_id", v.ID, "action_type", 2, "comment_id", first.ID).Fails(t, errno.CommentNotFound)
	requireVideo(t, anna, v.ID, 1, 1, false)

	ben.Follow(t, anna.ID)
	requireCounters(t, ben, anna.ID, counters{followers: 1, favorited: 1, works: 1, isFollow: true})
	requireCounters(t, visitor, anna.ID, counters{followers: 1, favorited: 1, works: 1})
	requireCounters(t, anna, ben.ID, counters{follow: 1, favorites: 1})
	if fans := anna.Followers(t, anna.ID); len(fans) != 1 || fans[0].ID != ben.ID || fans[0].IsFollow {
		t.Errorf("anna's followers %+v", fans)
	}
	if got := ben.Following(t, ben.ID); len(got) != 1 || got[0].ID != anna.ID || !got[0].IsFollow {
		t.Errorf("ben follows %+v", got)
	}
	if got := ben.Friends(t); len(got) != 0 {
		t.Errorf("friends without being followed back: %+v", got)
	}
	anna.Follow(t, ben.ID)
	if got := anna.Friends(t); len(got) != 1 || got[0].ID != ben.ID || !got[0].IsFollow || got[0].Message != "" {
		t.Errorf("anna's friends %+v", got)
	}

	anna.Send(t, ben.ID, "hello")
	ben.Send(t, anna.ID, "hi anna")
	all := anna.Chat(t, ben.ID, 0)
	if len(all) != 2 || all[0].Content != "hello" || all[1].FromUserID != ben.ID || all[1].ToUserID != anna.ID {
		t.Fatalf("chat %+v", all)
	}
	if got := anna.Chat(t, ben.ID, all[0].Time(t)); len(got) != 1 || got[0].Content != "hi anna" {
		t.Errorf("a poll of anna's gets %+v", got)
	}
	if got := ben.Chat(t, anna.ID, all[0].Time(t)); len(got) != 0 {
		t.Errorf("ben gets his own message again: %+v", got)
	}
	if f := anna.Friends(t); len(f) != 1 || f[0].Message != "hi anna" || f[0].MsgType != 0 {
		t.Errorf("anna's friends %+v", f)
	}
	if f := ben.Friends(t); len(f) != 1 || f[0].Message != "hi anna" || f[0].MsgType != 1 {
		t.Errorf("ben's friends %+v", f)
	}

	ben.Unfollow(t, anna.ID)
	requireCounters(t, ben, anna.ID, counters{follow: 1, favorited: 1, works: 1})
	if f := anna.Friends(t); len(f) != 0 {
		t.Errorf("friends after being left: %+v", f)
	}
}

// testRestart stops everything gracefully and starts it again: nobody has to log in anew, nothing is lost.
func testRestart(t *testing.T, d *harness.Deployment) {
	anna, ben := d.NewUser(t), d.NewUser(t)
	v := anna.Publish(t, "before the restart")
	ben.Like(t, v.ID)
	ben.Comment(t, v.ID, "still there?")
	ben.Follow(t, anna.ID)
	anna.Send(t, ben.ID, "remember me")
	d.Restart(t)
	requireVideo(t, ben, v.ID, 1, 1, true)
	requireCounters(t, ben, anna.ID, counters{followers: 1, favorited: 1, works: 1, isFollow: true})
	if got := ben.Chat(t, anna.ID, 0); len(got) != 1 || got[0].Content != "remember me" {
		t.Errorf("chat after the restart: %+v", got)
	}
	if again := d.Login(t, anna.Name, anna.Password); again.ID != anna.ID {
		t.Errorf("anna has become %d", again.ID)
	}
	a := d.Raw(t, harness.Request{Method: http.MethodGet, Path: d.Below(t, anna.Published(t, anna.ID)[0].PlayURL)})
	if a.Status != http.StatusOK {
		t.Errorf("the video after the restart: HTTP status %d", a.Status)
	}
	if w := ben.Publish(t, "after the restart"); w.ID <= v.ID {
		t.Errorf("id %d after the restart is not above %d", w.ID, v.ID)
	}
	d.Audit(t)
}

// testLogs looks for what must not be there, in what all the scenarios have left.
func testLogs(t *testing.T, d *harness.Deployment) {
	u := d.NewUser(t)
	u.Send(t, d.NewUser(t).ID, "a private message")
	u.Profile(t, 0)
	logs := d.Logs(t)
	if !strings.Contains(logs, "request_id=") {
		t.Error("no request is logged")
	}
	for _, secret := range []string{u.Token, u.Password, "a private message", "token="} {
		if strings.Contains(logs, secret) {
			t.Errorf("the logs hold %q", secret)
		}
	}
	for _, line := range strings.Split(logs, "\n") {
		if strings.Contains(line, "level=ERROR") {
			t.Errorf("logged: %s", line)
		}
	}
}
