package media

import (
	"io"
	"math"
	"slices"

	"github.com/Eyevinn/mp4ff/bits"
	"github.com/Eyevinn/mp4ff/mp4"
)

// readTables decodes the boxes that say when and where the samples are. mp4ff refuses tables whose length is not what
// their number of entries asks for, before it makes room for them, so they take about the memory that they have here.
func (t *track) readTables(mdia, stbl []box) error {
	mdhd, err := decode[*mp4.MdhdBox](mdia, "mdhd")
	if err != nil {
		return err
	}
	if mdhd.Timescale == 0 {
		return damaged("a track has no unit of time")
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
	} else {
		t.stco, err = decode[*mp4.StcoBox](stbl, "stco")
	}
	if err != nil {
		return err
	}
	return t.checkTables(stbl)
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
		return none, damaged("a track has no %s", name)
	}
	decoded, err := mp4.DecodeBoxSR(0, bits.NewFixedSliceReader(b.all))
	if err != nil {
		return none, damaged("%v", err)
	}
	typed, ok := decoded.(T)
	if !ok {
		return none, damaged("%s is a %T", name, decoded)
	}
	return typed, nil
}

// checkChunks walks over all chunks of samples and checks that each lies inside the content, and that together they are not
// more than it: chunks on top of each other would make hours of a few bytes. This is what finds files whose upload was cut off.
func (t *track) checkChunks(mdat []span) error {
	left := uint64(t.sizes.SampleNumber)
	next := uint64(0) // sample
	room := int64(0)  // bytes of the content that no sample has had
	for _, s := range mdat {
		room += s.end - s.start
	}
	for i, run := range t.runs.Entries {
		end := t.chunks() + 1
		if i+1 < len(t.runs.Entries) {
			end = uint64(t.runs.Entries[i+1].FirstChunk)
		}
		if run.FirstChunk == 0 || uint64(run.FirstChunk) >= end || end > t.chunks()+1 || run.SamplesPerChunk == 0 {
			return damaged("the table of chunks is damaged")
		}
		for chunk := uint64(run.FirstChunk); chunk < end && left > 0; chunk++ {
			n := min(uint64(run.SamplesPerChunk), left)
			size := t.bytes(next, n)
			if !inside(mdat, t.chunk(chunk), size) {
				return truncated("samples %d to %d are not in the file", next, next+n-1)
			}
			if room -= int64(size); room < 0 {
				return damaged("the samples up to %d are more than the content", next+n-1)
			}
			next, left = next+n, left-n
		}
	}
	if left > 0 {
		return damaged("%d samples are nowhere", left)
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
	i, ok := spanOf(mdat, offset)
	return ok && size <= uint64(mdat[i].end)-offset
}

// spanOf finds the span that an offset is in, or at the end of.
func spanOf(mdat []span, offset uint64) (int, bool) {
	if offset > math.MaxInt64 {
		return 0, false
	}
	return slices.BinarySearchFunc(mdat, int64(offset), func(s span, at int64) int {
		switch {
		case s.end < at:
			return -1
		case s.start > at:
			return 1
		default:
			return 0
		}
	})
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
func checkFrame(r io.ReaderAt, sample span, lengthBytes int) error {
	if sample.start == sample.end {
		return nil // a repeated frame
	}
	if sample.end-sample.start <= int64(lengthBytes) {
		return damaged("a frame of %d bytes", sample.end-sample.start)
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
		return damaged("a frame at byte %d is not H.264", sample.start)
	}
	return nil
}

// ticks adds up how long the samples are shown, in the track's unit of time.
func (t *track) ticks() (uint64, error) {
	const most = 1 << 53 // no overflow in what is done with it
	var ticks uint64
	for i, n := range t.times.SampleCount {
		ticks += uint64(n) * uint64(t.times.SampleTimeDelta[i])
		if ticks > most || uint64(n)*uint64(t.times.SampleTimeDelta[i]) > most {
			return 0, damaged("a track without end")
		}
	}
	return ticks, nil
}

// durationMs is ticks in milliseconds.
func (t *track) durationMs() (int64, error) {
	ticks, err := t.ticks()
	scale := uint64(t.timescale)
	return int64(ticks/scale*1000 + ticks%scale*1000/scale), err
}

// frameRate is the average, 0 when the frames are shown for no time.
func (t *track) frameRate() float64 {
	ticks, err := t.ticks()
	if err != nil || ticks == 0 {
		return 0
	}
	rate := float64(t.samples()) * float64(t.timescale) / float64(ticks)
	return math.Round(rate*1000) / 1000
}
