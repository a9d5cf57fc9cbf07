package transport_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"tiktok/kitex_gen/user"
	"tiktok/kitex_gen/user/userservice"
	"tiktok/pkg/errno"
	"tiktok/pkg/telemetry"
	"tiktok/pkg/transport"
)

const (
	// memberKey tells the test's own program that it is to be a server of that service.
	memberKey   = "TIKTOK_TEST_MEMBER"
	registryKey = "TIKTOK_TEST_MEMBER_ETCD"
)

// member is a server in a process of its own, which can be stopped. It says who it is, and how many writes it has done.
type member struct {
	user.UserService
	writes atomic.Int64
}

func (m *member) FindUser(ctx context.Context, req *user.FindUserRequest) (*user.FindUserResponse, error) {
	if req.Username == "slow" {
		<-ctx.Done()
		return nil, errno.Unavailable
	}
	return &user.FindUserResponse{User: &user.User{Id: int64(os.Getpid()), CreatedAtMs: m.writes.Load()}}, nil
}

func (m *member) UpdateProfile(context.Context, *user.UpdateProfileRequest) (*user.UpdateProfileResponse, error) {
	return &user.UpdateProfileResponse{User: &user.User{Id: int64(os.Getpid())}}, nil
}

func (m *member) Register(context.Context, *user.RegisterRequest) (*user.RegisterResponse, error) {
	m.writes.Add(1)
	return &user.RegisterResponse{UserId: int64(os.Getpid())}, nil
}

// runMember serves until its parent is gone.
func runMember(service string) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	cfg := transport.Config{
		Registry: []string{os.Getenv(registryKey)}, RegistryPrefix: "transport-test", Listen: "127.0.0.1:0", Timeout: time.Second,
	}
	opts, _, err := transport.ListenOptions(ctx, cfg, telemetry.Discard())
	if err != nil {
		return err
	}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	return userservice.NewServer(&member{}, append(transport.ServerOptions(service, telemetry.Discard()), opts...)...).Run()
}

// process is one running member.
type process struct {
	t   *testing.T
	cmd *exec.Cmd
}

func (d deployment) start(t *testing.T) process {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^$")
	cmd.Env = append(os.Environ(), memberKey+"="+d.name, registryKey+"="+d.server.Registry[0])
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close()
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // it was killed
	})
	return process{t, cmd}
}

func (p process) id() int64 { return int64(p.cmd.Process.Pid) }

func (p process) signal(s syscall.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

// stop suspends the process and waits until it is.
func (p process) stop() {
	p.t.Helper()
	p.signal(syscall.SIGSTOP)
	within(p.t, 5*time.Second, "the process stops", func() bool {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.id()))
		return errors.Is(err, os.ErrNotExist) || strings.Contains(string(stat), ") T ")
	})
}

// pair is two replicas of a service, and a client that has called both.
func pair(t *testing.T, tel *telemetry.Telemetry) (a, b process, c userservice.Client) {
	t.Helper()
	d := settings(t)
	a, b, c = d.start(t), d.start(t), d.dial(t, "api", tel)
	both(t, c, a, b)
	return a, b, c
}

// both waits until the client calls all of them.
func both(t *testing.T, c userservice.Client, want ...process) {
	t.Helper()
	within(t, 20*time.Second, "all replicas are called", func() bool {
		seen := map[int64]bool{}
		for range 2 * len(want) {
			if r, err := c.FindUser(t.Context(), &user.FindUserRequest{}); err == nil {
				seen[r.User.Id] = true
			}
		}
		return len(seen) == len(want)
	})
}

func within(t *testing.T, limit time.Duration, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(limit); !is(); {
		if time.Now().After(end) {
			t.Fatalf("not within %v: %s", limit, what)
		}
	}
}

func gauge(t *testing.T, tel *telemetry.Telemetry, name string) float64 {
	t.Helper()
	families, err := tel.Registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			for _, m := range f.GetMetric() {
				return m.GetGauge().GetValue() + m.GetCounter().GetValue()
			}
		}
	}
	return 0
}

// While one of two replicas hangs every read is answered, soon, and after a second at once; it is called again when it goes on.
func TestReadsWhileAReplicaHangs(t *testing.T) {
	tel := telemetry.Discard()
	a, b, c := pair(t, tel)
	a.stop()
	stopped := time.Now()
	var readers sync.WaitGroup
	for range 8 {
		readers.Go(func() {
			for begin := stopped; time.Since(stopped) < 3*time.Second; {
				begin = time.Now()
				r, err := c.FindUser(t.Context(), &user.FindUserRequest{})
				took := time.Since(begin)
				switch {
				case err != nil:
					t.Errorf("after %v: %v", time.Since(stopped), err)
				case r.User.Id != b.id():
					t.Errorf("answered by %d, which is stopped", r.User.Id)
				case took > 850*time.Millisecond, begin.Sub(stopped) > time.Second && took > 250*time.Millisecond:
					t.Errorf("a read that began %v after the stop took %v", begin.Sub(stopped), took)
				}
			}
		})
	}
	readers.Wait()
	if n := gauge(t, tel, "tiktok_rpc_ejected_peers"); n != 1 {
		t.Errorf("%v replicas are ejected", n)
	}
	if n := gauge(t, tel, "tiktok_rpc_backups_total"); n < 1 {
		t.Errorf("%v backup requests", n)
	}
	a.signal(syscall.SIGCONT)
	both(t, c, a, b)
	within(t, 10*time.Second, "no replica is ejected", func() bool { return gauge(t, tel, "tiktok_rpc_ejected_peers") == 0 })
}

// A repeatable write of a replica that hangs is done by the other.
func TestRepeatableWriteWhileAReplicaHangs(t *testing.T) {
	a, b, c := pair(t, telemetry.Discard())
	a.stop()
	for range 4 {
		begin := time.Now()
		r, err := c.UpdateProfile(t.Context(), &user.UpdateProfileRequest{})
		if took := time.Since(begin); err != nil || r.User.Id != b.id() || took > 950*time.Millisecond {
			t.Errorf("after %v: %v, %v", took, r, err)
		}
	}
}

// A write that was given to a replica that hangs is told to be unknown, and is not done when that goes on after its deadline.
func TestWriteWhileAReplicaHangs(t *testing.T) {
	a, b, c := pair(t, telemetry.Discard())
	a.stop()
	var unknown, n int64
	done := map[int64]int64{}
	for begin := time.Now(); n < 4 || time.Since(begin) < 1500*time.Millisecond; n++ { // a clock may be wrong by a quarter of a second
		r, err := c.Register(t.Context(), &user.RegisterRequest{})
		switch {
		case err == nil:
			done[r.UserId]++
		case errors.Is(errno.From(err), errno.OutcomeUnknown):
			unknown++
		default:
			t.Errorf("write: %v", err)
		}
	}
	if unknown != 1 || done[b.id()] != n-1 { // the first two are shared out in turn
		t.Errorf("%d are unknown, %v were done", unknown, done)
	}
	a.signal(syscall.SIGCONT)
	both(t, c, a, b)
	writes := map[int64]int64{}
	for range 4 {
		r, err := c.FindUser(t.Context(), &user.FindUserRequest{})
		if err != nil {
			t.Fatal(err)
		}
		writes[r.User.Id] = r.User.CreatedAtMs
	}
	if writes[a.id()] != 0 || writes[b.id()] != n-1 {
		t.Errorf("writes by replica: %v, want none by %d and %d by %d", writes, a.id(), n-1, b.id())
	}
}

// When all replicas hang none is given up: the first that goes on is called.
func TestAllReplicasHang(t *testing.T) {
	a, b, c := pair(t, telemetry.Discard())
	a.stop()
	b.stop()
	for range 3 {
		if _, err := c.FindUser(t.Context(), &user.FindUserRequest{}); !errors.Is(errno.From(err), errno.Unavailable) {
			t.Errorf("a read: %v", err)
		}
	}
	b.signal(syscall.SIGCONT)
	within(t, 5*time.Second, "a read is answered", func() bool {
		r, err := c.FindUser(t.Context(), &user.FindUserRequest{})
		return err == nil && r.User.Id == b.id()
	})
}

// A replica that is only slow answers its probe, and stays.
func TestSlowReplicaIsNotEjected(t *testing.T) {
	tel := telemetry.Discard()
	a, b, c := pair(t, tel)
	for range 2 {
		if _, err := c.FindUser(t.Context(), &user.FindUserRequest{Username: "slow"}); !errors.Is(errno.From(err), errno.Unavailable) {
			t.Errorf("a slow read: %v", err)
		}
		if n := gauge(t, tel, "tiktok_rpc_ejected_peers"); n != 0 {
			t.Errorf("%v replicas are ejected", n)
		}
	}
	both(t, c, a, b)
}

// A killed replica costs no read and no repeatable write, and no write is done twice.
func TestKilledReplica(t *testing.T) {
	tel := telemetry.Discard()
	a, b, c := pair(t, tel)
	var callers sync.WaitGroup
	var done, unknown, n atomic.Int64
	for range 8 {
		callers.Go(func() {
			for begin := time.Now(); time.Since(begin) < 2*time.Second; {
				if n.Add(1) == 500 {
					a.signal(syscall.SIGKILL)
				}
				if _, err := c.FindUser(t.Context(), &user.FindUserRequest{}); err != nil {
					t.Errorf("read: %v", err)
				}
				if _, err := c.UpdateProfile(t.Context(), &user.UpdateProfileRequest{}); err != nil {
					t.Errorf("repeatable write: %v", err)
				}
				switch r, err := c.Register(t.Context(), &user.RegisterRequest{}); {
				case err == nil && r.UserId == b.id():
					done.Add(1)
				case err == nil:
				case errors.Is(errno.From(err), errno.OutcomeUnknown):
					unknown.Add(1)
				default:
					t.Errorf("write: %v", err)
				}
			}
		})
	}
	callers.Wait()
	r, err := c.FindUser(t.Context(), &user.FindUserRequest{})
	if err != nil || r.User.CreatedAtMs != done.Load() || unknown.Load() > 8 {
		t.Errorf("the other has done %v writes (%v), %d were answered; %d are unknown", r, err, done.Load(), unknown.Load())
	}
	if n, err := testutil.GatherAndCount(tel.Registry, "tiktok_rpc_retries_total"); err != nil || n == 0 {
		t.Errorf("retries: %d, %v", n, err)
	}
}

// Nothing of the network comes out in what a caller shows to users.
func TestLostCallsTellNothing(t *testing.T) {
	a, b, c := pair(t, telemetry.Discard())
	a.stop()
	b.stop()
	_, err := c.Register(t.Context(), &user.RegisterRequest{})
	if e := errno.From(err); !errors.Is(e, errno.OutcomeUnknown) || strings.Contains(e.Msg, "127.0.0.1") {
		t.Errorf("told: %v", e)
	}
}
