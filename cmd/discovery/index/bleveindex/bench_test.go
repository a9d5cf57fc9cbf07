package bleveindex_test

import (
	"fmt"
	"os"
	"runtime"
	"syscall"
	"testing"
	"time"

	"tiktok/cmd/discovery/index/indextest"
)

// BenchmarkSearch builds an index of SEARCH_DOCS titles (20,000 when not set) and prints what it costs, and what searches cost in it. It is
// a report, not a loop of b.N: go test -run '^$' -bench Search -benchtime 1x ./cmd/discovery/index/bleveindex.
func BenchmarkSearch(b *testing.B) {
	dir := b.TempDir()
	e := open(b, dir)
	defer func() {
		if err := e.Close(); err != nil {
			b.Error(err)
		}
	}()
	indextest.Bench(b, e, cpuTime, func() string { return fmt.Sprintf("heap %d MB, resident %d MB", heap()>>20, resident()>>20) })
}

func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// resident is how much memory the process has, with the files that are mapped; 0 where the system does not tell.
func resident() uint64 {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	var all, in uint64
	if _, err := fmt.Sscan(string(text), &all, &in); err != nil {
		return 0
	}
	return in * uint64(os.Getpagesize())
}
