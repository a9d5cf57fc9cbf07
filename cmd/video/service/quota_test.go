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
