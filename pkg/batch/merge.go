package batch

import (
	"context"
	"slices"
)

// Load reads values by id. An id without a value is missing from the map.
type Load[T any] func(ctx context.Context, ids []int64) (map[int64]T, error)

// Merge returns a load that does the work of load with fewer calls when many ask at a time: up to flights calls at a
// time, each with the ids of all who waited, up to most of them, each id once. See Joiner for what is promised. The map
// is shared, and may hold what others asked for: it must not be changed or walked through.
func Merge[T any](flights, most int, load Load[T]) Load[T] {
	j := JoinIDs(flights, most, load)
	return func(ctx context.Context, ids []int64) (map[int64]T, error) {
		if len(ids) == 0 {
			return map[int64]T{}, nil
		}
		return j.Ask(ctx, ids).Wait(ctx)
	}
}

// JoinIDs is the Joiner behind Merge, for who asks for several things before he waits.
func JoinIDs[T any](flights, most int, load Load[T]) *Joiner[[]int64, map[int64]T] {
	size := func(ids []int64) int { return len(ids) }
	return Join(flights, most, size, func(ctx context.Context, asked [][]int64) ([]map[int64]T, error) {
		found, err := load(ctx, Union(asked))
		if err != nil {
			return nil, err
		}
		return slices.Repeat([]map[int64]T{found}, len(asked)), nil
	})
}

// Union is all ids of the lists, each once: the only list itself, or a new one in the order of the ids.
func Union(lists [][]int64) []int64 {
	if len(lists) == 1 {
		return lists[0]
	}
	all := slices.Concat(lists...)
	slices.Sort(all)
	return slices.Compact(all)
}
