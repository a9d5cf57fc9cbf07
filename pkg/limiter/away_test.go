package limiter_test

import (
	"fmt"
	"net"
	"os/exec"
	"testing"
	"time"

	"tiktok/pkg/kv"
	"tiktok/pkg/limiter"
	"tiktok/pkg/ostest"
)

// A server that is killed, and one that hangs: of 40 guesses on an account no more than the burst pass, and nobody waits
// for the server's timeout each time.
func TestRealRedisStops(t *testing.T) {
	binary, err := exec.LookPath("redis-server")
	if err != nil {
		t.Skip("redis-server is not installed")
	}
	for name, stop := range map[string]func(t *testing.T, server *exec.Cmd){
		"killed": func(t *testing.T, server *exec.Cmd) {
			if err := server.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			_ = server.Wait() // the signal that ended it
		},
		"hangs": func(t *testing.T, server *exec.Cmd) { ostest.Freeze(t, server.Process) },
	} {
		t.Run(name, func(t *testing.T) {
			server, addr := realRedis(t, binary)
			l := open(t, limiter.DriverRedis, kv.Config{Addrs: []string{addr}, Timeout: 200 * time.Millisecond})
			r := limiter.Rule{Rate: 0.001, Burst: 10}
			if res, err := l.Allow(t.Context(), "before", r); err != nil || !res.OK {
				t.Fatalf("%+v %v", res, err)
			}
			stop(t, server)
			ok, began := 0, time.Now()
			for range 40 {
				res, err := l.Allow(t.Context(), "account", r)
				if err != nil {
					t.Fatal(err)
				}
				if res.OK {
					ok++
				}
			}
			if ok != 10 {
				t.Errorf("%d of 40 guesses pass, want 10", ok)
			}
			if took := time.Since(began); took > 4*time.Second {
				t.Errorf("40 guesses took %v", took)
			}
		})
	}
}

// realRedis starts a server on a port of its own, and waits until it answers.
func realRedis(t *testing.T, binary string) (*exec.Cmd, string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := ln.Addr().(*net.TCPAddr).Port
	if err := ln.Close(); err != nil {
		t.Fatal(err)
	}
	server := exec.Command(binary, "--bind", "127.0.0.1", "--port", fmt.Sprint(port), "--save", "", "--dir", t.TempDir())
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = server.Process.Kill(), server.Wait() }) // it may have ended
	addr := fmt.Sprintf("127.0.0.1:%d", port)
	client := kv.NewRedis(kv.Config{Addrs: []string{addr}})
	defer func() { _ = client.Close() }()
	for deadline := time.Now().Add(20 * time.Second); client.Client.Ping(t.Context()).Err() != nil; {
		if time.Now().After(deadline) {
			t.Fatal("redis-server does not answer")
		}
	}
	return server, addr
}
