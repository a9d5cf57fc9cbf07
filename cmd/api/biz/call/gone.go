package call

import (
	"context"
	"syscall"

	"tiktok/pkg/peek"
)

// connKey finds a request's connection in its context.
type connKey struct{}

// WithConn puts a client's connection into the context of its requests.
func WithConn(ctx context.Context, c syscall.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, c)
}

// Gone reports whether the client of a request whose body has been read has closed its connection, or at least the half
// on which it sends. Without a way to know it is false. It reads nothing and does not wait.
func Gone(ctx context.Context) bool {
	c, ok := ctx.Value(connKey{}).(syscall.Conn)
	return ok && peek.Look(c) == peek.End
}
