//go:build unix && !linux

package media

import (
	"os/exec"
	"syscall"
)

// ownGroup puts the program into a process group of its own: a signal to ours (Ctrl-C in a terminal) does not reach it,
// and when its time is over, it ends together with whatever it has started.
func ownGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}

// limit does nothing: only Linux can limit another process.
func limit(int, command) error { return nil }
