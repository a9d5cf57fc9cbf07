package gateway

import (
	"context"
	"errors"
	"io"
	"math"
	"net"
	"net/netip"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/cloudwego/hertz/pkg/app"

	"tiktok/cmd/api/biz/call"
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
	// writePiece is how much of a body is sent under one deadline, and half of unsentBytes what a client must take of a body
	// within stallTimeout: about 1 KiB a second.
	writePiece = 32 << 10
	// unsentBytes bounds what the kernel holds of a body and has not sent yet.
	unsentBytes = 64 << 10
)

// Where a connection is between two requests.
const (
	idle      = iota // waiting for a request's first byte
	reading          // its head, and up to 8 KiB of the body that Hertz reads with it
	answering        // a handler works on it, and may read the body
	answered         // the handler has returned, the response is being written
	evicted          // it made room for another while it was idle
)

// conn is a connection with deadlines that fit what it does: Hertz's are one for a whole request, which is too short for
// a long upload and too long for a client that says nothing.
type conn struct {
	*net.TCPConn
	owner *listener
	// net is what it counts for.
	net   netip.Prefix
	state atomic.Int32
	// idleSince is when it began to wait for its next request, in nanoseconds since 1970.
	idleSince atomic.Int64

	// What follows belongs to the goroutine that serves the connection.

	// head is when the first byte of the request came that is being read.
	head time.Time
	// bodyEnd is until when its body may be read; zero says nothing.
	bodyEnd time.Time
}

func (c *conn) Read(p []byte) (int, error) {
	now := time.Now()
	if c.state.CompareAndSwap(answered, idle) {
		c.idleSince.Store(now.UnixNano())
	}
	state := c.state.Load()
	deadline := now.Add(c.owner.stall)
	switch {
	case state == idle:
		deadline = now.Add(idleTimeout)
	case state == reading:
		deadline = c.head.Add(headTimeout)
	case !c.bodyEnd.IsZero() && c.bodyEnd.Before(deadline):
		deadline = c.bodyEnd
	}
	if err := c.TCPConn.SetReadDeadline(deadline); err != nil {
		return 0, err
	}
	n, err := c.TCPConn.Read(p)
	if n > 0 && state == idle {
		if !c.state.CompareAndSwap(idle, reading) {
			return 0, net.ErrClosed // evicted
		}
		c.head = time.Now()
	}
	if n > 0 {
		c.allowWrite()
	}
	return n, err
}

// headBegan says that there are bytes of the next request. They may have come with the one before, without a Read.
func (c *conn) headBegan() {
	if c.state.CompareAndSwap(answered, reading) {
		c.head = time.Now()
	}
}

// SetReadDeadline bounds the reads of the body that a handler works on. At other times Read sets its own deadlines, and
// what Hertz says about them does nothing.
func (c *conn) SetReadDeadline(t time.Time) error {
	c.bodyEnd = t
	return nil
}

// allowWrite starts the time anew in which something must be written. Write does so too, but an answer of several
// buffers does not come that way: net.Buffers writes them to the TCPConn in one call.
func (c *conn) allowWrite() {
	_ = c.SetWriteDeadline(time.Now().Add(c.owner.stall)) // of a closed connection; the write will tell
}

func (c *conn) Write(p []byte) (int, error) {
	if err := c.SetWriteDeadline(time.Now().Add(c.owner.stall)); err != nil {
		return 0, err
	}
	return c.TCPConn.Write(p)
}

// ReadFrom sends the body of an answer in pieces, each with its own deadline, so that a slow client gets it all while one that
// has stopped reading does not hold the connection for ever. A file goes by sendfile.
func (c *conn) ReadFrom(r io.Reader) (sent int64, err error) {
	left := int64(math.MaxInt64)
	if lr, ok := r.(*io.LimitedReader); ok {
		r, left = lr.R, lr.N // sendfile looks through one LimitedReader only
	}
	// A full socket is writable again only when a third of it has gone: of the megabytes that the kernel gives it, a slow client
	// takes that in minutes. So that each piece shows whether the client still reads, little waits there.
	c.limitUnsent(unsentBytes)
	defer c.limitUnsent(0) // other answers are written in one go and may wait there
	if _, ok := r.(*os.File); !ok {
		return io.CopyBuffer(onlyWriter{c}, io.LimitReader(r, left), make([]byte, writePiece))
	}
	for left > 0 {
		piece := &io.LimitedReader{R: r, N: min(left, writePiece)}
		want := piece.N
		if err := c.SetWriteDeadline(time.Now().Add(c.owner.stall)); err != nil {
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

// Close ends the connection. After an answer, also one of Hertz to a head that it cannot read, it waits a moment for what the
// client still sends: closing over unread bytes is a reset, which would take the answer from a client that has not read it
// yet.
func (c *conn) Close() error {
	c.owner.mu.Lock()
	c.owner.forget(c)
	c.owner.mu.Unlock()
	state := c.state.Load()
	if (state == answered || state == reading) && c.CloseWrite() == nil && c.TCPConn.SetReadDeadline(time.Now().Add(lingerTime)) == nil {
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
	ctx := context.WithValue(context.Background(), connKey{}, c)
	if raw, ok := c.(syscall.Conn); ok {
		ctx = call.WithConn(ctx, raw)
	}
	return ctx
}

// track notes when a handler works on a connection.
func track(ctx context.Context, c *app.RequestContext) {
	conn, ok := ctx.Value(connKey{}).(*conn)
	if !ok {
		c.Next(ctx)
		return
	}
	conn.bodyEnd = time.Time{}
	conn.state.Store(answering)
	c.Next(ctx)
	conn.state.Store(answered)
	conn.allowWrite()
}
