package media

import (
	"encoding/binary"
	"errors"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/Eyevinn/mp4ff/avc"
	"github.com/Eyevinn/mp4ff/bits"
	"github.com/Eyevinn/mp4ff/mp4"
)

// track is one of the streams of a file, and where its samples are.
type track struct {
	handler       string // "vide", "soun", or something that is ignored
	codec         string // name of the sample entry, such as "avc1"
	entry         box
	width, height int32 // as shown, of a picture

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
		return nil, notVideo("a fragmented file")
	}
	var tracks []track
	for _, b := range top {
		if b.name != "trak" {
			continue
		}
		if len(tracks) == maxTracks {
			return nil, notVideo("more than %d tracks", maxTracks)
		}
		t, err := readTrack(count, b.body)
		if err != nil {
			return nil, err
		}
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
	stbl, err := count.path(mdia, "minf", "stbl")
	if err != nil {
		return t, err
	}
	if err := t.readEntry(count, find(stbl, "stsd").body); err != nil {
		return t, err
	}
	if t.handler == "vide" && !t.isH264() {
		return t, nil // its tables do not matter
	}
	if err := t.readTables(mdia, stbl); err != nil {
		return t, err
	}
	if t.handler == "vide" {
		t.readSize(find(top, "tkhd").body)
	}
	return t, nil
}

// readEntry reads the body of an stsd box, which says what the samples are.
func (t *track) readEntry(count *counter, stsd []byte) error {
	if len(stsd) < 8 {
		return notVideo("a track does not say what it holds")
	}
	entries, err := count.children(stsd[8:])
	if err != nil {
		return err
	}
	if len(entries) == 0 {
		return notVideo("a track does not say what it holds")
	}
	t.entry = entries[0]
	t.codec = entries[0].name
	for _, e := range entries {
		if e.name != t.codec {
			return notVideo("a track changes from %q to %q", t.codec, e.name)
		}
	}
	return nil
}

func (t *track) isH264() bool { return t.codec == "avc1" || t.codec == "avc3" }

func (t *track) samples() uint32 {
	if t.sizes == nil {
		return 0
	}
	return t.sizes.SampleNumber
}

// readTables decodes the boxes that say when and where the samples are. mp4ff refuses tables whose length is not what
// their number of entries asks for, before it makes room for them, so they take about the memory that they have here.
func (t *track) readTables(mdia, stbl []box) error {
	mdhd, err := decode[*mp4.MdhdBox](mdia, "mdhd")
	if err != nil {
		return err
	}
	if mdhd.Timescale == 0 {
		return notVideo("a track has no unit of time")
	}
	t.timescale = mdhd.Timescale
	if t.sizes, err = decode[*mp4.StszBox](stbl, "stsz"); err != nil {
		return err
	}
	if t.times, err = decode[*mp4.SttsBox](stbl, "stts"); err != nil {
		return err
	}
	if t.runs, err = decode[*mp4.StscBox](stbl, "stsc"); err != nil {
		return err
	}
	if find(stbl, "co64").name != "" {
		t.co64, err = decode[*mp4.Co64Box](stbl, "co64")
		return err
	}
	t.stco, err = decode[*mp4.StcoBox](stbl, "stco")
	return err
}

// chunks is the number of chunks.
func (t *track) chunks() uint64 {
	if t.co64 != nil {
		return uint64(len(t.co64.ChunkOffset))
	}
	return uint64(len(t.stco.ChunkOffset))
}

// chunk is the offset of one chunk in the file. The first has number 1.
func (t *track) chunk(number uint64) uint64 {
	if t.co64 != nil {
		return t.co64.ChunkOffset[number-1]
	}
	return uint64(t.stco.ChunkOffset[number-1])
}

// decode decodes the one box of this name.
func decode[T mp4.Box](list []box, name string) (T, error) {
	var none T
	b := find(list, name)
	if b.name == "" {
		return none, notVideo("a track has no %s", name)
	}
	decoded, err := mp4.DecodeBoxSR(0, bits.NewFixedSliceReader(b.all))
	if err != nil {
		return none, notVideo("%v", err)
	}
	typed, ok := decoded.(T)
	if !ok {
		return none, notVideo("%s is a %T", name, decoded)
	}
	return typed, nil
}

// readSize takes the size from the sample entry and turns it as the body of the tkhd box says.
func (t *track) readSize(tkhd []byte) {
	if len(t.entry.body) < 28 {
		return // checkVideo refuses a size of 0
	}
	t.width = int32(binary.BigEndian.Uint16(t.entry.body[24:]))
	t.height = int32(binary.BigEndian.Uint16(t.entry.body[26:]))
	matrix := 40
	if len(tkhd) > 0 && tkhd[0] == 1 { // version 1 has longer times
		matrix = 52
	}
	if len(tkhd) < matrix+20 {
		return
	}
	field := func(i int) uint32 { return binary.BigEndian.Uint32(tkhd[matrix+4*i:]) }
	if field(0) == 0 && field(4) == 0 && field(1) != 0 && field(3) != 0 { // a quarter turn
		t.width, t.height = t.height, t.width
	}
}

// checkVideo checks what only a picture has, and its samples.
func (t *track) checkVideo(r io.ReadSeeker, mdat []span) error {
	if t.width < 1 || t.height < 1 || t.width > maxSide || t.height > maxSide {
		return notVideo("a picture of %d x %d", t.width, t.height)
	}
	lengthBytes, err := t.checkDecoder()
	if err != nil {
		return err
	}
	if err := t.checkChunks(mdat); err != nil {
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

// checkDecoder checks the decoder's settings and returns how many bytes the length in front of each H.264 unit has.
func (t *track) checkDecoder() (lengthBytes int, err error) {
	const visual = 78 // bytes in front of the boxes in a visual sample entry
	if len(t.entry.body) < visual {
		return 0, notVideo("a sample entry of %d bytes", len(t.entry.body))
	}
	boxes, err := (&counter{left: maxBoxes}).children(t.entry.body[visual:])
	if err != nil {
		return 0, err
	}
	avcC := find(boxes, "avcC").body
	if len(avcC) < 7 {
		return 0, notVideo("no decoder settings")
	}
	settings, err := avc.DecodeAVCDecConfRec(avcC)
	switch {
	case errors.Is(err, avc.ErrCannotParseAVCExtension), errors.Is(err, avc.ErrLengthSize):
		// Valid, but more than the library knows.
	case err != nil:
		return 0, notVideo("%v", err)
	case t.codec == "avc1" && (len(settings.SPSnalus) == 0 || len(settings.PPSnalus) == 0):
		return 0, notVideo("empty decoder settings")
	}
	return int(avcC[4]&3) + 1, nil
}

// checkChunks walks over all chunks of samples and checks that each lies inside the content. This is what finds files
// whose upload was cut off.
func (t *track) checkChunks(mdat []span) error {
	left := uint64(t.sizes.SampleNumber)
	next := uint64(0) // sample
	for i, run := range t.runs.Entries {
		end := t.chunks() + 1
		if i+1 < len(t.runs.Entries) {
			end = uint64(t.runs.Entries[i+1].FirstChunk)
		}
		if run.FirstChunk == 0 || uint64(run.FirstChunk) >= end || end > t.chunks()+1 || run.SamplesPerChunk == 0 {
			return notVideo("the table of chunks is damaged")
		}
		for chunk := uint64(run.FirstChunk); chunk < end && left > 0; chunk++ {
			n := min(uint64(run.SamplesPerChunk), left)
			if !inside(mdat, t.chunk(chunk), t.bytes(next, n)) {
				return notVideo("samples %d to %d are not in the file", next, next+n-1)
			}
			next, left = next+n, left-n
		}
	}
	if left > 0 {
		return notVideo("%d samples are nowhere", left)
	}
	return nil
}

// bytes is the size of n samples. It can not overflow: there are fewer than 2^32, each of fewer than 2^32 bytes.
func (t *track) bytes(first, n uint64) uint64 {
	if t.sizes.SampleUniformSize != 0 {
		return n * uint64(t.sizes.SampleUniformSize)
	}
	var sum uint64
	for _, size := range t.sizes.SampleSize[first : first+n] {
		sum += uint64(size)
	}
	return sum
}

// inside reports whether size bytes at offset are in one of the spans, which are in order.
func inside(mdat []span, offset, size uint64) bool {
	if offset > math.MaxInt64 || size > math.MaxInt64 {
		return false
	}
	i, found := slices.BinarySearchFunc(mdat, int64(offset), func(s span, at int64) int {
		switch {
		case s.end < at:
			return -1
		case s.start > at:
			return 1
		default:
			return 0
		}
	})
	return found && int64(size) <= mdat[i].end-int64(offset)
}

// ends returns where the first and the last sample are. The chunks have been checked.
func (t *track) ends() (first, last span) {
	at := int64(t.chunk(uint64(t.runs.Entries[0].FirstChunk)))
	first = span{at, at + int64(t.bytes(0, 1))}

	total := uint64(t.sizes.SampleNumber)
	next := uint64(0)
	for i, run := range t.runs.Entries {
		end := t.chunks() + 1
		if i+1 < len(t.runs.Entries) {
			end = uint64(t.runs.Entries[i+1].FirstChunk)
		}
		n := (end - uint64(run.FirstChunk)) * uint64(run.SamplesPerChunk)
		if next+n < total {
			next += n
			continue
		}
		skip := (total - 1 - next) / uint64(run.SamplesPerChunk) // chunks
		before := next + skip*uint64(run.SamplesPerChunk)
		start := t.chunk(uint64(run.FirstChunk)+skip) + t.bytes(before, total-1-before)
		return first, span{int64(start), int64(start + t.bytes(total-1, 1))}
	}
	return first, first // not reached: the samples are all in chunks
}

// checkFrame checks that a sample begins like one of H.264. Content of zeros, which an upload in pieces can leave, does
// not.
func checkFrame(r io.ReadSeeker, sample span, lengthBytes int) error {
	if sample.start == sample.end {
		return nil // a repeated frame
	}
	if sample.end-sample.start <= int64(lengthBytes) {
		return notVideo("a frame of %d bytes", sample.end-sample.start)
	}
	head := make([]byte, lengthBytes+1)
	if err := readAt(r, sample.start, head); err != nil {
		return err
	}
	var length int64
	for _, b := range head[:lengthBytes] {
		length = length<<8 | int64(b)
	}
	kind := head[lengthBytes] & 0x1f
	if length == 0 || length > sample.end-sample.start-int64(lengthBytes) || head[lengthBytes]&0x80 != 0 || kind < 1 || kind > 23 {
		return notVideo("a frame at byte %d is not H.264", sample.start)
	}
	return nil
}

// durationMs adds up the samples.
func (t *track) durationMs() (int64, error) {
	const most = 1 << 53 // ticks: no overflow below
	var ticks uint64
	for i, n := range t.times.SampleCount {
		ticks += uint64(n) * uint64(t.times.SampleTimeDelta[i])
		if ticks > most || uint64(n)*uint64(t.times.SampleTimeDelta[i]) > most {
			return 0, notVideo("a track without end")
		}
	}
	scale := uint64(t.timescale)
	return int64(ticks/scale*1000 + ticks%scale*1000/scale), nil
}

// audioCodec names what the sound is.
func (t *track) audioCodec() string {
	switch t.codec {
	case "mp4a":
		return t.mpegAudio()
	case "ac-3":
		return "ac3"
	case "ec-3":
		return "eac3"
	case ".mp3":
		return "mp3"
	}
	return word(t.codec)
}

// mpegAudio looks for the kind in the esds box, which QuickTime hides in a wave box behind a longer entry.
func (t *track) mpegAudio() string {
	const audio = 28 // bytes in front of the boxes in an audio sample entry
	body := t.entry.body
	if len(body) < audio {
		return "mp4a"
	}
	skip := audio
	switch binary.BigEndian.Uint16(body[8:]) { // QuickTime's version
	case 1:
		skip += 16
	case 2:
		skip += 36
	}
	if len(body) < skip {
		return "mp4a"
	}
	count := &counter{left: maxBoxes}
	boxes, err := count.children(body[skip:])
	if err != nil {
		return "mp4a"
	}
	if find(boxes, "esds").name == "" {
		if boxes, err = count.path(boxes, "wave"); err != nil {
			return "mp4a"
		}
	}
	esds, err := decode[*mp4.EsdsBox](boxes, "esds")
	if err != nil || esds.DecConfigDescriptor == nil {
		return "mp4a"
	}
	switch esds.DecConfigDescriptor.ObjectType {
	case 0x40, 0x66, 0x67, 0x68:
		return "aac"
	case 0x69, 0x6b:
		return "mp3"
	}
	return "mp4a"
}

// describe names the tracks for a log line.
func describe(tracks []track) string {
	if len(tracks) == 0 {
		return "none"
	}
	var names []string
	for i := range tracks {
		names = append(names, strings.TrimSpace(word(tracks[i].handler)+" "+word(tracks[i].codec)))
	}
	return strings.Join(names, ", ")
}

// word keeps the letters and digits of a name that comes from the file.
func word(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z', '0' <= r && r <= '9':
			return r
		case 'A' <= r && r <= 'Z':
			return r - 'A' + 'a'
		}
		return -1
	}, s)
}
