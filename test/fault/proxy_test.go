package fault_test

import (
	"bytes"
	"context"
	"errors"
	"net"
	"sync"
	"testing"
	"time"
)

// proxy stands between the processes and one server, and can be a bad network.
type proxy struct {
	addr, target string
	ln           net.Listener

	mu    sync.Mutex
	pipes map[*pipe]struct{} // guarded by mu
	// frozen is closed by thaw; nil while everything flows.
	frozen chan struct{} // guarded by mu
	// hold, while set, is asked about everything that goes to the server; from the first yes on, nothing more of that
	// connection gets through.
	hold func([]byte) bool // guarded by mu
	held int               // guarded by mu: connections that hold stopped
}

// pipe is one connection through the proxy.
type pipe struct {
	client, server net.Conn
	closed         chan struct{}
	once           sync.Once
}

func (c *pipe) close() {
	c.once.Do(func() {
		close(c.closed)
		_ = errors.Join(c.client.Close(), c.server.Close())
	})
}

// newProxy listens on loopback until the test ends.
func newProxy(t *testing.T, target string) *proxy {
	t.Helper()
	var lc net.ListenConfig
	ln, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{addr: ln.Addr().String(), target: target, ln: ln, pipes: map[*pipe]struct{}{}}
	var wg sync.WaitGroup
	ctx, cancel := context.WithCancel(context.Background())
	wg.Go(func() {
		for {
			client, err := ln.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { p.serve(ctx, client) })
		}
	})
	t.Cleanup(func() {
		cancel()
		_ = ln.Close()
		p.thaw()
		p.cut()
		wg.Wait()
	})
	return p
}

func (p *proxy) serve(ctx context.Context, client net.Conn) {
	dialer := net.Dialer{Timeout: 5 * time.Second}
	server, err := dialer.DialContext(ctx, "tcp", p.target)
	if err != nil {
		_ = client.Close()
		return
	}
	c := &pipe{client: client, server: server, closed: make(chan struct{})}
	p.mu.Lock()
	p.pipes[c] = struct{}{}
	p.mu.Unlock()
	defer func() {
		c.close()
		p.mu.Lock()
		delete(p.pipes, c)
		p.mu.Unlock()
	}()
	if ctx.Err() != nil {
		return
	}
	var wg sync.WaitGroup
	wg.Go(func() { p.copy(c, client, server, true) })
	wg.Go(func() { p.copy(c, server, client, false) })
	wg.Wait()
}

func (p *proxy) copy(c *pipe, from, to net.Conn, up bool) {
	defer c.close()
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		if n > 0 {
			if !p.pass(c, buf[:n], up) {
				return
			}
			if _, err := to.Write(buf[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// pass waits until data may go on; false: never.
func (p *proxy) pass(c *pipe, data []byte, up bool) bool {
	for {
		p.mu.Lock()
		frozen := p.frozen
		if up && p.hold != nil && p.hold(data) {
			p.held++
			frozen = make(chan struct{}) // only the end of the connection helps
		}
		p.mu.Unlock()
		if frozen == nil {
			return true
		}
		select {
		case <-frozen:
		case <-c.closed:
			return false
		}
	}
}

// cut breaks all connections; new ones are fine.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.pipes {
		c.close()
	}
}

// freeze lets nothing through, in either direction, and says nothing about it.
func (p *proxy) freeze() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.frozen == nil {
		p.frozen = make(chan struct{})
	}
}

// thaw ends freeze; what was under way arrives late.
func (p *proxy) thaw() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.frozen != nil {
		close(p.frozen)
		p.frozen = nil
	}
}

// holdWhen stops each connection to the server for good at the first data that f says yes to; nil ends that for others.
func (p *proxy) holdWhen(f func([]byte) bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hold, p.held = f, 0
}

func (p *proxy) holds() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.held
}

// acknowledges reports whether a client tells RabbitMQ that it is done with messages: basic.ack is method 80 of class
// 60. Events are JSON, which has no zeros.
func acknowledges(data []byte) bool { return bytes.Contains(data, []byte{0, 60, 0, 80}) }
