package media

import (
	"encoding/binary"
	"math"
)

// slackSeconds is how far the times at which frames are shown may be from those at which they are decoded: B-frames, and
// a video of few frames a second.
const slackSeconds = 10

// rows returns the entries of a table, each of size bytes, whose number is in bytes 4 to 7 of the body. A table that is
// shorter or longer than it claims is damaged. Nothing is copied.
func rows(b box, size uint64) ([]byte, error) {
	if len(b.body) < 8 {
		return nil, damaged("%s of %d bytes", b.name, len(b.body))
	}
	if n := uint64(binary.BigEndian.Uint32(b.body[4:])); n*size != uint64(len(b.body)-8) {
		return nil, damaged("%s of %d bytes claims %d entries", b.name, len(b.body), n)
	}
	return b.body[8:], nil
}

// checkTables compares the tables of a track with its number of samples and sample entries.
func (t *track) checkTables(stbl []box) error {
	if t.samples() == 0 {
		return nil // the track is left out
	}
	if err := t.checkTimes(); err != nil {
		return err
	}
	if b := find(stbl, "ctts"); b.name != "" {
		if err := t.checkOffsets(b); err != nil {
			return err
		}
	}
	if b := find(stbl, "stss"); b.name != "" {
		if err := t.checkKeys(b); err != nil {
			return err
		}
	}
	runs, err := rows(find(stbl, "stsc"), 12)
	for ; err == nil && len(runs) > 0; runs = runs[12:] {
		if id := binary.BigEndian.Uint32(runs[8:]); id < 1 || int64(id) > int64(t.entries) {
			err = damaged("samples of entry %d of %d", id, t.entries)
		}
	}
	return err
}

// checkTimes checks that every sample is shown for some time, and no more than there are.
func (t *track) checkTimes() error {
	if _, err := t.ticks(); err != nil {
		return err
	}
	var samples uint64
	for _, n := range t.times.SampleCount {
		samples += uint64(n)
	}
	if samples != uint64(t.samples()) {
		return damaged("times of %d samples for %d", samples, t.samples())
	}
	return nil
}

// checkOffsets checks the table of when frames are shown after they are decoded: it is of as many samples, and does not
// spread them over more time than they last. It is signed in both versions, as players have it.
func (t *track) checkOffsets(ctts box) error {
	table, err := rows(ctts, 8)
	if err != nil {
		return err
	}
	first, last := int64(math.MaxInt64), int64(math.MinInt64)
	var at int64
	var samples uint64
	run, left := -1, uint64(0) // of the table of times, whose samples have been counted
	for ; len(table) > 0; table = table[8:] {
		n, offset := uint64(binary.BigEndian.Uint32(table)), int64(int32(binary.BigEndian.Uint32(table[4:])))
		if samples += n; samples > uint64(t.samples()) {
			return damaged("offsets of more than %d samples", t.samples())
		}
		for n > 0 {
			for left == 0 {
				run++
				left = uint64(t.times.SampleCount[run])
			}
			some := min(n, left)
			n, left = n-some, left-some
			first = min(first, at+offset)
			at += int64(some) * int64(t.times.SampleTimeDelta[run]) // ticks has added them up
			last = max(last, at+offset)
		}
	}
	slack := slackSeconds * int64(t.timescale)
	switch {
	case samples != uint64(t.samples()):
		return damaged("offsets of %d samples for %d", samples, t.samples())
	case first < -slack || first > slack || last-first > at+slack:
		return damaged("samples of %d ticks are shown from %d to %d", at, first, last)
	}
	return nil
}

// checkKeys checks the table of key frames: numbers of samples, rising.
func (t *track) checkKeys(stss box) error {
	table, err := rows(stss, 4)
	if err != nil {
		return err
	}
	var before uint32
	for ; len(table) > 0; table = table[4:] {
		key := binary.BigEndian.Uint32(table)
		if key <= before || key > t.samples() {
			return damaged("key frame %d after %d, of %d samples", key, before, t.samples())
		}
		before = key
	}
	return nil
}

// sane reports whether a table that a player can do without is what it says. One that is not is left out.
func (t *track) sane(b box) bool {
	n := len(b.body)
	switch b.name {
	case "stss": // no key frame at all: where to begin?
		return n > 8
	case "sdtp":
		return int64(n) == 4+int64(t.samples())
	case "cslg":
		return n == 24 || n == 44
	case "sbgp":
		return t.saneGroups(b.body)
	case "sgpd":
		return saneDescriptions(b.body)
	}
	return true
}

// saneGroups checks that the groups are of no more samples than there are. Version 1 has a parameter more.
func (t *track) saneGroups(body []byte) bool {
	if len(body) < 4 {
		return false
	}
	head := 8
	if body[0] == 1 {
		head = 12
	}
	if len(body) < head {
		return false
	}
	table, err := rows(box{name: "sbgp", body: body[head-4:]}, 8)
	var samples uint64
	for ; len(table) > 0; table = table[8:] {
		samples += uint64(binary.BigEndian.Uint32(table))
	}
	return err == nil && samples <= uint64(t.samples())
}

// saneDescriptions checks that there is room for as many descriptions as there are claimed to be. From version 1 on their
// length is said, and 0 says that each has its own; before, it is that of their kind, a byte at least.
func saneDescriptions(body []byte) bool {
	head, each := 8, uint64(1)
	if len(body) > 0 && body[0] >= 1 {
		head = 12
	}
	if len(body) < head+4 {
		return false
	}
	if head == 12 {
		if each = uint64(binary.BigEndian.Uint32(body[8:])); each == 0 {
			each = 4
		}
	}
	return uint64(binary.BigEndian.Uint32(body[head:]))*each <= uint64(len(body)-head-4)
}

// twice reports whether a box that there is one of is there again: players do not agree on which of them counts.
func twice(list []box) bool {
	seen := make(map[string]bool, len(list))
	for _, b := range list {
		if seen[b.name] && !mayRepeat(b.name) {
			return true
		}
		seen[b.name] = true
	}
	return false
}

// mayRepeat reports whether there may be several boxes of a name in one.
func mayRepeat(name string) bool {
	switch name {
	case "trak", "sgpd", "sbgp", "csgp", "subs", "saiz", "saio", "uuid", "free", "skip", "wide":
		return true
	}
	return false
}
