package kv

import (
	"encoding/binary"
	"slices"
)

// IDList is a bounded list of ids as a cache holds it: in its own order, and sorted, so that it can be asked for one id.
type IDList struct {
	// Sorted are the ids in ascending order.
	Sorted []int64
	// Order are places in Sorted: of the first id of the list, of the second, and so on.
	Order []uint16
	// More says that there are too many to hold; then nothing else says anything.
	More bool
}

// NewIDList holds ids, each of which is there once, in their order; or none of them when they are more than most, which
// is at most 65,536.
func NewIDList(ids []int64, most int) IDList {
	if len(ids) > most {
		return IDList{More: true}
	}
	l := IDList{Sorted: slices.Clone(ids), Order: make([]uint16, len(ids))}
	slices.Sort(l.Sorted)
	for i, id := range ids {
		at, _ := slices.BinarySearch(l.Sorted, id)
		l.Order[i] = uint16(at)
	}
	return l
}

// Has reports whether the list has the id.
func (l IDList) Has(id int64) bool {
	_, ok := slices.BinarySearch(l.Sorted, id)
	return ok
}

// All are the ids of the list in its order.
func (l IDList) All() []int64 {
	ids := make([]int64, len(l.Order))
	for i, at := range l.Order {
		ids[i] = l.Sorted[at]
	}
	return ids
}

// Size is the memory behind l in bytes (Options.Size).
func (l IDList) Size() int { return 8*cap(l.Sorted) + 2*cap(l.Order) }

// AppendBinary is for the cache: 2 to 3 bytes for each id that is near to others.
func (l IDList) AppendBinary(b []byte) ([]byte, error) {
	if l.More {
		return append(b, 1), nil
	}
	b = AppendIDs(append(b, 0), l.Sorted)
	for _, at := range l.Order {
		b = binary.AppendUvarint(b, uint64(at))
	}
	return b, nil
}

// UnmarshalBinary is for the cache. It fails with ErrBadBytes.
func (l *IDList) UnmarshalBinary(b []byte) (err error) {
	if len(b) == 0 || b[0] > 1 {
		return ErrBadBytes
	}
	if l.More = b[0] == 1; l.More {
		return nil
	}
	if l.Sorted, b, err = ReadIDs(b[1:]); err != nil {
		return err
	}
	l.Order = make([]uint16, len(l.Sorted))
	for i := range l.Order {
		var at uint64
		if at, b, err = ReadUvarint(b); err != nil {
			return err
		}
		if at >= uint64(len(l.Sorted)) {
			return ErrBadBytes
		}
		l.Order[i] = uint16(at)
	}
	return nil
}
