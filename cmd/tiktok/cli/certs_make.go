package cli

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"time"

	"tiktok/cmd/services"
	"tiktok/pkg/pki"
)

// caLife is how long an authority lasts. Leaves are renewed long before; it is not.
const caLife = 10 * 365 * 24 * time.Hour

// Names of the files, those that cert-manager gives to the keys of a secret.
const (
	fileCA   = "ca.crt"
	fileCert = "tls.crt"
	fileKey  = "tls.key"
)

// certNames is who gets a certificate, and whether it is a server of somebody else's making.
func certNames() map[string]bool {
	all := map[string]bool{"mysql": true, "redis": true, "rabbitmq": true, "etcd": true, "s3": true}
	for _, s := range services.Processes() {
		all[s.Name] = false
	}
	return all
}

// leaf is what the certificate of a name says. A service's has its name alone: that is who it is, to callers and to services.
func (o certOptions) leaf(name string, server bool) pki.Leaf {
	l := pki.Leaf{Hosts: []string{name}, Life: o.life, Client: !server || name == "etcd"} // etcd calls itself
	if server {
		for _, h := range slices.Concat([]string{"localhost", "127.0.0.1", "::1"}, o.hosts[""], o.hosts[name]) {
			if !slices.Contains(l.Hosts, h) {
				l.Hosts = append(l.Hosts, h)
			}
		}
	}
	return l
}

// make brings the folder up to date and reports each certificate.
func (o certOptions) make(report func(format string, args ...any)) error {
	if err := o.folder(); err != nil {
		return err
	}
	ca, root, err := o.authority(report)
	if err != nil {
		return err
	}
	all := certNames()
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if err := o.one(ca, root, name, o.leaf(name, all[name]), report); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// folder makes sure that the folder is there. Keys that everybody may read need one that nobody else may enter.
func (o certOptions) folder() error {
	if err := os.MkdirAll(o.out, 0o700); err != nil {
		return err
	}
	info, err := os.Stat(o.out)
	if err == nil && o.keyMode != 0o600 && info.Mode().Perm()&0o077 != 0 {
		err = fmt.Errorf("%s has mode %04o: with --key-mode %04o it has to be 0700", o.out, info.Mode().Perm(), o.keyMode)
	}
	return err
}

// authority reads the authority of the folder, or makes one when there is none, and returns its file of certificates too.
func (o certOptions) authority(report func(string, ...any)) (*pki.Authority, []byte, error) {
	certFile, keyFile := filepath.Join(o.out, fileCA), filepath.Join(o.out, "ca.key")
	cert, certErr := os.ReadFile(certFile)
	key, keyErr := os.ReadFile(keyFile)
	if errors.Is(certErr, fs.ErrNotExist) && errors.Is(keyErr, fs.ErrNotExist) {
		return o.newAuthority(certFile, keyFile, report)
	}
	if err := errors.Join(certErr, keyErr); err != nil {
		return nil, nil, fmt.Errorf("the authority is there in part only: %w", err)
	}
	ca, err := pki.Load(pki.Pair{Cert: cert, Key: key})
	if err != nil {
		return nil, nil, fmt.Errorf("the authority in %s: %w", o.out, err)
	}
	if time.Until(ca.Cert.NotAfter) < o.life {
		return nil, nil, fmt.Errorf("the authority ends at %s: make a new one in another folder", ca.Cert.NotAfter.Format(time.DateOnly))
	}
	report("%-12s kept, until %s", "authority", ca.Cert.NotAfter.Format(time.DateOnly))
	return ca, cert, nil
}

func (o certOptions) newAuthority(certFile, keyFile string, report func(string, ...any)) (*pki.Authority, []byte, error) {
	ca, err := pki.New("tiktok "+time.Now().Format(time.DateOnly), caLife)
	if err != nil {
		return nil, nil, err
	}
	p, err := ca.Pair()
	if err != nil {
		return nil, nil, err
	}
	if err := errors.Join(writeWhole(keyFile, p.Key, 0o600), writeWhole(certFile, p.Cert, 0o644)); err != nil {
		return nil, nil, err
	}
	report("%-12s made, until %s", "authority", ca.Cert.NotAfter.Format(time.DateOnly))
	return ca, p.Cert, nil
}

// one brings one folder up to date.
func (o certOptions) one(ca *pki.Authority, root []byte, name string, l pki.Leaf, report func(string, ...any)) error {
	dir := filepath.Join(o.out, name)
	if err := errors.Join(os.MkdirAll(dir, 0o755), os.Chmod(dir, 0o755)); err != nil { // whatever the umask
		return err
	}
	if err := writeWhole(filepath.Join(dir, fileCA), root, 0o644); err != nil {
		return err
	}
	certFile, keyFile := filepath.Join(dir, fileCert), filepath.Join(dir, fileKey)
	word := "made"
	if pair, err := tls.LoadX509KeyPair(certFile, keyFile); err == nil {
		if ca.Fits(pair.Leaf, l, o.renew) {
			report("%-12s kept, until %s", name, pair.Leaf.NotAfter.Format(time.DateOnly))
			return os.Chmod(keyFile, o.keyMode)
		}
		word = "renewed"
	}
	p, err := ca.Issue(l)
	if err != nil {
		return err
	}
	// Whoever reads between the two keeps what they have: these do not fit together.
	if err := errors.Join(writeWhole(keyFile, p.Key, o.keyMode), writeWhole(certFile, p.Cert, 0o644)); err != nil {
		return err
	}
	cert, err := pki.ParseCert(p.Cert)
	if err != nil {
		return err
	}
	report("%-12s %s, until %s, for %v", name, word, cert.NotAfter.Format(time.DateOnly), hostsOf(cert))
	return nil
}

func hostsOf(c *x509.Certificate) []string {
	hosts := slices.Clone(c.DNSNames)
	for _, ip := range c.IPAddresses {
		hosts = append(hosts, net.IP.String(ip))
	}
	return hosts
}

// writeWhole writes a file whole or not at all; one that is already so is left alone.
func writeWhole(path string, content []byte, mode os.FileMode) error {
	if have, err := os.ReadFile(path); err == nil && bytes.Equal(have, content) {
		return os.Chmod(path, mode)
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}
