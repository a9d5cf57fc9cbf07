// Package call carries what the gateway knows about one request from its middleware to its handlers.
package call

import (
	"context"
	"net/netip"

	"github.com/cloudwego/hertz/pkg/app"

	"tiktok/cmd/api/biz/params"
	"tiktok/pkg/errno"
)

// key is where a request keeps its Call.
const key = "call"

// Call is one request. It belongs to the goroutine that serves the request.
type Call struct {
	// Request is Hertz's side of it.
	Request *app.RequestContext
	// Body is the request's body. Use it instead of Hertz's stream, which reads beyond the body's end when the next
	// request follows at once.
	Body Body
	// Params are the parameters; without those of the body on a route that reads the body itself.
	Params *params.Values
	// Viewer is the user who asks, 0 for a visitor.
	Viewer int64
	// Addr is the client's address, behind trusted proxies the one that they saw.
	Addr netip.Addr
	// Peer is who is at the other end of the connection: the client, or the last proxy.
	Peer netip.Addr
	// Base starts every URL in the answer; no slash at its end.
	Base string
	// FromHost says that Base is what the request's Host header says.
	FromHost bool
	// Refused is why the request must not be served, nil for one that may.
	Refused *Refusal
	// Fail makes the route's answer for an error, with all its keys. Nil outside /douyin.
	Fail func(*errno.Error) any
	// Code is the status_code that was answered.
	Code int32
	// Size is the length of the answer's JSON, before it is compressed.
	Size int
	// Err is why Code is not 0, with all that was wrapped into it. It is for the log only.
	Err error
}

// Handler answers one request: with a response of package api, or an error.
type Handler func(ctx context.Context, in *Call) (any, error)

// Begin gives a request its Call. Nothing is parsed yet.
func Begin(c *app.RequestContext) *Call {
	in := &Call{Request: c, Params: params.FromQuery(c), Body: newBody(c)}
	in.Refused = refusalOf(c, &in.Body)
	c.Set(key, in)
	return in
}

// Of is the Call that Begin made for the request.
func Of(c *app.RequestContext) *Call {
	v, _ := c.Get(key)
	in, ok := v.(*Call)
	if !ok {
		return Begin(c)
	}
	return in
}
