package id

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
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

const (
	// ttl is as short as etcd lets it be.
	ttl = 2 * time.Second
	// prefix is that of the tests.
	prefix = "id-test"
)

// settings are those of one process of a service.
func settings(service string) Config {
	return Config{Prefix: prefix, Service: service, Life: ttl, Log: slog.New(slog.DiscardHandler)}
}

// take is a lease of a service, which the test gives back itself or leaves to its cleanup.
func take(t *testing.T, cli *clientv3.Client, service string) *Lease {
	t.Helper()
	l, err := AcquireNode(t.Context(), cli, settings(service))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// giveBack closes a lease.
func giveBack(t *testing.T, l *Lease) {
	t.Helper()
	if err := l.Close(context.Background()); err != nil {
		t.Error(err)
	}
}

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
		for _, prefix := range []string{LeasePrefix(prefix), LegacyPrefix} {
			if _, err := cli.Delete(context.Background(), prefix+service+"/", clientv3.WithPrefix()); err != nil {
				t.Error(err)
			}
		}
		if err := cli.Close(); err != nil {
			t.Error(err)
		}
	})
	return cli, service
}

// Many processes start at once, more than there were nodes before.
func TestAcquireManyAtOnce(t *testing.T) {
	cli, service := etcd(t)
	const n = 200
	leases := make([]*Lease, n)
	cfg := settings(service)
	cfg.Life = time.Minute // they all run, longer than the test
	var wg sync.WaitGroup
	for i := range leases {
		wg.Go(func() {
			l, err := AcquireNode(t.Context(), cli, cfg)
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
		nodes = append(nodes, l.Node())
		for range 100 {
			ids = append(ids, next(t, l.Generator()))
		}
	}
	slices.Sort(nodes)
	slices.Sort(ids)
	if len(slices.Compact(nodes)) != n || nodes[0] < Nodes-n-maxAmong {
		t.Errorf("not %d of the greatest nodes, each once: %v", n, nodes)
	}
	if len(slices.Compact(ids)) != n*100 || ids[len(ids)-1] >= 1<<53 {
		t.Error("double ids, or too large ones")
	}
	for _, l := range leases {
		wg.Go(func() { giveBack(t, l) })
	}
	wg.Wait()
	// At 32 ids a millisecond, nobody is ahead of the clock for longer than the next line takes.
	l := take(t, cli, service)
	if l.Node() != Nodes-1 {
		t.Fatalf("after all were given back: %d", l.Node())
	}
	giveBack(t, l)
}

func TestNoNodeLeft(t *testing.T) {
	cli, service := etcd(t)
	occupyAllBut(t, cli, service, -1)
	if _, err := AcquireNode(t.Context(), cli, settings(service)); !errors.Is(err, ErrNoNode) {
		t.Fatalf("%v", err)
	}
}

// A process that could not start, and so made no id, costs no node: it may be started again and again.
func TestCloseWithoutIdsCostsNoNode(t *testing.T) {
	cli, service := etcd(t)
	for range 3 {
		l := take(t, cli, service)
		if l.Node() != Nodes-1 {
			t.Errorf("takes node %d", l.Node())
		}
		giveBack(t, l)
	}
}

// The logical clock of a generator under pressure is ahead: who takes over the node must not begin before it.
func TestNextOwnerBeginsAfterTheLastId(t *testing.T) {
	cli, service := etcd(t)
	first := take(t, cli, service)
	var last int64
	for first.gen.lastMs() < clockMs()+300 {
		last = next(t, first.Generator())
	}
	giveBack(t, first)
	occupyAllBut(t, cli, service, first.Node())
	second := take(t, cli, service)
	if id := next(t, second.Generator()); second.Node() != first.Node() || id <= last {
		t.Errorf("node %d begins at %v, the former owner ended at %v", second.Node(), Time(id), Time(last))
	}
	if time.Now().Before(Time(last)) {
		t.Error("did not wait for the clock")
	}
	giveBack(t, second)
}

// A process that dies gives nothing back: its node is free when its lease has run out, and its ids are still not made
// again. Were it alive and only silent, it would go on up to there, and then with another node.
func TestOwnerIsSilent(t *testing.T) {
	cli, service := etcd(t)
	silent := take(t, cli, service)
	occupyAllBut(t, cli, service, silent.Node())
	expire(t, cli, silent)
	heir := take(t, cli, service)
	if left, _ := silent.gen.covered(); left >= 0 {
		t.Errorf("taken while the former owner may make ids for %v", left)
	}
	silent.gen.mu.Lock()
	allowed := silent.gen.limitMs
	silent.gen.mu.Unlock()
	if id := next(t, heir.Generator()); id>>13 <= allowed {
		t.Errorf("the new owner is at %d ms, the silent one was allowed up to %d", id>>13, allowed)
	}
	if _, err := silent.Generator().Next(); !errors.Is(err, ErrUnavailable) {
		t.Errorf("an id beyond what was covered: %v", err)
	}
	if err := silent.keep(t.Context()); !errors.Is(err, ErrNoNode) {
		t.Errorf("there is no node for it: %v", err)
	}
	// Another node becomes free, and it goes on where its ids ended.
	if _, err := cli.Delete(t.Context(), heir.key(7)); err != nil {
		t.Fatal(err)
	}
	if err := silent.keep(t.Context()); err != nil || silent.Node() != 7 {
		t.Fatalf("node %d, %v", silent.Node(), err)
	}
	next(t, silent.Generator())
	// What it does now does not hurt its heir.
	giveBack(t, silent)
	if err := heir.renew(t.Context()); err != nil {
		t.Errorf("the heir lost the node: %v", err)
	}
	giveBack(t, heir)
}

// The lease of a process that etcd did not hear of has ended, but nobody has used its node since: it has it again, and its ids go on.
func TestOwnNodeAgain(t *testing.T) {
	cli, service := etcd(t)
	l := take(t, cli, service)
	before := next(t, l.Generator())
	for range 2 {
		expire(t, cli, l)
		if err := l.keep(t.Context()); err != nil || l.Node() != Nodes-1 {
			t.Fatalf("node %d, %v", l.Node(), err)
		}
		if id := next(t, l.Generator()); id <= before || time.Until(Time(id)) > time.Second {
			t.Errorf("after %d comes %d of %v", before, id, Time(id))
		}
		if err := l.renew(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	// etcd has lost everything: others keep away from a node that is taken again at once.
	for _, prefix := range []string{LeasePrefix(prefix), LegacyPrefix} {
		if _, err := cli.Delete(t.Context(), prefix+service+"/", clientv3.WithPrefix()); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.keep(t.Context()); err != nil || l.Node() != Nodes-1 {
		t.Errorf("node %d, %v", l.Node(), err)
	}
	giveBack(t, l)
}

func TestRunKeepsTheNode(t *testing.T) {
	cli, service := etcd(t)
	l := take(t, cli, service)
	stop := run(t, l)
	// Ids flow for longer than the first lease covers: Next would refuse if nobody renewed.
	end := time.Now().Add(ttl + ttl/2)
	for time.Now().Before(end) {
		next(t, l.Generator())
		if l.gen.lastMs() > clockMs() { // no faster than the clock
			if !lifecycle.Pause(t.Context(), time.Millisecond) {
				t.Fatal(t.Context().Err())
			}
		}
	}
	if got := l.Check().Info(); got != "ok" {
		t.Errorf("/readyz says %q", got)
	}
	// The clock is put forward by an hour: Next asks for the renewal that it needs.
	l.gen.mu.Lock()
	l.gen.nowMs = func() int64 { return clockMs() + time.Hour.Milliseconds() }
	l.gen.mu.Unlock()
	id := eventually(t, l)
	if made := Time(id); time.Until(made) < 59*time.Minute {
		t.Errorf("made at %v", made)
	}
	stop()
	giveBack(t, l)
}

// How far ahead a process may make ids grows with the time that it has run.
func TestCover(t *testing.T) {
	cli, service := etcd(t)
	l := take(t, cli, service)
	covered := func() time.Duration { return l.Covered().Round(ttl) }
	if got := covered(); got != ttl {
		t.Errorf("a new process covers %v", got)
	}
	for age, want := range map[time.Duration]time.Duration{0: 6 * ttl, 50 * ttl: 50 * ttl} {
		l.born, l.owned.untilMs = time.Now().Add(-age), 0
		if err := l.renew(t.Context()); err != nil || covered() != want {
			t.Errorf("after %v it covers %v, want %v; %v", age, covered(), want, err)
		}
	}
	l.born = time.Now().Add(-1000 * ttl)
	if err := l.renew(t.Context()); err != nil || covered() != 288*ttl {
		t.Errorf("a long time later it covers %v; %v", covered(), err)
	}
	l.born = time.Now() // as if the clock were set back: what is written never becomes less
	if err := l.renew(t.Context()); err != nil || covered() != 288*ttl {
		t.Errorf("then it covers %v; %v", covered(), err)
	}
	giveBack(t, l)
}

func TestAcquireRefusesBadNames(t *testing.T) {
	for _, name := range []string{"", "a/b"} {
		if _, err := AcquireNode(t.Context(), nil, settings(name)); err == nil {
			t.Errorf("%q is fine?", name)
		}
	}
}

// run runs a lease until it is told to stop.
func run(t *testing.T, l *Lease) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- l.Run(ctx) }()
	return func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run ends with %v", err)
		}
	}
}

// eventually is an id, as soon as there is one.
func eventually(t *testing.T, l *Lease) int64 {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); {
		id, err := l.Generator().Next()
		if err == nil {
			return id
		}
		if !lifecycle.Pause(t.Context(), time.Millisecond) {
			break
		}
	}
	t.Fatal("no id")
	return 0
}

// expire ends the lease at etcd, as when etcd has not heard of its owner for so long.
func expire(t *testing.T, cli *clientv3.Client, l *Lease) {
	t.Helper()
	ended := cli.Watch(t.Context(), l.key(l.Node())) // until etcd has removed it
	if _, err := cli.Revoke(t.Context(), l.owned.etcd); err != nil {
		t.Fatal(err)
	}
	<-ended
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

// occupyAllBut leaves one node to take, or none: -1.
func occupyAllBut(t *testing.T, cli *clientv3.Client, service string, free int) {
	t.Helper()
	for i := range Nodes {
		if i == free {
			continue
		}
		if _, err := cli.Put(t.Context(), LeasePrefix(prefix)+service+"/"+strconv.Itoa(i), "somebody"); err != nil {
			t.Fatal(err)
		}
	}
}
