package kv

import (
	"context"

	"tiktok/pkg/coalesce"
)

// Invalidation is ids of one kind whose values a commit has made old (LoadingCache.Invalidation).
type Invalidation interface {
	// begin refuses the readings that have begun and returns the tombstones to write, and where.
	begin() (Store, []Item)
	// end forgets what this process keeps; err says that the tombstones could not be written.
	end(err error)
}

// Invalidate does for several kinds what LoadingCache.Invalidate does for one, in one write: they have to be in the same store.
func Invalidate(ctx context.Context, all ...Invalidation) {
	var store Store
	var items []Item
	for _, in := range all {
		if s, tombstones := in.begin(); len(tombstones) > 0 {
			store, items = s, append(items, tombstones...)
		}
	}
	var err error
	if store != nil {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), defaultLoadTimeout)
		defer cancel()
		err = store.Set(ctx, items)
	}
	for _, in := range all {
		in.end(err)
	}
}

// Invalidation names ids for Invalidate.
func (c *LoadingCache[K, T]) Invalidation(ids ...K) Invalidation {
	return &invalidation[K, T]{of: c, ids: coalesce.Distinct(ids)}
}

// Invalidate makes sure that no value loaded before this call is served after it returns. Call it after the commit
// that changed or created ids and before answering the caller. It does not fail: see LoadingCache for what happens when the
// store is away. It runs to its end even if ctx has ended, because the commit has happened.
func (c *LoadingCache[K, T]) Invalidate(ctx context.Context, ids ...K) {
	Invalidate(ctx, c.Invalidation(ids...))
}

type invalidation[K comparable, T any] struct {
	of  *LoadingCache[K, T]
	ids []K
}

func (in *invalidation[K, T]) begin() (Store, []Item) {
	if in.of.store == nil {
		return nil, nil
	}
	in.of.local.refuse(in.ids) // a store may lose the tombstone, and then it must not get what is being loaded
	return in.of.store, in.of.tombstones(in.ids)
}

func (in *invalidation[K, T]) end(err error) {
	c := in.of
	if err != nil && c.store != nil && len(in.ids) > 0 {
		if failed := c.failedAmong(in.ids, err, func(error) bool { return true }); len(failed) > 0 {
			c.failed("invalidate", err)
			c.distrust(failed)
		}
	}
	c.local.drop(in.ids) // last: who begins to read from here on finds the tombstone, or distrusts the store
}

// tombstones are one fresh token under all ids.
func (c *LoadingCache[K, T]) tombstones(ids []K) []Item {
	if len(ids) == 0 {
		return nil
	}
	token := tombstone()
	items := make([]Item, len(ids))
	for i, id := range ids {
		items[i] = Item{Key: c.key(id), Value: token, TTL: c.tombstoneTTL}
	}
	return items
}
