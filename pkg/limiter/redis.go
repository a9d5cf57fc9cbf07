package limiter

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"tiktok/pkg/kv"
)

// takeScript takes tokens worth ARGV[1] microseconds from the bucket KEYS[1], whose value is the time at which it will be full.
// ARGV[2] is the window. It returns 0, or the microseconds until there are enough tokens. With ARGV[4] = 1 the bucket may go
// into debt, up to ARGV[3] microseconds. The clock is that of Redis, so those of gateways do not matter. Numbers are returned
// as text, because Redis truncates them to integers.
const takeScript = `
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local full = math.max(tonumber(redis.call('GET', KEYS[1]) or '0'), now)
local next = full + tonumber(ARGV[1])
if ARGV[4] == '1' then
	next = math.max(full, math.min(next, now + tonumber(ARGV[3])))
elseif next - now > tonumber(ARGV[2]) then
	return string.format('%.0f', math.max(1, next - now - tonumber(ARGV[2])))
end
redis.call('SET', KEYS[1], string.format('%.17g', next), 'PX', string.format('%.0f', math.ceil((next - now) / 1000) + 1))
return '0'
`

// prefix of keys in Redis.
const prefix = "limit:"

// shared keeps the buckets in Redis and falls back to those of this process while Redis is unavailable: without a fallback,
// overloading Redis would switch all limits off.
type shared struct {
	redis  *kv.Redis
	script *redis.Script
	alone  *memory
	log    *slog.Logger
	next   atomic.Int64 // when the next failure may be logged, unix nanoseconds
}

// NewRedis returns a limiter with buckets on the servers of cfg, in keys "limit:<key>" that expire. It connects on first
// use. While Redis is unavailable it falls back to buckets of this process, at most 100 000, which start full and are not
// merged into Redis afterwards. log may be nil.
func NewRedis(cfg kv.Config, log *slog.Logger) (Limiter, error) {
	alone, err := newMemory(0)
	if err != nil {
		return nil, err
	}
	return &shared{redis: kv.NewRedis(cfg), script: redis.NewScript(takeScript), alone: alone, log: log}, nil
}

func (s *shared) Allow(ctx context.Context, key string, r Rule) (Result, error) {
	if err := ctx.Err(); err != nil {
		return Result{}, err
	}
	if r.Rate <= 0 {
		return Result{OK: true}, nil
	}
	wait, err := s.take(ctx, key, r, r.interval(), false)
	switch {
	case err == nil && wait <= 0:
		return Result{OK: true}, nil
	case err == nil:
		return Result{RetryAfter: max(wait, time.Millisecond)}, nil
	case errors.Is(err, kv.ErrClosed):
		return Result{OK: true}, nil
	case ctx.Err() != nil:
		return Result{}, ctx.Err()
	default:
		s.failed(err)
		return s.alone.Allow(ctx, key, r)
	}
}

func (s *shared) Charge(ctx context.Context, key string, r Rule, n int) {
	if r.Rate <= 0 || n <= 0 {
		return
	}
	if _, err := s.take(ctx, key, r, r.times(n), true); err != nil && !errors.Is(err, kv.ErrClosed) {
		s.failed(err)
		s.alone.Charge(ctx, key, r, n)
	}
}

// take runs the script. It returns how long to wait, 0 when the tokens were taken.
func (s *shared) take(ctx context.Context, key string, r Rule, cost time.Duration, force bool) (wait time.Duration, err error) {
	forced := 0
	if force {
		forced = 1
	}
	var us int64
	err = s.redis.Do(ctx, func(ctx context.Context) (err error) {
		us, err = s.script.Run(ctx, s.redis.Client, []string{prefix + key}, micros(cost), micros(r.window()), micros(r.owing()), forced).Int64()
		return err
	})
	return time.Duration(us) * time.Microsecond, err
}

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

// failed logs the fallback, at most once a second.
func (s *shared) failed(err error) {
	if s.log == nil {
		return
	}
	now, next := time.Now().UnixNano(), s.next.Load()
	if now >= next && s.next.CompareAndSwap(next, now+int64(time.Second)) {
		s.log.Warn("cannot count requests in redis, counting in this process alone", "err", err)
	}
}

func (s *shared) Reset(ctx context.Context, key string) error {
	_ = s.alone.Reset(ctx, key) // never fails
	err := s.redis.Do(ctx, func(ctx context.Context) error { return s.redis.Client.Del(ctx, prefix+key).Err() })
	if err == nil || errors.Is(err, kv.ErrClosed) {
		return nil
	}
	s.failed(err)
	return fmt.Errorf("limiter: reset: %w", err)
}

func (s *shared) Close() error { return errors.Join(s.redis.Close(), s.alone.Close()) }
