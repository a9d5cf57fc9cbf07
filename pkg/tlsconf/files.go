package tlsconf

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"
)

// pool reads the authorities. nil is those of the operating system.
func (f Files) pool() (*x509.CertPool, error) {
	if f.CA == System {
		return nil, nil //nolint:nilnil // means something to crypto/x509
	}
	b, err := os.ReadFile(f.CA)
	if err != nil {
		return nil, err
	}
	p := x509.NewCertPool()
	if !p.AppendCertsFromPEM(b) {
		return nil, fmt.Errorf("%s holds no PEM certificate", f.CA)
	}
	return p, nil
}

// pair reads the certificate and its key, and refuses one that is out of date.
func (f Files) pair() (*tls.Certificate, error) {
	p, err := tls.LoadX509KeyPair(f.Cert, f.Key)
	if err != nil {
		return nil, fmt.Errorf("%s and %s: %w", f.Cert, f.Key, err)
	}
	if now := time.Now(); now.After(p.Leaf.NotAfter) || now.Before(p.Leaf.NotBefore) {
		from, until := p.Leaf.NotBefore.Format(time.RFC3339), p.Leaf.NotAfter.Format(time.RFC3339)
		return nil, fmt.Errorf("%s is valid from %s to %s only", f.Cert, from, until)
	}
	return &p, nil
}

// readLeaf is the first certificate of a file.
func readLeaf(path string) (*x509.Certificate, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(b)
	if block == nil {
		return nil, fmt.Errorf("%s holds no PEM", path)
	}
	return x509.ParseCertificate(block.Bytes)
}

// watched is what was read from files, read again when one of them has changed. While they cannot be read, or do not fit
// together because only one was replaced yet, it stays what it was.
type watched[T any] struct {
	read  func() (T, error)
	paths []string

	mu     sync.Mutex
	value  T       // guarded by mu
	stamps []stamp // of what value was read from; guarded by mu
}

// stamp tells a file from the one that replaces it.
type stamp struct {
	modified time.Time
	size     int64
}

// watch reads once, so that there is always a value.
func watch[T any](read func() (T, error), paths ...string) (*watched[T], error) {
	w := &watched[T]{read: read, paths: paths}
	w.stamps = w.look()
	var err error
	w.value, err = read()
	return w, err
}

func (w *watched[T]) look() []stamp {
	now := make([]stamp, len(w.paths))
	for i, p := range w.paths {
		if info, err := os.Stat(p); err == nil {
			now[i] = stamp{info.ModTime(), info.Size()}
		}
	}
	return now
}

// get looks at the files first: it is for handshakes, which are rare, because connections are kept.
func (w *watched[T]) get() T {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.look()
	if slices.Equal(now, w.stamps) {
		return w.value
	}
	if v, err := w.read(); err == nil {
		w.value, w.stamps = v, now
	}
	return w.value
}
