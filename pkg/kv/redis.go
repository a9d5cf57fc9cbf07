package kv

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

const (
	// DefaultTimeout is Config.Timeout where that is 0.
	DefaultTimeout = 250 * time.Millisecond
	// topologyAge is when a Cluster's client asks again who serves what, without a failure that made it ask before.
	topologyAge = 10 * time.Second
)

// Redis is a client of one server, of Sentinels or of a Cluster. Only this package, pkg/limiter and pkg/push talk to Redis. On a
// Cluster each node has a circuit breaker of its own, and the first failure of one makes the client ask the others who serves what.
type Redis struct {
	// Client may be used inside Do only, but for subscriptions.
	Client  redis.UniversalClient
	cluster *redis.ClusterClient // Client, if it is of a Cluster
	timeout time.Duration
	start   time.Time
	// doubted, if not nil, is told when a node may have lost what it had confirmed: it failed, or another one has its keys now.
	doubted func()

	// Times since start, 0 is never: of the first operation; when a node was last found away, or to have handed over keys.
	first, event atomic.Int64

	ctx    context.Context //nolint:containedctx // that of what runs in the background, until Close
	stop   context.CancelFunc
	mu     sync.Mutex
	closed bool           // guarded by mu
	runs   sync.WaitGroup // added to under mu, while not closed
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
	r := &Redis{timeout: timeout, start: time.Now()}
	r.ctx, r.stop = context.WithCancel(context.Background())
	if cfg.MasterName == "" && (cfg.Cluster || len(cfg.Addrs) > 1) {
		of := opts.Cluster()
		of.ClusterStateReloadInterval = topologyAge
		r.Client = redis.NewClusterClient(of)
	} else {
		r.Client = redis.NewUniversalClient(opts)
	}
	r.Client.AddHook(spans{})
	var cluster bool
	if r.cluster, cluster = r.Client.(*redis.ClusterClient); cluster {
		r.cluster.OnNewNode(func(client *redis.Client) { r.watch(client) })
	} else {
		r.watch(r.Client)
	}
	return r
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

// Do runs one operation within Config.Timeout. What goes to a server that does not answer fails at once: it is pinged in the
// background until it does. op has to use its own context, whose deadline is known to the client's connections only: it is not seen
// to end. The error is that of op, or ErrClosed.
func (r *Redis) Do(ctx context.Context, op func(context.Context) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	within, end := context.WithTimeout(ctx, r.timeout)
	defer end()
	return r.do(within, &call{caller: ctx}, op)
}

// do runs the operation of a call, which ends with ctx.
func (r *Redis) do(ctx context.Context, c *call, op func(context.Context) error) error {
	err := op(c.with(ctx))
	if errors.Is(err, redis.ErrClosed) {
		return ErrClosed
	}
	return err
}

// reload makes a Cluster's client ask who serves what. It does not wait for it, and asks five times a second at most.
func (r *Redis) reload() {
	if r.cluster != nil {
		r.cluster.ReloadState(r.ctx)
	}
}

// now is the time since start.
func (r *Redis) now() int64 { return int64(time.Since(r.start)) }

// changed notes that a node has handed over keys.
func (r *Redis) changed() {
	r.event.Store(r.now())
	r.doubt()
}

func (r *Redis) doubt() {
	if r.doubted != nil {
		r.doubted()
	}
}

// background runs fn until it ends, at the latest with Close.
func (r *Redis) background(fn func(context.Context)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.closed {
		r.runs.Go(func() { fn(r.ctx) })
	}
}

// Close closes all connections.
func (r *Redis) Close() error {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	r.stop()
	err := r.Client.Close()
	r.runs.Wait()
	if err != nil && !errors.Is(err, redis.ErrClosed) {
		return fmt.Errorf("kv: close redis: %w", err)
	}
	return nil
}
