package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"time"
)

// process is a program that we run.
type process struct {
	name, log string
	cmd       *exec.Cmd
	done      chan struct{} // closed when it has ended
	err       error         // how; set before done is closed
}

// startProcess runs bin with args; its output goes to the end of the file log. It ends when this process ends, however that does.
func startProcess(bin string, args, env []string, log string) (*process, error) {
	out, err := os.OpenFile(log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(bin, args...) //nolint:noctx // it is stopped by a signal, not by a context
	cmd.Env, cmd.Stdout, cmd.Stderr = env, out, out
	cmd.SysProcAttr = dieWithParent()
	p := &process{name: filepath.Base(bin), log: log, cmd: cmd, done: make(chan struct{})}
	started := make(chan error, 1)
	go func() {
		// "The parent" is the thread that starts it, so the thread has to stay.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			err = cmd.Wait()
		}
		p.err = errors.Join(err, out.Close())
		close(p.done)
	}()
	return p, <-started
}

func (p *process) pid() int {
	if p == nil || p.ended() != nil {
		return 0
	}
	return p.cmd.Process.Pid
}

// ended is an error with the end of its log when the process does not run any more.
func (p *process) ended() error {
	select {
	case <-p.done:
		log, _ := os.ReadFile(p.log) // only to say more
		return fmt.Errorf("%s has ended (%w); the end of %s:\n%s", p.name, p.err, p.log, log[max(0, len(log)-2000):])
	default:
		return nil
	}
}

// stop asks it to stop and waits; what does not stop in time is killed.
func (p *process) stop() error {
	select {
	case <-p.done:
		return nil
	default:
	}
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // fails when it has just ended
	timer := time.NewTimer(stopTimeout)
	defer timer.Stop()
	select {
	case <-p.done:
		return nil
	case <-timer.C:
	}
	err := fmt.Errorf("%s did not stop in %v and was killed", p.name, stopTimeout)
	err = errors.Join(err, p.cmd.Process.Kill())
	<-p.done
	return err
}
