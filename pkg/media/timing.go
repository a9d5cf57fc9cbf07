package media

import (
	"encoding/binary"
	"math"
	"slices"
)

// endlessMs is a year: more than any limit of length, and little enough for what is done with it.
const endlessMs = 365 * 24 * 3600 * 1000

// claim is the length that a header says: in ticks, of 32 or 64 bits.
type claim struct {
	at, size int // of the field in the body; size is 0 when there is none
}

// claimOf finds the length in the body of an mvhd, mdhd or tkhd box.
func claimOf(name string, body []byte) claim {
	wide := len(body) > 0 && body[0] == 1
	c := claim{16, 4}
	switch {
	case name == "tkhd" && wide:
		c = claim{28, 8}
	case name == "tkhd":
		c = claim{20, 4}
	case wide:
		c = claim{24, 8}
	}
	if len(body) < c.at+c.size {
		return claim{}
	}
	return c
}

// value is what is claimed, nothing when there is no field.
func (c claim) value(body []byte) uint64 {
	switch c.size {
	case 4:
		return uint64(binary.BigEndian.Uint32(body[c.at:]))
	case 8:
		return binary.BigEndian.Uint64(body[c.at:])
	}
	return 0
}

// put writes a length that fits.
func (c claim) put(body []byte, ticks uint64) {
	switch c.size {
	case 4:
		binary.BigEndian.PutUint32(body[c.at:], uint32(ticks))
	case 8:
		binary.BigEndian.PutUint64(body[c.at:], ticks)
	}
}

// fit is as much of a length as there is room for. All ones are a length that is not known.
func (c claim) fit(ticks uint64) uint64 {
	if c.size == 4 {
		return min(ticks, math.MaxUint32)
	}
	return ticks
}

// misleads reports whether the claimed length is more than a second and a tenth away from what it is. Clocks of headers and
// samples differ a little.
func (c claim) misleads(body []byte, is uint64, scale uint32) bool {
	claimed, is := c.value(body), c.fit(is)
	far := max(claimed, is) - min(claimed, is)
	return far > uint64(scale) && far > is/10
}

// inTicks is a length in another unit, rounded up.
func inTicks(ms float64, scale uint32) uint64 { return uint64(math.Ceil(ms / 1000 * float64(scale))) }

// readMovieHeader reads the body of the mvhd box, which has the unit of time of lengths and edits.
func (m *movie) readMovieHeader() error {
	mvhd := find(m.top, "mvhd").body
	if claimOf("mvhd", mvhd).size == 0 {
		return damaged("an mvhd of %d bytes", len(mvhd))
	}
	at := 12
	if mvhd[0] == 1 {
		at = 20
	}
	if m.timescale = binary.BigEndian.Uint32(mvhd[at:]); m.timescale == 0 {
		return damaged("the movie has no unit of time")
	}
	return nil
}

// edits adds up the edit list of a track, in milliseconds: the time in which its samples are shown, and that in which
// nothing is. Without a list it is what the samples last.
func (t *track) edits(movieScale uint32) (shown, empty float64, err error) {
	ticks, err := t.ticks()
	if err != nil {
		return 0, 0, err
	}
	if ticks == 0 {
		return 0, 0, refuse(ZeroDuration, "a track of no time")
	}
	all := float64(ticks) * 1000 / float64(t.timescale)
	if t.elst.name == "" {
		return all, 0, nil
	}
	size := uint64(12)
	wide := len(t.elst.body) > 0 && t.elst.body[0] == 1
	if wide {
		size = 20
	}
	table, err := rows(t.elst, size)
	if err != nil || len(table) == 0 {
		return all, 0, err
	}
	for ; len(table) > 0; table = table[size:] {
		duration, from := uint64(binary.BigEndian.Uint32(table)), int64(int32(binary.BigEndian.Uint32(table[4:])))
		if wide {
			duration, from = binary.BigEndian.Uint64(table), int64(binary.BigEndian.Uint64(table[8:]))
		}
		ms := float64(duration) * 1000 / float64(movieScale)
		rate := int32(binary.BigEndian.Uint32(table[size-4:]))
		switch {
		case from == -1:
			empty += ms
			continue
		case from < 0 || from > 0 && uint64(from) >= ticks:
			return 0, 0, damaged("an edit from %d on, of %d ticks", from, ticks)
		case rate <= 0:
			return 0, 0, damaged("an edit at rate %d/65536", rate)
		case rate != 1<<16:
			return 0, 0, refuse(Unsupported, "an edit at rate %d/65536", rate)
		case duration == 0: // to the end
			ms = all - float64(from)*1000/float64(t.timescale)
		}
		shown += ms
	}
	return shown, empty, nil
}

// checkEdits checks that what is shown is about what there is, and sets how long that is: the edit list of a track must not
// repeat its samples, or show nothing for long.
func (m *movie) checkEdits() error {
	var longest, most float64
	chosen := []*track{m.video}
	if m.audio != nil {
		chosen = append(chosen, m.audio)
	}
	for _, t := range chosen {
		ticks, err := t.ticks()
		if err != nil {
			return err
		}
		longest = max(longest, float64(ticks)*1000/float64(t.timescale))
	}
	if longest > endlessMs {
		return damaged("samples of %.0f ms", longest)
	}
	for _, t := range chosen {
		shown, empty, err := t.edits(m.timescale)
		if err != nil {
			return err
		}
		if shown < 1 {
			return refuse(ZeroDuration, "edits show %.3f ms", shown)
		}
		if shown > longest+max(1000, longest/10) || empty > min(longest, slackSeconds*1000) {
			return damaged("edits show %.0f ms and nothing for %.0f ms, of %.0f ms", shown, empty, longest)
		}
		t.shownMs = shown + empty
		most = max(most, t.shownMs)
	}
	m.shownMs = most
	return nil
}

// misleadingHeaders reports whether headers say what is not so: lengths, and that a track is switched off.
func (m *movie) misleadingHeaders() bool {
	mvhd := find(m.top, "mvhd").body
	if claimOf("mvhd", mvhd).misleads(mvhd, inTicks(m.shownMs, m.timescale), m.timescale) {
		return true
	}
	for _, t := range []*track{m.video, m.audio} {
		if t == nil {
			continue
		}
		ticks, err := t.ticks()
		if err != nil || claimOf("mdhd", t.mdhd).misleads(t.mdhd, ticks, t.timescale) ||
			claimOf("tkhd", t.tkhd).misleads(t.tkhd, inTicks(t.shownMs, m.timescale), m.timescale) || t.tkhd[3]&1 == 0 {
			return true
		}
	}
	return false
}

// withLength is a copy of a header whose length is right: it stays when it does not mislead.
func withLength(name string, body []byte, is uint64, scale uint32) []byte {
	c := claimOf(name, body)
	if !c.misleads(body, is, scale) {
		return body
	}
	body = slices.Clone(body)
	c.put(body, c.fit(is))
	return body
}
