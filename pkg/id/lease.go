package id

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"

	"tiktok/pkg/lifecycle"
)

const (
	// leaseTTL is how long a node stays with a replica that is not heard of.
	leaseTTL = 5 * time.Minute
	// callTimeout bounds one call of etcd.
	callTimeout = 3 * time.Second
)

var (
	// ErrNoNode means that all 64 nodes of the service belong to running replicas.
	ErrNoNode = errors.New("id: all nodes are taken")
	// ErrLost means that the node does not belong to this process any more.
	ErrLost = errors.New("id: the node is lost")
)

// Lease is one of the 64 nodes of a service, held in etcd under /tiktok/id/<service>/<node>.
//
// Two keys make it safe. The first, bound to an etcd lease, says who owns the node. The second, <node>/until, stays
// forever: no id of this node is newer than it. The owner moves it into the future before its generator may go there,
// and the next owner begins only when its own clock has passed it. So even a process that was frozen for an hour, or
// a machine whose clock is wrong, makes no id twice.
type Lease struct {
	cli   *clientv3.Client
	gen   *Generator
	node  int
	owner string // the key
	until string // the key
	ttl   time.Duration

	etcd     clientv3.LeaseID
	revision int64     // at which the owner key was made: proves that it is still ours
	floorMs  int64     // what until was before
	renewed  time.Time // when the last renewal that worked was begun
}

// AcquireNode takes the smallest node of the service that is free and whose former ids are all in the past. When every
// free node has ids in the future (its owner died within the last minutes) it waits for the first of them. It returns
// ErrNoNode when none is free. Keep the node with Run, make ids with Generator.
func AcquireNode(ctx context.Context, cli *clientv3.Client, service string) (*Lease, error) {
	return acquire(ctx, cli, service, leaseTTL)
}

// acquire is AcquireNode with another time to live, whole seconds, for tests.
func acquire(ctx context.Context, cli *clientv3.Client, service string, ttl time.Duration) (*Lease, error) {
	if service == "" || strings.Contains(service, "/") {
		return nil, fmt.Errorf("id: bad service name %q", service)
	}
	grant, err := cli.Grant(ctx, int64(ttl/time.Second))
	if err != nil {
		return nil, fmt.Errorf("id: lease for %s: %w", service, err)
	}
	l, err := take(ctx, cli, service, ttl, grant.ID)
	if err != nil {
		_, revokeErr := cli.Revoke(context.WithoutCancel(ctx), grant.ID)
		return nil, errors.Join(fmt.Errorf("id: node for %s: %w", service, err), revokeErr)
	}
	return l, nil
}

// take tries the free nodes in order until one is ours.
func take(ctx context.Context, cli *clientv3.Client, service string, ttl time.Duration, etcd clientv3.LeaseID) (*Lease, error) {
	for {
		free, err := freeNodes(ctx, cli, service)
		if err != nil {
			return nil, err
		}
		if len(free) == 0 {
			return nil, ErrNoNode
		}
		soonest := free[0].untilMs
		for _, n := range free {
			soonest = min(soonest, n.untilMs)
			if n.untilMs >= clockMs() {
				continue
			}
			l := newLease(cli, service, n, ttl, etcd)
			ok, err := l.claim(ctx, n.untilRevision)
			if err != nil {
				return nil, err
			}
			if ok {
				return l, nil
			}
		}
		// Others were faster, or all are too new. Keep our own etcd lease alive for the time of waiting.
		if _, err := cli.KeepAliveOnce(ctx, etcd); err != nil {
			return nil, err
		}
		pause := min(max(soonest-clockMs()+1, 0), ttl.Milliseconds()/3)
		if !lifecycle.Pause(ctx, time.Duration(pause)*time.Millisecond) {
			return nil, ctx.Err()
		}
	}
}

// node is a node of which no one is the owner.
type node struct {
	number        int
	untilMs       int64 // 0 when it was never used
	untilRevision int64 // 0 when it was never used
}

// freeNodes reads the state of all nodes in one call.
func freeNodes(ctx context.Context, cli *clientv3.Client, service string) ([]node, error) {
	prefix := servicePrefix(service)
	resp, err := cli.Get(ctx, prefix, clientv3.WithPrefix())
	if err != nil {
		return nil, err
	}
	var owned [Nodes]bool
	all := make([]node, Nodes)
	for i := range all {
		all[i] = node{number: i}
	}
	for _, kv := range resp.Kvs {
		name, isUntil := strings.CutSuffix(strings.TrimPrefix(string(kv.Key), prefix), untilSuffix)
		i, err := strconv.Atoi(name)
		if err != nil || i < 0 || i >= Nodes {
			continue // not of ours
		}
		if !isUntil {
			owned[i] = true
			continue
		}
		ms, err := strconv.ParseInt(string(kv.Value), 10, 64)
		if err != nil {
			return nil, fmt.Errorf("bad value of %s: %w", kv.Key, err)
		}
		all[i].untilMs, all[i].untilRevision = ms, kv.ModRevision
	}
	free := all[:0]
	for _, n := range all {
		if !owned[n.number] {
			free = append(free, n)
		}
	}
	return free, nil
}

const untilSuffix = "/until"

// LeasePrefix begins the keys of node numbers in etcd.
const LeasePrefix = "/tiktok/id/"

func servicePrefix(service string) string { return LeasePrefix + service + "/" }

func newLease(cli *clientv3.Client, service string, n node, ttl time.Duration, etcd clientv3.LeaseID) *Lease {
	key := servicePrefix(service) + strconv.Itoa(n.number)
	g := New(n.number)
	g.limit(-1)
	g.startAfter(n.untilMs) // should our clock be set back from now on
	return &Lease{
		cli: cli, gen: g, node: n.number, owner: key, until: key + untilSuffix, ttl: ttl, etcd: etcd, floorMs: n.untilMs,
	}
}

// claim makes the node ours unless somebody took or used it since we looked.
func (l *Lease) claim(ctx context.Context, untilRevision int64) (ok bool, err error) {
	begun, until := time.Now(), l.nextUntil()
	resp, err := l.cli.Txn(ctx).
		If(clientv3.Compare(clientv3.CreateRevision(l.owner), "=", 0),
			clientv3.Compare(clientv3.ModRevision(l.until), "=", untilRevision)).
		Then(clientv3.OpPut(l.owner, who(), clientv3.WithLease(l.etcd)),
			clientv3.OpPut(l.until, strconv.FormatInt(until, 10))).
		Commit()
	if err != nil || !resp.Succeeded {
		return false, err
	}
	l.revision, l.renewed = resp.Header.Revision, begun
	l.gen.limit(until)
	return true, nil
}

// Generator makes ids with this node. It blocks rather than go beyond what the lease covers.
func (l *Lease) Generator() *Generator { return l.gen }

// Run keeps the node until ctx ends, then returns nil. It returns an error when the node is lost, or was not renewed
// for so long that it will be soon: the process must stop then. etcd may be away for three minutes.
func (l *Lease) Run(ctx context.Context) error {
	pause := l.ttl / 3
	for {
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-timer.C:
		case <-l.gen.short: // the clock was put forward
			timer.Stop()
		}
		begun := time.Now()
		err := l.renew(ctx)
		switch {
		case err == nil:
			l.renewed, pause = begun, l.ttl/3
		case ctx.Err() != nil:
			return nil //nolint:nilerr // stopped in the middle of a call
		case errors.Is(err, ErrLost):
			return fmt.Errorf("%w: %s", err, l.owner)
		case time.Since(l.renewed) > l.ttl*2/3:
			return fmt.Errorf("id: %s was not renewed for %v: %w", l.owner, time.Since(l.renewed).Round(time.Second), err)
		default:
			pause = l.ttl / 60
		}
	}
}

// renew moves the limit of the generator and the end of the lease into the future.
func (l *Lease) renew(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	until := l.nextUntil()
	if err := l.ifOurs(ctx, clientv3.OpPut(l.until, strconv.FormatInt(until, 10))); err != nil {
		return err
	}
	l.gen.limit(until)
	_, err := l.cli.KeepAliveOnce(ctx, l.etcd)
	if errors.Is(err, rpctypes.ErrLeaseNotFound) {
		return ErrLost
	}
	return err
}

// Close gives the node back at once, after Run has returned. Its generator stops for good: close what makes ids before.
// The next owner waits only until its clock has passed the newest id.
func (l *Lease) Close(ctx context.Context) error {
	l.gen.limit(-1) // first, so that what lastMs tells stays true
	ops := []clientv3.Op{clientv3.OpDelete(l.owner)}
	if last := l.gen.lastMs(); last > l.floorMs {
		ops = append(ops, clientv3.OpPut(l.until, strconv.FormatInt(last, 10)))
	} // else the ids were not made by our generator, and nobody knows how far they went
	err := l.ifOurs(ctx, ops...)
	if errors.Is(err, ErrLost) {
		err = nil // nothing to give back
	}
	_, revokeErr := l.cli.Revoke(ctx, l.etcd)
	if errors.Is(revokeErr, rpctypes.ErrLeaseNotFound) {
		revokeErr = nil
	}
	if err := errors.Join(err, revokeErr); err != nil {
		return fmt.Errorf("id: give back %s: %w", l.owner, err)
	}
	return nil
}

// ifOurs does all of ops if the node is still ours; else nothing, and it returns ErrLost.
func (l *Lease) ifOurs(ctx context.Context, ops ...clientv3.Op) error {
	resp, err := l.cli.Txn(ctx).If(clientv3.Compare(clientv3.CreateRevision(l.owner), "=", l.revision)).Then(ops...).Commit()
	if err != nil {
		return err
	}
	if !resp.Succeeded {
		return ErrLost
	}
	return nil
}

// nextUntil is one time to live from now, or from the generator's own clock when that is ahead.
func (l *Lease) nextUntil() int64 {
	return max(l.gen.nowMs(), l.gen.lastMs()) + l.ttl.Milliseconds()
}

// who names this process for people who look into etcd.
func who() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return host + ":" + strconv.Itoa(os.Getpid())
}
