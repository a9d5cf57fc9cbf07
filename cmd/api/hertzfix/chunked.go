package hertzfix

import (
	"errors"
	"io"
	"strings"
)

const (
	// maxChunkLine bounds a chunk's size with its extensions, and a line of the trailer.
	maxChunkLine = 512
	// maxChunkExtra bounds all extensions and trailers of a body.
	maxChunkExtra = 8 << 10
	// maxChunkDigits keeps a size in an int64.
	maxChunkDigits = 15
)

// errChunk is a body whose chunks violate RFC 9112. Where it ends cannot be known.
var errChunk = errors.New("malformed chunked body")

// bufferedConn is a connection as it is read through Hertz' buffer.
type bufferedConn interface {
	io.Reader
	io.ByteReader
	// Release frees buffers that have been read.
	Release() error
}

// chunked decodes a chunked body (RFC 9112, 7.1) and reads no byte after it. It is stricter than the standard, because a proxy
// in front may take each liberty in another way: lines end in CR LF, nothing stands around a size, extensions and trailers
// are short. It skips both. Read must not be called after an error.
//
// Upstream: Hertz' decoder refuses extensions (cloudwego/hertz#334), allows spaces after a size (func ParseChunkSize in
// common/utils/chunk.go) and reads trailers of any size (func ReadTrailer in protocol/http1/ext).
type chunked struct {
	r     bufferedConn
	left  int64 // of the current chunk
	begun bool  // there was a chunk
	extra int   // bytes of extensions and trailers
	line  [maxChunkLine]byte
}

// Read returns io.EOF after the trailer, io.ErrUnexpectedEOF when the connection ends before, errChunk, or what the
// connection returns.
func (c *chunked) Read(p []byte) (int, error) {
	n, end, err := c.read(p)
	_ = c.r.Release() // never fails
	switch {
	case end:
		return n, io.EOF
	case errors.Is(err, io.EOF):
		return n, io.ErrUnexpectedEOF
	}
	return n, err
}

// read is Read with the end of the body apart from that of the connection.
func (c *chunked) read(p []byte) (n int, end bool, err error) {
	if c.left == 0 {
		if c.left, err = c.next(); err != nil {
			return 0, false, err
		}
		if c.left == 0 {
			err = c.trailer()
			return 0, err == nil, err
		}
	}
	if int64(len(p)) > c.left {
		p = p[:c.left]
	}
	n, err = c.r.Read(p)
	c.left -= int64(n)
	return n, false, err
}

// next reads the size of the next chunk, 0 for the end.
func (c *chunked) next() (int64, error) {
	if c.begun {
		end, err := c.readLine()
		if err != nil {
			return 0, err
		}
		if len(end) > 0 {
			return 0, errChunk
		}
	}
	c.begun = true
	line, err := c.readLine()
	if err != nil {
		return 0, err
	}
	var size int64
	digits := 0
	for ; digits < len(line); digits++ {
		d := strings.IndexByte("0123456789abcdef", line[digits]|0x20)
		if d < 0 || line[digits] < '0' {
			break
		}
		size = size<<4 | int64(d)
	}
	extension := line[digits:]
	if digits == 0 || digits > maxChunkDigits || len(extension) > 0 && extension[0] != ';' {
		return 0, errChunk
	}
	return size, c.spend(len(extension))
}

// trailer skips the fields after the last chunk.
func (c *chunked) trailer() error {
	for {
		line, err := c.readLine()
		if err != nil || len(line) == 0 {
			return err
		}
		if !isField(line) {
			return errChunk
		}
		if err := c.spend(len(line)); err != nil {
			return err
		}
	}
}

func (c *chunked) spend(n int) error {
	if c.extra += n; c.extra > maxChunkExtra {
		return errChunk
	}
	return nil
}

// readLine reads up to CR LF, which it takes off. What it returns is good until the next call.
func (c *chunked) readLine() ([]byte, error) {
	for n := 0; n < len(c.line); n++ {
		b, err := c.r.ReadByte()
		if err != nil {
			return nil, err
		}
		if b == '\n' {
			if n == 0 || c.line[n-1] != '\r' {
				return nil, errChunk
			}
			return c.line[:n-1], nil
		}
		if n > 0 && c.line[n-1] == '\r' || b < ' ' && b != '\t' && b != '\r' || b == 0x7f {
			return nil, errChunk
		}
		c.line[n] = b
	}
	return nil, errChunk
}

// isField reports whether a line of a head or a trailer begins with a field's name and a colon (RFC 9112, 5). A line that begins
// with a space continues the line before it, which readers take in different ways.
func isField(line []byte) bool {
	for i, b := range line {
		if b == ':' {
			return i > 0
		}
		if !isToken(b) {
			return false
		}
	}
	return false
}

// isToken reports whether b may stand in a field's name (RFC 9110, 5.6.2).
func isToken(b byte) bool {
	const low = (1<<10-1)<<'0' | 1<<'!' | 1<<'#' | 1<<'$' | 1<<'%' | 1<<'&' | 1<<'\'' | 1<<'*' | 1<<'+' | 1<<'-' | 1<<'.'
	const high = (1<<26-1)<<('A'-64) | (1<<26-1)<<('a'-64) | 1<<('^'-64) | 1<<('_'-64) | 1<<('`'-64) | 1<<('|'-64) | 1<<('~'-64)
	if b < 64 {
		return uint64(low)>>b&1 == 1
	}
	return b < 128 && uint64(high)>>(b-64)&1 == 1
}
