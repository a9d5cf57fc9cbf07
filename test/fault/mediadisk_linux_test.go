package fault_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tiktok/pkg/errno"
	"tiktok/pkg/ostest"
	"tiktok/test/harness"
)

// TestMediaDiskFull fills the disk of the media, not that of the databases: what does not fit is refused as "busy",
// leaves nothing, and is taken when there is room again, without a restart.
func TestMediaDiskFull(t *testing.T) {
	guard(t)
	disk := ostest.SmallDisk(t, "24m")
	d := harness.AllInOneProcess(t, append(mediaOptions(t),
		harness.Set("blob.dir", filepath.Join(disk, "media")), harness.Set("media.work_dir", filepath.Join(disk, "work")))...)
	t.Run("the disk of the media is full", func(t *testing.T) {
		l := newLibrary(t, d)
		ctx := t.Context()
		l.publish(ctx, t, "before", harness.TestData(t, "tiny.mp4"))
		before := l.settled(t)
		objects := len(d.Objects(t))

		// It fits, but not twice: faststart has no room.
		busy(ctx, t, l, "no room to rewrite", harness.MoovLast(t, 14<<20))
		// It does not fit at all.
		busy(ctx, t, l, "no room", harness.MoovLast(t, 30<<20))
		harness.Eventually(t, mediaSoon(), func() error {
			if n := len(d.Objects(t)); n != objects {
				return fmt.Errorf("refused uploads have left something: %q", d.Objects(t))
			}
			return nil
		})

		// There is no room at all, and what is listed plays.
		filler := filepath.Join(disk, "filler")
		fill(t, filler)
		busy(ctx, t, l, "full", harness.TestData(t, "tiny.mp4"))
		for _, v := range before {
			d.Plays(t, v)
		}
		if err := os.Remove(filler); err != nil {
			t.Fatal(err)
		}

		// Room for an upload, none for what is made of it: that is made later.
		l.publish(ctx, t, "after", harness.TestData(t, "tiny.mp4"))
		fill(t, filler)
		harness.Eventually(t, mediaSoon(), func() error {
			for labels, n := range d.Counter(t, "tiktok_media_jobs_total") {
				kind, failed := strings.CutSuffix(strings.TrimPrefix(labels, `{kind="`), `",result="failed"}`)
				if n > 0 && failed && (kind == "hls" || kind == "preview" || kind == "prepare") {
					return nil
				}
			}
			return errors.New("no work has failed")
		})
		if err := os.Remove(filler); err != nil {
			t.Fatal(err)
		}
		l.publish(ctx, t, "healed", harness.TestData(t, "moov-last.mp4"))
		l.verify(t)
	})
}

// busy uploads what must be refused for lack of room.
func busy(ctx context.Context, t *testing.T, l *library, title string, data []byte) {
	t.Helper()
	if code := l.publish(ctx, t, title, data); code != errno.Unavailable.Code {
		t.Errorf("%s: answered %d, want %d; all answers: %v", title, code, errno.Unavailable.Code, l.codes)
	}
}
