package media

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"slices"

	"github.com/Eyevinn/mp4ff/avc"
	"github.com/Eyevinn/mp4ff/mp4"
)

// track is one of the streams of a file, and where its samples are.
type track struct {
	handler       string // "vide", "soun", or something that is ignored
	codec         string // name of the sample entry, such as "avc1"
	entry         box
	box           box   // the whole of it
	width, height int32 // as shown, of a picture
	rotation      int   // degrees clockwise
	location      bool  // notes say where it was recorded
	repair        bool  // something in it misleads players, and is put right when it is rewritten
	broken        error // of the tables of a picture that may not matter

	entries int     // number of sample entries, which are of one codec
	mixed   bool    // they are not all the same, or not what the decoder's settings say
	tkhd    []byte  // body
	mdhd    []byte  // body
	elst    box     // the edit list, nameless when there is none
	shownMs float64 // as the edit list says, checkEdits sets it

	timescale uint32 // ticks per second
	sizes     *mp4.StszBox
	times     *mp4.SttsBox
	runs      *mp4.StscBox
	stco      *mp4.StcoBox // offsets of the chunks in the file: this one
	co64      *mp4.Co64Box // or this one
}

// readTracks reads the body of a moov box.
func readTracks(moov []byte) ([]track, error) {
	count := &counter{left: maxBoxes}
	top, err := count.children(moov)
	if err != nil {
		return nil, err
	}
	if find(top, "mvex").name != "" {
		return nil, refuse(Unsupported, "made for fragments")
	}
	var tracks []track
	for _, b := range top {
		if b.name != "trak" {
			continue
		}
		if len(tracks) == maxTracks {
			return nil, damaged("more than %d tracks", maxTracks)
		}
		t, err := readTrack(count, b.body)
		if err != nil {
			return nil, err
		}
		t.box = b
		tracks = append(tracks, t)
	}
	return tracks, nil
}

// readTrack reads the body of a trak box. Of what is neither picture nor sound it reads the kind only.
func readTrack(count *counter, trak []byte) (track, error) {
	var t track
	top, err := count.children(trak)
	if err != nil {
		return t, err
	}
	mdia, err := count.path(top, "mdia")
	if err != nil {
		return t, err
	}
	// Version and flags, a field of QuickTime, then the kind.
	if hdlr := find(mdia, "hdlr").body; len(hdlr) >= 12 {
		t.handler = string(hdlr[8:12])
	}
	if t.handler != "vide" && t.handler != "soun" {
		return t, nil
	}
	minf, err := count.path(mdia, "minf")
	if err != nil {
		return t, err
	}
	stbl, err := count.path(minf, "stbl")
	if err != nil {
		return t, err
	}
	edts, err := count.path(top, "edts")
	if err != nil {
		return t, err
	}
	if err := t.readEntry(count, find(stbl, "stsd").body); err != nil {
		return t, err
	}
	t.location = hasLocation(find(top, "udta").body) || hasLocation(find(top, "meta").body)
	t.tkhd, t.mdhd, t.elst = find(top, "tkhd").body, find(mdia, "mdhd").body, find(edts, "elst")
	t.repair = t.repair || twice(top) || twice(mdia) || twice(minf) || twice(stbl) || twice(edts) || !selfContained(count, find(minf, "dinf"))
	err = t.readTables(mdia, stbl)
	if err == nil {
		t.repair = t.repair || slices.ContainsFunc(stbl, func(b box) bool { return !t.sane(b) }) || find(stbl, "stco").name != "" && t.co64 != nil
	}
	if t.handler == "soun" || t.isH264() {
		if err != nil {
			return t, err
		}
	} else {
		t.broken = err
	}
	if t.handler == "vide" {
		t.readSize(t.tkhd)
	}
	return t, nil
}

// readEntry reads the body of an stsd box, which says what the samples are.
func (t *track) readEntry(count *counter, stsd []byte) error {
	if len(stsd) < 8 {
		return damaged("a track does not say what it holds")
	}
	entries, err := count.children(stsd[8:])
	if err != nil {
		return err
	}
	if len(entries) == 0 {
		return damaged("a track does not say what it holds")
	}
	t.entry = entries[0]
	t.codec = entries[0].name
	if t.codec == "encv" || t.codec == "enca" || t.codec == "drmi" || t.codec == "drms" {
		return refuse(Encrypted, "a track of %q", t.codec)
	}
	for _, e := range entries {
		if e.name != t.codec {
			return damaged("a track changes from %q to %q", t.codec, e.name)
		}
		t.mixed = t.mixed || !bytes.Equal(e.body, t.entry.body)
	}
	t.entries = len(entries)
	t.repair = !ownEntries(entries)
	return nil
}

func (t *track) isH264() bool { return t.codec == "avc1" || t.codec == "avc3" }

func (t *track) samples() uint32 {
	if t.sizes == nil {
		return 0
	}
	return t.sizes.SampleNumber
}

// readSize takes the size from the sample entry and turns it as the body of the tkhd box says.
func (t *track) readSize(tkhd []byte) {
	if len(t.entry.body) < visualHead {
		return // checkVideo refuses a size of 0
	}
	t.width = int32(binary.BigEndian.Uint16(t.entry.body[24:]))
	t.height = int32(binary.BigEndian.Uint16(t.entry.body[26:]))
	// Players make room for the one size and decode the other. Sizes that are no whole blocks differ a little.
	const block = 16
	w, h := t.codedSize()
	if w > 0 && t.width > 0 && t.height > 0 && (w > t.width+block || h > t.height+block || w < t.width-block || h < t.height-block) {
		t.width, t.height, t.mixed = max(t.width, w), max(t.height, h), true
	}
	if boxes, err := (&counter{left: maxBoxes}).children(t.entry.body[visualHead:]); err == nil {
		t.width = squarePixels(t.width, find(boxes, "pasp").body)
	}
	matrix := 40
	if len(tkhd) > 0 && tkhd[0] == 1 { // version 1 has longer times
		matrix = 52
	}
	if len(tkhd) < matrix+20 {
		return
	}
	field := func(i int) int32 { return int32(binary.BigEndian.Uint32(tkhd[matrix+4*i:])) }
	a, b, c, d := field(0), field(1), field(3), field(4)
	switch {
	case a == 0 && d == 0 && b != 0 && c != 0: // a quarter turn
		t.width, t.height = t.height, t.width
		if t.rotation = 90; b < 0 {
			t.rotation = 270
		}
	case b == 0 && c == 0 && a < 0 && d < 0:
		t.rotation = 180
	}
}

// squarePixels widens or narrows a picture as the body of its pasp box says, within reason.
func squarePixels(w int32, pasp []byte) int32 {
	if len(pasp) < 8 {
		return w
	}
	return aspectWidth(w, float64(binary.BigEndian.Uint32(pasp)), float64(binary.BigEndian.Uint32(pasp[4:])))
}

// checkHeader checks the header that says how a track is shown.
func (t *track) checkHeader() error {
	if claimOf("tkhd", t.tkhd).size == 0 {
		return damaged("a tkhd of %d bytes", len(t.tkhd))
	}
	return nil
}

// checkVideo checks what only a picture has, and its samples.
func (t *track) checkVideo(r io.ReaderAt, mdat []span) error {
	if t.broken != nil {
		return t.broken
	}
	if err := t.checkHeader(); err != nil {
		return err
	}
	if t.width < 1 || t.height < 1 || t.width > maxSide || t.height > maxSide {
		return damaged("a picture of %d x %d", t.width, t.height)
	}
	if err := t.checkChunks(mdat); err != nil {
		return err
	}
	if !t.isH264() {
		return nil
	}
	lengthBytes, err := t.checkDecoder()
	if err != nil {
		return err
	}
	first, last := t.ends()
	for _, s := range []span{first, last} {
		if err := checkFrame(r, s, lengthBytes); err != nil {
			return err
		}
	}
	return nil
}

// checkDecoder checks H.264's settings and returns how many bytes the length in front of each unit has.
func (t *track) checkDecoder() (lengthBytes int, err error) {
	avcC, err := t.settings("avcC")
	if err != nil {
		return 0, err
	}
	if len(avcC) < 7 {
		return 0, damaged("no decoder settings")
	}
	settings, err := avc.DecodeAVCDecConfRec(avcC)
	switch {
	case errors.Is(err, avc.ErrCannotParseAVCExtension), errors.Is(err, avc.ErrLengthSize):
		// Valid, but more than the library knows.
	case err != nil:
		return 0, damaged("%v", err)
	case t.codec == "avc1" && (len(settings.SPSnalus) == 0 || len(settings.PPSnalus) == 0):
		return 0, damaged("empty decoder settings")
	}
	return int(avcC[4]&3) + 1, nil
}

// settings is the body of a box in a visualHead sample entry, empty when it has none.
func (t *track) settings(name string) ([]byte, error) {
	if len(t.entry.body) < visualHead {
		return nil, damaged("a sample entry of %d bytes", len(t.entry.body))
	}
	boxes, err := (&counter{left: maxBoxes}).children(t.entry.body[visualHead:])
	if err != nil {
		return nil, err
	}
	return find(boxes, name).body, nil
}
