package e2e_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"testing"

	api "tiktok/cmd/api/biz/model/v1"
	"tiktok/test/harness"
)

// testNotices does everything that others are told of, and takes much of it back, at once; afterwards the notices are exactly what they
// are made of, and what their users see agrees.
func testNotices(t *testing.T, d *harness.Deployment) {
	people := d.People(t, 10)
	author := people[0]
	videos := make([]harness.Video, 4)
	for i := range videos {
		videos[i] = author.Publish(t, fmt.Sprint("told ", i, " @", people[1].Name))
	}
	var mu sync.Mutex
	var written []api.Comment // guarded by mu
	pick := func(n int) (c api.Comment, ok bool) {
		mu.Lock()
		defer mu.Unlock()
		if len(written) == 0 {
			return c, false
		}
		return written[n%len(written)], true
	}
	write := func(u *harness.User, video int64, text string, replyTo int64) {
		r := harness.Request{
			Method: http.MethodPost, Path: fmt.Sprintf("/api/v1/videos/%d/comments", video), ContentType: "application/json",
			Body:   fmt.Appendf(nil, `{"content":%q,"reply_to_id":%d}`, text, replyTo),
			Header: http.Header{"Authorization": {"Bearer " + u.Token}},
		}
		if replyTo == 0 {
			r.Body = fmt.Appendf(nil, `{"content":%q}`, text)
		}
		a := d.Raw(t, r)
		if a.Status == http.StatusNotFound && replyTo != 0 { // deleted a moment ago
			return
		}
		if a.Status != http.StatusCreated {
			t.Errorf("comment: %d %s", a.Status, a.Raw)
			return
		}
		var c api.Comment
		if err := json.Unmarshal(a.Raw, &c); err != nil {
			t.Errorf("comment: %v in %s", err, a.Raw)
		}
		mu.Lock()
		defer mu.Unlock()
		written = append(written, c)
	}
	harness.Parallel(t, len(people), func(tb testing.TB, i int) {
		u := people[i]
		for n := range 24 {
			v := videos[(i+n/3)%3] // the last one is deleted in the end
			other := people[(i+n+1)%len(people)]
			switch (i + n) % 8 {
			case 0:
				u.Like(tb, v.ID)
				u.Like(tb, videos[3].ID)
			case 1:
				u.Unlike(tb, v.ID)
			case 2:
				write(u, v.ID, fmt.Sprint("look @", other.Name, " and @", people[2].Name), 0)
				u.Comment(tb, videos[3].ID, "gone soon")
			case 3, 4:
				if c, ok := pick(i + n); ok {
					write(u, c.VideoID, "yes @"+people[3].Name, c.ID)
				}
			case 5:
				if c, ok := pick(3 * n); ok { // 404: deleted a moment ago
					d.Raw(tb, harness.Request{
						Method: http.MethodPut, Path: fmt.Sprintf("/api/v1/videos/%d/comments/%d/like", c.VideoID, c.ID),
						Header: http.Header{"Authorization": {"Bearer " + u.Token}},
					})
				}
			case 6:
				if other == u {
					continue
				}
				if u.Follow(tb, other.ID); n%3 == 0 {
					u.Unfollow(tb, other.ID)
				}
			case 7:
				if c, ok := pick(n); ok && c.Author.ID == u.ID {
					u.Post(tb, harness.PathComment, "video_id", c.VideoID, "action_type", 2, "comment_id", c.ID) // or gone with its thread
				}
			}
		}
	})
	author.DeleteVideo(t, videos[3].ID)
	d.Audit(t)
	agree(t, d, author, videos)
}

// agree compares what the author is told of with the counters of the videos, and reads it all.
func agree(t *testing.T, d *harness.Deployment, author *harness.User, videos []harness.Video) {
	t.Helper()
	var page api.NoticePage
	read(t, v1(t, d, author, http.MethodGet, "/notices?limit=100", "", 200), &page)
	likes, comments := map[int64]int64{}, map[int64]int64{}
	for _, n := range page.Items {
		switch n.Kind {
		case "like":
			likes[n.Video.ID] = n.Count
		case "comment":
			comments[n.Video.ID] = n.Count
		}
	}
	own := map[int64]bool{}
	for _, v := range author.Favorites(t, author.ID) {
		own[v.ID] = true
	}
	for _, v := range author.Published(t, author.ID) {
		want := v.FavoriteCount
		if own[v.ID] {
			want--
		}
		if likes[v.ID] != want {
			t.Errorf("video %d: a notice of %d likes, want %d", v.ID, likes[v.ID], want)
		}
	}
	gone := videos[len(videos)-1].ID
	if likes[gone] != 0 || comments[gone] != 0 || len(comments) == 0 {
		t.Errorf("comments %v; of the deleted video %d likes and %d comments", comments, likes[gone], comments[gone])
	}
	var me api.Me
	read(t, v1(t, d, author, http.MethodGet, "/me", "", 200), &me)
	if me.UnreadNotices == 0 {
		t.Error("nothing is unread")
	}
	v1(t, d, author, http.MethodPut, "/notices/read", fmt.Sprintf(`{"until":%q}`, page.Items[0].At), 204)
	read(t, v1(t, d, author, http.MethodGet, "/me", "", 200), &me)
	if me.UnreadNotices != 0 {
		t.Errorf("%d notices are unread after all were read", me.UnreadNotices)
	}
}
