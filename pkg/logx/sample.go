package logx

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

const (
	// sampleRate is how many records of a kind are written per second, sampleBurst how many at once.
	sampleRate, sampleBurst = 1.0, 10
	// maxKinds bounds the memory. Messages are constants, so there are not that many.
	maxKinds = 256
)

// Sample returns a rate-limited logger, for events that clients can cause at any rate. Each kind, which is a message at a
// level, has a token bucket of ten records, refilled at one per second; the first record after a gap says with "suppressed"
// how many were dropped. drop is called for each record that is dropped, and may be nil.
func Sample(log *slog.Logger, drop func()) *slog.Logger {
	return sample(log, drop, time.Now)
}

func sample(log *slog.Logger, drop func(), now func() time.Time) *slog.Logger {
	if drop == nil {
		drop = func() {}
	}
	return slog.New(sampler{log.Handler(), &samples{now: now, drop: drop, kinds: map[kind]*bucket{}}})
}

// sampler is a handler; handlers derived from it by With share its buckets.
type sampler struct {
	slog.Handler
	all *samples
}

// Handle implements slog.Handler.
func (s sampler) Handle(ctx context.Context, r slog.Record) error {
	ok, suppressed := s.all.take(kind{r.Level, r.Message})
	if !ok {
		s.all.drop()
		return nil
	}
	if suppressed > 0 {
		r.AddAttrs(slog.Int64("suppressed", suppressed))
	}
	return s.Handler.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (s sampler) WithAttrs(as []slog.Attr) slog.Handler {
	return sampler{s.Handler.WithAttrs(as), s.all}
}

// WithGroup implements slog.Handler.
func (s sampler) WithGroup(name string) slog.Handler {
	return sampler{s.Handler.WithGroup(name), s.all}
}

type kind struct {
	level   slog.Level
	message string
}

// bucket is a token bucket.
type bucket struct {
	tokens     float64
	filled     time.Time
	suppressed int64
}

type samples struct {
	now  func() time.Time
	drop func()

	mu    sync.Mutex
	kinds map[kind]*bucket // guarded by mu
}

// take reports whether a record of the kind may be written, and how many were dropped since the last one.
func (s *samples) take(k kind) (ok bool, suppressed int64) {
	now := s.now()
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.kinds[k]
	if b == nil {
		if len(s.kinds) >= maxKinds {
			k = kind{} // all others share one bucket
		}
		if b = s.kinds[k]; b == nil {
			b = &bucket{tokens: sampleBurst, filled: now}
			s.kinds[k] = b
		}
	}
	b.tokens = min(sampleBurst, b.tokens+sampleRate*max(0, now.Sub(b.filled).Seconds()))
	b.filled = now
	if b.tokens < 1 {
		b.suppressed++
		return false, 0
	}
	b.tokens--
	suppressed, b.suppressed = b.suppressed, 0
	return true, suppressed
}

// Cut truncates s to limit bytes, and appends an ellipsis if it did: for text whose length a client can choose.
func Cut(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	return s[:limit] + "…"
}
