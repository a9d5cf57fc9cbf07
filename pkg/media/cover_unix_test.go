//go:build unix

package media

import (
	"context"
	"errors"
	"image"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// program writes a shell script that takes the place of ffmpeg.
func program(t *testing.T, script string) *Tools {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ffmpeg")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	tool := New(Config{FFmpeg: path})
	if !tool.HasFFmpeg() {
		t.Fatal("the script is not taken for a program")
	}
	return tool
}

func TestCoverWhenFFmpegFails(t *testing.T) {
	for name, script := range map[string]string{
		"exit code":  "echo 'moov atom not found' >&2; exit 1",
		"no output":  "exit 0",
		"no picture": "echo this is no picture",
		"too much":   "head -c 3000000 /dev/zero",
		"killed":     "kill -9 $$",
		"loud":       "head -c 3000000 /dev/zero >&2; exit 1",
	} {
		t.Run(name, func(t *testing.T) {
			var log strings.Builder
			tool := program(t, script).WithLog(slog.New(slog.NewTextHandler(&log, nil)))
			wantPlaceholder(t, tool, "video.mp4", Info{WidthPx: 360, HeightPx: 640}, image.Pt(360, 640))
			if !strings.Contains(log.String(), "ffmpeg") || log.Len() > 20_000 {
				t.Errorf("the log has %d bytes: %.200s", log.Len(), log.String())
			}
		})
	}
}

// hanging is a program that never ends, with a child that does not either, and a pipe that says when both are gone.
func hanging(t *testing.T) (tool *Tools, started, gone chan struct{}) {
	t.Helper()
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Skipf("no named pipes here: %v", err)
	}
	tool = program(t, "exec 3>'"+pipe+"'; echo up >&3; sleep 1000 & sleep 1000")
	started, gone = make(chan struct{}), make(chan struct{})
	go func() {
		defer close(gone)
		f, err := os.Open(pipe)
		if err != nil {
			t.Errorf("open pipe: %v", err)
			return
		}
		if _, err := io.ReadFull(f, make([]byte, 3)); err != nil {
			t.Errorf("read pipe: %v", err)
		}
		close(started)
		_, err = io.Copy(io.Discard, f) // ends when nobody has it open for writing
		if err = errors.Join(err, f.Close()); err != nil {
			t.Errorf("read pipe: %v", err)
		}
	}()
	return tool, started, gone
}

func wait(t *testing.T, c <-chan struct{}, what string) {
	t.Helper()
	select {
	case <-c:
	case <-time.After(30 * time.Second):
		t.Fatal(what)
	}
}

func TestCoverTimeout(t *testing.T) {
	tool, _, gone := hanging(t)
	tool.coverTimeout = 2 * time.Second
	wantPlaceholder(t, tool, "video.mp4", Info{WidthPx: 64, HeightPx: 64}, image.Pt(64, 64))
	wait(t, gone, "the program or its child still runs")
}

func TestCoverCancel(t *testing.T) {
	tool, started, gone := hanging(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	result := make(chan error, 1)
	go func() {
		_, _, err := tool.CoverOrDrawn(ctx, "video.mp4", Info{})
		result <- err
	}()
	wait(t, started, "the program does not start")
	cancel()
	if err := <-result; !errors.Is(err, context.Canceled) {
		t.Errorf("Cover = %v, want context.Canceled", err)
	}
	wait(t, gone, "the program or its child still runs")
	if len(tool.quick) != 0 {
		t.Errorf("%d slots are still taken", len(tool.quick))
	}
}

func TestCoverSlots(t *testing.T) {
	tool := program(t, "echo must not run >&2; exit 1")
	for range cap(tool.quick) {
		tool.quick <- struct{}{} // others have them all
	}
	tool.coverTimeout = time.Millisecond
	var log strings.Builder
	tool.WithLog(slog.New(slog.NewTextHandler(&log, nil)))
	wantPlaceholder(t, tool, "video.mp4", Info{WidthPx: 64, HeightPx: 64}, image.Pt(64, 64))
	if strings.Contains(log.String(), "must not run") {
		t.Error("ran without a slot")
	}
}
