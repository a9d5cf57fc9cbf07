package middleware

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"github.com/cloudwego/hertz/pkg/app"
	"github.com/prometheus/client_golang/prometheus"

	"tiktok/cmd/api/biz/call"
	"tiktok/cmd/api/biz/pack"
	"tiktok/cmd/api/biz/params"
	"tiktok/cmd/api/hertzfix"
	"tiktok/pkg/errno"
	"tiktok/pkg/logx"
)

// isAPI reports whether the client expects the envelope, also for a path that Hertz could not parse.
func isAPI(c *app.RequestContext) bool {
	path := string(c.Path())
	if path == "" || path == "/" {
		path = "/" + string(bytes.TrimLeft(c.Request.RequestURI(), "/"))
	}
	return path == "/douyin" || strings.HasPrefix(path, "/douyin/") || strings.HasPrefix(path, "/douyin?")
}

// Recover answers a request under /douyin with HTTP 200 and the envelope even after a panic, or when it is refused before it
// reaches a route.
func Recover(p *pack.Packer, log *slog.Logger) app.HandlerFunc {
	return func(ctx context.Context, c *app.RequestContext) {
		defer func() {
			v := recover()
			if v == nil {
				return
			}
			log.ErrorContext(ctx, "panic", "route", route(c), "value", logx.Cut(fmt.Sprint(v), maxErr), "stack", string(debug.Stack()))
			if isAPI(c) {
				p.Error(c, errno.Internal)
				return
			}
			c.Response.ResetBody()
			c.String(http.StatusInternalServerError, "internal error")
			c.Abort()
		}()
		if why := call.Of(c).Refused; why != nil && !strings.HasPrefix(c.FullPath(), "/douyin/") { // a route answers it itself
			if isAPI(c) {
				p.Error(c, why.Err)
				return
			}
			c.String(why.Status, why.Err.Msg) // AbortWithMsg would remove the headers
			c.Abort()
			return
		}
		if hertzfix.BadRequest(c) && isAPI(c) {
			p.Error(c, errno.InvalidArgument)
			return
		}
		c.Next(ctx)
	}
}

// DrainBody is hertzfix.DrainBody with a metric of the bodies that came too slowly.
func DrainBody(limit int64, reg prometheus.Registerer) app.HandlerFunc {
	slow := prometheus.NewCounter(prometheus.CounterOpts{
		Name: "tiktok_http_bodies_slow_total", Help: "Bodies of requests that came too slowly and were given up.",
	})
	reg.MustRegister(slow)
	return hertzfix.DrainBody(limit, slow.Inc)
}

// WithFail sets what the route answers on an error.
func WithFail(fail func(*errno.Error) any) app.HandlerFunc {
	return func(ctx context.Context, c *app.RequestContext) {
		call.Of(c).Fail = fail
		c.Next(ctx)
	}
}

// Refused answers a request that must not be handled.
func Refused(p *pack.Packer) app.HandlerFunc {
	return func(_ context.Context, c *app.RequestContext) {
		if why := call.Of(c).Refused; why != nil {
			p.Error(c, why.Err)
		}
	}
}

// Body reads the parameters of the body, at most limit bytes. budget bounds the memory for the bodies of all requests; what
// a body holds of it is released when the request is answered.
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
		held, err := in.Params.ReadBody(in.Body, string(c.ContentType()), limit, budget)
		defer budget.Release(held)
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

// SlowBody allows the body of the request to take d, because it is large.
func SlowBody(d time.Duration) app.HandlerFunc {
	return func(_ context.Context, c *app.RequestContext) { call.Of(c).Body.AllowSlow(d) }
}

// Timeout bounds the work for a request.
func Timeout(d time.Duration) app.HandlerFunc {
	return func(ctx context.Context, c *app.RequestContext) {
		ctx, cancel := context.WithTimeout(ctx, d)
		defer cancel()
		c.Next(ctx)
	}
}
