package e2e_test

import (
	"fmt"
	"strings"
	"testing"

	"tiktok/test/harness"
)

// TestMediaProcess: with media.separate a process of its own, which knows no etcd, makes an upload playable, improves others and
// removes what is deleted; the video service does nothing of it.
func TestMediaProcess(t *testing.T) {
	if testing.Short() {
		t.Skip("starts nine processes")
	}
	d := harness.Distributed(t, harness.WithoutLimits(), harness.NeedFFmpeg(t), harness.Set("media.separate", "true"))
	u := d.NewUser(t)
	u.TryPublish(t, "transcoded", harness.File{Data: harness.TestData(t, "vp8.webm")}).OK(t)
	u.TryPublish(t, "plays", harness.File{Data: harness.TestData(t, "tiny.mp4")}).OK(t)
	if videos, waiting := u.Works(t, u.ID); len(videos) != 1 || len(waiting) != 1 {
		t.Fatalf("%d are listed, %d wait for a process that does the work", len(videos), len(waiting))
	}
	media := d.AddMedia(t)
	var listed []harness.Video
	harness.Eventually(t, workTakes, func() error {
		videos, waiting := u.Works(t, u.ID)
		if len(videos) != 2 || len(waiting) > 0 {
			return fmt.Errorf("%d listed, waiting: %+v", len(videos), waiting)
		}
		for _, v := range videos {
			if v.State != "ready" || v.HLSURL == "" {
				return fmt.Errorf("%q is %s", v.Title, v.State)
			}
		}
		listed = videos
		return nil
	})
	for _, v := range listed {
		d.Plays(t, v)
		u.DeleteVideo(t, v.ID)
	}
	harness.Eventually(t, workTakes, func() error {
		if left := d.Objects(t); len(left) > 0 {
			return fmt.Errorf("everything is deleted, and the store holds %d objects", len(left))
		}
		return nil
	})
	for labels, n := range d.CounterOf(t, "video", "tiktok_media_jobs_total") {
		if n != 0 {
			t.Errorf("the video service has done %v of %s", n, labels)
		}
	}
	done := 0.0
	for labels, n := range d.CounterOf(t, media, "tiktok_media_jobs_total") {
		if strings.Contains(labels, `kind="transcode"`) && strings.Contains(labels, `result="done"`) {
			done += n
		}
	}
	if done != 1 {
		t.Errorf("%s has transcoded %v videos", media, done)
	}
	d.Audit(t)
}
