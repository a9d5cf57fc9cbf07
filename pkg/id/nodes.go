package id

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// untilSuffix ends the key that says up to when a node's ids may be.
const untilSuffix = "/until"

// LeasePrefix begins the keys of node numbers in etcd, of a deployment whose keys begin with prefix.
func LeasePrefix(prefix string) string { return prefix + "/id/" }

// key is the owner's, of that node.
func (l *Lease) key(node int) string {
	return LeasePrefix(l.cfg.Prefix) + l.cfg.Service + "/" + strconv.Itoa(node)
}

// node is a node as it was read.
type node struct {
	number        int
	owned         bool
	untilMs       int64 // 0 when it was never used
	untilRevision int64 // 0 when it was never used

	// old is the node of before that has the same ids, group the nodes whose ids it has.
	old   oldNode
	group []node
	// floorMs is what its ids must be above. 0 for the one that was ours: the generator knows.
	floorMs int64
}

// free are the nodes that may be taken now, the greatest first, before all others the one that was ours if nobody has used it since.
// soonest is when the first of those may be that have no owner and are too new.
func (l *Lease) free(ctx context.Context) (free []node, soonestMs int64, err error) {
	all, err := l.read(ctx)
	if err != nil {
		return nil, 0, err
	}
	old, err := l.readOld(ctx)
	if err != nil {
		return nil, 0, err
	}
	now, unowned := clockMs(), 0
	for i := len(all) - 1; i >= 0; i-- {
		n := all[i]
		n.old = old[i/perOld]
		n.group = all[i/perOld*perOld:][:perOld]
		if n.owned || n.old.owned {
			continue
		}
		n.floorMs = max(n.untilMs, n.old.untilMs)
		if unowned++; unowned == 1 {
			soonestMs = n.floorMs
		}
		soonestMs = min(soonestMs, n.floorMs)
		switch {
		case l.ours(n):
			n.floorMs = 0
			free = slices.Insert(free, 0, n)
		case n.floorMs < now:
			free = append(free, n)
		}
	}
	if unowned == 0 {
		return nil, 0, ErrNoNode
	}
	return free, soonestMs, nil
}

// ours says that a node that was ours has been used by nobody since, also when etcd has lost all that it knew.
func (l *Lease) ours(n node) bool {
	if l.owned.etcd == 0 || n.number != l.owned.node || n.owned || n.old.owned || n.old.revision != 0 {
		return false
	}
	return n.untilRevision == 0 || n.untilRevision == l.owned.untilRevision && n.untilMs <= l.owned.untilMs
}

// read reads the state of all nodes in one call.
func (l *Lease) read(ctx context.Context) ([]node, error) {
	all := make([]node, Nodes)
	for i := range all {
		all[i].number = i
	}
	prefix := LeasePrefix(l.cfg.Prefix) + l.cfg.Service + "/"
	resp, err := l.cli.Get(ctx, prefix, clientv3.WithPrefix())
	if err != nil {
		return nil, err
	}
	for _, kv := range resp.Kvs {
		i, isUntil, ok := parseKey(kv, prefix, Nodes)
		switch {
		case !ok:
		case !isUntil:
			all[i].owned = true
		default:
			if all[i].untilMs, err = parseUntil(kv); err != nil {
				return nil, err
			}
			all[i].untilRevision = kv.ModRevision
		}
	}
	return all, nil
}

// parseKey says which of so many nodes a key is of, and which of its two keys it is. It is not ok when it is of none.
func parseKey(kv *mvccpb.KeyValue, prefix string, nodes int) (number int, isUntil, ok bool) {
	name, isUntil := strings.CutSuffix(strings.TrimPrefix(string(kv.Key), prefix), untilSuffix)
	number, err := strconv.Atoi(name)
	return number, isUntil, err == nil && number >= 0 && number < nodes
}

func parseUntil(kv *mvccpb.KeyValue) (int64, error) {
	ms, err := strconv.ParseInt(string(kv.Value), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("bad value of %s: %w", kv.Key, err)
	}
	return ms, nil
}

// who names this process for people who look into etcd.
func who() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return host + ":" + strconv.Itoa(os.Getpid())
}
