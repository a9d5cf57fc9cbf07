package kv_test

import (
	"context"
	"fmt"
	"net"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"tiktok/pkg/kv"
	"tiktok/pkg/kv/kvtest"
)

// TestRealCluster runs the suite on a Redis Cluster of three masters, which it starts in a folder of its own.
func TestRealCluster(t *testing.T) {
	addrs := startCluster(t)
	cfg := kv.Config{Driver: kv.DriverRedis, Addrs: addrs, Timeout: 5 * time.Second}
	onCluster := func(t *testing.T) kv.Store { return open(t, cfg) }
	kvtest.Run(t, onCluster)
	t.Run("lists", func(t *testing.T) { kvtest.RunLists(t, onCluster) })

	t.Run("loading cache, keys of many slots, many callers", func(t *testing.T) {
		type row struct{ N int64 }
		load := func(_ context.Context, ids []int64) (map[int64]row, error) {
			found := make(map[int64]row)
			for _, id := range ids {
				found[id] = row{N: id}
			}
			return found, nil
		}
		c := kv.NewLoadingCache(open(t, cfg), kv.Options[int64, row]{
			Kind: "row", Key: func(id int64) string { return fmt.Sprintf("tt:test:row:v1:{%d}", id) },
		}, load)
		var wg sync.WaitGroup
		for caller := range int64(32) {
			wg.Go(func() {
				for round := range 20 {
					ids := make([]int64, 30)
					for i := range ids {
						ids[i] = 1 + (caller+int64(i))%50
					}
					got, err := c.GetMulti(context.Background(), ids)
					if err != nil || len(got) != 30 || got[ids[7]].N != ids[7] {
						t.Errorf("caller %d, round %d: %v, %v", caller, round, got, err)
						return
					}
					c.Invalidate(context.Background(), ids[round%30])
				}
			})
		}
		wg.Wait()
	})
}

// startCluster returns the addresses of three masters that share all slots. They end with the test.
func startCluster(t *testing.T) []string {
	t.Helper()
	binary, err := exec.LookPath("redis-server")
	if err != nil {
		t.Skip("redis-server is not installed")
	}
	ports := freePorts(t, 6)
	addrs := make([]string, 3)
	nodes := make([]*redis.Client, 3)
	for i := range nodes {
		addrs[i] = net.JoinHostPort("127.0.0.1", strconv.Itoa(ports[i]))
		server := exec.Command(binary, "--port", strconv.Itoa(ports[i]), "--cluster-port", strconv.Itoa(ports[i+3]), "--bind", "127.0.0.1",
			"--cluster-enabled", "yes", "--dir", t.TempDir(), "--save", "", "--appendonly", "no")
		if err := server.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = server.Process.Kill(); _ = server.Wait() })
		nodes[i] = redis.NewClient(&redis.Options{Addr: addrs[i], DisableIdentity: true})
		t.Cleanup(func() { _ = nodes[i].Close() })
	}
	until(t, func() bool {
		for _, n := range nodes {
			if n.Ping(t.Context()).Err() != nil {
				return false
			}
		}
		return true
	})
	for i, n := range nodes {
		if err := n.ClusterAddSlotsRange(t.Context(), i*16384/3, (i+1)*16384/3-1).Err(); err != nil {
			t.Fatal(err)
		}
		if err := nodes[0].Do(t.Context(), "CLUSTER", "MEET", "127.0.0.1", ports[i], ports[i+3]).Err(); err != nil {
			t.Fatal(err)
		}
	}
	until(t, func() bool {
		for _, n := range nodes {
			info, err := n.ClusterInfo(t.Context()).Result()
			if err != nil || !strings.Contains(info, "cluster_state:ok") || !strings.Contains(info, "cluster_known_nodes:3") {
				return false
			}
		}
		return true
	})
	return addrs
}

// freePorts returns n ports in a row that nobody listens on, below those that the system hands out itself.
func freePorts(t *testing.T, n int) []int {
	t.Helper()
	for base := 27100; base < 27300; base += n {
		var ports []int
		for p := base; p < base+n; p++ {
			l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(p)))
			if err != nil {
				break
			}
			_ = l.Close()
			ports = append(ports, p)
		}
		if len(ports) == n {
			return ports
		}
	}
	t.Fatal("no free ports")
	return nil
}

func until(t *testing.T, cond func() bool) {
	t.Helper()
	deadline := time.Now().Add(60 * time.Second)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !cond() {
		if time.Now().After(deadline) {
			t.Fatal("the cluster does not come up")
		}
		<-tick.C
	}
}
