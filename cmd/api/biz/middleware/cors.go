package middleware

import (
	"context"
	"slices"

	"github.com/cloudwego/hertz/pkg/app"

	"tiktok/cmd/api/biz/call"
)

// CORS lets pages of the given origins read answers, "*" those of any. Browsers send no cookies with such requests: a token is a parameter
// or in the header Authorization.
func CORS(origins []string) app.HandlerFunc {
	anyone := slices.Contains(origins, "*")
	return func(ctx context.Context, c *app.RequestContext) {
		origin := string(c.GetHeader("Origin"))
		if origin == "" || !anyone && !slices.Contains(origins, origin) {
			c.Next(ctx)
			return
		}
		if anyone {
			origin = "*"
		} else {
			c.Header("Vary", "Origin")
		}
		c.Header("Access-Control-Allow-Origin", origin)
		c.Header("Access-Control-Expose-Headers", "X-Request-Id, X-Trace-Id, Retry-After, Content-Length, Content-Range, Accept-Ranges, ETag")
		if string(c.Method()) == "OPTIONS" && len(c.GetHeader("Access-Control-Request-Method")) > 0 {
			methods := "GET, HEAD, POST, OPTIONS"
			if call.Of(c).Surface == call.V1 {
				methods = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"
			}
			c.Header("Access-Control-Allow-Methods", methods)
			c.Header("Access-Control-Allow-Headers",
				"Authorization, Content-Type, Idempotency-Key, Range, If-None-Match, If-Range, X-Request-Id, traceparent")
			c.Header("Access-Control-Max-Age", "86400")
			c.AbortWithStatus(204)
			return
		}
		c.Next(ctx)
	}
}
