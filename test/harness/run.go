package harness

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"sync"
	"testing"
)

// Run calls f as go test calls a test, for programs that drive a deployment outside of it: what f starts ends with it. ctx
// is the context of the testing.TB, which has only the methods that this package uses. Run returns what made f fail; what
// f logs goes to standard error.
func Run(ctx context.Context, name string, f func(t testing.TB)) error {
	r := &run{name: name, ctx: ctx}
	ended := make(chan struct{})
	go func() { // FailNow ends the goroutine
		defer close(ended)
		defer r.cleanup()
		f(r)
	}()
	<-ended
	return errors.Join(r.errs...)
}

// run is a test without go test.
type run struct {
	testing.TB // for its unexported method
	name       string
	ctx        context.Context //nolint:containedctx // Context returns it

	mu       sync.Mutex
	errs     []error  // guarded by mu
	failed   bool     // guarded by mu
	cleanups []func() // guarded by mu
}

func (r *run) cleanup() {
	for {
		r.mu.Lock()
		n := len(r.cleanups)
		if n == 0 {
			r.mu.Unlock()
			return
		}
		f := r.cleanups[n-1]
		r.cleanups = slices.Delete(r.cleanups, n-1, n)
		r.mu.Unlock()
		f()
	}
}

func (r *run) Name() string             { return r.name }
func (r *run) Context() context.Context { return r.ctx }
func (r *run) Helper()                  {}

func (r *run) Cleanup(f func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cleanups = append(r.cleanups, f)
}

// TempDir is removed at the end.
func (r *run) TempDir() string {
	dir, err := os.MkdirTemp("", r.name+"-*")
	if err != nil {
		r.Fatal(err)
	}
	r.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			r.Error(err)
		}
	})
	return dir
}

func (r *run) Fail() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failed = true
}

func (r *run) Failed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.failed
}

func (r *run) FailNow() {
	r.Fail()
	runtime.Goexit()
}

func (r *run) fail(err error) {
	r.Fail()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.errs = append(r.errs, err)
}

func (r *run) Error(args ...any)                 { r.fail(errors.New(fmt.Sprint(args...))) }
func (r *run) Errorf(format string, args ...any) { r.fail(fmt.Errorf(format, args...)) }
func (r *run) Fatal(args ...any)                 { r.Error(args...); runtime.Goexit() }
func (r *run) Fatalf(format string, args ...any) { r.Errorf(format, args...); runtime.Goexit() }
func (r *run) Log(args ...any)                   { fmt.Fprintln(os.Stderr, args...) }
func (r *run) Logf(format string, args ...any)   { fmt.Fprintf(os.Stderr, format+"\n", args...) }

// Skipf ends the run as an error: what was asked for cannot be done here.
func (r *run) Skip(args ...any)                 { r.Fatal(args...) }
func (r *run) Skipf(format string, args ...any) { r.Fatalf(format, args...) }
