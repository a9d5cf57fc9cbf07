package limiter

import (
	"context"
	"fmt"
	"time"

	"github.com/maypok86/otter/v2"
	"golang.org/x/time/rate"
)

// defaultMaxKeys is about 30 MB of buckets when it is reached.
const defaultMaxKeys = 100_000

type memory struct {
	buckets *otter.Cache[string, *bucket]
}

type bucket struct {
	rule   Rule
	tokens *rate.Limiter
}

// refill is how long an empty bucket takes to be full. A full bucket may be forgotten.
func refill(r Rule) time.Duration {
	return time.Second + seconds(float64(r.burst())/r.Rate)
}

// seconds is s as a duration, at most a year: Redis counts in floating point, and loses tokens with larger numbers.
func seconds(s float64) time.Duration {
	return time.Duration(min(s, 365*24*3600) * float64(time.Second))
}

// NewMemory returns a limiter that keeps its counts in this process, for at most maxKeys keys (0 means 100 000). When
// there are more, the keys that ask least often are forgotten: they may begin with a full bucket again.
func NewMemory(maxKeys int) (Limiter, error) {
	if maxKeys <= 0 {
		maxKeys = defaultMaxKeys
	}
	buckets, err := otter.New(&otter.Options[string, *bucket]{
		MaximumSize:      maxKeys,
		ExpiryCalculator: otter.ExpiryAccessingFunc(func(e otter.Entry[string, *bucket]) time.Duration { return refill(e.Value.rule) }),
	})
	if err != nil {
		return nil, fmt.Errorf("limiter: %w", err)
	}
	return &memory{buckets: buckets}, nil
}

func (m *memory) Allow(ctx context.Context, key string, r Rule) (Result, error) {
	if err := ctx.Err(); err != nil {
		return Result{}, err
	}
	if r.Rate <= 0 {
		return Result{OK: true}, nil
	}
	b, ok := m.buckets.GetIfPresent(key)
	if !ok || b.rule != r {
		b, _ = m.buckets.Compute(key, func(old *bucket, found bool) (*bucket, otter.ComputeOp) {
			if found && old.rule == r {
				return old, otter.CancelOp
			}
			b := &bucket{rule: r, tokens: rate.NewLimiter(rate.Limit(r.Rate), r.burst())}
			if found {
				// Another rule must not fill the bucket, or two rules on one key would cancel each other.
				now := time.Now()
				b.tokens.AllowN(now, r.burst()-min(r.burst(), int(max(0, old.tokens.TokensAt(now)))))
			}
			return b, otter.WriteOp
		})
	}
	now := time.Now()
	if b.tokens.AllowN(now, 1) {
		return Result{OK: true}, nil
	}
	wait := seconds((1 - b.tokens.TokensAt(now)) / r.Rate)
	return Result{RetryAfter: max(wait, time.Millisecond)}, nil
}

func (m *memory) Reset(_ context.Context, key string) error {
	m.buckets.Invalidate(key)
	return nil
}

func (m *memory) Close() error {
	m.buckets.StopAllGoroutines()
	m.buckets.InvalidateAll()
	return nil
}
