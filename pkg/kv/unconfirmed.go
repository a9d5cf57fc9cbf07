package kv

import (
	"context"
	"errors"
	"time"
)

const (
	// maxUnconfirmed bounds the ids remembered while the store is away. Above it this process passes by the cache altogether.
	maxUnconfirmed   = 1 << 17
	unconfirmedBatch = 500
	retryMin         = 100 * time.Millisecond
	retryMax         = 2 * time.Second
)

// unconfirmedSet holds the ids whose tombstone could not be written. Guarded by LoadingCache.mu.
type unconfirmedSet[K comparable] struct {
	ids      map[K]time.Time // until when an old value may be in the store
	all      time.Time       // until when every value may be old
	retrying bool
}

// distrust remembers that the store may hold old values of ids, and works on it until it is not so any more.
func (t *LoadingCache[K, T]) distrust(ids []K) {
	until := time.Now().Add(max(t.ttl, t.negTTL) * 11 / 10)
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.unconfirmed.ids == nil {
		t.unconfirmed.ids = make(map[K]time.Time)
	}
	for _, id := range ids {
		if _, known := t.unconfirmed.ids[id]; !known && len(t.unconfirmed.ids) >= maxUnconfirmed {
			t.unconfirmed.all = until
			break
		}
		t.unconfirmed.ids[id] = until
	}
	if !t.unconfirmed.retrying {
		t.unconfirmed.retrying = true
		go t.retry()
	}
}

// distrusted returns those of ids whose value in the store must not be used, and all of known.
func (t *LoadingCache[K, T]) distrusted(ids []K, known map[K]struct{}) map[K]struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	all := !t.unconfirmed.all.IsZero() && time.Now().Before(t.unconfirmed.all)
	if !all && len(t.unconfirmed.ids) == 0 {
		return known
	}
	out := known
	if out == nil {
		out = make(map[K]struct{})
	}
	for _, id := range ids {
		if _, bad := t.unconfirmed.ids[id]; bad || all {
			out[id] = struct{}{}
		}
	}
	return out
}

// retry writes the missing tombstones. It ends when there are none left, at the latest when all old values expired.
func (t *LoadingCache[K, T]) retry() {
	pause := retryMin
	for {
		ids := t.nextUnconfirmed()
		if len(ids) == 0 {
			return
		}
		ctx, cancel := context.WithTimeout(context.Background(), t.loadTimeout)
		err := t.store.Set(ctx, t.tombstones(keysOf(ids)))
		cancel()
		if errors.Is(err, ErrClosed) {
			t.mu.Lock()
			t.unconfirmed.retrying = false
			t.mu.Unlock()
			return
		}
		if err != nil {
			<-time.After(pause)
			pause = min(2*pause, retryMax)
			continue
		}
		pause = retryMin
		t.mu.Lock()
		for id, until := range ids {
			// Distrusted again meanwhile means: committed again after this tombstone was on its way.
			if t.unconfirmed.ids[id].Equal(until) {
				delete(t.unconfirmed.ids, id)
			}
		}
		t.mu.Unlock()
	}
}

// nextUnconfirmed drops what has expired and returns a batch of the rest. Without a rest the retrying is over.
func (t *LoadingCache[K, T]) nextUnconfirmed() map[K]time.Time {
	now := time.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	batch := make(map[K]time.Time)
	for id, until := range t.unconfirmed.ids {
		switch {
		case now.After(until):
			delete(t.unconfirmed.ids, id)
		case len(batch) < unconfirmedBatch:
			batch[id] = until
		}
	}
	t.unconfirmed.retrying = len(batch) > 0
	return batch
}

func keysOf[K comparable](m map[K]time.Time) []K {
	ids := make([]K, 0, len(m))
	for id := range m {
		ids = append(ids, id)
	}
	return ids
}
