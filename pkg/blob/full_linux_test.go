package blob_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"tiktok/pkg/blob"
)

// TestLocalFullDisk fills a small file system of its own. Only root may mount one.
func TestLocalFullDisk(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=1m"); errors.Is(err, syscall.EPERM) {
		t.Skipf("no right to mount: %v", err)
	} else if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
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
