package media

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The test binary is the program that a hostile video has taken over: evilProgram is what it tries, and says what came of it.
const evilArgument = "evil"

// victim is what a program that was taken over goes for.
type victim struct {
	secret string // a file beside the program's own
	input  string
	output string
	tcp    string
	udp    string
	unix   string
	pid    int
}

func (v victim) args() []string {
	return []string{"-test.run=^TestEvilProgram$", evilArgument, v.secret, v.input, v.output, v.tcp, v.udp, v.unix, strconv.Itoa(v.pid)}
}

// TestEvilProgram is not a test but in the sandbox.
func TestEvilProgram(t *testing.T) {
	args := flag.Args()
	if len(args) != 8 || args[0] != evilArgument {
		t.Skip("runs in a sandbox only")
	}
	pid, err := strconv.Atoi(args[7])
	if err != nil {
		t.Fatal(err)
	}
	v := victim{args[1], args[2], args[3], args[4], args[5], args[6], pid}
	for _, try := range v.tries() {
		result := "done"
		if err := try.do(); err != nil {
			result = "refused"
			if !errors.Is(err, unix.EACCES) && !errors.Is(err, unix.EPERM) {
				result = fmt.Sprintf("failed: %v", err)
			}
		}
		fmt.Fprintf(os.Stdout, "%s: %s\n", try.name, result)
	}
	fmt.Fprintf(os.Stdout, "environment: %q\n", os.Environ())
	var caps [2]unix.CapUserData
	err = unix.Capget(&unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}, &caps[0])
	fmt.Fprintf(os.Stdout, "capabilities: %v %v\n", caps == [2]unix.CapUserData{}, err)
	privileges, err := unix.PrctlRetInt(unix.PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0)
	fmt.Fprintf(os.Stdout, "no new privileges: %d %v\n", privileges, err)
}

// try is something that a program might do.
type try struct {
	name string
	own  bool // it may
	do   func() error
}

func (v victim) tries() []try {
	read := func(path string) func() error {
		return func() error {
			_, err := os.ReadFile(path)
			return err
		}
	}
	write := func(path string) func() error {
		return func() error { return os.WriteFile(path, []byte("x"), 0o600) }
	}
	dial := func(network, addr string) func() error {
		return func() error {
			c, err := net.Dial(network, addr)
			if err == nil {
				_ = c.Close()
			}
			return err
		}
	}
	dir := filepath.Dir(v.secret)
	limit := unix.Rlimit{Cur: 4096, Max: 4096}
	return []try{
		{"read its input", true, read(v.input)},
		{"write its output", true, write(v.output)},
		{"read its output", true, read(v.output)},
		{"truncate its output", true, func() error { return os.Truncate(v.output, 0) }},
		{"see its own limits", true, func() error { return unix.Prlimit(0, unix.RLIMIT_CORE, nil, &unix.Rlimit{}) }},

		{"read a secret", false, read(v.secret)},
		{"read passwords", false, read("/etc/passwd")},
		{"list a folder", false, func() error {
			_, err := os.ReadDir(dir)
			return err
		}},
		{"write its input", false, func() error {
			f, err := os.OpenFile(v.input, os.O_WRONLY, 0)
			if err == nil {
				_ = f.Close()
			}
			return err
		}},
		{"truncate a secret", false, func() error { return os.Truncate(v.secret, 1) }},
		{"open a secret for all", false, func() error { return os.Chmod(v.secret, 0o644) }},
		{"give a secret away", false, func() error { return os.Chown(v.secret, os.Getuid(), os.Getgid()) }},
		{"make a file", false, write(filepath.Join(dir, "new"))},
		{"make a file in /tmp", false, write(filepath.Join(os.TempDir(), "tiktok-evil-program"))},
		{"delete a secret", false, func() error { return os.Remove(v.secret) }},
		{"move a secret", false, func() error { return os.Rename(v.secret, v.secret+"2") }},
		{"link a secret", false, func() error { return os.Link(v.secret, v.secret+"3") }},
		{"run what it has written", false, func() error { return syscall.Exec(v.output, []string{"x"}, nil) }},
		{"connect", false, dial("tcp", v.tcp)},
		{"send a datagram", false, dial("udp", v.udp)},
		{"a socket of this machine", false, dial("unix", v.unix)},
		{"listen", false, func() error {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err == nil {
				_ = l.Close()
			}
			return err
		}},
		{"raw packets", false, func() error {
			fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW, 0)
			if err == nil {
				_ = unix.Close(fd)
			}
			return err
		}},
		{"input and output by rings", false, func() error {
			var params [120]byte
			fd, _, errno := unix.Syscall(unix.SYS_IO_URING_SETUP, 8, uintptr(unsafe.Pointer(&params)), 0)
			if errno != 0 {
				return errno
			}
			return unix.Close(int(fd))
		}},
		{"signal its parent", false, func() error { return unix.Kill(v.pid, unix.SIGWINCH) }}, // Go ignores it
		{"signal a thread of its parent", false, func() error { return unix.Tgkill(v.pid, v.pid, unix.SIGWINCH) }},
		{"signal any thread of its parent", false, v.signalThreads},
		{"a parent's environment", false, read(fmt.Sprintf("/proc/%d/environ", v.pid))},
		{"a parent's memory", false, func() error {
			var b [1]byte
			_, err := unix.ProcessVMReadv(
				v.pid,
				[]unix.Iovec{{Base: &b[0], Len: 1}},
				[]unix.RemoteIovec{{Base: uintptr(unsafe.Pointer(&limit)), Len: 1}},
				0,
			)
			if errors.Is(err, unix.EFAULT) {
				return nil // another place of it would do
			}
			return err
		}},
		{"trace its parent", false, func() error {
			err := unix.PtraceSeize(v.pid)
			if err == nil {
				return unix.PtraceDetach(v.pid)
			}
			return err
		}},
		{"limit its parent", false, func() error { return unix.Prlimit(v.pid, unix.RLIMIT_CORE, nil, &limit) }},
		{"slow its parent", false, func() error { return unix.Setpriority(unix.PRIO_PROCESS, v.pid, 0) }},
		{"a namespace", false, func() error { return unix.Unshare(unix.CLONE_NEWUTS) }},
		{"keys of its user", false, func() error {
			_, err := unix.KeyctlGetKeyringID(unix.KEY_SPEC_SESSION_KEYRING, true)
			return err
		}},
	}
}

// signalThreads tries all threads of the parent, one of which has started this program with its rights.
func (v victim) signalThreads() error {
	for tid := v.pid; tid < os.Getpid(); tid++ {
		if err := unix.Tgkill(v.pid, tid, unix.SIGWINCH); err == nil {
			return nil
		}
		if err := unix.Kill(tid, unix.SIGWINCH); err == nil {
			return nil
		}
	}
	return unix.EPERM
}

// newVictim makes what there is to get at.
func newVictim(t *testing.T) victim {
	t.Helper()
	dir := t.TempDir()
	v := victim{pid: os.Getpid(), unix: filepath.Join(dir, "socket")}
	for _, file := range []struct {
		path *string
		name string
	}{{&v.secret, "secret"}, {&v.input, "input"}, {&v.output, "output"}} {
		*file.path = filepath.Join(dir, file.name)
		if err := os.WriteFile(*file.path, []byte("do not tell"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, l := range []struct {
		addr             *string
		network, address string
	}{{&v.tcp, "tcp", "127.0.0.1:0"}, {nil, "unix", v.unix}} {
		listener, err := net.Listen(l.network, l.address)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = listener.Close() })
		if l.addr != nil {
			*l.addr = listener.Addr().String()
		}
		go func() {
			for {
				c, err := listener.Accept()
				if err != nil {
					return
				}
				_ = c.Close()
			}
		}()
	}
	udp, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = udp.Close() })
	v.udp = udp.LocalAddr().String()
	return v
}

// runEvil runs the test binary in a sandbox and returns what it says.
func runEvil(t *testing.T, s sandbox, v victim) map[string]string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	tools := New(Config{FFmpeg: off})
	tools.sandbox = s
	out := &limited{max: 64 << 10}
	if err := tools.run(t.Context(), command{program: self, args: v.args(), read: v.input, write: v.output, stdout: out}); err != nil {
		t.Fatalf("%v: %s", err, out.buf.Bytes())
	}
	said := map[string]string{}
	for line := range strings.Lines(out.buf.String()) {
		if name, result, ok := strings.Cut(strings.TrimSpace(line), ": "); ok {
			said[name] = result
		}
	}
	return said
}

// privileges is what /proc says of the first thread of this process.
func privileges(t *testing.T) (lines string) {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if strings.HasPrefix(line, "Cap") || strings.HasPrefix(line, "NoNewPrivs") || strings.HasPrefix(line, "Seccomp") {
			lines += line
		}
	}
	return lines
}

func needSandbox(t *testing.T) sandbox {
	t.Helper()
	s, err := newSandbox(SandboxRequire)
	if err != nil {
		t.Skip(err)
	}
	return s
}

// TestSandbox: a program that was taken over gets at nothing but its own two files.
func TestSandbox(t *testing.T) {
	s := needSandbox(t)
	t.Setenv("TIKTOK_AUTH_SECRET", "do not tell")
	before := privileges(t)
	v := newVictim(t)
	said := runEvil(t, s, v)
	for _, try := range v.tries() {
		if want := map[bool]string{true: "done", false: "refused"}[try.own]; said[try.name] != want {
			t.Errorf("%s: %q, want %q", try.name, said[try.name], want)
		}
	}
	if got := said["capabilities"]; got != "true <nil>" {
		t.Errorf("no capabilities: %s", got)
	}
	if got := said["no new privileges"]; got != "1 <nil>" {
		t.Errorf("no new privileges: %s", got)
	}
	if got := said["environment"]; strings.Contains(got, "TIKTOK") || !strings.Contains(got, "LC_ALL=C") || strings.Contains(got, "PATH=") {
		t.Errorf("the environment is %s", got)
	}
	if b, err := os.ReadFile(v.secret); err != nil || string(b) != "do not tell" {
		t.Errorf("the secret is %q, %v", b, err)
	}
	for range 20 {
		runEvil(t, s, v)
	}
	if after := privileges(t); after != before {
		t.Errorf("the first thread of this process has %s, it had %s", after, before)
	}
	// This process has kept all its rights, on whichever thread.
	for range 64 {
		done := make(chan error)
		go func() {
			_, err := os.ReadFile(v.secret)
			done <- err
		}()
		if err := <-done; err != nil {
			t.Fatalf("this process has lost its rights: %v", err)
		}
	}
}

// TestSandboxParts runs with what older kernels have: everything works that must, and what is missing is missing. It shows
// that the tries of TestSandbox would succeed.
func TestSandboxParts(t *testing.T) {
	whole := needSandbox(t)
	for name, c := range map[string]struct {
		sandbox sandbox
		done    []string
		refused []string
	}{
		"off": {sandbox{off: true}, []string{
			"read a secret", "connect", "send a datagram", "a socket of this machine",
			"signal its parent", "limit its parent", "list a folder",
		}, nil},
		"no Landlock": {
			sandbox{seccomp: true},
			[]string{"read a secret", "list a folder"},
			[]string{
				"connect", "signal its parent", "signal any thread of its parent", "send a datagram", "a socket of this machine",
				"limit its parent", "open a secret for all",
			},
		},
		"no seccomp": {sandbox{landlock: whole.landlock}, nil, []string{"read a secret", "connect", "list a folder", "trace its parent"}},
	} {
		t.Run(name, func(t *testing.T) {
			v := newVictim(t)
			said := runEvil(t, c.sandbox, v)
			for _, try := range v.tries() {
				if try.own && said[try.name] != "done" {
					t.Errorf("%s: %q", try.name, said[try.name])
				}
			}
			for want, names := range map[string][]string{"done": c.done, "refused": c.refused} {
				for _, name := range names {
					if said[name] != want {
						t.Errorf("%s: %q, want %q", name, said[name], want)
					}
				}
			}
		})
	}
}

// TestSandboxSetting: what is required and not there is not run, and says why.
func TestSandboxSetting(t *testing.T) {
	for mode, want := range map[string]string{
		"": "sandbox: Landlock", SandboxAuto: "sandbox: Landlock", SandboxRequire: "sandbox: Landlock",
		SandboxOff: "no sandbox",
	} {
		if mode != SandboxOff {
			needSandbox(t)
		}
		s, err := newSandbox(mode)
		if err != nil || !strings.HasPrefix(s.describe(), want) {
			t.Errorf("%q: %s, %v", mode, s.describe(), err)
		}
	}
	for want, s := range map[string]sandbox{
		"no sandbox: ":              {},
		"no Landlock: it may read":  {seccomp: true},
		"no seccomp: UDP":           {landlock: 7},
		"it may signal other":       {landlock: 4, seccomp: true},
		"sandbox: Landlock 9, secc": {landlock: 9, seccomp: true},
	} {
		if got := s.describe(); !strings.Contains(got, want) {
			t.Errorf("%+v: %s", s, got)
		}
	}
	for missing, s := range map[string]sandbox{"Landlock and no seccomp": {}, "Landlock": {seccomp: true}, "seccomp": {landlock: 1}} {
		if err := s.require(); err == nil || !strings.HasSuffix(err.Error(), "no "+missing) {
			t.Errorf("%+v: %v", s, err)
		}
	}
	tools := New(Config{FFmpeg: "/bin/sh"})
	tools.refuse(errors.New("no Landlock"))
	if tools.HasFFmpeg() || tools.CanEncode() || !strings.Contains(tools.Describe(), "is not run (no Landlock)") {
		t.Error(tools.Describe())
	}
}

// BenchmarkRun is what one run of a program that does nothing takes.
func BenchmarkRun(b *testing.B) {
	for _, mode := range []string{SandboxOff, SandboxAuto} {
		b.Run(mode, func(b *testing.B) {
			tools := New(Config{FFmpeg: off, Sandbox: mode})
			dir := b.TempDir()
			for b.Loop() {
				if err := tools.run(b.Context(), command{program: "/bin/true", write: dir, stdout: &bytes.Buffer{}}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
