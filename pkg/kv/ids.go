package kv

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// ErrBadBytes is returned for bytes that are not what they should be, e.g. from another build.
var ErrBadBytes = errors.New("kv: bad bytes")

// AppendIDs appends ids, which are in ascending order, as a count and the difference of each to the one before. A value
// that is mostly ids encodes itself with it (encoding.BinaryAppender), a third of the size of JSON at a tenth of the cost.
func AppendIDs(b []byte, ids []int64) []byte {
	b = binary.AppendUvarint(b, uint64(len(ids)))
	last := int64(0)
	for _, id := range ids {
		b = binary.AppendUvarint(b, uint64(id-last))
		last = id
	}
	return b
}

// ReadIDs reads what AppendIDs has appended, and returns the bytes behind it; nil for no ids.
func ReadIDs(b []byte) (ids []int64, rest []byte, err error) {
	n, b, err := ReadUvarint(b)
	if err != nil || n > uint64(len(b)) { // each takes a byte at least
		return nil, nil, fmt.Errorf("%w: %d ids in %d bytes", ErrBadBytes, n, len(b))
	}
	if n == 0 {
		return nil, b, nil
	}
	ids = make([]int64, n)
	last := int64(0)
	for i := range ids {
		var d uint64
		if d, b, err = ReadUvarint(b); err != nil {
			return nil, nil, err
		}
		last += int64(d)
		ids[i] = last
	}
	return ids, b, nil
}

// ReadUvarint reads a number that binary.AppendUvarint has appended, and returns the bytes behind it.
func ReadUvarint(b []byte) (n uint64, rest []byte, err error) {
	n, size := binary.Uvarint(b)
	if size <= 0 {
		return 0, nil, fmt.Errorf("%w: no number", ErrBadBytes)
	}
	return n, b[size:], nil
}
