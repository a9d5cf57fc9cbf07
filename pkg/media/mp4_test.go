package media

import (
	"bytes"
	"encoding/binary"
	"slices"
)

// clip describes a small mp4 file for tests. Its fields are what a test may want to be wrong.
type clip struct {
	brand          string
	moovLast       bool
	mvhd           []byte // instead of the right one
	extra          []byte // in moov
	tail           []byte // behind everything
	video, audio   *stream
	data           bool // with a track of time codes
	mdatHead       func(body int) []byte
	betweenHeaders []byte // between ftyp and the rest
}

// stream is one track of a clip.
type stream struct {
	handler   string
	entry     []byte
	tkhd      []byte
	timescale uint32
	samples   [][]byte
	perChunk  int
	delta     uint32
	long      bool // co64
	// What replaces the right tables, when not nil.
	stsz, stts, stsc, stco, mdhd, dinf []byte
	more                               []byte // in stbl
	edits                              []byte // the elst box
	offset                             func(right uint64) uint64
}

func u16(v uint16) []byte { return binary.BigEndian.AppendUint16(nil, v) }
func u32(v ...uint32) []byte {
	var b []byte
	for _, x := range v {
		b = binary.BigEndian.AppendUint32(b, x)
	}
	return b
}
func u64(v uint64) []byte { return binary.BigEndian.AppendUint64(nil, v) }

func mkbox(name string, parts ...[]byte) []byte {
	body := bytes.Join(parts, nil)
	return slices.Concat(u32(uint32(8+len(body))), []byte(name), body)
}

// frames are n samples that look like H.264, of different sizes.
func frames(n int) [][]byte {
	list := make([][]byte, n)
	for i := range list {
		nal := append([]byte{0x65}, bytes.Repeat([]byte{byte(i)}, 20+i%7)...)
		list[i] = append(u32(uint32(len(nal))), nal...)
	}
	return list
}

// avcC holds the parameter sets that x264 writes for 640 x 360 in Constrained Baseline profile.
func avcC() []byte { return avcCWith(0x42, 0xc0) }

// avcCWith has another profile, and flags of it.
func avcCWith(profile, flags byte) []byte {
	sps := []byte("\x67\x42\xc0\x1e\xd9\x00\xa0\x2f\xf9\x70\x11\x00\x00\x03\x00\x01\x00\x00\x03\x00\x3c\x0f\x16\x2e\x48")
	sps[1], sps[2] = profile, flags
	pps := []byte("\x68\xcb\x83\xcb\x20")
	return mkbox("avcC", []byte{1, profile, flags, 30, 0xff, 0xe1}, u16(uint16(len(sps))), sps, []byte{1}, u16(uint16(len(pps))), pps)
}

func visual(name string, w, h uint16, children ...[]byte) []byte {
	return mkbox(name, make([]byte, 6), u16(1), make([]byte, 16), u16(w), u16(h), u32(0x480000, 0x480000, 0), u16(1),
		make([]byte, 32), u16(24), []byte{0xff, 0xff}, bytes.Join(children, nil))
}

func esds(kind byte) []byte {
	return mkbox("esds", u32(0), []byte{
		3, 25, 0, 1, 0, 4, 17, kind, 0x15, 0, 0, 0, 0, 1, 0xf4, 0, 0, 1, 0xf4, 0, 5, 2, 0x12, 0x10, 6, 1, 2,
	})
}

func sound(name string, version uint16, children ...[]byte) []byte {
	more := map[uint16]int{0: 0, 1: 16, 2: 36}[version]
	return mkbox(name, make([]byte, 6), u16(1), u16(version), make([]byte, 6), u16(2), u16(16), u32(0, 44100<<16),
		make([]byte, more), bytes.Join(children, nil))
}

// mvhd counts in milliseconds.
func mvhd(ms uint32) []byte { return mkbox("mvhd", u32(0, 0, 0, 1000, ms), make([]byte, 80)) }

// dref is a dinf box of one reference.
func dref(ref []byte) []byte { return mkbox("dinf", mkbox("dref", u32(0, 1), ref)) }

// lasts writes into a tkhd box how long the track is, in milliseconds.
func lasts(tkhd []byte, ms uint32) []byte {
	if len(tkhd) < 8+32 {
		return tkhd
	}
	tkhd = slices.Clone(tkhd)
	if tkhd[8] == 1 {
		binary.BigEndian.PutUint64(tkhd[8+28:], uint64(ms))
	} else {
		binary.BigEndian.PutUint32(tkhd[8+20:], ms)
	}
	return tkhd
}

// tkhd has the matrix of a picture that is turned by quarters of a circle.
func tkhd(version byte, quarters int) []byte {
	m := [][]uint32{
		{1 << 16, 0, 0, 1 << 16},
		{0, 1 << 16, 0xffff0000, 0},
		{0xffff0000, 0, 0, 0xffff0000},
		{0, 0xffff0000, 1 << 16, 0},
	}[quarters]
	times := make([]byte, 20)
	if version == 1 {
		times = make([]byte, 32)
	}
	return mkbox("tkhd", []byte{version, 0, 0, 7}, times, make([]byte, 16),
		u32(m[0], m[1], 0, m[2], m[3], 0, 0, 0, 1<<30), u32(0, 0))
}

func goodVideo() *stream {
	return &stream{
		handler: "vide", entry: visual("avc1", 640, 360, avcC()), tkhd: tkhd(0, 0),
		timescale: 30, samples: frames(60), perChunk: 7, delta: 1,
	}
}

func goodAudio() *stream {
	return &stream{
		handler: "soun", entry: sound("mp4a", 0, esds(0x40)), tkhd: tkhd(0, 0),
		timescale: 44100, samples: frames(50), perChunk: 20, delta: 1024,
	}
}

// or returns the replacement, if there is one.
func or(replacement, right []byte) []byte {
	if replacement != nil {
		return replacement
	}
	return right
}

// trak writes the track whose samples begin at base.
func (s *stream) trak(base uint64) []byte {
	n := len(s.samples)
	sizes := u32(0, 0, uint32(n))
	var offsets []uint64
	at := base
	for i, sample := range s.samples {
		if i%s.perChunk == 0 {
			offsets = append(offsets, at)
		}
		sizes = append(sizes, u32(uint32(len(sample)))...)
		at += uint64(len(sample))
	}
	chunks := u32(0, uint32(len(offsets)))
	for _, o := range offsets {
		if s.offset != nil {
			o = s.offset(o)
		}
		if s.long {
			chunks = append(chunks, u64(o)...)
		} else {
			chunks = append(chunks, u32(uint32(o))...)
		}
	}
	chunkBox := mkbox("stco", chunks)
	if s.long {
		chunkBox = mkbox("co64", chunks)
	}
	stbl := mkbox("stbl",
		mkbox("stsd", u32(0, 1), s.entry),
		or(s.stts, mkbox("stts", u32(0, 1, uint32(n), s.delta))),
		or(s.stsc, mkbox("stsc", u32(0, 1, 1, uint32(s.perChunk), 1))),
		or(s.stsz, mkbox("stsz", sizes)),
		or(s.stco, chunkBox),
		s.more,
	)
	var edts []byte
	if s.edits != nil {
		edts = mkbox("edts", s.edits)
	}
	return mkbox("trak", lasts(s.tkhd, s.ms()), edts, mkbox("mdia",
		or(s.mdhd, mkbox("mdhd", u32(0, 0, 0, s.timescale, uint32(n)*s.delta), u16(0x55c4), u16(0))),
		mkbox("hdlr", u32(0, 0), []byte(s.handler), make([]byte, 13)),
		mkbox("minf", or(s.dinf, dref(mkbox("url ", u32(1)))), stbl),
	))
}

// ms is how long it lasts.
func (s *stream) ms() uint32 {
	return uint32(uint64(len(s.samples)) * uint64(s.delta) * 1000 / uint64(max(s.timescale, 1)))
}

// bytes writes the file.
func (c clip) bytes() []byte {
	brand := c.brand
	if brand == "" {
		brand = "isom"
	}
	head := slices.Concat(mkbox("ftyp", []byte(brand), u32(512), []byte("isomavc1mp41")), c.betweenHeaders)

	var body []byte
	var streams []*stream
	for _, s := range []*stream{c.video, c.audio} {
		if s != nil {
			streams = append(streams, s)
			body = append(body, bytes.Join(s.samples, nil)...)
		}
	}
	moov := func(base uint64) []byte {
		var longest uint32
		for _, s := range streams {
			longest = max(longest, s.ms())
		}
		parts := [][]byte{or(c.mvhd, mvhd(longest))}
		if c.data {
			parts = append(parts, mkbox("trak", mkbox("mdia", mkbox("hdlr", u32(0, 0), []byte("tmcd"), make([]byte, 13)),
				mkbox("minf", []byte("no boxes at all")))))
		}
		for _, s := range streams {
			parts = append(parts, s.trak(base))
			for _, sample := range s.samples {
				base += uint64(len(sample))
			}
		}
		return mkbox("moov", append(parts, c.extra)...)
	}
	mdatHead := append(u32(uint32(8+len(body))), "mdat"...)
	if c.mdatHead != nil {
		mdatHead = c.mdatHead(len(body))
	}
	if c.moovLast {
		base := len(head) + len(mdatHead)
		return slices.Concat(head, mdatHead, body, moov(uint64(base)), c.tail)
	}
	base := len(head) + len(moov(0)) + len(mdatHead)
	return slices.Concat(head, moov(uint64(base)), mdatHead, body, c.tail)
}
