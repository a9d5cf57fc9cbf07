package media

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"tiktok/pkg/ostest"
)

// On a disk that gets full, at whatever moment, everything is an error that is no fault of the video.
func TestDiskGetsFull(t *testing.T) {
	tools := needFFmpeg(t)
	disk := ostest.SmallDisk(t, "1m")
	in := filepath.Join("testdata", "clip.avi")
	info, err := tools.Probe(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	for _, room := range []int{0, 4, 8, 16} { // KiB
		filler := filepath.Join(disk, "filler")
		if err := os.WriteFile(filler, make([]byte, (1024-8-room)<<10), 0o600); err != nil { // two pages for two folders
			t.Fatal(err)
		}
		dir := filepath.Join(disk, "work")
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		_, transcode := tools.MakePlayable(t.Context(), in, filepath.Join(dir, "out.mp4"), info, nil)
		preview := tools.Preview(t.Context(), in, filepath.Join(dir, "p.webp"), info)
		_, ladder := tools.HLS(t.Context(), in, dir, info, nil)
		for what, err := range map[string]error{"transcode": transcode, "preview": preview, "ladder": ladder} {
			if err == nil || Refused(err) != nil {
				t.Errorf("%s with %d KiB: %v", what, room, err)
			}
		}
		if err := errors.Join(os.RemoveAll(dir), os.Remove(filler)); err != nil {
			t.Fatal(err)
		}
	}
}
