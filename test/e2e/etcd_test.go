package e2e_test

import (
	"errors"
	"fmt"
	"os/exec"
	"testing"
	"time"

	"tiktok/pkg/errno"
	"tiktok/test/harness"
)

// nodeLease is what the 5 minutes of rpc.node_lease are in this test: what is covered without etcd is 12 s at least then.
const nodeLease = 2 * time.Second

// ownEtcd is an etcd that a test may stop. It keeps its data.
type ownEtcd struct {
	addr, peer, dir string
	cmd             *exec.Cmd
}

func startOwnEtcd(t *testing.T) *ownEtcd {
	t.Helper()
	if _, err := exec.LookPath("etcd"); err != nil {
		t.Skip("etcd is not installed")
	}
	e := &ownEtcd{addr: harness.FreePort(t), peer: harness.FreePort(t), dir: t.TempDir()}
	e.start(t)
	t.Cleanup(e.stop)
	return e
}

func (e *ownEtcd) start(t *testing.T) {
	t.Helper()
	e.cmd = exec.Command("etcd", "--name=x", "--data-dir="+e.dir, //nolint:noctx // ended by stop
		"--listen-client-urls=http://"+e.addr, "--advertise-client-urls=http://"+e.addr,
		"--listen-peer-urls=http://"+e.peer, "--initial-advertise-peer-urls=http://"+e.peer, "--initial-cluster=x=http://"+e.peer)
	if err := e.cmd.Start(); err != nil {
		t.Fatal(err)
	}
}

func (e *ownEtcd) stop() {
	if e.cmd.ProcessState == nil {
		_, _ = e.cmd.Process.Kill(), e.cmd.Wait()
	}
}

// TestEtcdAway: without etcd, for longer than the lease of a node number lives, everything goes on. Beyond what is covered what adds
// something is refused, at once, and reading goes on. When etcd is back all goes on, in the same processes.
func TestEtcdAway(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a server and eight processes")
	}
	etcd := startOwnEtcd(t)
	d := harness.Distributed(t, harness.WithoutLimits(),
		harness.Set("rpc.registry", etcd.addr), harness.Set("rpc.node_lease", nodeLease.String()))
	pids := d.PIDs(t)
	author, viewer := d.NewUser(t), d.NewUser(t)
	video := author.Publish(t, "before etcd went")
	writes := func() {
		u := d.NewUser(t)
		u.Like(t, video.ID)
		u.Comment(t, video.ID, "nobody notices")
		u.Follow(t, author.ID)
		u.Follow(t, viewer.ID)
		u.Unlike(t, video.ID)
	}
	reads := func() {
		viewer.Feed(t, 0)
		viewer.Comments(t, video.ID)
		viewer.Followers(t, author.ID)
		viewer.Published(t, author.ID)
	}
	writes()

	etcd.stop()
	began := time.Now()
	for time.Since(began) < 4*nodeLease {
		writes()
		reads()
	}
	author.Publish(t, "while etcd is away")

	var refused harness.Answer
	harness.Eventually(t, 5*time.Minute, func() error {
		reads()
		refused = viewer.Post(t, harness.PathFavorite, "video_id", video.ID, "action_type", 1)
		if refused.Code == 0 {
			return errors.New("ids are still made")
		}
		return nil
	})
	refused.Fails(t, errno.Unavailable)
	t.Logf("new ids are refused %v after etcd went", time.Since(began).Round(time.Second))
	for range 20 {
		asked := time.Now()
		viewer.Post(t, harness.PathFavorite, "video_id", video.ID, "action_type", 1).Fails(t, errno.Unavailable)
		if took := time.Since(asked); took > time.Second {
			t.Errorf("a like is refused after %v", took)
		}
		reads()
	}

	etcd.start(t)
	back := time.Now()
	harness.Eventually(t, time.Minute, func() error {
		a := viewer.Post(t, harness.PathFavorite, "video_id", video.ID, "action_type", 1)
		if a.Code != 0 {
			return fmt.Errorf("a like: %d %s", a.Code, a.Msg)
		}
		return nil
	})
	t.Logf("new ids are made %v after etcd was started", time.Since(back).Round(100*time.Millisecond))
	harness.Eventually(t, time.Minute, func() error { return d.Ready(t.Context()) })
	harness.Eventually(t, time.Minute, func() error {
		for _, process := range []string{"user", "social", "interaction"} {
			if left := d.CounterOf(t, process, "tiktok_ids_covered_seconds"); left[""] <= 0 {
				return fmt.Errorf("%s covers %v", process, left)
			}
		}
		return nil
	})
	writes()
	reads()
	for name, pid := range d.PIDs(t) {
		if pids[name] != 0 && pids[name] != pid {
			t.Errorf("%s is another process", name)
		}
	}
	d.Audit(t)
}
