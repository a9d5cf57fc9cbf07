package id

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"

	"tiktok/pkg/lifecycle"
)

// ttl is as short as etcd lets it be.
const ttl = 2 * time.Second

// etcd connects to TIKTOK_TEST_ETCD and returns a service name that nobody else uses, cleaned up at the end.
func etcd(t *testing.T) (cli *clientv3.Client, service string) {
	t.Helper()
	addr := os.Getenv("TIKTOK_TEST_ETCD")
	if addr == "" {
		t.Skip("TIKTOK_TEST_ETCD is not set")
	}
	cli = connect(t, addr)
	service = fmt.Sprintf("test%d", time.Now().UnixNano())
	t.Cleanup(func() {
		if _, err := cli.Delete(context.Background(), servicePrefix(service), clientv3.WithPrefix()); err != nil {
			t.Error(err)
		}
		if err := cli.Close(); err != nil {
			t.Error(err)
		}
	})
	return cli, service
}

func TestAcquireManyAtOnce(t *testing.T) {
	cli, service := etcd(t)
	const n = 40
	leases := make([]*Lease, n)
	var wg sync.WaitGroup
	for i := range leases {
		wg.Go(func() {
			l, err := AcquireNode(t.Context(), cli, service)
			if err != nil {
				t.Error(err)
				return
			}
			leases[i] = l
		})
	}
	wg.Wait()
	if t.Failed() {
		return
	}
	var nodes []int
	var ids []int64
	for _, l := range leases {
		nodes = append(nodes, l.node)
		for range 100 {
			ids = append(ids, l.Generator().Next())
		}
	}
	slices.Sort(nodes)
	slices.Sort(ids)
	if len(slices.Compact(nodes)) != n || nodes[0] != 0 || nodes[n-1] != n-1 {
		t.Errorf("not the %d smallest nodes, each once: %v", n, nodes)
	}
	if len(slices.Compact(ids)) != n*100 {
		t.Error("double ids")
	}
	for _, l := range leases {
		wg.Go(func() {
			if err := l.Close(context.Background()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	// At 128 ids a millisecond, nobody is ahead of the clock for longer than the next line takes.
	l, err := AcquireNode(t.Context(), cli, service)
	if err != nil || l.node != 0 {
		t.Fatalf("after all were given back: %v, %v", l, err)
	}
	if err := l.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestNoNodeLeft(t *testing.T) {
	cli, service := etcd(t)
	for i := range Nodes {
		if _, err := cli.Put(t.Context(), servicePrefix(service)+strconv.Itoa(i), "somebody"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := AcquireNode(t.Context(), cli, service); !errors.Is(err, ErrNoNode) {
		t.Fatalf("%v", err)
	}
}

// Ids that some other generator made with the node are unknown to the lease: it does not say that there are none.
func TestCloseWithoutIdsKeepsTheLimit(t *testing.T) {
	cli, service := etcd(t)
	l, err := acquire(t.Context(), cli, service, ttl)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	next, err := acquire(t.Context(), cli, service, ttl)
	if err != nil || next.node == l.node {
		t.Fatalf("%v takes the same node at once, %v", next, err)
	}
	if err := next.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

// The logical clock of a generator under pressure is ahead: who takes over the node must not begin before it.
func TestNextOwnerBeginsAfterTheLastId(t *testing.T) {
	cli, service := etcd(t)
	first, err := acquire(t.Context(), cli, service, ttl)
	if err != nil {
		t.Fatal(err)
	}
	var last int64
	for first.gen.lastMs() < clockMs()+300 {
		last = first.Generator().Next()
	}
	if err := first.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	occupyAllBut(t, cli, service, first.node)
	second, err := acquire(t.Context(), cli, service, ttl)
	if err != nil {
		t.Fatal(err)
	}
	if id := second.Generator().Next(); second.node != first.node || id <= last {
		t.Errorf("node %d begins at %v, the former owner ended at %v", second.node, Time(id), Time(last))
	}
	if time.Now().Before(Time(last)) {
		t.Error("did not wait for the clock")
	}
	if err := second.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

// A process that dies gives nothing back: its node is free when its lease has run out, and its ids are still not made
// again.
func TestOwnerDies(t *testing.T) {
	cli, service := etcd(t)
	dead, err := acquire(t.Context(), cli, service, ttl)
	if err != nil {
		t.Fatal(err)
	}
	occupyAllBut(t, cli, service, dead.node)
	ended := cli.Watch(t.Context(), dead.owner) // until etcd has removed it
	if _, err := cli.Revoke(t.Context(), dead.etcd); err != nil {
		t.Fatal(err)
	}
	<-ended
	next, err := acquire(t.Context(), cli, service, ttl)
	if err != nil {
		t.Fatal(err)
	}
	if err := dead.Run(t.Context()); !errors.Is(err, ErrLost) {
		t.Errorf("the former owner does not notice: %v", err)
	}
	dead.gen.mu.Lock()
	allowed := dead.gen.limitMs
	dead.gen.mu.Unlock()
	if id := next.Generator().Next(); id>>13 <= allowed {
		t.Errorf("the new owner is at %d ms, the dead one was allowed up to %d", id>>13, allowed)
	}
	// What the dead one does now must not hurt its heir.
	if err := dead.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if err := next.renew(t.Context()); err != nil {
		t.Errorf("the heir lost the node: %v", err)
	}
	if err := next.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestRunKeepsTheNode(t *testing.T) {
	cli, service := etcd(t)
	l, err := acquire(t.Context(), cli, service, ttl)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- l.Run(ctx) }()
	// Ids flow for longer than the first lease covers: Next would block if nobody renewed.
	end := time.Now().Add(ttl + ttl/2)
	for time.Now().Before(end) {
		l.Generator().Next()
		if l.gen.lastMs() > clockMs() { // no faster than the clock
			if !lifecycle.Pause(t.Context(), time.Millisecond) {
				t.Fatal(t.Context().Err())
			}
		}
	}
	// The clock is put forward by an hour: Next asks for the renewal that it needs.
	l.gen.mu.Lock()
	l.gen.nowMs = func() int64 { return clockMs() + time.Hour.Milliseconds() }
	l.gen.mu.Unlock()
	if made := Time(l.Generator().Next()); time.Until(made) < 59*time.Minute {
		t.Errorf("made at %v", made)
	}
	cancel()
	if err := <-done; err != nil {
		t.Errorf("Run ends with %v", err)
	}
	if err := l.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestRunGivesUpInTimeWhenEtcdIsAway(t *testing.T) {
	cli, service := etcd(t)
	own := connect(t, cli.Endpoints()[0])
	l, err := acquire(t.Context(), own, service, ttl)
	if err != nil {
		t.Fatal(err)
	}
	if err := own.Close(); err != nil { // for this lease, etcd is gone
		t.Fatal(err)
	}
	begun := time.Now()
	if err := l.Run(t.Context()); err == nil || time.Since(begun) > ttl+callTimeout {
		t.Fatalf("%v after %v", err, time.Since(begun))
	}
}

func TestAcquireRefusesBadNames(t *testing.T) {
	for _, name := range []string{"", "a/b"} {
		if _, err := AcquireNode(t.Context(), nil, name); err == nil {
			t.Errorf("%q is fine?", name)
		}
	}
}

// connect is a client without a log: what it would write, the tests provoke.
func connect(t *testing.T, addr string) *clientv3.Client {
	t.Helper()
	cli, err := clientv3.New(clientv3.Config{Endpoints: []string{addr}, DialTimeout: 5 * time.Second, Logger: zap.NewNop()})
	if err != nil {
		t.Fatal(err)
	}
	return cli
}

// occupyAllBut leaves one node to take.
func occupyAllBut(t *testing.T, cli *clientv3.Client, service string, free int) {
	t.Helper()
	for i := range Nodes {
		if i == free {
			continue
		}
		if _, err := cli.Put(t.Context(), servicePrefix(service)+strconv.Itoa(i), "somebody"); err != nil {
			t.Fatal(err)
		}
	}
}
