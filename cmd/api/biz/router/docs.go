package router

import (
	"context"
	"net/http"

	"github.com/cloudwego/hertz/pkg/app"

	"tiktok/cmd/api/biz/middleware"
	"tiktok/cmd/api/openapi"
)

// docs puts the API's document and its page on the engine. both adds a route for GET and HEAD.
func (d Deps) docs(both func(path string, h ...app.HandlerFunc)) {
	for _, f := range d.Docs {
		var chain []app.HandlerFunc
		if f.Page {
			chain = append(chain, middleware.Page(openapi.Policy))
		}
		both(f.Path, append(chain, func(ctx context.Context, c *app.RequestContext) {
			if err := f.Serve(c); err != nil {
				d.Sampled.ErrorContext(ctx, "document of the API", "path", f.Path, "err", err)
				c.String(http.StatusInternalServerError, "internal error")
			}
		})...)
	}
}
