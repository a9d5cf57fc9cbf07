package media

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func faststart(t testing.TB, file []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	n, err := Faststart(t.Context(), bytes.NewReader(file), int64(len(file)), &out)
	if err != nil {
		t.Fatal(err)
	}
	if n != int64(out.Len()) {
		t.Errorf("says %d bytes, wrote %d", n, out.Len())
	}
	return out.Bytes()
}

// content reads what the tables of picture and sound point at, in their order.
func content(t testing.TB, r io.ReaderAt, size int64) (all [][]byte, m movie) {
	t.Helper()
	m, err := open(t.Context(), r, size)
	if err != nil {
		t.Fatal(err)
	}
	for _, tr := range []*track{m.video, m.audio} {
		if tr == nil {
			continue
		}
		var next uint64
		for i, run := range tr.runs.Entries {
			end := tr.chunks() + 1
			if i+1 < len(tr.runs.Entries) {
				end = uint64(tr.runs.Entries[i+1].FirstChunk)
			}
			for chunk := uint64(run.FirstChunk); chunk < end && next < uint64(tr.samples()); chunk++ {
				n := min(uint64(run.SamplesPerChunk), uint64(tr.samples())-next)
				data := make([]byte, tr.bytes(next, n))
				if err := readAt(r, int64(tr.chunk(chunk)), data); err != nil {
					t.Fatal(err)
				}
				all, next = append(all, data), next+n
			}
		}
	}
	return all, m
}

// twoContents splits the content into two boxes with something between them.
func twoContents() []byte {
	c := clip{video: goodVideo(), audio: goodAudio(), moovLast: true}
	videoBytes := len(bytes.Join(c.video.samples, nil))
	gap := slices.Concat(mkbox("free", make([]byte, 77)))
	body := bytes.Join(append(slices.Clone(c.video.samples), c.audio.samples...), nil)
	head := mkbox("ftyp", []byte("isom"), u32(512), []byte("isom"))
	audioAt := len(head) + 8 + videoBytes + len(gap) + 8
	return slices.Concat(head, mkbox("mdat", body[:videoBytes]), gap, mkbox("mdat", body[videoBytes:]),
		mkbox("moov", mvhd(2000), c.video.trak(uint64(len(head)+8)), c.audio.trak(uint64(audioAt))))
}

func TestFaststart(t *testing.T) {
	quick := &stream{}
	*quick = *goodAudio()
	quick.entry = sound("mp4a", 1, mkbox("wave", mkbox("frma", []byte("mp4a")), esds(0x40)))
	long := goodVideo()
	long.long = true
	colour := goodVideo()
	colour.entry = visual("avc1", 640, 360, avcC(), mkbox("colr", []byte("nclc"), u16(1), u16(1), u16(1)), make([]byte, 4))
	travelled := goodVideo()
	travelled.tkhd = append(travelled.tkhd, mkbox("udta", mkbox("\xa9xyz", []byte("+48+002/")))...)
	for name, file := range map[string][]byte{
		"location of a track": clip{video: travelled}.bytes(),
		"moov last":           clip{video: goodVideo(), audio: goodAudio(), moovLast: true}.bytes(),
		"data track":          clip{video: goodVideo(), audio: goodAudio(), moovLast: true, data: true}.bytes(),
		"wide offsets":        clip{video: long, moovLast: true}.bytes(),
		"notes behind":        clip{video: goodVideo(), moovLast: true, tail: []byte("SEFT and more")}.bytes(),
		"free space":          clip{video: goodVideo(), moovLast: true, betweenHeaders: mkbox("free", make([]byte, 99))}.bytes(),
		"several mdat":        twoContents(),
		"location":            clip{video: goodVideo(), extra: mkbox("udta", mkbox("\xa9xyz", []byte("+48+002/")))}.bytes(),
		"QuickTime":           clip{brand: "qt  ", video: colour, audio: quick, data: true}.bytes(),
		"QuickTime, last":     clip{brand: "qt  ", video: goodVideo(), audio: goodAudio(), moovLast: true}.bytes(),
		"wide content": clip{video: goodVideo(), moovLast: true, mdatHead: func(n int) []byte {
			return slices.Concat(u32(1), []byte("mdat"), u64(uint64(n)+16))
		}}.bytes(),
	} {
		t.Run(name, func(t *testing.T) {
			before, from := content(t, bytes.NewReader(file), int64(len(file)))
			out := faststart(t, file)
			after, to := content(t, bytes.NewReader(out), int64(len(out)))
			if !slices.EqualFunc(before, after, bytes.Equal) {
				t.Error("the samples are not the same")
			}
			if to.info.Needs() != NeedNothing || to.info.DurationMs != from.info.DurationMs || to.info.AudioCodec != from.info.AudioCodec {
				t.Errorf("%+v of %+v", to.info, from.info)
			}
			if bytes.Contains(out, []byte("xyz")) || bytes.Contains(out, []byte("tmcd")) {
				t.Error("notes or other tracks are still there")
			}
			if again := faststart(t, out); !bytes.Equal(again, out) {
				t.Error("what needs nothing is not copied as it is")
			}
		})
	}
}

func TestFaststartQuickTimeItCannotCarry(t *testing.T) {
	five := goodAudio()
	five.entry = sound("mp4a", 2, esds(0x40))
	file := clip{brand: "qt  ", video: goodVideo(), audio: five}.bytes()
	_, err := Faststart(t.Context(), bytes.NewReader(file), int64(len(file)), io.Discard)
	wantRefusal(t, err, Unsupported)
}

func TestFaststartStops(t *testing.T) {
	file := clip{video: goodVideo(), moovLast: true}.bytes()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Faststart(ctx, bytes.NewReader(file), int64(len(file)), io.Discard); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: %v", err)
	}
	full := errors.New("no space left")
	for room := range 3 {
		w := &fullWriter{left: room, err: full}
		if _, err := Faststart(t.Context(), bytes.NewReader(file), int64(len(file)), w); !errors.Is(err, full) {
			t.Errorf("after %d writes: %v", room, err)
		}
	}
}

type fullWriter struct {
	left int
	err  error
}

func (w *fullWriter) Write(p []byte) (int, error) {
	if w.left--; w.left < 0 {
		return 0, w.err
	}
	return len(p), nil
}

// sparse is a file of zeros but for some parts.
type sparse struct {
	size  int64
	parts map[int64][]byte
}

func (s sparse) ReadAt(p []byte, at int64) (int, error) {
	n := int(max(min(int64(len(p)), s.size-at), 0))
	clear(p[:n])
	for start, part := range s.parts {
		if from, to := max(start, at), min(start+int64(len(part)), at+int64(n)); from < to {
			copy(p[from-at:to-at], part[from-start:to-start])
		}
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// keeper keeps the beginning of what is written and some parts behind it.
type keeper struct {
	head bytes.Buffer
	tail tail
	n    int64
}

func (k *keeper) Write(p []byte) (int, error) {
	if k.head.Len() < 64<<10 {
		k.head.Write(p[:min(len(p), 64<<10)])
	}
	k.n += int64(len(p))
	return k.tail.Write(p)
}

// TestFaststartBeyond32Bits moves a content of just under 4 GiB: what fitted into offsets of 32 bits no longer does.
func TestFaststartBeyond32Bits(t *testing.T) {
	if testing.Short() {
		t.Skip("copies 4 GB in memory")
	}
	v := goodVideo()
	samples := bytes.Join(v.samples, nil)
	head := mkbox("ftyp", []byte("isom"), u32(512), []byte("isom"))
	// The content is a box of the greatest length of 32 bits less 100; the samples are at its end.
	const mdat = math.MaxUint32 - 100
	first := int64(len(head)) + mdat - int64(len(samples))
	moov := mkbox("moov", mvhd(2000), v.trak(uint64(first)))
	end := int64(len(head)) + mdat
	file := sparse{size: end + int64(len(moov)), parts: map[int64][]byte{
		0: slices.Concat(head, binary.BigEndian.AppendUint32(nil, mdat), []byte("mdat")), first: samples, end: moov,
	}}
	k := &keeper{tail: tail{max: 64 << 10}}
	n, err := Faststart(t.Context(), file, file.size, k)
	if err != nil {
		t.Fatal(err)
	}
	out := sparse{size: k.n, parts: map[int64][]byte{0: k.head.Bytes(), k.n - int64(len(k.tail.buf)): k.tail.buf}}
	before, _ := content(t, file, file.size)
	after, m := content(t, out, n)
	if !slices.EqualFunc(before, after, bytes.Equal) {
		t.Error("the samples are not the same")
	}
	if m.video.co64 == nil || !m.info.Faststart {
		t.Errorf("offsets did not grow: %+v", m.info)
	}
}

func FuzzFaststart(f *testing.F) {
	f.Add(clip{video: goodVideo(), audio: goodAudio(), moovLast: true}.bytes())
	f.Add(clip{brand: "qt  ", video: goodVideo(), audio: goodAudio(), data: true}.bytes())
	f.Add(twoContents())
	for _, file := range misleading() {
		f.Add(file)
	}
	for _, name := range []string{"camera.mov", "landscape.mp4", "rotated.mp4", "hevc.mp4"} {
		b, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		m, err := open(t.Context(), bytes.NewReader(file), int64(len(file)))
		if err != nil {
			return
		}
		var out bytes.Buffer
		if _, err := Faststart(t.Context(), bytes.NewReader(file), int64(len(file)), &out); err != nil {
			if Refused(err) == nil {
				t.Errorf("%v", err)
			}
			return
		}
		if out.Len() > 2*len(file)+4096 {
			t.Errorf("%d bytes of %d", out.Len(), len(file))
		}
		made, err := open(t.Context(), bytes.NewReader(out.Bytes()), int64(out.Len()))
		if err != nil {
			t.Fatalf("what was made of an accepted file is refused: %v", err)
		}
		if made.info.DurationMs != m.info.DurationMs || made.info.WidthPx != m.info.WidthPx || made.video.samples() != m.video.samples() {
			t.Errorf("%+v of %+v", made.info, m.info)
		}
		if made.info.Needs() != NeedNothing && m.info.Needs() != NeedTranscode {
			t.Errorf("what was made needs %v: %+v of %+v", made.info.Needs(), made.info, m.info)
		}
	})
}

// bigFile writes a file of about 100 MB whose description is at its end.
func bigFile(b *testing.B) (path string, size int64) {
	b.Helper()
	v := goodVideo()
	v.samples = make([][]byte, 3000)
	for i := range v.samples {
		v.samples[i] = append(u32(33_996), make([]byte, 33_996)...)
		v.samples[i][4] = 0x65
	}
	v.perChunk = 10
	file := clip{video: v, audio: goodAudio(), moovLast: true}.bytes()
	path = filepath.Join(b.TempDir(), "big.mp4")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		b.Fatal(err)
	}
	return path, int64(len(file))
}

func BenchmarkFaststart100MB(b *testing.B) {
	path, size := bigFile(b)
	out := filepath.Join(b.TempDir(), "out.mp4")
	b.SetBytes(size)
	b.ReportAllocs()
	for b.Loop() {
		if err := faststartFile(b.Context(), path, out); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkProbe100MB(b *testing.B) {
	path, _ := bigFile(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := probeFile(b.Context(), path); err != nil {
			b.Fatal(err)
		}
	}
}
