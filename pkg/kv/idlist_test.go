package kv

import (
	"errors"
	"slices"
	"testing"
)

func TestIDList(t *testing.T) {
	for _, ids := range [][]int64{{}, {7}, {1<<61 + 7, 1 << 61, 1<<61 + 5}, {3, 2, 1}} {
		l := NewIDList(ids, 3)
		if got := l.All(); !slices.Equal(got, ids) || l.More {
			t.Errorf("%v is held as %v, more %v", ids, got, l.More)
		}
		for _, id := range ids {
			if !l.Has(id) {
				t.Errorf("%v does not have %d", ids, id)
			}
		}
		if l.Has(4) {
			t.Errorf("%v has 4", ids)
		}
		sameForm(t, l)
	}
	l := NewIDList([]int64{4, 3, 2, 1}, 3)
	if !l.More || len(l.All()) > 0 || l.Has(1) {
		t.Errorf("4 ids of at most 3 are %+v", l)
	}
	sameForm(t, l)
	// A place that there is not would end the process when the list is read.
	if err := new(IDList).UnmarshalBinary([]byte{0, 1, 5, 1}); !errors.Is(err, ErrBadBytes) {
		t.Errorf("place 1 of 1: %v", err)
	}
}

// sameForm checks that l comes back as it was, and that no part of its bytes is a list.
func sameForm(t *testing.T, l IDList) {
	t.Helper()
	b, err := l.AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	var got IDList
	if err := got.UnmarshalBinary(b); err != nil || got.More != l.More || !slices.Equal(got.All(), l.All()) {
		t.Errorf("%+v came back as %+v, %v", l, got, err)
	}
	for end := range b {
		if err := new(IDList).UnmarshalBinary(b[:end]); !errors.Is(err, ErrBadBytes) {
			t.Errorf("%d of %d bytes: %v", end, len(b), err)
		}
	}
}
