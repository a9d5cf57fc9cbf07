package harness

import (
	"errors"
	"os"
	"os/exec"
	"runtime"
	"testing"
	"time"
)

// This process's own figures grow with what it does.
func TestUsage(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("/proc is Linux's")
	}
	before, err := UsageOf(os.Getpid())
	machine, merr := MachineCPU()
	if err = errors.Join(err, merr); err != nil {
		t.Fatal(err)
	}
	memory := make([]byte, 64<<20)
	Eventually(t, 30*time.Second, func() error {
		for i := range memory {
			memory[i]++
		}
		after, err := UsageOf(os.Getpid())
		now, merr := MachineCPU()
		if err = errors.Join(err, merr); err != nil {
			return err
		}
		if after.CPU-before.CPU < 100*time.Millisecond || after.Memory < int64(len(memory)) || after.Peak < after.Memory || now <= machine {
			return errors.New("no work and no memory is seen")
		}
		return nil
	})
}

// The processor time of a child counts once it has ended; a process that has ended has no usage.
func TestUsageOfTheEnded(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("/proc is Linux's")
	}
	cmd := exec.CommandContext(t.Context(), "true")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	Eventually(t, 30*time.Second, func() error { // a zombie, until it is waited for
		if _, err := UsageOf(cmd.Process.Pid); err == nil {
			return errors.New("it still has usage")
		}
		return nil
	})
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	if _, err := UsageOf(cmd.Process.Pid); err == nil {
		t.Error("it is gone and has usage")
	}
}

// A process that was started anew has used what it has used since then; what no process has used, others have.
func TestSampleSince(t *testing.T) {
	a := Sample{machine: 10 * time.Second, By: map[string]Usage{"gateway": {CPU: time.Second}, "user": {CPU: 9 * time.Second}}}
	b := Sample{machine: 15 * time.Second, By: map[string]Usage{"gateway": {CPU: 3 * time.Second, Peak: 7}, "user": {CPU: time.Second}}}
	used, others := b.Since(a)
	if want := (Usage{CPU: 2 * time.Second, Peak: 7}); used["gateway"] != want || used["user"].CPU != time.Second || others != 2*time.Second {
		t.Errorf("%v, others %v", used, others)
	}
}
