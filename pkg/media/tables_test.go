package media

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"
)

// edit32 is an entry of an edit list: milliseconds, ticks of the track, a rate of 16.16 bits.
type edit32 struct {
	ms   uint32
	from int32
	rate uint32
}

// elst writes an edit list.
func elst(version byte, edits ...edit32) []byte {
	b := u32(uint32(version)<<24, uint32(len(edits)))
	for _, e := range edits {
		if version == 1 {
			b = slices.Concat(b, u64(uint64(e.ms)), u64(uint64(int64(e.from))), u32(e.rate))
		} else {
			b = append(b, u32(e.ms, uint32(e.from), e.rate)...)
		}
	}
	return mkbox("elst", b)
}

// changed is a stream with something else.
func changed(s *stream, change func(s *stream)) *stream {
	change(s)
	return s
}

// evilTables are pictures of 60 samples in two seconds whose tables do not fit them.
func evilTables() map[string]*stream {
	const huge, one = 0xffffffff, 1 << 16
	with := func(boxes ...[]byte) *stream {
		return changed(goodVideo(), func(s *stream) { s.more = bytes.Join(boxes, nil) })
	}
	edits := func(version byte, list ...edit32) *stream {
		return changed(goodVideo(), func(s *stream) { s.edits = elst(version, list...) })
	}
	return map[string]*stream{
		"stss claims":           with(mkbox("stss", u32(0, huge, 1))),
		"stss short":            with(mkbox("stss", u32(0))),
		"stss of 0":             with(mkbox("stss", u32(0, 1, 0))),
		"stss beyond":           with(mkbox("stss", u32(0, 2, 1, 61))),
		"stss backwards":        with(mkbox("stss", u32(0, 2, 9, 3))),
		"stss twice the same":   with(mkbox("stss", u32(0, 2, 9, 9))),
		"ctts claims":           with(mkbox("ctts", u32(0, huge, 60, 0))),
		"ctts of few":           with(mkbox("ctts", u32(0, 1, 59, 0))),
		"ctts of many":          with(mkbox("ctts", u32(0, 1, 61, 0))),
		"ctts of huge":          with(mkbox("ctts", u32(0, 2, huge, 0, 61, 0))),
		"ctts late":             with(mkbox("ctts", u32(0, 1, 60, 30*3600))),
		"ctts early":            with(mkbox("ctts", u32(1<<24, 1, 60, -30*3600&huge))),
		"ctts spread":           with(mkbox("ctts", u32(0, 2, 59, 0, 1, 30*3600))),
		"ctts farthest":         with(mkbox("ctts", u32(0, 2, 1, 0x80000000, 59, 0x7fffffff))),
		"stts of few":           changed(goodVideo(), func(s *stream) { s.stts = mkbox("stts", u32(0, 1, 59, 1)) }),
		"stts of many":          changed(goodVideo(), func(s *stream) { s.stts = mkbox("stts", u32(0, 2, 60, 1, huge, 0)) }),
		"stsc of another entry": changed(goodVideo(), func(s *stream) { s.stsc = mkbox("stsc", u32(0, 1, 1, 7, 2)) }),
		"stsc of no entry":      changed(goodVideo(), func(s *stream) { s.stsc = mkbox("stsc", u32(0, 1, 1, 7, 0)) }),
		// 60 samples of the same bytes, of a file that has room for a few.
		"chunks on top of each other": changed(goodVideo(), func(s *stream) {
			s.samples, s.perChunk = frames(60), 1
			s.stsz = mkbox("stsz", u32(0, 200, 60))
			var first uint64
			s.offset = func(right uint64) uint64 {
				if first == 0 {
					first = right
				}
				return first
			}
		}),

		"ten hours of edits":      edits(0, edit32{36_000_000, 0, one}),
		"ten hours of long edits": edits(1, edit32{36_000_000, 0, one}),
		"ten hours of nothing":    edits(0, edit32{36_000_000, -1, one}, edit32{2000, 0, one}),
		"nothing only":            edits(0, edit32{1000, -1, one}),
		"again and again":         edits(0, slices.Repeat([]edit32{{2000, 0, one}}, 1000)...),
		"an edit of no time":      edits(0, edit32{2000, 60, one}),
		"an edit before":          edits(0, edit32{2000, -2, one}),
		"an edit that stands":     edits(0, edit32{2000, 0, 0}),
		"an edit backwards":       edits(0, edit32{2000, 0, 0xffff0000}),
		"a slow edit":             edits(0, edit32{2000, 0, one / 4}),
		"elst claims":             changed(goodVideo(), func(s *stream) { s.edits = mkbox("elst", u32(0, huge, 2000, 0, one)) }),
		"elst short":              changed(goodVideo(), func(s *stream) { s.edits = mkbox("elst", u32(0)) }),
		"elst of endless time":    changed(goodVideo(), func(s *stream) { s.edits = mkbox("elst", u32(1<<24, 1, huge, huge, 0, 0, one)) }),
	}
}

// TestGoodTables accepts what cameras and editors write.
func TestGoodTables(t *testing.T) {
	const one = 1 << 16
	for name, s := range map[string]*stream{
		"key frames":         changed(goodVideo(), func(s *stream) { s.more = mkbox("stss", u32(0, 3, 1, 30, 60)) }),
		"B-frames":           changed(goodVideo(), func(s *stream) { s.more = mkbox("ctts", u32(0, 3, 1, 2, 58, 5, 1, 0)) }),
		"B-frames, signed":   changed(goodVideo(), func(s *stream) { s.more = mkbox("ctts", u32(1<<24, 2, 30, 0xfffffffe, 30, 3)) }),
		"several times":      changed(goodVideo(), func(s *stream) { s.stts = mkbox("stts", u32(0, 3, 20, 1, 0, 7, 40, 1)) }),
		"begins later":       changed(goodVideo(), func(s *stream) { s.edits = elst(0, edit32{1000, 30, one}) }),
		"sound comes first":  changed(goodVideo(), func(s *stream) { s.edits = elst(1, edit32{400, -1, one}, edit32{2000, 0, one}) }),
		"parts":              changed(goodVideo(), func(s *stream) { s.edits = elst(0, edit32{500, 45, one}, edit32{1000, 0, one}) }),
		"to the end":         changed(goodVideo(), func(s *stream) { s.edits = elst(0, edit32{0, 2, one}) }),
		"a list of no edits": changed(goodVideo(), func(s *stream) { s.edits = elst(0) }),
		"longer by a clock":  changed(goodVideo(), func(s *stream) { s.edits = elst(0, edit32{2040, 0, one}) }),
		"groups and hints": changed(goodVideo(), func(s *stream) {
			s.more = slices.Concat(mkbox("sdtp", make([]byte, 64)), mkbox("sgpd", u32(1<<24), []byte("roll"), u32(2, 1), u16(1)),
				mkbox("sbgp", u32(0), []byte("roll"), u32(1, 60, 1)))
		}),
		"groups of version 0": changed(goodVideo(), func(s *stream) {
			s.more = slices.Concat(mkbox("sgpd", u32(0), []byte("rap "), u32(1), []byte{0}),
				mkbox("sbgp", u32(1<<24), []byte("rap "), u32(0, 1, 60, 1)))
		}),
		"pictures after edits": changed(goodVideo(), func(s *stream) { s.more = mkbox("cslg", make([]byte, 24)) }),
	} {
		t.Run(name, func(t *testing.T) {
			info, err := probe(clip{video: s}.bytes())
			if err != nil || info.Needs() != NeedNothing {
				t.Errorf("needs %v: %v", info.Needs(), err)
			}
		})
	}
}

const tenHours = 36_000_000 // ms

// misleading are files that play once something in them is put right.
func misleading() map[string][]byte {
	elsewhere := slices.Concat(u32(0), []byte("http://198.51.100.7/secret.mp4\x00"))
	silent := func(change func(s *stream)) []byte { return clip{video: changed(goodVideo(), change)}.bytes() }
	patched := func(name string, at int, b []byte) []byte {
		file := clip{video: goodVideo(), audio: goodAudio()}.bytes()
		copy(file[bytes.Index(file, []byte(name))+4+at:], b)
		return file
	}
	return map[string][]byte{
		"samples elsewhere": silent(func(s *stream) { s.dinf = dref(mkbox("url ", elsewhere)) }),
		"named, but here":   silent(func(s *stream) { s.dinf = dref(mkbox("url ", u32(1), elsewhere)) }),
		"samples of a name": silent(func(s *stream) { s.dinf = dref(mkbox("urn ", elsewhere)) }),
		"Apple's alias":     silent(func(s *stream) { s.dinf = dref(mkbox("alis", u32(0), elsewhere)) }),
		"a second reference": silent(func(s *stream) {
			s.dinf = mkbox("dinf", mkbox("dref", u32(0, 2), mkbox("url ", u32(1)), mkbox("url ", elsewhere)))
		}),
		"no reference":     silent(func(s *stream) { s.dinf = dref(nil) }),
		"dref claims":      silent(func(s *stream) { s.dinf = mkbox("dinf", mkbox("dref", u32(0, 0xffffffff), mkbox("url ", u32(1)))) }),
		"no dinf":          silent(func(s *stream) { s.dinf = mkbox("free") }),
		"entry of another": silent(func(s *stream) { binary.BigEndian.PutUint16(s.entry[8+6:], 7) }),
		"samples elsewhere, sound": clip{
			video: goodVideo(),
			audio: changed(goodAudio(), func(s *stream) { s.dinf = dref(mkbox("url ", elsewhere)) }),
		}.bytes(),
		"a movie of ten hours":  clip{video: goodVideo(), mvhd: mvhd(tenHours)}.bytes(),
		"a movie of no time":    clip{video: goodVideo(), mvhd: mvhd(0)}.bytes(),
		"a track of ten hours":  patched("tkhd", 20, u32(tenHours)),
		"media of ten hours":    patched("mdhd", 16, u32(tenHours)),
		"media of endless time": patched("mdhd", 16, u32(0xffffffff)),
		"switched off":          patched("tkhd", 0, u32(0)),
		"two stss": silent(
			func(s *stream) { s.more = append(mkbox("stss", u32(0, 1, 1)), mkbox("stss", u32(0, 0xffffffff))...) },
		),
		"two stsd":      silent(func(s *stream) { s.more = mkbox("stsd", u32(0, 0xffffffff)) }),
		"no key frame":  silent(func(s *stream) { s.more = mkbox("stss", u32(0, 0)) }),
		"sgpd claims":   silent(func(s *stream) { s.more = mkbox("sgpd", u32(1<<24), []byte("roll"), u32(2, 0xffffffff)) }),
		"sbgp claims":   silent(func(s *stream) { s.more = mkbox("sbgp", u32(0), []byte("roll"), u32(0xffffffff)) }),
		"sbgp of many":  silent(func(s *stream) { s.more = mkbox("sbgp", u32(0), []byte("roll"), u32(1, 61, 1)) }),
		"sdtp of many":  silent(func(s *stream) { s.more = mkbox("sdtp", make([]byte, 65)) }),
		"another track": clip{video: goodVideo(), data: true}.bytes(),
		"two headers":   clip{video: goodVideo(), extra: mvhd(tenHours)}.bytes(),
	}
}

// TestRepairs rewrites what misleads players and does not matter, and publishes none of it.
func TestRepairs(t *testing.T) {
	for name, file := range misleading() {
		t.Run(name, func(t *testing.T) {
			before, from := content(t, bytes.NewReader(file), int64(len(file)))
			if from.info.Needs() != NeedFaststart || !from.info.Repair {
				t.Fatalf("needs %v: %+v", from.info.Needs(), from.info)
			}
			out := faststart(t, file)
			after, to := content(t, bytes.NewReader(out), int64(len(out)))
			if !slices.EqualFunc(before, after, bytes.Equal) {
				t.Error("the samples are not the same")
			}
			if to.info.Needs() != NeedNothing {
				t.Errorf("what was made needs %v: %+v", to.info.Needs(), to.info)
			}
			for _, evil := range [][]byte{[]byte("http:"), []byte("alis"), []byte("urn "), []byte("tmcd"), u32(tenHours), u32(0xffffffff)} {
				if bytes.Contains(out[:len(out)-len(bytes.Join(after, nil))], evil) {
					t.Errorf("%q is still in it", evil)
				}
			}
		})
	}
}

// TestEntriesThatDiffer: what is not surely decoded on a phone is transcoded.
func TestEntriesThatDiffer(t *testing.T) {
	for name, entry := range map[string][]byte{
		"settings change on the way": append(visual("avc1", 640, 360, avcC()), visual("avc1", 640, 360, avcCWith(244, 0))...),
		"larger than it says":        visual("avc1", 64, 36, avcC()),
		"smaller than it says":       visual("avc1", 1920, 1080, avcC()),
	} {
		t.Run(name, func(t *testing.T) {
			info, err := probe(clip{video: changed(goodVideo(), func(s *stream) { s.entry = entry })}.bytes())
			if err != nil || info.Needs() != NeedTranscode || info.WidthPx < 640 || info.HeightPx < 360 {
				t.Errorf("needs %v: %+v, %v", info.Needs(), info, err)
			}
		})
	}
	if info, err := probe(clip{video: changed(goodVideo(), func(s *stream) {
		s.entry = visual("avc1", 642, 368, avcC())
	})}.bytes()); err != nil ||
		info.Needs() != NeedNothing {
		t.Errorf("a few pixels more: needs %v, %v", info.Needs(), err)
	}
}

// TestSizeOfHEVC: the settings of a decoder are where the size of its pictures is, and claims in them take no memory.
func TestSizeOfHEVC(t *testing.T) {
	file := shipped("hevc.mp4")(t)
	at := bytes.Index(file, []byte("hvc1")) + 4 + 24
	binary.BigEndian.PutUint32(file[at:], 64<<16|36)
	if info, err := probe(file); err != nil || info.WidthPx != 320 || info.HeightPx != 180 {
		t.Errorf("%+v, %v", info, err)
	}
	hvcC := append(make([]byte, 22), 255)
	hvcC = append(hvcC, bytes.Repeat([]byte{32, 0xff, 0xff}, 255)...)
	if n := testing.AllocsPerRun(10, func() { _ = hevcSequence(hvcC) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
