package media

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"
)

const (
	defaultTimeout = 30 * time.Minute
	defaultMemory  = 3 << 30
	maxThreads     = 4
	versionTimeout = 10 * time.Second
	off            = "off"
)

// Tools runs ffmpeg and ffprobe. It is safe for concurrent use.
//
// Each run is a process without a shell, in a process group of its own, which ends with its context, and on Linux with
// this process. It runs at low priority, unless somebody waits for it, with bounded CPU time, memory, size of files, threads
// and time, sees nothing of our environment, and is told which container it reads: a list of other files and addresses that
// calls itself a video is not opened, and no network protocol is allowed. Should a file take it over all the same, the kernel
// keeps it from other files, the network and other processes, as far as Config.Sandbox says and the kernel can (Describe).
type Tools struct {
	ffmpeg, ffprobe string // paths, "" when there is none
	maxDuration     time.Duration
	threads         int
	maxPixels       int64
	maxWork         int64
	timeout         time.Duration
	coverTimeout    time.Duration
	memory          int64
	sandbox         sandbox
	refused         error         // why the program is not run although it is there
	quick, heavy    chan struct{} // slots for probes and covers, and for everything else
	log             *slog.Logger
	version         func() version
}

// version is what ffmpeg says of itself.
type version struct {
	number           string
	x264, webp, zimg bool
	err              error
}

// New looks for the programs once. When there are none, or not where cfg says, the tools do what they can in Go.
func New(cfg Config) *Tools {
	cpus := runtime.GOMAXPROCS(0)
	heavy, quick := slots(cfg, cpus)
	t := &Tools{
		maxDuration:  cfg.MaxDuration,
		threads:      orDefault(cfg.Threads, min(cpus, maxThreads)),
		maxPixels:    orDefault(cfg.MaxPixels, defaultMaxPixels),
		maxWork:      orDefault(cfg.MaxWork, defaultMaxWork),
		timeout:      orDefault(cfg.JobTimeout, defaultTimeout),
		coverTimeout: coverTimeout,
		memory:       orDefault(cfg.MemoryBytes, defaultMemory),
		quick:        make(chan struct{}, quick),
		heavy:        make(chan struct{}, heavy),
		log:          slog.New(slog.DiscardHandler),
	}
	if cfg.FFmpeg != off {
		t.ffmpeg = lookPath(cfg.FFmpeg, "ffmpeg")
	}
	if t.ffmpeg != "" {
		t.ffprobe = lookPath(cfg.FFprobe, filepath.Join(filepath.Dir(t.ffmpeg), "ffprobe"))
		if t.ffprobe == "" && cfg.FFprobe == "" {
			t.ffprobe = lookPath("", "ffprobe")
		}
	}
	var err error
	if t.sandbox, err = newSandbox(cfg.Sandbox); err != nil {
		t.refuse(err)
	}
	t.version = sync.OnceValue(t.askVersion)
	return t
}

// refuse makes the tools run nothing, and say why.
func (t *Tools) refuse(why error) { t.ffmpeg, t.ffprobe, t.refused = "", "", why }

// orDefault is v, or fallback when v is not set.
func orDefault[T int | int64 | time.Duration](v, fallback T) T {
	if v > 0 {
		return v
	}
	return fallback
}

// lookPath returns the absolute path of a program, or of the fallback when none is named; "" when it is not there.
func lookPath(name, fallback string) string {
	if name == "" {
		name = fallback
	}
	path, err := exec.LookPath(name)
	if err != nil {
		return ""
	}
	if path, err = filepath.Abs(path); err != nil {
		return ""
	}
	return path
}

// WithLog makes the tools say what they had to try again, and returns them.
func (t *Tools) WithLog(log *slog.Logger) *Tools {
	t.log = log
	return t
}

// HasFFmpeg reports whether covers are frames.
func (t *Tools) HasFFmpeg() bool { return t.ffmpeg != "" }

// CanEncode reports whether MakePlayable can transcode and HLS can be made: ffmpeg is there and has an H.264 encoder. The
// first call runs ffmpeg once to ask.
func (t *Tools) CanEncode() bool { return t.version().x264 }

// CanPreview reports whether Preview can be made, like CanEncode.
func (t *Tools) CanPreview() bool { return t.version().webp }

// Describe says in a line which programs there are and what is missing, for a log and for /readyz.
func (t *Tools) Describe() string {
	switch {
	case t.refused != nil:
		return fmt.Sprintf("ffmpeg is not run (%v): only mp4 and mov files with H.264 and AAC are taken, covers are drawn", t.refused)
	case t.ffmpeg == "":
		return "no ffmpeg: only mp4 and mov files with H.264 and AAC are taken, covers are drawn"
	}
	v := t.version()
	if v.err != nil {
		return fmt.Sprintf("%s does not run: %v", t.ffmpeg, v.err)
	}
	s := "ffmpeg " + v.number
	for _, part := range []struct {
		ok   bool
		what string
	}{
		{t.ffprobe != "", "ffprobe: only mp4 and mov files are taken"},
		{v.x264, "libx264: no transcodes and no HLS"},
		{v.webp, "libwebp: no previews"},
		{v.zimg, "libzimg: videos for bright screens (HDR) become flat"},
	} {
		if !part.ok {
			s += ", without " + part.what
		}
	}
	return s + ", " + t.sandbox.describe()
}

func (t *Tools) askVersion() version {
	if t.ffmpeg == "" {
		return version{}
	}
	ctx, cancel := context.WithTimeout(context.Background(), versionTimeout)
	defer cancel()
	out := &limited{max: 8 << 10}
	if err := t.run(ctx, command{program: t.ffmpeg, args: []string{"-version"}, stdout: out, memory: t.memory}); err != nil {
		return version{err: err}
	}
	first, rest, _ := strings.Cut(out.buf.String(), "\n")
	has := func(library string) bool { return strings.Contains(rest, "--enable-"+library) }
	v := version{x264: has("libx264"), webp: has("libwebp"), zimg: has("libzimg")}
	if fields := strings.Fields(first); len(fields) > 2 && fields[0] == "ffmpeg" {
		v.number = fields[2]
	}
	return v
}

// acquire waits for a slot, and returns what releases it.
func acquire(ctx context.Context, slots chan struct{}) (release func(), err error) {
	if err := alive(ctx); err != nil {
		return nil, err
	}
	select {
	case slots <- struct{}{}:
		return func() { <-slots }, nil
	case <-ctx.Done():
		return nil, alive(ctx)
	}
}

// limited keeps the first max bytes and drops the rest.
type limited struct {
	buf  bytes.Buffer
	max  int
	over bool
}

func (l *limited) Write(p []byte) (int, error) {
	n := min(len(p), l.max-l.buf.Len())
	l.buf.Write(p[:n])
	l.over = l.over || n < len(p)
	return len(p), nil
}
