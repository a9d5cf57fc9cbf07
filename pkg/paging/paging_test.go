package paging_test

import (
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tiktok/pkg/errno"
	"tiktok/pkg/paging"
)

// page stands for the generated message.
type page struct {
	cursor string
	limit  int32
}

func (p *page) GetCursor() string { return p.cursor }
func (p *page) GetLimit() int32   { return p.limit }

func TestIDs(t *testing.T) {
	in := []int64{3, 1, 3, 0, -5, 2}
	got, err := paging.IDs(in, 6)
	if diff := cmp.Diff([]int64{1, 2, 3}, got); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
	if diff := cmp.Diff([]int64{3, 1, 3, 0, -5, 2}, in); diff != "" {
		t.Errorf("the caller's ids have changed: %s", diff)
	}
	if _, err := paging.IDs(in, 5); !errors.Is(err, errno.InvalidArgument) {
		t.Errorf("too many: %v", err)
	}
}

func TestPage(t *testing.T) {
	for name, c := range map[string]struct {
		page   *page
		before int64
		limit  int
		ok     bool
	}{
		"none":         {nil, math.MaxInt64, 10, true},
		"first":        {&page{"", 3}, math.MaxInt64, 3, true},
		"second":       {&page{"77", 0}, 77, 10, true},
		"negative":     {&page{"", -1}, 0, 0, false},
		"too big":      {&page{"", 11}, 0, 0, false},
		"no number":    {&page{"x", 0}, 0, 0, false},
		"below 1":      {&page{"0", 0}, 0, 0, false},
		"out of range": {&page{"99999999999999999999", 0}, 0, 0, false},
	} {
		before, limit, err := paging.Page(c.page, 10)
		if before != c.before || limit != c.limit || (err == nil) != c.ok || err != nil && !errors.Is(err, errno.InvalidArgument) {
			t.Errorf("%s: got %d, %d, %v", name, before, limit, err)
		}
	}
}

func TestCut(t *testing.T) {
	key := func(i int64) int64 { return i }
	if rows, next := paging.Cut([]int64{9, 8, 7}, 2, key); len(rows) != 2 || next != "8" {
		t.Errorf("got %v, %q", rows, next)
	}
	if rows, next := paging.Cut([]int64{9, 8}, 2, key); len(rows) != 2 || next != "" {
		t.Errorf("the last page: %v, %q", rows, next)
	}
}

func TestCursors(t *testing.T) {
	for _, numbers := range [][]int64{{7}, {0, 1}, {1 << 62, 3, 9}} {
		cursor := paging.Cursor(numbers...)
		if got, err := paging.Numbers(cursor, len(numbers)); err != nil || !slices.Equal(got, numbers) {
			t.Errorf("%v is %q, read as %v, %v", numbers, cursor, got, err)
		}
	}
	for _, bad := range []string{"", "1", "1-2-3", "1-", "-1-2", "1--2", "1-x", "1-99999999999999999999"} {
		if got, err := paging.Numbers(bad, 2); !errors.Is(err, errno.InvalidArgument) {
			t.Errorf("%q as two numbers: %v, %v", bad, got, err)
		}
	}
	rows, next := paging.CutAt([]string{"a", "b", "c"}, 2, func(row string) string { return "after " + row })
	if len(rows) != 2 || next != "after b" {
		t.Errorf("cut to %v, %q", rows, next)
	}
	if rows, next = paging.CutAt(rows, 2, func(string) string { return "none" }); len(rows) != 2 || next != "" {
		t.Errorf("the last page is %v, %q", rows, next)
	}
}
