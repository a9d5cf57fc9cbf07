package hertzfix

import (
	"context"
	"errors"
	"io"
	"math"
	"net"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/cloudwego/hertz/pkg/app"

	"tiktok/pkg/peek"
)

const (
	// idleTimeout is how long a connection may wait for its next request.
	idleTimeout = 2 * time.Minute
	// headTimeout bounds the arrival of a request's head, from its first byte.
	headTimeout = 20 * time.Second
	// stallTimeout ends a transfer in which nothing moves, in either direction.
	stallTimeout = 30 * time.Second
	// lingerTimeout is how long a connection that is closed after an answer still takes what the client sends.
	lingerTimeout = time.Second
	// writePiece is how much of a body is sent under one deadline, and half of maxUnsent what a client must take of a body
	// within stallTimeout: about 1 KiB a second.
	writePiece = 32 << 10
	// maxUnsent bounds what the kernel holds of a body and has not sent yet, in bytes.
	maxUnsent = 64 << 10
)

// The states of a connection.
const (
	idle        = iota // waits for the first byte of a request
	readingHead        // reads a request's head, and up to 8 KiB of the body, which Hertz reads with it
	handling           // a handler runs, and may read the body
	responding         // the handler has returned, the response is being written
	evicted            // was closed to make room for another connection while it was idle
)

// Conn is a client's connection with a deadline for each state: idle, head, body, response.
//
// Upstream: Hertz has one deadline for the head and the body of a request and none for the time between two writes
// (Option.ReadTimeout in protocol/http1/server.go, SetReadTimeout in network/standard/connection.go; cloudwego/hertz#1450),
// too short for a long upload and too long for a client that sends nothing. It has no hook like net/http's ConnState.
type Conn struct {
	*net.TCPConn
	closed func()
	stall  time.Duration // stallTimeout
	state  atomic.Int32
	// idleSince is when the connection became idle, in nanoseconds since 1970.
	idleSince atomic.Int64

	// What follows belongs to the goroutine that serves the connection.

	// headStart is when the first byte of the head came that is being read.
	headStart time.Time
	// bodyDeadline is until when the body may be read; the zero time sets none.
	bodyDeadline time.Time
}

// NewConn wraps an accepted connection. closed is called when the server closes it, once or more.
func NewConn(tcp *net.TCPConn, closed func()) *Conn {
	c := &Conn{TCPConn: tcp, closed: closed, stall: stallTimeout}
	c.idleSince.Store(time.Now().UnixNano())
	return c
}

// IdleSince is when the connection began to wait for a request; ok is false while it has one.
func (c *Conn) IdleSince() (since time.Time, ok bool) {
	return time.Unix(0, c.idleSince.Load()), c.state.Load() == idle
}

// Evict makes an idle connection unusable and returns true. The caller closes it with CloseNow. It does nothing to a connection
// that has a request.
func (c *Conn) Evict() bool { return c.state.CompareAndSwap(idle, evicted) }

// Read sets the deadline of the connection's state.
func (c *Conn) Read(p []byte) (int, error) {
	now := time.Now()
	if c.state.CompareAndSwap(responding, idle) {
		c.idleSince.Store(now.UnixNano())
	}
	state := c.state.Load()
	deadline := now.Add(c.stall)
	switch {
	case state == idle:
		deadline = now.Add(idleTimeout)
	case state == readingHead:
		deadline = c.headStart.Add(headTimeout)
	case state == evicted:
		return 0, net.ErrClosed
	case !c.bodyDeadline.IsZero() && c.bodyDeadline.Before(deadline):
		deadline = c.bodyDeadline
	}
	if err := c.TCPConn.SetReadDeadline(deadline); err != nil {
		return 0, err
	}
	n, err := c.TCPConn.Read(p)
	if n > 0 && state == idle {
		if !c.state.CompareAndSwap(idle, readingHead) {
			return 0, net.ErrClosed // evicted
		}
		c.headStart = time.Now()
	}
	if n > 0 {
		c.extendWriteDeadline()
	}
	return n, err
}

// headBegan tells that there are bytes of the next request. They may have come with the previous one, without a Read.
func (c *Conn) headBegan() {
	if c.state.CompareAndSwap(responding, readingHead) {
		c.headStart = time.Now()
	}
}

// SetReadDeadline bounds reads of the body. In other states Read sets its own deadlines, and Hertz' calls have no effect.
func (c *Conn) SetReadDeadline(t time.Time) error {
	c.bodyDeadline = t
	return nil
}

// extendWriteDeadline allows the next write to take stallTimeout. Write does so too, but net.Buffers writes an answer of
// several buffers to the TCPConn in one call.
func (c *Conn) extendWriteDeadline() {
	_ = c.SetWriteDeadline(time.Now().Add(c.stall)) // fails on a closed connection; so will the write
}

// Write sends p within stallTimeout.
func (c *Conn) Write(p []byte) (int, error) {
	if err := c.SetWriteDeadline(time.Now().Add(c.stall)); err != nil {
		return 0, err
	}
	return c.TCPConn.Write(p)
}

// ReadFrom sends a body in pieces with a deadline each: a slow client gets all of it, and a client that stops reading does
// not hold the connection for ever. A file goes by sendfile.
//
// Upstream: Hertz writes a body in one call, under one deadline (func ReadFrom in network/standard/connection.go).
func (c *Conn) ReadFrom(r io.Reader) (sent int64, err error) {
	left := int64(math.MaxInt64)
	if lr, ok := r.(*io.LimitedReader); ok {
		r, left = lr.R, lr.N // sendfile looks through one LimitedReader only
	}
	// A full socket becomes writable when a third of its buffer is free. The kernel's default is megabytes, which a slow client
	// takes in minutes. A small unsent queue shows with each piece whether the client still reads.
	c.limitUnsent(maxUnsent)
	defer c.limitUnsent(0) // other answers are one write and may be queued whole
	if _, ok := r.(*os.File); !ok {
		return io.CopyBuffer(onlyWriter{c}, io.LimitReader(r, left), make([]byte, writePiece))
	}
	for left > 0 {
		piece := &io.LimitedReader{R: r, N: min(left, writePiece)}
		want := piece.N
		if err := c.SetWriteDeadline(time.Now().Add(c.stall)); err != nil {
			return sent, err
		}
		n, err := c.TCPConn.ReadFrom(piece)
		sent, left = sent+n, left-n
		if err != nil || n < want {
			return sent, err
		}
	}
	return sent, nil
}

// onlyWriter hides ReadFrom.
type onlyWriter struct{ io.Writer }

// Close ends the connection. After an answer, also Hertz' to a head that it cannot parse, it first discards for a moment what
// the client still sends: closing a socket with unread bytes is a reset, which can take the answer from a client that has not
// read it yet.
//
// Upstream: func Close in network/standard/connection.go closes at once; net/http has closeWriteAndWait.
func (c *Conn) Close() error {
	c.closed()
	state := c.state.Load()
	linger := state == responding || state == readingHead
	if linger && c.CloseWrite() == nil && c.TCPConn.SetReadDeadline(time.Now().Add(lingerTimeout)) == nil {
		_, _ = io.Copy(io.Discard, c.TCPConn) // until the client closes, or the deadline
	}
	return c.CloseNow()
}

// CloseNow ends the connection without waiting for the client.
func (c *Conn) CloseNow() error {
	err := c.TCPConn.Close()
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// closeUnlessHandling ends a connection on which no handler runs.
func (c *Conn) closeUnlessHandling() {
	if s := c.state.Load(); s == idle || s == readingHead {
		_ = c.TCPConn.SetReadDeadline(time.Now()) // its reader closes it
	}
}

// connKey finds a request's connection in its context.
type connKey struct{}

// withConn is Hertz' hook for new connections.
func withConn(c net.Conn) context.Context {
	return context.WithValue(context.Background(), connKey{}, c)
}

// trackHandler sets the state of the connection while a handler runs.
func trackHandler(ctx context.Context, c *app.RequestContext) {
	conn, ok := ctx.Value(connKey{}).(*Conn)
	if !ok {
		c.Next(ctx)
		return
	}
	conn.bodyDeadline = time.Time{}
	conn.state.Store(handling)
	c.Next(ctx)
	conn.state.Store(responding)
	conn.extendWriteDeadline()
}

// ClientClosed reports whether the client of a request whose body has been read has closed its connection, or at least the
// half on which it sends. It is false where that cannot be known. It reads nothing and does not wait.
//
// Upstream: WithSenseClientDisconnection (cloudwego/hertz#855, #1054) cancels the context of every request for it, and costs a
// registration with epoll for each connection. Here one handler asks once.
func ClientClosed(ctx context.Context) bool {
	c, ok := ctx.Value(connKey{}).(syscall.Conn)
	return ok && peek.Look(c) == peek.End
}
