package gateway_test

import (
	"os"
	"path/filepath"
	"testing"

	"tiktok/cmd/api/gateway"
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
