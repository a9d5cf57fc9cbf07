// Package hertzfix works around what Hertz v0.10.6 does not do for a server that faces strangers. The comment "Upstream" of
// each work-around names the code or the issue that makes it necessary, in the module github.com/cloudwego/hertz: when that
// changes, the work-around can go.
//
//	server.go   answers to requests that cannot be parsed; stopping with idle connections; NewServer, which puts all together
//	conn.go     a deadline for each state of a connection, slow readers, lingering close, whether the client has gone
//	unsent_*.go a bound of what the kernel queues for a slow reader
//	head.go     limits of a request's head, before it is parsed
//	body.go     a body that ends where it ends, with a minimum rate; reading what a handler leaves of it
//	chunked.go  a strict decoder of chunked bodies
//	content.go  ServeContent: conditions and ranges for any io.ReadSeeker
//	refusal.go  why a request is answered without its handler
//
// Failed Accepts are in package accept, which Kitex needs too.
package hertzfix
