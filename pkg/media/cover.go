package media

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"image/jpeg"
	"log/slog"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"time"
)

const (
	coverSide    = 720              // pixels of the longer side of a cover
	coverTimeout = 10 * time.Second // for waiting and for running together
	coverBytes   = 2 << 20          // more than any JPEG of that size
	stderrBytes  = 2 << 10
)

// Tool makes covers. It is safe for concurrent use.
type Tool struct {
	ffmpeg  string // path, "" when there is none
	slots   chan struct{}
	timeout time.Duration
	log     *slog.Logger
}

// New looks for the ffmpeg program once. Without one, or when it is not where cfg says, all covers are placeholders.
// At most one program per CPU runs at a time.
func New(cfg Config) *Tool {
	t := &Tool{
		slots:   make(chan struct{}, runtime.GOMAXPROCS(0)),
		timeout: coverTimeout,
		log:     slog.New(slog.DiscardHandler),
	}
	name := cfg.FFmpeg
	switch name {
	case "off":
		return t
	case "":
		name = "ffmpeg"
	}
	if path, err := exec.LookPath(name); err == nil {
		if path, err = filepath.Abs(path); err == nil {
			t.ffmpeg = path
		}
	}
	return t
}

// WithLog makes the tool say why a cover is a placeholder, and returns it.
func (t *Tool) WithLog(log *slog.Logger) *Tool {
	t.log = log
	return t
}

// HasFFmpeg reports whether covers are frames.
func (t *Tool) HasFFmpeg() bool { return t.ffmpeg != "" }

// Cover returns a JPEG for the video file at path, which Probe has accepted with info: the frame at a tenth of its
// duration, with a longer side of at most 720 pixels. When there is no ffmpeg, or it fails, or it takes longer than 10
// seconds with the wait for its turn, that is a drawn picture of the same shape, and no error. The only error is that
// of ctx.
func (t *Tool) Cover(ctx context.Context, path string, info Info) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if t.ffmpeg == "" {
		return placeholder(path, info), nil
	}
	picture, err := t.frame(ctx, path, info)
	if err == nil {
		return picture, nil
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	t.log.WarnContext(ctx, "no frame for a cover, drawing one", "err", err)
	return placeholder(path, info), nil
}

// placeholder has the shape of the video.
func placeholder(path string, info Info) []byte {
	h := fnv.New64a()
	_, _ = h.Write([]byte(path)) // never fails
	w, ht := fit(info.WidthPx, info.HeightPx)
	return PlaceholderCover(int64(h.Sum64()), w, ht)
}

// fit scales a size down so that the longer side is at most coverSide. What is no size is a portrait one.
func fit(w, h int32) (int, int) {
	if w <= 0 || h <= 0 {
		return coverSide * 9 / 16, coverSide
	}
	long := int(max(w, h))
	if long <= coverSide {
		return int(w), int(h)
	}
	return max(int(w)*coverSide/long, 1), max(int(h)*coverSide/long, 1)
}

// frame runs the program. The path is an argument of its own, never part of a command line, and the input may be a
// file in one format only: a playlist that names other files or addresses is not read.
func (t *Tool) frame(ctx context.Context, path string, info Info) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, t.timeout)
	defer cancel()
	select {
	case t.slots <- struct{}{}:
		defer func() { <-t.slots }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	scale := fmt.Sprintf("scale=w='min(%[1]d,iw)':h='min(%[1]d,ih)':force_original_aspect_ratio=decrease", coverSide)
	cmd := exec.CommandContext(ctx, t.ffmpeg,
		"-nostdin", "-hide_banner", "-loglevel", "error",
		"-protocol_whitelist", "file", "-f", "mov", "-threads", "1",
		"-ss", strconv.FormatFloat(float64(info.DurationMs)/10/1000, 'f', 3, 64),
		"-i", "file:"+path,
		"-map", "0:v:0", "-frames:v", "1", "-filter_threads", "1", "-vf", scale,
		"-map_metadata", "-1", "-threads", "1", "-c:v", "mjpeg", "-q:v", "4", "-pix_fmt", "yuvj420p", "-f", "image2pipe", "pipe:1",
	)
	stdout, stderr := &limited{max: coverBytes}, &limited{max: stderrBytes}
	cmd.Stdout, cmd.Stderr = stdout, stderr
	ownGroup(cmd)
	cmd.WaitDelay = time.Second
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("ffmpeg: %w: %s", err, bytes.TrimSpace(stderr.buf.Bytes()))
	}
	if stdout.over {
		return nil, errors.New("ffmpeg: the picture is too big")
	}
	if _, err := jpeg.DecodeConfig(bytes.NewReader(stdout.buf.Bytes())); err != nil {
		return nil, fmt.Errorf("ffmpeg: no picture: %w: %s", err, bytes.TrimSpace(stderr.buf.Bytes()))
	}
	return stdout.buf.Bytes(), nil
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
