package middleware

import (
	"context"
	"strconv"

	"github.com/cloudwego/hertz/pkg/app"

	"tiktok/cmd/api/biz/call"
	"tiktok/pkg/errno"
	"tiktok/pkg/logx"
	"tiktok/pkg/tracing"
)

const (
	traceHeader    = "X-Trace-Id"
	traceparent    = "traceparent" // W3C's
	maxTraceparent = 128
)

// Trace gives the request a trace id, which is in the response's header, and records a sample of the requests. It goes after
// RequestContext.
func Trace(traces *tracing.Traces) app.HandlerFunc {
	return func(ctx context.Context, c *app.RequestContext) {
		parent := c.GetHeader(traceparent)
		if len(parent) > maxTraceparent {
			parent = nil
		}
		name := route(c)
		ctx, span := traces.Request(ctx, string(parent), internal(name), name)
		c.Header(traceHeader, tracing.ID(ctx))
		if !span.On() {
			c.Next(ctx)
			return
		}
		defer span.End()
		span.Text("http.request.method", method(c))
		span.Text("http.route", name)
		span.Text("tiktok.request_id", logx.RequestID(ctx))
		c.Next(ctx)
		span.Int("http.response.status_code", c.Response.StatusCode())
		if code := call.Of(c).Code; code != 0 {
			span.Int("tiktok.code", int(code))
			if code == errno.Internal.Code || code == errno.Unavailable.Code || code == errno.OutcomeUnknown.Code {
				span.Fail(strconv.Itoa(int(code)))
			}
		}
		if status := c.Response.StatusCode(); status >= 500 {
			span.Fail(strconv.Itoa(status))
		}
	}
}

// internal reports whether the route is for machines that poll it every few seconds, or goes on for hours.
func internal(route string) bool {
	return route == "/healthz" || route == "/readyz" || route == "/metrics" || route == call.V1Path+"/events"
}
