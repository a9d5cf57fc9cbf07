package kvtest

import (
	"context"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"tiktok/pkg/ostest"
)

// slots is how many there are in a Redis Cluster.
const slots = 16384

// Cluster is a Redis Cluster of this test: masters, and as many replicas if it has any.
type Cluster struct {
	// Nodes are the masters, in the order of their slots, then the replica of each.
	Nodes   []*ClusterNode
	masters int
}

// ClusterNode is one server.
type ClusterNode struct {
	// Addr is where it says that it is.
	Addr string
	// Client is a client of this node alone.
	Client *redis.Client
	// Process is the server's.
	Process *os.Process
	port    int
	busPort int
	id      string
}

// ClusterOptions sets up a Cluster.
type ClusterOptions struct {
	Masters int
	// Replicas gives each master one.
	Replicas bool
	// Settings are arguments of all servers, beside those for a Cluster without files.
	Settings []string
	// Announce, if not nil, returns the port at which clients are told to find a node that listens on port: that of a proxy.
	Announce func(node, port int) int
}

// Losses are the ways in which a node is lost from one moment to the next, by what the node does.
func Losses() map[string]func(testing.TB, *ClusterNode) {
	return map[string]func(testing.TB, *ClusterNode){
		"killed": func(t testing.TB, n *ClusterNode) {
			t.Helper()
			if err := n.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		},
		"hangs": func(t testing.TB, n *ClusterNode) { t.Helper(); ostest.Freeze(t, n.Process) },
	}
}

// Recommended are the settings of a Cluster that docs/operations.md recommends.
func Recommended() []string {
	return []string{"--cluster-node-timeout", "2000", "--cluster-require-full-coverage", "no", "--cluster-replica-validity-factor", "0"}
}

// StartCluster starts a Cluster that ends with the test, and waits until it serves all slots. Without redis-server the test is skipped, and
// with replicas, which are for failovers, unless TIKTOK_TEST_FAILOVER is "on", which test/cluster/run.sh sets: their bounds on time are for
// a machine that does nothing else.
func StartCluster(t testing.TB, o ClusterOptions) *Cluster {
	t.Helper()
	if o.Replicas && os.Getenv("TIKTOK_TEST_FAILOVER") != "on" {
		t.Skip("NOT RUN: make cluster runs it, or TIKTOK_TEST_FAILOVER=on")
	}
	binary, err := exec.LookPath("redis-server")
	if err != nil {
		t.Skip("redis-server is not installed")
	}
	n := o.Masters
	if o.Replicas {
		n *= 2
	}
	ports := freePorts(t, 2*n)
	c := &Cluster{Nodes: make([]*ClusterNode, n), masters: o.Masters}
	for i := range c.Nodes {
		port, bus := ports[i], ports[n+i]
		args := []string{
			"--port", strconv.Itoa(port), "--cluster-port", strconv.Itoa(bus), "--bind", "127.0.0.1", "--cluster-enabled", "yes",
			"--dir", t.TempDir(), "--save", "", "--appendonly", "no", "--repl-diskless-sync-delay", "0", "--shutdown-timeout", "0",
		}
		announced := port
		if o.Announce != nil {
			announced = o.Announce(i, port)
			args = append(args, "--cluster-announce-port", strconv.Itoa(announced))
		}
		server := exec.CommandContext(context.WithoutCancel(t.Context()), binary, append(args, o.Settings...)...) //nolint:gosec // of a test
		if err := server.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _, _ = server.Process.Kill(), server.Wait() }) // it may have ended
		client := redis.NewClient(&redis.Options{Addr: local(port), DisableIdentity: true})
		t.Cleanup(func() { _ = client.Close() })
		c.Nodes[i] = &ClusterNode{Addr: local(announced), Client: client, Process: server.Process, port: port, busPort: bus}
	}
	c.join(t)
	return c
}

func local(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

// join makes a Cluster of the servers.
func (c *Cluster) join(t testing.TB) {
	t.Helper()
	masters, ctx := c.masters, t.Context()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	c.Until(t, func(n *ClusterNode) bool { return n.Client.Ping(ctx).Err() == nil })
	for i, n := range c.Nodes {
		n.id = n.Client.ClusterMyID(ctx).Val()
		if i < masters {
			must(n.Client.ClusterAddSlotsRange(ctx, i*slots/masters, (i+1)*slots/masters-1).Err())
		}
		must(n.Client.Do(ctx, "CLUSTER", "SET-CONFIG-EPOCH", i+1).Err())
		must(c.Nodes[0].Client.Do(ctx, "CLUSTER", "MEET", "127.0.0.1", n.port, n.busPort).Err())
	}
	known := "cluster_known_nodes:" + strconv.Itoa(len(c.Nodes)) + "\r\n"
	ready := func(n *ClusterNode) bool {
		info := n.Client.ClusterInfo(ctx).Val()
		return strings.Contains(info, "cluster_state:ok") && strings.Contains(info, known)
	}
	c.Until(t, ready)
	for i, n := range c.Nodes[masters:] {
		must(n.Client.ClusterReplicate(ctx, c.Nodes[i].id).Err())
	}
	c.Until(t, func(n *ClusterNode) bool {
		all, copied := n.Client.ClusterNodes(ctx).Val(), n.Client.Info(ctx, "replication").Val()
		return ready(n) && strings.Count(all, "slave") == len(c.Nodes)-masters && !strings.Contains(copied, "master_link_status:down")
	})
}

// Addrs are the addresses of the masters and replicas.
func (c *Cluster) Addrs() []string {
	addrs := make([]string, len(c.Nodes))
	for i, n := range c.Nodes {
		addrs[i] = n.Addr
	}
	return addrs
}

// MasterOf is the place in Nodes of the master that had the key when the Cluster began. It asks a node.
func (c *Cluster) MasterOf(t testing.TB, key string) int {
	t.Helper()
	slot, err := c.Nodes[0].Client.ClusterKeySlot(t.Context(), key).Result()
	if err != nil {
		t.Fatal(err)
	}
	i := 0
	for int(slot) >= (i+1)*slots/c.masters {
		i++
	}
	return i
}

// Until waits until all nodes are so.
func (c *Cluster) Until(t testing.TB, so func(*ClusterNode) bool) {
	t.Helper()
	end, tick := time.Now().Add(60*time.Second), time.NewTicker(20*time.Millisecond)
	defer tick.Stop()
	for _, n := range c.Nodes {
		for !so(n) {
			if time.Now().After(end) {
				t.Fatal("the cluster does not come to that")
			}
			<-tick.C
		}
	}
}

// freePorts returns n ports in a row that nobody listens on, below those that the system hands out itself. Tests of several packages
// look for them at the same time, each at a place of its own.
func freePorts(t testing.TB, n int) []int {
	t.Helper()
	const first, places, size = 27000, 40, 24
	for try := range places {
		base := first + (os.Getpid()+try)%places*size
		var ports []int
		for p := base; p < base+n; p++ {
			l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", local(p))
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
