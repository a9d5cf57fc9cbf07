// Package pki is a small certificate authority: for deployments without one, and for tests.
package pki

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"time"
)

// early is how long before now a certificate becomes valid, for machines whose clocks are behind.
const early = time.Hour

// PEM types.
const (
	typeCert = "CERTIFICATE"
	typeKey  = "PRIVATE KEY"
)

// Authority signs certificates with one key.
type Authority struct {
	// Cert is its own certificate.
	Cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// Pair is a certificate and its private key as PEM.
type Pair struct{ Cert, Key []byte }

// Leaf is what a certificate says.
type Leaf struct {
	// Hosts are the DNS names and IP addresses it is for. The first one is also its common name.
	Hosts []string
	// Client makes it valid for clients too, not for servers only.
	Client bool
	// Life is how long it is valid, at most as long as the authority.
	Life time.Duration
}

// New makes an authority that is valid for life.
func New(name string, life time.Duration) (*Authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	serial, err := newSerial()
	if err != nil {
		return nil, err
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: name}, NotBefore: now.Add(-early), NotAfter: now.Add(life),
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign, IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	cert, err := x509.ParseCertificate(der)
	return &Authority{Cert: cert, key: key}, err
}

// Load is the authority of a pair.
func Load(p Pair) (*Authority, error) {
	cert, err := ParseCert(p.Cert)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(p.Key)
	if block == nil || block.Type != typeKey {
		return nil, fmt.Errorf("pki: no PEM %s", typeKey)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("pki: key: %w", err)
	}
	key, ok := parsed.(*ecdsa.PrivateKey)
	if !ok || !key.PublicKey.Equal(cert.PublicKey) {
		return nil, errors.New("pki: the key is not the certificate's")
	}
	if !cert.IsCA {
		return nil, errors.New("pki: not the certificate of an authority")
	}
	return &Authority{Cert: cert, key: key}, nil
}

// Pair is the authority itself as PEM: the certificate for everybody, the key for nobody else.
func (a *Authority) Pair() (Pair, error) { return encode(a.Cert.Raw, a.key) }

// Issue makes a key and a certificate for it.
func (a *Authority) Issue(l Leaf) (Pair, error) {
	if len(l.Hosts) == 0 {
		return Pair{}, errors.New("pki: a certificate needs a name")
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return Pair{}, err
	}
	serial, err := newSerial()
	if err != nil {
		return Pair{}, err
	}
	now := time.Now()
	end := now.Add(l.Life)
	if end.After(a.Cert.NotAfter) {
		end = a.Cert.NotAfter
	}
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: l.Hosts[0]}, NotBefore: now.Add(-early), NotAfter: end,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: usages(l.Client), BasicConstraintsValid: true,
	}
	for _, h := range l.Hosts {
		if ip := net.ParseIP(h); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, h)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.Cert, key.Public(), a.key)
	if err != nil {
		return Pair{}, fmt.Errorf("pki: %s: %w", l.Hosts[0], err)
	}
	return encode(der, key)
}

// Fits reports whether cert is one that Issue(l) could have made and that is valid for longer than rest: nothing has to be
// made anew then.
func (a *Authority) Fits(cert *x509.Certificate, l Leaf, rest time.Duration) bool {
	if cert.CheckSignatureFrom(a.Cert) != nil || time.Until(cert.NotAfter) < rest {
		return false
	}
	want := usages(l.Client)
	if len(cert.ExtKeyUsage) != len(want) || len(cert.DNSNames)+len(cert.IPAddresses) != len(l.Hosts) {
		return false
	}
	for _, h := range l.Hosts {
		if cert.VerifyHostname(h) != nil {
			return false
		}
	}
	return true
}

func usages(client bool) []x509.ExtKeyUsage {
	if client {
		return []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	}
	return []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
}

// ParseCert is the first certificate of a PEM text.
func ParseCert(text []byte) (*x509.Certificate, error) {
	block, _ := pem.Decode(text)
	if block == nil || block.Type != typeCert {
		return nil, fmt.Errorf("pki: no PEM %s", typeCert)
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("pki: certificate: %w", err)
	}
	return cert, nil
}

func newSerial() (*big.Int, error) {
	return rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
}

func encode(der []byte, key *ecdsa.PrivateKey) (Pair, error) {
	k, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return Pair{}, err
	}
	return Pair{
		Cert: pem.EncodeToMemory(&pem.Block{Type: typeCert, Bytes: der}),
		Key:  pem.EncodeToMemory(&pem.Block{Type: typeKey, Bytes: k}),
	}, nil
}
