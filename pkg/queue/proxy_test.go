package queue_test

import (
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"net/url"
	"sync"
	"testing"
)

// proxy stands between a queue and the broker. It can cut or freeze the line, hold confirms back, and speak for the
// broker.
type proxy struct {
	ln     net.Listener
	target string

	mu       sync.Mutex
	open     bool
	accepted int
	conns    map[net.Conn]struct{}
	clients  map[*client]struct{}
	frozen   chan struct{} // not nil: bytes wait until it is closed
	confirms chan struct{} // not nil: each confirm waits for one token
}

// client is the line to a client; frames are written one at a time.
type client struct {
	mu sync.Mutex
	net.Conn
}

func (c *client) write(frame []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, err := c.Write(frame)
	return err
}

func newProxy(t *testing.T, brokerURL string) (p *proxy, proxied string) {
	t.Helper()
	u, err := url.Parse(brokerURL)
	if err != nil {
		t.Fatal(err)
	}
	var lc net.ListenConfig
	ln, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p = &proxy{ln: ln, target: u.Host, open: true, conns: make(map[net.Conn]struct{}), clients: make(map[*client]struct{})}
	go p.serve()
	t.Cleanup(func() {
		p.thaw()
		p.passConfirms()
		p.cut()
		_ = ln.Close()
	})
	u.Host = ln.Addr().String()
	return p, u.String()
}

func (p *proxy) serve() {
	for {
		a, err := p.ln.Accept()
		if err != nil {
			return
		}
		p.mu.Lock()
		open := p.open
		p.mu.Unlock()
		if !open {
			_ = a.Close()
			continue
		}
		b, err := net.Dial("tcp", p.target) //nolint:noctx // ends with the test
		if err != nil {
			_ = a.Close()
			continue
		}
		c := &client{Conn: a}
		p.mu.Lock()
		p.accepted++
		p.conns[a], p.conns[b] = struct{}{}, struct{}{}
		p.clients[c] = struct{}{}
		p.mu.Unlock()
		go p.toBroker(b, a)
		go p.toClient(c, b)
	}
}

func (p *proxy) await() {
	p.mu.Lock()
	frozen := p.frozen
	p.mu.Unlock()
	if frozen != nil {
		<-frozen
	}
}

func (p *proxy) toBroker(dst io.WriteCloser, src io.ReadCloser) {
	defer func() { _ = dst.Close() }()
	defer func() { _ = src.Close() }()
	buf := make([]byte, 32<<10)
	for {
		n, err := src.Read(buf)
		p.await()
		if n > 0 {
			if _, err := dst.Write(buf[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// toClient passes whole frames: type, channel, length, payload, end.
func (p *proxy) toClient(dst *client, src io.ReadCloser) {
	defer func() { _ = dst.Close() }()
	defer func() { _ = src.Close() }()
	for {
		head := make([]byte, 7)
		if _, err := io.ReadFull(src, head); err != nil {
			return
		}
		frame := append(head, make([]byte, binary.BigEndian.Uint32(head[3:])+1)...)
		if _, err := io.ReadFull(src, frame[7:]); err != nil {
			return
		}
		p.await()
		if bytes.HasPrefix(frame[7:], []byte{0, 60, 0, 80}) { // basic.ack
			p.mu.Lock()
			gate := p.confirms
			p.mu.Unlock()
			if gate != nil {
				<-gate
			}
		}
		if dst.write(frame) != nil {
			return
		}
	}
}

// cut ends all connections and refuses new ones until mend.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.open = false
	for c := range p.conns {
		_ = c.Close()
	}
	clear(p.conns)
	clear(p.clients)
}

func (p *proxy) mend() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.open = true
}

func (p *proxy) freeze() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.frozen = make(chan struct{})
}

func (p *proxy) thaw() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.frozen != nil {
		close(p.frozen)
		p.frozen = nil
	}
}

// holdConfirms makes each confirm wait for a token of the channel.
func (p *proxy) holdConfirms() chan<- struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.confirms = make(chan struct{})
	return p.confirms
}

func (p *proxy) passConfirms() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.confirms != nil {
		close(p.confirms)
		p.confirms = nil
	}
}

// connections is how many were made so far.
func (p *proxy) connections() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.accepted
}

// alarm tells all clients what a broker says that stops or starts reading: connection.blocked, connection.unblocked.
func (p *proxy) alarm(t *testing.T, on bool) {
	t.Helper()
	payload := []byte{0, 10, 0, 61}
	if on {
		payload = append([]byte{0, 10, 0, 60}, "\x0alow memory"...)
	}
	frame := binary.BigEndian.AppendUint32([]byte{1, 0, 0}, uint32(len(payload)))
	frame = append(append(frame, payload...), 0xCE)
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.clients {
		if err := c.write(frame); err != nil {
			t.Error(err)
		}
	}
}
