package gateway_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tiktok/cmd/api/gateway"
	"tiktok/pkg/blob"
	"tiktok/pkg/errno"
	"tiktok/pkg/ostest"
	"tiktok/pkg/workdir"
)

// A folder without room for the copy that ffprobe reads is no fault of ours, and none of the user's.
func TestWorkDirFull(t *testing.T) {
	disk := ostest.SmallDisk(t, "8k")
	work, err := workdir.Open(disk, "gateway-")
	if err != nil {
		t.Fatal(err)
	}
	var got published
	e := start(t, got.fakes(), withFFmpeg(t), func(d *gateway.Deps) { d.Blobs, d.Work = remote{d.Blobs}, work })
	wantCode(t, e.upload(fixture(t, "clip.avi")), errno.Unavailable.Code)
	if left, err := filepath.Glob(filepath.Join(work.Path(), "*")); err != nil || len(left) > 0 || len(e.stored()) > 0 || len(got.take()) > 0 {
		t.Errorf("left: %q, %q", left, e.stored())
	}
	if err := os.WriteFile(filepath.Join(disk, "filler"), make([]byte, 64<<10), 0o600); err == nil {
		t.Fatal("the disk has room")
	}
	wantCode(t, e.upload(fixture(t, "clip.avi")), errno.Unavailable.Code)
}

// Below the reserve of the disk uploads are refused in words, at their beginning and on their way, and everything else goes on.
func TestUploadsLeaveAReserve(t *testing.T) {
	dir := ostest.SmallDisk(t, "100m")
	var got published
	e := start(t, got.fakes(), func(d *gateway.Deps) {
		store, err := blob.Open(t.Context(), blob.Config{Driver: blob.DriverLocal, Dir: dir, ReserveBytes: 1 << 30})
		if err != nil {
			t.Fatal(err)
		}
		d.Blobs = store
	})
	e.blobs, _ = blob.Open(t.Context(), blob.Config{Driver: blob.DriverLocal, Dir: dir})
	refused := func(a answer, when string) {
		t.Helper()
		wantCode(t, a, errno.Unavailable.Code)
		if !strings.Contains(string(a.body), "no room for uploads now") {
			t.Errorf("%s: answered %s", when, a.body)
		}
	}
	ready := func(want string, metric string) {
		t.Helper()
		waitFor(t, "readyz to say "+want, func() bool { // a report is a second old at most
			a := e.get("/readyz")
			return a.StatusCode == 200 && a.json["media_space"] == want
		})
		if a := e.get("/metrics"); !strings.Contains(string(a.body), "tiktok_media_space_low "+metric) {
			t.Errorf("the metric is not %s", metric)
		}
	}
	mp4 := clip(t)
	wantCode(t, e.uploadOf(t, mp4, 0), 0)
	ready("ok", "0")
	reqs, before := got.take(), len(e.stored())
	refused(e.uploadOf(t, mp4, 110<<20), "in the middle")
	if n := len(e.stored()); n != before {
		t.Errorf("%d files are left", n-before)
	}
	if err := os.WriteFile(filepath.Join(dir, "filler"), make([]byte, 96<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	ready("low", "1")
	refused(e.uploadOf(t, mp4, 0), "at the beginning")
	if a := e.get("/media/" + reqs[0].PlayKey); a.StatusCode != 200 || len(a.body) != len(mp4) {
		t.Errorf("the video is served as %d with %d bytes", a.StatusCode, len(a.body))
	}
	if err := os.Remove(filepath.Join(dir, "filler")); err != nil {
		t.Fatal(err)
	}
	wantCode(t, e.uploadOf(t, mp4, 0), 0)
}
