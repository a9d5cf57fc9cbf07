package id

import (
	"bytes"
	"errors"
	"log/slog"
	"net"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"tiktok/pkg/lifecycle"
)

// server is an etcd of its own.
type server struct {
	dir, client, peer string
	cmd               *exec.Cmd
}

func newServer(t *testing.T) *server {
	t.Helper()
	if _, err := exec.LookPath("etcd"); err != nil {
		t.Skip("etcd is not installed")
	}
	s := &server{dir: t.TempDir()}
	for _, addr := range []*string{&s.client, &s.peer} {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		*addr = ln.Addr().String()
		if err := ln.Close(); err != nil {
			t.Fatal(err)
		}
	}
	s.start(t)
	t.Cleanup(s.stop)
	return s
}

func (s *server) start(t *testing.T) {
	t.Helper()
	s.cmd = exec.Command("etcd", "--name=x", "--data-dir="+s.dir, //nolint:noctx // stopped by stop
		"--listen-client-urls=http://"+s.client, "--advertise-client-urls=http://"+s.client,
		"--listen-peer-urls=http://"+s.peer, "--initial-advertise-peer-urls=http://"+s.peer, "--initial-cluster=x=http://"+s.peer)
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
}

func (s *server) stop() {
	if s.cmd.ProcessState == nil {
		_, _ = s.cmd.Process.Kill(), s.cmd.Wait()
	}
}

// lines is a log that is read while it is written.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *lines) count(text string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.buf.String(), text)
}

// etcd is away for longer than its lease lives: ids go on as far as they are covered, then they are refused at once, and go on when etcd
// is back, with its data or without, all in one process.
func TestEtcdIsAway(t *testing.T) {
	for _, forgets := range []bool{false, true} {
		t.Run(map[bool]string{false: "and comes back", true: "and comes back empty"}[forgets], func(t *testing.T) {
			s := newServer(t)
			cli := connect(t, s.client)
			defer func() { _ = cli.Close() }()
			var log lines
			cfg := settings("user")
			cfg.Log = slog.New(slog.NewTextHandler(&log, nil))
			l, err := AcquireNode(t.Context(), cli, cfg)
			if err != nil {
				t.Fatal(err)
			}
			stop := run(t, l)
			until(t, "a renewal", func() bool { return l.Covered() > 2*ttl })
			s.stop()
			began, last := time.Now(), int64(0)
			until(t, "the end of what is covered", func() bool {
				id, err := l.Generator().Next()
				if err == nil && id <= last {
					t.Fatalf("%d after %d", id, last)
				}
				last = max(last, id)
				return errors.Is(err, ErrUnavailable)
			})
			if took := time.Since(began); took < 4*ttl {
				t.Errorf("ids are refused after %v", took)
			}
			if began := time.Now(); l.Check().Info() != "refused" || time.Since(began) > 100*time.Millisecond {
				t.Errorf("/readyz says %q", l.Check().Info())
			}
			if forgets {
				s.dir = t.TempDir()
			}
			s.start(t)
			if id := eventually(t, l); id <= last {
				t.Errorf("%d after %d", id, last)
			}
			if l.Node() != Nodes-1 || log.count("is not renewed") != 1 {
				t.Errorf("node %d, and %d times the log says that it is not renewed", l.Node(), log.count("is not renewed"))
			}
			until(t, "the line that says so", func() bool { return log.count("is renewed again") == 1 })
			stop()
			giveBack(t, l)
		})
	}
}

// etcd takes connections and never answers: a request for an id does not wait for that.
func TestEtcdHangs(t *testing.T) {
	s := newServer(t)
	cli := connect(t, s.client)
	defer func() { _ = cli.Close() }()
	l := take(t, cli, "user")
	stop := run(t, l)
	if err := s.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	var slowest time.Duration
	until(t, "a refusal", func() bool {
		began := time.Now()
		_, err := l.Generator().Next()
		slowest = max(slowest, time.Since(began))
		return err != nil
	})
	if slowest > 500*time.Millisecond {
		t.Errorf("an id, or its refusal, took %v", slowest)
	}
	if err := s.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	eventually(t, l)
	stop()
	giveBack(t, l)
}

// until waits for something.
func until(t *testing.T, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !done(); {
		if time.Now().After(end) || !lifecycle.Pause(t.Context(), time.Millisecond) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}
