package gateway

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cloudwego/hertz/pkg/app"
)

const (
	// idleTimeout is how long a connection may wait for its next request.
	idleTimeout = 2 * time.Minute
	// headTimeout bounds the arrival of a request's head, from its first byte.
	headTimeout = 20 * time.Second
	// stallTimeout ends a transfer in which nothing moves, in either direction.
	stallTimeout = 30 * time.Second
	// lingerTime is how long a connection that is closed after an answer still takes what the client sends.
	lingerTime = time.Second
	// writeChunk is how much is sent under one deadline.
	writeChunk = 1 << 20
)

// Where a connection is between two requests.
const (
	waiting   = iota // for a request, or reading its head
	answering        // a handler works on it, and may read the body
	answered         // the handler has returned, the response is being written
)

// listener hands out connections that it can find again when the server stops.
type listener struct {
	net.Listener
	mu    sync.Mutex
	conns map[*conn]struct{}
}

func newListener(ln net.Listener) *listener {
	return &listener{Listener: ln, conns: map[*conn]struct{}{}}
}

func (l *listener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		tcp, ok := c.(*net.TCPConn)
		if !ok {
			_ = c.Close() // cannot happen: the listener is one of TCP
			continue
		}
		tracked := &conn{TCPConn: tcp, owner: l}
		l.mu.Lock()
		l.conns[tracked] = struct{}{}
		l.mu.Unlock()
		return tracked, nil
	}
}

// closeIdle ends the connections on which no request is under way. Hertz waits for all of them when it stops.
func (l *listener) closeIdle() {
	for _, c := range l.all() {
		if c.state.Load() == waiting {
			_ = c.TCPConn.SetReadDeadline(time.Now()) // its reader closes it
		}
	}
}

// closeAll ends the rest.
func (l *listener) closeAll() {
	for _, c := range l.all() {
		_ = c.kill()
	}
}

func (l *listener) all() []*conn {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := make([]*conn, 0, len(l.conns))
	for c := range l.conns {
		out = append(out, c)
	}
	return out
}

// conn is a connection with deadlines that fit what it does: Hertz's are one for a whole request, which is too short for
// a long upload and too long for a client that says nothing.
type conn struct {
	*net.TCPConn
	owner *listener
	state atomic.Int32
	// head is when the first byte of the request came that is being waited for. Only Read uses it, in one goroutine.
	head time.Time
}

func (c *conn) Read(p []byte) (int, error) {
	now := time.Now()
	if c.state.CompareAndSwap(answered, waiting) {
		c.head = time.Time{}
	}
	deadline := now.Add(stallTimeout)
	if c.state.Load() == waiting {
		deadline = now.Add(idleTimeout)
		if !c.head.IsZero() {
			deadline = c.head.Add(headTimeout)
		}
	} else {
		c.head = time.Time{}
	}
	if err := c.TCPConn.SetReadDeadline(deadline); err != nil {
		return 0, err
	}
	n, err := c.TCPConn.Read(p)
	if n > 0 && c.head.IsZero() && c.state.Load() == waiting {
		c.head = now
	}
	if n > 0 {
		c.allowWrite()
	}
	return n, err
}

// allowWrite starts the time anew in which something must be written. Write does so too, but an answer of several
// buffers does not come that way: net.Buffers writes them to the TCPConn in one call.
func (c *conn) allowWrite() {
	_ = c.SetWriteDeadline(time.Now().Add(stallTimeout)) // of a closed connection; the write will tell
}

func (c *conn) Write(p []byte) (int, error) {
	if err := c.SetWriteDeadline(time.Now().Add(stallTimeout)); err != nil {
		return 0, err
	}
	return c.TCPConn.Write(p)
}

// ReadFrom sends a file in pieces, so that a slow client gets it all while one that has stopped reading does not hold
// the connection for ever. The pieces go by sendfile where the body is a file.
func (c *conn) ReadFrom(r io.Reader) (sent int64, err error) {
	left := int64(-1)
	if lr, ok := r.(*io.LimitedReader); ok {
		r, left = lr.R, lr.N // sendfile looks through one LimitedReader only
	}
	for left != 0 {
		piece := &io.LimitedReader{R: r, N: writeChunk}
		if left > 0 {
			piece.N = min(left, writeChunk)
		}
		want := piece.N
		if err := c.SetWriteDeadline(time.Now().Add(stallTimeout)); err != nil {
			return sent, err
		}
		n, err := c.TCPConn.ReadFrom(piece)
		sent += n
		if err != nil || n < want {
			return sent, err
		}
		if left > 0 {
			left -= n
		}
	}
	return sent, nil
}

// SetReadDeadline does nothing: Read sets its own.
func (c *conn) SetReadDeadline(time.Time) error { return nil }

// Close ends the connection. After an answer it waits a moment for what the client still sends: closing over unread
// bytes is a reset, which would take the answer from a client that has not read it yet.
func (c *conn) Close() error {
	c.owner.mu.Lock()
	delete(c.owner.conns, c)
	c.owner.mu.Unlock()
	if c.state.Load() == answered && c.CloseWrite() == nil && c.TCPConn.SetReadDeadline(time.Now().Add(lingerTime)) == nil {
		_, _ = io.Copy(io.Discard, c.TCPConn) // until the client closes, or the time is over
	}
	return c.kill()
}

// kill ends the connection at once.
func (c *conn) kill() error {
	err := c.TCPConn.Close()
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// connKey finds a request's connection in its context.
type connKey struct{}

// remember puts a connection into the context of its requests.
func remember(c net.Conn) context.Context {
	return context.WithValue(context.Background(), connKey{}, c)
}

// track notes when a handler works on a connection.
func track(ctx context.Context, c *app.RequestContext) {
	conn, ok := ctx.Value(connKey{}).(*conn)
	if !ok {
		c.Next(ctx)
		return
	}
	conn.state.Store(answering)
	c.Next(ctx)
	conn.state.Store(answered)
	conn.allowWrite()
}
