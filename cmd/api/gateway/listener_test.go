package gateway

import (
	"errors"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"runtime"
	"syscall"
	"testing"
	"time"

	"tiktok/config"
)

// open is a listener on a port of its own.
func open(t *testing.T, limits connLimits) *listener {
	t.Helper()
	var lc net.ListenConfig
	ln, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := newListener(ln, limits, slog.New(slog.DiscardHandler))
	t.Cleanup(func() {
		l.closeAll()
		_ = l.Close()
	})
	return l
}

// dial connects from an address of this machine.
func dial(t *testing.T, l *listener, from string) net.Conn {
	t.Helper()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	client, err := d.DialContext(t.Context(), "tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

func accept(t *testing.T, l *listener) *conn {
	t.Helper()
	accepted, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	c, ok := accepted.(*conn)
	if !ok {
		t.Fatalf("accepted a %T", accepted)
	}
	return c
}

// pair is a tracked connection and its client.
func pair(t *testing.T) (*listener, *conn, net.Conn) {
	t.Helper()
	l := open(t, connLimits{total: 4, perAddr: 4})
	client := dial(t, l, "127.0.0.1")
	return l, accept(t, l), client
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

// failing is a listener that fails some times before it accepts.
type failing struct {
	net.Listener
	errs []error
}

func (f *failing) Accept() (net.Conn, error) {
	if len(f.errs) == 0 {
		return f.Listener.Accept()
	}
	err := f.errs[0]
	f.errs = f.errs[1:]
	return nil, &net.OpError{Op: "accept", Net: "tcp", Err: os.NewSyscallError("accept4", err)}
}

func TestAcceptGoesOn(t *testing.T) {
	l := open(t, connLimits{total: 4, perAddr: 4})
	first := dial(t, l, "127.0.0.1")
	accept(t, l)
	l.Listener = &failing{l.Listener, []error{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.ECONNABORTED}}
	dial(t, l, "127.0.0.1")
	accept(t, l)
	if n := l.failures.Load(); n != 5 {
		t.Errorf("%d failures counted", n)
	}
	if !closed(t, first) || l.evicted[reasonFiles].Load() != 1 || l.count() != 1 {
		t.Errorf("the idle connection did not make room: %d, %d open", l.evicted[reasonFiles].Load(), l.count())
	}
	l.Listener = &failing{l.Listener, []error{syscall.EBADF}}
	if _, err := l.Accept(); !errors.Is(err, syscall.EBADF) {
		t.Errorf("a broken listener: %v", err)
	}
}

// A listener that is closed while it waits for file descriptors ends at once.
func TestCloseWhileOutOfFiles(t *testing.T) {
	l := open(t, connLimits{total: 4, perAddr: 4})
	errs := make([]error, 64) // enough for a minute
	for i := range errs {
		errs[i] = syscall.EMFILE
	}
	l.Listener = &failing{l.Listener, errs}
	got := make(chan error, 1)
	go func() {
		_, err := l.Accept()
		got <- err
	}()
	for l.failures.Load() == 0 {
		runtime.Gosched()
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if err := <-got; !errors.Is(err, net.ErrClosed) {
		t.Errorf("accept: %v", err)
	}
}

// Who opens many connections loses their own, not those of somebody who has one, also when that one has waited longest.
func TestHoardersMakeRoom(t *testing.T) {
	l := open(t, connLimits{total: 4, perAddr: 3})
	one := dial(t, l, "127.0.0.1")
	kept := accept(t, l)
	kept.idleSince.Store(1)
	for range 20 {
		dial(t, l, "127.0.0.2")
		accept(t, l)
		dial(t, l, "127.0.0.3")
		accept(t, l)
	}
	if l.evicted[reasonTotal].Load() == 0 || kept.state.Load() != idle {
		t.Errorf("%d evicted, the only connection of an address is in state %d", l.evicted[reasonTotal].Load(), kept.state.Load())
	}
	if _, err := one.Write([]byte("x")); err != nil {
		t.Error(err)
	}
	if n, err := kept.Read(make([]byte, 1)); n != 1 || err != nil {
		t.Errorf("read %d, %v", n, err)
	}
}

func TestConnLimits(t *testing.T) {
	l := open(t, connLimits{total: 4, perAddr: 2, proxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.9/32")}})
	var clients []net.Conn
	var conns []*conn
	connect := func(from string) {
		t.Helper()
		clients = append(clients, dial(t, l, from))
		conns = append(conns, accept(t, l))
	}
	connect("127.0.0.1")
	connect("127.0.0.1")
	conns[0].state.Store(answering)
	connect("127.0.0.1") // over the address's limit: the one that waits goes, although it is younger
	if !closed(t, clients[1]) || l.evicted[reasonAddr].Load() != 1 || conns[1].state.Load() != evicted {
		t.Error("the idle connection of the address did not make room")
	}
	if n, err := conns[1].Read(make([]byte, 1)); n != 0 || err == nil {
		t.Errorf("read %d of a connection that made room", n)
	}
	conns[2].state.Store(reading)
	refused := dial(t, l, "127.0.0.1")
	connect("127.0.0.9") // what a proxy sends is many people's
	if !closed(t, refused) || l.refused[reasonAddr].Load() != 1 {
		t.Error("a third busy connection of an address is accepted")
	}
	connect("127.0.0.9")
	conns[3].idleSince.Store(2)
	conns[4].idleSince.Store(1)
	connect("127.0.0.9") // over the limit of all: who waits longest goes
	if !closed(t, clients[4]) || l.evicted[reasonTotal].Load() != 1 {
		t.Error("the connection that was idle longest did not make room")
	}
	for _, c := range conns {
		c.state.CompareAndSwap(idle, answering)
	}
	refused = dial(t, l, "127.0.0.2")
	accepted := make(chan struct{})
	go func() { // nothing comes of it until there is room
		defer close(accepted)
		_, _ = l.Accept()
	}()
	if !closed(t, refused) || l.refused[reasonTotal].Load() != 1 || l.count() != 4 {
		t.Errorf("over the limit of all with busy ones: %d refused, %d open", l.refused[reasonTotal].Load(), l.count())
	}
	for _, c := range conns {
		_ = c.kill()
		c.state.Store(idle) // no lingering
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
	if len(l.addrs) != 0 || l.count() != 0 {
		t.Errorf("left: %d addresses, %d connections", len(l.addrs), l.count())
	}
	dial(t, l, "127.0.0.1")
	<-accepted
}

func TestLimitConns(t *testing.T) {
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
		got := limitConns(cfg, nil, try.files)
		if got.total != try.want[0] || got.perAddr != try.want[1] {
			t.Errorf("%+v: %d and %d", try, got.total, got.perAddr)
		}
	}
}

// The time for a head begins with its first byte, not with the wait for it.
func TestHeadTimeBegins(t *testing.T) {
	_, server, client := pair(t)
	before := time.Now()
	read := make(chan error, 1)
	go func() {
		_, err := server.Read(make([]byte, 1))
		read <- err
	}()
	sent := time.Now()
	for sent.Sub(before) < 20*time.Millisecond {
		runtime.Gosched()
		sent = time.Now()
	}
	if _, err := client.Write([]byte("G")); err != nil {
		t.Fatal(err)
	}
	if err := <-read; err != nil || server.head.Before(sent) {
		t.Errorf("%v; the head began %v before it was sent", err, sent.Sub(server.head))
	}
}

// A body may be read until the time that its reader set, and the next one until its own.
func TestBodyDeadline(t *testing.T) {
	_, server, client := pair(t)
	server.state.Store(answering)
	if err := server.SetReadDeadline(time.Now().Add(-time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if _, err := server.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("read: %v", err)
	}
	server.state.Store(answered) // and between two requests it says nothing
	if _, err := server.Read(make([]byte, 1)); err != nil {
		t.Errorf("read of the next request: %v", err)
	}
}

func TestDeadlines(t *testing.T) {
	long := time.Now().Add(-time.Hour)
	for name, try := range map[string]struct {
		state int32
		head  time.Time
		late  bool
	}{
		"new":                       {idle, time.Time{}, false},
		"a head that does not end":  {reading, long, true},
		"a body after a slow head":  {answering, long, false},
		"the next request of a day": {answered, long, false},
	} {
		_, server, client := pair(t)
		server.state.Store(try.state)
		server.head = try.head
		if _, err := client.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, 8)
		n, err := server.Read(buf)
		if late := errors.Is(err, os.ErrDeadlineExceeded); late != try.late || !late && n != 1 {
			t.Errorf("%s: %d bytes, %v", name, n, err)
		}
	}
}

func TestCloseIdle(t *testing.T) {
	l, server, client := pair(t)
	got := make(chan error, 1)
	read := func() {
		_, err := server.Read(make([]byte, 1))
		got <- err
	}
	server.state.Store(answering)
	go read()
	l.closeIdle() // must not touch it
	if _, err := client.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if err := <-got; err != nil {
		t.Errorf("a busy connection: %v", err)
	}
	server.state.Store(answered)
	go read()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case err := <-got:
			if !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("an idle connection: %v", err)
			}
			if err := server.kill(); err != nil {
				t.Error(err)
			}
			return
		case <-tick.C:
			l.closeIdle()
		}
	}
}

// What is closed leaves the list, and an answer survives what its reader had not sent yet.
func TestCloseLingers(t *testing.T) {
	l, server, client := pair(t)
	server.state.Store(answered)
	if _, err := client.Write(make([]byte, 1<<20)); err != nil {
		t.Fatal(err)
	}
	if _, err := server.Write([]byte("answer")); err != nil {
		t.Fatal(err)
	}
	closed := make(chan error, 1)
	go func() { closed <- server.Close() }()
	all, err := io.ReadAll(client)
	if string(all) != "answer" || err != nil {
		t.Errorf("read %q, %v", all, err)
	}
	if err := client.Close(); err != nil {
		t.Error(err)
	}
	if err := <-closed; err != nil {
		t.Error(err)
	}
	if n := len(l.all()); n != 0 {
		t.Errorf("%d connections are still listed", n)
	}
}

// A connection that was quiet for longer than a write may take still gets its next answer, also one of several buffers.
func TestAnswerAfterAQuietTime(t *testing.T) {
	_, server, client := pair(t)
	if err := server.SetWriteDeadline(time.Now().Add(-time.Minute)); err != nil { // of an answer long ago
		t.Fatal(err)
	}
	server.state.Store(answered)
	if _, err := client.Write([]byte("GET")); err != nil {
		t.Fatal(err)
	}
	if _, err := server.Read(make([]byte, 8)); err != nil {
		t.Fatal(err)
	}
	buffers := net.Buffers{[]byte("head"), []byte("body")}
	if _, err := buffers.WriteTo(server); err != nil {
		t.Errorf("the answer: %v", err)
	}
}
