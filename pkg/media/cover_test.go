package media

import (
	"bytes"
	"context"
	"errors"
	"image"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// ffmpeg makes a file with the real program, or skips.
func ffmpeg(t *testing.T, name string, args ...string) string {
	t.Helper()
	program, err := exec.LookPath("ffmpeg")
	if err != nil {
		t.Skip("ffmpeg is not installed")
	}
	path := filepath.Join(t.TempDir(), name)
	args = append([]string{"-nostdin", "-v", "error"}, append(args, "file:"+path)...)
	if out, err := exec.CommandContext(t.Context(), program, args...).CombinedOutput(); err != nil {
		t.Skipf("ffmpeg can not make it: %v: %s", err, out)
	}
	return path
}

// source material: moving pictures, and a tone.
func testsrc(size string) []string {
	return []string{
		"-f", "lavfi", "-i", "testsrc2=size=" + size + ":rate=25:duration=2",
		"-f", "lavfi", "-i", "sine=frequency=440:duration=2", "-pix_fmt", "yuv420p",
	}
}

func TestCoverIsAFrame(t *testing.T) {
	tool := New(Config{})
	for _, c := range []struct {
		name, size string
		turn       bool
		want       image.Point
	}{
		{"small", "320x240", false, image.Pt(320, 240)},
		{"portrait", "720x1280", false, image.Pt(405, 720)},
		{"landscape", "1280x720", false, image.Pt(720, 405)},
		{"turned", "640x360", true, image.Pt(360, 640)},
	} {
		t.Run(c.name, func(t *testing.T) {
			args := append(testsrc(c.size), "-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac")
			path := ffmpeg(t, "-a; $(b) 'c\" %d:.mp4", args...) // a name that a shell would stumble over
			if c.turn {
				quarterTurn(t, path)
			}
			info, err := probeFile(t.Context(), path)
			if err != nil {
				t.Fatal(err)
			}
			cover, err := tool.Cover(t.Context(), path, info)
			if err != nil {
				t.Fatal(err)
			}
			if got := decodePicture(t, cover, "jpeg").Bounds().Size(); got != c.want {
				t.Errorf("cover of %dx%d is %v, want %v", info.WidthPx, info.HeightPx, got, c.want)
			}
		})
	}
}

// wantPlaceholder checks that a cover is drawn, in the shape of the video.
func wantPlaceholder(t *testing.T, tool *Tools, path string, info Info, want image.Point) {
	t.Helper()
	cover, drawn, err := tool.CoverOrDrawn(t.Context(), path, info)
	if err != nil {
		t.Fatal(err)
	}
	if !drawn || !bytes.Equal(cover, placeholder(path, info)) {
		t.Error("the cover is not the placeholder")
	}
	if frame, err := tool.Cover(t.Context(), path, info); err == nil || frame != nil {
		t.Errorf("a frame of %d bytes, %v", len(frame), err)
	}
	if got := decodePicture(t, cover, "jpeg").Bounds().Size(); got != want {
		t.Errorf("the placeholder is %v, want %v", got, want)
	}
}

func TestCoverPlaceholder(t *testing.T) {
	notVideo := filepath.Join(t.TempDir(), "list.mp4")
	if err := os.WriteFile(notVideo, []byte("#EXTM3U\n#EXTINF:10,\nfile:///etc/passwd\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tool := range map[string]*Tools{
		"off": New(Config{FFmpeg: "off"}), "missing": New(Config{FFmpeg: "/no/such/ffmpeg"}), "not a video": New(Config{}),
	} {
		t.Run(name, func(t *testing.T) {
			if name != "not a video" && tool.HasFFmpeg() {
				t.Error("there is an ffmpeg")
			}
			wantPlaceholder(t, tool, notVideo, Info{WidthPx: 1080, HeightPx: 1920}, image.Pt(405, 720))
			wantPlaceholder(t, tool, notVideo, Info{WidthPx: 64, HeightPx: 36}, image.Pt(64, 36))
			wantPlaceholder(t, tool, notVideo, Info{WidthPx: 8192, HeightPx: 1}, image.Pt(720, 16))
		})
	}
}

func TestFit(t *testing.T) {
	for _, c := range []struct {
		w, h int32
		want image.Point
	}{
		{0, 0, image.Pt(405, 720)},
		{-1, 5, image.Pt(405, 720)},
		{720, 720, image.Pt(720, 720)},
		{1, 8192, image.Pt(1, 720)},
		{3, 2, image.Pt(3, 2)},
		{1920, 1080, image.Pt(720, 405)},
	} {
		if w, h := fit(c.w, c.h); image.Pt(w, h) != c.want {
			t.Errorf("fit(%d, %d) = %d, %d; want %v", c.w, c.h, w, h, c.want)
		}
	}
}

func TestCoverContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, tool := range []*Tools{New(Config{}), New(Config{FFmpeg: "off"})} {
		if cover, _, err := tool.CoverOrDrawn(ctx, "x", Info{}); !errors.Is(err, context.Canceled) || cover != nil {
			t.Errorf("CoverOrDrawn = %d bytes, %v; want context.Canceled", len(cover), err)
		}
	}
}

// quarterTurn notes in a file that its first track, the picture, is to be shown turned, as a phone does.
func quarterTurn(t *testing.T, path string) {
	t.Helper()
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	turned := tkhd(0, 1)
	const from, to = 8 + 40, 8 + 40 + 36 // the matrix
	at := bytes.Index(file, []byte("tkhd")) - 4
	if at < 0 {
		t.Fatal("no tkhd")
	}
	copy(file[at+from:at+to], turned[from:to])
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
}
