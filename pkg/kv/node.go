package kv

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	// maxFailures in a row and a node of Redis is taken as away. One that says nothing at all for the time of an operation is so at once.
	maxFailures = 3
	// probeMin is between the first two pings of a node that is away, pauseMax between later ones.
	probeMin = 50 * time.Millisecond
	// grace is for how long nothing is read from a node that has taken keys over, or was away. The other processes find it at about
	// the same time, and first write the tombstones that they could not write before. They have tried that, like this process its
	// pings, at growing pauses: after a short while away, graceMin or twice that while is enough.
	grace    = 3 * time.Second
	graceMin = 200 * time.Millisecond
	// takesOver is less than others take to replace a node.
	takesOver = time.Second
)

// errAway says that an operation was not sent, because the node has not answered others.
var errAway = errors.New("redis does not answer, not tried again yet")

// errDoubted says that what a key holds is not to be trusted.
var errDoubted = errors.New("redis may have lost what was invalidated")

// call is one operation on Redis, which may be several commands to several nodes. Nodes find it in their context. The client's own
// context has no deadline: when that passes, a Cluster's client forgets what the other nodes have answered.
type call struct {
	// ctx has the deadline.
	ctx context.Context //nolint:containedctx // it is that of the operation
	// caller, if not nil, ends when nobody waits any more: from then on a failure says nothing about the node.
	caller context.Context //nolint:containedctx // likewise
	// read is of values that tombstones protect.
	read bool
	// probe goes to nodes that are away, too.
	probe bool
	// own is of the client itself, which asks for the nodes.
	own bool
	// sent says that commands have been sent, so an error does not mean that nothing was done.
	sent atomic.Bool
}

type callKey struct{}

// with makes the call that of ctx, which has its deadline, and returns the context for the client.
func (c *call) with(ctx context.Context) context.Context {
	c.ctx = context.WithValue(ctx, callKey{}, c)
	return context.WithoutCancel(c.ctx)
}

// node is the circuit breaker of one server: one that does not answer must not add its timeout to every request, nor its silence
// to what other nodes answer. Nobody's request tries it out: while it is away it is pinged in the background.
type node struct {
	redis    *Redis
	client   redis.UniversalClient
	failures atomic.Int32
	away     atomic.Bool
	// Times since Redis.start: when it last answered anything; when it last answered an operation, on a Cluster as the master of the
	// keys; and from when on what it holds is trusted.
	answered, served, trusted atomic.Int64
}

var _ redis.Hook = (*node)(nil)

// watch puts a circuit breaker before client, which is one server or the master that Sentinels know.
func (r *Redis) watch(client redis.UniversalClient) { client.AddHook(&node{redis: r, client: client}) }

// DialHook implements redis.Hook.
func (n *node) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) { return next(ctx, network, addr) }
}

// ProcessHook implements redis.Hook.
func (n *node) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		c, end, err := n.begin(ctx)
		if err != nil {
			return err
		}
		defer end()
		began := n.redis.now()
		err = next(c.ctx, cmd)
		n.note(c, began, err)
		return err
	}
}

// ProcessPipelineHook implements redis.Hook.
func (n *node) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		c, end, err := n.begin(ctx)
		if err != nil {
			for _, cmd := range cmds {
				cmd.SetErr(err)
			}
			return err
		}
		defer end()
		began := n.redis.now()
		err = next(c.ctx, cmds)
		n.note(c, began, err)
		if n.redis.cluster != nil { // which takes redirections out of the error
			for _, cmd := range cmds {
				if isMoved(cmd.Err()) {
					n.redis.changed()
					break
				}
			}
		}
		return err
	}
}

// begin returns the call that ctx is of, or an error if nothing is to be sent. What the client asks for itself has no call yet.
func (n *node) begin(ctx context.Context) (c *call, end context.CancelFunc, err error) {
	c, _ = ctx.Value(callKey{}).(*call)
	end = func() {}
	if c == nil {
		ctx, end = context.WithTimeout(ctx, n.redis.timeout)
		c = &call{own: true}
		c.with(ctx)
	}
	if err = c.ctx.Err(); err == nil && n.away.Load() && !c.probe {
		err = errAway
		if c.sent.Load() {
			err = context.DeadlineExceeded // as for one that was sent and not answered
		}
	}
	if err != nil {
		end()
		return nil, nil, err
	}
	if !c.probe && !c.own {
		now := n.redis.now()
		if n.isNew(now) {
			n.redis.doubt()
		}
		if c.read && now < n.trusted.Load() {
			end()
			return nil, nil, errDoubted
		}
	}
	c.sent.Store(true)
	return c, end, nil
}

// isNew reports that the node serves what it may not have served before: one has failed since it was last used, or it is a Cluster's
// that has come later than the first ones. Then it is not trusted for a while.
func (n *node) isNew(now int64) bool {
	n.redis.first.CompareAndSwap(0, now)
	served, event := n.served.Load(), n.redis.event.Load()
	late := served == 0 && n.redis.cluster != nil && now-n.redis.first.Load() > int64(grace)
	replaced := event > 0 && (served == 0 || served < event-int64(takesOver))
	if !late && !replaced || !n.served.CompareAndSwap(served, now) {
		return false
	}
	n.distrust(now + int64(grace))
	return true
}

// distrust makes the node trusted again at that time, or later if it was to be.
func (n *node) distrust(until int64) {
	for {
		old := n.trusted.Load()
		if old >= until || n.trusted.CompareAndSwap(old, until) {
			return
		}
	}
}

// note counts how a command ended.
func (n *node) note(c *call, began int64, err error) {
	switch {
	case err == nil || isReply(err):
		n.failures.Store(0)
		now := n.redis.now()
		n.answered.Store(now)
		switch {
		case isMoved(err):
			n.redis.changed()
		case err != nil && strings.HasPrefix(err.Error(), "CLUSTERDOWN"):
			n.redis.reload()
		case !c.own && !c.probe:
			n.served.Store(now)
		}
	case errors.Is(err, redis.ErrClosed), errors.Is(err, ErrClosed), c.caller != nil && c.caller.Err() != nil, errors.Is(err, errAway):
	default:
		failures := n.failures.Add(1)
		if failures == 1 {
			n.redis.doubt()
		}
		n.redis.reload()
		silent := isTimeout(err) && n.answered.Load() < began
		if (failures >= maxFailures || silent) && n.away.CompareAndSwap(false, true) {
			n.redis.event.Store(n.redis.now())
			n.redis.background(n.probe)
		}
	}
}

// probe pings the node until it answers, or until nobody needs it any more.
func (n *node) probe(ctx context.Context) {
	began := n.redis.now()
	keepTrying(ctx, probeMin, func() error {
		ctx, end := context.WithTimeout(ctx, n.redis.timeout)
		defer end()
		c := &call{probe: true}
		err := n.client.Ping(c.with(ctx)).Err()
		if errors.Is(err, redis.ErrClosed) || isReply(err) {
			return nil
		}
		return err
	})
	now := n.redis.now()
	n.distrust(now + min(int64(grace), max(int64(graceMin), 2*(now-began))))
	n.served.Store(now)
	n.failures.Store(0)
	n.away.Store(false)
}

// isReply reports that Redis itself answered the error: the server is there.
func isReply(err error) bool {
	var reply redis.Error
	return errors.As(err, &reply)
}

func isMoved(err error) bool { return err != nil && strings.HasPrefix(err.Error(), "MOVED ") }

func isTimeout(err error) bool {
	var t interface{ Timeout() bool }
	return errors.As(err, &t) && t.Timeout()
}
