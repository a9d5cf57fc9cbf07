package cluster_test

import (
	"context"
	"fmt"
	"syscall"
	"testing"
	"time"

	"tiktok/cmd/services"
	"tiktok/test/harness"
)

// fault is one thing that goes wrong, and its end.
type fault struct {
	name string
	// short is set for those of the short form.
	short bool
	// length is how long it lasts at least, 0 for as long as all others.
	length time.Duration
	// begin returns what ends it.
	begin func(t *testing.T, c *cluster) (end func())
}

// cluster is the product on its servers.
type cluster struct {
	*servers
	d *harness.Deployment
}

// ways are what can happen to a process.
func ways() map[string]func(t *testing.T, c *cluster, name string) func() {
	return map[string]func(t *testing.T, c *cluster, name string) func(){
		"killed": func(t *testing.T, c *cluster, name string) func() {
			t.Helper()
			c.net.shut(name)
			c.d.Kill(t, name)
			return func() { c.net.reopen(name); c.d.Revive(t, name) }
		},
		"hangs": func(t *testing.T, c *cluster, name string) func() {
			t.Helper()
			c.d.Pause(t, name)
			return func() { c.d.Resume(t, name) }
		},
		"restarted": func(t *testing.T, c *cluster, name string) func() {
			t.Helper()
			c.d.Leave(t, name)
			c.d.Revive(t, name)
			return func() {}
		},
		"cut off": func(t *testing.T, c *cluster, name string) func() {
			t.Helper()
			c.cut(t, name)
			return c.net.rejoin
		},
	}
}

func (s *servers) cut(t testing.TB, name string) {
	t.Helper()
	if err := s.net.isolate(name); err != nil {
		t.Fatal(err)
	}
}

// processFaults are all ways for one of the two processes of each kind.
func processFaults() []fault {
	var all []fault
	chosen := map[string]bool{
		"interaction hangs": true, "interaction killed": true, "video cut off": true, "api hangs": true, "user restarted": true,
		"social hangs": true,
	}
	for _, spec := range services.All() {
		for _, way := range []string{"killed", "hangs", "restarted", "cut off"} {
			do, name := ways()[way], spec.Name+" "+way
			all = append(all, fault{name: name, short: chosen[name], begin: func(t *testing.T, c *cluster) func() {
				t.Helper()
				return do(t, c, spec.Name)
			}})
		}
	}
	return all
}

// serverWays are what can happen to a node of a server that which chooses when it begins.
func serverWays(what string, which func(s *servers, t testing.TB) string, short ...string) []fault {
	inShort := func(way string) bool {
		for _, x := range short {
			if x == way {
				return true
			}
		}
		return false
	}
	with := func(way string, do func(t *testing.T, s *servers, node string) func()) fault {
		return fault{name: what + " " + way, short: inShort(way), begin: func(t *testing.T, c *cluster) func() {
			t.Helper()
			node := which(c.servers, t)
			t.Logf("%s is %s", what, node)
			return do(t, c.servers, node)
		}}
	}
	return []fault{
		with("killed", func(t *testing.T, s *servers, node string) func() {
			t.Helper()
			s.kill(t, node)
			return func() { s.start(t, node) }
		}),
		with("hangs", func(t *testing.T, s *servers, node string) func() {
			t.Helper()
			s.signal(t, node, syscall.SIGSTOP)
			return func() { s.signal(t, node, syscall.SIGCONT) }
		}),
		with("restarted", func(t *testing.T, s *servers, node string) func() {
			t.Helper()
			s.must(t, "stop", node)
			s.must(t, "start", node)
			return func() {}
		}),
		with("cut off", func(t *testing.T, s *servers, node string) func() {
			t.Helper()
			s.cut(t, node)
			return s.net.rejoin
		}),
	}
}

func serverFaults(away time.Duration) []fault {
	all := serverWays("Redis master", (*servers).redisMaster, "killed", "cut off")
	all = append(all, serverWays("Redis replica", (*servers).redisReplica)[0])
	all = append(all, serverWays("RabbitMQ leader", (*servers).queueLeader, "killed", "hangs")...)
	all = append(all, serverWays("etcd leader", (*servers).etcdLeader, "hangs")...)
	all = append(all, fault{name: "etcd is away", length: away, begin: etcdAway})
	all = append(all, mysqlFaults()...)
	s3 := serverWays("S3", func(*servers, testing.TB) string { return "s3" }, "restarted")
	return append(all, s3[2])
}

func etcdAway(t *testing.T, c *cluster) func() {
	t.Helper()
	for n := 1; n <= 3; n++ {
		c.kill(t, fmt.Sprint("etcd-", n))
	}
	return func() {
		for n := 1; n <= 3; n++ { // alone the first one does not answer yet
			c.net.reopen(fmt.Sprint("etcd-", n))
		}
		c.must(t, "kill", "etcd-1", "etcd-2", "etcd-3")
		c.must(t, "start", "etcd-1", "etcd-2", "etcd-3")
	}
}

func mysqlFaults() []fault {
	promoted := func(name string, short bool, do func(t *testing.T, c *cluster) (undo func())) fault {
		return fault{name: "MariaDB primary " + name, short: short, begin: func(t *testing.T, c *cluster) func() {
			t.Helper()
			stop := c.orchestrate(t)
			undo := do(t, c)
			return func() {
				if ok, err := stop(); err != nil || !ok {
					t.Errorf("the replica was not promoted: %v", err)
				}
				undo()
				c.rebuild(t)
			}
		}}
	}
	return []fault{
		promoted("killed", true, func(t *testing.T, c *cluster) func() {
			t.Helper()
			c.kill(t, c.primary)
			return func() {}
		}),
		promoted("hangs", false, func(t *testing.T, c *cluster) func() {
			t.Helper()
			c.signal(t, c.primary, syscall.SIGSTOP)
			return func() {}
		}),
		promoted("cut off", false, func(t *testing.T, c *cluster) func() {
			t.Helper()
			c.cut(t, c.primary)
			return c.net.rejoin
		}),
		{name: "MariaDB primary restarted", begin: func(t *testing.T, c *cluster) func() {
			t.Helper()
			c.must(t, "stop", c.primary)
			c.must(t, "start", c.primary)
			c.writable(t)
			return func() {}
		}},
		serverWays("MariaDB replica", func(s *servers, _ testing.TB) string { return s.replica })[0],
		serverWays("MariaDB replica", func(s *servers, _ testing.TB) string { return s.replica })[1],
	}
}

// writable says that the primary, just started, still is it.
func (s *servers) writable(t testing.TB) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), applies)
	defer cancel()
	db, err := s.mysqlAt(s.primary, mysqlPort)
	if err == nil {
		defer func() { _ = db.Close() }()
		_, err = db.ExecContext(ctx, "SET GLOBAL read_only=OFF")
	}
	if err != nil {
		t.Fatal(err)
	}
}
