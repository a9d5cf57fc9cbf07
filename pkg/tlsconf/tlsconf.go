// Package tlsconf makes TLS settings of certificate files. The files may be replaced while the process runs: whatever is
// dialled or accepted afterwards uses the new ones.
package tlsconf

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"time"
)

// System as the CA means the authorities that the operating system trusts.
const System = "system"

// Files are the paths of PEM files.
type Files struct {
	// CA holds the certificates of the authorities by which the other side is verified, one or more; "system" are those of
	// the operating system. Empty: no TLS.
	CA string `mapstructure:"ca"`
	// Cert is this side's certificate, followed by those between it and the authority. It goes with Key.
	Cert string `mapstructure:"cert"`
	// Key is the private key of Cert.
	Key string `mapstructure:"key"`
}

// Config is how a client speaks TLS with a server.
type Config struct {
	Files `mapstructure:",squash"`
	// ServerName is the name that the server's certificate must have. Empty: the host that is dialled.
	ServerName string `mapstructure:"server_name"`
}

// Set reports whether anything is set. What is set in part is refused by Check.
func (f Files) Set() bool { return f != Files{} }

// Set reports whether anything is set. What is set in part is refused by Check.
func (c Config) Set() bool { return c != Config{} }

// Check reads all files and returns what is wrong with them. Certificates that are out of date are wrong too. A client needs
// no certificate of its own unless its server asks for one.
func (f Files) Check() error {
	if !f.Set() {
		return nil
	}
	if f.CA == "" {
		return errors.New("ca is needed: a file of PEM certificates, or system")
	}
	if (f.Cert == "") != (f.Key == "") {
		return errors.New("cert and key go together")
	}
	_, err := f.pool()
	if err == nil && f.Cert != "" {
		_, err = f.pair()
	}
	return err
}

// Check is Files.Check; a name alone is not enough.
func (c Config) Check() error {
	if c.Set() && !c.Files.Set() {
		return errors.New("ca is needed: a file of PEM certificates, or system")
	}
	return c.Files.Check()
}

// Client is the settings of a client, nil without Config. hosts are those that will be dialled, without ports: TLS does not
// tell which of them an IP address was, so with several hosts a server at an IP address may show the certificate of any of
// them. TLS 1.3 is the least; set MinVersion for servers that cannot.
func (c Config) Client(hosts ...string) (*tls.Config, error) {
	if !c.Set() {
		return nil, nil //nolint:nilnil // no TLS
	}
	if err := c.Check(); err != nil {
		return nil, err
	}
	pool, err := watch(c.pool, c.CA)
	if err != nil {
		return nil, err
	}
	v := &verifier{pool: pool, hosts: hosts, usage: x509.ExtKeyUsageServerAuth}
	conf := &tls.Config{
		MinVersion: tls.VersionTLS13,
		ServerName: c.ServerName,
		// The standard check takes its authorities once and for all. verify does the same with those of now.
		InsecureSkipVerify: true,
		VerifyConnection:   v.verify,
	}
	if conf.ServerName == "" && len(hosts) == 1 {
		conf.ServerName = hosts[0]
	}
	v.name = conf.ServerName
	if c.Cert != "" {
		pair, err := watch(c.pair, c.Cert, c.Key)
		if err != nil {
			return nil, err
		}
		conf.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return pair.get(), nil }
	}
	return conf, nil
}

// MutualClient is the settings of a client that shows its certificate and wants the server to be called name.
func (f Files) MutualClient(name string) (*tls.Config, error) {
	if f.Cert == "" || name == "" {
		return nil, errors.New("mutual TLS needs a certificate and the name of the server")
	}
	return Config{Files: f, ServerName: name}.Client()
}

// MutualServer is the settings of a server that wants a certificate of every client, for the use of clients, whatever its
// name. TLS 1.3, and no session is resumed: each connection is verified by the authorities of now.
func (f Files) MutualServer() (*tls.Config, error) {
	if err := f.Check(); err != nil {
		return nil, err
	}
	if f.Cert == "" {
		return nil, errors.New("a server needs cert and key")
	}
	pool, err := watch(f.pool, f.CA)
	if err != nil {
		return nil, err
	}
	pair, err := watch(f.pair, f.Cert, f.Key)
	if err != nil {
		return nil, err
	}
	v := &verifier{pool: pool, usage: x509.ExtKeyUsageClientAuth}
	return &tls.Config{
		MinVersion:             tls.VersionTLS13,
		GetCertificate:         func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return pair.get(), nil },
		ClientAuth:             tls.RequireAnyClientCert, // and verify checks it
		VerifyConnection:       v.verify,
		SessionTicketsDisabled: true,
	}, nil
}

// Expiry is when the certificate of the process ends, zero without one or when it cannot be read.
func (f Files) Expiry() time.Time {
	if f.Cert == "" {
		return time.Time{}
	}
	leaf, err := readLeaf(f.Cert)
	if err != nil {
		return time.Time{}
	}
	return leaf.NotAfter
}

// verifier checks the certificate of the other side.
type verifier struct {
	pool  *watched[*x509.CertPool]
	name  string   // that a server must have; empty: that of the connection, else one of hosts
	hosts []string // none for a server's clients
	usage x509.ExtKeyUsage
}

func (v *verifier) verify(cs tls.ConnectionState) error {
	if len(cs.PeerCertificates) == 0 {
		return errors.New("tls: the other side shows no certificate")
	}
	leaf := cs.PeerCertificates[0]
	between := x509.NewCertPool()
	for _, c := range cs.PeerCertificates[1:] {
		between.AddCert(c)
	}
	_, err := leaf.Verify(x509.VerifyOptions{Roots: v.pool.get(), Intermediates: between, KeyUsages: []x509.ExtKeyUsage{v.usage}})
	if err == nil && v.usage == x509.ExtKeyUsageServerAuth {
		err = v.verifyName(leaf, cs.ServerName)
	}
	if err != nil {
		return &tls.CertificateVerificationError{UnverifiedCertificates: cs.PeerCertificates, Err: err}
	}
	return nil
}

// verifyName checks that the certificate is for the server that was dialled; sent is the name that was sent to it, which is
// empty for an IP address.
func (v *verifier) verifyName(leaf *x509.Certificate, sent string) error {
	if name := cmp.Or(v.name, sent); name != "" {
		return leaf.VerifyHostname(name)
	}
	err := errors.New("tls: nobody says which name the server must have")
	for _, host := range v.hosts {
		if err = leaf.VerifyHostname(host); err == nil {
			return nil
		}
	}
	return fmt.Errorf("none of its addresses: %w", err)
}
