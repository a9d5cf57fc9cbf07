package kv

import "context"

// Invalidation is ids of one kind whose values a commit has made old (LoadingCache.Invalidation).
type Invalidation interface {
	// begin gives up the loads under way and returns the tombstones to write, and where.
	begin() (Store, []Item)
	// end forgets what this process holds; err says that the tombstones could not be written.
	end(err error)
}

// Invalidate does for several kinds what LoadingCache.Invalidate does for one, in one write: they have to be in the same store.
func Invalidate(ctx context.Context, all ...Invalidation) {
	var store Store
	var items []Item
	for _, s := range all {
		in, tombstones := s.begin()
		if len(tombstones) > 0 {
			store, items = in, append(items, tombstones...)
		}
	}
	var err error
	if store != nil {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), defaultLoadTimeout)
		defer cancel()
		err = store.Set(ctx, items)
	}
	for _, s := range all {
		s.end(err)
	}
}

// Invalidation names ids for Invalidate.
func (t *LoadingCache[K, T]) Invalidation(ids ...K) Invalidation {
	return &invalidation[K, T]{of: t, ids: unique(ids)}
}

// Invalidate makes sure that no value loaded before this call is served after it returns. Call it after the commit
// that changed or created ids and before answering the caller. It does not fail: see LoadingCache for what happens when the
// store is away. It runs to its end even if ctx has ended, because the commit has happened.
func (t *LoadingCache[K, T]) Invalidate(ctx context.Context, ids ...K) {
	Invalidate(ctx, t.Invalidation(ids...))
}

type invalidation[K comparable, T any] struct {
	of  *LoadingCache[K, T]
	ids []K
}

func (s *invalidation[K, T]) begin() (Store, []Item) {
	t := s.of
	t.mu.Lock()
	for _, id := range s.ids {
		delete(t.flights, id) // its value is not stored, and nobody joins it any more
	}
	t.mu.Unlock()
	if t.private {
		return nil, nil
	}
	return t.store, t.tombstones(s.ids)
}

func (s *invalidation[K, T]) end(err error) {
	t := s.of
	if err != nil && !t.private && len(s.ids) > 0 {
		t.failed("invalidate", err)
		t.distrust(s.ids)
	}
	t.local.drop(s.ids) // last: who begins to read from here on finds the tombstone, or distrusts the store
}

// tombstones are one fresh token under all ids.
func (t *LoadingCache[K, T]) tombstones(ids []K) []Item {
	if len(ids) == 0 {
		return nil
	}
	stone := tombstone()
	items := make([]Item, len(ids))
	for i, id := range ids {
		items[i] = Item{Key: t.key(id), Value: stone, TTL: t.tombstoneTTL}
	}
	return items
}
