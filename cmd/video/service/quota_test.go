package service_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tiktok/cmd/video/dal/db"
	"tiktok/cmd/video/service"
	"tiktok/kitex_gen/video"
	"tiktok/pkg/errno"
	"tiktok/pkg/sqldb"
	"tiktok/pkg/sqldb/sqldbtest"
)

// clock is a time that tests move.
type clock struct{ ms atomic.Int64 }

func (c *clock) now() time.Time { return time.UnixMilli(c.ms.Load()) }

func (c *clock) add(d time.Duration) { c.ms.Add(d.Milliseconds()) }

func newClock() *clock {
	c := &clock{}
	c.ms.Store(1_700_000_000_000)
	return c
}

// wantQuota checks what an upload of so many bytes is told before it is received and when it is published.
func (f *fixture) wantQuota(t *testing.T, author, bytes int64, text string) {
	t.Helper()
	_, checked := f.CheckUpload(t.Context(), &video.CheckUploadRequest{AuthorId: author, SizeBytes: bytes})
	req := request(author, "too much")
	req.SizeBytes = bytes
	_, published := f.Publish(t.Context(), req)
	for _, err := range []error{checked, published} {
		if !errors.Is(errno.From(err), errno.QuotaExceeded) || !strings.Contains(err.Error(), text) {
			t.Errorf("%d bytes: %v, want a quota of %q", bytes, err, text)
		}
	}
}

func (f *fixture) wantSound(t *testing.T) {
	t.Helper()
	if n, err := f.store.Audit(t.Context(), t.Errorf); n != 0 || err != nil {
		t.Errorf("%d counters are wrong, %v", n, err)
	}
}

// An author's quota is exact when many publish at once, and deleting gives it back.
func TestQuota(t *testing.T) {
	sqldbtest.Each(t, "video", db.Migrations(), func(t *testing.T, sql *sqldb.DB) {
		f := on(t, sql, nil, func(d *service.Deps) { d.Quota = db.Quota{Bytes: 10 << 20} })
		var wg sync.WaitGroup
		var taken, refused atomic.Int64
		ids := make(chan int64, 100)
		for i := range 24 {
			wg.Go(func() {
				r, err := f.Publish(t.Context(), request(7, fmt.Sprint(i))) // 1 MiB each
				switch {
				case err == nil:
					taken.Add(1)
					ids <- r.Video.Id
				case errors.Is(errno.From(err), errno.QuotaExceeded):
					refused.Add(1)
				default:
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if taken.Load() != 10 || refused.Load() != 14 {
			t.Errorf("%d taken, %d refused", taken.Load(), refused.Load())
		}
		f.wantSound(t)
		f.wantQuota(t, 7, 1, "no room")
		f.publish(t, 8, "another author's")
		id := <-ids
		for range 2 { // the second changes nothing
			_, err := f.DeleteVideo(t.Context(), &video.DeleteVideoRequest{AuthorId: 7, VideoId: id})
			if err != nil && !errors.Is(errno.From(err), errno.VideoNotFound) {
				t.Fatal(err)
			}
		}
		f.wantSound(t)
		f.wantQuota(t, 7, 1<<20+1, "no room")
		f.publish(t, 7, "in its place")
		f.wantQuota(t, 7, 1, "no room")
		f.wantSound(t)
	})
}

// What was uploaded in a day counts after it was deleted, and runs out little by little.
func TestDailyQuota(t *testing.T) {
	sqldbtest.Each(t, "video", db.Migrations(), func(t *testing.T, sql *sqldb.DB) {
		c := newClock()
		f := on(t, sql, c.now, func(d *service.Deps) { d.Quota = db.Quota{DailyBytes: 4 << 20} })
		for i := range 4 {
			v := f.publish(t, 7, fmt.Sprint(i))
			if _, err := f.DeleteVideo(t.Context(), &video.DeleteVideoRequest{AuthorId: 7, VideoId: v.Id}); err != nil {
				t.Fatal(err)
			}
		}
		f.wantQuota(t, 7, 1, "for one day")
		c.add(6*time.Hour + time.Second) // a quarter of it
		f.publish(t, 7, "after six hours")
		f.wantQuota(t, 7, 1<<20, "for one day")
		c.add(24*time.Hour + time.Second)
		f.wantQuota(t, 7, 4<<20+1, "for one day")
		for i := range 4 {
			f.publish(t, 7, fmt.Sprint("a day later ", i))
		}
		c.add(-time.Hour) // a clock that is set back gives nothing
		f.wantQuota(t, 7, 1, "for one day")
		f.wantSound(t)
	})
}

// The same file with the same title, sent again by the same author because the answer was lost, is one video, also when
// both come at once; anything else is another one.
func TestRepeatedUpload(t *testing.T) {
	sqldbtest.Each(t, "video", db.Migrations(), func(t *testing.T, sql *sqldb.DB) {
		c := newClock()
		f := on(t, sql, c.now, func(d *service.Deps) { d.RetryWindow = 10 * time.Minute })
		publish := func(author int64, title, digest, key string) *video.PublishResponse {
			t.Helper()
			req := request(author, title)
			req.Digest, req.PlayKey = digest, key
			r, err := f.Publish(t.Context(), req)
			if err != nil {
				t.Fatal(err)
			}
			return r
		}
		var wg sync.WaitGroup
		var first atomic.Int64
		answers := make(chan *video.PublishResponse, 8)
		for i := range cap(answers) {
			wg.Go(func() { answers <- publish(7, "t", "abc", fmt.Sprintf("videos/%d.mp4", i)) })
		}
		wg.Wait()
		close(answers)
		seen := map[int64]bool{}
		for r := range answers {
			seen[r.Video.Id] = true
			if !r.Listed || r.Video.PublishedAtMs == 0 {
				t.Errorf("answered %v", r)
			}
			if !r.Repeated {
				first.Store(r.Video.Id)
			}
		}
		if len(seen) != 1 || !seen[first.Load()] {
			t.Errorf("published %v, first %d", seen, first.Load())
		}
		for name, r := range map[string]*video.PublishResponse{
			"another author": publish(8, "t", "abc", "videos/a.mp4"), "title": publish(7, "u", "abc", "videos/b.mp4"),
			"file": publish(7, "t", "abd", "videos/c.mp4"), "no digest": publish(7, "t", "", "videos/d.mp4"),
		} {
			if r.Repeated {
				t.Errorf("another %s is taken for a repetition", name)
			}
		}
		if publish(7, "t", "", "videos/e.mp4").Repeated {
			t.Error("files that are not known are taken for the same")
		}
		if _, err := f.DeleteVideo(t.Context(), &video.DeleteVideoRequest{AuthorId: 7, VideoId: first.Load()}); err != nil {
			t.Fatal(err)
		}
		if publish(7, "t", "abc", "videos/f.mp4").Repeated {
			t.Error("a deleted video is taken for the answer")
		}
		c.add(11 * time.Minute)
		if publish(7, "t", "abc", "videos/g.mp4").Repeated {
			t.Error("a repetition after a long time")
		}
		f.wantSound(t)
	})
}
