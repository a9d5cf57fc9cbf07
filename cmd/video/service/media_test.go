package service_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tiktok/cmd/video/dal/db"
	"tiktok/cmd/video/service"
	"tiktok/kitex_gen/video"
	"tiktok/pkg/errno"
	"tiktok/pkg/media"
)

func TestPlayableIsListedAtOnceAndGetsBetter(t *testing.T) {
	eachLab(t, func(t *testing.T, l *lab) {
		l.auditing()
		r := l.start()
		entered, release := l.tools.hold("hls")
		p := r.upload(1, "clip", drawn)
		v := r.listed(1, p.Video.Id)
		if !p.Listed || v == nil || v.HlsKey != "" || v.PlayKey != "videos/ab/clip.mp4" {
			t.Fatalf("listed %v: %v", p.Listed, v)
		}
		wait(t, "the ladder to begin", entered)
		v = r.listed(1, v.Id)
		if v.PreviewKey == "" || v.CoverKey == "covers/ab/clip.jpg" || v.HlsKey != "" {
			t.Errorf("after cover and preview: %v", v)
		}
		u := r.uploads(1)
		if len(u) != 1 || u[0].State != video.UploadState_PROCESSING || !u[0].Listed || u[0].Title != "clip" || u[0].UploadedAtMs == 0 {
			t.Errorf("the author is shown %v", u)
		}
		release()
		r.done(1)
		if v = r.listed(1, v.Id); v.HlsKey == "" || v.PlayKey != "videos/ab/clip.mp4" {
			t.Errorf("at the end: %v", v)
		}
		// The placeholder stays as long as the video: somebody may still show it.
		if err := l.blobs.Delete(t.Context(), "covers/ab/clip.jpg"); err != nil {
			t.Fatal(err)
		}
		l.checkTidy(v)
		if m := l.row(v.Id); m.State != db.StateReady || m.Progress != 100 || m.Token != "" || m.Lane != db.LaneNone {
			t.Errorf("row: %+v", m)
		}
	})
}

func TestUnplayableIsListedWhenItPlays(t *testing.T) {
	eachLab(t, func(t *testing.T, l *lab) {
		l.auditing()
		r := l.start()
		entered, release := l.tools.hold("transcode")
		p := r.upload(1, "clip", unplayable)
		if p.Listed || p.Video.PublishedAtMs != 0 {
			t.Errorf("listed before it plays: %v", p)
		}
		wait(t, "the transcode to begin", entered)
		if v := r.listed(1, p.Video.Id); v != nil {
			t.Fatalf("listed before it plays: %v", v)
		}
		if u := r.uploads(1); len(u) != 1 || u[0].Listed || u[0].State != video.UploadState_PROCESSING {
			t.Errorf("the author is shown %v", u)
		}
		if u := r.uploads(2); len(u) != 0 {
			t.Errorf("somebody else is shown %v", u)
		}
		later := r.upload(2, "later")
		release()
		r.done(1)
		r.done(2)
		v := r.listed(1, p.Video.Id)
		if v == nil || v.HlsKey == "" || v.PreviewKey == "" || !strings.HasSuffix(v.PlayKey, ".mp4") || v.WidthPx != 720 ||
			v.DurationMs != 4000 ||
			v.SizeBytes != 90 {
			t.Fatalf("at the end: %v", v)
		}
		if v.PublishedAtMs <= later.Video.PublishedAtMs {
			t.Error("published before it was listed")
		}
		eventually(t, "the source to go", func() bool { return !slices.Contains(l.objects(), "sources/ab/clip") })
		if err := l.blobs.Delete(t.Context(), "covers/ab/clip.jpg"); err != nil {
			t.Fatal(err)
		}
		l.checkTidy(v, r.listed(2, later.Video.Id))
	})
}

// A process is killed in the middle of each step, in the tool and between two objects. Another goes on when the lease
// has run out, and after a sweep nothing is left of what the first had begun.
func TestKilledInEachStep(t *testing.T) {
	eachLab(t, func(t *testing.T, l *lab) {
		l.auditing()
		var videos []*video.Video
		for i, step := range []string{"transcode", "cover", "preview", "hls", "transcode-", "cover-", "preview-", "/1.m4s", "/master.m3u8"} {
			first := l.start()
			entered := first.holdStep(step)
			author := int64(i + 1)
			p := first.upload(author, title("clip", i), unplayable)
			wait(t, step, entered)
			first.kill()
			l.tools.hold("none")

			second := l.start(sweeping)
			if m := l.row(p.Video.Id); m.Token == "" || m.Todo == 0 {
				t.Fatalf("%s: the killed process has let go: %+v", step, m)
			}
			second.swept()
			if m := l.row(p.Video.Id); m.Attempts != 1 {
				t.Errorf("%s: taken before the lease has ended: %+v", step, m)
			}
			l.advance(31 * time.Second)
			second.done(author)
			v := second.listed(author, p.Video.Id)
			if v == nil || v.HlsKey == "" || v.PreviewKey == "" {
				t.Fatalf("%s: at the end: %v", step, v)
			}
			if err := l.blobs.Delete(t.Context(), "covers/ab/"+p.Video.Title+".jpg"); err != nil {
				t.Fatal(err)
			}
			videos = append(videos, v)
			l.age()
			second.swept()
			l.checkTidy(videos...)
			second.stop()
		}
		l.tools.check(t)
	})
}

// A process that is asked to stop lets go at once: the next does not wait for the lease.
func TestStopLetsGo(t *testing.T) {
	l := sqliteLab(t)
	first := l.start()
	entered, _ := l.tools.hold("hls")
	p := first.upload(1, "clip")
	wait(t, "the ladder to begin", entered)
	first.stop()
	if m := l.row(p.Video.Id); m.Token != "" || m.Attempts != 0 {
		t.Errorf("row: %+v", m)
	}
	l.start().done(1)
	if n := l.tools.calls["preview videos/ab/clip.mp4"]; n != 1 {
		t.Errorf("the preview was made %d times", n)
	}
}

func TestTwoProcessesNeverWorkOnOneVideo(t *testing.T) {
	const videos = 30
	eachLab(t, func(t *testing.T, l *lab) {
		l.auditing()
		a, b := l.start(), l.start()
		for i := range videos {
			if i%2 == 0 {
				a.upload(1, title("a", i), unplayable)
			} else {
				b.upload(1, title("b", i))
			}
		}
		a.done(1)
		l.tools.check(t)
		l.tools.mu.Lock()
		defer l.tools.mu.Unlock()
		for what, n := range l.tools.calls {
			if n != 1 {
				t.Errorf("%s was done %d times", what, n)
			}
		}
		if len(l.tools.calls) != videos/2*4+videos/2*2 {
			t.Errorf("%d steps were done", len(l.tools.calls))
		}
	})
}

// A process that cannot renew its lease stops before another may take over, whatever its tool is doing.
func TestWhoLosesTheDatabaseStopsInTime(t *testing.T) {
	l := sqliteLab(t)
	short := func(d *service.MediaDeps) { d.Lease = 900 * time.Millisecond }
	a := l.start(short)
	entered, _ := l.tools.hold("hls")
	a.upload(1, "clip")
	wait(t, "the ladder to begin", entered)
	if err := a.sql.Close(); err != nil {
		t.Fatal(err)
	}
	b := l.start(short)
	b.done(1)
	l.tools.check(t)
}

// While a job runs its lease is renewed: nobody takes it over, however long it lasts.
func TestLeaseIsRenewed(t *testing.T) {
	l := sqliteLab(t)
	short := func(d *service.MediaDeps) { d.Lease = 300 * time.Millisecond }
	a := l.start(short)
	entered, release := l.tools.hold("hls")
	p := a.upload(1, "clip")
	wait(t, "the ladder to begin", entered)
	l.start(short)
	first := l.row(p.Video.Id)
	eventually(t, "ten renewals", func() bool { return l.row(p.Video.Id).DueMs > first.DueMs+500 })
	if m := l.row(p.Video.Id); m.Token != first.Token || m.Progress < 40 || m.Progress > 60 {
		t.Errorf("row: %+v, was %+v", m, first)
	}
	release()
	a.done(1)
	if n := l.tools.calls["hls videos/ab/clip.mp4"]; n != 1 {
		t.Errorf("the ladder was made %d times", n)
	}
}

func TestDelete(t *testing.T) {
	eachLab(t, func(t *testing.T, l *lab) {
		l.auditing()
		r := l.start()
		kept := r.upload(1, "kept").Video
		gone := r.upload(1, "gone", drawn).Video
		r.done(1)
		del := func(author, videoID int64) error {
			_, err := r.DeleteVideo(t.Context(), &video.DeleteVideoRequest{AuthorId: author, VideoId: videoID})
			return err
		}
		if err := del(2, gone.Id); !errors.Is(errno.From(err), errno.Forbidden) {
			t.Errorf("another's: %v", err)
		}
		for _, err := range []error{del(0, gone.Id), del(1, 0)} {
			if !errors.Is(errno.From(err), errno.InvalidArgument) {
				t.Errorf("no id: %v", err)
			}
		}
		if err := del(1, gone.Id+1000); !errors.Is(errno.From(err), errno.VideoNotFound) {
			t.Errorf("none: %v", err)
		}
		if r.listed(1, gone.Id) == nil {
			t.Fatal("a refused deletion has deleted")
		}
		if err := del(1, gone.Id); err != nil {
			t.Fatal(err)
		}
		if v := r.listed(1, gone.Id); v != nil {
			t.Errorf("deleted and listed: %v", v)
		}
		for _, author := range []int64{1, 2} {
			if err := del(author, gone.Id); !errors.Is(errno.From(err), errno.VideoNotFound) {
				t.Errorf("the second time, by %d: %v", author, err)
			}
		}
		eventually(t, "the row to go", func() bool { return l.row(gone.Id) == nil })
		if !l.told(gone.Id) || l.told(kept.Id) {
			t.Error("others are told of the wrong videos")
		}
		l.checkTidy(r.listed(1, kept.Id))
	})
}

// A video from before there were rows of work, as another build may still publish it during an upgrade.
func TestDeleteOldVideo(t *testing.T) {
	eachLab(t, func(t *testing.T, l *lab) {
		r := l.start(sweeping)
		v := r.upload(1, "old").Video
		r.done(1)
		for _, s := range []string{"DELETE FROM video_media", "DELETE FROM author_storage", "UPDATE videos SET hls_key = '', preview_key = ''"} {
			if err := l.db.Write.Exec(s).Error; err != nil {
				t.Fatal(err)
			}
		}
		l.age()
		r.swept()
		if keys := l.objects(); !slices.Contains(keys, v.PlayKey) || !slices.Contains(keys, v.CoverKey) {
			t.Errorf("the sweep has taken what is listed: %v", keys)
		}
		if _, err := r.DeleteVideo(t.Context(), &video.DeleteVideoRequest{AuthorId: 2, VideoId: v.Id}); !errors.Is(
			errno.From(err),
			errno.Forbidden,
		) {
			t.Errorf("another's: %v", err)
		}
		if _, err := r.DeleteVideo(t.Context(), &video.DeleteVideoRequest{AuthorId: 1, VideoId: v.Id}); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the row to go", func() bool { return l.row(v.Id) == nil && l.told(v.Id) })
		l.checkTidy()
		l.checkAudit()
	})
}

// A deletion ends the job under way, in this process and in another one, and waits until it has ended.
func TestDeleteDuringAJob(t *testing.T) {
	eachLab(t, func(t *testing.T, l *lab) {
		l.auditing()
		short := func(d *service.MediaDeps) { d.Lease = 600 * time.Millisecond }
		for i, where := range []string{"here", "elsewhere"} {
			for k, step := range []string{"transcode", "hls", "/1.m4s"} {
				author := int64(10*i + k + 1)
				r := l.start(short)
				entered := r.holdStep(step)
				v := r.upload(author, title(where, k), unplayable).Video
				wait(t, step, entered)
				by := r
				if where == "elsewhere" {
					by, _ = l.replica(short) // does not run: it can neither cancel nor carry out
				}
				if _, err := by.DeleteVideo(t.Context(), &video.DeleteVideoRequest{AuthorId: author, VideoId: v.Id}); err != nil {
					t.Fatal(err)
				}
				if r.listed(author, v.Id) != nil || len(r.uploads(author)) != 0 {
					t.Errorf("%s, %s: the author is still shown it", where, step)
				}
				eventually(t, "the row to go", func() bool { return l.row(v.Id) == nil })
				l.checkTidy()
				if !l.told(v.Id) {
					t.Errorf("%s, %s: nobody was told", where, step)
				}
				if r.listed(author, v.Id) != nil {
					t.Errorf("%s, %s: the job has listed it", where, step)
				}
				r.stop()
			}
		}
		l.tools.check(t)
	})
}

// Nobody deletes what another process is still writing: the deletion waits until that has noticed and let go.
func TestDeletionWaitsForTheJob(t *testing.T) {
	l := sqliteLab(t)
	lease := func(d *service.MediaDeps) { d.Lease = 3 * time.Second }
	a := l.start(lease)
	entered, ended := make(chan struct{}), make(chan struct{})
	l.tools.on(func(ctx context.Context, step, _ string) error {
		if step != "hls" {
			return nil
		}
		close(entered)
		<-ctx.Done()
		close(ended)
		return ctx.Err()
	})
	v := a.upload(1, "clip").Video
	wait(t, "the ladder to begin", entered)
	b := l.start(lease)
	if _, err := b.DeleteVideo(t.Context(), &video.DeleteVideoRequest{AuthorId: 1, VideoId: v.Id}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the row to go", func() bool { return l.row(v.Id) == nil })
	select {
	case <-ended:
	default:
		t.Error("the deletion was carried out while the job ran")
	}
	l.checkTidy()
}

func TestFiveFailures(t *testing.T) {
	eachLab(t, func(t *testing.T, l *lab) {
		l.auditing()
		r := l.start(sweeping)
		broken := errors.New("exit status 1: /secret/path")
		l.tools.on(func(_ context.Context, step, _ string) error {
			if step == "transcode" || step == "hls" {
				return broken
			}
			return nil
		})
		listed := r.upload(1, "listed").Video
		unlisted := r.upload(2, "unlisted", unplayable).Video
		failed := func(author int64) *video.Upload {
			var u []*video.Upload
			eventually(t, "the failure", func() bool {
				l.advance(time.Second)
				u = r.uploads(author)
				return len(u) == 1 && u[0].State == video.UploadState_FAILED
			})
			return u[0]
		}
		for author, id := range map[int64]int64{1: listed.Id, 2: unlisted.Id} {
			u := failed(author)
			if u.Reason == "" || strings.Contains(u.Reason, "secret") || u.VideoId != id {
				t.Errorf("the author is shown %v", u)
			}
		}
		if n := l.tools.calls["hls videos/ab/listed.mp4"]; n != 5 {
			t.Errorf("the ladder was tried %d times", n)
		}
		if n := l.tools.calls["transcode sources/ab/unlisted"]; n != 5 {
			t.Errorf("the transcode was tried %d times", n)
		}
		v := r.listed(1, listed.Id)
		if v == nil || v.PlayKey == "" || r.listed(2, unlisted.Id) != nil {
			t.Errorf("listed %v", v)
		}
		l.age()
		r.swept()
		if keys := l.objects(); !slices.Contains(keys, "sources/ab/unlisted") {
			t.Errorf("the source has gone, so the cause can not be mended: %v", keys)
		}
		l.advance(8 * 24 * time.Hour)
		eventually(t, "the upload to be forgotten", func() bool { return l.row(unlisted.Id) == nil })
		if len(r.uploads(1)) != 1 || len(r.uploads(2)) != 0 {
			t.Error("the wrong one was forgotten")
		}
		l.checkTidy(v)
		if _, err := r.DeleteVideo(t.Context(), &video.DeleteVideoRequest{AuthorId: 1, VideoId: listed.Id}); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the row to go", func() bool { return l.row(listed.Id) == nil })
		l.checkTidy()
	})
}

// A frame that can not be taken is tried for as often as anything else. Then the drawn cover stays, the author is told so,
// and all else that can be made is made.
func TestNoCover(t *testing.T) {
	eachLab(t, func(t *testing.T, l *lab) {
		l.auditing()
		r := l.start(sweeping)
		l.tools.on(func(_ context.Context, step, _ string) error {
			if step == "cover" {
				return errors.New("no frame")
			}
			return nil
		})
		for author, set := range map[int64][]func(*video.PublishRequest){1: {drawn}, 2: {drawn, unplayable}} {
			p := r.upload(author, title("clip", int(author)), set...)
			var u *video.Upload
			eventually(t, "the failure", func() bool {
				l.advance(time.Second)
				all := r.uploads(author)
				u = all[0]
				return len(all) == 1 && u.State == video.UploadState_FAILED
			})
			if u.Reason != "no cover could be taken from the video" || !u.Listed {
				t.Errorf("the author is shown %v", u)
			}
			v := r.listed(author, p.Video.Id)
			if v == nil || v.CoverKey != p.Video.CoverKey || v.PreviewKey == "" || v.HlsKey == "" {
				t.Fatalf("listed is %v", v)
			}
			if m := l.row(v.Id); m.Lane != db.LaneNone || m.Todo != 0 || m.DueMs != db.Never || m.Token != "" {
				t.Errorf("row: %+v", m)
			}
			l.age()
			r.swept()
			if keys := l.objects(); !slices.Contains(keys, v.CoverKey) {
				t.Errorf("the drawn cover has gone: %v", keys)
			}
			if _, err := r.DeleteVideo(t.Context(), &video.DeleteVideoRequest{AuthorId: author, VideoId: v.Id}); err != nil {
				t.Fatal(err)
			}
			eventually(t, "the row to go", func() bool { return l.row(v.Id) == nil })
		}
		tries := 0
		l.tools.mu.Lock()
		for call, n := range l.tools.calls {
			if strings.HasPrefix(call, "cover ") {
				tries += n
			}
		}
		l.tools.mu.Unlock()
		// More when a lease ends meanwhile: the clock runs fast here.
		if failed, up := counter(t, r.tel, "cover", "failed"), counter(t, r.tel, "cover", "given_up"); tries < 10 || failed < 2 || up < 2 {
			t.Errorf("%d tries, %v of them failed and were to be repeated, %v given up", tries, failed, up)
		}
		l.checkTidy()
	})
}

// Each step that fails is left out for itself; the first is the reason.
func TestOnlyTheLadder(t *testing.T) {
	l := sqliteLab(t)
	r := l.start()
	l.tools.on(func(_ context.Context, step, _ string) error {
		if step != "hls" {
			return errors.New("broken")
		}
		return nil
	})
	p := r.upload(1, "clip", drawn)
	eventually(t, "the failure", func() bool {
		l.advance(time.Second)
		return r.uploads(1)[0].State == video.UploadState_FAILED
	})
	if u, v := r.uploads(1)[0], r.listed(1, p.Video.Id); u.Reason != "no cover could be taken from the video" || v.HlsKey == "" ||
		v.PreviewKey != "" {
		t.Errorf("the author is shown %v of %v", u, v)
	}
}

// What no repetition can help is not repeated.
func TestRefusalIsFinal(t *testing.T) {
	l := sqliteLab(t)
	r := l.start()
	l.tools.on(func(context.Context, string, string) error {
		return fmt.Errorf("file: %w", &media.Refusal{Reason: media.Truncated, Text: "the video is cut off"})
	})
	r.upload(1, "clip", unplayable)
	eventually(t, "the failure", func() bool { return r.uploads(1)[0].State == video.UploadState_FAILED })
	if u := r.uploads(1)[0]; u.Reason != "the video is cut off" || u.Listed {
		t.Errorf("the author is shown %v", u)
	}
	if n := l.tools.calls["transcode sources/ab/clip"]; n != 1 {
		t.Errorf("tried %d times", n)
	}
}

// What fails is tried again after a pause, and what it had stored is gone.
func TestRetry(t *testing.T) {
	l := sqliteLab(t)
	r := l.start()
	fail := true
	f := func(_ context.Context, key string) error {
		if fail && strings.HasSuffix(key, "/1.m4s") {
			fail = false
			return errors.New("store away")
		}
		return nil
	}
	r.blobs.before.Store(&f)
	p := r.upload(1, "clip")
	eventually(t, "the failure", func() bool { m := l.row(p.Video.Id); return m.Token == "" && m.Attempts == 1 })
	if m := l.row(p.Video.Id); m.DueMs <= l.now().UnixMilli() || m.Todo != db.StepHLS {
		t.Errorf("row: %+v", m)
	}
	l.checkTidy(r.listed(1, p.Video.Id))
	l.advance(time.Minute)
	r.done(1)
	l.checkTidy(r.listed(1, p.Video.Id))
}

// Nobody was told of the work, and it is found.
func TestLostWakeUp(t *testing.T) {
	eachLab(t, func(t *testing.T, l *lab) {
		silent, _ := l.replica()
		p := silent.upload(1, "clip")
		r := l.start()
		r.done(1)
		if v := r.listed(1, p.Video.Id); v.HlsKey == "" {
			t.Errorf("%v", v)
		}
	})
}

// With messages nobody has to poll, neither the process that takes the upload nor another.
func TestWakeUp(t *testing.T) {
	l := sqliteLab(t)
	rarely := func(d *service.MediaDeps) { d.Poll, d.Workers = time.Hour, 1 }
	b := l.start(rarely) // reads the messages
	b.upload(1, "own")
	b.done(1)
	a := l.start(rarely)
	entered, release := l.tools.hold("hls")
	defer release()
	a.upload(2, "long") // keeps one of the two busy
	wait(t, "the ladder to begin", entered)
	a.upload(3, "other")
	a.done(3)
	if _, err := a.DeleteVideo(t.Context(), &video.DeleteVideoRequest{AuthorId: 3, VideoId: a.listedOf(3)}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the objects to go", func() bool { return !slices.Contains(l.objects(), "videos/ab/other.mp4") })
}

func (r *replica) listedOf(author int64) int64 {
	r.l.t.Helper()
	resp, err := r.ListByAuthor(r.l.t.Context(), &video.ListByAuthorRequest{AuthorId: author})
	if err != nil || len(resp.Videos) != 1 {
		r.l.t.Fatalf("%v, %v", resp, err)
	}
	return resp.Videos[0].Id
}

func TestSweep(t *testing.T) {
	eachLab(t, func(t *testing.T, l *lab) {
		r := l.start(sweeping)
		v := r.upload(1, "named").Video
		r.done(1)
		u := r.upload(2, "waiting", unplayable, func(*video.PublishRequest) { l.tools.hold("transcode") }).Video
		entered, release := r.blobs.hold("/master.m3u8")
		busy := r.upload(3, "busy").Video
		wait(t, "the ladder to be stored", entered)
		held := len(l.objects())
		for _, key := range []string{
			"videos/cd/lost.mp4", "covers/cd/lost.jpg", "sources/cd/lost",
			strings.Replace(r.listed(1, v.Id).HlsKey, "hls-", "hls-0", 1), // an attempt that was cut off
			"videos/ab/123/hls-x/master.m3u8",                             // not in the folder of any video
			strings.Replace(r.listed(1, v.Id).HlsKey, fmt.Sprint(v.Id), fmt.Sprint(v.Id+1), 1),
		} {
			l.put(key)
		}
		l.age()
		l.put("videos/cd/young.mp4") // its row is about to be written
		l.put("demo/other.mp4")      // not ours
		r.swept()
		keys := l.objects()
		if !slices.Contains(keys, "videos/cd/young.mp4") || !slices.Contains(keys, "demo/other.mp4") || len(keys) != held+2 {
			t.Errorf("%d objects, want %d:\n%s", len(keys), held+2, strings.Join(keys, "\n"))
		}
		release()
		r.done(3)
		r.swept()
		for _, id := range []int64{v.Id, busy.Id} {
			if got := r.listed(map[int64]int64{v.Id: 1, busy.Id: 3}[id], id); got.HlsKey == "" || !slices.Contains(l.objects(), got.HlsKey) ||
				!slices.Contains(l.objects(), got.PlayKey) {
				t.Errorf("not all there: %v", got)
			}
		}
		if m := l.row(u.Id); !slices.Contains(l.objects(), m.SourceKey) || !slices.Contains(l.objects(), m.CoverKey) {
			t.Errorf("an upload that waits has lost its file: %+v", m)
		}
	})
}

func TestWhatIsPlanned(t *testing.T) {
	l := sqliteLab(t)
	off, _ := l.replica(func(d *service.MediaDeps) { d.Background = false })
	if p := off.upload(1, "a", drawn); !p.Listed || len(off.uploads(1)) != 0 {
		t.Errorf("without background work: %v, %v", p, off.uploads(1))
	}
	if p := off.upload(2, "b", unplayable); p.Listed || l.row(p.Video.Id).Plan != db.StepTranscode|db.StepCover {
		t.Errorf("without background work: %+v", l.row(p.Video.Id))
	}
	l.tools.steps = 0
	none, _ := l.replica()
	if p := none.upload(3, "c", drawn); !p.Listed || len(none.uploads(3)) != 0 {
		t.Errorf("without tools: %v, %v", p, none.uploads(3))
	}
	req := request(4, "d")
	req.Transcode = true
	if _, err := none.Publish(t.Context(), req); !errors.Is(errno.From(err), errno.VideoUnplayable) {
		t.Errorf("without tools: %v", err)
	}
	if len(none.uploads(4)) != 0 || none.listed(4, 1) != nil {
		t.Error("something was published")
	}
	if none.takenWithoutTools() != 0 { // no worker takes the row that waits
		t.Error("work without tools")
	}
}

// takenWithoutTools runs a process without tools for a while and returns how many rows it has taken up.
func (r *replica) takenWithoutTools() int {
	r.l.t.Helper()
	s := r.l.start(sweeping)
	s.swept()
	n := 0
	for _, u := range s.uploads(2) {
		if u.State != video.UploadState_UPLOADED {
			n++
		}
	}
	return n
}

func TestTemporaryFilesAreRemoved(t *testing.T) {
	l := sqliteLab(t)
	dir := t.TempDir()
	in := func(d *service.MediaDeps) { d.Dir = dir }
	if err := os.MkdirAll(filepath.Join(dir, "worker-dead", "job-1"), 0o700); err != nil {
		t.Fatal(err)
	}
	a := l.start(in)
	entered, release := l.tools.hold("hls")
	a.upload(1, "clip")
	wait(t, "the ladder to begin", entered)
	list := func() []string {
		found, err := filepath.Glob(filepath.Join(dir, "worker-*"))
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	if got := list(); len(got) != 1 || strings.HasSuffix(got[0], "dead") {
		t.Errorf("folders: %v", got)
	}
	b := l.start(in)
	eventually(t, "the other's folder", func() bool { return len(list()) == 2 })
	release()
	a.done(1)
	eventually(t, "the job's folder to go", func() bool {
		jobs, err := filepath.Glob(filepath.Join(dir, "worker-*", "*"))
		return err == nil && len(jobs) == 0
	})
	a.stop()
	b.stop()
	if got := list(); len(got) != 0 {
		t.Errorf("folders: %v", got)
	}
}

func TestUploadRefusals(t *testing.T) {
	f := newFixture(t)
	if _, err := f.ListUploads(t.Context(), &video.ListUploadsRequest{}); !errors.Is(errno.From(err), errno.InvalidArgument) {
		t.Errorf("nobody's uploads: %v", err)
	}
	for name, change := range map[string]func(*video.PublishRequest){
		"path":       func(r *video.PublishRequest) { r.PlayKey = "../x" },
		"long codec": func(r *video.PublishRequest) { r.VideoCodec = strings.Repeat("x", 33) },
	} {
		req := request(1, "t")
		change(req)
		if _, err := f.Publish(t.Context(), req); !errors.Is(errno.From(err), errno.InvalidArgument) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
