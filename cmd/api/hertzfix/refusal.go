package hertzfix

import (
	"github.com/cloudwego/hertz/pkg/app"

	"tiktok/pkg/errno"
)

// Refusal is the error of a request that is not acceptable as HTTP: its head, its method or its body. It wraps Err, to which it adds a
// status.
type Refusal struct {
	// Kind names it in logs and metrics: a constant.
	Kind string
	// Status is the HTTP status outside of /douyin.
	Status int
	// Err is the answer below /douyin, and the text of all others.
	Err *errno.Error
}

// Error names what is wrong, for logs.
func (r *Refusal) Error() string { return r.Kind + ": " + r.Err.Error() }

// Unwrap is the business error.
func (r *Refusal) Unwrap() error { return r.Err }

func malformed(text string) *Refusal {
	return &Refusal{Kind: "malformed", Status: 400, Err: errno.InvalidArgument.With(text)}
}

func unreadable() *Refusal { return malformed("the request is not readable") }

func tooLarge() *Refusal {
	const text = "the request's address and headers are larger than 32 KiB"
	return &Refusal{Kind: "head_bytes", Status: 431, Err: errno.InvalidArgument.With(text)}
}

func tooManyHeaders() *Refusal {
	return &Refusal{Kind: "headers", Status: 431, Err: errno.InvalidArgument.With("the request has more than 100 headers")}
}

func tooManyParams() *Refusal {
	return &Refusal{Kind: "parameters", Status: 400, Err: errno.InvalidArgument.With("the request has more than 64 parameters")}
}

func longPath() *Refusal {
	return &Refusal{Kind: "path", Status: 414, Err: errno.InvalidArgument.With("the request's path is too long")}
}

// TooSlow is for a head or a body that does not come in time.
func TooSlow() *Refusal {
	return &Refusal{Kind: "late", Status: 408, Err: errno.InvalidArgument.With("the request came too slowly")}
}

// refusalKey is where a request keeps its Refusal.
const refusalKey = "hertzfix.refusal"

func refuse(c *app.RequestContext, why *Refusal) { c.Set(refusalKey, why) }

// RefusalOf is why a request must not be handled, nil for one that may.
func RefusalOf(c *app.RequestContext) *Refusal {
	v, _ := c.Get(refusalKey)
	if why, ok := v.(*Refusal); ok {
		return why
	}
	if BodyOf(c).Err() != nil {
		return unreadable()
	}
	return nil
}

// BadRequest reports whether Hertz will answer a request with its own 400, for want of a Host header for example.
//
// Upstream: func ServeHTTP in pkg/route/engine.go sets the status and then runs the handlers of NoRoute; "/" also stands for a path
// that it could not parse.
func BadRequest(c *app.RequestContext) bool {
	return c.Response.StatusCode() == 400 || string(c.Path()) == "/"
}
