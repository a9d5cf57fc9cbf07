// Package rabbittest is for tests: a RabbitMQ cluster of its own on loopback, whose nodes can be killed, hung and cut off.
package rabbittest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"tiktok/pkg/nettest"
)

// Nodes is the size of a cluster.
const Nodes = 3

const (
	startTimeout = 90 * time.Second
	ctlTimeout   = 20 * time.Second
)

// Cluster is three nodes of RabbitMQ in one cluster, each behind a proxy. Its methods fail the test that started it.
type Cluster struct {
	t      testing.TB
	dir    string
	script string
	epmd   int
	nodes  [Nodes]*node
}

type node struct {
	name       string
	port, dist int
	cmd        *exec.Cmd
	exited     chan struct{}
	proxy      *nettest.Proxy
}

// Start starts a cluster, which ends with the test. The test is skipped unless TIKTOK_TEST_FAILOVER is "on", which test/cluster/run.sh
// sets, and Debian's package rabbitmq-server is there.
func Start(t testing.TB) *Cluster {
	t.Helper()
	if os.Getenv("TIKTOK_TEST_FAILOVER") != "on" {
		t.Skip("NOT RUN: make cluster runs it, or TIKTOK_TEST_FAILOVER=on")
	}
	scripts, err := filepath.Glob("/usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin/rabbitmq-server")
	if err != nil || len(scripts) == 0 {
		t.Skip("NOT RUN: there is no Debian package rabbitmq-server here, so no RabbitMQ cluster")
	}
	// The test's own folder may have a name that Erlang does not like.
	dir, err := os.MkdirTemp("", "rabbit-cluster-")
	if err != nil {
		t.Fatal(err)
	}
	c := &Cluster{t: t, dir: dir, script: scripts[len(scripts)-1], epmd: freePort(t)}
	t.Cleanup(func() {
		if !t.Failed() {
			_ = os.RemoveAll(dir)
		} else {
			t.Logf("RabbitMQ's logs are in %s", dir)
		}
	})
	c.startEPMD()
	for i := range c.nodes {
		c.nodes[i] = &node{name: fmt.Sprintf("n%d_%d@127.0.0.1", i+1, c.epmd), port: freePort(t), dist: freePort(t)}
	}
	for i := range c.nodes {
		c.write(i)
		c.launch(i)
	}
	t.Cleanup(c.stop)
	for i, n := range c.nodes {
		c.await(i)
		n.proxy = nettest.NewProxy(t, fmt.Sprintf("127.0.0.1:%d", n.port), nil)
	}
	c.AwaitWhole(t)
	return c
}

// URLs are the addresses of the nodes.
func (c *Cluster) URLs() []string {
	urls := make([]string, Nodes)
	for i, n := range c.nodes {
		urls[i] = (&url.URL{Scheme: "amqp", User: url.UserPassword("guest", "guest"), Host: n.proxy.Addr, Path: "/"}).String()
	}
	return urls
}

// Leader is the node that leads a quorum queue. A node that hangs must not be asked: from is one that does not.
func (c *Cluster) Leader(from int, queue string) int {
	c.t.Helper()
	out, err := c.ctl(from, "eval", fmt.Sprintf(
		`{ok, Q} = rabbit_amqqueue:lookup(rabbit_misc:r(<<"/">>, queue, <<"%s">>)), {_, N} = amqqueue:get_pid(Q), N.`, queue))
	if err != nil {
		c.t.Fatalf("who leads %s: %v", queue, err)
	}
	name := strings.Trim(strings.TrimSpace(out), "'")
	for i, n := range c.nodes {
		if n.name == name {
			return i
		}
	}
	c.t.Fatalf("%s leads %s, which is none of the nodes", name, queue)
	return 0
}

// Members is how many nodes have a copy of a quorum queue, as the node from says.
func (c *Cluster) Members(from int, queue string) int {
	c.t.Helper()
	out, err := c.ctl(from, "eval", fmt.Sprintf(
		`{ok, Q} = rabbit_amqqueue:lookup(rabbit_misc:r(<<"/">>, queue, <<"%s">>)), length(maps:get(nodes, amqqueue:get_type_state(Q))).`, queue))
	if err != nil {
		c.t.Fatalf("who has %s: %v", queue, err)
	}
	n, err := strconv.Atoi(strings.TrimSpace(out))
	if err != nil {
		c.t.Fatal(err)
	}
	return n
}

// AwaitWhole waits until every node knows that all of them run. One that has hung for long is restarted by the others, which takes a
// while.
func (c *Cluster) AwaitWhole(t testing.TB) {
	t.Helper()
	for i := range c.nodes {
		c.until(t, startTimeout, fmt.Sprintf("node %d to see all nodes", i+1), func() error {
			out, err := c.ctl(i, "eval", `{length(rabbit_nodes:all_running()), length(mnesia:system_info(running_db_nodes))}.`)
			if want := fmt.Sprintf("{%d,%d}", Nodes, Nodes); err == nil && strings.TrimSpace(out) != want {
				err = fmt.Errorf("it sees %s, want %s", out, want)
			}
			return err
		})
	}
}

// Kill ends a node with SIGKILL.
func (c *Cluster) Kill(i int) {
	c.signal(i, syscall.SIGKILL)
	<-c.nodes[i].exited
}

// Hang stops a node: it holds its connections, takes new ones, and says nothing. Resume ends it.
func (c *Cluster) Hang(i int) { c.signal(i, syscall.SIGSTOP) }

// Resume ends Hang.
func (c *Cluster) Resume(i int) { c.signal(i, syscall.SIGCONT) }

// Shutdown ends a node in good order.
func (c *Cluster) Shutdown(i int) {
	c.signal(i, syscall.SIGTERM)
	<-c.nodes[i].exited
}

// Run starts a node again after Kill or Shutdown, and waits until it takes clients.
func (c *Cluster) Run(i int) {
	c.t.Helper()
	c.launch(i)
	c.await(i)
}

// CutOff breaks a node's connections with its clients, and new ones, until Reconnect. The other nodes still reach it.
func (c *Cluster) CutOff(i int) { c.nodes[i].proxy.Refuse() }

// Silence stalls a node's connections with its clients in both directions, until Reconnect. The other nodes still reach it.
func (c *Cluster) Silence(i int) { c.nodes[i].proxy.Freeze() }

// Reconnect ends CutOff and Silence.
func (c *Cluster) Reconnect(i int) {
	c.nodes[i].proxy.Accept()
	c.nodes[i].proxy.Thaw()
}

// PID is that of a node.
func (c *Cluster) PID(i int) int { return c.nodes[i].cmd.Process.Pid }

func (c *Cluster) signal(i int, s os.Signal) {
	c.t.Helper()
	if err := c.nodes[i].cmd.Process.Signal(s); err != nil {
		c.t.Fatalf("%v to node %d: %v", s, i, err)
	}
}

func (c *Cluster) home(i int) string { return filepath.Join(c.dir, strconv.Itoa(i+1)) }

func (c *Cluster) write(i int) {
	c.t.Helper()
	n, home := c.nodes[i], c.home(i)
	if err := os.MkdirAll(home, 0o700); err != nil {
		c.t.Fatal(err)
	}
	conf := fmt.Sprintf("listeners.tcp.1 = 127.0.0.1:%d\nlog.file = false\nlog.console = true\nlog.console.level = info\n"+
		"disk_free_limit.absolute = 50MB\nvm_memory_high_watermark.absolute = 400MB\n"+
		"cluster_partition_handling = autoheal\ncluster_formation.peer_discovery_backend = classic_config\n", n.port)
	for j, other := range c.nodes {
		conf += fmt.Sprintf("cluster_formation.classic_config.nodes.%d = %s\n", j+1, other.name)
	}
	for name, text := range map[string]string{
		"rabbitmq.conf": conf, "env.conf": "", "plugins": "[].\n", ".erlang.cookie": "RABBITTEST" + strconv.Itoa(c.epmd),
		// A node that hangs is taken as gone after about 6 s instead of 60: operations.md asks for it.
		"advanced.config": "[{kernel, [{net_ticktime, 5}]}].\n",
	} {
		if err := os.WriteFile(filepath.Join(home, name), []byte(text), 0o400); err != nil {
			c.t.Fatal(err)
		}
	}
}

func (c *Cluster) environ(i int) []string {
	n, home := c.nodes[i], c.home(i)
	return append(os.Environ(),
		"HOME="+home, "detached=1", "ERL_EPMD_PORT="+strconv.Itoa(c.epmd), "ERL_EPMD_ADDRESS=127.0.0.1",
		"RABBITMQ_CONF_ENV_FILE="+home+"/env.conf", "RABBITMQ_CONFIG_FILE="+home+"/rabbitmq.conf",
		"RABBITMQ_ADVANCED_CONFIG_FILE="+home+"/advanced.config", "RABBITMQ_ENABLED_PLUGINS_FILE="+home+"/plugins",
		"RABBITMQ_GENERATED_CONFIG_DIR="+home+"/generated", "RABBITMQ_MNESIA_BASE="+home+"/data", "RABBITMQ_LOG_BASE="+home+"/logs",
		"RABBITMQ_PID_FILE="+home+"/server.pid", "RABBITMQ_USE_LONGNAME=true", "RABBITMQ_NODENAME="+n.name,
		"RABBITMQ_NODE_IP_ADDRESS=127.0.0.1", "RABBITMQ_NODE_PORT="+strconv.Itoa(n.port), "RABBITMQ_DIST_PORT="+strconv.Itoa(n.dist),
		"RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS=-kernel inet_dist_use_interface {127,0,0,1} +sbwt none +sbwtdcpu none +sbwtdio none",
	)
}

func (c *Cluster) launch(i int) {
	c.t.Helper()
	n := c.nodes[i]
	log, err := os.OpenFile(filepath.Join(c.home(i), "node.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		c.t.Fatal(err)
	}
	defer func() { _ = log.Close() }()
	n.cmd = exec.Command("sh", c.script) //nolint:noctx // it outlives the test's context, until stop
	n.cmd.Env, n.cmd.Stdout, n.cmd.Stderr = c.environ(i), log, log
	n.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := n.cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	cmd, exited := n.cmd, make(chan struct{})
	n.exited = exited
	go func() {
		_ = cmd.Wait()
		close(exited)
	}()
}

// await waits until a node takes clients.
func (c *Cluster) await(i int) {
	c.t.Helper()
	c.until(c.t, startTimeout, fmt.Sprintf("node %d", i+1), func() error {
		select {
		case <-c.nodes[i].exited:
			return errors.New("it has ended, see " + filepath.Join(c.home(i), "node.log"))
		default:
		}
		direct := fmt.Sprintf("amqp://guest:guest@127.0.0.1:%d/", c.nodes[i].port)
		conn, err := amqp.DialConfig(direct, amqp.Config{Dial: amqp.DefaultDial(2 * time.Second)})
		if err == nil {
			_ = conn.Close()
		}
		return err
	})
}

func (c *Cluster) until(t testing.TB, timeout time.Duration, what string, ok func() error) {
	t.Helper()
	deadline := time.Now().Add(timeout)
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		err := ok()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s: %v", what, err)
		}
		<-tick.C
	}
}

// ctl runs rabbitmqctl on a node.
func (c *Cluster) ctl(i int, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), ctlTimeout)
	defer cancel()
	args = append([]string{"--quiet", "--longnames", "--node", c.nodes[i].name}, args...)
	cmd := exec.CommandContext(ctx, filepath.Join(filepath.Dir(c.script), "rabbitmqctl"), args...)
	cmd.Env = c.environ(i)
	out, err := cmd.CombinedOutput()
	if err != nil {
		err = fmt.Errorf("rabbitmqctl %q: %w: %s", args, err, out)
	}
	return string(out), err
}

func (c *Cluster) startEPMD() {
	c.t.Helper()
	cmd := exec.Command("epmd", "-port", strconv.Itoa(c.epmd), "-address", "127.0.0.1") //nolint:noctx // until stop
	if err := cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	c.until(c.t, 10*time.Second, "epmd", func() error {
		conn, err := net.DialTimeout("tcp", fmt.Sprintf("127.0.0.1:%d", c.epmd), time.Second)
		if err == nil {
			_ = conn.Close()
		}
		return err
	})
}

// stop ends all nodes and what belongs to them.
func (c *Cluster) stop() {
	for _, n := range c.nodes {
		_ = syscall.Kill(-n.cmd.Process.Pid, syscall.SIGKILL) // its group; gone already: fine too
		<-n.exited
	}
}

func freePort(t testing.TB) int {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ln.Close() }()
	return ln.Addr().(*net.TCPAddr).Port
}
