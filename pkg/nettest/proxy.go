// Package nettest is for tests: a network that breaks.
package nettest

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"syscall"
	"testing"
	"time"
)

const (
	// dialTimeout bounds a connection to the target.
	dialTimeout = 5 * time.Second
	// chunk is the most that is passed on at once.
	chunk = 32 << 10
)

// Proxy is a TCP proxy in front of one server. It can cut and refuse connections, stall all of them, hold back what a
// test chooses, and send data in the server's name. Its methods may be called from any goroutine.
type Proxy struct {
	// Addr is where it listens, host:port on loopback.
	Addr string

	frame  func(io.Reader) ([]byte, error)
	ctx    context.Context //nolint:containedctx // ends with the test
	wg     sync.WaitGroup
	mirror bool

	mu       sync.Mutex
	target   string                             // guarded by mu
	listener net.Listener                       // guarded by mu; nil while closed
	links    map[*link]struct{}                 // guarded by mu
	accepted int                                // guarded by mu
	refusing bool                               // guarded by mu
	frozen   *freeze                            // guarded by mu; nil while data flows
	gate     func(bool, []byte) <-chan struct{} // guarded by mu
}

// freeze is the time between Freeze and Thaw.
type freeze struct {
	thawed chan struct{}
	of     func(client net.Addr) bool // nil: all
}

// link is one connection through the proxy.
type link struct {
	client, server net.Conn
	judged         *freeze // guarded by the proxy's mu: of which it is known whether it holds this connection
	held           bool    // guarded by the proxy's mu
	closed         chan struct{}
	once           sync.Once
	writing        sync.Mutex // one write to the client at a time
}

func (l *link) close() {
	l.once.Do(func() {
		close(l.closed)
		_ = errors.Join(l.client.Close(), l.server.Close()) // both are given up
	})
}

func (l *link) toClient(data []byte) error {
	l.writing.Lock()
	defer l.writing.Unlock()
	_, err := l.client.Write(data)
	return err
}

// NewProxy listens on loopback until the test ends. frame reads what the server sends at once, for protocols where a gate
// or Inject needs the boundaries of messages; nil passes data on as it arrives.
func NewProxy(t testing.TB, target string, frame func(io.Reader) ([]byte, error)) *Proxy {
	t.Helper()
	return listen(t, &Proxy{Addr: "127.0.0.1:0", target: target, frame: frame})
}

// NewProxyAt is NewProxy at an address, host:port, that the test has chosen.
func NewProxyAt(t testing.TB, addr, target string) *Proxy {
	t.Helper()
	return listen(t, &Proxy{Addr: addr, target: target})
}

func listen(t testing.TB, p *Proxy) *Proxy {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	p.ctx, p.links = ctx, map[*link]struct{}{}
	if err := p.open(); err != nil {
		cancel()
		t.Fatal(err)
	}
	p.Addr = p.listener.Addr().String()
	t.Cleanup(func() {
		cancel()
		p.shut()
		p.Refuse()
		p.wg.Wait()
	})
	return p
}

func (p *Proxy) open() error {
	var lc net.ListenConfig
	ln, err := lc.Listen(p.ctx, "tcp", p.Addr)
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.listener = ln
	p.wg.Go(func() {
		for {
			client, err := ln.Accept()
			if err != nil {
				return
			}
			p.wg.Go(func() { p.serve(p.ctx, client) })
		}
	})
	return nil
}

func (p *Proxy) dial(ctx context.Context) (net.Conn, error) {
	p.mu.Lock()
	target := p.target
	p.mu.Unlock()
	dialer := net.Dialer{Timeout: dialTimeout}
	return dialer.DialContext(ctx, "tcp", target)
}

// Turn sends connections from now on to another target and breaks those to the old one.
func (p *Proxy) Turn(target string) {
	p.mu.Lock()
	p.target = target
	p.mu.Unlock()
	p.Cut()
}

func (p *Proxy) serve(ctx context.Context, client net.Conn) {
	server, err := p.dial(ctx)
	if err != nil {
		if tcp, ok := client.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0) // a reset, as from the target
		}
		_ = client.Close()
		if p.mirror && errors.Is(err, syscall.ECONNREFUSED) && p.shut() {
			p.wg.Go(p.await)
		}
		return
	}
	l := &link{client: client, server: server, closed: make(chan struct{})}
	defer l.close()
	p.mu.Lock()
	if p.refusing {
		p.mu.Unlock()
		return
	}
	p.accepted++
	p.links[l] = struct{}{}
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.links, l)
	}()
	var wg sync.WaitGroup
	wg.Go(func() {
		p.pump(l, true, chunks(client), func(b []byte) error { _, err := server.Write(b); return err })
	})
	down := chunks(server)
	if p.frame != nil {
		down = func() ([]byte, error) { return p.frame(server) }
	}
	wg.Go(func() { p.pump(l, false, down, l.toClient) })
	wg.Wait()
}

// chunks reads from a connection whatever is there.
func chunks(from net.Conn) func() ([]byte, error) {
	buf := make([]byte, chunk)
	return func() ([]byte, error) {
		n, err := from.Read(buf)
		return buf[:n], err
	}
}

func (p *Proxy) pump(l *link, up bool, read func() ([]byte, error), write func([]byte) error) {
	defer l.close()
	for {
		data, err := read()
		if len(data) > 0 && (!p.pass(l, up, data) || write(data) != nil) || err != nil {
			return
		}
	}
}

// pass waits until data may go on. It returns false when the connection ends before.
func (p *Proxy) pass(l *link, up bool, data []byte) bool {
	wait := func(until <-chan struct{}) bool {
		if until == nil {
			return true
		}
		select {
		case <-until:
			return true
		case <-l.closed:
			return false
		}
	}
	p.mu.Lock()
	frozen, gate := p.holds(l), p.gate
	p.mu.Unlock()
	return wait(frozen) && (gate == nil || wait(gate(up, data)))
}

// holds returns what a connection has to wait for, nil for nothing. p.mu is locked.
func (p *Proxy) holds(l *link) <-chan struct{} {
	f := p.frozen
	if f == nil {
		return nil
	}
	if f.of != nil {
		if l.judged != f {
			l.judged, l.held = f, f.of(l.client.RemoteAddr())
		}
		if !l.held {
			return nil
		}
	}
	return f.thawed
}

// Connections is how many have been accepted so far.
func (p *Proxy) Connections() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.accepted
}

// Cut breaks all connections; new ones are accepted.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for l := range p.links {
		l.close()
	}
}

// Refuse breaks all connections, and new ones at once, until Accept.
func (p *Proxy) Refuse() {
	p.mu.Lock()
	p.refusing = true
	p.mu.Unlock()
	p.Cut()
}

// Accept ends Refuse.
func (p *Proxy) Accept() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refusing = false
}

// Freeze stalls all connections in both directions without closing them, until Thaw.
func (p *Proxy) Freeze() { p.FreezeOf(nil) }

// FreezeOf is Freeze for the connections of some clients only, by the address that they come from. A second one adds nothing.
func (p *Proxy) FreezeOf(of func(client net.Addr) bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.frozen == nil {
		p.frozen = &freeze{thawed: make(chan struct{}), of: of}
	}
}

// Thaw ends Freeze; what was under way arrives late.
func (p *Proxy) Thaw() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.frozen != nil {
		close(p.frozen.thawed)
		p.frozen = nil
	}
}

// Gate asks f about all data from now on; up is true for data to the server. Data, and what follows it on the same
// connection, waits until the channel that f returns is closed or yields a value; nil lets it pass. A nil f ends it.
func (p *Proxy) Gate(f func(up bool, data []byte) <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.gate = f
}

// Inject sends data to all clients as if it came from the server, between two of its frames.
func (p *Proxy) Inject(data []byte) error {
	p.mu.Lock()
	links := make([]*link, 0, len(p.links))
	for l := range p.links {
		links = append(links, l)
	}
	p.mu.Unlock()
	var err error
	for _, l := range links {
		err = errors.Join(err, l.toClient(data))
	}
	return err
}
