package kv

import (
	"hash/maphash"
	"math"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/maypok86/otter/v2"
)

const (
	// entryOverhead is about what an entry costs beside its id and value, an estimate: hash table slot, node, policy, header.
	entryOverhead = 200
	// generations is how many there are. An id shares its generation with few others, so that invalidating many ids all the
	// time keeps few values of other ids from being cached.
	generations = 1024
)

// inProcess is what a store keeps in this process: one cache for all kinds of values, bounded by their weight.
//
// A reader notes the generations of its ids before it reads the store or loads. Invalidation raises the generations of its
// ids, and then removes the ids. A value is put in only while its generation is the noted one, and neither the check nor the
// removal of an id runs beside the other (otter computes one key at a time): so what was read before an invalidation is
// refused or removed, whichever comes first.
type inProcess struct {
	// cache has the entries by the hash of their kind and id: a key that does not fit one type. Entries tell whose they are.
	cache       *otter.Cache[uint64, entry]
	seed        maphash.Seed
	born        time.Time
	generations [generations]atomic.Uint64
}

// entry is a *cached value of some kind.
type entry interface{ weight() uint32 }

// cached is what is known of an id: its value, or that it has none.
type cached[K comparable, T any] struct {
	kind  uint64
	id    K
	value T
	none  bool
	bytes uint32
	// until is since inProcess.born. What has expired stays until it is replaced or evicted: no clock runs for it.
	until time.Duration
}

func (h *cached[K, T]) weight() uint32 { return h.bytes }

func newInProcess(maxBytes int64) *inProcess {
	return &inProcess{
		cache: otter.Must(&otter.Options[uint64, entry]{
			MaximumWeight: uint64(maxBytes), Weigher: func(_ uint64, e entry) uint32 { return e.weight() },
		}),
		seed: maphash.MakeSeed(), born: time.Now(),
	}
}

func (p *inProcess) now() time.Duration { return time.Since(p.born) }

func (p *inProcess) generation(key uint64) *atomic.Uint64 { return &p.generations[key%generations] }

// kindInProcess is the values of one kind in an inProcess.
type kindInProcess[K comparable, T any] struct {
	*inProcess
	kind uint64
	// ttl and noneTTL are how long a value is kept, and that an id has none; 0 is not at all.
	ttl, noneTTL time.Duration
	// size is how many bytes an id and its value point to.
	size  func(K, T) int
	fixed int
}

func newKindInProcess[K comparable, T any](p *inProcess, kind string, ttl, noneTTL time.Duration, size func(K, T) int) kindInProcess[K, T] {
	return kindInProcess[K, T]{
		inProcess: p, kind: maphash.String(p.seed, kind), ttl: ttl, noneTTL: noneTTL,
		size: size, fixed: entryOverhead + int(unsafe.Sizeof(cached[K, T]{})),
	}
}

func (k *kindInProcess[K, T]) key(id K) uint64 { return k.kind ^ maphash.Comparable(k.seed, id) }

// own is e as an entry of id, nil when it is another's, or has expired, or there is none.
func (k *kindInProcess[K, T]) own(e entry, id K, now time.Duration) *cached[K, T] {
	if h, ok := e.(*cached[K, T]); ok && h.kind == k.kind && h.id == id && now < h.until {
		return h
	}
	return nil
}

// get fills out with the values that are cached and returns the ids of which nothing is.
func (k *kindInProcess[K, T]) get(ids []K, out map[K]T) (missing []K) {
	if k.ttl <= 0 {
		return ids
	}
	now := k.now()
	for i, id := range ids {
		e, _ := k.cache.GetIfPresent(k.key(id))
		h := k.own(e, id, now)
		if h == nil {
			if missing == nil {
				missing = make([]K, 0, len(ids)-i)
			}
			missing = append(missing, id)
		} else if !h.none {
			out[id] = h.value
		}
	}
	return missing
}

// reading is when a read of ids began, and the generations of the ids then.
type reading struct {
	began       time.Duration
	generations []uint64
}

func (k *kindInProcess[K, T]) begin(ids []K) reading {
	r := reading{began: k.now(), generations: make([]uint64, len(ids))}
	for i, id := range ids {
		r.generations[i] = k.generation(k.key(id)).Load()
	}
	return r
}

// valid reports that ids[i] of the reading has not been invalidated since.
func (k *kindInProcess[K, T]) valid(id K, r reading, i int) bool {
	return k.generation(k.key(id)).Load() == r.generations[i]
}

// put takes in what the reading of ids has found, and that there is nothing else. A value is not kept longer because its
// read took long.
func (k *kindInProcess[K, T]) put(ids []K, r reading, found map[K]T) {
	if k.ttl <= 0 {
		return
	}
	now := k.now()
	for i, id := range ids {
		h := &cached[K, T]{kind: k.kind, id: id, none: true, until: r.began + k.noneTTL}
		if value, ok := found[id]; ok {
			h.value, h.none, h.until = value, false, r.began+k.ttl
		}
		if now < h.until {
			k.update(id, h, func(*cached[K, T]) bool { return k.valid(id, r, i) })
		}
	}
}

// update replaces what is cached of an id by h if that is right, which is asked while nobody else changes it.
func (k *kindInProcess[K, T]) update(id K, h *cached[K, T], right func(old *cached[K, T]) bool) {
	bytes := k.fixed
	if !h.none {
		bytes += k.size(id, h.value)
	}
	h.bytes = uint32(min(bytes, math.MaxUint32))
	k.cache.Compute(k.key(id), func(e entry, _ bool) (entry, otter.ComputeOp) {
		if right(k.own(e, id, k.now())) {
			return h, otter.WriteOp
		}
		return e, otter.CancelOp
	})
}

// refuse makes readings of ids that have begun invalid.
func (k *kindInProcess[K, T]) refuse(ids []K) {
	for _, id := range ids {
		k.generation(k.key(id)).Add(1)
	}
}

// drop refuses readings that have begun and removes what is cached of ids.
func (k *kindInProcess[K, T]) drop(ids []K) {
	k.refuse(ids)
	if k.ttl <= 0 {
		return
	}
	for _, id := range ids {
		k.cache.Invalidate(k.key(id))
	}
}
