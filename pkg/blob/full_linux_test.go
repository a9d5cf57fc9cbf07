package blob_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tiktok/pkg/blob"
	"tiktok/pkg/ostest"
)

// TestLocalFullDisk fills a small file system of its own.
func TestLocalFullDisk(t *testing.T) {
	dir := ostest.SmallDisk(t, "1m")
	s := openIn(t, dir)
	if _, err := s.Put(t.Context(), "old", strings.NewReader("kept"), ""); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"videos/new", "old"} {
		n, err := s.Put(t.Context(), key, io.LimitReader(zeros{}, 2<<20), "")
		if n != 0 || !errors.Is(err, blob.ErrFull) {
			t.Errorf("Put(%s) = %d, %v; want ErrFull", key, n, err)
		}
	}
	if got := files(t, dir); len(got) != 1 || got[0] != "old" {
		t.Errorf("files %v, want only the old one", got)
	}
	if data, err := os.ReadFile(filepath.Join(dir, "old")); err != nil || string(data) != "kept" {
		t.Errorf("old = %q, %v", data, err)
	}
	if _, err := s.Put(t.Context(), "small", strings.NewReader("x"), ""); err != nil {
		t.Errorf("there is room again: %v", err)
	}
}
