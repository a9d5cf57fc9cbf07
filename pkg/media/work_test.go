package media

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// large is a video that must be transcoded.
func large(w, h int32, rate float64, d time.Duration) Info {
	return Info{
		Container:   "mp4",
		Faststart:   true,
		VideoCodec:  "hevc",
		PixelFormat: "yuv420p",
		WidthPx:     w,
		HeightPx:    h,
		FrameRate:   rate,
		DurationMs:  d.Milliseconds(),
	}
}

func TestCheckWork(t *testing.T) {
	plays := large(3840, 2160, 60, 10*time.Minute)
	plays.VideoCodec, plays.VideoProfile = "h264", "High"
	for name, try := range map[string]struct {
		info Info
		want string // a part of the refusal
	}{
		"4K of a minute":       {large(3840, 2160, 60, time.Minute), ""},
		"1080p of ten minutes": {large(1080, 1920, 60, 10*time.Minute), ""},
		"all that may be":      {large(4096, 2304, 30, time.Minute), ""},
		"8K": {
			large(8192, 4320, 30, time.Second),
			"pictures of 8192 x 4320 are too large to be converted here: send the video with at most 9.4 million",
		},
		"a row too many": {large(4096, 2305, 30, time.Second), "too large"},
		"4K of ten minutes": {
			large(3840, 2160, 60, 10*time.Minute),
			"too long to be converted here in its size: send it smaller, or at most 160 seconds",
		},
		"1000 pictures a second":    {large(1920, 1080, 1000, time.Minute), "too long"},
		"rate unknown":              {large(3840, 2160, 0, 10*time.Minute), "too long"},
		"plays as it is":            {plays, ""},
		"nothing is known of a mov": {Info{Container: "mov"}, ""},
	} {
		err := New(Config{FFmpeg: off}).CheckWork(try.info)
		if try.want == "" && err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if r := Refused(err); try.want != "" && (r == nil || r.Reason != TooLarge || !strings.Contains(r.Text, try.want)) {
			t.Errorf("%s: %v, want %q", name, err, try.want)
		}
	}
	own := New(Config{FFmpeg: off, MaxPixels: 100 * 100, MaxWork: 100 * 100 * 10})
	wantRefusal(t, own.CheckWork(large(101, 100, 10, time.Second)), TooLarge)
	wantRefusal(t, own.CheckWork(large(100, 100, 11, time.Second)), TooLarge)
	if err := own.CheckWork(large(100, 100, 10, time.Second)); err != nil {
		t.Error(err)
	}
}

// What has too many pixels is refused before any program runs: there is none here that could.
func TestTooLargeIsNotBegun(t *testing.T) {
	tools := New(Config{MaxWork: 1000})
	tools.ffmpeg, tools.version = "/nonexistent/ffmpeg", func() version { return version{x264: true, webp: true} }
	info := large(640, 360, 30, time.Second)
	_, err := tools.MakePlayable(t.Context(), "testdata/hevc.mp4", filepath.Join(t.TempDir(), "out.mp4"), info, nil)
	wantRefusal(t, err, TooLarge)
	info.VideoCodec, info.VideoProfile = "h264", "High"
	_, err = tools.HLS(t.Context(), "testdata/portrait.mp4", t.TempDir(), info, nil)
	wantRefusal(t, err, TooLarge)
}

// The description of a file may say that its pictures are small.
func TestLargerThanItSays(t *testing.T) {
	tools := needFFmpeg(t)
	tools.maxPixels = 1
	path := ffmpeg(
		t,
		"8k.mp4",
		"-f",
		"lavfi",
		"-i",
		"color=size=8192x4320:rate=1:duration=1",
		"-c:v",
		"libx264",
		"-preset",
		"ultrafast",
		"-pix_fmt",
		"yuv420p",
	)
	_, err := tools.Cover(t.Context(), path, Info{Container: "mp4", VideoCodec: "h264", WidthPx: 640, HeightPx: 360, DurationMs: 1000})
	if err == nil || Refused(err) != nil {
		t.Errorf("a picture of 8192 x 4320: %v", err)
	}
}

func TestCPUTime(t *testing.T) {
	tools := New(Config{FFmpeg: off, Threads: 2, JobTimeout: 30 * time.Minute})
	bright := large(1280, 720, 30, time.Minute)
	bright.Transfer = transferPQ
	for name, try := range map[string]struct {
		info     Info
		from, to time.Duration
	}{
		"a short clip":   {large(720, 1280, 30, 10*time.Second), time.Minute, 2 * time.Minute},
		"a minute of it": {large(1280, 720, 30, time.Minute), 6 * time.Minute, 7 * time.Minute},
		"tone mapped":    {bright, 22 * time.Minute, 24 * time.Minute},
		"4K":             {large(3840, 2160, 60, time.Hour), time.Hour, time.Hour},
		"nothing known":  {Info{}, time.Minute, time.Minute},
	} {
		if got := tools.cpuTime(try.info); got < try.from || got > try.to {
			t.Errorf("%s: %v, want %v to %v", name, got, try.from, try.to)
		}
	}
}

// script is ffmpeg, but for what the lines do.
func script(t *testing.T, lines string) *Tools {
	t.Helper()
	tools := needFFmpeg(t)
	program, err := exec.LookPath("ffmpeg")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "ffmpeg")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+lines+"\nexec "+program+" \"$@\"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	tools.ffmpeg, tools.threads = path, 4
	tools.sandbox = sandbox{off: true} // the lines write notes and end the script
	return tools
}

// What takes too much memory is tried with one thread, and given up then.
func TestTooMuchMemory(t *testing.T) {
	for name, try := range map[string]struct {
		lines string
		runs  int
		ends  bool
	}{
		"with four threads": {`case "$*" in *"-threads 4"*) echo "Cannot allocate memory" >&2; exit 1;; esac`, 2, true},
		"killed":            {`case "$*" in *"-threads 4"*) kill -9 $$;; esac`, 2, true},
		"always": {`echo "x264 [error]: malloc of size 7332480 failed" >&2; echo "Error submitting video frame to the encoder" ` +
			`>&2; exit 1`, 2, false},
		"no thread":       {`case "$*" in *"-threads 4"*) echo "Resource temporarily unavailable" >&2; exit 1;; esac`, 2, true},
		"another failure": {`echo "No space left on device" >&2; exit 1`, 1, false},
	} {
		t.Run(name, func(t *testing.T) {
			runs := filepath.Join(t.TempDir(), "runs")
			tools := script(t, "echo run >>'"+runs+"'\n"+try.lines)
			out := filepath.Join(t.TempDir(), "out.mp4")
			info, err := tools.Probe(t.Context(), "testdata/hevc.mp4")
			if err != nil {
				t.Fatal(err)
			}
			_, err = tools.MakePlayable(t.Context(), "testdata/hevc.mp4", out, info, nil)
			switch {
			case try.ends && err != nil:
				t.Error(err)
			case !try.ends && try.runs == 1 && (err == nil || Refused(err) != nil):
				t.Errorf("%v, want an error that may be mended", err)
			case !try.ends && try.runs == 2:
				wantRefusal(t, err, TooCostly)
			}
			if said, err := os.ReadFile(runs); err != nil || strings.Count(string(said), "run") != try.runs {
				t.Errorf("ran %d times, want %d: %v", strings.Count(string(said), "run"), try.runs, err)
			}
		})
	}
}

// Processor time is bounded by the work, whatever the time for a run, and is not given twice.
func TestTooMuchTime(t *testing.T) {
	runs := filepath.Join(t.TempDir(), "runs")
	tools := script(t, "echo run >>'"+runs+"'\nwhile :; do :; done")
	tools.threads, tools.timeout = 1, 2*time.Second // of processor time, and so of time
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	err := tools.encode(ctx, command{}, large(640, 360, 30, time.Second), nil)
	wantRefusal(t, err, TooCostly)
	if said, err := os.ReadFile(runs); err != nil || strings.Count(string(said), "run") != 1 {
		t.Errorf("runs: %q, %v", said, err)
	}
}

func TestTurns(t *testing.T) {
	const gib = 1 << 30
	for name, try := range map[string]struct {
		cfg                Config
		cpus, heavy, quick int
	}{
		"default":          {Config{}, 8, 4, 8},
		"one CPU":          {Config{}, 1, 1, 1},
		"set":              {Config{Workers: 3}, 2, 3, 2},
		"enough memory":    {Config{MemoryTotalBytes: 100 * gib}, 8, 4, 8},
		"six runs":         {Config{MemoryTotalBytes: 18 * gib}, 8, 4, 2},
		"three runs":       {Config{MemoryTotalBytes: 3 * gib, MemoryBytes: gib}, 8, 2, 1},
		"one of each kind": {Config{MemoryTotalBytes: gib}, 8, 1, 1},
	} {
		if heavy, quick := slots(try.cfg, try.cpus); heavy != try.heavy || quick != try.quick {
			t.Errorf("%s: %d and %d, want %d and %d", name, heavy, quick, try.heavy, try.quick)
		}
	}
}
