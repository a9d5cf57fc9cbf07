package cluster_test

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"

	"tiktok/test/harness"
)

// whole bounds how long the servers may take to be complete again after a fault is over.
const whole = 90 * time.Second

// healthy waits until every node of every server does what it is there for.
func (s *servers) healthy(t testing.TB) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), whole)
	defer cancel()
	for name, check := range map[string]func(context.Context) error{
		"Redis": s.redisWhole, "RabbitMQ": s.rabbitWhole, "MariaDB": s.semiSync, "etcd": s.etcdWhole,
	} {
		harness.Eventually(t, whole, func() error {
			if err := check(ctx); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			return nil
		})
	}
}

// redis asks one node.
func (s *servers) redis(ctx context.Context, n int, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, "redis-cli", append([]string{"-p", fmt.Sprint(s.base + redisPort + n)}, args...)...).Output()
	return string(out), err
}

func (s *servers) redisWhole(ctx context.Context) error {
	for n := 1; n <= 6; n++ {
		info, err := s.redis(ctx, n, "cluster", "info")
		if err == nil && (!strings.Contains(info, "cluster_state:ok") || !strings.Contains(info, "cluster_slots_ok:16384")) {
			err = errors.New("not all slots are served")
		}
		nodes, err2 := s.redis(ctx, n, "cluster", "nodes")
		if err2 == nil && strings.Count(nodes, "master") != 3 || strings.Contains(nodes, "fail") {
			err2 = fmt.Errorf("nodes: %s", nodes)
		}
		replication, err3 := s.redis(ctx, n, "info", "replication")
		if err3 == nil && strings.Contains(replication, "master_link_status:down") {
			err3 = errors.New("a replica has no master")
		}
		if err = errors.Join(err, err2, err3); err != nil {
			return fmt.Errorf("node %d: %w", n, err)
		}
	}
	return nil
}

func (s *servers) redisMaster(t testing.TB) string {
	t.Helper()
	return s.redisNode(t, "master")
}

func (s *servers) redisReplica(t testing.TB) string {
	t.Helper()
	return s.redisNode(t, "slave")
}

// redisNode is the first node with that role.
func (s *servers) redisNode(t testing.TB, role string) string {
	t.Helper()
	for n := 1; n <= 6; n++ {
		if out, err := s.redis(t.Context(), n, "role"); err == nil && strings.HasPrefix(out, role) {
			return fmt.Sprint("redis-", n)
		}
	}
	t.Fatalf("no %s", role)
	return ""
}

// rabbitWhole asks each node whether all three take part in every queue. It costs seconds.
func (s *servers) rabbitWhole(ctx context.Context) error {
	out, err := s.run(ctx, "members")
	if err != nil {
		return err
	}
	for line := range strings.Lines(out) {
		if f := strings.Fields(line); len(f) > 1 && f[1] != "3" {
			return fmt.Errorf("%s of 3 nodes serve %s", f[1], f[0])
		}
	}
	if !strings.Contains(out, "nodes 3") {
		return fmt.Errorf("members: %s", out)
	}
	return nil
}

// queueLeader is the node that leads the queue of likes and comments.
func (s *servers) queueLeader(t testing.TB) string {
	t.Helper()
	for line := range strings.Lines(s.must(t, "leaders")) {
		if f := strings.Fields(line); len(f) == 2 && strings.HasSuffix(f[0], ".interaction") {
			return f[1]
		}
	}
	t.Fatal("the queue has no leader")
	return ""
}

// etcdStatus asks all nodes who they are, nil for one that does not answer.
func (s *servers) etcdStatus(ctx context.Context) (map[string]*clientv3.StatusResponse, error) {
	out := map[string]*clientv3.StatusResponse{}
	for n := 1; n <= 3; n++ {
		address := s.local(etcdPort + n)
		cli, err := clientv3.New(clientv3.Config{Endpoints: []string{address}, DialTimeout: time.Second, Logger: zap.NewNop()})
		if err != nil {
			return nil, err
		}
		ctx, cancel := context.WithTimeout(ctx, time.Second)
		status, err := cli.Status(ctx, address)
		cancel()
		if err := errors.Join(err, cli.Close()); err != nil {
			return nil, err
		}
		out[fmt.Sprint("etcd-", n)] = status
	}
	return out, nil
}

func (s *servers) etcdWhole(ctx context.Context) error {
	all, err := s.etcdStatus(ctx)
	if err != nil {
		return err
	}
	leader := all["etcd-1"].Leader
	for name, status := range all {
		if status.Leader == 0 || status.Leader != leader || len(status.Errors) > 0 {
			return fmt.Errorf("%s follows %d, etcd-1 %d; %v", name, status.Leader, leader, status.Errors)
		}
	}
	return nil
}

func (s *servers) etcdLeader(t testing.TB) string {
	t.Helper()
	all, err := s.etcdStatus(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for name, status := range all {
		if status.Leader == status.Header.MemberId {
			return name
		}
	}
	t.Fatal("etcd has no leader")
	return ""
}
