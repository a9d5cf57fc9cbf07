package contract_test

import (
	"fmt"
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"tiktok/pkg/errno"
	"tiktok/test/harness"
)

// followTime bounds what follows a deletion or an upload, on a busy machine: the interaction service remembers a video for
// 10 seconds, and a transcode of a second of video takes a few.
const followTime = 60 * time.Second

func waitFor(t *testing.T, what string, ok func() bool) {
	t.Helper()
	harness.Eventually(t, followTime, func() error {
		if !ok() {
			return fmt.Errorf("waited in vain for %s", what)
		}
		return nil
	})
}

// testDelete: a deleted video is in no list any more when the answer comes. What is counted, what lies in the store and
// what an instance remembers of it follow.
func testDelete(t *testing.T, d *harness.Deployment) {
	w := newWorld(t, d)
	stays := w.bob.Publish(t, "stays, by "+w.bob.Name)
	w.ann.Like(t, stays.ID)
	before := w.state(t)
	del := func(u *harness.User, id any) harness.Answer {
		return u.Post(t, harness.PathPublishDelete, "video_id", id)
	}
	del(w.eve, w.video.ID).Fails(t, errno.Forbidden)
	del(w.bob, 1).Fails(t, errno.VideoNotFound)
	for _, id := range []any{"", "x", 0, -1, "1e400"} {
		del(w.bob, id).Fails(t, errno.InvalidArgument)
	}
	del(d.Visitor(), w.video.ID).Fails(t, errno.Unauthenticated)
	if after := w.state(t); after != before {
		t.Fatalf("a refused deletion has changed something:\n%s", diff(before, after))
	}
	r := harness.Form(post, strings.TrimSuffix(harness.PathPublishDelete, "/"), harness.Params("token", w.bob.Token, "video_id", w.video.ID))
	requireShape(t, enveloped(object{}), d.Do(t, r).OK(t).Body, true)

	gone := func(where string, list []harness.Video) {
		t.Helper()
		if slices.ContainsFunc(list, func(v harness.Video) bool { return v.ID == w.video.ID }) {
			t.Errorf("the deleted video is still in %s", where)
		}
	}
	gone("the feed", d.Visitor().Feed(t, 0).Videos)
	gone("the author's list", d.Visitor().Published(t, w.bob.ID))
	gone("the author's own list", w.bob.Published(t, w.bob.ID))
	gone("the list of likes", w.ann.Favorites(t, w.ann.ID))
	if n := d.Visitor().Profile(t, w.bob.ID).WorkCount; n != 1 {
		t.Errorf("work_count %d, want 1", n)
	}
	requireShape(t, enveloped(object{}), del(w.bob, w.video.ID).Fails(t, errno.VideoNotFound).Body, true)
	del(w.eve, w.video.ID).Fails(t, errno.VideoNotFound)

	// What follows. The interaction service may know the video for 10 seconds more; what it takes for it then is dropped.
	code := func(u *harness.User, method, path string, pairs ...any) int32 {
		q := harness.Params(append(pairs, "video_id", w.video.ID, "token", u.Token)...)
		return d.Call(t, method, path, q, nil).Code
	}
	waitFor(t, "likes of it to be refused", func() bool {
		return code(w.eve, post, harness.PathFavorite, "action_type", 1) == errno.VideoNotFound.Code
	})
	waitFor(t, "comments on it to be refused", func() bool {
		return code(w.eve, post, harness.PathComment, "action_type", 1, "comment_text", "too late") == errno.VideoNotFound.Code
	})
	waitFor(t, "its comments to be gone", func() bool {
		return code(w.ann, get, harness.PathCommentList) == errno.VideoNotFound.Code
	})
	waitFor(t, "the counters to follow", func() bool {
		return d.Visitor().Profile(t, w.bob.ID).TotalFavorited == 1 && d.Visitor().Profile(t, w.ann.ID).FavoriteCount == 1 &&
			d.Visitor().Profile(t, w.eve.ID).FavoriteCount == 0
	})
	waitFor(t, "the files to be gone", func() bool {
		play := d.Raw(t, harness.Request{Method: get, Path: d.Below(t, w.video.PlayURL)})
		cover := d.Raw(t, harness.Request{Method: get, Path: d.Below(t, w.video.CoverURL)})
		return play.Status == http.StatusNotFound && cover.Status == http.StatusNotFound
	})
	if a := d.Raw(t, harness.Request{Method: get, Path: d.Below(t, stays.PlayURL)}); a.Status != http.StatusOK {
		t.Errorf("the other video answers HTTP %d", a.Status)
	}
}

// testTranscode: what phones do not play is listed when it has been made playable, and until then only its author knows.
func testTranscode(t *testing.T, doc *document) {
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		t.Skip("no ffmpeg")
	}
	d := harness.AllInOne(t, harness.Set("media.ffmpeg", ""), harness.Observe(doc.check))
	u := d.NewUser(t)
	u.TryPublish(t, "from a browser", harness.File{Name: "v.webm", Data: harness.TestData(t, "vp8.webm")}).OK(t)
	u.TryPublish(t, "hevc", harness.File{Name: "v.mp4", Data: harness.TestData(t, "hevc.mp4")}).OK(t)
	listed, waiting := u.Works(t, u.ID)
	if len(listed)+len(waiting) != 2 {
		t.Fatalf("%d listed and %d waiting, want 2 in all", len(listed), len(waiting))
	}
	for _, p := range waiting {
		if p.ID <= 0 || p.State != "processing" || p.UploadedAt <= 0 || p.Reason != "" || p.Title == "" {
			t.Errorf("an upload that waits: %+v", p)
		}
	}
	if _, others := d.Visitor().Works(t, u.ID); len(others) > 0 {
		t.Errorf("a visitor sees %+v", others)
	}
	waitFor(t, "both to be listed", func() bool {
		listed, waiting = u.Works(t, u.ID)
		if len(listed)+len(waiting) != 2 {
			t.Errorf("%d listed and %d waiting, want 2 in all", len(listed), len(waiting))
		}
		return len(listed) == 2
	})
	requireShape(t, enveloped(object{"video_list": listOf{ownVideoShape()}, "processing_list": leaf(nothing)}),
		u.Get(t, harness.PathPublishList).OK(t).Body, true)
	for _, v := range listed {
		requireFaststart(t, d.Raw(t, harness.Request{Method: get, Path: d.Below(t, v.PlayURL)}))
	}
	waitFor(t, "the uploaded files to be gone", func() bool {
		return !slices.ContainsFunc(stored(t, d), func(path string) bool { return strings.Contains(path, "/sources/") })
	})
	u.TryPublish(t, "not wanted", harness.File{Name: "v.webm", Data: harness.TestData(t, "vp8.webm")}).OK(t)
	listed, waiting = u.Works(t, u.ID)
	for _, p := range waiting {
		u.DeleteVideo(t, p.ID)
	}
	for _, v := range listed {
		u.DeleteVideo(t, v.ID)
	}
	waitFor(t, "everything to be gone", func() bool {
		listed, waiting = u.Works(t, u.ID)
		return len(listed)+len(waiting) == 0 && len(stored(t, d)) == 0
	})
	d.Audit(t)
}

// requireFaststart fails the test when an answer is no mp4 file that begins with its description.
func requireFaststart(t *testing.T, a harness.Answer) {
	t.Helper()
	moov, mdat := strings.Index(string(a.Raw), "moov"), strings.Index(string(a.Raw), "mdat")
	if a.Status != http.StatusOK || a.Header.Get("Content-Type") != "video/mp4" || moov < 0 || mdat < moov {
		t.Errorf(
			"HTTP %d %s, moov at %d, mdat at %d: not an mp4 file that plays while it is loaded",
			a.Status,
			a.Header.Get("Content-Type"),
			moov,
			mdat,
		)
	}
}
