package kv

import (
	"context"
	"errors"
	"math"
	"slices"
	"testing"
)

func TestIDs(t *testing.T) {
	for _, ids := range [][]int64{nil, {0}, {1, 2, 3}, {5, 5, math.MaxInt64}, {-7, 1 << 62}} {
		b := append(AppendIDs([]byte("x"), ids), "rest"...)
		got, rest, err := ReadIDs(b[1:])
		if err != nil || !slices.Equal(got, ids) || string(rest) != "rest" {
			t.Errorf("%v came back as %v, %q, %v", ids, got, rest, err)
		}
	}
}

func FuzzReadIDs(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{255, 255, 255, 255, 15})
	f.Add(AppendIDs(nil, []int64{1, 1 << 40, 1 << 41}))
	f.Fuzz(func(t *testing.T, b []byte) {
		ids, rest, err := ReadIDs(b)
		if err != nil {
			if !errors.Is(err, ErrBadBytes) {
				t.Error(err)
			}
			return
		}
		if len(ids)+len(rest) > len(b) {
			t.Errorf("%d ids and %d bytes from %d bytes", len(ids), len(rest), len(b))
		}
		again, _, err := ReadIDs(AppendIDs(nil, ids))
		if err != nil || !slices.Equal(again, ids) {
			t.Errorf("%v came back as %v, %v", ids, again, err)
		}
	})
}

// pair has a form of its own.
type pair struct{ a, b int64 }

func (p pair) AppendBinary(b []byte) ([]byte, error) { return AppendIDs(b, []int64{p.a, p.b}), nil }

func (p *pair) UnmarshalBinary(b []byte) error {
	ids, _, err := ReadIDs(b)
	if err != nil || len(ids) != 2 {
		return errors.Join(ErrBadBytes, err)
	}
	p.a, p.b = ids[0], ids[1]
	return nil
}

func TestLoadingCacheKeepsAValuesOwnForm(t *testing.T) {
	eachStore(t, func(t *testing.T, s *counting, o Options[int64, pair]) {
		loads := 0
		c := NewLoadingCache(s, o, func(context.Context, []int64) (map[int64]pair, error) {
			loads++
			return map[int64]pair{1: {3, 4}}, nil
		})
		get := func() {
			t.Helper()
			got, err := c.GetMulti(t.Context(), []int64{1})
			if err != nil || got[1] != (pair{3, 4}) {
				t.Errorf("got %v, %v", got, err)
			}
		}
		get()
		get()
		if loads != 1 {
			t.Errorf("%d loads", loads)
		}
		// Another build's bytes are read past and replaced.
		if err := s.Set(t.Context(), []Item{{Key: o.Key(1), Value: []byte{tagBinary, 9}, TTL: o.TTL}}); err != nil {
			t.Fatal(err)
		}
		get()
		get()
		if loads != 2 {
			t.Errorf("%d loads", loads)
		}
	})
}
