package push

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"tiktok/pkg/kv"
	"tiktok/pkg/telemetry"
)

const (
	// prefix starts the names of all channels.
	prefix = "tt:push:v1:"
	// probe ends the name of the channel of pings, which nobody subscribes to.
	probe = "ping"
)

// errNoSharded is for servers of before Redis 7. Falling back to publish/subscribe of all nodes would need a decision that all
// processes make alike, also while servers are replaced.
var errNoSharded = errors.New("the server has no sharded publish/subscribe, which needs Redis 7.0 or later")

// viaRedis carries hints between processes.
type viaRedis struct {
	hub     *hub
	redis   *kv.Redis
	timeout time.Duration
	log     *slog.Logger
	// names are those of the channels, without their numbers. Channels belong to no database of Redis: its number is in the name.
	names string
	// links are connections that subscribe: one, or on a Cluster, whose nodes have different channels, one for each channel.
	links []*link
	stop  context.CancelFunc
	done  sync.WaitGroup
}

// NewRedis returns a broker on the servers of cfg. It connects when it is first used.
func NewRedis(cfg kv.Config, tel *telemetry.Telemetry) Broker {
	ctx, stop := context.WithCancel(context.Background())
	r := &viaRedis{hub: newHub(newMetrics(tel)), redis: kv.NewRedis(cfg), log: tel.Sampled(), timeout: cfg.Timeout, names: prefix, stop: stop}
	if cfg.DB != 0 {
		r.names += "db" + strconv.Itoa(cfg.DB) + ":"
	}
	if r.timeout <= 0 {
		r.timeout = kv.DefaultTimeout
	}
	n := 1
	if _, ok := r.redis.Client.(*redis.ClusterClient); ok {
		n = channels
	}
	for range n {
		r.links = append(r.links, newLink(ctx, r.redis.Client, r.received, tel.Sampled()))
	}
	watchLinks(tel, r.missing)
	return r
}

func (r *viaRedis) received(msg string) {
	if err := readHints([]byte(msg), r.hub.deliver); err != nil {
		r.log.Warn("a message of hints was not readable", "err", err, "bytes", len(msg))
	}
}

func (r *viaRedis) Publish(ctx context.Context, hints []Hint) error {
	if r.hub.isClosed() {
		return ErrClosed
	}
	hints, bad := good(hints)
	if len(hints) == 0 {
		return bad
	}
	pipe := r.redis.Client.Pipeline()
	for c, of := range messages(hints) {
		for _, msg := range of {
			pipe.SPublish(ctx, r.channel(c), msg)
		}
	}
	err := r.redis.Do(ctx, func(ctx context.Context) error {
		_, err := pipe.Exec(ctx)
		return err
	})
	if err != nil {
		r.hub.metrics.failed.Add(float64(len(hints)))
		return fmt.Errorf("push: publish %d hints: %w", len(hints), explain(err))
	}
	r.hub.metrics.published.Add(float64(len(hints)))
	return bad
}

func (r *viaRedis) channel(n int) string { return r.names + strconv.Itoa(n) }

// Subscribe waits until the server has confirmed the user's channel, so that nothing is lost between what the caller reads next and
// the first hint.
func (r *viaRedis) Subscribe(ctx context.Context, userID int64) (<-chan json.RawMessage, func(), error) {
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	hints, remove, err := r.hub.subscribe(userID)
	if err != nil {
		return nil, nil, err
	}
	c := channelOf(userID)
	l := r.links[c%len(r.links)]
	ready := l.acquire(&r.done, r.channel(c))
	cancel := sync.OnceFunc(func() {
		remove()
		l.release(r.channel(c))
	})
	select {
	case <-ready:
		return hints, cancel, nil
	default:
	}
	late := time.NewTimer(r.timeout)
	defer late.Stop()
	select {
	case <-ready:
	case <-late.C: // the link goes on trying
	case <-ctx.Done():
		cancel()
		return nil, nil, ctx.Err()
	}
	return hints, cancel, nil
}

func (r *viaRedis) missing() int {
	n := 0
	for _, l := range r.links {
		missing, _ := l.missing()
		n += missing
	}
	return n
}

func (r *viaRedis) Ping(ctx context.Context) error {
	if r.hub.isClosed() {
		return ErrClosed
	}
	err := r.redis.Do(ctx, func(ctx context.Context) error { return r.redis.Client.SPublish(ctx, r.names+probe, "").Err() })
	if err != nil {
		return fmt.Errorf("push: ping redis: %w", explain(err))
	}
	for _, l := range r.links {
		if n, err := l.missing(); n > 0 {
			return fmt.Errorf("push: %d channels are not subscribed to: %w", n, err)
		}
	}
	return nil
}

// explain says what a server's refusal means.
func explain(err error) error {
	var reply redis.Error
	if errors.As(err, &reply) && strings.Contains(strings.ToLower(reply.Error()), "unknown command") {
		return errNoSharded
	}
	if errors.Is(err, kv.ErrClosed) {
		return ErrClosed
	}
	return err
}

func (r *viaRedis) Close() error {
	r.hub.close()
	r.stop()
	r.done.Wait()
	return r.redis.Close()
}
