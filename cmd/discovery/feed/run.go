package feed

import (
	"encoding/binary"
	"slices"

	"tiktok/cmd/discovery/recommend"
	"tiktok/pkg/kv"
)

// run is a ranked list as the cache holds it. Its items have a fixed width, so that a page is cut without reading the others.
type run struct {
	// id is never 0.
	id, madeMs int64
	// tags and because are what items refer to.
	tags    []string
	because []int64
	items   []byte
}

// itemBytes is the width of an item: 7 bytes for each id, which has 53 bits, the reason with the break, the place in tags or because.
const itemBytes = 7 + 7 + 2

const breakBit = 0x80

// newRun makes a run of items.
func newRun(id, madeMs int64, items []recommend.Item) run {
	r := run{id: id, madeMs: madeMs, items: make([]byte, 0, itemBytes*len(items))}
	for _, it := range items {
		kind, ref := byte(it.Reason), byte(0)
		if it.Break {
			kind |= breakBit
		}
		switch it.Reason {
		case recommend.ReasonTag:
			ref = refer(&r.tags, it.Tag)
		case recommend.ReasonCoLiked:
			ref = refer(&r.because, it.Because)
		}
		r.items = append(append7(append7(r.items, it.ID), it.AuthorID), kind, ref)
	}
	return r
}

// refer is the place of what in all, which it is added to unless it is there. A taste has fewer tags, and videos, than a byte can count.
func refer[T comparable](all *[]T, what T) byte {
	at := slices.Index(*all, what)
	if at < 0 {
		at = len(*all)
		*all = append(*all, what)
	}
	return byte(at)
}

func append7(b []byte, n int64) []byte {
	var all [8]byte
	binary.LittleEndian.PutUint64(all[:], uint64(n))
	return append(b, all[:7]...)
}

func read7(b []byte) int64 {
	return int64(uint64(binary.LittleEndian.Uint32(b)) | uint64(binary.LittleEndian.Uint32(b[3:]))>>8<<32)
}

// len is how many items there are.
func (r run) len() int { return len(r.items) / itemBytes }

// page is at most limit items from a place on, up to a break, and the place after them.
func (r run) page(from, limit int) (items []recommend.Item, next int) {
	items = make([]recommend.Item, 0, max(0, min(limit, r.len()-from)))
	for ; from < r.len() && len(items) < limit; from++ {
		b := r.items[from*itemBytes : (from+1)*itemBytes]
		if b[14]&breakBit != 0 && len(items) > 0 {
			break
		}
		it := recommend.Item{ID: read7(b), AuthorID: read7(b[7:]), Reason: recommend.Reason(b[14] &^ breakBit)}
		switch ref := int(b[15]); {
		case it.Reason == recommend.ReasonTag && ref < len(r.tags):
			it.Tag = r.tags[ref]
		case it.Reason == recommend.ReasonCoLiked && ref < len(r.because):
			it.Because = r.because[ref]
		}
		items = append(items, it)
	}
	return items, from
}

// ids are those of the first n items, ascending.
func (r run) ids(n int) []int64 {
	ids := make([]int64, min(n, r.len()))
	for i := range ids {
		ids[i] = read7(r.items[i*itemBytes:])
	}
	slices.Sort(ids)
	return ids
}

// size is for the bound of the cache.
func (r run) size() int { return len(r.items) + 32*len(r.tags) + 8*len(r.because) }

// bytes is the run as it is kept.
func (r run) bytes() []byte {
	b := make([]byte, 0, 24+r.size())
	b = binary.AppendUvarint(binary.AppendUvarint(b, uint64(r.id)), uint64(r.madeMs))
	b = binary.AppendUvarint(b, uint64(len(r.tags)))
	for _, tag := range r.tags {
		b = append(binary.AppendUvarint(b, uint64(len(tag))), tag...)
	}
	b = binary.AppendUvarint(b, uint64(len(r.because)))
	for _, id := range r.because {
		b = binary.AppendUvarint(b, uint64(id))
	}
	return append(b, r.items...)
}

// readRun reads what bytes has made. The run refers to b.
func readRun(b []byte) (r run, err error) {
	numbers := func(to ...*int64) {
		for _, p := range to {
			var n uint64
			if err == nil {
				n, b, err = kv.ReadUvarint(b)
				*p = int64(n)
			}
		}
	}
	var tags, because int64
	if numbers(&r.id, &r.madeMs, &tags); err != nil || tags > 255 {
		return run{}, kv.ErrBadBytes
	}
	for range tags {
		var size int64
		if numbers(&size); err != nil || size < 0 || size > int64(len(b)) {
			return run{}, kv.ErrBadBytes
		}
		r.tags, b = append(r.tags, string(b[:size])), b[size:]
	}
	if numbers(&because); err != nil || because > 255 {
		return run{}, kv.ErrBadBytes
	}
	for range because {
		var id int64
		numbers(&id)
		r.because = append(r.because, id)
	}
	if err != nil || len(b)%itemBytes != 0 || r.id <= 0 {
		return run{}, kv.ErrBadBytes
	}
	r.items = b
	return r, nil
}

// reach is how far a viewer has come in a run.
type reach struct {
	run int64
	at  int
}

func (r reach) bytes() []byte {
	return binary.AppendUvarint(binary.AppendUvarint(nil, uint64(r.run)), uint64(r.at))
}

// readReach is 0 for what is none.
func readReach(b []byte) reach {
	id, b, err := kv.ReadUvarint(b)
	if err != nil {
		return reach{}
	}
	at, _, err := kv.ReadUvarint(b)
	if err != nil || at > 1<<20 {
		return reach{}
	}
	return reach{run: int64(id), at: int(at)}
}

// shown is what a viewer was shown: lists of ids, each ascending, the last list first.
type shown [][]int64

// add adds what a run has shown, and forgets what is older than the last most.
func (s shown) add(ids []int64, most int) shown {
	all := shown{}
	if len(ids) > 0 {
		all = append(all, ids)
	}
	left := most - len(ids)
	for _, list := range s {
		if left <= 0 {
			break
		}
		all = append(all, list)
		left -= len(list)
	}
	return all
}

func (s shown) bytes() []byte {
	b := binary.AppendUvarint(nil, uint64(len(s)))
	for _, ids := range s {
		b = kv.AppendIDs(b, ids)
	}
	return b
}

// readShown is empty for what is none.
func readShown(b []byte) (s shown) {
	n, b, err := kv.ReadUvarint(b)
	if err != nil {
		return nil
	}
	for range n {
		var ids []int64
		if ids, b, err = kv.ReadIDs(b); err != nil {
			return s
		}
		s = append(s, ids)
	}
	return s
}
