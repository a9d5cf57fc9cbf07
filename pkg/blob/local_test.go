package blob_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"tiktok/pkg/blob"
	"tiktok/pkg/blob/blobtest"
)

func openIn(t *testing.T, dir string) blob.Store {
	t.Helper()
	s, err := blob.Open(t.Context(), blob.Config{Driver: "local", Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestLocal(t *testing.T) {
	blobtest.Run(t, func(t *testing.T) blob.Store { return openIn(t, filepath.Join(t.TempDir(), "a", "b")) })
}

func TestOpenRefuses(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, cfg := range []blob.Config{{}, {Driver: "tape", Dir: "x"}, {Driver: "local"}, {Driver: "local", Dir: file}} {
		if s, err := blob.Open(t.Context(), cfg); err == nil {
			t.Errorf("Open(%+v) = %v, want an error", cfg, s)
		}
	}
}

// files lists all plain files below dir, by path.
func files(t *testing.T, dir string) []string {
	t.Helper()
	var list []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			rel, _ := filepath.Rel(dir, path)
			list = append(list, rel)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestNothingIsLeftBehind(t *testing.T) {
	dir := t.TempDir()
	s := openIn(t, dir)
	if _, err := s.Put(t.Context(), "a/b/c", iotest.ErrReader(errors.New("broken")), ""); err == nil {
		t.Fatal("a broken reader was stored")
	}
	if _, err := s.Put(t.Context(), "file", strings.NewReader("x"), ""); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Put(t.Context(), "file/below", strings.NewReader("x"), ""); err == nil {
		t.Error("an object was put below an object")
	}
	if _, err := s.Put(t.Context(), "d/e", strings.NewReader("x"), ""); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Put(t.Context(), "d", strings.NewReader("x"), ""); err == nil {
		t.Error("an object was put over a folder")
	}
	if err := s.Ping(t.Context()); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff([]string{filepath.Join("d", "e"), "file"}, files(t, dir)); diff != "" {
		t.Error(diff)
	}
}

func TestReopenKeepsObjects(t *testing.T) {
	dir := t.TempDir()
	if _, err := openIn(t, dir).Put(t.Context(), "a/b", strings.NewReader("kept"), ""); err != nil {
		t.Fatal(err)
	}
	o, err := openIn(t, dir).Open(t.Context(), "a/b")
	if err != nil {
		t.Fatal(err)
	}
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestSymlinksDoNotLeadOut(t *testing.T) {
	outside := t.TempDir()
	if err := os.WriteFile(filepath.Join(outside, "passwd"), []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	s := openIn(t, dir)
	if err := os.Symlink(outside, filepath.Join(dir, "link")); err != nil {
		t.Skipf("no symbolic links here: %v", err)
	}
	if o, err := s.Open(t.Context(), "link/passwd"); err == nil {
		t.Errorf("Open went outside: %+v", o)
	}
	if _, err := s.Put(t.Context(), "link/new", strings.NewReader("x"), ""); err == nil {
		t.Error("Put went outside")
	}
	if err := s.Delete(t.Context(), "link/passwd"); err == nil {
		t.Error("Delete of a file outside was no error")
	}
	if err := s.Move(t.Context(), "link/passwd", "stolen"); err == nil {
		t.Error("Move went outside")
	}
	if _, err := s.Sweep(t.Context(), "link/", -time.Minute); err != nil {
		t.Logf("Sweep: %v", err)
	}
	if diff := cmp.Diff([]string{"passwd"}, files(t, outside)); diff != "" {
		t.Error(diff)
	}
}

func TestSweepRemovesTornPuts(t *testing.T) {
	dir := t.TempDir()
	s := openIn(t, dir)
	torn, fresh := filepath.Join(dir, ".put", "TORN"), filepath.Join(dir, ".put", "FRESH")
	for _, path := range []string{torn, fresh} {
		if err := os.WriteFile(path, []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	yesterday := time.Now().Add(-24 * time.Hour)
	if err := os.Chtimes(torn, yesterday, yesterday); err != nil {
		t.Fatal(err)
	}
	if n, err := s.Sweep(t.Context(), "tmp/", time.Hour); n != 0 || err != nil {
		t.Errorf("Sweep = %d, %v; want 0: what a crash left is no object", n, err)
	}
	if diff := cmp.Diff([]string{filepath.Join(".put", "FRESH")}, files(t, dir)); diff != "" {
		t.Error(diff)
	}
}

func TestLocalPath(t *testing.T) {
	dir := t.TempDir()
	s := openIn(t, dir)
	if path, ok := blob.LocalPath(s, "a/b.mp4"); !ok || path != filepath.Join(dir, "a", "b.mp4") {
		t.Errorf("LocalPath = %q, %v", path, ok)
	}
	if path, ok := blob.LocalPath(s, "../b.mp4"); ok {
		t.Errorf("LocalPath of a bad key = %q", path)
	}
	if path, ok := blob.LocalPath(nil, "a"); ok {
		t.Errorf("LocalPath of another store = %q", path)
	}
}
