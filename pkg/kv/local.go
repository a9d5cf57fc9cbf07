package kv

import (
	"sync"
	"time"

	"github.com/maypok86/otter/v2"
)

// defaultLocalSize is some MB of cards.
const defaultLocalSize = 16_384

// local is the level in this process: decoded values that exist, for a short time. A nil local holds nothing.
//
// A reader takes the generation before he reads the store. Invalidate raises it after its tombstone is written, and
// takes the ids out. What a reader brings back is only taken in if the generation is still his, both under mu; so
// what he read before the tombstone was there either comes too late or is taken out. The generation is one for all ids:
// kinds with a local level rarely change.
type local[T any] struct {
	ttl   time.Duration
	born  time.Time
	cache *otter.Cache[int64, localEntry[T]]

	mu         sync.RWMutex // shared by who puts in, alone who drops
	generation uint64
}

type localEntry[T any] struct {
	value T
	until time.Duration // since born
}

func newLocal[T any](ttl time.Duration, size int) *local[T] {
	if ttl <= 0 {
		return nil
	}
	if size <= 0 {
		size = defaultLocalSize
	}
	// What is over stays until it is replaced or pushed out: no clock has to run for it, so nothing has to be closed.
	cache, err := otter.New(&otter.Options[int64, localEntry[T]]{MaximumSize: size})
	if err != nil {
		return nil // a level less: slower, never wrong
	}
	return &local[T]{ttl: ttl, born: time.Now(), cache: cache}
}

// get fills out with what is held and returns the other ids, and the generation that put needs.
func (l *local[T]) get(ids []int64, now time.Time, out map[int64]T) (rest []int64, generation uint64) {
	if l == nil {
		return ids, 0
	}
	l.mu.RLock()
	generation = l.generation
	l.mu.RUnlock()
	since := now.Sub(l.born)
	for i, id := range ids {
		if e, ok := l.cache.GetIfPresent(id); ok && since < e.until {
			out[id] = e.value
			continue
		}
		if rest == nil {
			rest = make([]int64, 0, len(ids)-i)
		}
		rest = append(rest, id)
	}
	return rest, generation
}

// put takes in those of ids that were found. start is before they were read: a value is not held longer because it was
// long on its way.
func (l *local[T]) put(ids []int64, found map[int64]T, start time.Time, generation uint64) {
	if l == nil || time.Since(start) >= l.ttl {
		return
	}
	until := start.Add(l.ttl).Sub(l.born)
	l.mu.RLock()
	defer l.mu.RUnlock()
	if l.generation != generation {
		return
	}
	for _, id := range ids {
		if v, ok := found[id]; ok {
			l.cache.Set(id, localEntry[T]{value: v, until: until})
		}
	}
}

// drop takes ids out, and refuses all that is on its way.
func (l *local[T]) drop(ids []int64) {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.generation++
	for _, id := range ids {
		l.cache.Invalidate(id)
	}
}
