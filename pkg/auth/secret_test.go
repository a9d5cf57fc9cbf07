package auth

import (
	"bytes"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

func TestSecretIsMadeOnceAndPrivate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data", "secret")
	first, err := LoadOrCreateSecret(path)
	if err != nil {
		t.Fatal(err)
	}
	if len(first) < MinSecretBytes {
		t.Errorf("secret has %d bytes", len(first))
	}
	second, err := LoadOrCreateSecret(path)
	if err != nil || !bytes.Equal(first, second) {
		t.Errorf("second start got another secret (%v)", err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if perm := info.Mode().Perm(); perm != 0o600 {
		t.Errorf("permissions are %o, want 600", perm)
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(entries) != 1 {
		t.Errorf("the folder holds %v (%v), want the secret only", entries, err)
	}
}

func TestSecretRace(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secret")
	const processes = 16
	got := make([][]byte, processes)
	var wg sync.WaitGroup
	for i := range processes {
		wg.Go(func() {
			var err error
			if got[i], err = LoadOrCreateSecret(path); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for i := range got {
		if !bytes.Equal(got[i], got[0]) {
			t.Fatalf("process %d signs with another key", i)
		}
	}
}

func TestSecretRefusesShortFile(t *testing.T) {
	for _, content := range []string{"", "\n", "short", "               padded with white space            \n"} {
		path := filepath.Join(t.TempDir(), "secret")
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if secret, err := LoadOrCreateSecret(path); err == nil {
			t.Errorf("%q was accepted as %q", content, secret)
		}
		if after, err := os.ReadFile(path); err != nil || string(after) != content {
			t.Errorf("the file was changed to %q (%v)", after, err)
		}
	}
}

func TestSecretUnreadable(t *testing.T) {
	if secret, err := LoadOrCreateSecret(t.TempDir()); err == nil { // a folder
		t.Errorf("got %q from a folder", secret)
	}
}
