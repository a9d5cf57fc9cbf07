package call

import (
	"errors"
	"io"

	"github.com/cloudwego/hertz/pkg/app"
)

// unknown is the size of a chunked body.
const unknown = -1

// Body is a request's body as it comes from the connection.
type Body struct {
	// Size is the announced number of bytes, negative when it is not announced, 0 without a body.
	Size int64
	r    io.Reader
	left int64 // of an announced Size
	done bool  // an unannounced one has ended
}

func newBody(c *app.RequestContext) Body {
	if !c.Request.IsBodyStream() {
		return Body{}
	}
	b := Body{Size: int64(c.Request.Header.ContentLength()), r: c.RequestBodyStream()}
	if b.Size < 0 {
		b.Size = unknown
	}
	b.left = b.Size
	return b
}

// Read returns io.EOF at the end of the body, and io.ErrUnexpectedEOF when the connection ended before.
func (b *Body) Read(p []byte) (int, error) {
	if b.Ended() {
		return 0, io.EOF
	}
	if b.Size == unknown {
		n, err := b.r.Read(p)
		b.done = errors.Is(err, io.EOF)
		return n, err
	}
	if int64(len(p)) > b.left {
		p = p[:b.left]
	}
	n, err := b.r.Read(p)
	b.left -= int64(n)
	if errors.Is(err, io.EOF) && b.left > 0 {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// Ended reports whether all of the body has been read.
func (b *Body) Ended() bool { return b.Size == 0 || b.Size > 0 && b.left == 0 || b.done }
