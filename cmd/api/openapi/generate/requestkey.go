package main

import (
	"github.com/cloudwego/thriftgo/parser"

	"tiktok/pkg/idempotency"
)

// takesKey reports whether an operation takes the header Idempotency-Key.
func takesKey(call *parser.Function) bool { return annotation(call.Annotations, "api.key") != "" }

// requestKey is that header.
func requestKey() object {
	return object{
		{"name", "Idempotency-Key"},
		{"in", "header"},
		{"description", "A name that the client makes for this request. Sent again with it within 24 hours, the request is answered as the " +
			"first time, and nothing is done twice. The same key with another request is an error."},
		{"required", false},
		{"schema", object{
			{"type", "string"}, {"minLength", idempotency.MinLength}, {"maxLength", idempotency.MaxLength}, {"pattern", "^[!-~]+$"},
		}},
		{"example", "5b1f0c7e-9f5b-4a57-8d1e-2f1f0c7ad001"},
	}
}
