package media

import (
	"context"
	"errors"
	"image"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// fullHD is a portrait video with sound of nine seconds, its key frames at odd times.
func fullHD(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "in.mp4")
	out, err := exec.CommandContext(t.Context(), "ffmpeg", "-nostdin", "-v", "error",
		"-f", "lavfi", "-i", "testsrc2=size=1080x1920:rate=15:duration=9", "-f", "lavfi", "-i", "sine=frequency=440:duration=9",
		"-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "37", "-c:a", "aac", path).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return path
}

func TestHLS(t *testing.T) {
	tools := needFFmpeg(t)
	for name, c := range map[string]struct {
		path  string
		rungs []image.Point
	}{
		"full HD": {fullHD(t), []image.Point{{360, 640}, {540, 960}, {720, 1280}, {1080, 1920}}},
		"tiny":    {"testdata/landscape.mp4", []image.Point{{320, 180}}},
		"silent":  {"testdata/silent.mp4", []image.Point{{320, 180}}},
		"rotated": {"testdata/rotated.mp4", []image.Point{{180, 320}}},
		"odd":     {"testdata/odd.mp4", []image.Point{{320, 240}}},
		"WebM":    {"testdata/clip.webm", []image.Point{{320, 180}}},
	} {
		t.Run(name, func(t *testing.T) {
			info, err := tools.Probe(t.Context(), c.path)
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			last := 0.0
			ladder, err := tools.HLS(t.Context(), c.path, dir, info, func(p float64) { last = p })
			if err != nil {
				t.Fatal(err)
			}
			if last < 0.9 {
				t.Errorf("progress ends at %v", last)
			}
			var sizes []image.Point
			for i, r := range ladder.Rungs {
				sizes = append(sizes, image.Pt(r.WidthPx, r.HeightPx))
				if r.PeakBps < r.AverageBps || r.AverageBps < 1000 || i > 0 && r.AverageBps <= ladder.Rungs[i-1].AverageBps {
					t.Errorf("rates of %+v", r)
				}
			}
			if !slices.Equal(sizes, c.rungs) {
				t.Errorf("rungs %v, want %v", sizes, c.rungs)
			}
			checkFiles(t, dir, ladder)
			checkMaster(t, dir, ladder, info.AudioCodec != "")
			checkAligned(t, dir, ladder)
			for _, r := range ladder.Rungs {
				decodes(t, filepath.Join(dir, r.Name, playlistName))
			}
			decodes(t, filepath.Join(dir, masterName))
		})
	}
}

// checkFiles compares the list with what is there: everything, playlists behind segments, the master last.
func checkFiles(t *testing.T, dir string, l Ladder) {
	t.Helper()
	var found []string
	if err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			rel, _ := filepath.Rel(dir, path)
			found = append(found, filepath.ToSlash(rel))
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	slices.Sort(found)
	if listed := slices.Sorted(slices.Values(l.Files)); !slices.Equal(listed, found) {
		t.Errorf("listed %v\nfound %v", listed, found)
	}
	list := slices.IndexFunc(l.Files, func(f string) bool { return strings.HasSuffix(f, ".m3u8") })
	segment := len(l.Files) - 1
	for segment >= 0 && strings.HasSuffix(l.Files[segment], ".m3u8") {
		segment--
	}
	if segment > list || l.Files[len(l.Files)-1] != masterName {
		t.Errorf("order %v", l.Files)
	}
}

func checkMaster(t *testing.T, dir string, l Ladder, sound bool) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, masterName))
	if err != nil {
		t.Fatal(err)
	}
	codecs := `avc1\.6400[0-9a-f]{2}`
	if sound {
		codecs += `,mp4a\.40\.2`
	}
	line := regexp.MustCompile(
		`#EXT-X-STREAM-INF:BANDWIDTH=\d+,AVERAGE-BANDWIDTH=\d+,RESOLUTION=\d+x\d+,CODECS="` + codecs + `"(,AUDIO="sound")?\n\d+p/index\.m3u8\n`,
	)
	if got := len(line.FindAllString(string(b), -1)); got != len(l.Rungs) || strings.Contains(string(b), "AUDIO") != sound {
		t.Errorf("%d of %d rungs in\n%s", got, len(l.Rungs), b)
	}
}

// checkAligned compares the lengths of the segments of all rungs: where they are cut is where a player changes rungs.
func checkAligned(t *testing.T, dir string, l Ladder) {
	t.Helper()
	var first []string
	for _, r := range l.Rungs {
		b, err := os.ReadFile(filepath.Join(dir, r.Name, playlistName))
		if err != nil {
			t.Fatal(err)
		}
		cuts := regexp.MustCompile(`#EXTINF:[\d.]+`).FindAllString(string(b), -1)
		if first == nil {
			first = cuts
		}
		if !slices.Equal(cuts, first) || !strings.Contains(string(b), "#EXT-X-ENDLIST") || !strings.Contains(string(b), "#EXT-X-MAP") {
			t.Errorf("%s is cut at %v, the first at %v", r.Name, cuts, first)
		}
		if len(cuts) > 1 && cuts[0] != "#EXTINF:4.000000" {
			t.Errorf("%s begins with a segment of %s", r.Name, cuts[0])
		}
	}
}

func TestHLSStops(t *testing.T) {
	tools := needFFmpeg(t)
	path := fullHD(t)
	info, err := tools.Probe(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	_, err = tools.HLS(ctx, path, t.TempDir(), info, func(float64) { cancel() })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: %v", err)
	}
	short := New(Config{JobTimeout: time.Millisecond})
	short.version = tools.version
	_, err = short.HLS(t.Context(), path, t.TempDir(), info, nil)
	if wantRefusal(t, err, TooCostly); !strings.Contains(err.Error(), "longer than") {
		t.Errorf("no time: %v", err)
	}
	if len(tools.heavy)+len(short.heavy) != 0 {
		t.Error("a slot is still taken")
	}
	_, err = New(Config{FFmpeg: off}).HLS(t.Context(), path, t.TempDir(), info, nil)
	wantRefusal(t, err, Unsupported)
}

func TestRungs(t *testing.T) {
	for size, want := range map[image.Point]string{
		{1920, 1080}: "360p 640x360 540p 960x540 720p 1280x720 1080p 1920x1080",
		{2160, 3840}: "360p 360x640 540p 540x960 720p 720x1280 1080p 1080x1920",
		{480, 854}:   "360p 360x640",
		{100, 51}:    "50p 100x50",
		{1, 1}:       "2p 2x2",
		{8192, 100}:  "46p 3840x46",
	} {
		var got []string
		for _, r := range rungsOf(Info{WidthPx: int32(size.X), HeightPx: int32(size.Y)}) {
			got = append(got, r.Name, strings.ReplaceAll(strings.Trim(image.Pt(r.WidthPx, r.HeightPx).String(), "()"), ",", "x"))
		}
		if s := strings.Join(got, " "); s != want {
			t.Errorf("%v: %s, want %s", size, s, want)
		}
	}
}

func TestPreview(t *testing.T) {
	tools := needFFmpeg(t)
	for path, size := range map[string]image.Point{
		"testdata/portrait.mp4": {180, 320}, "testdata/rotated.mp4": {180, 320}, "testdata/clip.webm": {320, 180}, "testdata/odd.mp4": {320, 240},
	} {
		info, err := tools.Probe(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		out := filepath.Join(t.TempDir(), "preview.webp")
		if err := tools.Preview(t.Context(), path, out, info); err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		if len(b) < 1000 || len(b) > 200<<10 || string(b[:4]) != "RIFF" || string(b[8:16]) != "WEBPVP8X" ||
			!strings.Contains(string(b[:100]), "ANIM") {
			t.Fatalf("%s: %d bytes that begin with %q", path, len(b), b[:min(len(b), 40)])
		}
		// Width and height less one, three bytes each.
		if got := image.Pt(int(b[24])|int(b[25])<<8+1, int(b[27])|int(b[28])<<8+1); got != size {
			t.Errorf("%s: a preview of %v, want %v", path, got, size)
		}
	}
}
