package media

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"time"

	"tiktok/pkg/tracing"
)

const (
	stderrBytes = 8 << 10
	reasonBytes = 200
	waitDelay   = time.Second // for the pipes to close once the program has ended
)

// command is one run of a program.
type command struct {
	program  string
	args     []string
	read     string // the one file that it may read
	write    string // the one file, or folder with what is in it, that it may write; it must exist
	stdout   io.Writer
	progress func(done time.Duration) // of what is written; the program is told to report on its standard output
	cpu      time.Duration            // CPU time; 0 is no limit
	memory   int64                    // bytes of address space
	fileSize int64                    // of the largest file that it may write; 0 is no limit
	urgent   bool                     // somebody waits for it: it runs before what nobody waits for
}

// RunError is a program that failed or was stopped by a limit.
type RunError struct {
	// Program is its name.
	Program string
	// Reason is the last thing that it said, or the signal that ended it, in at most 200 bytes; for a log.
	Reason string
	limit  limitKind // that it ran into, "" for none
	input  bool      // it says that its input is to blame
	err    error
}

// Error is the name and the reason.
func (e *RunError) Error() string { return e.Program + ": " + e.Reason }

// Unwrap is the error of package exec.
func (e *RunError) Unwrap() error { return e.err }

// run starts the program and waits for its end. When ctx ends it is killed with all that it has started, and the error is
// that of ctx; any other failure is a *RunError.
func (t *Tools) run(ctx context.Context, c command) error {
	if err := alive(ctx); err != nil {
		return err
	}
	ctx, span := tracing.Start(ctx, tracing.Internal, "run "+programName(c.program))
	defer span.End()
	err := t.runAndWait(ctx, c)
	if err != nil {
		span.Fail("ended with an error")
	}
	return err
}

func (t *Tools) runAndWait(ctx context.Context, c command) error {
	cmd := exec.CommandContext(ctx, c.program, c.args...)
	cmd.Env = environment()
	cmd.WaitDelay = waitDelay
	stderr := &tail{max: stderrBytes}
	cmd.Stdout, cmd.Stderr = c.stdout, stderr
	if c.progress != nil {
		cmd.Stdout = &progressWriter{report: c.progress}
	}
	ownGroup(cmd)
	ended := make(chan struct{})
	defer close(ended)
	err := t.start(cmd, c, ended)
	if err == nil {
		limitErr := limit(cmd.Process.Pid, c)
		if limitErr != nil && cmd.Cancel() != nil {
			limitErr = nil // it has ended before
		}
		err = cmd.Wait()
		_ = cmd.Cancel() // ends what it has left behind; mostly nothing
		if limitErr != nil {
			return fmt.Errorf("limits of %s: %w", c.program, limitErr)
		}
	}
	if ctx.Err() != nil {
		return alive(ctx)
	}
	if err != nil {
		failed := &RunError{Program: programName(c.program), Reason: reason(err, stderr.last()), err: err}
		failed.limit = brokenLimit(c, cmd.ProcessState, stderr.buf)
		exited := cmd.ProcessState != nil && cmd.ProcessState.Exited()
		failed.input = exited && failed.limit == "" && bytes.Contains(stderr.buf, []byte(invalidInput))
		return failed
	}
	return nil
}

// invalidInput is what ffmpeg says of data that no decoder or demuxer can make anything of, in every version.
const invalidInput = "Invalid data found when processing input"

// limitKind is a limit that ended a program.
type limitKind string

const (
	limitTime   limitKind = "time"
	limitMemory limitKind = "memory"
	// limitThreads is no memory for one more thread, or no right to it.
	limitThreads limitKind = "threads"
)

// limitOf is the limit that a run has broken, "" when it failed for another reason.
func limitOf(err error) limitKind {
	if failed := (*RunError)(nil); errors.As(err, &failed) {
		return failed.limit
	}
	return ""
}

// brokenLimit tells from how a program ended, and from what it said, which limit it has run into. A kill that is not for its
// CPU time is one by the system, which is short of memory.
func brokenLimit(c command, state *os.ProcessState, said []byte) limitKind {
	switch {
	case state == nil: // it did not start
		return ""
	case c.cpu > 0 && !state.Exited() && state.UserTime()+state.SystemTime() >= c.cpu*9/10: // they are not counted to the last tick
		return limitTime
	case state.String() == "signal: killed":
		return limitMemory
	}
	has := func(words string) bool { return bytes.Contains(said, []byte(words)) }
	switch {
	case has("Cannot allocate memory"), has("malloc of size"): // ffmpeg, x264
		return limitMemory
	case has("Resource temporarily unavailable"):
		return limitThreads
	}
	return ""
}

// start starts a program from a thread that has given up all rights which the program must not have, because between the
// two there is no place where Go could do so. The kernel ends the program when that thread ends, so it stays until then.
func (t *Tools) start(cmd *exec.Cmd, c command, ended <-chan struct{}) error {
	started := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // and never unlocked: nothing else runs on this thread, and it ends with this goroutine
		if mainThread() {      // which can not end, and whose rights are those of the process to others
			defer runtime.UnlockOSThread()
			started <- t.start(cmd, c, ended) // on another one, because this one is taken until then
			return
		}
		err := t.sandbox.confine(c)
		if err == nil {
			err = cmd.Start()
		}
		started <- err
		<-ended
	}()
	return <-started
}

func programName(path string) string { return path[strings.LastIndexByte(path, os.PathSeparator)+1:] }

// environment is what a program sees of ours: where libraries are, and nothing else.
func environment() []string {
	env := []string{"LC_ALL=C", "HOME=/nonexistent", "AV_LOG_FORCE_NOCOLOR=1"}
	for _, name := range []string{"LD_LIBRARY_PATH", "SYSTEMROOT"} {
		if v, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+v)
		}
	}
	return env
}

// reason is a short text of why a program failed.
func reason(err error, said string) string {
	text := err.Error()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) && exit.Exited() && said != "" {
		text = said
	}
	if len(text) > reasonBytes {
		text = text[:reasonBytes]
	}
	return strings.ToValidUTF8(text, "?")
}

// tail keeps the last max bytes.
type tail struct {
	buf []byte
	max int
}

func (t *tail) Write(p []byte) (int, error) {
	n := len(p)
	if n > t.max {
		p = p[n-t.max:]
	}
	if over := len(t.buf) + len(p) - t.max; over > 0 {
		t.buf = append(t.buf[:0], t.buf[over:]...)
	}
	t.buf = append(t.buf, p...)
	return n, nil
}

// last is the last line that says something, without control characters, addresses in memory and paths.
func (t *tail) last() string {
	lines := strings.Split(string(t.buf), "\n")
	for i := len(lines) - 1; i >= 0; i-- {
		line := strings.TrimSpace(strings.Map(func(r rune) rune {
			if r < ' ' || r == 0x7f {
				return -1
			}
			return r
		}, lines[i]))
		if strings.HasPrefix(line, "[") { // "[mov,mp4 @ 0x55d0c0de] "
			if _, after, ok := strings.Cut(line, "] "); ok {
				line = after
			}
		}
		if strings.HasPrefix(line, "file:") { // "file:/tmp/x: Invalid data found"
			line = line[strings.LastIndex(line, ": ")+1:]
		}
		if line = strings.TrimSpace(line); line != "" {
			return line
		}
	}
	return ""
}

// progressWriter reads what ffmpeg's -progress says: lines of name=value.
type progressWriter struct {
	report func(time.Duration)
	line   []byte
}

func (p *progressWriter) Write(b []byte) (int, error) {
	n := len(b)
	for {
		i := bytes.IndexByte(b, '\n')
		if i < 0 {
			break
		}
		p.take(append(p.line, b[:i]...))
		p.line, b = p.line[:0], b[i+1:]
	}
	if len(p.line)+len(b) < 1024 { // no line of it is as long
		p.line = append(p.line, b...)
	}
	return n, nil
}

func (p *progressWriter) take(line []byte) {
	value, ok := bytes.CutPrefix(line, []byte("out_time_us="))
	if !ok {
		return
	}
	if us, err := strconv.ParseInt(string(bytes.TrimSpace(value)), 10, 64); err == nil && us >= 0 { // "N/A" at first
		p.report(time.Duration(us) * time.Microsecond)
	}
}
