package gateway_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"tiktok/cmd/api/gateway"
)

// childEnv makes TestOutOfFilesChild a process with few file descriptors.
const childEnv = "GATEWAY_TEST_FILES"

// TestOutOfFilesChild is the process that TestOutOfFiles attacks.
func TestOutOfFilesChild(t *testing.T) {
	if os.Getenv(childEnv) == "" {
		t.Skip("is run by TestOutOfFiles")
	}
	e := start(t, &fakes{}, func(d *gateway.Deps) { d.Config.MaxConns = 1000 })
	open, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	few := uint64(len(open) + 20)
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: few, Max: few}); err != nil {
		t.Fatal(err)
	}
	fmt.Fprintln(os.Stderr, "listening", e.gw.Addr())
	_, _ = io.Copy(io.Discard, os.Stdin)
	fmt.Fprintln(os.Stderr, "log", e.log.String())
}

// Without file descriptors for new connections the process lives, idle connections make room for new ones, and
// everybody is answered.
func TestOutOfFiles(t *testing.T) {
	//nolint:gosec // this very test
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestOutOfFilesChild$")
	cmd.Env = append(os.Environ(), childEnv+"=1")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(stderr)
	addr := ""
	for addr == "" && lines.Scan() {
		addr, _ = strings.CutPrefix(lines.Text(), "listening ")
		if addr == lines.Text() {
			addr = ""
		}
	}
	var conns []net.Conn
	for range 100 {
		var d net.Dialer
		c, err := d.DialContext(t.Context(), "tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer shut(c)
		conns = append(conns, c)
	}
	for i, c := range conns {
		if err := c.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(c, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
			t.Logf("connection %d: %v", i, err)
		}
	}
	answered := 0
	for _, c := range conns {
		if line, _ := bufio.NewReader(c).ReadString('\n'); strings.HasPrefix(line, "HTTP/1.1 200") {
			answered++
		}
	}
	if answered < 50 { // who was silent for longest had to go
		t.Errorf("%d of 100 were answered", answered)
	}
	if err := stdin.Close(); err != nil {
		t.Error(err)
	}
	rest, err := io.ReadAll(stderr)
	if err != nil {
		t.Error(err)
	}
	var log []string
	for lines.Scan() {
		log = append(log, lines.Text())
	}
	text := strings.Join(log, "\n") + string(rest)
	if err := cmd.Wait(); err != nil {
		t.Errorf("the process ended: %v\n%s", err, text)
	}
	if n := strings.Count(text, "connections cannot be accepted"); n != 1 || !strings.Contains(text, "too many open files") {
		t.Errorf("said %d times in the log:\n%s", n, text)
	}
}
