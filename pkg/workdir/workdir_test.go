package workdir_test

import (
	"os"
	"path/filepath"
	"testing"

	"tiktok/pkg/workdir"
)

// What a process that is no more has left goes; what others use, and what is none of ours, stays.
func TestOpen(t *testing.T) {
	parent := filepath.Join(t.TempDir(), "not", "there yet")
	for _, name := range []string{"worker-dead/job-1", "gateway-dead", "photos"} {
		if err := os.MkdirAll(filepath.Join(parent, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	open := func() *workdir.Dir {
		t.Helper()
		d, err := workdir.Open(parent, "worker-")
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	is := func(path string, there bool) {
		t.Helper()
		if _, err := os.Stat(path); there != (err == nil) {
			t.Errorf("%s: there %v, want %v: %v", path, err == nil, there, err)
		}
	}
	a, b := open(), open()
	is(filepath.Join(parent, "worker-dead"), false)
	is(filepath.Join(parent, "gateway-dead"), true)
	is(filepath.Join(parent, "photos"), true)
	is(a.Path(), true)
	is(b.Path(), true)
	if a.Path() == b.Path() {
		t.Error("one folder for two")
	}
	if err := os.WriteFile(filepath.Join(a.Path(), "copy"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := a.Close(); err != nil {
		t.Error(err)
	}
	is(a.Path(), false)
	is(b.Path(), true)
	if err := b.Close(); err != nil {
		t.Error(err)
	}
}

func TestOpenFails(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := workdir.Open(filepath.Join(file, "work"), "worker-"); err == nil {
		t.Error("a folder in a file")
	}
}
