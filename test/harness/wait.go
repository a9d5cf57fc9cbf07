package harness

import (
	"context"
	"maps"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"
)

// pollEvery is how often Eventually looks.
const pollEvery = 20 * time.Millisecond

// Eventually waits until check returns nil, and fails the test with its last error when that takes too long.
func Eventually(t testing.TB, within time.Duration, check func() error) {
	t.Helper()
	deadline := time.NewTimer(within)
	defer deadline.Stop()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		err := check()
		if err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-deadline.C:
			t.Fatalf("not within %v: %v", within, err)
		}
	}
}

// Until waits for a moment. It returns false when ctx ends first.
func Until(ctx context.Context, moment time.Time) bool {
	d := time.Until(moment)
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// Parallel calls f n times at once, each in a goroutine of its own, and returns when all have ended. A failure in one
// of them ends that one.
func Parallel(t testing.TB, n int, f func(t testing.TB, i int)) {
	t.Helper()
	begin := make(chan struct{})
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			<-begin
			f(inGoroutine{t}, i)
		})
	}
	close(begin)
	wg.Wait()
	if t.Failed() {
		t.FailNow()
	}
}

// inGoroutine ends only the goroutine that fails: testing's own methods may end only the test's.
type inGoroutine struct{ testing.TB }

func (t inGoroutine) FailNow() {
	t.Fail()
	runtime.Goexit()
}

func (t inGoroutine) Fatal(args ...any) {
	t.Helper()
	t.Error(args...)
	runtime.Goexit()
}

func (t inGoroutine) Fatalf(format string, args ...any) {
	t.Helper()
	t.Errorf(format, args...)
	runtime.Goexit()
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
