package hertzfix

import (
	"bytes"
	"errors"
	"io"
	"net"
	"time"

	"github.com/cloudwego/hertz/pkg/network"
)

// The limits of a request's head: its request line and its headers. They are checked before anything is parsed, so a head
// costs its bytes and no more.
const (
	// maxHead is in bytes. A message of 1000 Chinese characters in the query has 9 KB.
	maxHead = 32 << 10
	// maxHeaders is the number of header lines.
	maxHeaders = 100
	// maxParams is the number of parameters in the query; the client sends five at most.
	maxParams = 64
	// maxPath is in bytes, still encoded. Hertz cleans a path in quadratic time (func normalizePath in pkg/protocol/uri.go).
	maxPath = 1 << 10
	// maxBlank is how many bytes of empty lines may precede a request: old clients send one line after a body.
	maxBlank = 4
)

// headConn is a connection as Hertz' HTTP/1.1 server sees it. It waits for the whole head of the next request and passes only
// one within the limits. It drops what Hertz writes before a handler runs: httpServer answers instead.
//
// Upstream: Hertz parses a head again with each packet (func ReadHeaderWithLimit in protocol/http1/req/header.go), limits
// its bytes only (WithMaxHeaderBytes, cloudwego/hertz#1432), ends lines at a bare LF, and has no hook for the answer to a request
// that it cannot parse (func writeErrorResponse in protocol/http1/server.go).
type headConn struct {
	network.Conn
	// complete says that the head of the present request is there and within the limits.
	complete bool
	// handled says that the handlers have the present request: what is written is their answer.
	handled bool
	// dropped says that Hertz has written an answer of its own.
	dropped bool
	// refusal is why the present request goes no further.
	refusal *Refusal
	// began tells the connection that there are bytes of a head, which may have come with the previous request.
	began func()
	// method and path of the present request as they came, as far as they came.
	method, path []byte
}

// SetReadTimeout marks the beginning of the next request: Hertz calls it between two requests and nowhere else. It sets no
// deadline, Conn does.
func (h *headConn) SetReadTimeout(time.Duration) error {
	if h.handled {
		h.complete, h.handled = false, false
	}
	return nil
}

// Peek is how Hertz reads a head. At io.EOF it returns without an answer or a line in the log.
func (h *headConn) Peek(n int) ([]byte, error) {
	if !h.complete && !h.waitForHead() {
		return nil, io.EOF
	}
	return h.Conn.Peek(n)
}

// waitForHead reports whether there is a head that may be parsed. If not, either refusal says why, or the client has left.
func (h *headConn) waitForHead() bool {
	if h.refusal != nil {
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
		h.refusal = s.scan(b)
		if h.refusal == nil && !s.ended && isTimeout(err) {
			h.refusal = TooSlow()
		}
		if h.refusal != nil || s.ended {
			h.method, h.path = methodAndPath(b, h.method, h.path)
			h.complete = h.refusal == nil
			return h.complete
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

// WriteBinary drops an answer that Hertz writes by itself, but for "100 Continue".
func (h *headConn) WriteBinary(b []byte) (int, error) {
	if h.handled || bytes.HasPrefix(b, []byte("HTTP/1.1 100 ")) {
		return h.Conn.WriteBinary(b)
	}
	h.dropped = true
	return len(b), nil
}

// Malloc is Hertz' other way to write.
func (h *headConn) Malloc(n int) ([]byte, error) {
	if h.handled {
		return h.Conn.Malloc(n)
	}
	h.dropped = true
	return make([]byte, n), nil
}

// ReadFrom makes sendfile possible.
func (h *headConn) ReadFrom(r io.Reader) (int64, error) {
	if w, ok := h.Conn.(io.ReaderFrom); ok {
		return w.ReadFrom(r)
	}
	return io.Copy(struct{ io.Writer }{h.Conn}, r)
}

// headScan checks a head while it grows.
type headScan struct {
	line  int // where the present line begins
	seen  int // bytes that have been searched for its end
	lines int // that have ended
	ended bool
}

// scan continues with b, all bytes that there are now, and returns why the head is refused, nil if it is not.
func (s *headScan) scan(b []byte) *Refusal {
	if c := b[0]; c < 'A' || c > 'Z' { // TLS, for example, in which no line ends
		return unreadable()
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
			return unreadable() // a proxy in front may not take this for the end of a line
		}
		s.line, s.seen = end+1, end+1
		if s.lines == 0 {
			if why := checkRequestLine(line); why != nil {
				return why
			}
		} else if len(line) == 0 {
			s.ended = true
			return nil
		} else if !isField(line) {
			return unreadable()
		}
		if s.lines++; s.lines > maxHeaders+1 {
			return tooManyHeaders()
		}
	}
}

// checkRequestLine checks the target of the first line.
func checkRequestLine(line []byte) *Refusal {
	_, target, _ := bytes.Cut(line, []byte{' '})
	path, query := target, []byte(nil)
	if i := bytes.IndexByte(target, '?'); i >= 0 {
		path, query = target[:i], target[i+1:]
	}
	if !isTarget(target) {
		return unreadable()
	}
	if len(path) > maxPath+len(" HTTP/1.1") {
		return longPath()
	}
	if bytes.Count(query, []byte{'&'}) >= maxParams {
		return tooManyParams()
	}
	return nil
}

// isTarget reports whether t begins like a request target and the rest of the line. Hertz logs what it cannot parse.
func isTarget(t []byte) bool {
	return bytes.HasPrefix(t, []byte("/")) || bytes.HasPrefix(t, []byte("* ")) ||
		bytes.HasPrefix(t, []byte("http://")) || bytes.HasPrefix(t, []byte("https://"))
}

// methodAndPath copies method and path of the request line into the given buffers, empty where they are missing. The path
// begins with a slash.
func methodAndPath(b, method, path []byte) (m, p []byte) {
	m, p = method[:0], path[:0]
	const longest = len("OPTIONS")
	n := bytes.IndexByte(b[:min(len(b), longest+1)], ' ')
	if n < 0 {
		return m, p
	}
	m = append(m, b[:n]...)
	b = b[n+1:]
	if i := bytes.Index(b[:min(len(b), maxPath)], []byte("://")); i > 0 && b[0] != '/' { // the path follows the host
		b = b[i+len("://"):]
		b = b[max(0, bytes.IndexByte(b[:min(len(b), maxPath)], '/')):]
	}
	if len(b) == 0 || b[0] != '/' {
		return m, p
	}
	b = b[:min(len(b), maxPath)] // a longer one is still routed, and refused there
	if n = bytes.IndexAny(b, "?# \r\n"); n >= 0 {
		b = b[:n]
	}
	return m, append(p, b...)
}
