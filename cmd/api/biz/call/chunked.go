package call

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

// errChunk is a body whose chunks are not as RFC 9112 has them. Where it ends cannot be known.
var errChunk = errors.New("malformed chunked body")

// wire is a connection as it is read through Hertz's buffer.
type wire interface {
	io.Reader
	io.ByteReader
	// Release gives buffers back that have been read.
	Release() error
}

// chunked decodes a body sent in chunks (RFC 9112, 7.1), and takes no byte that follows it. It is stricter than Hertz's own
// and than the standard, because each liberty is one that a proxy in front may take otherwise: lines end in CR LF, nothing
// stands around a size, extensions and trailers are short. Both are skipped. Read must not be called after an error.
type chunked struct {
	r     wire
	left  int64 // of the chunk under way
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
		if !IsField(line) {
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
