//go:build unix

package media

import (
	"context"
	"errors"
	"image"
	"io"
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
			tool := program(t, script)
			wantNoFrame(t, tool, "video.mp4", cheap(360, 360), image.Pt(360, 360))
			if _, err := tool.Cover(t.Context(), "video.mp4", cheap(360, 360)); !strings.Contains(err.Error(), "ffmpeg") || len(err.Error()) > 500 {
				t.Errorf("the error has %d bytes: %.200s", len(err.Error()), err)
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
	tool.sandbox = sandbox{off: true} // it could not open the pipe
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
	wantNoFrame(t, tool, "video.mp4", cheap(64, 64), image.Pt(64, 64))
	wait(t, gone, "the program or its child still runs")
}

func TestCoverCancel(t *testing.T) {
	tool, started, gone := hanging(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	result := make(chan error, 1)
	go func() {
		_, _, err := tool.QuickCover(ctx, "video.mp4", cheap(64, 64))
		result <- err
	}()
	wait(t, started, "the program does not start")
	cancel()
	if err := <-result; !errors.Is(err, context.Canceled) {
		t.Errorf("QuickCover = %v, want context.Canceled", err)
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
	if _, err := tool.Cover(t.Context(), "video.mp4", cheap(64, 64)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Cover without a slot = %v, want context.DeadlineExceeded", err)
	}
}

func TestCoverContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	tool := program(t, "echo must not run >&2; exit 1")
	if cover, _, err := tool.QuickCover(ctx, "x", cheap(64, 64)); !errors.Is(err, context.Canceled) || cover != nil {
		t.Errorf("QuickCover = %d bytes, %v; want context.Canceled", len(cover), err)
	}
	if cover, err := tool.Cover(ctx, "x", cheap(64, 64)); !errors.Is(err, context.Canceled) || cover != nil {
		t.Errorf("Cover = %d bytes, %v; want context.Canceled", len(cover), err)
	}
}
