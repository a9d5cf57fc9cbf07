package blob_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"tiktok/pkg/blob"
	"tiktok/pkg/ostest"
)

// server is an S3 server of this test alone, so that it can be stopped.
type server struct {
	t         *testing.T
	bin, addr string
	dir       string
	cmd       *exec.Cmd
}

func newServer(t *testing.T) *server {
	t.Helper()
	bin := os.Getenv("TIKTOK_TEST_S3_BIN")
	if bin == "" {
		t.Skip("TIKTOK_TEST_S3_BIN is not set (.ci/s3.sh, test/env.sh)")
	}
	s := &server{t: t, bin: bin, addr: freeAddr(t), dir: t.TempDir()}
	s.start()
	t.Cleanup(s.kill)
	return s
}

// freeAddr is on loopback, below the ports that the system hands out to outgoing connections: one of those could be
// given away while the server is stopped.
func freeAddr(t *testing.T) string {
	t.Helper()
	for port := 31800; port < 32700; port++ {
		addr := fmt.Sprintf("127.0.0.1:%d", port)
		if ln, err := net.Listen("tcp", addr); err == nil { //nolint:noctx // at once
			if err := ln.Close(); err != nil {
				t.Fatal(err)
			}
			return addr
		}
	}
	t.Fatal("no free port")
	return ""
}

func (s *server) start() {
	s.t.Helper()
	//nolint:gosec,noctx // the binary that test/env.sh names; it outlives the test's context until kill
	s.cmd = exec.Command(
		s.bin,
		"--port",
		s.addr,
		"--access",
		"tiktok",
		"--secret",
		"tiktok-secret",
		"--region",
		"us-east-1",
		"--quiet",
		"posix",
		s.dir,
	)
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	for deadline := time.Now().Add(20 * time.Second); ; {
		conn, err := net.DialTimeout("tcp", s.addr, time.Second) //nolint:noctx // bounded
		if err == nil {
			_ = conn.Close()
			return
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("the server does not listen: %v", err)
		}
	}
}

func (s *server) kill() {
	if s.cmd == nil {
		return
	}
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait() // killed, says the error
	s.cmd = nil
}

// away checks that every method says that the store is away, within limit.
func away(t *testing.T, s blob.Store, limit time.Duration) {
	t.Helper()
	large := func() io.Reader { return io.LimitReader(zeros{}, 3*blob.MinPart) }
	for name, call := range map[string]func() error{
		"Put":       func() error { _, err := s.Put(t.Context(), "new", strings.NewReader("x"), ""); return err },
		"large Put": func() error { _, err := s.Put(t.Context(), "new", large(), ""); return err },
		"Open":      func() error { _, err := s.Open(t.Context(), "old"); return err },
		"Move":      func() error { return s.Move(t.Context(), "old", "moved") },
		"Delete":    func() error { return s.Delete(t.Context(), "old") },
		"Deletes":   func() error { return s.Delete(t.Context(), "old", "older") },
		"Sweep":     func() error { _, err := s.Sweep(t.Context(), "o", 0); return err },
		"Ping":      func() error { return s.Ping(t.Context()) },
	} {
		began := time.Now()
		if err := call(); !errors.Is(err, blob.ErrUnavailable) {
			t.Errorf("%s = %v, want ErrUnavailable", name, err)
		}
		if took := time.Since(began); took > limit {
			t.Errorf("%s took %v, want at most %v", name, took, limit)
		}
	}
}

// healed checks that everything works, and that what failed has left nothing.
func healed(t *testing.T, s blob.Store, cfg blob.Config) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; {
		err := s.Ping(t.Context())
		if err == nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("still away: %v", err)
		}
	}
	o, err := s.Open(t.Context(), "old")
	if err != nil {
		t.Fatal(err)
	}
	if data, err := io.ReadAll(o); err != nil || string(data) != "kept" {
		t.Errorf("old = %q, %v", data, err)
	}
	if err := o.Close(); err != nil {
		t.Error(err)
	}
	if o, err := s.Open(t.Context(), "new"); !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("a failed Put is visible: %v, %v", o, err)
	}
	if _, err := s.Put(t.Context(), "after", io.LimitReader(zeros{}, 2*blob.MinPart), ""); err != nil {
		t.Errorf("Put: %v", err)
	}
	if n := uploads(t, cfg); n != 0 {
		t.Errorf("%d uploads stay", n)
	}
}

func openAt(t *testing.T, srv *server, timeout time.Duration) (blob.Store, blob.Config) {
	t.Helper()
	cfg := s3ConfigAt(t, "http://tiktok:tiktok-secret@"+srv.addr)
	cfg.S3.Timeout = timeout
	s := openS3(t, cfg)
	if _, err := s.Put(t.Context(), "old", strings.NewReader("kept"), ""); err != nil {
		t.Fatal(err)
	}
	return s, cfg
}

func TestS3Killed(t *testing.T) {
	srv := newServer(t)
	s, cfg := openAt(t, srv, 10*time.Second)
	srv.kill()
	away(t, s, 10*time.Second)
	srv.start()
	healed(t, s, cfg)
}

// TestS3Frozen is about a server that takes connections and does not answer.
func TestS3Frozen(t *testing.T) {
	srv := newServer(t)
	s, _ := openAt(t, srv, time.Second)
	ostest.Freeze(t, srv.cmd.Process)
	away(t, s, 5*time.Second)
	if err := srv.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	// It may do now what it was asked for then: only that it answers is sure.
	for deadline := time.Now().Add(20 * time.Second); s.Ping(t.Context()) != nil; {
		if time.Now().After(deadline) {
			t.Fatal("still away")
		}
	}
	if _, err := s.Put(t.Context(), "after", strings.NewReader("x"), ""); err != nil {
		t.Error(err)
	}
}

// TestS3KilledInPut stops the server between two parts, for good or for less than Put waits.
func TestS3KilledInPut(t *testing.T) {
	srv := newServer(t)
	s, cfg := openAt(t, srv, 10*time.Second)
	cut := func(then func()) io.Reader {
		half := io.LimitReader(zeros{}, blob.MinPart+1)
		rest := io.LimitReader(zeros{}, 2*blob.MinPart)
		return io.MultiReader(half, readFunc(func([]byte) (int, error) { then(); return 0, io.EOF }), rest)
	}
	if _, err := s.Put(t.Context(), "new", cut(srv.kill), ""); !errors.Is(err, blob.ErrUnavailable) {
		t.Errorf("Put = %v, want ErrUnavailable", err)
	}
	srv.start()
	if n := uploads(t, cfg); n != 1 {
		t.Errorf("%d uploads, want the 1 that could not be aborted", n)
	}
	if _, err := s.Sweep(t.Context(), "tmp/", -time.Minute); err != nil {
		t.Error(err)
	}
	healed(t, s, cfg)
	n, err := s.Put(t.Context(), "kept", cut(func() { srv.kill(); srv.start() }), "")
	if n != 3*blob.MinPart+1 || err != nil {
		t.Errorf("Put over a restart = %d, %v", n, err)
	}
}

// TestS3KilledInRead stops the server while an object is read: the rest comes from the next one.
func TestS3KilledInRead(t *testing.T) {
	srv := newServer(t)
	s, _ := openAt(t, srv, 10*time.Second)
	const size = 20 << 20
	if _, err := s.Put(t.Context(), "large", io.LimitReader(zeros{}, size), ""); err != nil {
		t.Fatal(err)
	}
	o, err := s.Open(t.Context(), "large")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = o.Close() }()
	if _, err := io.CopyN(io.Discard, o, 2<<20); err != nil {
		t.Fatal(err)
	}
	srv.kill()
	srv.start()
	if n, err := io.Copy(io.Discard, o); n != size-2<<20 || err != nil {
		t.Errorf("read %d bytes more, %v; want %d", n, err, size-2<<20)
	}
	if _, err := o.Seek(0, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	srv.kill()
	if n, err := io.Copy(io.Discard, o); !errors.Is(err, blob.ErrUnavailable) {
		t.Errorf("read %d bytes, %v; want ErrUnavailable", n, err)
	}
}
