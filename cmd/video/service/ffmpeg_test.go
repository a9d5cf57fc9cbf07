package service_test

import (
	"context"
	"encoding/json"
	"image/jpeg"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"tiktok/cmd/internal/events/eventstest"
	"tiktok/cmd/video/service"
	"tiktok/config"
	"tiktok/kitex_gen/video"
	"tiktok/pkg/blob"
	"tiktok/pkg/id"
	"tiktok/pkg/media"
	"tiktok/pkg/queue"
	"tiktok/pkg/telemetry"
)

// fromSettings is the service from its settings, running, in a folder of its own.
func fromSettings(t *testing.T, tel *telemetry.Telemetry, set func(*config.Config)) (*service.Service, config.Config) {
	t.Helper()
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		t.Skip("ffmpeg is not installed")
	}
	cfg := config.Default()
	cfg.DataDir = t.TempDir()
	cfg.DB.Dir, cfg.Blob.Dir = filepath.Join(cfg.DataDir, "db"), filepath.Join(cfg.DataDir, "media")
	cfg.Media.WorkDir = filepath.Join(cfg.DataDir, "work")
	set(&cfg)
	svc, err := service.Open(t.Context(), cfg, tel, id.New(0), nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := svc.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() {
		cancel()
		wg.Wait()
		if err := svc.Close(); err != nil {
			t.Error(err)
		}
	})
	return svc, cfg
}

// A frame that ffmpeg can not take is a failure that is tried again, not a drawn picture that is taken for one.
func TestFrameFails(t *testing.T) {
	program, err := exec.LookPath("ffmpeg")
	if err != nil {
		t.Skip("ffmpeg is not installed")
	}
	script := "#!/bin/sh\ncase \"$*\" in *mjpeg*) echo no frame >&2; exit 1 ;; esac\nexec " + program + " \"$@\"\n"
	broken := filepath.Join(t.TempDir(), "ffmpeg")
	if err := os.WriteFile(broken, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	tel := telemetry.Discard()
	svc, cfg := fromSettings(t, tel, func(c *config.Config) { c.Media.FFmpeg = broken })
	putFile(t, cfg, "videos/ab/a.mp4", "../../../test/testdata/tiny.mp4")
	req := request(1, "clip")
	req.PlayKey, req.CoverKey, req.CoverDrawn = "videos/ab/a.mp4", "covers/ab/x.jpg", true
	p, err := svc.Publish(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "the failure", func() bool { return counter(t, tel, "cover", "failed") == 1 })
	if n := counter(t, tel, "cover", "done"); n != 0 {
		t.Errorf("%v covers are done", n)
	}
	r, err := svc.ListUploads(t.Context(), &video.ListUploadsRequest{AuthorId: 1})
	if err != nil || len(r.Uploads) != 1 || r.Uploads[0].State == video.UploadState_READY {
		t.Errorf("%v, %v", r, err)
	}
	feed, err := svc.Feed(t.Context(), &video.FeedRequest{})
	if err != nil || len(feed.Videos) != 1 || feed.Videos[0].CoverKey != p.Video.CoverKey {
		t.Errorf("%v, %v", feed, err)
	}
}

func putFile(t *testing.T, cfg config.Config, key, file string) {
	t.Helper()
	blobs, err := blob.Open(t.Context(), cfg.Blob)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := blobs.Put(t.Context(), key, f, ""); err != nil {
		t.Fatal(err)
	}
}

// The real thing from one end to the other: settings, the real tools, a file that no phone plays and one that all play.
func TestWithFFmpeg(t *testing.T) {
	svc, cfg := fromSettings(t, telemetry.Discard(), func(*config.Config) {})
	if d := svc.DescribeTools(); !strings.HasPrefix(d, "ffmpeg ") {
		t.Errorf("tools: %s", d)
	}
	at := func(key string) string { return filepath.Join(cfg.Blob.Dir, filepath.FromSlash(key)) }
	putFile(t, cfg, "videos/ab/a.mp4", "../../../test/testdata/tiny.mp4")
	putFile(t, cfg, "sources/ab/b", "../../../test/testdata/vp8.webm")
	putFile(t, cfg, "sources/ab/c", "../../../test/testdata/hevc.mp4")
	putFile(t, cfg, "covers/ab/x.jpg", "../../../test/testdata/tiny.mp4")
	for _, key := range []string{"videos/ab/a.mp4", "sources/ab/b", "sources/ab/c"} {
		req := request(1, key)
		req.PlayKey, req.CoverKey, req.CoverDrawn, req.Transcode = key, "covers/ab/x.jpg", true, strings.HasPrefix(key, "sources/")
		if _, err := svc.Publish(t.Context(), req); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "the work to be done", func() bool {
		r, err := svc.ListUploads(t.Context(), &video.ListUploadsRequest{AuthorId: 1})
		if err != nil {
			t.Fatal(err)
		}
		for _, u := range r.Uploads {
			if u.State == video.UploadState_FAILED {
				t.Fatalf("failed: %v", u)
			}
		}
		return len(r.Uploads) == 0
	})
	feed, err := svc.Feed(t.Context(), &video.FeedRequest{})
	if err != nil || len(feed.Videos) != 3 {
		t.Fatalf("%v, %v", feed, err)
	}
	tools := media.New(media.Config{})
	for _, v := range feed.Videos {
		info, err := tools.Probe(t.Context(), at(v.PlayKey))
		if err != nil || info.Needs() != media.NeedNothing || info.WidthPx != v.WidthPx && v.Title != "videos/ab/a.mp4" || v.DurationMs <= 0 {
			t.Errorf("%s does not play: %+v, %v; %v", v.Title, info, err, v)
		}
		f, err := os.Open(at(v.CoverKey))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := jpeg.Decode(f); err != nil {
			t.Errorf("cover of %s: %v", v.Title, err)
		}
		_ = f.Close()
		if st, err := os.Stat(at(v.PreviewKey)); err != nil || st.Size() == 0 {
			t.Errorf("preview of %s: %v", v.Title, err)
		}
		checkPlaylist(t, at, v.HlsKey)
	}
	for _, v := range feed.Videos {
		if _, err := svc.DeleteVideo(t.Context(), &video.DeleteVideoRequest{AuthorId: 1, VideoId: v.Id}); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "all objects to go", func() bool {
		left := 0
		err := filepath.WalkDir(cfg.Blob.Dir, func(_ string, d os.DirEntry, err error) error {
			if err == nil && !d.IsDir() {
				left++
			}
			return err
		})
		return err == nil && left == 0
	})
}

// checkPlaylist follows a playlist to every file that it names.
func checkPlaylist(t *testing.T, at func(string) string, key string) {
	t.Helper()
	text, err := os.ReadFile(at(key))
	if err != nil {
		t.Error(err)
		return
	}
	files := 0
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if _, uri, ok := strings.Cut(line, `URI="`); ok {
			line, _, _ = strings.Cut(uri, `"`)
		} else if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		files++
		next := path.Join(path.Dir(key), line)
		if strings.HasSuffix(next, ".m3u8") {
			checkPlaylist(t, at, next)
		} else if st, err := os.Stat(at(next)); err != nil || st.Size() == 0 {
			t.Errorf("%s names %s: %v", key, line, err)
		}
	}
	if files == 0 {
		t.Errorf("%s names nothing", key)
	}
}

// Processes share the queue of wake-ups, whatever carries it, and what others are told of a deletion is JSON that another build reads.
func TestQueuesCarryJSON(t *testing.T) {
	url := os.Getenv("TIKTOK_TEST_RABBITMQ")
	if url == "" {
		t.Skip("TIKTOK_TEST_RABBITMQ is not set")
	}
	q := queue.Config{Driver: queue.DriverRabbitMQ, URL: url, Prefix: "video" + strings.ToLower(t.Name()), AppliedWait: -1}
	l := sqliteLab(t)
	var err error
	if l.wakes, err = queue.Open[service.Wake](t.Context(), q, service.WakeQueue, nil); err != nil {
		t.Fatal(err)
	}
	wakes := l.wakes
	t.Cleanup(func() { _ = wakes.Close() })
	r := l.start()
	v := r.upload(1, "clip").Video
	r.done(1)
	eventstest.Clear(t, l.db)
	if _, err := r.DeleteVideo(t.Context(), &video.DeleteVideoRequest{AuthorId: 1, VideoId: v.Id}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the row to go", func() bool { return l.row(v.Id) == nil })
	// The other side may be another build: it knows only these names.
	var told []struct {
		Deleted struct {
			VideoID  int64 `json:"video_id"`
			AuthorID int64 `json:"author_id"`
		} `json:"video_deleted"`
	}
	messages := eventstest.Messages(t, l.db)
	if len(messages) != 1 || messages[0].Topic != "video.video" {
		t.Fatalf("told %v", messages)
	}
	err = json.Unmarshal(messages[0].Body, &told)
	if err != nil || len(told) != 1 || told[0].Deleted.VideoID != v.Id || told[0].Deleted.AuthorID != 1 {
		t.Errorf("told %s, %v", messages[0].Body, err)
	}
}

// The command, with the real tools: what was listed while there was no ffmpeg gets a frame for a cover, a preview and a ladder.
func TestBackfillCommand(t *testing.T) {
	dir := t.TempDir()
	in := func(c *config.Config) {
		c.DataDir = dir
		c.DB.Dir, c.Blob.Dir, c.Media.WorkDir, c.Media.Backfill = filepath.Join(
			dir,
			"db",
		), filepath.Join(
			dir,
			"media",
		), filepath.Join(
			dir,
			"work",
		), 0
	}
	without, cfg := fromSettings(t, telemetry.Discard(), func(c *config.Config) { in(c); c.Media.FFmpeg = "off" })
	putFile(t, cfg, "videos/ab/a.mp4", "../../../test/testdata/tiny.mp4")
	putFile(t, cfg, "covers/ab/x.jpg", "../../../test/testdata/tiny.mp4")
	req := request(1, "clip")
	req.PlayKey, req.CoverKey, req.CoverDrawn = "videos/ab/a.mp4", "covers/ab/x.jpg", true
	if _, err := without.Publish(t.Context(), req); err != nil {
		t.Fatal(err)
	}
	if _, err := service.Backfill(t.Context(), cfg, telemetry.Discard(), func(int64) {}); err == nil ||
		!strings.Contains(err.Error(), "no ffmpeg") {
		t.Errorf("without ffmpeg: %v", err)
	}
	svc, cfg := fromSettings(t, telemetry.Discard(), in)
	var seen []int64
	n, err := service.Backfill(t.Context(), cfg, telemetry.Discard(), func(n int64) { seen = append(seen, n) })
	if err != nil || n != 1 || len(seen) != 1 || seen[0] != 1 {
		t.Fatalf("%d, %v, %v", n, seen, err)
	}
	at := func(key string) string { return filepath.Join(cfg.Blob.Dir, filepath.FromSlash(key)) }
	var v *video.Video
	eventually(t, "the ladder", func() bool {
		list, err := svc.ListByAuthor(t.Context(), &video.ListByAuthorRequest{AuthorId: 1, Fresh: true})
		if err != nil || len(list.Videos) != 1 {
			t.Fatalf("%v, %v", list, err)
		}
		v = list.Videos[0]
		return v.HlsKey != ""
	})
	f, err := os.Open(at(v.CoverKey))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := jpeg.Decode(f); err != nil || v.CoverKey == req.CoverKey {
		t.Errorf("cover %s: %v", v.CoverKey, err)
	}
	if st, err := os.Stat(at(v.PreviewKey)); err != nil || st.Size() == 0 {
		t.Errorf("preview: %v", err)
	}
	checkPlaylist(t, at, v.HlsKey)
	if n, err := service.Backfill(t.Context(), cfg, telemetry.Discard(), func(int64) {}); err != nil || n != 0 {
		t.Errorf("the second time: %d, %v", n, err)
	}
}
