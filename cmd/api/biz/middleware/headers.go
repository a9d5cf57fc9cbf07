package middleware

import (
	"context"

	"github.com/cloudwego/hertz/pkg/app"
	"github.com/cloudwego/hertz/pkg/protocol"
)

const policyHeader, referrerHeader = "Content-Security-Policy", "Referrer-Policy"

// contentPolicy allows a page only media of this address: a browser shows a picture or a video that is opened alone in a page of its
// own, under this policy.
const contentPolicy = "default-src 'none'; img-src 'self'; media-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// secure adds the headers for browsers that every answer has. They must not be added again: they are added without a check. Page
// replaces them.
func secure(h *protocol.ResponseHeader) {
	h.AddArgBytes([]byte("X-Content-Type-Options"), []byte("nosniff"), protocol.ArgsHasValue)
	h.AddArgBytes([]byte(policyHeader), []byte(contentPolicy), protocol.ArgsHasValue)
	h.AddArgBytes([]byte(referrerHeader), []byte("no-referrer"), protocol.ArgsHasValue)
}

// Page is for routes that answer with a page that runs scripts: policy is their Content-Security-Policy in place of that of all other
// answers. Requests of such a page name their origin to this address only: with no-referrer, some would say that it is "null".
func Page(policy string) app.HandlerFunc {
	return func(ctx context.Context, c *app.RequestContext) {
		c.Response.Header.Set(policyHeader, policy)
		c.Response.Header.Set(referrerHeader, "same-origin")
		c.Next(ctx)
	}
}
