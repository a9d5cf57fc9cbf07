package media

import (
	"bytes"
	"image"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
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

// wantNoFrame checks that there is no cover, and that a drawn one has the shape of the video.
func wantNoFrame(t *testing.T, tool *Tools, path string, info Info, want image.Point) {
	t.Helper()
	if frame, err := tool.Cover(t.Context(), path, info); err == nil || frame != nil {
		t.Errorf("a frame of %d bytes, %v", len(frame), err)
	}
	if frame, _, err := tool.QuickCover(t.Context(), path, info); err == nil || frame != nil {
		t.Errorf("a quick frame of %d bytes, %v", len(frame), err)
	}
	if got := decodePicture(t, DrawnCover(path, info), "jpeg").Bounds().Size(); got != want {
		t.Errorf("the drawn cover is %v, want %v", got, want)
	}
}

func TestNoCover(t *testing.T) {
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
			wantNoFrame(t, tool, notVideo, cheap(1080, 1920), image.Pt(202, 360))
			wantNoFrame(t, tool, notVideo, cheap(64, 36), image.Pt(64, 36))
			wantNoFrame(t, tool, notVideo, Info{WidthPx: 8192, HeightPx: 1}, image.Pt(360, 16))
		})
	}
}

// cheap is a file of which a quick cover may be taken, if it is not too large.
func cheap(w, h int32) Info {
	return Info{Container: "mp4", VideoCodec: "h264", VideoProfile: "High", PixelFormat: "yuv420p", WidthPx: w, HeightPx: h, DurationMs: 2000}
}

// A quick cover is taken of what is cheap only, whatever the file is in truth.
func TestQuickCoverIsCheap(t *testing.T) {
	tenBits, hevc := cheap(640, 360), cheap(640, 360)
	tenBits.PixelFormat, hevc.VideoCodec = "yuv420p10le", "hevc"
	for name, c := range map[string]struct {
		info Info
		want bool
	}{
		"full HD": {cheap(1920, 1080), true}, "portrait": {cheap(1088, 1920), true}, "4K": {cheap(3840, 2160), false},
		"ten bits": {tenBits, false}, "hevc": {hevc, false}, "no size": {cheap(0, 0), false},
	} {
		if got := c.info.QuickCover(); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	tool := New(Config{})
	path := ffmpeg(t, "clip.mp4", append(testsrc("640x360"), "-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac")...)
	if cover, better, err := tool.QuickCover(t.Context(), path, cheap(640, 360)); err != nil || better ||
		decodePicture(t, cover, "jpeg").Bounds().Dx() != 640 {
		t.Errorf("a cover of %d bytes, better %v, %v", len(cover), better, err)
	}
	_, _, err := tool.QuickCover(t.Context(), path, cheap(3840, 2160))
	wantRefusal(t, err, Unsupported)
	black := ffmpeg(
		t,
		"black.mp4",
		"-f",
		"lavfi",
		"-i",
		"color=black:size=640x360:rate=25:duration=2",
		"-pix_fmt",
		"yuv420p",
		"-c:v",
		"libx264",
	)
	if cover, better, err := tool.QuickCover(t.Context(), black, cheap(640, 360)); err != nil || !better || len(cover) == 0 {
		t.Errorf("a black cover of %d bytes, better %v, %v", len(cover), better, err)
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
		if w, h := fit(c.w, c.h, coverSide); image.Pt(w, h) != c.want {
			t.Errorf("fit(%d, %d) = %d, %d; want %v", c.w, c.h, w, h, c.want)
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

// A file of which nothing can be decoded is refused; one that can not be decoded in time, in memory or in part is not.
func TestUndecodable(t *testing.T) {
	tool := needFFmpeg(t)
	write := func(file []byte) (path string, info Info) {
		t.Helper()
		path = filepath.Join(t.TempDir(), "video.mp4")
		if err := os.WriteFile(path, file, 0o600); err != nil {
			t.Fatal(err)
		}
		info, err := tool.Probe(t.Context(), path)
		if err != nil || info.Needs() != NeedNothing {
			t.Fatalf("needs %v: %v", info.Needs(), err)
		}
		return path, info
	}
	path, info := write(clip{video: goodVideo(), audio: goodAudio()}.bytes())
	_, err := tool.Cover(t.Context(), path, info)
	wantRefusal(t, err, Undecodable)
	_, _, err = tool.QuickCover(t.Context(), path, info)
	wantRefusal(t, err, Undecodable)

	good := ffmpeg(
		t,
		"clip.mp4",
		append(testsrc("640x360"), "-c:v", "libx264", "-preset", "ultrafast", "-g", "12", "-movflags", "+faststart")...)
	file, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	from := bytes.Index(file, []byte("mdat"))
	clear(file[from+(len(file)-from)/20 : from+(len(file)-from)/4]) // where the first try is
	path, info = write(file)
	for name, take := range map[string]func() ([]byte, error){
		"cover": func() ([]byte, error) { return tool.Cover(t.Context(), path, info) },
		"quick": func() ([]byte, error) {
			cover, _, err := tool.QuickCover(t.Context(), path, info)
			return cover, err
		},
	} {
		if cover, err := take(); err != nil || len(cover) == 0 {
			t.Errorf("%s of a file that is damaged in part: %v", name, err)
		}
	}

	path, info = write(clip{video: goodVideo()}.bytes())
	little := New(Config{MemoryBytes: 40 << 20})
	if _, err := little.Cover(t.Context(), path, info); err == nil || Refused(err) != nil {
		t.Errorf("without memory: %v", err)
	}
	late := New(Config{})
	late.coverTimeout = time.Nanosecond
	if _, err := late.Cover(t.Context(), path, info); err == nil || Refused(err) != nil {
		t.Errorf("without time: %v", err)
	}
	gone := filepath.Join(t.TempDir(), "gone.mp4")
	if _, err := tool.Cover(t.Context(), gone, info); err == nil || Refused(err) != nil {
		t.Errorf("without a file: %v", err)
	}
}
