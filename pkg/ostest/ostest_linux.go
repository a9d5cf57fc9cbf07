// Package ostest gives tests what an operating system can do to a program: a disk that gets full, a process that hangs, a
// processor of its own.
package ostest

import (
	"errors"
	"os"
	"strconv"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// SmallDisk mounts a file system of so many bytes that exists until the test ends, and returns its folder. The test is
// skipped for those who may not mount: only root may.
func SmallDisk(t testing.TB, bytes string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+bytes); err != nil {
		if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EACCES) {
			t.Skipf("no right to mount a small disk: %v", err)
		}
		t.Fatalf("mount a small disk: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Errorf("unmount %s: %v", dir, err)
		}
	})
	return dir
}

// Freeze stops a child of this process where it is, as SIGSTOP does: its connections stay open and nobody answers. When
// it returns, the last thread has stopped: the signal alone leaves them the time for an answer. Thaw, or the end of the
// test, lets the child go on.
func Freeze(t testing.TB, child *os.Process) {
	t.Helper()
	t.Cleanup(func() { _ = child.Signal(syscall.SIGCONT) }) // it may be gone
	if err := child.Signal(syscall.SIGSTOP); err != nil {
		t.Fatalf("stop process %d: %v", child.Pid, err)
	}
	for {
		// Not its end, which belongs to whoever waits for that.
		err := unix.Waitid(unix.P_PID, child.Pid, nil, unix.WSTOPPED|unix.WNOWAIT, nil)
		if err == nil {
			return
		}
		if !errors.Is(err, syscall.EINTR) {
			t.Fatalf("wait until process %d has stopped: %v", child.Pid, err)
		}
	}
}

// Thaw ends Freeze.
func Thaw(t testing.TB, child *os.Process) {
	t.Helper()
	if err := child.Signal(syscall.SIGCONT); err != nil {
		t.Fatalf("resume process %d: %v", child.Pid, err)
	}
}

// Pin keeps all threads of a process, and those that they start, on one processor, counted from 0.
func Pin(t testing.TB, pid, processor int) {
	t.Helper()
	tasks, err := os.ReadDir("/proc/" + strconv.Itoa(pid) + "/task")
	if err != nil {
		t.Fatalf("threads of process %d: %v", pid, err)
	}
	var set unix.CPUSet
	set.Set(processor)
	for _, task := range tasks {
		tid, err := strconv.Atoi(task.Name())
		if err != nil {
			continue
		}
		if err := unix.SchedSetaffinity(tid, &set); err != nil && !errors.Is(err, syscall.ESRCH) { // a thread may have ended
			t.Fatalf("pin process %d to processor %d: %v", pid, processor, err)
		}
	}
}
