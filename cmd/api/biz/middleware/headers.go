package middleware

import (
	"github.com/cloudwego/hertz/pkg/protocol"
)

// contentPolicy allows a page only media of this address: a browser shows a picture or a video that is opened alone in a page of its
// own, under this policy.
const contentPolicy = "default-src 'none'; img-src 'self'; media-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// secure adds the headers for browsers that every answer has. They must not be set again: they are added without a check.
func secure(h *protocol.ResponseHeader) {
	h.AddArgBytes([]byte("X-Content-Type-Options"), []byte("nosniff"), protocol.ArgsHasValue)
	h.AddArgBytes([]byte("Content-Security-Policy"), []byte(contentPolicy), protocol.ArgsHasValue)
	h.AddArgBytes([]byte("Referrer-Policy"), []byte("no-referrer"), protocol.ArgsHasValue)
}
