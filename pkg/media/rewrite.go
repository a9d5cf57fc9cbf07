package media

import (
	"encoding/binary"
	"math"
	"slices"
)

// edit is the rewriting of a description.
type edit struct {
	mdat      []span  // where the content is
	shift     []int64 // how far each goes
	wide      bool    // offsets of 64 bits
	quickTime bool    // it is to become an mp4's
	timescale uint32  // of the movie
}

// newBox puts a header in front of a body, which is shorter than 4 GiB.
func newBox(name string, parts ...[]byte) []byte {
	b := make([]byte, 8)
	copy(b[4:], name)
	b = append(b, slices.Concat(parts...)...)
	binary.BigEndian.PutUint32(b, uint32(len(b)))
	return b
}

// mdatHeader is the header of a content, in the short form when that is enough.
func mdatHeader(s span) []byte {
	if n := s.end - s.start + 8; n <= math.MaxUint32 {
		return append(binary.BigEndian.AppendUint32(nil, uint32(n)), "mdat"...)
	}
	h := append(binary.BigEndian.AppendUint32(nil, 1), "mdat"...)
	return binary.BigEndian.AppendUint64(h, uint64(s.end-s.start)+16)
}

// moov makes the description of the chosen tracks.
func (e *edit) moov(m *movie) ([]byte, error) {
	mvhd := find(m.top, "mvhd")
	if mvhd.name == "" {
		return nil, damaged("no mvhd")
	}
	parts := [][]byte{newBox("mvhd", withLength("mvhd", mvhd.body, inTicks(m.shownMs, m.timescale), m.timescale))}
	e.timescale = m.timescale
	for i := range m.tracks { // in the order of the file
		t := &m.tracks[i]
		if t != m.video && t != m.audio {
			continue
		}
		trak, err := e.container(t, t.box)
		if err != nil {
			return nil, err
		}
		parts = append(parts, trak)
	}
	return newBox("moov", parts...), nil
}

// container copies a box of boxes of a track, and edits what is in it.
func (e *edit) container(t *track, b box) ([]byte, error) {
	list, err := (&counter{left: maxBoxes}).children(b.body)
	if err != nil {
		return nil, err
	}
	var parts [][]byte
	seen := make(map[string]bool, len(list))
	for _, child := range list {
		if seen[child.name] && !mayRepeat(child.name) {
			continue // the first is the one that was looked at
		}
		seen[child.name] = true
		part, err := e.child(t, b.name, child)
		if err != nil {
			return nil, err
		}
		parts = append(parts, part)
	}
	if b.name == "minf" && !seen["dinf"] {
		parts = append(parts, ownReferences())
	}
	return newBox(b.name, parts...), nil
}

// child copies one box of a track, or edits it, or leaves it out (nil).
func (e *edit) child(t *track, parent string, b box) ([]byte, error) {
	switch parent + "/" + b.name {
	case "trak/edts", "trak/mdia", "mdia/minf", "minf/stbl":
		return e.container(t, b)
	case "trak/tkhd":
		return e.trackHeader(t), nil
	case "mdia/mdhd":
		ticks, err := t.ticks()
		return newBox("mdhd", withLength("mdhd", t.mdhd, ticks, t.timescale)), err
	case "minf/dinf":
		return ownReferences(), nil
	case "stbl/stco", "stbl/co64":
		return e.chunks(t, b)
	case "stbl/saio", "stbl/saiz": // of encryption; the first holds offsets
		return nil, nil
	case "trak/tref": // to tracks that are left out
		return nil, nil
	}
	switch b.name {
	case "udta", "meta", "uuid", "free", "skip", "wide":
		return nil, nil
	}
	if parent == "stbl" && !t.sane(b) {
		return nil, nil
	}
	if e.quickTime {
		return e.convert(t, parent, b)
	}
	if parent == "stbl" && b.name == "stsd" {
		return withOwnEntries(b)
	}
	return newBox(b.name, b.body), nil
}

// trackHeader is switched on and as long as it is shown.
func (e *edit) trackHeader(t *track) []byte {
	body := slices.Clone(withLength("tkhd", t.tkhd, inTicks(t.shownMs, e.timescale), e.timescale))
	body[3] |= 1
	return newBox("tkhd", body)
}

// chunks writes where the chunks will be. Of two tables, the one that counts is written.
func (e *edit) chunks(t *track, b box) ([]byte, error) {
	if (b.name == "co64") != (t.co64 != nil) {
		return nil, nil
	}
	n := t.chunks()
	body := binary.BigEndian.AppendUint32(make([]byte, 4, 8+8*n), uint32(n))
	name := "stco"
	if e.wide {
		name = "co64"
	}
	for i := range n {
		at := t.chunk(i + 1)
		if place, ok := spanOf(e.mdat, at); ok {
			at += uint64(e.shift[place])
		} else {
			at = 0 // a chunk that no sample is in
		}
		if e.wide {
			body = binary.BigEndian.AppendUint64(body, at)
		} else {
			body = binary.BigEndian.AppendUint32(body, uint32(at))
		}
	}
	return newBox(name, body), nil
}
