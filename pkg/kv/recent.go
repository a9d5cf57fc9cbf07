package kv

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// keepRecent is for how long tombstones are remembered: longer than a Cluster takes to replace a master that others cannot reach.
	keepRecent = 15 * time.Second
	// maxRecent bounds the tombstones that are remembered, the newest.
	maxRecent   = 1 << 15
	recentBatch = 500
)

// recent is the keys of the last tombstones that this process wrote. Redis copies to replicas after it has answered, and a master that
// the others cannot reach takes writes for a while: after a failover the new master may hold the old value instead of a tombstone. So
// when a node has failed, or keys are at another one than before, these tombstones are written again, and a key whose tombstone has not
// been yet is not read.
type recent struct {
	write func(context.Context, []Item) error

	mu      sync.Mutex
	at      map[string]time.Time // guarded by mu; by key, when it was written
	order   []written            // guarded by mu; oldest first, of which those that at has another time of say nothing
	ttl     time.Duration        // guarded by mu; of tombstones
	doubted map[string]int       // guarded by mu; keys to be written again, with the number of the doubt
	doubts  int                  // guarded by mu
	working bool                 // guarded by mu
	any     atomic.Bool          // there are keys in doubted; is changed under mu
}

type written struct {
	key string
	at  time.Time
}

// add remembers those of items that are tombstones.
func (r *recent) add(items []Item) {
	now := time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, it := range items {
		if !isTombstone(it.Value) || it.IfAbsent || it.IfValue != nil {
			continue
		}
		if r.at == nil {
			r.at = make(map[string]time.Time)
		}
		r.at[it.Key], r.ttl = now, max(r.ttl, it.TTL)
		r.order = append(r.order, written{it.Key, now})
	}
	r.forget(now)
}

// forget drops what is too old or too much. mu is held.
func (r *recent) forget(now time.Time) {
	n := 0
	for n < len(r.order) && (len(r.order)-n > maxRecent || now.Sub(r.order[n].at) > keepRecent) {
		if old := r.order[n]; r.at[old.key].Equal(old.at) {
			delete(r.at, old.key)
		}
		n++
	}
	r.order = r.order[n:]
}

// doubt makes sure that the tombstones are written again. It returns at once.
func (r *recent) doubt(redis *Redis) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.forget(time.Now())
	if len(r.at) == 0 {
		return
	}
	if r.doubted == nil {
		r.doubted = make(map[string]int, len(r.at))
	}
	r.doubts++
	for k := range r.at {
		r.doubted[k] = r.doubts
	}
	r.any.Store(true)
	if !r.working {
		r.working = true
		redis.background(r.writeAgain)
	}
}

// read reads keys with get, and fails for those that are in doubt before or after it.
func (r *recent) read(keys []string, get func() ([][]byte, error)) ([][]byte, error) {
	before := r.among(keys, nil)
	values, err := get()
	doubted := r.among(keys, before)
	if len(doubted) == 0 || err != nil && !isPartial(err) {
		return values, err
	}
	var failed failures
	for i, k := range keys {
		switch err := ErrorOf(err, k); {
		case err != nil:
			failed.add(k, err)
		case doubted[k]:
			values[i] = nil
			failed.add(k, errDoubted)
		}
	}
	return values, failed.of(len(keys))
}

// among returns those of keys that are in doubt, and all of known.
func (r *recent) among(keys []string, known map[string]bool) map[string]bool {
	if !r.any.Load() {
		return known
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, k := range keys {
		if _, ok := r.doubted[k]; ok {
			if known == nil {
				known = make(map[string]bool)
			}
			known[k] = true
		}
	}
	return known
}

// writeAgain ends when there is no doubt any more, or with ctx.
func (r *recent) writeAgain(ctx context.Context) {
	keepTrying(ctx, retryMin, func() (err error) {
		for {
			keys, ttl, doubt := r.next()
			if len(keys) == 0 {
				return nil
			}
			for batch := range slices.Chunk(keys, recentBatch) {
				items := make([]Item, len(batch))
				token := tombstone() // a fresh one: who found the last one may have read before what came after it
				for i, k := range batch {
					items[i] = Item{Key: k, Value: token, TTL: ttl}
				}
				failed := r.write(ctx, items)
				r.trust(batch, doubt, failed)
				err = cmp.Or(err, failed)
			}
			if err != nil {
				return err
			}
		}
	})
}

// next returns the keys that are in doubt. Without any the work is over.
func (r *recent) next() (keys []string, ttl time.Duration, doubt int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	keys = slices.Collect(maps.Keys(r.doubted))
	r.working = len(keys) > 0
	return keys, r.ttl, r.doubts
}

// trust ends the doubt about those of keys for which writing did not fail, but not a later one.
func (r *recent) trust(keys []string, doubt int, failed error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, k := range keys {
		if ErrorOf(failed, k) == nil && r.doubted[k] <= doubt {
			delete(r.doubted, k)
		}
	}
	r.any.Store(len(r.doubted) > 0)
}
