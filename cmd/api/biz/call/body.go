package call

import (
	"errors"
	"io"
	"os"
	"time"

	"github.com/cloudwego/hertz/pkg/app"
)

const (
	// unknown is the size of a chunked body.
	unknown = -1
	// bodyTime bounds the arrival of a body, from the end of the request's head.
	bodyTime = 20 * time.Second
	// DiscardTime bounds how long what nobody reads of a body is waited for.
	DiscardTime = time.Minute
	// MinRate is how many bytes a second of a body that may take longer than others must come at least.
	MinRate = 8 << 10
	// Grace is how far such a body may fall behind that.
	Grace = 30 * time.Second
	// discardBuffer is small: a client chooses how long it is held.
	discardBuffer = 4 << 10
)

// errVersion is a chunked body in HTTP/1.0, which has none: a proxy in front may not see where it ends.
var errVersion = errors.New("chunked body in HTTP/1.0")

// Body is a request's body as it comes from the connection. The first error ends it: nothing more is read.
type Body struct {
	// Size is the announced number of bytes, negative when it is not announced, 0 without a body.
	Size int64
	r    io.Reader
	left int64 // of an announced Size
	err  error // the first, io.EOF at the end
	pace pace
	// conn takes the time until which reads may last. Nil has none.
	conn interface{ SetReadDeadline(time.Time) error }
}

func newBody(c *app.RequestContext) Body {
	if !c.Request.IsBodyStream() {
		return Body{}
	}
	b := Body{Size: int64(c.Request.Header.ContentLength()), r: c.RequestBodyStream()}
	if conn := c.GetConn(); conn != nil {
		b.conn = conn
	}
	if b.Size < 0 {
		b.Size = unknown
		if conn := c.GetConn(); conn != nil {
			// Hertz's own decoder skips what it does not understand, and reads trailers of any size.
			_ = c.Request.CloseBodyStream() // which it would read to its end after the answer
			b.r = &chunked{r: conn}
		}
	}
	if b.Size == unknown && !c.Request.Header.IsHTTP11() {
		b.err = errVersion
	}
	b.left = b.Size
	b.pace.start(time.Now(), bodyTime, 0)
	return b
}

// Slow lets the body take longer than others, as an upload does: at most d from now, as long as MinRate bytes a second come.
func (b *Body) Slow(d time.Duration) { b.pace.start(time.Now(), d, MinRate) }

// Read returns io.EOF at the end of the body, io.ErrUnexpectedEOF when the connection ended before, and an error that is
// os.ErrDeadlineExceeded when the body comes too slowly. After an error it returns the same one.
func (b *Body) Read(p []byte) (int, error) {
	if b.Ended() {
		return 0, io.EOF
	}
	if b.err != nil {
		return 0, b.err
	}
	if b.Size != unknown && int64(len(p)) > b.left {
		p = p[:b.left] // Hertz would read on, into the next request
	}
	n, err := b.readInTime(p)
	if b.Size != unknown {
		b.left -= int64(n)
		if errors.Is(err, io.EOF) && b.left > 0 {
			err = io.ErrUnexpectedEOF
		}
	}
	b.err = err
	return n, err
}

func (b *Body) readInTime(p []byte) (int, error) {
	begin := time.Now()
	end := b.pace.end(begin)
	if !begin.Before(end) {
		return 0, os.ErrDeadlineExceeded
	}
	if b.conn != nil {
		if err := b.conn.SetReadDeadline(end); err != nil {
			return 0, err
		}
	}
	n, err := b.r.Read(p)
	b.pace.came(n, time.Since(begin))
	return n, err
}

// Discard reads what is left, at most limit bytes and for DiscardTime.
func (b *Body) Discard(limit int64) {
	if b.Ended() || b.err != nil || b.Size > limit {
		return
	}
	b.Slow(DiscardTime)
	buf := make([]byte, discardBuffer)
	for read := int64(0); read < limit && b.err == nil; {
		n, _ := b.Read(buf)
		read += int64(n)
	}
}

// Ended reports whether all of the body has been read.
func (b *Body) Ended() bool {
	return b.Size == 0 || b.Size > 0 && b.left == 0 || errors.Is(b.err, io.EOF)
}

// Err is why the body cannot be read to its end, nil as long as it can.
func (b *Body) Err() error {
	if b.Ended() {
		return nil
	}
	return b.err
}

// pace is how long a body may take: until last, and with a rate no longer than its bytes are worth. Only waiting for it
// counts against the rate: whoever stores it may be slower.
type pace struct {
	last time.Time
	rate int64 // bytes a second, 0 for none
	// credit is how long may be waited for the next bytes, at most Grace.
	credit time.Duration
}

func (p *pace) start(now time.Time, whole time.Duration, rate int64) {
	*p = pace{last: now.Add(whole), rate: rate, credit: Grace}
}

// came counts bytes and how long they were waited for.
func (p *pace) came(n int, waited time.Duration) {
	if p.rate > 0 {
		p.credit = min(p.credit-waited+time.Duration(n)*time.Second/time.Duration(p.rate), Grace)
	}
}

// end is when the next bytes have to be there.
func (p *pace) end(now time.Time) time.Time {
	if end := now.Add(p.credit); p.rate > 0 && end.Before(p.last) {
		return end
	}
	return p.last
}
