package media

import (
	"bytes"
	"encoding/binary"
	"image"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// fixture is a file of testdata, or one that is made from them, and what is to become of it.
type fixture struct {
	name   string
	file   func(t *testing.T) []byte
	reason Reason // refused, also with ffmpeg
	alone  Reason // refused without ffmpeg
	need   Need
	size   image.Point // as shown
	made   image.Point // after MakePlayable, when that is another
	check  func(i Info) bool
}

func shipped(name string) func(t *testing.T) []byte {
	return func(t *testing.T) []byte {
		t.Helper()
		b, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
}

func bytesOf(b []byte) func(*testing.T) []byte { return func(*testing.T) []byte { return b } }

// zeroDuration sets the time that every sample is shown to none.
func zeroDuration(t *testing.T) []byte {
	b := shipped("silent.mp4")(t)
	at := bytes.Index(b, []byte("stts")) + 8
	for i := range binary.BigEndian.Uint32(b[at:]) {
		binary.BigEndian.PutUint32(b[at+8+8*int(i):], 0)
	}
	return b
}

func fixtures() []fixture {
	wide, high := image.Pt(320, 180), image.Pt(180, 320)
	head := mkbox("ftyp", []byte("isom"), u32(512), []byte("isom"))
	deep := mkbox("trak")
	for range 10_000 {
		deep = mkbox("moov", deep)
	}
	cut := func(name string, part float64) func(*testing.T) []byte {
		return func(t *testing.T) []byte {
			b := shipped(name)(t)
			return b[:int(part*float64(len(b)))]
		}
	}
	return []fixture{
		{name: "portrait", file: shipped("portrait.mp4"), need: NeedNothing, size: high},
		{name: "landscape", file: shipped("landscape.mp4"), need: NeedFaststart, size: wide},
		{name: "silent", file: shipped("silent.mp4"), need: NeedFaststart, size: wide, check: func(i Info) bool { return i.AudioCodec == "" }},
		{
			name:  "rotated",
			file:  shipped("rotated.mp4"),
			need:  NeedFaststart,
			size:  high,
			check: func(i Info) bool { return i.RotationDeg == 270 },
		},
		{name: "data stream", file: shipped("data.mp4"), need: NeedFaststart, size: wide},
		{name: "black", file: shipped("black.mp4"), need: NeedFaststart, size: image.Pt(160, 90)},
		{name: "QuickTime", file: shipped("camera.mov"), need: NeedRemux, size: wide, check: func(i Info) bool { return i.Location }},
		{name: "4:4:4, odd", file: shipped("odd.mp4"), need: NeedTranscode, size: image.Pt(321, 241), made: image.Pt(320, 240)},
		{
			name:  "10 bit",
			file:  shipped("tenbit.mp4"),
			need:  NeedTranscode,
			size:  wide,
			check: func(i Info) bool { return i.PixelFormat == "yuv420p10le" },
		},
		{
			name:  "HEVC",
			file:  shipped("hevc.mp4"),
			need:  NeedTranscode,
			size:  wide,
			check: func(i Info) bool { return i.VideoCodec == "hevc" && i.PixelFormat == "yuv420p" },
		},
		{name: "fragmented", file: shipped("fragmented.mp4"), alone: Unsupported, need: NeedRemux, size: wide},
		{
			name:  "WebM",
			file:  shipped("clip.webm"),
			alone: Unsupported,
			need:  NeedTranscode,
			size:  wide,
			check: func(i Info) bool { return i.VideoCodec == "vp9" && i.AudioCodec == "opus" },
		},
		{name: "Matroska", file: shipped("clip.mkv"), alone: Unsupported, need: NeedTranscode, size: wide},
		{name: "AVI", file: shipped("clip.avi"), alone: Unsupported, need: NeedTranscode, size: wide},

		{name: "sound only", file: shipped("sound.mp4"), reason: NoVideoTrack},
		{name: "empty", file: bytesOf(nil), reason: Empty},
		{name: "text", file: bytesOf(bytes.Repeat([]byte("not a video\n"), 1000)), reason: NotVideo},
		{name: "playlist", file: bytesOf([]byte("#EXTM3U\n#EXTINF:1,\nlandscape.mp4\n")), reason: NotVideo},
		{name: "list of files", file: bytesOf([]byte("ffconcat version 1.0\nfile landscape.mp4\n")), reason: NotVideo},
		{
			name:   "picture in boxes",
			file:   bytesOf(slices.Concat(mkbox("ftyp", []byte("heic"), u32(0)), mkbox("meta", make([]byte, 900)))),
			reason: NotVideo,
		},
		{name: "cut in the content", file: cut("portrait.mp4", 0.9), reason: Truncated},
		{name: "cut before the description", file: cut("landscape.mp4", 0.5), reason: Truncated},
		{name: "cut in the description", file: cut("landscape.mp4", 0.95), reason: Truncated},
		{name: "no length", file: zeroDuration, reason: ZeroDuration},
		{name: "moov in moov", file: bytesOf(slices.Concat(head, deep, mkbox("mdat"))), reason: NoVideoTrack},
		{name: "moov after moov", file: bytesOf(slices.Concat(head, bytes.Repeat(mkbox("moov"), 100_000))), reason: Damaged},
		{name: "tracks", file: bytesOf(slices.Concat(head, mkbox("moov", bytes.Repeat(mkbox("trak"), 100_000)), mkbox("mdat"))), reason: Damaged},
		{name: "a moov of 2 GB", file: bytesOf(slices.Concat(head, u32(1<<31), []byte("moov"))), reason: Truncated},
		{name: "WebM in name only", file: bytesOf([]byte("\x1a\x45\xdf\xa3 and then something else")), alone: Unsupported, reason: Damaged},
	}
}

// write stores a fixture under a name that says nothing of it.
func (f fixture) write(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "-i 'a b' %d;$(c)\u202e.exe")
	if err := os.WriteFile(path, f.file(t), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func wantRefusal(t *testing.T, err error, want Reason) {
	t.Helper()
	if r := Refused(err); r == nil || r.Reason != want || r.Text == "" {
		t.Errorf("%v (%+v), want a refusal as %s", err, r, want)
	}
}

// TestFixturesAlone is what can be done without ffmpeg.
func TestFixturesAlone(t *testing.T) {
	tools := New(Config{FFmpeg: "off"})
	for _, f := range fixtures() {
		t.Run(f.name, func(t *testing.T) {
			path := f.write(t)
			info, err := tools.Probe(t.Context(), path)
			if f.alone != "" {
				wantRefusal(t, err, f.alone)
				return
			}
			if f.reason != "" {
				wantRefusal(t, err, f.reason)
				return
			}
			f.checkInfo(t, info, err)
			made, err := tools.MakePlayable(t.Context(), path, filepath.Join(t.TempDir(), "out.mp4"), info, nil)
			if f.need == NeedTranscode {
				wantRefusal(t, err, Unsupported)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if f.need != NeedNothing && !made.Faststart || !playable(made) || made.Location || made.DurationMs != info.DurationMs {
				t.Errorf("made %+v of %+v", made, info)
			}
			if !tools.HasFFmpeg() {
				return
			}
			cover, err := tools.Cover(t.Context(), path, info)
			if err != nil || decodePicture(t, cover, "jpeg").Bounds().Dx() < 1 {
				t.Errorf("cover: %v", err)
			}
		})
	}
}

func (f fixture) checkInfo(t *testing.T, info Info, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	if size := image.Pt(int(info.WidthPx), int(info.HeightPx)); info.Needs() != f.need || size != f.size || f.check != nil && !f.check(info) {
		t.Errorf("needs %v, want %v, of size %v: %+v", info.Needs(), f.need, f.size, info)
	}
	if want := f.need == NeedNothing || f.need == NeedFaststart; playable(info) != want {
		t.Errorf("playable is %v", playable(info))
	}
}

// playable reports whether every player surely plays the file, though it may lack Faststart.
func playable(i Info) bool { return i.Container == "mp4" && !i.Fragmented && i.playableTracks() }

// TestFixturesWithFFmpeg makes each playable, plays all of it, and takes a cover.
func TestFixturesWithFFmpeg(t *testing.T) {
	tools := needFFmpeg(t)
	for _, f := range fixtures() {
		t.Run(f.name, func(t *testing.T) {
			path := f.write(t)
			info, err := tools.Probe(t.Context(), path)
			if f.reason != "" {
				wantRefusal(t, err, f.reason)
				return
			}
			f.checkInfo(t, info, err)
			out := filepath.Join(t.TempDir(), "out.mp4")
			var last float64
			made, err := tools.MakePlayable(t.Context(), path, out, info, func(part float64) {
				if part < last || part > 1 {
					t.Errorf("progress goes from %v to %v", last, part)
				}
				last = part
			})
			if err != nil {
				t.Fatal(err)
			}
			if f.need == NeedTranscode && last < 0.9 {
				t.Errorf("progress ends at %v", last)
			}
			size := f.size
			if f.made != (image.Point{}) {
				size = f.made
			}
			if got := image.Pt(int(made.WidthPx), int(made.HeightPx)); got != size {
				t.Errorf("made %v of %v", got, f.size)
			}
			if made.Needs() != NeedNothing || made.AudioCodec != map[bool]string{true: "aac"}[info.AudioCodec != ""] {
				t.Errorf("made %+v", made)
			}
			decodes(t, out)
			cover, err := tools.Cover(t.Context(), path, info)
			if err != nil {
				t.Fatal(err)
			}
			picture := decodePicture(t, cover, "jpeg")
			if picture.Bounds().Size() != f.size {
				t.Errorf("cover of %v is %v", f.size, picture.Bounds().Size())
			}
			if light := lightness(picture); light < darkest {
				t.Errorf("the cover is dark: %v", light)
			}
		})
	}
}

// TestProbesAgree compares what is read in Go with what ffprobe says.
func TestProbesAgree(t *testing.T) {
	tools := needFFmpeg(t)
	for _, f := range fixtures() {
		if f.reason != "" || f.alone != "" {
			continue
		}
		t.Run(f.name, func(t *testing.T) {
			path := f.write(t)
			own, err := probeFile(t.Context(), path)
			if err != nil {
				t.Fatal(err)
			}
			theirs, err := tools.ask(t.Context(), path)
			if err != nil {
				t.Fatal(err)
			}
			if d := own.DurationMs - theirs.DurationMs; d < -50 || d > 50 {
				t.Errorf("%d ms, ffprobe says %d", own.DurationMs, theirs.DurationMs)
			}
			theirs.DurationMs, theirs.BitrateBps, theirs.Faststart, theirs.Fragmented, theirs.Transfer, theirs.Repair =
				own.DurationMs, own.BitrateBps, own.Faststart, false, own.Transfer, own.Repair
			if diff := cmp.Diff(theirs, own); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// needFFmpeg returns tools that can do everything, or skips.
func needFFmpeg(t testing.TB) *Tools {
	t.Helper()
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		t.Skip("ffmpeg is not installed")
	}
	tools := New(Config{})
	if !tools.CanEncode() || !tools.CanPreview() || tools.ffprobe == "" {
		t.Skip(tools.Describe())
	}
	return tools
}

// decodes plays a file, or a playlist of our own, to its end; the first error fails.
func decodes(t *testing.T, path string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "ffmpeg", "-nostdin", "-v", "error", "-xerror", "-i", path, "-f", "null", "-")
	if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("%s does not play: %v: %s", filepath.Base(path), err, out)
	}
}
