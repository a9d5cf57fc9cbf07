// Package limiter says who asks too often. A token bucket per key: Burst at once, then Rate per second.
package limiter

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"time"

	"tiktok/pkg/kv"
)

// Drivers of Open.
const (
	DriverMemory = "memory"
	DriverRedis  = "redis"
)

// Rule is how often one key may do something.
type Rule struct {
	// Rate is how many per second in the long run; fractions are fine. Zero or less means without limit.
	Rate float64 `mapstructure:"rate"`
	// Burst is how many at once after a pause. Less than 1 means Rate rounded up, at least 1.
	Burst int `mapstructure:"burst"`
}

func (r Rule) burst() int {
	if r.Burst >= 1 {
		return r.Burst
	}
	return int(min(max(1, math.Ceil(r.Rate)), math.MaxInt32))
}

// Result is the answer to one request.
type Result struct {
	// OK means go on; one token was taken.
	OK bool
	// RetryAfter is when the next request of this key can be let through, if nobody else of the same key comes first.
	// It is 0 when OK.
	RetryAfter time.Duration
}

// Limiter counts requests by key. It is safe for concurrent use. The suite for every driver is limitertest.
type Limiter interface {
	// Allow takes one token of key. A key should always come with the same rule; a change of the rule does not fill
	// the bucket. When the counts cannot be read, everything is let through. The error is only ever that of an ended
	// ctx.
	Allow(ctx context.Context, key string, r Rule) (Result, error)
	// Reset fills the bucket of key.
	Reset(ctx context.Context, key string) error
	// Close releases everything. Afterwards everything is let through.
	Close() error
}

// Open returns the limiter of that driver: "memory" (the default), whose counts are those of this process, or "redis",
// whose counts are shared by all processes on the servers of cfg. log may be nil.
func Open(driver string, cfg kv.Config, log *slog.Logger) (Limiter, error) {
	switch driver {
	case "", DriverMemory:
		return NewMemory(0)
	case DriverRedis:
		return NewRedis(cfg, log), nil
	default:
		return nil, fmt.Errorf("limiter: unknown driver %q, want %q or %q", driver, DriverMemory, DriverRedis)
	}
}
