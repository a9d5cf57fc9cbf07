package cli

import (
	"crypto/tls"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tiktok/pkg/tlsconf"
)

// makeCerts runs the command and returns what it printed.
func makeCerts(t *testing.T, want int, args ...string) string {
	t.Helper()
	code, out, errs := run(t, nil, append([]string{"certs"}, args...)...)
	if code != want {
		t.Fatalf("%v: exit code %d, want %d\n%s%s", args, code, want, out, errs)
	}
	return out
}

func readFile(t *testing.T, path ...string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func files(dir, name string) tlsconf.Files {
	return tlsconf.Files{
		CA:   filepath.Join(dir, name, "ca.crt"),
		Cert: filepath.Join(dir, name, "tls.crt"),
		Key:  filepath.Join(dir, name, "tls.key"),
	}
}

func TestCerts(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "certs")
	first := makeCerts(t, 0, "--out", dir)
	for name, isServer := range certNames() {
		if !strings.Contains(first, name) {
			t.Errorf("%s is not reported in:\n%s", name, first)
		}
		f := files(dir, name)
		if err := f.Check(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		pair, err := tls.LoadX509KeyPair(f.Cert, f.Key)
		if err != nil {
			t.Fatal(err)
		}
		if err := pair.Leaf.VerifyHostname(name); err != nil {
			t.Error(err)
		}
		if got := pair.Leaf.VerifyHostname("127.0.0.1") == nil; got != isServer {
			t.Errorf("%s is for loopback: %v", name, got)
		}
		if info, err := os.Stat(f.Key); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: mode %v, %v", f.Key, info.Mode(), err)
		}
	}
	root, user, mysql := readFile(t, dir, "ca.crt"), readFile(t, dir, "user", "tls.crt"), readFile(t, dir, "mysql", "tls.crt")

	if again := makeCerts(t, 0, "--out", dir); strings.Contains(again, "made") || strings.Contains(again, "renewed") {
		t.Errorf("the second run:\n%s", again)
	}
	makeCerts(t, 0, "--out", dir, "--hosts", "mysql=db.internal,mysql=10.0.0.4")
	if readFile(t, dir, "ca.crt") != root || readFile(t, dir, "user", "tls.crt") != user || readFile(t, dir, "mysql", "tls.crt") == mysql {
		t.Error("another host of MySQL renews something else than its certificate")
	}
	// What ends within --renew is renewed, by the same authority.
	if out := makeCerts(t, 0, "--out", dir, "--renew", "8761h", "--life", "9000h"); strings.Count(out, "renewed") != len(certNames()) ||
		readFile(t, dir, "ca.crt") != root {
		t.Errorf("renewal:\n%s", out)
	}
	// A pair that does not fit together, as a crash between two files leaves it, is made anew.
	if err := os.WriteFile(files(dir, "chat").Key, []byte(readFile(t, dir, "user", "tls.key")), 0o600); err != nil {
		t.Fatal(err)
	}
	makeCerts(t, 0, "--out", dir)
	if err := files(dir, "chat").Check(); err != nil {
		t.Error(err)
	}
	// Without its key the authority must not be replaced silently: nobody would trust the new one.
	if err := os.Remove(filepath.Join(dir, "ca.key")); err != nil {
		t.Fatal(err)
	}
	makeCerts(t, exitFailed, "--out", dir)
}

func TestKeysForContainers(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "certs")
	makeCerts(t, 0, "--out", dir, "--key-mode", "0644")
	for path, want := range map[string]os.FileMode{
		dir: 0o700, filepath.Join(dir, "redis"): 0o755, files(dir, "redis").Key: 0o644,
		filepath.Join(dir, "ca.key"): 0o600,
	} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v, want %v", path, info.Mode(), err, want)
		}
	}
	if err := os.Chmod(dir, 0o755); err != nil { //nolint:gosec // that is the point
		t.Fatal(err)
	}
	makeCerts(t, exitFailed, "--out", dir, "--key-mode", "0644")
}

func TestBadCertFlags(t *testing.T) {
	dir := t.TempDir()
	for _, args := range [][]string{
		{"--nope"},
		{"extra"},
		{"--hosts", "nobody=h"},
		{"--hosts", "user=h"},
		{"--hosts", "a b"},
		{"--hosts", ""},
		{"--key-mode", "0666"},
		{"--key-mode", "x"},
		{"--life", "1h"},
		{"--renew", "0"},
	} {
		makeCerts(t, exitUsage, append([]string{"--out", dir}, args...)...)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 0 {
		t.Errorf("bad flags made %v, %v", entries, err)
	}
}
