// Package limiter says who asks too often, or for too much. A token bucket per key: Burst at once, then Rate per second.
// What turns out to be dear is charged afterwards, and may leave the bucket in debt.
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

// maxWindow bounds what a rule makes of a time: Redis counts microseconds in floating point, and loses them above.
const maxWindow = 100 * 365 * 24 * time.Hour

// maxDebt is how long a bucket needs at most to be at zero again; longer only when its Burst takes longer.
const maxDebt = time.Minute

// The state of a bucket is one time, at which it will be full: a token taken moves it by one interval. This is the generic
// cell rate algorithm (ITU-T I.371), in memory and in Redis alike.

// interval is how long one token takes to come back.
func (r Rule) interval() time.Duration { return span(float64(time.Second) / r.Rate) }

// window is how long an empty bucket takes to be full.
func (r Rule) window() time.Duration { return r.times(r.burst()) }

// times is how long n tokens take to come back.
func (r Rule) times(n int) time.Duration { return span(float64(n) * float64(time.Second) / r.Rate) }

// owing is how long a bucket takes to be full that owes all that it may.
func (r Rule) owing() time.Duration { return r.window() + max(maxDebt, r.window()) }

// span is ns nanoseconds, at most maxWindow.
func span(ns float64) time.Duration { return time.Duration(min(ns, float64(maxWindow))) }

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
	// the bucket. The error is only ever that of an ended ctx: counts that cannot be read are no reason to let
	// everything through, the driver counts by itself meanwhile.
	Allow(ctx context.Context, key string, r Rule) (Result, error)
	// Charge takes n more tokens of key for what has been done already, such as an answer that turned out large. There
	// need not be as many: the bucket then owes them, and lets nothing through before they have come back. It owes what
	// comes back within a minute at most, or Burst if that is more. A charge that cannot be made is only logged.
	Charge(ctx context.Context, key string, r Rule, n int)
	// Reset fills the bucket of key.
	Reset(ctx context.Context, key string) error
	// Close releases everything. Afterwards everything is let through.
	Close() error
}

// Open returns the limiter of that driver: "memory" (the default), whose counts are those of this process, or "redis",
// whose counts are shared by all processes on the servers of cfg, and those of this process while they do not answer. log
// may be nil.
func Open(driver string, cfg kv.Config, log *slog.Logger) (Limiter, error) {
	switch driver {
	case "", DriverMemory:
		return NewMemory(0)
	case DriverRedis:
		return NewRedis(cfg, log)
	default:
		return nil, fmt.Errorf("limiter: unknown driver %q, want %q or %q", driver, DriverMemory, DriverRedis)
	}
}
