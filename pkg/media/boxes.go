package media

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
)

// span is a part of the file: bytes start to end-1.
type span struct{ start, end int64 }

// layout is the outermost structure of a file.
type layout struct {
	ftyp     []byte // the whole box, empty when there is none
	moov     []byte // the body of the moov box, the description
	moovAt   int64
	mdat     []span // the bodies of the mdat boxes, the content, in file order; at least one
	location bool   // there are notes about it beside the description
}

// scan walks the outermost boxes, reads the description and skips the content. Every size is checked against the file's
// before it is believed.
//
// The boxes are found here and only their tables are decoded by mp4ff, because that library's own reader decodes whatever
// is nested in whatever, at once and as deep as it goes. A file of a stranger may hold a description of gigabytes, boxes in
// boxes ten thousand deep, or a million tracks; here each of these is a number that is compared with a limit.
func scan(ctx context.Context, r io.ReaderAt, size int64) (layout, error) {
	var file layout
	for at, n := int64(0), 0; at < size; n++ {
		if err := alive(ctx); err != nil {
			return layout{}, err
		}
		if n == maxBoxes {
			return layout{}, damaged("more than %d boxes", maxBoxes)
		}
		head, length, headLen, err := readHeader(r, at, size)
		if err != nil {
			return layout{}, err
		}
		if length < headLen || length > size-at {
			if file.moov != nil && len(file.mdat) > 0 && head != "mdat" {
				break // some cameras append notes of their own; players ignore them too
			}
			return layout{}, truncated("a box of %d bytes at %d of %d", length, at, size)
		}
		if err := file.add(r, head, at, length, headLen); err != nil {
			return layout{}, err
		}
		at += length
	}
	switch {
	case file.moov == nil:
		return layout{}, truncated("no description (moov)")
	case len(file.mdat) == 0:
		return layout{}, truncated("no content (mdat)")
	}
	return file, nil
}

// add takes note of one of the outermost boxes.
func (l *layout) add(r io.ReaderAt, name string, at, length, headLen int64) (err error) {
	switch name {
	case "mdat":
		l.mdat = append(l.mdat, span{at + headLen, at + length})
	case "ftyp":
		if at != 0 || length > maxFtyp {
			return damaged("an ftyp of %d bytes at %d", length, at)
		}
		l.ftyp = make([]byte, length)
		return readAt(r, at, l.ftyp)
	case "moov":
		if l.moov != nil {
			return damaged("two descriptions")
		}
		if length > maxMoov {
			return damaged("a description of %d bytes, more than %d", length, int64(maxMoov))
		}
		l.moovAt = at
		l.moov = make([]byte, length-headLen)
		return readAt(r, at+headLen, l.moov)
	case "moof":
		return refuse(Unsupported, "a fragmented file")
	case "meta", "udta", "uuid":
		if length > maxNotes {
			return nil
		}
		notes := make([]byte, length-headLen)
		if err = readAt(r, at+headLen, notes); err == nil && hasLocation(notes) {
			l.location = true
		}
	}
	return err
}

// readHeader reads the name and the claimed length (with its header) of the box at a position of the file.
func readHeader(r io.ReaderAt, at, size int64) (name string, length, headLen int64, err error) {
	var head [16]byte
	if size-at < 8 {
		return "", 0, 8, nil // a length that is too short for its header
	}
	if err := readAt(r, at, head[:8]); err != nil {
		return "", 0, 0, err
	}
	name, length, headLen = string(head[4:8]), int64(binary.BigEndian.Uint32(head[:4])), 8
	switch length {
	case 0: // to the end of the file
		length = size - at
	case 1: // 64 bits follow
		if size-at < 16 {
			return name, 0, 16, nil
		}
		if err := readAt(r, at+8, head[8:]); err != nil {
			return "", 0, 0, err
		}
		length, headLen = int64(binary.BigEndian.Uint64(head[8:])), 16 // a negative one is too short as well
	}
	return name, length, headLen, nil
}

// readAt fills p. A file that ends before is a damaged one.
func readAt(r io.ReaderAt, at int64, p []byte) error {
	n, err := r.ReadAt(p, at)
	if n == len(p) {
		return nil
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return truncated("the file ends before byte %d", at+int64(len(p)))
	}
	return err
}

// box is one in memory.
type box struct {
	name string
	all  []byte // with its header
	body []byte
}

// counter bounds how many boxes are looked at in one file.
type counter struct{ left int }

// children splits a body into the boxes that it consists of, without looking into them. Fewer than 8 bytes at the end
// are ignored: QuickTime writes a zero there.
func (c *counter) children(body []byte) ([]box, error) {
	var list []box
	for len(body) >= 8 {
		if c.left--; c.left < 0 {
			return nil, damaged("more than %d boxes", maxBoxes)
		}
		length, headLen := uint64(binary.BigEndian.Uint32(body)), uint64(8)
		switch {
		case length == 0:
			length = uint64(len(body))
		case length == 1 && len(body) >= 16:
			length, headLen = binary.BigEndian.Uint64(body[8:]), 16
		}
		if length < headLen || length > uint64(len(body)) {
			return nil, damaged("a box of %d bytes in one of %d", length, len(body))
		}
		list = append(list, box{name: string(body[4:8]), all: body[:length], body: body[headLen:length]})
		body = body[length:]
	}
	return list, nil
}

// find returns the first box of this name, an empty one when there is none.
func find(list []box, name string) box {
	for _, b := range list {
		if b.name == name {
			return b
		}
	}
	return box{}
}

// path follows names from box to box, and returns the children of the last.
func (c *counter) path(list []box, names ...string) ([]box, error) {
	for _, name := range names {
		var err error
		if list, err = c.children(find(list, name).body); err != nil {
			return nil, err
		}
	}
	return list, nil
}
