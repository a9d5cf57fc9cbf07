// Package paging checks what batch calls and pages of lists have in common: ids, sizes, cursors.
package paging

import (
	"math"
	"slices"
	"strconv"

	"tiktok/pkg/errno"
)

// IDs returns the positive ones of ids, sorted, each once; ids stays as it is. More than most fail with
// errno.InvalidArgument.
func IDs(ids []int64, most int) ([]int64, error) {
	if len(ids) > most {
		return nil, errno.InvalidArgument.With("too many ids in one call")
	}
	out := slices.DeleteFunc(slices.Clone(ids), func(id int64) bool { return id <= 0 })
	slices.Sort(out)
	return slices.Compact(out), nil
}

// Viewers checks a call that asks for several viewers, each with ids: at most queries many, of one viewer each, with at most ids in
// all of them. Otherwise it fails with errno.InvalidArgument. viewer returns a query's viewer and how many ids it has.
func Viewers[Q any](asked []*Q, queries, ids int, viewer func(*Q) (viewerID int64, ids int)) error {
	if len(asked) > queries {
		return errno.InvalidArgument.With("too many viewer queries in one call")
	}
	for _, q := range asked {
		if q == nil {
			return errno.InvalidArgument.With("a viewer query needs a viewer")
		}
		viewerID, n := viewer(q)
		if viewerID <= 0 {
			return errno.InvalidArgument.With("a viewer query needs a viewer")
		}
		if ids -= n; ids < 0 {
			return errno.InvalidArgument.With("too many ids in one call")
		}
	}
	return nil
}

// Limit is how many entries a call gets that asks for some number: none when it does not say, most at the most. Other
// numbers fail with errno.InvalidArgument.
func Limit(asked int32, none, most int) (int, error) {
	switch {
	case asked < 0 || int(asked) > most:
		return 0, errno.InvalidArgument.With("page size is out of range")
	case asked == 0:
		return none, nil
	}
	return int(asked), nil
}

// Page reads a page request, nil for the first page of the greatest size: entries whose key is below before, and how
// many. A cursor is the key of the last entry of the page before. A bad one fails with errno.InvalidArgument.
func Page[E any, P interface {
	*E
	GetCursor() string
	GetLimit() int32
}](page P, most int) (before int64, limit int, err error) {
	if page == nil {
		return math.MaxInt64, most, nil
	}
	if limit, err = Limit(page.GetLimit(), most, most); err != nil {
		return 0, 0, err
	}
	if page.GetCursor() == "" {
		return math.MaxInt64, limit, nil
	}
	before, err = strconv.ParseInt(page.GetCursor(), 10, 64)
	if err != nil || before <= 0 {
		return 0, 0, errno.InvalidArgument.With("cursor is not valid")
	}
	return before, limit, nil
}

// Cut shortens rows, of which one more than limit was read, to a page, and returns the cursor of the next one: empty at
// the end.
func Cut[T any](rows []T, limit int, key func(T) int64) (page []T, next string) {
	if len(rows) <= limit {
		return rows, ""
	}
	return rows[:limit], strconv.FormatInt(key(rows[limit-1]), 10)
}
