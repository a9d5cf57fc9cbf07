package media

import (
	"bytes"
	"encoding/json"
	"image"
	"image/png"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// bright is a video for bright screens, all of it in the one colour 0x609060. Shown as it is on other screens that is a
// dull green; its light is that of a lit surface, and its green one that they do not have.
func bright(t *testing.T, transfer, name string, codec ...string) string {
	t.Helper()
	args := []string{
		"-f", "lavfi", "-i", "color=c=0x609060:size=322x182:rate=10:duration=1," +
			"format=gbrp,scale=out_color_matrix=bt2020:out_range=tv,format=yuv420p10le," +
			"setparams=range=tv:color_primaries=bt2020:color_trc=" + transfer + ":colorspace=bt2020nc",
	}
	args = append(args, codec...)
	args = append(args, "-color_primaries", "bt2020", "-color_trc", transfer, "-colorspace", "bt2020nc", "-color_range", "tv")
	return ffmpeg(t, name, args...)
}

// shownStream is what ffprobe says of the pictures.
type shownStream struct {
	Pixels    string `json:"pix_fmt"`
	Transfer  string `json:"color_transfer"`
	Space     string `json:"color_space"`
	Primaries string `json:"color_primaries"`
	Range     string `json:"color_range"`
}

func streamOf(t *testing.T, path string) (s shownStream, frames string) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "ffprobe", "-v", "error", "-select_streams", "v:0", "-show_streams", "-show_frames",
		"-of", "json", path).
		Output()
	if err != nil {
		t.Fatal(err)
	}
	var all struct {
		Streams []shownStream `json:"streams"`
	}
	if err := json.Unmarshal(out, &all); err != nil || len(all.Streams) != 1 {
		t.Fatalf("%v: %s", err, out)
	}
	return all.Streams[0], string(out)
}

// middle is the colour in the middle of the first picture of a file.
func middle(t *testing.T, path string) (r, g, b int) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "ffmpeg", "-v", "error", "-nostdin", "-i", path, "-frames:v", "1", "-f", "image2pipe",
		"-c:v", "png", "-").
		Output()
	if err != nil {
		t.Fatal(err)
	}
	picture, err := png.Decode(bytes.NewReader(out))
	if err != nil {
		t.Fatal(err)
	}
	return middleOf(picture)
}

func middleOf(picture image.Image) (r, g, b int) {
	size := picture.Bounds().Size()
	x, y, z, _ := picture.At(size.X/2, size.Y/2).RGBA()
	return int(x >> 8), int(y >> 8), int(z >> 8)
}

// wantGreen checks that a colour was mapped, not shown as it is: then the green is about 50 more than the red.
func wantGreen(t *testing.T, what string, r, g, b int) {
	t.Helper()
	if g-r < 110 || g-b < 40 {
		t.Errorf("%s is %d %d %d", what, r, g, b)
	}
}

// What is made for bright screens comes out for all screens, in everything that is made of it.
func TestHDR(t *testing.T) {
	tools := needFFmpeg(t)
	if !tools.version().zimg {
		t.Skip(tools.Describe())
	}
	hevc := []string{"-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=none", "-tag:v", "hvc1"}
	for name, c := range map[string]struct {
		transfer, file string
		codec          []string
	}{
		"PQ, HEVC":  {transferPQ, "in.mov", hevc},
		"HLG, HEVC": {transferHLG, "in.mp4", hevc},
		"PQ, VP9":   {transferPQ, "in.webm", []string{"-c:v", "libvpx-vp9", "-profile:v", "2", "-deadline", "realtime", "-cpu-used", "8"}},
	} {
		t.Run(name, func(t *testing.T) { testHDR(t, tools, c.transfer, bright(t, c.transfer, c.file, c.codec...)) })
	}
}

func testHDR(t *testing.T, tools *Tools, transfer, path string) {
	t.Helper()
	if s, _ := streamOf(t, path); s.Transfer != transfer || s.Pixels != "yuv420p10le" {
		t.Fatalf("ffmpeg has made %+v", s)
	}
	info, err := tools.Probe(t.Context(), path)
	if err != nil || info.Needs() != NeedTranscode {
		t.Fatalf("%+v, %v", info, err)
	}
	out, dir, preview := filepath.Join(t.TempDir(), "out.mp4"), t.TempDir(), filepath.Join(t.TempDir(), "p.webp")
	if _, err := tools.MakePlayable(t.Context(), path, out, info, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := tools.HLS(t.Context(), path, dir, info, nil); err != nil {
		t.Fatal(err)
	}
	for what, path := range map[string]string{"transcode": out, "ladder": filepath.Join(dir, "182p", playlistName)} {
		wantSDR(t, what, path)
		r, g, b := middle(t, path)
		wantGreen(t, what, r, g, b)
	}
	odd := info
	odd.WidthPx, odd.HeightPx = 321, 181
	picture, err := tools.Cover(t.Context(), path, odd)
	if err != nil {
		t.Fatal(err)
	}
	r, g, b := middleOf(decodePicture(t, picture, "jpeg"))
	wantGreen(t, "cover", r, g, b)
	if err := tools.Preview(t.Context(), path, preview, odd); err != nil {
		t.Errorf("preview: %v", err)
	}
}

// wantSDR checks that a video is labelled as one for all screens, and that nothing of the other label is left.
func wantSDR(t *testing.T, what, path string) {
	t.Helper()
	s, all := streamOf(t, path)
	if want := (shownStream{"yuv420p", "bt709", "bt709", "bt709", "tv"}); s != want {
		t.Errorf("%s: %+v, want %+v", what, s, want)
	}
	for _, data := range []string{"Mastering", "Content light", "2020"} {
		if strings.Contains(all, data) {
			t.Errorf("%s still says %s", what, data)
		}
	}
}

// Without zscale it comes out flat, but labelled as what it is.
func TestHDRWithoutToneMapping(t *testing.T) {
	tools := needFFmpeg(t)
	v := tools.version()
	v.zimg = false
	tools.version = func() version { return v }
	if s := tools.Describe(); !strings.Contains(s, "HDR") {
		t.Errorf("%s says nothing of it", s)
	}
	path := bright(t, transferPQ, "in.mp4", "-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=none")
	info, err := tools.Probe(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "out.mp4")
	if _, err := tools.MakePlayable(t.Context(), path, out, info, nil); err != nil {
		t.Fatal(err)
	}
	wantSDR(t, "transcode", out)
}

// Nothing is different for what is not for bright screens, and of eight bits nobody even asks.
func TestNoHDR(t *testing.T) {
	tools := needFFmpeg(t)
	for _, name := range []string{"landscape.mp4", "hevc.mp4", "clip.webm", "tenbit.mp4"} {
		path := filepath.Join("testdata", name)
		info, err := tools.Probe(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		asked := tools.withTransfer(t.Context(), path, info)
		if f := tools.sizeFilter(asked, 320, 180); f != "scale=320:180,setsar=1" || tools.pictureFilter(asked, 320, 180) != f ||
			labelArgs(asked) != nil {
			t.Errorf("%s: %s", name, f)
		}
		if eight := info.PixelFormat == "yuv420p"; eight != (asked.Transfer == info.Transfer) {
			t.Errorf("%s was %q, is %q", name, info.Transfer, asked.Transfer)
		}
	}
}
