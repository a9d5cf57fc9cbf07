package coalesce

import (
	"context"
	"slices"
)

// Load reads values by id. An id without a value is missing from the map.
type Load[T any] func(ctx context.Context, ids []int64) (map[int64]T, error)

// NewByID returns a Coalescer of calls of load: up to maxInFlight at a time, each with the ids of all requests that share it, up to
// maxIDs, without duplicates. The map is shared and may hold what other requests asked for: it must not be changed or iterated.
func NewByID[T any](maxInFlight, maxIDs int, load Load[T]) *Coalescer[[]int64, map[int64]T] {
	size := func(ids []int64) int { return len(ids) }
	return New(maxInFlight, maxIDs, size, func(ctx context.Context, requests [][]int64) ([]map[int64]T, error) {
		found, err := load(ctx, Union(requests))
		if err != nil {
			return nil, err
		}
		return slices.Repeat([]map[int64]T{found}, len(requests)), nil
	})
}

// Union returns all ids of the lists without duplicates: the only list itself, or a new sorted one.
func Union(lists [][]int64) []int64 {
	if len(lists) == 1 {
		return lists[0]
	}
	all := slices.Concat(lists...)
	slices.Sort(all)
	return slices.Compact(all)
}

// Distinct returns ids in their order without duplicates: ids itself when there are none. It must not be changed.
func Distinct[K comparable](ids []K) []K {
	// Pages are short, and comparing is cheaper than a map there.
	if len(ids) <= 64 && !repeats(ids) {
		return ids
	}
	seen := make(map[K]struct{}, len(ids))
	out := make([]K, 0, len(ids))
	for _, id := range ids {
		if _, dup := seen[id]; !dup {
			seen[id] = struct{}{}
			out = append(out, id)
		}
	}
	return out
}

func repeats[K comparable](ids []K) bool {
	for i, id := range ids {
		if slices.Contains(ids[:i], id) {
			return true
		}
	}
	return false
}
