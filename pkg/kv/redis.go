package kv

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

const (
	defaultTimeout = 250 * time.Millisecond
	// setIfValue is the compare-and-set of Item.IfValue. One key, so it runs on a Cluster.
	setIfValue = `if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3]) end return false`
)

// NewRedisClient returns the client that cfg describes: one server, Sentinel or Cluster. It connects when it is first
// used. Only this package and pkg/limiter talk to Redis.
func NewRedisClient(cfg Config) redis.UniversalClient {
	timeout := cfg.timeout()
	return redis.NewUniversalClient(&redis.UniversalOptions{
		Addrs:         cfg.Addrs,
		Username:      cfg.Username,
		Password:      cfg.Password,
		MasterName:    cfg.MasterName,
		IsClusterMode: cfg.Cluster,
		DB:            cfg.DB,
		DialTimeout:   timeout,
		ReadTimeout:   timeout,
		WriteTimeout:  timeout,
		PoolTimeout:   timeout,
		// One retry hides a connection that a Redis restart broke; more would only add to the wait when Redis is away.
		MaxRetries:            1,
		MinRetryBackoff:       time.Millisecond,
		MaxRetryBackoff:       10 * time.Millisecond,
		DialerRetries:         1,
		ContextTimeoutEnabled: true,
		// Both only add commands to every new connection, and servers before 7.2 refuse them.
		DisableIdentity:          true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	})
}

func (c Config) timeout() time.Duration {
	if c.Timeout > 0 {
		return c.Timeout
	}
	return defaultTimeout
}

type redisStore struct {
	client  redis.UniversalClient
	cluster bool
	timeout time.Duration
	breaker breaker
}

func newRedis(cfg Config) *redisStore {
	client := NewRedisClient(cfg)
	_, cluster := client.(*redis.ClusterClient)
	return &redisStore{client: client, cluster: cluster, timeout: cfg.timeout()}
}

// do runs one operation within the timeout, unless Redis is known to be away.
func (r *redisStore) do(ctx context.Context, op func(context.Context) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if !r.breaker.allow(time.Now()) {
		return errAway
	}
	opCtx, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	err := op(opCtx)
	switch {
	case errors.Is(err, redis.ErrClosed):
		return ErrClosed
	case err != nil && ctx.Err() != nil:
		r.breaker.cancelled()
	default:
		r.breaker.done(time.Now(), err == nil || isReply(err))
	}
	return err
}

// isReply reports that Redis itself answered the error: the server is there.
func isReply(err error) bool {
	var reply redis.Error
	return errors.As(err, &reply)
}

func (r *redisStore) MGet(ctx context.Context, keys []string) ([][]byte, error) {
	out := make([][]byte, len(keys))
	if len(keys) == 0 {
		return out, nil
	}
	err := r.do(ctx, func(ctx context.Context) error {
		if r.cluster {
			return r.pipelinedGet(ctx, keys, out)
		}
		values, err := r.client.MGet(ctx, keys...).Result()
		for i, v := range values {
			if s, ok := v.(string); ok {
				out[i] = []byte(s)
			}
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("kv: get %d keys: %w", len(keys), err)
	}
	return out, nil
}

// pipelinedGet reads keys of several Cluster slots: the client sends one pipeline to each node, all at once.
func (r *redisStore) pipelinedGet(ctx context.Context, keys []string, out [][]byte) error {
	pipe := r.client.Pipeline()
	cmds := make([]*redis.StringCmd, len(keys))
	for i, k := range keys {
		cmds[i] = pipe.Get(ctx, k)
	}
	if _, err := pipe.Exec(ctx); err != nil && !errors.Is(err, redis.Nil) {
		return err
	}
	for i, c := range cmds {
		b, err := c.Bytes()
		if err != nil && !errors.Is(err, redis.Nil) {
			return err
		}
		if err == nil {
			out[i] = b
		}
	}
	return nil
}

func (r *redisStore) Set(ctx context.Context, items []Item) error {
	if len(items) == 0 {
		return nil
	}
	if err := check(items); err != nil {
		return err
	}
	err := r.do(ctx, func(ctx context.Context) error {
		pipe := r.client.Pipeline()
		for _, it := range items {
			switch {
			case it.IfValue != nil:
				pipe.Eval(ctx, setIfValue, []string{it.Key}, it.IfValue, it.Value, it.TTL.Milliseconds())
			case it.IfAbsent:
				pipe.SetArgs(ctx, it.Key, it.Value, redis.SetArgs{Mode: "NX", TTL: it.TTL})
			default:
				pipe.Set(ctx, it.Key, it.Value, it.TTL)
			}
		}
		return execAll(ctx, pipe)
	})
	if err != nil {
		return fmt.Errorf("kv: set %d keys: %w", len(items), err)
	}
	return nil
}

func (r *redisStore) Delete(ctx context.Context, keys []string) error {
	if len(keys) == 0 {
		return nil
	}
	err := r.do(ctx, func(ctx context.Context) error {
		pipe := r.client.Pipeline()
		for _, k := range keys {
			pipe.Del(ctx, k)
		}
		return execAll(ctx, pipe)
	})
	if err != nil {
		return fmt.Errorf("kv: delete %d keys: %w", len(keys), err)
	}
	return nil
}

// execAll runs a pipeline and returns the first real error: a condition that does not hold answers Nil.
func execAll(ctx context.Context, pipe redis.Pipeliner) error {
	cmds, err := pipe.Exec(ctx)
	if err == nil {
		return nil
	}
	if len(cmds) == 0 {
		return err
	}
	for _, c := range cmds {
		if err := c.Err(); err != nil && !errors.Is(err, redis.Nil) {
			return err
		}
	}
	return nil
}

func (r *redisStore) Ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	if err := r.client.Ping(ctx).Err(); err != nil {
		if errors.Is(err, redis.ErrClosed) {
			return ErrClosed
		}
		return fmt.Errorf("kv: ping redis: %w", err)
	}
	return nil
}

func (r *redisStore) Close() error {
	if err := r.client.Close(); err != nil && !errors.Is(err, redis.ErrClosed) {
		return fmt.Errorf("kv: close redis: %w", err)
	}
	return nil
}
