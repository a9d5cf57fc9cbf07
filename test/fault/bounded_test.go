package fault_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"tiktok/config"
	"tiktok/test/harness"
)

const (
	// maxResident is what a process may take of memory, whatever comes in. Caches and buffers are sized for far less.
	maxResident = 384 << 20
	// lateAnswer is what a full machine adds to the deadline of a request.
	lateAnswer = time.Second
	// refusals is how often each writer is refused before the test believes that there is no room left.
	refusals = 20
)

// endless is how long the storm goes on after there is no room left.
func endless() time.Duration {
	if long() {
		return 2 * time.Minute
	}
	return 5 * time.Second
}

// testBounded: the writer stands still and the storm does not end. The memory of every process stays bounded, who writes
// is told in time that there is no room, and of that nothing is ever stored.
func testBounded(t *testing.T, d *harness.Deployment) {
	release := holdWriter(t, d)
	s := newFlood(t, d)
	s.watch()
	harness.Eventually(t, 2*stormy, func() error {
		if n := s.refused.Load(); n < refusals*flooders {
			return fmt.Errorf("%d operations refused, %d acknowledged; %v", n, s.total(), s.failures())
		}
		return nil
	})
	full := s.total()
	peak := map[string]float64{}
	feeds := during(t.Context(), endless(), func() {
		probe(t, d)
		for _, name := range d.Processes(t) {
			n, _ := harness.Added(nil, d.CounterOf(t, name, "process_resident_memory_bytes"))
			peak[name] = max(peak[name], n)
		}
	})
	took := s.slowestWrite()
	t.Logf("%d acknowledged until there was no room, %d while there was none; %d refused, the slowest answer took %v; %d feeds meanwhile",
		full, s.total()-full, s.refused.Load(), took, feeds)
	for name, n := range peak {
		t.Logf("%-14s %4.0f MB", name, n/(1<<20))
		if n > maxResident || n == 0 {
			t.Errorf("%s takes %.0f bytes of memory, want at most %d", name, n, maxResident)
		}
	}
	if limit := config.Default().Gateway.RequestTimeout + lateAnswer; took > limit {
		t.Errorf("a write was answered after %v, want %v", took, limit)
	}
	for answer := range s.failures() {
		if !strings.HasSuffix(answer, ": 10008 "+tooBusy) && !strings.Contains(answer, "comment does not exist") {
			t.Errorf("answered %q", answer)
		}
	}
	release()
	s.more(t, after, stormy)
	s.verify(t)
	s.answered(t)
}
