package media

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func probe(file []byte) (Info, error) {
	return Probe(context.Background(), bytes.NewReader(file), int64(len(file)))
}

func TestProbe(t *testing.T) {
	plain := Info{
		Container: "mp4", DurationMs: 2000, WidthPx: 640, HeightPx: 360, Faststart: true, FrameRate: 30,
		VideoCodec: "h264", VideoProfile: "Constrained Baseline", PixelFormat: "yuv420p",
	}
	with := func(change func(i *Info)) Info {
		i := plain
		change(&i)
		return i
	}
	video := func(change func(s *stream)) *stream {
		s := goodVideo()
		change(s)
		return s
	}
	audio := func(change func(s *stream)) *stream {
		s := goodAudio()
		change(s)
		return s
	}
	aac := with(func(i *Info) { i.AudioCodec, i.AudioProfile = "aac", "LC" })
	repaired := func(i Info) Info {
		i.Repair = true
		return i
	}
	mov := aac
	mov.Container = "mov"
	unknown := with(func(i *Info) { i.VideoProfile, i.PixelFormat = "", "" })
	for name, c := range map[string]struct {
		clip clip
		want Info
	}{
		"video only":      {clip{video: goodVideo()}, plain},
		"video and sound": {clip{video: goodVideo(), audio: goodAudio()}, aac},
		"QuickTime":       {clip{brand: "qt  ", video: goodVideo(), audio: goodAudio()}, mov},
		"extra data":      {clip{video: goodVideo(), audio: goodAudio(), data: true}, repaired(aac)},
		"moov last":       {clip{video: goodVideo(), moovLast: true}, with(func(i *Info) { i.Faststart = false })},
		"free space":      {clip{video: goodVideo(), betweenHeaders: mkbox("free", make([]byte, 99))}, plain},
		"avc3":            {clip{video: video(func(s *stream) { s.entry = visual("avc3", 640, 360, avcC()) })}, unknown},
		"64-bit chunks":   {clip{video: video(func(s *stream) { s.long = true })}, plain},
		"64-bit mdat": {clip{video: goodVideo(), mdatHead: func(n int) []byte {
			return slices.Concat(u32(1), []byte("mdat"), u64(uint64(n)+16))
		}}, plain},
		"mdat to the end": {clip{video: goodVideo(), mdatHead: func(int) []byte { return append(u32(0), "mdat"...) }}, plain},
		"notes of a camera": {
			clip{video: goodVideo(), tail: []byte("SEFT and more that is no box")}, plain,
		},
		"zeros behind": {clip{video: goodVideo(), tail: make([]byte, 5)}, plain},
		"turned left": {
			clip{video: video(func(s *stream) { s.tkhd = tkhd(0, 3) })},
			with(func(i *Info) { i.WidthPx, i.HeightPx, i.RotationDeg = 360, 640, 270 }),
		},
		"turned right": {
			clip{video: video(func(s *stream) { s.tkhd = tkhd(1, 1) })},
			with(func(i *Info) { i.WidthPx, i.HeightPx, i.RotationDeg = 360, 640, 90 }),
		},
		"upside down": {clip{video: video(func(s *stream) { s.tkhd = tkhd(0, 2) })}, with(func(i *Info) { i.RotationDeg = 180 })},
		"one frame": {
			clip{video: video(func(s *stream) { s.samples = frames(1); s.delta = 15 })},
			with(func(i *Info) { i.DurationMs, i.FrameRate = 500, 2 }),
		},
		"longer sound": {
			clip{video: goodVideo(), audio: audio(func(s *stream) { s.delta = 4096 })},
			with(func(i *Info) { i.AudioCodec, i.AudioProfile, i.DurationMs = "aac", "LC", 4643 }),
		},
		"empty sound": {clip{video: goodVideo(), audio: audio(func(s *stream) { s.samples = nil })}, repaired(plain)},
		"mp3": {
			clip{video: goodVideo(), audio: audio(func(s *stream) { s.entry = sound("mp4a", 0, esds(0x6b)) })},
			with(func(i *Info) { i.AudioCodec = "mp3" }),
		},
		"QuickTime sound": {
			clip{video: goodVideo(), audio: audio(func(s *stream) { s.entry = sound("mp4a", 1, mkbox("wave", esds(0x40))) })},
			aac,
		},
		"unknown mp4a": {
			clip{video: goodVideo(), audio: audio(func(s *stream) { s.entry = sound("mp4a", 0) })},
			with(func(i *Info) { i.AudioCodec = "mp4a" }),
		},
		"Opus": {
			clip{video: goodVideo(), audio: audio(func(s *stream) { s.entry = sound("Opus", 0) })},
			with(func(i *Info) { i.AudioCodec = "opus" }),
		},
		"nameless sound": {
			clip{video: goodVideo(), audio: audio(func(s *stream) { s.entry = sound("\x00\x01\x02\x03", 0) })},
			with(func(i *Info) { i.AudioCodec = "unknown" }),
		},
		"AC-3": {
			clip{video: goodVideo(), audio: audio(func(s *stream) { s.entry = sound("ac-3", 0) })},
			with(func(i *Info) { i.AudioCodec = "ac3" }),
		},
		"equal sizes": {clip{video: video(func(s *stream) {
			for i := range s.samples {
				s.samples[i] = frames(1)[0]
			}
			s.stsz = mkbox("stsz", u32(0, uint32(len(s.samples[0])), 60))
		})}, plain},
		"runs of chunks": {clip{video: video(func(s *stream) { // 60 samples in chunks of 7, 7, …, 4, written out
			s.stsc = mkbox("stsc", u32(0, 3, 1, 7, 1, 3, 7, 1, 9, 4, 1))
		})}, plain},
		"more chunks than samples": {clip{video: video(func(s *stream) {
			s.stsc = mkbox("stsc", u32(0, 1, 1, 1000, 1))
		})}, plain},
		"largest": {clip{video: video(func(s *stream) { s.entry = visual("avc1", 8192, 8192, avcC()) })}, with(func(i *Info) {
			i.WidthPx, i.HeightPx, i.VideoProfile, i.PixelFormat = 8192, 8192, "", "" // the settings say 640 x 360
		})},
	} {
		t.Run(name, func(t *testing.T) {
			file := c.clip.bytes()
			got, err := probe(file)
			if err != nil {
				t.Fatal(err)
			}
			if want := bitrate(int64(len(file)), got.DurationMs); got.BitrateBps != want || want == 0 {
				t.Errorf("%d bit/s, want %d", got.BitrateBps, want)
			}
			got.BitrateBps = 0
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestProbeRefuses(t *testing.T) {
	video := func(change func(s *stream)) []byte {
		s := goodVideo()
		change(s)
		return clip{video: s, audio: goodAudio()}.bytes()
	}
	audio := func(change func(s *stream)) []byte {
		s := goodAudio()
		change(s)
		return clip{video: goodVideo(), audio: s}.bytes()
	}
	good := clip{video: goodVideo(), audio: goodAudio()}.bytes()
	ftyp := good[:28]
	const huge = 0xffffffff
	nested := []byte{}
	for range 2000 {
		nested = mkbox("moov", nested)
	}
	cases := map[string][]byte{
		"empty":                    {},
		"one byte":                 {0},
		"text":                     []byte("hello, this is not a video at all"),
		"png":                      []byte("\x89PNG\r\n\x1a\n and so on and so on"),
		"zeros":                    make([]byte, 10000),
		"webm":                     append([]byte("\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01webm"), make([]byte, 1000)...),
		"playlist":                 []byte("#EXTM3U\n#EXTINF:10,\nfile:///etc/passwd\n"),
		"ftyp only":                ftyp,
		"no ftyp":                  good[28:],
		"no moov":                  append(slices.Clone(ftyp), mkbox("mdat", make([]byte, 100))...),
		"no mdat":                  good[:len(good)-len(bytes.Join(append(goodVideo().samples, goodAudio().samples...), nil))-8],
		"two moov":                 append(slices.Clone(good), mkbox("moov")...),
		"empty moov":               slices.Concat(ftyp, mkbox("moov"), mkbox("mdat")),
		"nested":                   slices.Concat(ftyp, nested, mkbox("mdat")),
		"moov too big":             slices.Concat(ftyp, mkbox("moov", make([]byte, maxMoov)), mkbox("mdat")),
		"many small boxes":         slices.Concat(ftyp, bytes.Repeat(mkbox("free"), maxBoxes), good[28:]),
		"many boxes inside":        slices.Concat(ftyp, mkbox("moov", bytes.Repeat(mkbox("free"), maxBoxes+1)), mkbox("mdat")),
		"many tracks":              slices.Concat(ftyp, mkbox("moov", bytes.Repeat(mkbox("trak"), maxTracks+1)), mkbox("mdat")),
		"box of 64 bits, negative": slices.Concat(ftyp, u32(1), []byte("free"), u64(1<<63), good[28:]),
		"box of 64 bits, huge":     slices.Concat(ftyp, u32(1), []byte("free"), u64(1<<62), good[28:]),
		"box of 64 bits, tiny":     slices.Concat(ftyp, u32(1), []byte("free"), u64(3), good[28:]),
		"box of 7 bytes":           slices.Concat(ftyp, u32(7), []byte("free"), good[28:]),
		"fragmented":               append(slices.Clone(good), mkbox("moof")...),
		"made for fragments":       clip{video: goodVideo(), extra: mkbox("mvex")}.bytes(),

		"sound only":     clip{audio: goodAudio()}.bytes(),
		"encrypted":      video(func(s *stream) { s.entry = visual("encv", 640, 360, avcC()) }),
		"no entry":       video(func(s *stream) { s.entry = nil }),
		"short entry":    video(func(s *stream) { s.entry = mkbox("avc1", make([]byte, 20)) }),
		"no settings":    video(func(s *stream) { s.entry = visual("avc1", 640, 360) }),
		"empty settings": video(func(s *stream) { s.entry = visual("avc1", 640, 360, mkbox("avcC", []byte{1, 66, 0, 30, 0xff, 0, 0})) }),
		"broken settings": video(func(s *stream) {
			s.entry = visual("avc1", 640, 360, mkbox("avcC", []byte{1, 66, 0, 30, 0xff, 0xe1, 0xff, 0xff}))
		}),
		"old settings":   video(func(s *stream) { s.entry = visual("avc1", 640, 360, mkbox("avcC", make([]byte, 20))) }),
		"two codecs":     video(func(s *stream) { s.entry = append(visual("avc1", 640, 360, avcC()), visual("hvc1", 640, 360)...) }),
		"no width":       video(func(s *stream) { s.entry = visual("avc1", 0, 360, avcC()) }),
		"no height":      video(func(s *stream) { s.entry = visual("avc1", 640, 0, avcC()) }),
		"too wide":       video(func(s *stream) { s.entry = visual("avc1", 8193, 360, avcC()) }),
		"no samples":     video(func(s *stream) { s.samples = nil }),
		"no duration":    video(func(s *stream) { s.delta = 0 }),
		"no timescale":   video(func(s *stream) { s.timescale = 0 }),
		"endless":        video(func(s *stream) { s.stts = mkbox("stts", u32(0, 1, huge, huge)) }),
		"endless in sum": video(func(s *stream) { s.stts = mkbox("stts", u32(0, 3, 1<<26, 1<<26, 1<<26, 1<<26, 1<<26, 1<<26)) }),
		"endless sound":  audio(func(s *stream) { s.stts = mkbox("stts", u32(0, 1, huge, huge)) }),
		"not H.264":      video(func(s *stream) { s.samples[0] = make([]byte, 40) }),
		"end not H.264":  video(func(s *stream) { s.samples[59] = make([]byte, 40) }),
		"tiny frame":     video(func(s *stream) { s.samples[0] = []byte{0, 0, 0, 0} }),
		"frame too long": video(func(s *stream) { s.samples[0][0] = 1 }),
		"forbidden bit":  video(func(s *stream) { s.samples[0][4] |= 0x80 }),

		"no stsz":           video(func(s *stream) { s.stsz = []byte{} }),
		"no stts":           video(func(s *stream) { s.stts = []byte{} }),
		"no stsc":           video(func(s *stream) { s.stsc = []byte{} }),
		"no stco":           video(func(s *stream) { s.stco = []byte{} }),
		"no tkhd":           video(func(s *stream) { s.tkhd = nil }),
		"no tkhd of sound":  audio(func(s *stream) { s.tkhd = nil }),
		"no mdhd":           video(func(s *stream) { s.mdhd = []byte{} }),
		"short mdhd":        video(func(s *stream) { s.mdhd = mkbox("mdhd", u32(0)) }),
		"stsz claims":       video(func(s *stream) { s.stsz = mkbox("stsz", u32(0, 0, huge)) }),
		"stsz equal claims": video(func(s *stream) { s.stsz = mkbox("stsz", u32(0, 40, huge)) }),
		"stsz equal huge":   video(func(s *stream) { s.stsz = mkbox("stsz", u32(0, huge, huge)) }),
		"stts claims":       video(func(s *stream) { s.stts = mkbox("stts", u32(0, huge)) }),
		"stsc claims":       video(func(s *stream) { s.stsc = mkbox("stsc", u32(0, huge)) }),
		"stco claims":       video(func(s *stream) { s.stco = mkbox("stco", u32(0, huge)) }),
		"co64 claims":       video(func(s *stream) { s.stco = mkbox("co64", u32(0, huge)) }),
		"stco empty":        video(func(s *stream) { s.stco = mkbox("stco", u32(0, 0)) }),
		"stsc empty":        video(func(s *stream) { s.stsc = mkbox("stsc", u32(0, 0)) }),
		"stsc from 0":       video(func(s *stream) { s.stsc = mkbox("stsc", u32(0, 1, 0, 7, 1)) }),
		"stsc from 2":       video(func(s *stream) { s.stsc = mkbox("stsc", u32(0, 1, 2, 7, 1)) }),
		"stsc beyond":       video(func(s *stream) { s.stsc = mkbox("stsc", u32(0, 2, 1, 7, 1, 99, 7, 1)) }),
		"stsc backwards":    video(func(s *stream) { s.stsc = mkbox("stsc", u32(0, 2, 5, 7, 1, 1, 7, 1)) }),
		"stsc of nothing":   video(func(s *stream) { s.stsc = mkbox("stsc", u32(0, 1, 1, 0, 1)) }),
		"stsc of few":       video(func(s *stream) { s.stsc = mkbox("stsc", u32(0, 1, 1, 6, 1)) }),
		"chunks in front":   video(func(s *stream) { s.offset = func(uint64) uint64 { return 0 } }),
		"chunks behind":     video(func(s *stream) { s.offset = func(o uint64) uint64 { return o + 5000 } }),
		"chunks far behind": video(func(s *stream) { s.long, s.offset = true, func(o uint64) uint64 { return o + 1<<62 } }),
		"chunks negative":   video(func(s *stream) { s.long, s.offset = true, func(o uint64) uint64 { return o | 1<<63 } }),
		"sound is missing":  audio(func(s *stream) { s.offset = func(o uint64) uint64 { return o + 200 } }),
	}
	for name, file := range cases {
		refused(t, name, file)
	}
	for name, s := range evilTables() {
		refused(t, name, clip{video: s, audio: goodAudio()}.bytes())
	}
	refused(t, "no unit of time", clip{video: goodVideo(), mvhd: mkbox("mvhd", make([]byte, 100))}.bytes())
	refused(t, "no mvhd", clip{video: goodVideo(), mvhd: mkbox("free")}.bytes())
	refused(
		t,
		"sound of ten hours of edits",
		clip{video: goodVideo(), audio: changed(goodAudio(), func(s *stream) { s.edits = elst(0, edit32{36_000_000, 0, 1 << 16}) })}.bytes(),
	)
}

func refused(t *testing.T, name string, file []byte) {
	t.Helper()
	t.Run(name, func(t *testing.T) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		info, err := probe(file)
		runtime.ReadMemStats(&after)
		if Refused(err) == nil || info != (Info{}) {
			t.Errorf("Probe = %+v, %v; want a refusal", info, err)
		}
		// Of all the process, but a claim of 2^32 entries would show.
		if took := after.TotalAlloc - before.TotalAlloc; took > 2*uint64(len(file))+2<<20 {
			t.Errorf("a file of %d bytes took %d bytes of memory", len(file), took)
		}
		if err != nil && strings.ContainsFunc(err.Error(), func(r rune) bool { return r < ' ' }) {
			t.Errorf("control characters in %q", err)
		}
	})
}

// TestProbeEveryCut cuts a file at every byte: no beginning of a video is a video.
func TestProbeEveryCut(t *testing.T) {
	toTheEnd := func(int) []byte { return append(u32(0), "mdat"...) }
	for name, c := range map[string]clip{
		"moov first":      {video: goodVideo(), audio: goodAudio()},
		"moov last":       {video: goodVideo(), audio: goodAudio(), moovLast: true},
		"mdat to the end": {video: goodVideo(), audio: goodAudio(), mdatHead: toTheEnd},
	} {
		file := c.bytes()
		for n := range len(file) {
			if info, err := probe(file[:n]); Refused(err) == nil {
				t.Fatalf("%s, the first %d of %d bytes: %+v, %v", name, n, len(file), info, err)
			}
		}
	}
}

type brokenReader struct {
	io.ReaderAt
	left int
	err  error
}

func (b *brokenReader) ReadAt(p []byte, at int64) (int, error) {
	if b.left--; b.left < 0 {
		return 0, b.err
	}
	return b.ReaderAt.ReadAt(p, at)
}

// TestProbeReadError: a disk that fails does not make a file a bad one.
func TestProbeReadError(t *testing.T) {
	file := clip{video: goodVideo()}.bytes()
	broken := errors.New("disk on fire")
	for reads := range 5 {
		_, err := Probe(t.Context(), &brokenReader{bytes.NewReader(file), reads, broken}, int64(len(file)))
		if !errors.Is(err, broken) || Refused(err) != nil {
			t.Errorf("after %d reads: %v, want the reader's error", reads, err)
		}
	}
	// A size that is not the reader's is a file that ends too early.
	if _, err := Probe(t.Context(), bytes.NewReader(file), int64(len(file))+100); Refused(err) == nil && err != nil {
		t.Errorf("longer size: %v", err)
	}
	if _, err := Probe(t.Context(), bytes.NewReader(file[:100]), int64(len(file))); Refused(err) == nil {
		t.Errorf("shorter reader: %v", err)
	}
}

// bear is the clip of the official demo's tests; it is not part of this repository.
const bear = "../../../shared/fixtures/bear.mp4"

func TestProbeBear(t *testing.T) {
	f, err := os.Open(bear)
	if err != nil {
		t.Skip("the official clip is not here")
	}
	t.Cleanup(func() { _ = f.Close() })
	stat, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	got, err := Probe(t.Context(), f, stat.Size())
	if err != nil {
		t.Fatal(err)
	}
	want := Info{
		Container: "mp4", DurationMs: 12612, WidthPx: 320, HeightPx: 240, Faststart: true, FrameRate: 29.654, BitrateBps: 202007,
		VideoCodec: "h264", VideoProfile: "Constrained Baseline", PixelFormat: "yuv420p", AudioCodec: "aac", AudioProfile: "LC",
		Repair: true, // a track of hints
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if _, err := Probe(t.Context(), f, stat.Size()-1); Refused(err) == nil {
		t.Errorf("without its last byte: %v", err)
	}
}

func FuzzProbe(f *testing.F) {
	for _, c := range []clip{
		{video: goodVideo()},
		{video: goodVideo(), audio: goodAudio(), data: true, moovLast: true},
		{brand: "qt  ", video: &stream{
			handler: "vide", entry: visual("avc3", 64, 36, avcC()), tkhd: tkhd(1, 1),
			timescale: 600, samples: frames(3), perChunk: 1, delta: 20, long: true,
		}, audio: &stream{
			handler: "soun", entry: sound("mp4a", 1, mkbox("wave", esds(0x40))), tkhd: tkhd(0, 0),
			timescale: 100, samples: frames(2), perChunk: 2, delta: 50,
		}},
	} {
		f.Add(c.bytes())
	}
	for _, name := range []string{"portrait.mp4", "camera.mov", "data.mp4", "hevc.mp4", "fragmented.mp4", "clip.webm"} {
		b, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	for _, s := range evilTables() {
		f.Add(clip{video: s}.bytes())
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		start := time.Now()
		info, err := probe(file)
		took := time.Since(start)
		runtime.ReadMemStats(&after)
		if bytes := after.TotalAlloc - before.TotalAlloc; bytes > 16*uint64(len(file))+4<<20 || took > 2*time.Second {
			t.Errorf("a file of %d bytes took %d bytes and %v", len(file), bytes, took)
		}
		switch {
		case err != nil && (Refused(err) == nil || info != (Info{})):
			t.Errorf("Probe = %+v, %v", info, err)
		case err != nil && strings.Contains(err.Error(), "the decoder failed"):
			t.Errorf("a panic: %v", err) // refused all the same, but worth to know
		case err == nil && (info.DurationMs <= 0 || info.WidthPx < 1 || info.WidthPx > maxSide ||
			info.HeightPx < 1 || info.HeightPx > maxSide || info.VideoCodec == ""):
			t.Errorf("accepted %+v", info)
		}
	})
}

func BenchmarkProbe(b *testing.B) {
	s := goodVideo()
	s.samples = frames(30 * 60)
	file := clip{video: s, audio: goodAudio()}.bytes()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := probe(file); err != nil {
			b.Fatal(err)
		}
	}
}
