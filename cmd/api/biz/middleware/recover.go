package middleware

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"mime"
	"net/http"
	"runtime/debug"
	"slices"
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

// hasRoute reports whether the request is for an operation of an API, which answers a refused request itself, after its limits.
func hasRoute(c *app.RequestContext) bool {
	return strings.HasPrefix(c.FullPath(), call.DouyinPath+"/") || strings.HasPrefix(c.FullPath(), call.V1Path+"/")
}

// Recover gives a request the answer of its API even after a panic, or when it is refused before it reaches a route.
func Recover(p *pack.Packer, log *slog.Logger) app.HandlerFunc {
	return func(ctx context.Context, c *app.RequestContext) {
		in := call.Of(c)
		defer func() {
			v := recover()
			if v == nil {
				return
			}
			log.ErrorContext(ctx, "panic", "route", route(c), "value", logx.Cut(fmt.Sprint(v), maxErr), "stack", string(debug.Stack()))
			if in.Surface != call.NoAPI {
				p.Error(c, errno.Internal)
				return
			}
			c.Response.ResetBody()
			c.String(http.StatusInternalServerError, "internal error")
			c.Abort()
		}()
		if why := in.Refused; why != nil && !hasRoute(c) {
			if in.Surface != call.NoAPI {
				p.Error(c, why)
				return
			}
			c.String(why.Status, why.Err.Msg) // AbortWithMsg would remove the headers
			c.Abort()
			return
		}
		if hertzfix.BadRequest(c) && in.Surface != call.NoAPI {
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
			p.Error(c, why)
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
			p.Error(c, params.TooLarge())
			return
		}
		held, err := in.Params.ReadBody(in.Body, string(c.ContentType()), limit, budget)
		defer budget.Release(held)
		if err != nil {
			p.Error(c, retrySoon(c, err))
			return
		}
		c.Next(ctx)
	}
}

// retrySoon sets Retry-After for a body for which there is no memory now.
func retrySoon(c *app.RequestContext, err error) error {
	if errors.Is(err, errno.TooManyRequests) {
		RetryAfter(c, time.Second)
	}
	return err
}

// JSONBody reads the body, which has to be JSON in UTF-8 of at most limit bytes. What it holds of budget is released when the request is
// answered.
func JSONBody(p *pack.Packer, limit int64, budget *params.Budget) app.HandlerFunc {
	return func(ctx context.Context, c *app.RequestContext) {
		in := call.Of(c)
		if err := wantType(c, "application/json"); err != nil {
			p.Error(c, err)
			return
		}
		if in.Body.Size > limit {
			p.Error(c, errno.BodyTooLarge)
			return
		}
		body, held, err := params.ReadAll(in.Body, limit, budget)
		defer budget.Release(held)
		if err != nil {
			p.Error(c, retrySoon(c, err))
			return
		}
		in.JSON = body
		c.Next(ctx)
	}
}

// BodyType refuses a body of another type than the given ones.
func BodyType(p *pack.Packer, types ...string) app.HandlerFunc {
	return func(_ context.Context, c *app.RequestContext) {
		if err := wantType(c, types...); err != nil {
			p.Error(c, err)
		}
	}
}

// wantType fails for a body of another type, in another charset than UTF-8, or compressed.
func wantType(c *app.RequestContext, types ...string) error {
	kind, attrs, err := mime.ParseMediaType(string(c.ContentType()))
	coding := string(c.GetHeader("Content-Encoding"))
	charset, ok := attrs["charset"]
	if err == nil && slices.Contains(types, kind) && (!ok || strings.EqualFold(charset, "utf-8")) && (coding == "" || coding == "identity") {
		return nil
	}
	return errno.UnsupportedMediaType.With("the body has to be of type " + strings.Join(types, ", "))
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
