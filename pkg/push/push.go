// Package push carries hints to the processes that hold a user's open streams: at most once, within milliseconds. What a hint tells
// must be found by reading too.
//
// There are two drivers: in the process, and Redis (7.0 or later, or Valkey), with its sharded publish/subscribe. Users are spread over 64
// channels; a process subscribes to those of the users whose streams it holds, and gets each hint once, for all of them.
package push

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"tiktok/pkg/kv"
	"tiktok/pkg/telemetry"
)

const (
	// MaxData is how long a hint's data may be, in bytes.
	MaxData = 4 << 10
	// Buffer is how many hints a slow reader may be behind before it misses some.
	Buffer = 16
)

var (
	// ErrClosed is returned by a broker that was closed.
	ErrClosed = errors.New("push: broker is closed")
	// ErrBadHint is returned by Publish for a hint without a user or without data, or with more than MaxData of it. The others are sent.
	ErrBadHint = errors.New("push: bad hint")
)

// Hint is for all streams of one user.
type Hint struct {
	UserID int64
	// Data is JSON, at most MaxData.
	Data json.RawMessage
}

// Broker is safe for concurrent use. The conformance suite of the drivers is pushtest.
type Broker interface {
	// Publish sends hints, without waiting for their receivers. An error means that some were not sent. It takes as long as the
	// cache's timeout at most.
	Publish(ctx context.Context, hints []Hint) error
	// Subscribe returns the hints of a user from now on. A reader that is slow misses some: a full channel drops them. cancel ends it,
	// and closes the channel, as Close does; it may be called again. The data is shared: it must not be changed. While Redis is away
	// Subscribe succeeds after the cache's timeout, and hints come once it is back.
	Subscribe(ctx context.Context, userID int64) (hints <-chan json.RawMessage, cancel func(), err error)
	// Ping reports whether hints get through.
	Ping(ctx context.Context) error
	// Close ends all subscriptions. Operations afterwards fail with ErrClosed.
	Close() error
}

// Open returns the broker that the cache's settings describe: in the process, or Redis. It does not fail when Redis is away.
func Open(_ context.Context, cfg kv.Config, tel *telemetry.Telemetry) (Broker, error) {
	switch cfg.Driver {
	case "", kv.DriverMemory:
		return NewMemory(tel), nil
	case kv.DriverRedis:
		return NewRedis(cfg, tel), nil
	default:
		return nil, fmt.Errorf("push: unknown driver %q, want %q or %q", cfg.Driver, kv.DriverMemory, kv.DriverRedis)
	}
}

// good are those hints that may be sent, err says whether there are others.
func good(hints []Hint) (good []Hint, err error) {
	bad := func(h Hint) bool { return h.UserID <= 0 || len(h.Data) == 0 || len(h.Data) > MaxData }
	n := 0
	for _, h := range hints {
		if bad(h) {
			n++
		}
	}
	if n == 0 {
		return hints, nil
	}
	for _, h := range hints {
		if !bad(h) {
			good = append(good, h)
		}
	}
	return good, fmt.Errorf("%w: %d of %d", ErrBadHint, n, len(hints))
}
