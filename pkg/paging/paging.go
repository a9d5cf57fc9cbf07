// Package paging checks what batch calls and pages of lists have in common: ids, sizes, cursors.
package paging

import (
	"math"
	"slices"
	"strconv"
	"strings"

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
		return 0, 0, ErrCursor()
	}
	return before, limit, nil
}

// Cut shortens rows, of which one more than limit was read, to a page, and returns the cursor of the next one: empty at
// the end.
func Cut[T any](rows []T, limit int, key func(T) int64) (page []T, next string) {
	return CutAt(rows, limit, func(row T) string { return Cursor(key(row)) })
}

// CutAt is Cut for lists whose order is that of several numbers: cursor names a row's place in it.
func CutAt[T any](rows []T, limit int, cursor func(T) string) (page []T, next string) {
	if len(rows) <= limit {
		return rows, ""
	}
	return rows[:limit], cursor(rows[limit-1])
}

// Cursor names a place in a list by the numbers that order it, none negative. Numbers reads it again.
func Cursor(numbers ...int64) string {
	texts := make([]string, len(numbers))
	for i, n := range numbers {
		texts[i] = strconv.FormatInt(n, 10)
	}
	return strings.Join(texts, "-")
}

// Numbers reads the numbers of a Cursor, of which there must be count. A bad one fails with errno.InvalidArgument; which of them may be
// 0 is for the caller to say, by ErrCursor.
func Numbers(cursor string, count int) ([]int64, error) {
	texts := strings.Split(cursor, "-")
	if len(texts) != count {
		return nil, ErrCursor()
	}
	numbers := make([]int64, count)
	for i, text := range texts {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n < 0 {
			return nil, ErrCursor()
		}
		numbers[i] = n
	}
	return numbers, nil
}

// ErrCursor is what a cursor that is none fails with.
func ErrCursor() error { return errno.InvalidArgument.With("cursor is not valid") }
