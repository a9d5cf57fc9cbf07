package middleware

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"github.com/cloudwego/hertz/pkg/app"

	"tiktok/cmd/api/biz/call"
	"tiktok/cmd/api/biz/pack"
	"tiktok/pkg/errno"
	"tiktok/pkg/logx"
)

// drainTime bounds how long the rest of a refused body is waited for.
const drainTime = time.Minute

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
// before it has sent everything. More than limit bytes are not waited for; the connection is closed instead.
func Drain(limit int64) app.HandlerFunc {
	return func(ctx context.Context, c *app.RequestContext) {
		c.Next(ctx)
		body := &call.Of(c).Body
		end, buf := time.Now().Add(drainTime), []byte(nil)
		for read := int64(0); body.Size <= limit && read < limit && !body.Ended() && time.Now().Before(end); {
			if buf == nil {
				buf = make([]byte, 16<<10)
			}
			n, err := body.Read(buf)
			read += int64(n)
			if err != nil {
				break
			}
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

// Body reads the parameters of the body, at most limit bytes.
func Body(p *pack.Packer, limit int64) app.HandlerFunc {
	return func(ctx context.Context, c *app.RequestContext) {
		in := call.Of(c)
		if in.Body.Size == 0 {
			return
		}
		if in.Body.Size > limit {
			p.Error(c, errno.InvalidArgument.With("the request is too large"))
			return
		}
		if err := in.Params.ReadBody(&in.Body, string(c.ContentType()), limit); err != nil {
			p.Error(c, err)
		}
	}
}

// Timeout bounds the work for a request.
func Timeout(d time.Duration) app.HandlerFunc {
	return func(ctx context.Context, c *app.RequestContext) {
		ctx, cancel := context.WithTimeout(ctx, d)
		defer cancel()
		c.Next(ctx)
	}
}
