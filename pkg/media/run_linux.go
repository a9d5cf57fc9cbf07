package media

import (
	"errors"
	"math"
	"os/exec"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// niceness is the priority of programs that nobody waits for: above 0 is after everything else.
const niceness = 10

// ownGroup puts the program into a process group of its own: a signal to ours (Ctrl-C in a terminal) does not reach it,
// and when its time is over, it ends together with whatever it has started. It ends too when this process is killed.
func ownGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}

// limit sets the limits of a program that has just started. They are set from outside, because that needs no shell and no
// other program, and no rights but those over one's own processes. What happens in the moment before is bounded by how
// short it is.
func limit(pid int, c command) error {
	limits := map[int]uint64{unix.RLIMIT_CORE: 0}
	if c.memory > 0 {
		limits[unix.RLIMIT_AS] = uint64(c.memory)
	}
	if c.fileSize > 0 {
		limits[unix.RLIMIT_FSIZE] = uint64(c.fileSize)
	}
	if c.cpu > 0 {
		limits[unix.RLIMIT_CPU] = uint64(math.Ceil(float64(c.cpu) / float64(time.Second)))
	}
	for resource, value := range limits {
		err := unix.Prlimit(pid, resource, &unix.Rlimit{Cur: value, Max: value}, nil)
		if errors.Is(err, unix.ESRCH) {
			return nil // it has ended already
		}
		if err != nil {
			return err
		}
	}
	if c.urgent {
		return nil
	}
	// Of the group, because a priority belongs to a thread, and there may be some by now.
	if err := unix.Setpriority(unix.PRIO_PGRP, pid, niceness); err != nil && !errors.Is(err, unix.ESRCH) {
		return err
	}
	return nil
}
