package cluster_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"tiktok/pkg/nettest"
	"tiktok/test/harness"
)

// Ports of servers.sh: a node's number is added. Others are told addresses that are higher by told.
const (
	redisPort, redisBusPort    = 400, 410
	etcdPort, etcdPeerPort     = 420, 430
	rabbitPort, rabbitDistPort = 440, 450
	epmdPort                   = 460
	mysqlPort, s3Port          = 470, 480
	told                       = 100
	// frontPort is where clients of MariaDB are sent to its primary.
	frontPort = 590
)

// bringUp bounds a command of servers.sh.
const bringUp = 6 * time.Minute

// servers are the nodes of test/cluster/servers.sh, on a network.
type servers struct {
	net    *network
	script string
	dir    string
	base   int
	// front is where the processes find the primary of MariaDB.
	front *nettest.Proxy
	// primary and replica are the nodes of MariaDB; the test is who runs them.
	primary, replica string
}

// local is an address on loopback of so many above the base.
func (s *servers) local(port int) string { return fmt.Sprintf("127.0.0.1:%d", s.base+port) }

// startServers starts all nodes on a network and makes clusters of them, which end with the test.
func startServers(t testing.TB, n *network) *servers {
	t.Helper()
	root := harness.RepoRoot(t)
	s := &servers{
		net: n, script: filepath.Join(root, "test", "cluster", "servers.sh"), dir: filepath.Join(root, ".env.d", "cluster"), base: 28000,
		primary: "mysql-1", replica: "mysql-2",
	}
	if dir := os.Getenv("TIKTOK_CLUSTER_DIR"); dir != "" {
		s.dir = dir
	}
	if base := os.Getenv("TIKTOK_CLUSTER_BASE"); base != "" {
		var err error
		if s.base, err = strconv.Atoi(base); err != nil {
			t.Fatal(err)
		}
	}
	s.must(t, "down", "--purge")
	t.Cleanup(func() { s.must(t, "down", "--purge") })
	var names []string
	for kind, k := range map[string]struct {
		nodes int
		ports []int
	}{
		"redis": {6, []int{redisPort, redisBusPort}}, "etcd": {3, []int{etcdPort, etcdPeerPort}}, "rabbitmq": {3, []int{rabbitPort}},
		"mysql": {2, []int{mysqlPort}},
	} {
		for i := 1; i <= k.nodes; i++ {
			name := fmt.Sprint(kind, "-", i)
			names = append(names, name)
			n.add(name, func() (int, error) { return s.pid(name) })
			for _, port := range k.ports {
				n.before(name, s.local(port+i+told), s.local(port+i))
			}
			if kind == "rabbitmq" {
				host := fmt.Sprintf("127.0.0.1%d:", i)
				n.before(name, host+strconv.Itoa(s.base+rabbitDistPort+i+told), host+strconv.Itoa(s.base+rabbitDistPort+i))
				s.mapPorts(t, host+strconv.Itoa(s.base+epmdPort))
			}
		}
	}
	n.add("s3", func() (int, error) { return s.pid("s3") })
	n.before("s3", s.local(s3Port+told), s.local(s3Port))
	s.front = nettest.NewProxyAt(t, s.local(frontPort), s.local(mysqlPort+1+told))
	s.must(t, append([]string{"start", "s3"}, names...)...)
	s.must(t, "form")
	return s
}

// environment tells the harness where the servers are.
func (s *servers) environment(t *testing.T) {
	t.Helper()
	list := func(format string, port, nodes int) string {
		var out []string
		for i := 1; i <= nodes; i++ {
			out = append(out, fmt.Sprintf(format, s.local(port+i+told)))
		}
		return strings.Join(out, ",")
	}
	t.Setenv("TIKTOK_TEST_MYSQL", "tiktok:tiktok@tcp("+s.front.Addr+")/")
	t.Setenv("TIKTOK_TEST_REDIS", list("%s", redisPort, 3))
	t.Setenv("TIKTOK_TEST_ETCD", list("%s", etcdPort, 3))
	t.Setenv("TIKTOK_TEST_RABBITMQ", list("amqp://guest:guest@%s/", rabbitPort, 3))
	t.Setenv("TIKTOK_TEST_S3", "http://tiktok:tiktok-secret@"+s.local(s3Port+told))
}

// run runs a command of servers.sh and returns what it has printed.
func (s *servers) run(ctx context.Context, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, bringUp)
	defer cancel()
	out, err := exec.CommandContext(ctx, s.script, args...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("servers.sh %s: %w\n%s", strings.Join(args, " "), err, out)
	}
	return string(out), nil
}

func (s *servers) must(t testing.TB, args ...string) string {
	t.Helper()
	began := time.Now()
	out, err := s.run(context.WithoutCancel(t.Context()), args...)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("servers.sh %s took %v", strings.Join(args, " "), time.Since(began).Round(10*time.Millisecond))
	return out
}

// pid is the number of a node's process.
func (s *servers) pid(name string) (int, error) {
	text, err := os.ReadFile(filepath.Join(s.dir, name+".pid"))
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(strings.TrimSpace(string(text)))
}

// signal is for what a fault does at one moment: the script takes its time.
func (s *servers) signal(t testing.TB, name string, sig syscall.Signal) {
	t.Helper()
	pid, err := s.pid(name)
	if err == nil {
		err = syscall.Kill(pid, sig)
	}
	if err != nil {
		t.Fatalf("%v to %s: %v", sig, name, err)
	}
}

// kill ends a node as kill -9 does; start starts it again.
func (s *servers) kill(t testing.TB, name string) {
	t.Helper()
	s.net.shut(name)
	s.signal(t, name, syscall.SIGKILL)
}

func (s *servers) start(t testing.TB, name string) {
	t.Helper()
	s.must(t, "kill", name) // what is left of it
	s.net.reopen(name)
	s.must(t, "start", name)
}

// mapPorts answers nodes of RabbitMQ as their port mapper does, but names the port before the one where a node listens.
func (s *servers) mapPorts(t testing.TB, addr string) {
	t.Helper()
	var lc net.ListenConfig
	ln, err := lc.Listen(t.Context(), "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = c.Close() }()
				_ = s.mapPort(c) // the node asks again
			}()
		}
	}()
}

// mapPort hands one request on to the real port mapper. The answer to PORT_PLEASE2_REQ (122) is PORT2_RESP (119), a zero and the port.
func (s *servers) mapPort(c net.Conn) error {
	if err := c.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
		return err
	}
	request := make([]byte, 1024)
	n, err := c.Read(request) // it is sent at once
	if err != nil || n < 3 {
		return errors.Join(err, errors.New("no request"))
	}
	var dialer net.Dialer
	mapper, err := dialer.DialContext(s.net.t.Context(), "tcp", s.local(epmdPort))
	if err != nil {
		return err
	}
	defer func() { _ = mapper.Close() }()
	if _, err := mapper.Write(request[:n]); err != nil {
		return err
	}
	answer, err := io.ReadAll(mapper)
	if err != nil {
		return err
	}
	if request[2] == 122 && len(answer) > 4 && answer[0] == 119 && answer[1] == 0 {
		port := int(answer[2])<<8 + int(answer[3]) + told
		answer[2], answer[3] = byte(port>>8), byte(port)
	}
	_, err = c.Write(answer)
	return err
}
