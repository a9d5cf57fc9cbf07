package id

import (
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// before is a process of before: it takes the smallest node that its own rules let it, and makes ids of 6 bits of node and 7 of sequence.
type before struct {
	node int
	last int64 // the tick
}

// takeBefore is what such a process does when it starts, -1 when no node is free for it.
func takeBefore(t *testing.T, cli *clientv3.Client, service string, until time.Time) *before {
	t.Helper()
	for node := range oldNodes {
		key := LegacyPrefix + service + "/" + strconv.Itoa(node)
		have, err := cli.Get(t.Context(), key, clientv3.WithPrefix())
		if err != nil {
			t.Fatal(err)
		}
		var untilMs, revision, floor int64
		owned := false
		for _, kv := range have.Kvs {
			switch string(kv.Key) {
			case key:
				owned = true
			case key + untilSuffix:
				if untilMs, err = strconv.ParseInt(string(kv.Value), 10, 64); err != nil {
					t.Fatal(err)
				}
				revision, floor = kv.ModRevision, untilMs
			}
		}
		if owned || untilMs >= clockMs() {
			continue
		}
		done, err := cli.Txn(t.Context()).
			If(clientv3.Compare(clientv3.CreateRevision(key), "=", 0), clientv3.Compare(clientv3.ModRevision(key+untilSuffix), "=", revision)).
			Then(clientv3.OpPut(key, "somebody"), clientv3.OpPut(key+untilSuffix, strconv.FormatInt(until.UnixMilli()-epochMs, 10))).
			Commit()
		if err != nil {
			t.Fatal(err)
		}
		if done.Succeeded {
			return &before{node: node, last: (floor+1)<<7 - 1}
		}
	}
	return nil
}

func (b *before) next() int64 {
	b.last = max(b.last+1, clockMs()<<7)
	return b.last>>7<<13 | int64(b.node)<<7 | b.last&127
}

// During a rolling update processes of both kinds start and run side by side, as many as there are places for: no id is made twice.
func TestRollingUpdate(t *testing.T) {
	cli, service := etcd(t)
	const old, now = 30, 90
	cfg := settings(service)
	cfg.Life = time.Minute
	var mu sync.Mutex
	var olds []*before
	var leases []*Lease
	var wg sync.WaitGroup
	for i := range max(old, now) {
		if i < old {
			wg.Go(func() {
				if b := takeBefore(t, cli, service, time.Now().Add(5*time.Minute)); b != nil {
					mu.Lock()
					defer mu.Unlock()
					olds = append(olds, b)
				}
			})
		}
		if i < now {
			wg.Go(func() {
				l, err := AcquireNode(t.Context(), cli, cfg)
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				defer mu.Unlock()
				leases = append(leases, l)
			})
		}
	}
	wg.Wait()
	if t.Failed() {
		return
	}
	// Those of now take nodes of (90 + 32) / 4 places of before at most, so there is one for each of before.
	if len(olds) != old || len(leases) != now {
		t.Errorf("%d of before and %d of now run", len(olds), len(leases))
	}
	taken := map[int]bool{}
	for _, b := range olds {
		taken[b.node] = true
	}
	var ids []int64
	for _, l := range leases {
		if taken[l.Node()/perOld] {
			t.Errorf("node %d has the ids of one of before", l.Node())
		}
	}
	for range 300 { // in the same milliseconds, all the numbers that there are
		for _, b := range olds {
			ids = append(ids, b.next())
		}
		for _, l := range leases {
			ids = append(ids, next(t, l.Generator()))
		}
	}
	slices.Sort(ids)
	if n := len(slices.Compact(slices.Clone(ids))); n != len(ids) || ids[len(ids)-1] >= 1<<53 {
		t.Errorf("%d of %d ids are double", len(ids)-n, len(ids))
	}
	for _, l := range leases {
		wg.Go(func() { giveBack(t, l) })
	}
	wg.Wait()
	// Given back, the places stay those of now.
	retired := map[int]bool{}
	for _, l := range leases {
		retired[l.Node()/perOld] = true
	}
	more := 0
	for b := takeBefore(t, cli, service, time.Now().Add(time.Hour)); b != nil; b = takeBefore(t, cli, service, time.Now().Add(time.Hour)) {
		if more++; retired[b.node] {
			t.Errorf("one of before takes node %d, which is retired", b.node)
		}
	}
	if want := oldNodes - old - len(retired); more != want {
		t.Errorf("%d more of before find a node, want %d", more, want)
	}
}

// A process of before was killed: who takes a node with its ids waits until they are in the past, and begins above them, whatever the
// clock says then; so does who takes another node with its ids later.
func TestNodeOfBeforeIsRetired(t *testing.T) {
	cli, service := etcd(t)
	occupyAllBut(t, cli, service, 8)
	until := clockMs() + 500
	key := LegacyPrefix + service + "/2" + untilSuffix
	if _, err := cli.Put(t.Context(), key, strconv.FormatInt(until, 10)); err != nil {
		t.Fatal(err)
	}
	first := take(t, cli, service)
	if id := next(t, first.Generator()); first.Node() != 8 || id>>13 <= until {
		t.Errorf("node %d begins at %d ms, the old one was allowed up to %d", first.Node(), id>>13, until)
	}
	if _, err := cli.Delete(t.Context(), first.key(11)); err != nil {
		t.Fatal(err)
	}
	second := take(t, cli, service)
	second.gen.mu.Lock()
	floor := second.gen.last >> seqBits
	second.gen.mu.Unlock()
	if second.Node() != 11 || floor < until {
		t.Errorf("node %d begins above %d ms, the old one was allowed up to %d", second.Node(), floor, until)
	}
	giveBack(t, first)
	giveBack(t, second)
}

// While a process of before has a node, nobody takes one of those with its ids.
func TestNodeOfBeforeIsOwned(t *testing.T) {
	cli, service := etcd(t)
	if _, err := cli.Put(t.Context(), LegacyPrefix+service+"/63", "somebody"); err != nil {
		t.Fatal(err)
	}
	l := take(t, cli, service)
	if l.Node() != 251 {
		t.Errorf("takes node %d", l.Node())
	}
	giveBack(t, l)
}
