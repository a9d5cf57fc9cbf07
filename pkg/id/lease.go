package id

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"

	"tiktok/pkg/lifecycle"
)

const (
	// callTimeout bounds one call of etcd.
	callTimeout = 3 * time.Second
	// minCover and maxCover bound, in lives of a lease, how far ahead a process that has renewed its node may make ids.
	minCover, maxCover = 6, 288
	// maxAmong is how many free nodes a process that others were faster than chooses among.
	maxAmong = 32
)

var (
	// ErrNoNode means that all 256 nodes of the service belong to running replicas.
	ErrNoNode = errors.New("id: all nodes are taken")
	// errLost means that the node does not belong to this process any more.
	errLost = errors.New("id: the node is lost")
)

// Config says which nodes a process may take.
type Config struct {
	// Prefix starts the keys in etcd: <Prefix>/id/<Service>/<node>.
	Prefix string
	// Service is whose ids they are: no two of its processes make one id.
	Service string
	// Life is how long etcd keeps a node for a process that it does not hear of, in whole seconds, 2 s or more.
	Life time.Duration
	// Log is told when the node is not renewed, is renewed again, or is another one.
	Log *slog.Logger
}

// Lease is one of the 256 nodes of a service, held in etcd.
//
// Two keys make it safe. The first, bound to an etcd lease, says who owns the node. The second, <node>/until, stays
// forever: no id of this node is newer than it. The owner moves it into the future before its generator may go there,
// and the next owner begins only when its own clock has passed it, and above it. So even a process that was frozen for an hour, or
// a machine whose clock is wrong, makes no id twice; and an owner that etcd does not hear of may go on up to there.
//
// That is one life of the etcd lease ahead when a process has just started, and with the first renewal as long as it has run,
// within 6 and 288 lives (half an hour and a day, of 5 minutes). So processes that end soon, again and again, do not keep many
// nodes from others. docs/adr/0029-node-ids.md has the argument.
type Lease struct {
	cli  *clientv3.Client
	cfg  Config
	gen  *Generator
	born time.Time

	// Of Run, and of Close after it.
	owned owned

	mu      sync.Mutex
	renewed time.Time // when the last renewal that worked was begun
	nodes   int       // how many were taken
}

// owned is what a process has in etcd.
type owned struct {
	node     int
	etcd     clientv3.LeaseID
	revision int64 // at which the owner key was made: proves that it is still ours
	untilMs  int64 // the latest that was written, or may have been
	// untilRevision is that of the latest write of it that is known to have worked.
	untilRevision int64
}

// AcquireNode takes the greatest node of the service that is free and whose former ids are all in the past. When every
// free node has ids in the future (its owner died lately) it waits for the first of them. It returns
// ErrNoNode when none is free. Keep the node with Run, make ids with Generator.
func AcquireNode(ctx context.Context, cli *clientv3.Client, cfg Config) (*Lease, error) {
	if cfg.Service == "" || strings.Contains(cfg.Service, "/") {
		return nil, fmt.Errorf("id: bad service name %q", cfg.Service)
	}
	l := &Lease{cli: cli, cfg: cfg, gen: New(0), born: time.Now()}
	l.gen.limit(-1)
	if err := l.acquire(ctx); err != nil {
		return nil, err
	}
	return l, nil
}

// acquire gives the generator a node, the first or another one.
func (l *Lease) acquire(ctx context.Context) error {
	grant, err := l.cli.Grant(ctx, int64(l.cfg.Life/time.Second))
	if err != nil {
		return fmt.Errorf("id: lease for %s: %w", l.cfg.Service, err)
	}
	if err := l.take(ctx, grant.ID); err != nil {
		_, revokeErr := l.cli.Revoke(context.WithoutCancel(ctx), grant.ID)
		return errors.Join(fmt.Errorf("id: node for %s: %w", l.cfg.Service, err), revokeErr)
	}
	return nil
}

// take tries free nodes until one is ours: the first, and when somebody was faster one of the first two, four and so on, so that many
// processes that start at once are not in each other's way for long.
func (l *Lease) take(ctx context.Context, etcd clientv3.LeaseID) error {
	for among := 1; ; among = min(2*among, maxAmong) {
		free, soonest, err := l.free(ctx)
		if err != nil {
			return err
		}
		if len(free) > 0 {
			n := free[rand.IntN(min(among, len(free)))] //nolint:gosec // nothing is secret
			if ok, err := l.claim(ctx, n, etcd); ok || err != nil {
				return err
			}
			continue
		}
		among = 1
		// All are too new. Keep our own etcd lease alive for the time of waiting.
		if _, err := l.cli.KeepAliveOnce(ctx, etcd); err != nil {
			return err
		}
		pause := min(max(soonest-clockMs()+1, 0), l.cfg.Life.Milliseconds()/3)
		if !lifecycle.Pause(ctx, time.Duration(pause)*time.Millisecond) {
			return ctx.Err()
		}
	}
}

// claim makes the node ours unless somebody took or used it since we looked.
func (l *Lease) claim(ctx context.Context, n node, etcd clientv3.LeaseID) (ok bool, err error) {
	begun := time.Now()
	until := max(l.gen.nowMs(), l.gen.lastMs(), n.floorMs) + l.cfg.Life.Milliseconds()
	if l.ours(n) {
		until = max(until, l.owned.untilMs) // for the reason that renew has
	}
	conditions, ops := l.retire(n)
	owner := l.key(n.number)
	resp, err := l.cli.Txn(ctx).
		If(append(conditions, clientv3.Compare(clientv3.CreateRevision(owner), "=", 0),
			clientv3.Compare(clientv3.ModRevision(owner+untilSuffix), "=", n.untilRevision))...).
		Then(append(ops, clientv3.OpPut(owner, who(), clientv3.WithLease(etcd)),
			clientv3.OpPut(owner+untilSuffix, strconv.FormatInt(until, 10)))...).
		Commit()
	if err != nil || !resp.Succeeded {
		return false, err
	}
	at := resp.Header.Revision
	l.owned = owned{node: n.number, etcd: etcd, revision: at, untilMs: until, untilRevision: at}
	l.gen.move(n.number, n.floorMs, until)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.renewed = begun
	l.nodes++
	return true, nil
}

// Generator makes ids with this node, and with another one when this one is lost. It refuses to go beyond what the lease covers.
func (l *Lease) Generator() *Generator { return l.gen }

// Run keeps the node until ctx ends, then returns nil. While etcd is away it tries on, and when etcd is back but the node is
// not ours any more it takes another one.
func (l *Lease) Run(ctx context.Context) error {
	pause, short, late := l.cfg.Life/3, l.gen.short, false
	for {
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-timer.C:
		case <-short: // the clock was put forward
			timer.Stop()
		}
		err := l.keep(ctx)
		switch {
		case err == nil && late:
			l.cfg.Log.InfoContext(ctx, "the node number of ids is renewed again", "node", l.Node())
			fallthrough
		case err == nil:
			pause, short, late = l.cfg.Life/3, l.gen.short, false
		case ctx.Err() != nil:
			return nil //nolint:nilerr // stopped in the middle of a call
		default:
			if !late {
				l.cfg.Log.WarnContext(ctx, "the node number of ids is not renewed", "node", l.Node(), "covered", l.Covered().String(), "err", err)
			}
			pause, short, late = l.cfg.Life/60, nil, true // who asks does not make etcd come back
		}
	}
}

// keep renews the node, or takes another one.
func (l *Lease) keep(ctx context.Context) error {
	err := l.renew(ctx)
	if !errors.Is(err, errLost) {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, max(callTimeout, l.cfg.Life/3))
	defer cancel()
	lost := l.Node()
	if err := l.acquire(ctx); err != nil {
		return err // meanwhile the limit of the lost node holds: its next owner begins above that
	}
	l.cfg.Log.WarnContext(ctx, "the node number of ids was lost, another one is taken", "lost", lost, "node", l.Node())
	return nil
}

// renew moves the limit of the generator and the end of the lease into the future.
func (l *Lease) renew(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	begun, cover := time.Now(), min(max(time.Since(l.born), minCover*l.cfg.Life), maxCover*l.cfg.Life)
	// Never less than before: were we stopped between the write and the new limit, the old limit would be above what is written.
	until := max(l.owned.untilMs, max(l.gen.nowMs(), l.gen.lastMs())+cover.Milliseconds())
	l.owned.untilMs = until
	at, err := l.ifOurs(ctx, clientv3.OpPut(l.key(l.owned.node)+untilSuffix, strconv.FormatInt(until, 10)))
	if err != nil {
		return err
	}
	l.owned.untilRevision = at
	l.gen.limit(until)
	l.mu.Lock()
	l.renewed = begun
	l.mu.Unlock()
	_, err = l.cli.KeepAliveOnce(ctx, l.owned.etcd)
	if errors.Is(err, rpctypes.ErrLeaseNotFound) {
		return errLost
	}
	return err
}

// Close gives the node back at once, after Run has returned. Its generator refuses from then on: close what makes ids before.
// The next owner waits only until its clock has passed the newest id.
func (l *Lease) Close(ctx context.Context) error {
	l.gen.limit(-1) // first, so that what lastMs tells stays true
	owner := l.key(l.owned.node)
	_, err := l.ifOurs(ctx, clientv3.OpDelete(owner), clientv3.OpPut(owner+untilSuffix, strconv.FormatInt(l.gen.lastMs(), 10)))
	if errors.Is(err, errLost) {
		err = nil // nothing to give back
	}
	_, revokeErr := l.cli.Revoke(ctx, l.owned.etcd)
	if errors.Is(revokeErr, rpctypes.ErrLeaseNotFound) {
		revokeErr = nil
	}
	if err := errors.Join(err, revokeErr); err != nil {
		return fmt.Errorf("id: give back %s: %w", owner, err)
	}
	return nil
}

// ifOurs does all of ops if the node is still ours, and returns their revision; else nothing, and it returns errLost.
func (l *Lease) ifOurs(ctx context.Context, ops ...clientv3.Op) (revision int64, err error) {
	owner := l.key(l.owned.node)
	resp, err := l.cli.Txn(ctx).If(clientv3.Compare(clientv3.CreateRevision(owner), "=", l.owned.revision)).Then(ops...).Commit()
	if err != nil {
		return 0, err
	}
	if !resp.Succeeded {
		return 0, errLost
	}
	return resp.Header.Revision, nil
}
