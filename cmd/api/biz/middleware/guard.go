package middleware

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"runtime/debug"
	"strings"
	"time"

	"github.com/cloudwego/hertz/pkg/app"
	"github.com/prometheus/client_golang/prometheus"

	"tiktok/cmd/api/biz/call"
	"tiktok/cmd/api/biz/pack"
	"tiktok/cmd/api/biz/params"
	"tiktok/pkg/errno"
	"tiktok/pkg/logx"
)

// isAPI reports whether the client expects the envelope, even of a path that Hertz could not read.
func isAPI(c *app.RequestContext) bool {
	path := string(c.Path())
	if path == "" || path == "/" {
		path = "/" + string(bytes.TrimLeft(c.Request.RequestURI(), "/"))
	}
	return path == "/douyin" || strings.HasPrefix(path, "/douyin/") || strings.HasPrefix(path, "/douyin?")
}

// Guard keeps the promise that every request under /douyin is answered with HTTP 200 and the envelope: after a panic,
// and when a request is refused before it reaches a route.
func Guard(p *pack.Packer, log *slog.Logger) app.HandlerFunc {
	return func(ctx context.Context, c *app.RequestContext) {
		defer func() {
			v := recover()
			if v == nil {
				return
			}
			log.ErrorContext(ctx, "panic", "route", Route(c), "value", logx.Cut(fmt.Sprint(v), maxErr), "stack", string(debug.Stack()))
			if isAPI(c) {
				p.Error(c, errno.Internal)
				return
			}
			c.Response.ResetBody()
			c.String(http.StatusInternalServerError, "internal error")
			c.Abort()
		}()
		if why := call.Of(c).Refused; why != nil && !strings.HasPrefix(c.FullPath(), "/douyin/") { // else its route answers
			if isAPI(c) {
				p.Error(c, why.Err)
				return
			}
			c.String(why.Status, why.Err.Msg) // not AbortWithMsg, which takes the headers back
			c.Abort()
			return
		}
		if c.Response.StatusCode() == 400 || string(c.Path()) == "/" { // "/" also stands for what Hertz could not parse
			if isAPI(c) {
				p.Error(c, errno.InvalidArgument)
				return
			}
		}
		c.Next(ctx)
	}
}

// Drain reads what a handler has left of the request's body before the answer is sent: the mobile client reads no answer
// before it has sent everything. More than limit bytes, and what comes more slowly than an upload may, are not waited for;
// the connection is closed instead. So it is after a body that is broken: where the next request begins is not known then.
func Drain(limit int64, reg prometheus.Registerer) app.HandlerFunc {
	slow := prometheus.NewCounter(prometheus.CounterOpts{
		Name: "tiktok_http_bodies_slow_total", Help: "Bodies of requests that came too slowly and were given up.",
	})
	reg.MustRegister(slow)
	return func(ctx context.Context, c *app.RequestContext) {
		c.Next(ctx)
		body := &call.Of(c).Body
		body.Discard(limit)
		if errors.Is(body.Err(), os.ErrDeadlineExceeded) {
			slow.Inc()
		}
		if !body.Ended() {
			_ = c.Request.CloseBodyStream() // Hertz must not look for the next request in it
			c.SetConnectionClose()
		}
	}
}

// WithFail sets what the route answers on an error.
func WithFail(fail func(*errno.Error) any) app.HandlerFunc {
	return func(ctx context.Context, c *app.RequestContext) {
		call.Of(c).Fail = fail
		c.Next(ctx)
	}
}

// Refused answers a request that must not be served.
func Refused(p *pack.Packer) app.HandlerFunc {
	return func(_ context.Context, c *app.RequestContext) {
		if why := call.Of(c).Refused; why != nil {
			p.Error(c, why.Err)
		}
	}
}

// Body reads the parameters of the body, at most limit bytes. The budget bounds those of all requests together; what a
// body holds of it is given back when the request is answered.
func Body(p *pack.Packer, limit int64, budget *params.Budget) app.HandlerFunc {
	return func(ctx context.Context, c *app.RequestContext) {
		in := call.Of(c)
		if in.Body.Size == 0 {
			return
		}
		if in.Body.Size > limit {
			p.Error(c, errno.InvalidArgument.With("the request is too large"))
			return
		}
		held, err := in.Params.ReadBody(&in.Body, string(c.ContentType()), limit, budget)
		defer budget.Give(held)
		if err != nil {
			if errors.Is(err, errno.TooManyRequests) {
				c.Header("Retry-After", "1")
			}
			p.Error(c, err)
			return
		}
		c.Next(ctx)
	}
}

// SlowBody lets the body of the request come for as long as d, because it is large.
func SlowBody(d time.Duration) app.HandlerFunc {
	return func(_ context.Context, c *app.RequestContext) { call.Of(c).Body.Slow(d) }
}

// Timeout bounds the work for a request.
func Timeout(d time.Duration) app.HandlerFunc {
	return func(ctx context.Context, c *app.RequestContext) {
		ctx, cancel := context.WithTimeout(ctx, d)
		defer cancel()
		c.Next(ctx)
	}
}
