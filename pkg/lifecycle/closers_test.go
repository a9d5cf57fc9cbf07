package lifecycle_test

import (
	"errors"
	"slices"
	"testing"

	"tiktok/pkg/lifecycle"
)

func TestClosersInReverse(t *testing.T) {
	errFirst, errThird := errors.New("first"), errors.New("third")
	var closed []int
	var c lifecycle.Closers
	for i, err := range []error{errFirst, nil, errThird} {
		c.Add(func() error { closed = append(closed, i); return err })
	}
	if err := c.Close(); !errors.Is(err, errFirst) || !errors.Is(err, errThird) {
		t.Errorf("Close: %v, want both errors", err)
	}
	if want := []int{2, 1, 0}; !slices.Equal(closed, want) {
		t.Errorf("closed %v, want %v", closed, want)
	}
	if err := lifecycle.Closers(nil).Close(); err != nil {
		t.Errorf("Close of nothing: %v", err)
	}
}
