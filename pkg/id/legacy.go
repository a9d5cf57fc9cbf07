package id

import (
	"context"
	"errors"
	"strconv"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// Processes of before ids had nodes of 8 bits make them with 6 bits of node and 7 of sequence, and lease their nodes, the smallest
// first, under LegacyPrefix. The ids of such a node are those of four nodes of now: 4n to 4n+3. During a rolling update both kinds
// run side by side, so a node is taken only of a group whose old node is retired: in the transaction that takes the first of them,
// the old node has no owner, its ids are in the past and nobody has used it since that was seen, and its "until" becomes a time that
// never comes. By their own rules, the processes of before never take it again. docs/adr/0029-node-ids.md has the argument.
const (
	// LegacyPrefix begins the keys of node numbers of before.
	LegacyPrefix = "/tiktok/id/"

	oldNodes = 64
	// perOld is how many nodes of now have the ids of one of before.
	perOld = Nodes / oldNodes
	// retiredMs is beyond what an id can hold.
	retiredMs = 1 << 52
)

// oldNode is a node of before, as it was read.
type oldNode struct {
	number   int
	owned    bool
	untilMs  int64 // 0 when it was never used, or is retired
	revision int64 // of that, 0 when it was never used
	retired  bool
}

func (l *Lease) oldKey(number int) string {
	return LegacyPrefix + l.cfg.Service + "/" + strconv.Itoa(number)
}

// readOld reads the state of the nodes of before. Who may not read them is no process of before, nor is any other with that login: for
// it all of them are retired.
func (l *Lease) readOld(ctx context.Context) ([]oldNode, error) {
	all := make([]oldNode, oldNodes)
	for i := range all {
		all[i].number = i
	}
	prefix := LegacyPrefix + l.cfg.Service + "/"
	resp, err := l.cli.Get(ctx, prefix, clientv3.WithPrefix())
	if errors.Is(err, rpctypes.ErrPermissionDenied) {
		for i := range all {
			all[i].retired = true
		}
		return all, nil
	}
	if err != nil {
		return nil, err
	}
	for _, kv := range resp.Kvs {
		i, isUntil, ok := parseKey(kv, prefix, oldNodes)
		switch {
		case !ok:
		case !isUntil:
			all[i].owned = true
		default:
			ms, err := parseUntil(kv)
			if err != nil {
				return nil, err
			}
			if ms >= retiredMs {
				all[i].retired = true
				continue
			}
			all[i].untilMs, all[i].revision = ms, kv.ModRevision
		}
	}
	return all, nil
}

// retire is what the transaction that takes n has in it so that n's old node is and stays retired: nothing when it is.
func (l *Lease) retire(n node) (conditions []clientv3.Cmp, ops []clientv3.Op) {
	if n.old.retired {
		return nil, nil
	}
	owner := l.oldKey(n.old.number)
	conditions = []clientv3.Cmp{
		clientv3.Compare(clientv3.CreateRevision(owner), "=", 0),
		clientv3.Compare(clientv3.ModRevision(owner+untilSuffix), "=", n.old.revision),
	}
	ops = []clientv3.Op{clientv3.OpPut(owner+untilSuffix, strconv.FormatInt(retiredMs, 10))}
	for _, other := range n.group {
		if other.number == n.number || other.untilMs >= n.old.untilMs {
			continue
		}
		// What was known of the old node is known of these from now on: their ids begin above its.
		until := l.key(other.number) + untilSuffix
		conditions = append(conditions, clientv3.Compare(clientv3.ModRevision(until), "=", other.untilRevision))
		ops = append(ops, clientv3.OpPut(until, strconv.FormatInt(n.old.untilMs, 10)))
	}
	return conditions, ops
}
