package auth

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

func TestSecretIsMadeOnceAndPrivate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data", "secret")
	first, err := LoadOrCreateSecrets(path)
	if err != nil {
		t.Fatal(err)
	}
	if len(first) != 1 || len(first[0]) < MinSecretBytes {
		t.Errorf("made %q", first)
	}
	second, err := LoadOrCreateSecrets(path)
	if err != nil || !slices.EqualFunc(first, second, bytes.Equal) {
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
	got := make([][][]byte, processes)
	var wg sync.WaitGroup
	for i := range processes {
		wg.Go(func() {
			var err error
			if got[i], err = LoadOrCreateSecrets(path); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for i := range got {
		if !slices.EqualFunc(got[i], got[0], bytes.Equal) {
			t.Fatalf("process %d signs with another key", i)
		}
	}
}

func TestSecretRefusesShortFile(t *testing.T) {
	long := strings.Repeat("k", MinSecretBytes)
	for _, content := range []string{
		"", "\n", "short", "               padded with white space            \n", long + "\nshort\n", "short\n" + long,
	} {
		path := filepath.Join(t.TempDir(), "secret")
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if secret, err := LoadOrCreateSecrets(path); err == nil {
			t.Errorf("%q was accepted as %q", content, secret)
		}
		if after, err := os.ReadFile(path); err != nil || string(after) != content {
			t.Errorf("the file was changed to %q (%v)", after, err)
		}
	}
}

func TestSecretsOfSeveralLines(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secret")
	first, second := strings.Repeat("1", 32), strings.Repeat("2", 64)
	if err := os.WriteFile(path, []byte("\n "+first+"\r\n\n"+second), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := LoadOrCreateSecrets(path)
	if err != nil || len(got) != 2 || string(got[0]) != first || string(got[1]) != second {
		t.Errorf("got %q %v", got, err)
	}
}

func TestSecretUnreadable(t *testing.T) {
	if secret, err := LoadOrCreateSecrets(t.TempDir()); err == nil { // a folder
		t.Errorf("got %q from a folder", secret)
	}
}
