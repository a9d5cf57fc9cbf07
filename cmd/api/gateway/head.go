package gateway

import (
	"bytes"
	"errors"
	"io"
	"net"
	"time"

	"github.com/cloudwego/hertz/pkg/network"

	"tiktok/cmd/api/biz/call"
	"tiktok/pkg/errno"
)

// The bounds of a request's head: its first line and its headers. They are looked at before anything is parsed, so a head
// costs its bytes and no more.
const (
	// maxHead is in bytes. A message of 1000 Chinese characters in the query has 9 KB.
	maxHead = 32 << 10
	// maxHeaders is the number of lines after the first.
	maxHeaders = 100
	// maxParams is the number of parameters in the query; the client sends five at most.
	maxParams = 64
	// maxPath is in bytes, still encoded. Cleaning a path takes Hertz the square of it.
	maxPath = 1 << 10
	// maxBlank is how many bytes of empty lines may stand before a request: old clients send one line after a body.
	maxBlank = 4
)

func malformed() *call.Refusal {
	return &call.Refusal{Kind: "malformed", Status: 400, Err: errno.InvalidArgument.With("the request is not readable")}
}

func tooLarge() *call.Refusal {
	return &call.Refusal{Kind: "head_bytes", Status: 431, Err: errno.InvalidArgument.With("the request's address and headers are larger than 32 KiB")}
}

func tooManyHeaders() *call.Refusal {
	return &call.Refusal{Kind: "headers", Status: 431, Err: errno.InvalidArgument.With("the request has more than 100 headers")}
}

func tooManyParams() *call.Refusal {
	return &call.Refusal{Kind: "parameters", Status: 400, Err: errno.InvalidArgument.With("the request has more than 64 parameters")}
}

func longPath() *call.Refusal {
	return &call.Refusal{Kind: "path", Status: 414, Err: errno.InvalidArgument.With("the request's path is too long")}
}

func late() *call.Refusal {
	return &call.Refusal{Kind: "late", Status: 408, Err: errno.InvalidArgument.With("the request came too slowly")}
}

// headConn is a connection as Hertz's HTTP/1.1 server sees it. It waits for the whole head of the next request and lets only
// one through that keeps the bounds. What Hertz itself would answer to a request that it cannot read is dropped: answers
// come from server.
type headConn struct {
	network.Conn
	// whole says that the head of the present request is there and keeps the bounds.
	whole bool
	// handled says that the handlers have the present request: what is written is their answer.
	handled bool
	// dropped says that Hertz wanted to answer by itself.
	dropped bool
	// refused is why the present request goes no further.
	refused *call.Refusal
	// began tells the connection that there are bytes of a head, which may have come with the request before.
	began func()
	// method and path are those of the present request as they came, as far as they came.
	method, path []byte
}

// SetReadTimeout does nothing: conn has its own deadlines. Hertz calls it between two requests and nowhere else.
func (h *headConn) SetReadTimeout(time.Duration) error {
	if h.handled {
		h.whole, h.handled = false, false
	}
	return nil
}

// Peek is how Hertz reads a head. io.EOF makes it leave without a word.
func (h *headConn) Peek(n int) ([]byte, error) {
	if !h.whole && !h.wait() {
		return nil, io.EOF
	}
	return h.Conn.Peek(n)
}

// wait reports whether there is a head that may be parsed. If not, either refused says why, or the client has left.
func (h *headConn) wait() bool {
	if h.refused != nil {
		return false
	}
	var s headScan
	b, err := h.buffered(0)
	for blank := 0; len(b) > 0 && (b[0] == '\r' || b[0] == '\n') && blank < maxBlank; blank++ {
		if err = h.Skip(1); err == nil {
			b, err = h.buffered(0)
		}
	}
	for {
		if len(b) == 0 {
			return false
		}
		h.began()
		h.refused = s.scan(b)
		if h.refused == nil && !s.ended && isTimeout(err) {
			h.refused = late()
		}
		if h.refused != nil || s.ended {
			h.method, h.path = splitLine(b, h.method, h.path)
			h.whole = h.refused == nil
			return h.whole
		}
		if err != nil {
			return false
		}
		b, err = h.buffered(len(b))
	}
}

// buffered waits until there are more than n bytes and returns all of them, without taking them. With an error it is
// what there is.
func (h *headConn) buffered(n int) ([]byte, error) {
	b, err := h.Conn.Peek(n + 1)
	if err != nil {
		return b, err
	}
	return h.Conn.Peek(h.Len())
}

func isTimeout(err error) bool {
	var e net.Error
	return errors.As(err, &e) && e.Timeout()
}

// WriteBinary drops an answer of Hertz's own. "Continue" is none.
func (h *headConn) WriteBinary(b []byte) (int, error) {
	if h.handled || bytes.HasPrefix(b, []byte("HTTP/1.1 100 ")) {
		return h.Conn.WriteBinary(b)
	}
	h.dropped = true
	return len(b), nil
}

// Malloc is the other way to write.
func (h *headConn) Malloc(n int) ([]byte, error) {
	if h.handled {
		return h.Conn.Malloc(n)
	}
	h.dropped = true
	return make([]byte, n), nil
}

// ReadFrom keeps the way open to sendfile.
func (h *headConn) ReadFrom(r io.Reader) (int64, error) {
	if w, ok := h.Conn.(io.ReaderFrom); ok {
		return w.ReadFrom(r)
	}
	return io.Copy(struct{ io.Writer }{h.Conn}, r)
}

// headScan looks at a head as it grows.
type headScan struct {
	line  int // where the present line begins
	seen  int // what has been searched for its end
	lines int // that have ended
	ended bool
}

// scan goes on with all bytes that there are now, and returns why the head is refused, nil as long as it is not.
func (s *headScan) scan(b []byte) *call.Refusal {
	if c := b[0]; c < 'A' || c > 'Z' { // somebody who speaks TLS, for example, and will never end the line
		return malformed()
	}
	for {
		n := bytes.IndexByte(b[s.seen:], '\n')
		if n < 0 {
			if s.seen = len(b); s.seen >= maxHead {
				return tooLarge()
			}
			return nil
		}
		end := s.seen + n
		if end >= maxHead {
			return tooLarge()
		}
		line, ok := bytes.CutSuffix(b[s.line:end], []byte{'\r'})
		if !ok {
			return malformed() // a proxy in front may not take this for the end of a line
		}
		s.line, s.seen = end+1, end+1
		if s.lines == 0 {
			if why := checkLine(line); why != nil {
				return why
			}
		} else if len(line) == 0 {
			s.ended = true
			return nil
		} else if !call.IsField(line) {
			return malformed()
		}
		if s.lines++; s.lines > maxHeaders+1 {
			return tooManyHeaders()
		}
	}
}

// checkLine looks at the first line.
func checkLine(line []byte) *call.Refusal {
	_, target, _ := bytes.Cut(line, []byte{' '})
	path, query := target, []byte(nil)
	if i := bytes.IndexByte(target, '?'); i >= 0 {
		path, query = target[:i], target[i+1:]
	}
	if !isTarget(target) {
		return malformed()
	}
	if len(path) > maxPath+len(" HTTP/1.1") {
		return longPath()
	}
	if bytes.Count(query, []byte{'&'}) >= maxParams {
		return tooManyParams()
	}
	return nil
}

// isTarget reports whether a request may be for this. Hertz prints what it can not make sense of.
func isTarget(t []byte) bool {
	return bytes.HasPrefix(t, []byte("/")) || bytes.HasPrefix(t, []byte("* ")) ||
		bytes.HasPrefix(t, []byte("http://")) || bytes.HasPrefix(t, []byte("https://"))
}

// splitLine copies method and path of the first line into the given buffers, empty where they are not there. The path begins
// with a slash.
func splitLine(b, method, path []byte) (m, p []byte) {
	m, p = method[:0], path[:0]
	const longest = len("OPTIONS")
	n := bytes.IndexByte(b[:min(len(b), longest+1)], ' ')
	if n < 0 {
		return m, p
	}
	m = append(m, b[:n]...)
	b = b[n+1:]
	if i := bytes.Index(b[:min(len(b), maxPath)], []byte("://")); i > 0 && b[0] != '/' { // the host stands before the path
		b = b[i+len("://"):]
		b = b[max(0, bytes.IndexByte(b[:min(len(b), maxPath)], '/')):]
	}
	if len(b) == 0 || b[0] != '/' {
		return m, p
	}
	b = b[:min(len(b), maxPath)] // what is too long leads to a route all the same, which refuses it
	if n = bytes.IndexAny(b, "?# \r\n"); n >= 0 {
		b = b[:n]
	}
	return m, append(p, b...)
}
