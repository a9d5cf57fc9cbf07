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

// takeScript takes what costs ARGV[1] microseconds from the bucket KEYS[1], which is full at the time that it holds. It
// returns 0, or the microseconds until there is enough. What is forced (ARGV[4]) is taken whatever there is, until the
// bucket is full only in ARGV[3] microseconds; ARGV[2] is how long an empty one takes. Time is that of Redis, so gateways
// need not agree about it. Numbers are text, because Redis makes integers of those that a script returns.
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

// shared keeps its counts in Redis, so that all processes count together, and its own while Redis does not answer: a
// limit that is off when Redis is would make Redis what an attacker stops first.
type shared struct {
	redis  *kv.Redis
	script *redis.Script
	alone  *memory
	log    *slog.Logger
	next   atomic.Int64 // when the next failure may be logged, unix nanoseconds
}

// NewRedis returns a limiter that counts on the servers of cfg, in keys "limit:<key>" that expire by themselves. It
// connects when it is first used. While Redis does not answer, this process counts by itself, for at most 100 000 keys,
// beginning with full buckets; what it counted is not added to Redis afterwards. log may be nil.
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

// take runs the script; the cost is in time of the rule. It returns how long to wait, 0 when the cost was taken.
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

// failed logs that this process counts by itself, at most once a second.
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
