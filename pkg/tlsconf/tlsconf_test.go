package tlsconf_test

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"os"
	"testing"
	"time"

	"tiktok/pkg/pki"
	"tiktok/pkg/pki/pkitest"
	"tiktok/pkg/tlsconf"
)

// listen answers one byte to whoever comes, as a server that asks for no certificate.
func listen(t *testing.T, f tlsconf.Files) (addr string) {
	t.Helper()
	pair, err := tls.LoadX509KeyPair(f.Cert, f.Key)
	if err != nil {
		t.Fatal(err)
	}
	ln, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{pair}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go func() { _, _ = c.Write([]byte("!")); _ = c.Close() }()
		}
	}()
	return ln.Addr().String()
}

// dial connects as the libraries do: they fill in the host that they dial when no name is set.
func dial(ctx context.Context, conf *tls.Config, addr, host string) error {
	if conf.ServerName == "" {
		conf = conf.Clone()
		conf.ServerName = host
	}
	raw, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	defer func() { _ = raw.Close() }()
	c := tls.Client(raw, conf)
	if err := c.HandshakeContext(ctx); err != nil {
		return err
	}
	_, err = c.Read(make([]byte, 1))
	return err
}

func TestClientVerifiesServers(t *testing.T) {
	ours, others := pkitest.New(t), pkitest.New(t)
	named := ours.Files(t, pki.Leaf{Hosts: []string{"db.internal"}})
	numbered := ours.Files(t, pki.Leaf{Hosts: []string{"etcd", "10.0.0.4"}})
	for name, c := range map[string]struct {
		server tlsconf.Files
		name   string
		hosts  []string // of the settings
		dialed string
		ok     bool
	}{
		"by name":                     {named, "", []string{"db.internal"}, "db.internal", true},
		"one of several names":        {named, "", []string{"other", "db.internal"}, "db.internal", true},
		"another of several names":    {named, "", []string{"other", "db.internal"}, "other", false},
		"by the name of the settings": {named, "db.internal", []string{"10.0.0.9"}, "10.0.0.9", true},
		"another name":                {named, "db2.internal", []string{"db.internal"}, "db.internal", false},
		"by address":                  {numbered, "", []string{"10.0.0.4"}, "10.0.0.4", true},
		"one of several addresses":    {numbered, "", []string{"10.0.0.3", "10.0.0.4"}, "10.0.0.4", true},
		"another address":             {numbered, "", []string{"10.0.0.3"}, "10.0.0.3", false},
		"no address and no name":      {numbered, "", nil, "10.0.0.4", false},
		"another authority": {
			others.Files(t, pki.Leaf{Hosts: []string{"db.internal"}}), "",
			[]string{"db.internal"},
			"db.internal",
			false,
		},
		"a certificate that is expired": {expired(t, ours), "", []string{"db.internal"}, "db.internal", false},
	} {
		t.Run(name, func(t *testing.T) {
			conf, err := tlsconf.Config{Files: tlsconf.Files{CA: ours.CA}, ServerName: c.name}.Client(c.hosts...)
			if err != nil {
				t.Fatal(err)
			}
			err = dial(t.Context(), conf, listen(t, c.server), c.dialed)
			var bad *tls.CertificateVerificationError
			if c.ok && err != nil || !c.ok && !errors.As(err, &bad) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// expired is a certificate that was valid a minute ago.
func expired(t *testing.T, a pkitest.Authority) tlsconf.Files {
	t.Helper()
	return a.Files(t, pki.Leaf{Hosts: []string{"db.internal"}, Life: -time.Minute})
}

func TestCheck(t *testing.T) {
	a := pkitest.New(t)
	good := a.Files(t, pki.Leaf{Hosts: []string{"x"}})
	for name, c := range map[string]struct {
		conf tlsconf.Config
		ok   bool
	}{
		"nothing":       {tlsconf.Config{}, true},
		"authority":     {tlsconf.Config{Files: tlsconf.Files{CA: a.CA}}, true},
		"system":        {tlsconf.Config{Files: tlsconf.Files{CA: tlsconf.System}}, true},
		"all":           {tlsconf.Config{Files: good, ServerName: "x"}, true},
		"name alone":    {tlsconf.Config{ServerName: "x"}, false},
		"no authority":  {tlsconf.Config{Files: tlsconf.Files{Cert: good.Cert, Key: good.Key}}, false},
		"no key":        {tlsconf.Config{Files: tlsconf.Files{CA: a.CA, Cert: good.Cert}}, false},
		"expired":       {tlsconf.Config{Files: expired(t, a)}, false},
		"no such file":  {tlsconf.Config{Files: tlsconf.Files{CA: "/nowhere"}}, false},
		"no PEM":        {tlsconf.Config{Files: tlsconf.Files{CA: good.Key}}, false},
		"not a fit":     {tlsconf.Config{Files: tlsconf.Files{CA: a.CA, Cert: a.CA, Key: good.Key}}, false},
		"key is a cert": {tlsconf.Config{Files: tlsconf.Files{CA: a.CA, Cert: good.Cert, Key: good.Cert}}, false},
	} {
		if err := c.conf.Check(); (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
	if conf, err := (tlsconf.Config{}).Client("x"); conf != nil || err != nil {
		t.Errorf("no settings: %v, %v", conf, err)
	}
	if _, err := (tlsconf.Files{CA: a.CA}).MutualServer(); err == nil {
		t.Error("a server without a certificate")
	}
}

// While files are replaced one after the other, what was there before is used.
func TestHalfReplacedFiles(t *testing.T) {
	a := pkitest.New(t)
	server := a.Files(t, pki.Leaf{Hosts: []string{"x"}, Client: true})
	conf, err := server.MutualServer()
	if err != nil {
		t.Fatal(err)
	}
	serial := func() string {
		c, err := conf.GetCertificate(nil)
		if err != nil || c == nil {
			t.Fatal(c, err)
		}
		return c.Leaf.SerialNumber.String()
	}
	first := serial()
	next := a.Service(t, "x")
	move(t, next.Key, server.Key)
	if serial() != first {
		t.Error("half of it is used")
	}
	move(t, next.Cert, server.Cert)
	if serial() == first {
		t.Error("the new one is not used")
	}
	if err := os.Remove(server.Cert); err != nil {
		t.Fatal(err)
	}
	serial() // and not nil
}

func move(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
}
