// Package pkitest makes certificates for tests.
package pkitest

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"tiktok/pkg/pki"
	"tiktok/pkg/tlsconf"
)

// Authority is one of a test's own, valid for an hour.
type Authority struct {
	*pki.Authority
	// CA is the file of its certificate.
	CA string
}

// New makes one.
func New(t testing.TB) Authority {
	t.Helper()
	a, err := pki.New("test", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	p, err := a.Pair()
	if err != nil {
		t.Fatal(err)
	}
	ca := filepath.Join(t.TempDir(), "ca.crt")
	Write(t, ca, p.Cert)
	return Authority{a, ca}
}

// Files issues a certificate and puts it into files. It is valid for an hour unless l says otherwise.
func (a Authority) Files(t testing.TB, l pki.Leaf) tlsconf.Files {
	t.Helper()
	dir := t.TempDir()
	f := tlsconf.Files{CA: a.CA, Cert: filepath.Join(dir, "tls.crt"), Key: filepath.Join(dir, "tls.key")}
	a.Replace(t, f, l)
	return f
}

// Service issues a certificate that says who a service is.
func (a Authority) Service(t testing.TB, name string) tlsconf.Files {
	t.Helper()
	return a.Files(t, pki.Leaf{Hosts: []string{name}, Client: true})
}

// Replace issues another certificate into the same files.
func (a Authority) Replace(t testing.TB, f tlsconf.Files, l pki.Leaf) {
	t.Helper()
	if l.Life == 0 {
		l.Life = time.Hour
	}
	p, err := a.Issue(l)
	if err != nil {
		t.Fatal(err)
	}
	Write(t, f.Cert, p.Cert)
	Write(t, f.Key, p.Key)
}

// Write writes a file.
func Write(t testing.TB, path string, text []byte) {
	t.Helper()
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
}
