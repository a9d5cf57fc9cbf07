package paging_test

import (
	"errors"
	"math"
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
