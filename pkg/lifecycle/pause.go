package lifecycle

import (
	"context"
	"time"

	"github.com/cenkalti/backoff/v5"
)

const (
	retryMin = 100 * time.Millisecond
	retryMax = 2 * time.Second
)

// Pause waits, not at all for 0 or less, and reports whether ctx still goes on.
func Pause(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// BackOff are waits between attempts that go on until they succeed: from 100 ms to 2 s, doubling, ± 20 %.
func BackOff() *backoff.ExponentialBackOff {
	return &backoff.ExponentialBackOff{InitialInterval: retryMin, MaxInterval: retryMax, Multiplier: 2, RandomizationFactor: 0.2}
}
