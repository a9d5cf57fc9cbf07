package hertzfix

import (
	"context"
	"errors"
	"time"

	"github.com/cloudwego/hertz/pkg/app"
	"github.com/cloudwego/hertz/pkg/network"
	"github.com/cloudwego/hertz/pkg/protocol/http1/resp"
)

// streamBuffer is what the kernel holds of a stream for a client that does not read, in bytes.
const streamBuffer = 32 << 10

// errStreamEnded is for writes after an error.
var errStreamEnded = errors.New("the stream has ended")

// Stream makes the answer one that is written piece by piece, each within stall: a client that takes nothing for that long loses the
// connection, which is closed after the stream in any case. The head goes with the first piece. A client that vanishes without a word
// is noticed when it has not confirmed a piece for unconfirmed. Package sse writes to a stream when it was made before.
//
// Upstream: a hijacked writer has no deadline, and is chunked in HTTP/1.0 too (protocol/http1/resp/writer.go).
func Stream(ctx context.Context, c *app.RequestContext, stall, unconfirmed time.Duration) {
	s := &streamWriter{c: c}
	if conn, ok := ctx.Value(connKey{}).(*Conn); ok {
		conn.stall = stall
		_ = conn.SetWriteBuffer(streamBuffer) // fails on a closed connection; so will the first write
		conn.limitUnconfirmed(unconfirmed)
		s.conn = conn
	}
	if c.Request.Header.IsHTTP11() {
		s.ExtWriter = resp.NewChunkedBodyWriter(&c.Response, c.GetWriter())
	} else {
		s.ExtWriter = &untilClose{c: c, w: c.GetWriter()}
	}
	c.SetConnectionClose()
	c.Response.HijackWriter(s)
}

// streamWriter bounds each write.
type streamWriter struct {
	network.ExtWriter
	c    *app.RequestContext
	conn *Conn
	err  error
}

// Write implements network.ExtWriter.
func (s *streamWriter) Write(p []byte) (int, error) {
	if s.err != nil {
		return 0, errStreamEnded
	}
	n, err := s.ExtWriter.Write(p)
	s.err = err
	return n, err
}

// Flush implements network.ExtWriter.
func (s *streamWriter) Flush() error {
	if s.err != nil {
		return errStreamEnded
	}
	if s.conn != nil {
		s.conn.extendWriteDeadline()
	}
	s.err = s.ExtWriter.Flush()
	return s.err
}

// Finalize implements network.ExtWriter: it ends the body, unless the client has gone.
func (s *streamWriter) Finalize() error {
	if s.err != nil {
		return errStreamEnded
	}
	return s.ExtWriter.Finalize()
}

// untilClose is a body that ends with the connection, for HTTP/1.0.
type untilClose struct {
	c     *app.RequestContext
	w     network.Writer
	began bool
}

func (u *untilClose) Write(p []byte) (int, error) {
	if !u.began {
		u.began = true
		h := &u.c.Response.Header
		h.SetContentLength(-2)     // not known
		h.Del("Transfer-Encoding") // "identity", which no version of HTTP has any more
		h.SetConnectionClose(true)
		if err := resp.WriteHeader(h, u.w); err != nil {
			return 0, err
		}
	}
	buf, err := u.w.Malloc(len(p))
	return copy(buf, p), err
}

func (u *untilClose) Flush() error { return u.w.Flush() }

func (u *untilClose) Finalize() error {
	if _, err := u.Write(nil); err != nil {
		return err
	}
	return u.Flush()
}
