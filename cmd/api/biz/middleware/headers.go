package middleware

import (
	"github.com/cloudwego/hertz/pkg/protocol"
)

// contentPolicy lets a page of this address load nothing, but show what is here: a browser shows a picture or a video that
// is opened alone in a page of its own making, under this policy.
const contentPolicy = "default-src 'none'; img-src 'self'; media-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// secure adds what every answer has for browsers. Nothing of it may be set again: a header that is added is not looked for.
func secure(h *protocol.ResponseHeader) {
	h.AddArgBytes([]byte("X-Content-Type-Options"), []byte("nosniff"), protocol.ArgsHasValue)
	h.AddArgBytes([]byte("Content-Security-Policy"), []byte(contentPolicy), protocol.ArgsHasValue)
	h.AddArgBytes([]byte("Referrer-Policy"), []byte("no-referrer"), protocol.ArgsHasValue)
}
