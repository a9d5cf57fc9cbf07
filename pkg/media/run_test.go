package media

import (
	"bytes"
	"errors"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestTail(t *testing.T) {
	for said, want := range map[string]string{
		"":                         "",
		"\n\n":                     "",
		"first\nlast\n\n":          "last",
		"[mov @ 0x55d0] no moov\n": "no moov",
		"file:/tmp/secret.mp4: Invalid data found\n": "Invalid data found",
		"bell \a and colour \x1b[0m\n":               "bell  and colour [0m",
	} {
		w := &tail{max: 100}
		for b := range slices.Chunk([]byte(said), 3) {
			if n, err := w.Write(b); n != len(b) || err != nil {
				t.Fatal(n, err)
			}
		}
		if got := w.last(); got != want {
			t.Errorf("%q: %q, want %q", said, got, want)
		}
	}
	w := &tail{max: 10}
	for range 1000 {
		_, _ = w.Write([]byte("0123456789abcdef\nxyz"))
	}
	if string(w.buf) != "abcdef\nxyz" {
		t.Errorf("keeps %q", w.buf)
	}
}

func TestProgress(t *testing.T) {
	var parts []float64
	w := &progressWriter{report: fraction(10*time.Second, func(p float64) { parts = append(parts, p) })}
	text := "frame=0\nout_time_us=N/A\nout_time_us=2500000\nprogress=continue\nout_time_us=1\nout_time_us=-9\n" +
		strings.Repeat("x", 5000) + "\nout_time_us=99000000\nprogress=end\n"
	for b := range slices.Chunk([]byte(text), 7) {
		_, _ = w.Write(b)
	}
	if !slices.Equal(parts, []float64{0.25, 1}) {
		t.Errorf("progress %v", parts)
	}
}

func TestReason(t *testing.T) {
	if got := reason(exec.ErrNotFound, "x"); !strings.Contains(got, "not found") {
		t.Error(got)
	}
	if got := reason(errors.New(strings.Repeat("ä", 500)), ""); len(got) > reasonBytes+1 {
		t.Errorf("%d bytes", len(got))
	}
}

func TestDescribe(t *testing.T) {
	if got := New(Config{FFmpeg: off}).Describe(); !strings.Contains(got, "no ffmpeg") {
		t.Error(got)
	}
	tools := needFFmpeg(t)
	if got := tools.Describe(); !strings.HasPrefix(got, "ffmpeg ") || !bytes.ContainsAny([]byte(got), "0123456789") ||
		strings.Contains(got, "without") {
		t.Error(got)
	}
}
