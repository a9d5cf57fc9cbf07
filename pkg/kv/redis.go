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
	"github.com/sony/gobreaker/v2"

	"tiktok/pkg/coalesce"
)

const (
	// DefaultTimeout is Config.Timeout where that is 0.
	DefaultTimeout = 250 * time.Millisecond
	// breakerFailures in a row open the circuit breaker, and breakerPause is how long until one operation may try again: a Redis
	// that does not answer must not add its timeout to every request.
	breakerFailures = 3
	breakerPause    = 500 * time.Millisecond
	// readsInFlight is how many reads are sent at a time: the server works on one while the other is on its way.
	readsInFlight = 2
	// maxReadKeys bounds the keys of reads that share a call, so that neither the server nor the next call waits long.
	maxReadKeys = 4096
	// setIfValue is the compare-and-set of Item.IfValue. One key, so it runs on a Cluster.
	setIfValue = `if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3]) end return false`
)

var errAway = errors.New("redis does not answer, not tried again yet")

// gaveUp is the error of an operation whose caller did not wait for its end: it says nothing about Redis.
type gaveUp struct{ error }

func (e gaveUp) Unwrap() error { return e.error }

// Redis is a client of one server, of Sentinels or of a Cluster. Only this package, pkg/limiter and pkg/push talk to Redis.
type Redis struct {
	// Client may be used inside Do only, but for subscriptions.
	Client  redis.UniversalClient
	timeout time.Duration
	breaker *gobreaker.CircuitBreaker[struct{}]
}

// NewRedis returns the client that cfg describes. It connects when it is first used.
func NewRedis(cfg Config) *Redis {
	timeout := cfg.Timeout
	if timeout <= 0 {
		timeout = DefaultTimeout
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
	return &Redis{Client: client, timeout: timeout, breaker: gobreaker.NewCircuitBreaker[struct{}](gobreaker.Settings{
		Timeout:      breakerPause,
		ReadyToTrip:  func(c gobreaker.Counts) bool { return c.ConsecutiveFailures >= breakerFailures },
		IsSuccessful: func(err error) bool { return err == nil || isReply(err) },
		IsExcluded:   func(err error) bool { return errors.Is(err, ErrClosed) || errors.As(err, new(gaveUp)) },
	})}
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
	if err := ctx.Err(); err != nil {
		return err
	}
	opCtx, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	err := r.try(opCtx, func(opCtx context.Context) error {
		err := op(opCtx)
		if err != nil && ctx.Err() != nil {
			return gaveUp{err}
		}
		return err
	})
	if given, ok := errors.AsType[gaveUp](err); ok {
		return given.error
	}
	return err
}

// try runs op unless the circuit breaker is open.
func (r *Redis) try(ctx context.Context, op func(context.Context) error) error {
	_, err := r.breaker.Execute(func() (struct{}, error) {
		err := op(ctx)
		if errors.Is(err, redis.ErrClosed) {
			err = ErrClosed
		}
		return struct{}{}, err
	})
	if errors.Is(err, gobreaker.ErrOpenState) || errors.Is(err, gobreaker.ErrTooManyRequests) {
		return errAway
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
	local   *inProcess
	reads   *coalesce.Coalescer[[]string, [][]byte]
}

func newRedisStore(cfg Config) *redisStore {
	r := NewRedis(cfg)
	_, cluster := r.Client.(*redis.ClusterClient)
	s := &redisStore{redis: r, cluster: cluster, local: newInProcess(overRedisBytes)}
	size := func(keys []string) int { return len(keys) }
	s.reads = coalesce.New(readsInFlight, maxReadKeys, size, s.readAll, coalesce.Eager(), coalesce.Timeout(r.timeout))
	return s
}

func (r *redisStore) inProcess() (p *inProcess, alone bool) { return r.local, false }

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
	values, err := r.reads.Do(ctx, keys)
	if err != nil {
		return nil, wrap("get", len(keys), err)
	}
	return values, nil
}

// readAll answers several reads with one that has each key once.
func (r *redisStore) readAll(ctx context.Context, requests [][]string) ([][][]byte, error) {
	if len(requests) == 1 {
		values, err := r.read(ctx, requests[0])
		return [][][]byte{values}, err
	}
	asked := 0
	for _, request := range requests {
		asked += len(request)
	}
	at, keys := make(map[string]int, asked), make([]string, 0, asked)
	for _, request := range requests {
		for _, k := range request {
			if _, ok := at[k]; !ok {
				at[k] = len(keys)
				keys = append(keys, k)
			}
		}
	}
	values, err := r.read(ctx, keys)
	if err != nil {
		return nil, err
	}
	answers := make([][][]byte, len(requests))
	for i, request := range requests {
		answers[i] = make([][]byte, len(request))
		for j, k := range request {
			answers[i][j] = values[at[k]]
		}
	}
	return answers, nil
}

// read is one round trip, on a Cluster one to each node.
func (r *redisStore) read(ctx context.Context, keys []string) ([][]byte, error) {
	out := make([][]byte, len(keys))
	err := r.redis.try(ctx, func(ctx context.Context) error {
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
