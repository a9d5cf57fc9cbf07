package kv

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

const (
	defaultTimeout = 250 * time.Millisecond
	// setIfValue is the compare-and-set of Item.IfValue. One key, so it runs on a Cluster.
	setIfValue = `if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3]) end return false`
)

// Redis is a client of one server, of Sentinels or of a Cluster. Only this package and pkg/limiter talk to Redis.
type Redis struct {
	// Client may be used inside Do only.
	Client  redis.UniversalClient
	timeout time.Duration
	breaker breaker
}

// NewRedis returns the client that cfg describes. It connects when it is first used.
func NewRedis(cfg Config) *Redis {
	timeout := cfg.Timeout
	if timeout <= 0 {
		timeout = defaultTimeout
	}
	// The library logs each failed dial to stderr. Here whoever asked reports it, in the log of the process.
	redis.SetLogger(quiet{})
	opts := &redis.UniversalOptions{
		Addrs:         cfg.Addrs,
		Username:      cfg.Username,
		Password:      cfg.Password,
		MasterName:    cfg.MasterName,
		IsClusterMode: cfg.Cluster,
		DB:            cfg.DB,
		// RESP3 would look for messages that the server pushes before each command, and nothing here is pushed.
		Protocol:     2,
		DialTimeout:  timeout,
		ReadTimeout:  timeout,
		WriteTimeout: timeout,
		PoolTimeout:  timeout,
		// One retry hides a connection that a Redis restart broke; more would only add to the wait when Redis is away.
		MaxRetries:            1,
		MinRetryBackoff:       time.Millisecond,
		MaxRetryBackoff:       10 * time.Millisecond,
		DialerRetries:         1,
		ContextTimeoutEnabled: true,
		// Both only add commands to every new connection, and servers before 7.2 refuse them.
		DisableIdentity:          true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	}
	setTLS(opts, cfg)
	client := redis.NewUniversalClient(opts)
	client.AddHook(spans{})
	return &Redis{Client: client, timeout: timeout}
}

// setTLS makes the client speak TLS when cfg says so. Files that cannot be read fail every connection: none is made without
// TLS.
func setTLS(opts *redis.UniversalOptions, cfg Config) {
	hosts := make([]string, 0, len(cfg.Addrs))
	for _, addr := range cfg.Addrs {
		if host, _, err := net.SplitHostPort(addr); err == nil {
			hosts = append(hosts, host)
		}
	}
	conf, err := cfg.TLS.Client(hosts...)
	switch {
	case err != nil:
		opts.Dialer = func(context.Context, string, string) (net.Conn, error) { return nil, fmt.Errorf("tls: %w", err) }
	case conf != nil:
		conf.MinVersion = tls.VersionTLS12
		opts.TLSConfig = conf
	}
}

type quiet struct{}

func (quiet) Printf(context.Context, string, ...any) {}

// Do runs one operation within Config.Timeout. While Redis does not answer it fails at once, and every half second one
// operation tries again. The error is that of op, or ErrClosed.
func (r *Redis) Do(ctx context.Context, op func(context.Context) error) error {
	return r.doUntil(ctx, time.Now().Add(r.timeout), op)
}

// doUntil is Do with the end of Config.Timeout. That it has passed counts as no answer.
func (r *Redis) doUntil(ctx context.Context, deadline time.Time, op func(context.Context) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if !r.breaker.allow(time.Now()) {
		return errAway
	}
	opCtx, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	err := op(opCtx)
	switch {
	case errors.Is(err, redis.ErrClosed):
		r.breaker.cancelled()
		return ErrClosed
	case err != nil && ctx.Err() != nil:
		r.breaker.cancelled() // the caller gave up: that says nothing about Redis
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

// Close closes all connections.
func (r *Redis) Close() error {
	if err := r.Client.Close(); err != nil && !errors.Is(err, redis.ErrClosed) {
		return fmt.Errorf("kv: close redis: %w", err)
	}
	return nil
}

type redisStore struct {
	redis   *Redis
	cluster bool
	reads   grouped
}

func newRedisStore(cfg Config) *redisStore {
	r := NewRedis(cfg)
	_, cluster := r.Client.(*redis.ClusterClient)
	s := &redisStore{redis: r, cluster: cluster}
	s.reads.fetch, s.reads.timeout = s.fetch, r.timeout
	return s
}

// wrap says what failed.
func wrap(op string, keys int, err error) error {
	if err == nil || errors.Is(err, ErrClosed) {
		return err
	}
	return fmt.Errorf("kv: %s %d keys: %w", op, keys, err)
}

func (r *redisStore) MGet(ctx context.Context, keys []string) ([][]byte, error) {
	if len(keys) == 0 {
		return [][]byte{}, nil
	}
	values, err := r.reads.get(ctx, keys)
	if err != nil {
		return nil, wrap("get", len(keys), err)
	}
	return values, nil
}

// fetch is one round trip, on a Cluster one to each node.
func (r *redisStore) fetch(ctx context.Context, deadline time.Time, keys []string) ([][]byte, error) {
	out := make([][]byte, len(keys))
	err := r.redis.doUntil(ctx, deadline, func(ctx context.Context) error {
		if r.cluster {
			return r.pipelinedGet(ctx, keys, out)
		}
		values, err := r.redis.Client.MGet(ctx, keys...).Result()
		for i, v := range values {
			if s, ok := v.(string); ok {
				out[i] = []byte(s)
			}
		}
		return err
	})
	return out, err
}

// pipelinedGet reads keys of several Cluster slots: the client sends one pipeline to each node, all at once.
func (r *redisStore) pipelinedGet(ctx context.Context, keys []string, out [][]byte) error {
	pipe := r.redis.Client.Pipeline()
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
	pipe := r.redis.Client.Pipeline()
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
	return wrap("set", len(items), r.exec(ctx, pipe))
}

func (r *redisStore) Delete(ctx context.Context, keys []string) error {
	if len(keys) == 0 {
		return nil
	}
	pipe := r.redis.Client.Pipeline()
	for _, k := range keys {
		pipe.Del(ctx, k)
	}
	return wrap("delete", len(keys), r.exec(ctx, pipe))
}

// exec runs a pipeline and returns the first real error: a condition that does not hold answers Nil.
func (r *redisStore) exec(ctx context.Context, pipe redis.Pipeliner) error {
	return r.redis.Do(ctx, func(ctx context.Context) error {
		cmds, err := pipe.Exec(ctx)
		if err != nil && !errors.Is(err, redis.Nil) {
			return err
		}
		for _, c := range cmds {
			if err := c.Err(); err != nil && !errors.Is(err, redis.Nil) {
				return err
			}
		}
		return nil
	})
}

func (r *redisStore) Ping(ctx context.Context) error {
	err := r.redis.Do(ctx, func(ctx context.Context) error { return r.redis.Client.Ping(ctx).Err() })
	if err == nil || errors.Is(err, ErrClosed) {
		return err
	}
	return fmt.Errorf("kv: ping redis: %w", err)
}

func (r *redisStore) Close() error { return r.redis.Close() }
