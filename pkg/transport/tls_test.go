package transport_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"tiktok/kitex_gen/user"
	"tiktok/pkg/errno"
	"tiktok/pkg/pki"
	"tiktok/pkg/pki/pkitest"
	"tiktok/pkg/telemetry"
	"tiktok/pkg/tlsconf"
	"tiktok/pkg/transport"
)

// authority makes certificates for tests.
type authority struct{ pkitest.Authority }

func newAuthority(t testing.TB) authority {
	t.Helper()
	return authority{pkitest.New(t)}
}

func (a authority) settings(t testing.TB) deployment {
	t.Helper()
	d := settings(t)
	d.server.TLS, d.client.TLS = a.Service(t, d.name), a.Service(t, "api")
	return d
}

// wire keeps what arrives at a listener.
type wire struct {
	mu   sync.Mutex
	got  bytes.Buffer // guarded by mu
	seen chan struct{}
}

// Write implements io.Writer.
func (w *wire) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.got.Write(b)
}

// swallow accepts everything and answers nothing; conf is for TLS.
func (w *wire) swallow(t *testing.T, conf *tls.Config) (addr string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			select {
			case w.seen <- struct{}{}:
			default:
			}
			if conf != nil {
				conn = tls.Server(conn, conf)
			}
			go func() { _, _ = io.Copy(w, conn); _ = conn.Close() }()
		}
	}()
	return ln.Addr().String()
}

// shows is a server that has a certificate, and takes any of its clients.
func shows(t *testing.T, f tlsconf.Files) *tls.Config {
	t.Helper()
	pair, err := tls.LoadX509KeyPair(f.Cert, f.Key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{pair}, ClientAuth: tls.RequestClientCert}
}

// enroll writes an address into etcd as if it were a server of that name.
func enroll(t *testing.T, d deployment, addr string) {
	t.Helper()
	cli, err := transport.DialEtcd(t.Context(), d.client)
	if err != nil {
		t.Fatal(err)
	}
	value, err := json.Marshal(map[string]any{"network": "tcp", "address": addr, "weight": 10})
	if err != nil {
		t.Fatal(err)
	}
	key := d.client.RegistryPrefix + "/" + d.name + "/" + addr
	if _, err := cli.Put(t.Context(), key, string(value)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := cli.Delete(context.Background(), key); err != nil {
			t.Error(err)
		}
		_ = cli.Close()
	})
}

// Whoever can write to etcd can send callers anywhere. Without the service's certificate they learn nothing there.
func TestFakeServerLearnsNothing(t *testing.T) {
	ours, others := newAuthority(t), newAuthority(t)
	const secret = "correct horse battery staple"
	for name, c := range map[string]struct {
		conf func(d deployment) *tls.Config
		tls  bool
		want bool // the password arrives
	}{
		"plain TCP, no TLS anywhere":            {func(deployment) *tls.Config { return nil }, false, true}, // the trap works
		"plain TCP":                             {func(deployment) *tls.Config { return nil }, true, false},
		"certificate of another service":        {func(deployment) *tls.Config { return shows(t, ours.Service(t, "chat")) }, true, false},
		"right name, certificate of our making": {func(d deployment) *tls.Config { return shows(t, others.Service(t, d.name)) }, true, false},
		"the service's certificate":             {func(d deployment) *tls.Config { return shows(t, ours.Service(t, d.name)) }, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			d := ours.settings(t)
			if !c.tls {
				d = settings(t)
			}
			d.client.Timeout = 300 * time.Millisecond
			w := &wire{seen: make(chan struct{}, 1)}
			enroll(t, d, w.swallow(t, c.conf(d)))
			client := d.dial(t, "api", telemetry.Discard())
			for range 3 {
				_, err := client.Login(t.Context(), &user.LoginRequest{Username: "alice", Password: secret})
				if e := errno.From(err); !errors.Is(e, errno.Unavailable) && !errors.Is(e, errno.OutcomeUnknown) {
					t.Errorf("login: %v", err)
				}
			}
			select {
			case <-w.seen:
			default:
				t.Fatal("nobody came: the trap is not set")
			}
			w.mu.Lock()
			defer w.mu.Unlock()
			if got := strings.Contains(w.got.String(), secret); got != c.want {
				t.Errorf("the password arrived: %v, want %v; got %d bytes", got, c.want, w.got.Len())
			}
		})
	}
}

// A fake among real servers costs attempts, not calls.
func TestFakeAmongServers(t *testing.T) {
	a := newAuthority(t)
	d := a.settings(t)
	d.listen(t, telemetry.Discard(), &users{})
	w := &wire{seen: make(chan struct{}, 1)}
	enroll(t, d, w.swallow(t, shows(t, a.Service(t, "chat"))))
	c := d.find(t, d.dial(t, "api", telemetry.Discard()))
	for range 50 {
		if _, err := c.Register(t.Context(), &user.RegisterRequest{}); err != nil {
			t.Fatal(err)
		}
	}
}

func TestCallersProveTheirNames(t *testing.T) {
	a, tel := newAuthority(t), telemetry.Discard()
	d := a.settings(t)
	d.listen(t, tel, &users{}, transport.Guard(transport.Methods{"Register": {Callers: []string{"api", "social"}}}, tel))
	d.find(t, d.dial(t, "api", tel))
	call := func(files tlsconf.Files, caller string) error {
		d := d
		d.client.TLS = files
		_, err := d.dial(t, caller, tel).Register(t.Context(), &user.RegisterRequest{Username: "taken"})
		return err
	}
	if err := call(a.Service(t, "social"), "social"); !errors.Is(errno.From(err), errno.UserNameTaken) {
		t.Errorf("another caller: %v", err)
	}
	if err := call(a.Service(t, "chat"), "api"); !errors.Is(errno.From(err), errno.CallRefused) {
		t.Errorf("chat says that it is the gateway: %v", err)
	}
	if err := call(a.Service(t, "chat"), "chat"); !errors.Is(errno.From(err), errno.CallRefused) {
		t.Errorf("chat calls what only others may: %v", err)
	}
	for name, files := range map[string]tlsconf.Files{
		"certificate of their own making": newAuthority(t).Service(t, "api"),
		"certificate for servers":         a.Files(t, pki.Leaf{Hosts: []string{"api"}}),
	} {
		files.CA = a.CA
		// TLS 1.3: a client sends before it is told that its certificate is not accepted.
		if err := call(files, "api"); !errors.Is(errno.From(err), errno.OutcomeUnknown) {
			t.Errorf("%s: %v", name, err)
		}
	}
	d.client.TLS = tlsconf.Files{}
	if _, err := d.dial(t, "api", tel).Register(t.Context(), &user.RegisterRequest{}); err == nil {
		t.Error("without TLS: answered")
	}
	if n, err := testutil.GatherAndCount(tel.Registry, "tiktok_rpc_handshakes_refused_total"); err != nil || n != 1 {
		t.Errorf("%d series, %v", n, err)
	}
}

// A server that comes back where it was has no use for the connections that callers have kept.
func TestKeptConnectionsAfterARestart(t *testing.T) {
	for name, d := range map[string]deployment{"plain": settings(t), "mutual TLS": newAuthority(t).settings(t)} {
		t.Run(name, func(t *testing.T) {
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			d.server.Listen = ln.Addr().String()
			_ = ln.Close()
			stop := d.listen(t, telemetry.Discard(), &users{})
			c := d.find(t, d.dial(t, "api", telemetry.Discard()))
			var wg sync.WaitGroup
			for range 8 { // so many connections are kept
				wg.Go(func() { _, _ = c.Register(t.Context(), &user.RegisterRequest{Username: "nap"}) })
			}
			wg.Wait()
			begun := time.Now()
			stop()
			if took := time.Since(begun); took > 2*time.Second {
				t.Errorf("idle connections held the stop up for %v", took)
			}
			d.listen(t, telemetry.Discard(), &users{})
			d.find(t, c)
			for range 20 {
				if _, err := c.Register(t.Context(), &user.RegisterRequest{}); err != nil {
					t.Errorf("after the restart: %v", err)
				}
			}
		})
	}
}

// Certificates and authorities are replaced while processes run: first everybody trusts both authorities, then comes the new
// certificate, then the old authority goes.
func TestRotation(t *testing.T) {
	old, next := newAuthority(t), newAuthority(t)
	d, tel := old.settings(t), telemetry.Discard()
	d.listen(t, tel, &users{})
	d.find(t, d.dial(t, "api", tel))
	read := func(path string) []byte {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	call := func(step string, ok bool) {
		t.Helper()
		c := d.dial(t, "api", tel) // another pool: new connections
		_, err := c.Register(t.Context(), &user.RegisterRequest{})
		if (err == nil) != ok {
			t.Errorf("%s: %v", step, err)
		}
	}
	before := read(old.CA)
	pkitest.Write(t, old.CA, append(before, read(next.CA)...))
	call("both authorities", true)
	next.Replace(t, d.server.TLS, pki.Leaf{Hosts: []string{d.name}, Client: true})
	call("server by the new one", true)
	next.Replace(t, d.client.TLS, pki.Leaf{Hosts: []string{"api"}, Client: true})
	pkitest.Write(t, old.CA, read(next.CA))
	call("only the new one", true)
	old.Replace(t, d.client.TLS, pki.Leaf{Hosts: []string{"api"}, Client: true})
	call("client by the old one", false)
}

// A handler that is at work when the server stops still answers.
func TestStopWaitsForAnswers(t *testing.T) {
	for name, d := range map[string]deployment{"plain": settings(t), "mutual TLS": newAuthority(t).settings(t)} {
		t.Run(name, func(t *testing.T) {
			handler := &users{entered: make(chan struct{}), leave: make(chan struct{})}
			stop := d.listen(t, telemetry.Discard(), handler)
			c := d.find(t, d.dial(t, "api", telemetry.Discard()))
			answered := make(chan error, 1)
			go func() {
				_, err := c.Register(t.Context(), &user.RegisterRequest{Username: "waits"})
				answered <- err
			}()
			<-handler.entered
			stopped := make(chan struct{})
			go func() { stop(); close(stopped) }()
			time.AfterFunc(300*time.Millisecond, func() { close(handler.leave) }) // in the middle of the stop
			if err := <-answered; err != nil {
				t.Error(err)
			}
			<-stopped
		})
	}
}

// A rolling stop: callers lose no call when one of two servers goes.
func TestRollingStop(t *testing.T) {
	for name, d := range map[string]deployment{"plain": settings(t), "mutual TLS": newAuthority(t).settings(t)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d.server.Drain = 2 * time.Second
			tel := telemetry.Discard()
			d.listen(t, tel, &users{})
			stop := d.listen(t, tel, &users{})
			c := d.find(t, d.dial(t, "api", tel))
			var calls, failed atomic.Int64
			var wg sync.WaitGroup
			done := make(chan struct{})
			for range 8 {
				wg.Go(func() {
					for {
						select {
						case <-done:
							return
						default:
						}
						calls.Add(1)
						if _, err := c.Register(t.Context(), &user.RegisterRequest{Username: "nap"}); err != nil {
							failed.Add(1)
							t.Errorf("call %d: %v", calls.Load(), err)
						}
					}
				})
			}
			for calls.Load() < 200 { // both are found
				<-time.After(10 * time.Millisecond)
			}
			stop()
			stopped := calls.Load()
			for calls.Load() < stopped+100 {
				<-time.After(10 * time.Millisecond)
			}
			close(done)
			wg.Wait()
			t.Logf("%d calls, %d failed", calls.Load(), failed.Load())
		})
	}
}
