package limiter

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/go-redis/redis_rate/v10"

	"tiktok/pkg/kv"
)

// shared keeps its counts in Redis, so that all processes count together.
type shared struct {
	redis *kv.Redis
	rate  *redis_rate.Limiter
	log   *slog.Logger
	next  atomic.Int64 // when the next failure may be logged, unix nanoseconds
}

// NewRedis returns a limiter that counts on the servers of cfg, in keys "rate:<key>" that expire by themselves. It
// connects when it is first used. log may be nil.
func NewRedis(cfg kv.Config, log *slog.Logger) Limiter {
	client := kv.NewRedis(cfg)
	return &shared{redis: client, rate: redis_rate.NewLimiter(client.Client), log: log}
}

func (s *shared) Allow(ctx context.Context, key string, r Rule) (Result, error) {
	if err := ctx.Err(); err != nil {
		return Result{}, err
	}
	if r.Rate <= 0 {
		return Result{OK: true}, nil
	}
	// The library wants whole tokens per period: one token per 1/Rate seconds.
	limit := redis_rate.Limit{Rate: 1, Burst: r.burst(), Period: max(seconds(1/r.Rate), time.Nanosecond)}
	var res *redis_rate.Result
	err := s.redis.Do(ctx, func(ctx context.Context) (err error) {
		res, err = s.rate.Allow(ctx, key, limit)
		return err
	})
	if err != nil {
		if ctx.Err() != nil {
			return Result{}, ctx.Err()
		}
		s.failed(err)
		return Result{OK: true}, nil
	}
	if res.Allowed > 0 {
		return Result{OK: true}, nil
	}
	return Result{RetryAfter: max(res.RetryAfter, time.Millisecond)}, nil
}

// failed logs that the limits are off, at most once a second.
func (s *shared) failed(err error) {
	if s.log == nil {
		return
	}
	now, next := time.Now().UnixNano(), s.next.Load()
	if now >= next && s.next.CompareAndSwap(next, now+int64(time.Second)) {
		s.log.Warn("cannot count requests, letting them through", "err", err)
	}
}

func (s *shared) Reset(ctx context.Context, key string) error {
	err := s.redis.Do(ctx, func(ctx context.Context) error { return s.rate.Reset(ctx, key) })
	if err == nil || errors.Is(err, kv.ErrClosed) {
		return nil
	}
	return fmt.Errorf("limiter: reset: %w", err)
}

func (s *shared) Close() error { return s.redis.Close() }
