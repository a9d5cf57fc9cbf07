// Package limiter is a rate limiter: a token bucket per key. The cost of a request that is known only afterwards can be charged
// later, and may leave the bucket in debt.
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

// Rule is the limit of one key.
type Rule struct {
	// Rate is the number of tokens added per second; it may be a fraction. Zero or less means no limit.
	Rate float64 `mapstructure:"rate"`
	// Burst is the capacity of the bucket. Less than 1 means Rate rounded up, at least 1.
	Burst int `mapstructure:"burst"`
}

func (r Rule) burst() int {
	if r.Burst >= 1 {
		return r.Burst
	}
	return int(min(max(1, math.Ceil(r.Rate)), math.MaxInt32))
}

// maxWindow limits durations: beyond it the floating-point microseconds of the Redis script lose precision.
const maxWindow = 100 * 365 * 24 * time.Hour

// maxDebt limits the debt of a bucket to what is paid back in that time, or to Burst if that is more.
const maxDebt = time.Minute

// Both drivers implement the generic cell rate algorithm (ITU-T I.371): the state of a bucket is the time at which it will be
// full, and taking a token adds one interval to it.

// interval is the time in which one token is added.
func (r Rule) interval() time.Duration { return span(float64(time.Second) / r.Rate) }

// window is the time in which an empty bucket gets full.
func (r Rule) window() time.Duration { return r.times(r.burst()) }

// times is the time in which n tokens are added.
func (r Rule) times(n int) time.Duration { return span(float64(n) * float64(time.Second) / r.Rate) }

// owing is the time in which a bucket with the maximum debt gets full.
func (r Rule) owing() time.Duration { return r.window() + max(maxDebt, r.window()) }

// span is ns nanoseconds, at most maxWindow.
func span(ns float64) time.Duration { return time.Duration(min(ns, float64(maxWindow))) }

// Result is the decision about one request.
type Result struct {
	// OK means that the request is allowed and a token was taken.
	OK bool
	// RetryAfter is the time until the bucket has a token again. It is 0 when OK.
	RetryAfter time.Duration
}

// Limiter limits requests by key. It is safe for concurrent use. The conformance suite of the drivers is limitertest.
type Limiter interface {
	// Allow takes a token from the bucket of key. A key should always have the same rule; changing it does not fill
	// the bucket. The only error is that of ctx: while Redis is unavailable the driver falls back to buckets of this
	// process.
	Allow(ctx context.Context, key string, r Rule) (Result, error)
	// Charge takes n tokens for work that is already done, such as a large answer. The bucket may go into debt, by the
	// tokens of one minute or Burst, whichever is more. A failure is only logged.
	Charge(ctx context.Context, key string, r Rule, n int)
	// Reset fills the bucket of key.
	Reset(ctx context.Context, key string) error
	// Close releases all resources. A closed Limiter allows everything.
	Close() error
}

// Open returns the limiter of that driver: "memory" (the default), with buckets in this process, or "redis", with buckets
// shared by all processes on the servers of cfg. log may be nil.
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
