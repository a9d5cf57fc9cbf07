package mentions_test

import (
	"errors"
	"math"
	"slices"
	"testing"

	"tiktok/cmd/internal/mentions"
	"tiktok/pkg/errno"
)

func TestCheck(t *testing.T) {
	ten := []int64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}
	for name, c := range map[string]struct {
		ids, want []int64
		refused   bool
	}{
		"none":       {},
		"ten":        {ids: ten, want: ten},
		"eleven":     {ids: append(slices.Clone(ten), 11), refused: true},
		"repeated":   {ids: []int64{3, 1, 3}, want: []int64{3, 1}},
		"the author": {ids: []int64{99, 4}, want: []int64{4}},
		"only them":  {ids: []int64{99}},
		"nobody":     {ids: []int64{1, 0}, refused: true},
		"negative":   {ids: []int64{-1}, refused: true},
	} {
		got, err := mentions.Check(c.ids, 99)
		if c.refused != errors.Is(err, errno.InvalidArgument) || !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, %v, want %v", name, got, err, c.want)
		}
	}
}

func TestColumn(t *testing.T) {
	const greatest = int64(1)<<53 - 1 // of an id
	for _, ids := range [][]int64{nil, {1}, {3, 2, 1}, slices.Repeat([]int64{greatest}, mentions.Max)} {
		column := mentions.Join(ids)
		if got := mentions.Split(column); len(column) > 200 || !slices.Equal(got, ids) {
			t.Errorf("%v: %q, %v", ids, column, got)
		}
	}
	if got := mentions.Split("1,x,,-2,0,3"); !slices.Equal(got, []int64{1, 3}) {
		t.Errorf("of a broken column: %v", got)
	}
	if got := mentions.Join([]int64{math.MaxInt64}); got != "9223372036854775807" {
		t.Errorf("of the greatest number: %s", got)
	}
}
