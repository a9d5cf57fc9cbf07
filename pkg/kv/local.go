package kv

import (
	"hash/maphash"
	"math"
	"sync"
	"time"
	"unsafe"

	"github.com/maypok86/otter/v2"
)

const (
	// defaultLocalBytes is what a kind takes at most that is only held for a moment.
	defaultLocalBytes = 8 << 20
	// localShards is how many generations there are: an id belongs to one. Who writes many ids all the time must not keep
	// others' values from being held.
	localShards = 256
)

// local is the level in this process: decoded values, for a short time. A nil local holds nothing.
//
// A reader takes the generations of his ids before he reads the store. Invalidate raises those of its ids after its
// tombstone is written, and takes the ids out. What a reader brings back is only taken in if the generation is still
// his, both under mu; so what he read before the tombstone was there either comes too late or is taken out.
type local[K comparable, T any] struct {
	ttl time.Duration
	// noneTTL is how long it is held that an id has no value; 0 is not at all.
	noneTTL time.Duration
	born    time.Time
	cache   *otter.Cache[K, localEntry[T]]
	seed    maphash.Seed

	mu          sync.RWMutex // shared by who puts in, alone who drops
	generations [localShards]uint64
}

type localEntry[T any] struct {
	value T
	none  bool
	until time.Duration // since born
}

// missed are ids that the level does not hold, and what put needs to take them in.
type missed[K comparable] struct {
	ids         []K
	generations []uint64
}

// newLocal is a level of maxBytes at most; size is that of what a value points to.
func newLocal[K comparable, T any](ttl, noneTTL time.Duration, maxBytes int64, size func(T) int) *local[K, T] {
	if ttl <= 0 {
		return nil
	}
	fixed := entryOverhead + int(unsafe.Sizeof(*new(K))+unsafe.Sizeof(*new(T)))
	// What is over stays until it is replaced or pushed out: no clock has to run for it, so nothing has to be closed.
	cache, err := otter.New(&otter.Options[K, localEntry[T]]{
		MaximumWeight: uint64(maxBytes),
		Weigher: func(_ K, e localEntry[T]) uint32 {
			if e.none || size == nil {
				return uint32(fixed)
			}
			return uint32(min(fixed+size(e.value), math.MaxUint32))
		},
	})
	if err != nil {
		return nil // a level less: slower, never wrong
	}
	return &local[K, T]{ttl: ttl, noneTTL: noneTTL, born: time.Now(), cache: cache, seed: maphash.MakeSeed()}
}

func (l *local[K, T]) shard(id K) uint64 { return maphash.Comparable(l.seed, id) % localShards }

// get fills out with what is held and returns the other ids.
func (l *local[K, T]) get(ids []K, now time.Time, out map[K]T) missed[K] {
	if l == nil {
		return missed[K]{ids: ids}
	}
	since := now.Sub(l.born)
	var m missed[K]
	for i, id := range ids {
		if e, ok := l.cache.GetIfPresent(id); ok && since < e.until {
			if !e.none {
				out[id] = e.value
			}
			continue
		}
		if m.ids == nil {
			m.ids = make([]K, 0, len(ids)-i)
		}
		m.ids = append(m.ids, id)
	}
	if len(m.ids) > 0 {
		m.generations = make([]uint64, len(m.ids))
		l.mu.RLock()
		for i, id := range m.ids {
			m.generations[i] = l.generations[l.shard(id)]
		}
		l.mu.RUnlock()
	}
	return m
}

// put takes in those of m that were found. start is before they were read: a value is not held longer because it was
// long on its way.
func (l *local[K, T]) put(m missed[K], found map[K]T, start time.Time) {
	if l == nil || time.Since(start) >= l.ttl {
		return
	}
	began := start.Sub(l.born)
	l.mu.RLock()
	defer l.mu.RUnlock()
	for i, id := range m.ids {
		if l.generations[l.shard(id)] != m.generations[i] {
			continue
		}
		if v, ok := found[id]; ok {
			l.cache.Set(id, localEntry[T]{value: v, until: began + l.ttl})
		} else if l.noneTTL > 0 {
			l.cache.Set(id, localEntry[T]{none: true, until: began + l.noneTTL})
		}
	}
}

// drop takes ids out, and refuses what of them is on its way.
func (l *local[K, T]) drop(ids []K) {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, id := range ids {
		l.generations[l.shard(id)]++
		l.cache.Invalidate(id)
	}
}
