package harness

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"
)

// process is one program that runs as the system runs it.
type process struct {
	name, bin, log, admin string
	readyPath             string // answers 200 when it can serve; "" is /readyz
	reached               string // host:port for calls or requests of others
	args, env             []string

	cmd   *exec.Cmd
	ended chan error // what Wait returned; nil while it does not run
}

// startAndWait starts it and returns once it is ready, has ended, or ctx has.
func (p *process) startAndWait(ctx context.Context) error {
	if err := p.start(); err != nil {
		return fmt.Errorf("%s: %w", p.name, err)
	}
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		err := ready(ctx, p.admin+cmp.Or(p.readyPath, "/readyz"))
		if err == nil {
			return nil
		}
		select {
		case status := <-p.ended:
			p.ended = nil
			return errors.Join(fmt.Errorf("%s ended at once, see its log", p.name), status)
		case <-ctx.Done():
			return fmt.Errorf("%s is not ready: %w", p.name, err)
		case <-tick.C:
		}
	}
}

// start runs the program; its output goes to the end of the log file.
func (p *process) start() error {
	log, err := os.OpenFile(p.log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	cmd := exec.Command(p.bin, p.args...) //nolint:noctx // it is stopped by a signal, not by a context
	cmd.Env, cmd.Stdout, cmd.Stderr = p.env, log, log
	cmd.SysProcAttr = dieWithParent()
	started, ended := make(chan error, 1), make(chan error, 1)
	go func() {
		// "The parent" is the thread that started it, so the thread has to stay.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			err = cmd.Wait()
		}
		ended <- errors.Join(err, log.Close())
	}()
	if err := <-started; err != nil {
		return err
	}
	p.cmd, p.ended = cmd, ended
	return nil
}

// stop asks it to stop and waits; what does not stop in time is killed. Anything but status 0 is an error.
func (p *process) stop(within time.Duration) error {
	if p.ended == nil {
		return nil
	}
	ended := p.ended
	p.ended = nil
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("%s: %w", p.name, err)
	}
	timer := time.NewTimer(within)
	defer timer.Stop()
	select {
	case err := <-ended:
		if err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		return nil
	case <-timer.C:
		return errors.Join(fmt.Errorf("%s: still running %v after SIGTERM", p.name, within), p.cmd.Process.Kill(), <-ended)
	}
}

// Program is a program that a test runs as a real process.
type Program struct {
	p *process
	// URL is where it answers, without a slash at the end.
	URL string
}

// RunProgram starts a program that answers /readyz at addr, host:port, waits until it is ready, and stops it when the
// test ends.
func RunProgram(t testing.TB, bin, addr string, args ...string) *Program {
	t.Helper()
	return RunServer(t, bin, addr, "/readyz", args...)
}

// RunServer is RunProgram for a program that is not ours: readyPath is what it answers with status 200 when it is ready.
func RunServer(t testing.TB, bin, addr, readyPath string, args ...string) *Program {
	t.Helper()
	p := &process{
		name: filepath.Base(bin), bin: bin, log: filepath.Join(t.TempDir(), "output"), args: args, env: environ(),
		admin: "http://" + addr, readyPath: readyPath,
	}
	ctx, cancel := context.WithTimeout(t.Context(), startTimeout)
	defer cancel()
	r := &Program{p: p, URL: p.admin}
	t.Cleanup(func() { r.Stop(t) })
	if err := p.startAndWait(ctx); err != nil {
		t.Fatalf("%v\n%s", err, r.Output(t))
	}
	return r
}

// Stop asks it to stop and fails the test unless it ends with status 0. A second call does nothing.
func (r *Program) Stop(t testing.TB) {
	t.Helper()
	if err := r.p.stop(stopTimeout); err != nil {
		t.Errorf("%v\n%s", err, r.Output(t))
	}
}

// PID is its process id while it runs.
func (r *Program) PID() int { return r.p.cmd.Process.Pid }

// Output is what it has printed so far.
func (r *Program) Output(t testing.TB) string {
	t.Helper()
	b, err := os.ReadFile(r.p.log)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
