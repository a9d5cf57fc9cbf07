package connlimit

import (
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"tiktok/config"
)

// conn is a connection whose state the tests set.
type conn struct {
	*net.TCPConn
	closed    func()
	since     atomic.Int64
	busy      atomic.Bool
	isEvicted atomic.Bool
}

func (c *conn) IdleSince() (time.Time, bool) { return time.Unix(0, c.since.Load()), !c.busy.Load() }

func (c *conn) Evict() bool {
	c.isEvicted.Store(!c.busy.Load())
	return c.isEvicted.Load()
}

func (c *conn) CloseNow() error { return c.TCPConn.Close() }

func (c *conn) Close() error {
	c.closed()
	return c.CloseNow()
}

func wrap(tcp *net.TCPConn, closed func()) *conn {
	c := &conn{TCPConn: tcp, closed: closed}
	c.since.Store(time.Now().UnixNano())
	return c
}

// failing is a listener that fails some times before it accepts.
type failing struct {
	net.Listener
	errs chan error
}

func (f *failing) Accept() (net.Conn, error) {
	select {
	case err := <-f.errs:
		return nil, &net.OpError{Op: "accept", Net: "tcp", Err: os.NewSyscallError("accept4", err)}
	default:
		return f.Listener.Accept()
	}
}

// open is a listener on a port of its own, and the errors that it fails with before it accepts.
func open(t *testing.T, limits Limits) (l *Listener[*conn], errs chan error) {
	t.Helper()
	var lc net.ListenConfig
	ln, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	errs = make(chan error, 100)
	l = Listen(&failing{ln, errs}, limits, slog.New(slog.DiscardHandler), wrap)
	t.Cleanup(func() {
		for _, c := range l.Conns() {
			_ = c.CloseNow() // some are closed
		}
		_ = l.Close()
	})
	return l, errs
}

// dial connects from an address of this machine.
func dial(t *testing.T, l net.Listener, from string) net.Conn {
	t.Helper()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	client, err := d.DialContext(t.Context(), "tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

func accepted(t *testing.T, l net.Listener) *conn {
	t.Helper()
	a, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	c, ok := a.(*conn)
	if !ok {
		t.Fatalf("accepted a %T", a)
	}
	return c
}

// closed waits for the end of a connection.
func closed(t *testing.T, c net.Conn) bool {
	t.Helper()
	if err := c.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
		t.Fatal(err)
	}
	_, err := c.Read(make([]byte, 1))
	return err != nil && !errors.Is(err, os.ErrDeadlineExceeded)
}

// Without file descriptors the listener goes on, and idle connections are evicted.
func TestAcceptGoesOn(t *testing.T) {
	l, errs := open(t, Limits{total: 4, perNetwork: 4})
	first := dial(t, l, "127.0.0.1")
	accepted(t, l)
	for _, err := range []error{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.ECONNABORTED} {
		errs <- err
	}
	dial(t, l, "127.0.0.1")
	accepted(t, l)
	if n := l.failures.Load(); n != 5 {
		t.Errorf("%d failures counted", n)
	}
	if !closed(t, first) || l.evicted[reasonFiles].Load() != 1 || l.count() != 1 {
		t.Errorf("the idle connection was not evicted: %d, %d open", l.evicted[reasonFiles].Load(), l.count())
	}
}

// A client that opens many connections loses its own, not those of a client that has one, also when that has waited longest.
func TestHoardersMakeRoom(t *testing.T) {
	l, _ := open(t, Limits{total: 4, perNetwork: 3})
	dial(t, l, "127.0.0.1")
	kept := accepted(t, l)
	kept.since.Store(1)
	for range 20 {
		dial(t, l, "127.0.0.2")
		accepted(t, l)
		dial(t, l, "127.0.0.3")
		accepted(t, l)
	}
	if l.evicted[reasonTotal].Load() == 0 || kept.isEvicted.Load() {
		t.Errorf("%d evicted, the only connection of an address among them: %v", l.evicted[reasonTotal].Load(), kept.isEvicted.Load())
	}
}

func TestConnLimits(t *testing.T) {
	l, _ := open(t, Limits{total: 4, perNetwork: 2, proxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.9/32")}})
	var clients []net.Conn
	var conns []*conn
	connect := func(from string) {
		t.Helper()
		clients = append(clients, dial(t, l, from))
		conns = append(conns, accepted(t, l))
	}
	connect("127.0.0.1")
	connect("127.0.0.1")
	conns[0].busy.Store(true)
	connect("127.0.0.1") // over the address's limit: the idle one goes, although it is younger
	if !closed(t, clients[1]) || l.evicted[reasonNetwork].Load() != 1 || !conns[1].isEvicted.Load() {
		t.Error("the idle connection of the address was not evicted")
	}
	conns[2].busy.Store(true)
	refused := dial(t, l, "127.0.0.1")
	connect("127.0.0.9") // a proxy's connections are many clients'
	if !closed(t, refused) || l.refused[reasonNetwork].Load() != 1 {
		t.Error("a third busy connection of an address is accepted")
	}
	connect("127.0.0.9")
	conns[3].since.Store(2)
	conns[4].since.Store(1)
	connect("127.0.0.9") // over the limit of all: the one that has been idle longest goes
	if !closed(t, clients[4]) || l.evicted[reasonTotal].Load() != 1 {
		t.Error("the connection that was idle longest was not evicted")
	}
	for _, c := range conns {
		c.busy.Store(true)
	}
	refused = dial(t, l, "127.0.0.2")
	last := make(chan struct{})
	go func() { // accepts nothing until one is closed
		defer close(last)
		_, _ = l.Accept()
	}()
	if !closed(t, refused) || l.refused[reasonTotal].Load() != 1 || l.count() != 4 {
		t.Errorf("over the limit of all with busy ones: %d refused, %d open", l.refused[reasonTotal].Load(), l.count())
	}
	for _, c := range conns {
		_ = c.Close() // some are closed
	}
	if len(l.networks) != 0 || l.count() != 0 {
		t.Errorf("left: %d networks, %d connections", len(l.networks), l.count())
	}
	dial(t, l, "127.0.0.1")
	<-last
}

func TestNewLimits(t *testing.T) {
	for _, try := range []struct {
		total, perAddr, hops int
		files                uint64
		want                 [2]int
	}{
		{0, 0, 0, 0, [2]int{20_000, 10_000}},
		{0, 0, 0, 1 << 20, [2]int{20_000, 10_000}},
		{0, 0, 0, 20_000, [2]int{9_872, 4_936}},
		{0, 0, 0, 1024, [2]int{384, 192}},
		{0, 0, 0, 256, [2]int{64, 32}},
		{0, 0, 0, 32, [2]int{16, 16}},
		{500, 0, 0, 1024, [2]int{500, 250}},
		{500, 600, 0, 1024, [2]int{500, 500}},
		{0, 50, 0, 0, [2]int{20_000, 50}},
		{0, 50, 1, 0, [2]int{20_000, 20_000}},
	} {
		cfg := config.Gateway{MaxConns: try.total, MaxConnsPerAddr: try.perAddr, ProxyHops: try.hops}
		got := newLimits(cfg, nil, try.files)
		if got.total != try.want[0] || got.perNetwork != try.want[1] {
			t.Errorf("%+v: %d and %d", try, got.total, got.perNetwork)
		}
	}
}
