package pki_test

import (
	"crypto/x509"
	"testing"
	"time"

	"tiktok/pkg/pki"
)

func TestIssuedCertificatesAreValid(t *testing.T) {
	made, err := pki.New("test", 24*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	p, err := made.Pair()
	if err != nil {
		t.Fatal(err)
	}
	ca, err := pki.Load(p)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(made.Cert)
	for _, l := range []pki.Leaf{
		{Hosts: []string{"user"}, Client: true, Life: time.Hour},
		{Hosts: []string{"db", "10.0.0.4", "::1"}, Life: 48 * time.Hour},
	} {
		pair, err := ca.Issue(l)
		if err != nil {
			t.Fatal(err)
		}
		cert, err := pki.ParseCert(pair.Cert)
		if err != nil {
			t.Fatal(err)
		}
		for _, h := range l.Hosts {
			if _, err := cert.Verify(x509.VerifyOptions{Roots: roots, DNSName: h}); err != nil {
				t.Error(err)
			}
		}
		_, err = cert.Verify(x509.VerifyOptions{Roots: roots, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
		if (err == nil) != l.Client {
			t.Errorf("%v for clients: %v", l.Hosts, err)
		}
		if cert.NotAfter.After(ca.Cert.NotAfter) {
			t.Error("it is valid for longer than its authority")
		}
		if !ca.Fits(cert, l, time.Minute) || ca.Fits(cert, l, 1000*time.Hour) ||
			ca.Fits(cert, pki.Leaf{Hosts: append(l.Hosts, "more"), Client: l.Client}, 0) {
			t.Errorf("%v: Fits is wrong", l.Hosts)
		}
		if _, err := pki.Load(pair); err == nil {
			t.Error("anybody's certificate is taken for an authority")
		}
		if _, err := pki.Load(pki.Pair{Cert: p.Cert, Key: pair.Key}); err == nil {
			t.Error("another's key is taken")
		}
	}
}
