package hertzfix

import (
	"context"
	"errors"
	"io"
	"os"
	"time"

	"github.com/cloudwego/hertz/pkg/app"
)

const (
	// unknownSize is the size of a chunked body.
	unknownSize = -1
	// bodyTimeout bounds the arrival of a body, from the end of the request's head.
	bodyTimeout = 20 * time.Second
	// discardTimeout bounds the arrival of what no handler reads of a body.
	discardTimeout = time.Minute
	// minRate is how many bytes a second of a slow body must come at least.
	minRate = 8 << 10
	// maxCredit is how far a slow body may fall behind that.
	maxCredit = 30 * time.Second
	// discardBuffer is small: a client chooses how long it is held.
	discardBuffer = 4 << 10
)

// errVersion is a chunked body in HTTP/1.0, which has none: a proxy in front may not see where it ends.
var errVersion = errors.New("chunked body in HTTP/1.0")

// Body is a request's body as it comes from the connection. Its first error is final: nothing is read after it. It belongs
// to the goroutine that serves the request.
//
// Upstream: Hertz' stream reads beyond the end of a body, into the next request (func Read in protocol/http1/ext/stream.go
// computes the rest in m and then calls conn.Read(p[n:])).
type Body struct {
	// Size is the announced number of bytes, negative when it is not announced, 0 without a body.
	Size int64
	r    io.Reader
	left int64 // of an announced Size
	err  error // the first, io.EOF at the end
	pace pace
	// conn takes the deadline of reads. Nil has none.
	conn interface{ SetReadDeadline(time.Time) error }
}

// bodyKey is where a request keeps its Body.
const bodyKey = "hertzfix.body"

// BodyOf is the body of a request. Use it instead of Hertz' own.
func BodyOf(c *app.RequestContext) *Body {
	v, _ := c.Get(bodyKey)
	b, ok := v.(*Body)
	if !ok {
		b = newBody(c)
		c.Set(bodyKey, b)
	}
	return b
}

func newBody(c *app.RequestContext) *Body {
	if !c.Request.IsBodyStream() {
		return &Body{}
	}
	b := &Body{Size: int64(c.Request.Header.ContentLength()), r: c.RequestBodyStream()}
	if conn := c.GetConn(); conn != nil {
		b.conn = conn
	}
	if b.Size < 0 {
		b.Size = unknownSize
		if conn := c.GetConn(); conn != nil {
			_ = c.Request.CloseBodyStream() // which Hertz would read to its end after the answer
			b.r = &chunked{r: conn}
		}
	}
	if b.Size == unknownSize && !c.Request.Header.IsHTTP11() {
		b.err = errVersion
	}
	b.left = b.Size
	b.pace.start(time.Now(), bodyTimeout, 0)
	return b
}

// AllowSlow lets the body take longer than others, as an upload does: at most d from now, while 8 KiB a second come.
func (b *Body) AllowSlow(d time.Duration) { b.pace.start(time.Now(), d, minRate) }

// Read returns io.EOF at the end of the body, io.ErrUnexpectedEOF when the connection ended before, and an error that is
// os.ErrDeadlineExceeded when the body comes too slowly. After an error it returns the same one.
func (b *Body) Read(p []byte) (int, error) {
	if b.Ended() {
		return 0, io.EOF
	}
	if b.err != nil {
		return 0, b.err
	}
	if b.Size != unknownSize && int64(len(p)) > b.left {
		p = p[:b.left] // Hertz would read on, into the next request
	}
	n, err := b.readWithDeadline(p)
	if b.Size != unknownSize {
		b.left -= int64(n)
		if errors.Is(err, io.EOF) && b.left > 0 {
			err = io.ErrUnexpectedEOF
		}
	}
	b.err = err
	return n, err
}

func (b *Body) readWithDeadline(p []byte) (int, error) {
	begin := time.Now()
	end := b.pace.deadline(begin)
	if !begin.Before(end) {
		return 0, os.ErrDeadlineExceeded
	}
	if b.conn != nil {
		if err := b.conn.SetReadDeadline(end); err != nil {
			return 0, err
		}
	}
	n, err := b.r.Read(p)
	b.pace.received(n, time.Since(begin))
	return n, err
}

// discard reads what is left, at most limit bytes and for discardTimeout.
func (b *Body) discard(limit int64) {
	if b.Ended() || b.err != nil || b.Size > limit {
		return
	}
	b.AllowSlow(discardTimeout)
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

// DrainBody is a middleware that reads what a handler has left of the request's body before the answer is sent: the mobile
// client reads no answer before it has sent everything. It reads at most limit bytes, and not more slowly than an upload
// may be sent: then it closes the connection. It does so too after a body that is malformed, because where the next request
// begins is not known then. tooSlow is called for each body that came too slowly.
//
// Upstream: Hertz reads the rest after the answer, of any size and for any time (func skipRest in protocol/http1/ext/stream.go).
func DrainBody(limit int64, tooSlow func()) app.HandlerFunc {
	return func(ctx context.Context, c *app.RequestContext) {
		c.Next(ctx)
		body := BodyOf(c)
		body.discard(limit)
		if errors.Is(body.Err(), os.ErrDeadlineExceeded) {
			tooSlow()
		}
		if !body.Ended() {
			_ = c.Request.CloseBodyStream() // Hertz must not look for the next request in it
			c.SetConnectionClose()
		}
	}
}

// pace is how long a body may take: until last, and with a rate only as long as its bytes are worth. Only the time of
// waiting for bytes counts against the rate, not the time in which they are stored.
type pace struct {
	last time.Time
	rate int64 // bytes a second, 0 for none
	// credit is how long the next bytes may be waited for, at most maxCredit.
	credit time.Duration
}

func (p *pace) start(now time.Time, total time.Duration, rate int64) {
	*p = pace{last: now.Add(total), rate: rate, credit: maxCredit}
}

// received counts bytes and how long they were waited for.
func (p *pace) received(n int, waited time.Duration) {
	if p.rate > 0 {
		p.credit = min(p.credit-waited+time.Duration(n)*time.Second/time.Duration(p.rate), maxCredit)
	}
}

// deadline is when the next bytes have to be there.
func (p *pace) deadline(now time.Time) time.Time {
	if end := now.Add(p.credit); p.rate > 0 && end.Before(p.last) {
		return end
	}
	return p.last
}
