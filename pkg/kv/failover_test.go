package kv_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tiktok/pkg/kv"
	"tiktok/pkg/kv/kvtest"
	"tiktok/pkg/nettest"
	"tiktok/pkg/ostest"
)

// healWithin bounds the time from a master's end until all slots are served again.
const healWithin = 10 * time.Second

// One of three masters ends, or hangs: its keys are served again within seconds, those of the others all the time; what was committed is
// never read as it was before; and few operations wait for a server that hangs.
func TestClusterMasterIsLost(t *testing.T) {
	for name, lose := range kvtest.Losses() {
		t.Run(name, func(t *testing.T) {
			cluster := kvtest.StartCluster(t, kvtest.ClusterOptions{Masters: 3, Replicas: true, Settings: kvtest.Recommended()})
			cfg := kv.Config{Driver: kv.DriverRedis, Addrs: cluster.Addrs()}
			f := watchFailover(t, cluster, open(t, cfg), open(t, cfg))
			lost := cluster.Nodes[1]
			f.lost.Store(true)
			began := time.Now()
			lose(t, lost)
			f.healed(t, began)
			f.report(t, began)
			if n := f.slow.Load(); n > 60 {
				t.Errorf("%d operations took more than half of the timeout", n)
			}
			if name == "hangs" {
				ostest.Thaw(t, lost.Process)
				f.rounds(t, 50)
			}
			f.end(t)
		})
	}
}

// A master that this client alone cannot reach: there is no failover, and the others' keys are served.
func TestClusterMasterIsCutOff(t *testing.T) {
	var proxy *nettest.Proxy
	cluster := kvtest.StartCluster(t, kvtest.ClusterOptions{
		Masters: 3, Replicas: true, Settings: kvtest.Recommended(),
		Announce: func(node, port int) int {
			if node != 1 {
				return port
			}
			proxy = nettest.NewProxy(t, fmt.Sprint("127.0.0.1:", port), nil)
			var announced int
			if _, err := fmt.Sscanf(proxy.Addr, "127.0.0.1:%d", &announced); err != nil {
				t.Fatal(err)
			}
			return announced
		},
	})
	cfg := kv.Config{Driver: kv.DriverRedis, Addrs: cluster.Addrs()[:1], Cluster: true}
	f := watchFailover(t, cluster, open(t, cfg), open(t, cfg))
	f.lost.Store(true)
	proxy.Freeze()
	f.rounds(t, 300)
	if f.failed.Load() == 0 {
		t.Error("no operation failed on the master that is cut off")
	}
	began := time.Now()
	proxy.Thaw()
	f.healed(t, began)
	f.report(t, began)
	f.end(t)
}

// failover is traffic on a Cluster of which Nodes[1] is lost.
type failover struct {
	store kv.Store
	keys  []string
	own   []bool // of the master that is lost
	lost  atomic.Bool
	// failed counts keys of the lost master that could not be read or written, others those of the other masters, of so many operations.
	failed, others, operations atomic.Int64
	slow                       atomic.Int64
	slowest                    atomic.Int64
	stop                       chan struct{}
	wg                         sync.WaitGroup

	truth  []atomic.Int64
	caches [2]*kv.LoadingCache[int, int64]
	stale  [2]atomic.Int64
	turns  atomic.Int64
}

// watchFailover starts readers and writers: of the store itself, and of caches in two processes.
func watchFailover(t *testing.T, cluster *kvtest.Cluster, one, two kv.Store) *failover {
	const keys = 120
	f := &failover{store: one, stop: make(chan struct{}), truth: make([]atomic.Int64, keys)}
	for i := range keys {
		key := fmt.Sprintf("tt:test:failover:{%d}", i)
		f.keys, f.own = append(f.keys, key), append(f.own, cluster.MasterOf(t, key) == 1)
	}
	for i, s := range []kv.Store{one, two} {
		f.caches[i] = kv.NewLoadingCache(s, kv.Options[int, int64]{
			Kind: "failover", Key: func(id int) string { return fmt.Sprintf("tt:test:truth:{%d}", id) }, TTL: time.Minute,
		}, f.load)
	}
	f.write(t, f.keys)
	for range 4 {
		f.wg.Go(func() { f.each(func(int) { f.read(t, f.keys) }) })
	}
	f.wg.Go(func() { f.each(func(int) { f.write(t, f.keys[:30]) }) })
	for w := range 4 {
		f.wg.Go(func() { f.each(func(i int) { f.commit((w + 4*i) % keys) }) })
	}
	f.rounds(t, 20)
	return f
}

// each does something fifty times a second until the traffic ends: a busy machine would look like a server that hangs.
func (f *failover) each(do func(i int)) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for i := 0; ; i++ {
		select {
		case <-f.stop:
			return
		case <-tick.C:
			do(i)
		}
	}
}

func (f *failover) load(_ context.Context, ids []int) (map[int]int64, error) {
	out := make(map[int]int64, len(ids))
	for _, id := range ids {
		out[id] = f.truth[id].Load()
	}
	return out, nil
}

// commit changes a row and reads it, through the process that changed it and through another.
func (f *failover) commit(id int) {
	want := f.truth[id].Add(1)
	f.caches[0].Invalidate(context.Background(), id)
	for i, c := range f.caches {
		got, err := c.GetMulti(context.Background(), []int{id})
		if err != nil || got[id] < want {
			f.stale[i].Add(1)
		}
	}
	f.turns.Add(1)
}

func (f *failover) read(t *testing.T, keys []string) {
	began := time.Now()
	values, err := f.store.MGet(context.Background(), keys)
	f.count(began, err)
	for i, v := range values {
		if kv.ErrorOf(err, keys[i]) == nil && string(v) != keys[i] && !f.own[i] {
			t.Errorf("%s = %q", keys[i], v)
		}
	}
}

func (f *failover) write(t *testing.T, keys []string) {
	items := make([]kv.Item, len(keys))
	for i, k := range keys {
		items[i] = kv.Item{Key: k, Value: []byte(k), TTL: time.Hour}
	}
	began := time.Now()
	err := f.store.Set(context.Background(), items)
	f.count(began, err)
}

// count notes the outcome of an operation on all keys.
func (f *failover) count(began time.Time, err error) {
	took := time.Since(began)
	f.operations.Add(1)
	if f.lost.Load() {
		if took > kv.DefaultTimeout/2 {
			f.slow.Add(1)
		}
		if int64(took) > f.slowest.Load() {
			f.slowest.Store(int64(took))
		}
	}
	if err == nil {
		return
	}
	for i, k := range f.keys {
		switch {
		case kv.ErrorOf(err, k) == nil:
		case f.own[i]:
			f.failed.Add(1)
		case f.lost.Load():
			f.others.Add(1)
		}
	}
}

// rounds waits until each writer has made so many turns.
func (f *failover) rounds(t *testing.T, n int64) {
	t.Helper()
	tick, until, end := time.NewTicker(10*time.Millisecond), f.turns.Load()+n, time.Now().Add(time.Minute)
	defer tick.Stop()
	for f.turns.Load() < until {
		if time.Now().After(end) {
			t.Fatal("the traffic has stopped")
		}
		<-tick.C
	}
}

// healed waits until all keys are read and written again.
func (f *failover) healed(t *testing.T, began time.Time) {
	t.Helper()
	items := make([]kv.Item, len(f.keys))
	for i, k := range f.keys {
		items[i] = kv.Item{Key: k, Value: []byte(k), TTL: time.Hour}
	}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for failures := 0; ; <-tick.C {
		_, err := f.store.MGet(t.Context(), f.keys)
		if err == nil {
			err = f.store.Set(t.Context(), items)
		}
		if err != nil {
			failures++
		}
		if err == nil && (failures > 0 || time.Since(began) > time.Second) {
			return
		}
		if time.Since(began) > 2*healWithin {
			t.Fatalf("not healed: %v", err)
		}
	}
}

func (f *failover) report(t *testing.T, began time.Time) {
	t.Helper()
	took := time.Since(began)
	t.Logf("healed after %.1f s; %d operations, %d keys of the lost master failed, %d of the others; %d slow, the slowest %v; %d commits",
		took.Seconds(), f.operations.Load(), f.failed.Load(), f.others.Load(), f.slow.Load(), time.Duration(f.slowest.Load()), f.turns.Load())
	if took > healWithin {
		t.Errorf("healed after %v", took)
	}
	if n := f.others.Load(); n > 0 {
		t.Errorf("%d keys of masters that serve could not be used", n)
	}
}

// end stops the traffic. Nothing old may have been read, or be left.
func (f *failover) end(t *testing.T) {
	t.Helper()
	close(f.stop)
	f.wg.Wait()
	for i := range f.stale {
		if n := f.stale[i].Load(); n > 0 {
			t.Errorf("process %d read what was before a commit %d times", i, n)
		}
	}
	ids := make([]int, len(f.truth))
	for i := range ids {
		ids[i] = i
	}
	for i, c := range f.caches {
		got, err := c.GetMulti(t.Context(), ids)
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range ids {
			if want := f.truth[id].Load(); got[id] != want {
				t.Errorf("process %d: row %d is %d, want %d", i, id, got[id], want)
			}
		}
	}
}
