// Package call is the context of one request, from the middleware to the handlers.
package call

import (
	"context"
	"net/netip"

	"github.com/cloudwego/hertz/pkg/app"

	"tiktok/cmd/api/biz/params"
	"tiktok/cmd/api/hertzfix"
	"tiktok/pkg/errno"
)

// key is where a request keeps its Call.
const key = "call"

// Call is one request. It belongs to the goroutine that serves the request.
type Call struct {
	// Request is Hertz' context of it.
	Request *app.RequestContext
	// Surface is the API that it is for.
	Surface Surface
	// ID is in its log lines and in its answer.
	ID string
	// Body is the request's body.
	Body *hertzfix.Body
	// Params are its parameters, without those of the body if the handler reads the body.
	Params *params.Values
	// JSON is the body of a request of /api/v1 that has one, not decoded.
	JSON []byte
	// Viewer is the user who sends it, 0 for a visitor.
	Viewer int64
	// Session is the viewer's session, 0 for a token of before sessions.
	Session int64
	// Addr is the client's address; behind trusted proxies the one that they report.
	Addr netip.Addr
	// Peer is the address at the other end of the connection: that of the client, or of the last proxy.
	Peer netip.Addr
	// Base starts every URL in the answer; no slash at its end.
	Base string
	// FromHost says that Base is what the request's Host header says.
	FromHost bool
	// Refused is why the request must not be handled, nil for one that may.
	Refused *hertzfix.Refusal
	// Fail makes the route's answer to an error, with all its keys. Nil outside /douyin.
	Fail func(*errno.Error) any
	// Code is the code of package errno that was answered, 0 for a success.
	Code int32
	// Size is the length of the answer's JSON, before it is compressed.
	Size int
	// Err is why Code is not 0, with all that it wraps. It is for the log only.
	Err error
	// Streams says that the answer goes on for as long as client and gateway like.
	Streams bool
	// Meter is told when such an answer begins. It may be nil.
	Meter Meter
}

// Meter counts requests.
type Meter interface {
	// Began counts a request whose answer begins now and goes on.
	Began(c *app.RequestContext)
}

// Stream is an answer of a Handler that goes on.
type Stream interface {
	// Serve writes the answer until one of the two sides ends it. ctx has no deadline.
	Serve(ctx context.Context, in *Call)
}

// Handler answers one request: with a response of package api or v1, a Stream, or an error.
type Handler func(ctx context.Context, in *Call) (any, error)

// New gives a request its Call. Nothing is parsed yet.
func New(c *app.RequestContext) *Call {
	in := &Call{
		Request: c, Surface: surfaceOf(c), Params: params.FromQuery(c), Body: hertzfix.BodyOf(c), Refused: hertzfix.RefusalOf(c),
	}
	c.Set(key, in)
	return in
}

// Of is the Call of a request.
func Of(c *app.RequestContext) *Call {
	v, _ := c.Get(key)
	in, ok := v.(*Call)
	if !ok {
		return New(c)
	}
	return in
}

// forwarded reports whether the request says that it comes through a proxy. Anybody may say so.
func (c *Call) forwarded() bool {
	h := &c.Request.Request.Header
	for _, key := range []string{"X-Forwarded-For", "Forwarded", "X-Real-Ip", "Via", "X-Forwarded-Host", "X-Forwarded-Proto"} {
		if len(h.Peek(key)) > 0 {
			return true
		}
	}
	return false
}

// Local reports whether the request was sent from this machine. A forwarded request is not local, even if a trusted proxy says
// so: a proxy on this machine forwards requests of strangers.
func (c *Call) Local() bool { return c.Peer.IsLoopback() && !c.forwarded() }

// Nearby reports whether the client is on this machine or on a private network with it. A request through a proxy that is not
// trusted is not from nearby.
func (c *Call) Nearby() bool {
	private := func(a netip.Addr) bool { return a.IsLoopback() || a.IsPrivate() || a.IsLinkLocalUnicast() }
	return private(c.Addr) && (c.Addr != c.Peer || !c.forwarded())
}
