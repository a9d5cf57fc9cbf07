package limiter

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/maypok86/otter/v2"
)

// defaultMaxKeys buckets take about 30 MB.
const defaultMaxKeys = 100_000

type memory struct {
	buckets *otter.Cache[string, *bucket]
	began   time.Time // times of buckets count from here, by the monotonic clock
}

type bucket struct {
	rule Rule
	full atomic.Int64 // when it is full, nanoseconds since memory.began
}

// NewMemory returns a limiter with buckets in this process, at most maxKeys (0 means 100 000). Beyond that the least
// frequently used ones are evicted and start full again.
func NewMemory(maxKeys int) (Limiter, error) { return newMemory(maxKeys) }

func newMemory(maxKeys int) (*memory, error) {
	if maxKeys <= 0 {
		maxKeys = defaultMaxKeys
	}
	buckets, err := otter.New(&otter.Options[string, *bucket]{
		MaximumSize: maxKeys,
		// By then the bucket is full and needs no state.
		ExpiryCalculator: otter.ExpiryAccessingFunc(func(e otter.Entry[string, *bucket]) time.Duration {
			return time.Second + e.Value.rule.owing()
		}),
	})
	if err != nil {
		return nil, fmt.Errorf("limiter: %w", err)
	}
	return &memory{buckets: buckets, began: time.Now()}, nil
}

func (m *memory) Allow(ctx context.Context, key string, r Rule) (Result, error) {
	if err := ctx.Err(); err != nil {
		return Result{}, err
	}
	if r.Rate <= 0 {
		return Result{OK: true}, nil
	}
	b, now := m.bucket(key, r), int64(time.Since(m.began))
	interval, window := int64(r.interval()), int64(r.window())
	for {
		full := b.full.Load()
		next := max(full, now) + interval
		if wait := next - now - window; wait > 0 {
			return Result{RetryAfter: max(time.Duration(wait), time.Millisecond)}, nil
		}
		if b.full.CompareAndSwap(full, next) {
			return Result{OK: true}, nil
		}
	}
}

func (m *memory) Charge(_ context.Context, key string, r Rule, n int) {
	if r.Rate <= 0 || n <= 0 {
		return
	}
	b, now := m.bucket(key, r), int64(time.Since(m.began))
	cost, most := int64(r.times(n)), now+int64(r.owing())
	for {
		full := b.full.Load()
		next := max(full, min(max(full, now)+cost, most))
		if b.full.CompareAndSwap(full, next) {
			return
		}
	}
}

// bucket returns the bucket of key, a full one if there is none.
func (m *memory) bucket(key string, r Rule) *bucket {
	if b, ok := m.buckets.GetIfPresent(key); ok && b.rule == r {
		return b
	}
	b, _ := m.buckets.Compute(key, func(old *bucket, found bool) (*bucket, otter.ComputeOp) {
		if found && old.rule == r {
			return old, otter.CancelOp
		}
		b := &bucket{rule: r}
		if found {
			// Another rule must not fill the bucket, or two rules on one key would cancel each other.
			now := int64(time.Since(m.began))
			left := float64(int64(old.rule.window())-(old.full.Load()-now)) / float64(max(old.rule.interval(), 1))
			b.full.Store(now + int64(r.times(r.burst()-int(min(left, float64(r.burst()))))))
		}
		return b, otter.WriteOp
	})
	return b
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
