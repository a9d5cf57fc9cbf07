//go:build !linux

package ostest

import (
	"os"
	"testing"
)

// SmallDisk skips the test: only Linux has file systems in memory that are mounted in one call.
func SmallDisk(t testing.TB, _ string) string {
	t.Helper()
	t.Skip("a small disk needs Linux")
	return ""
}

// Freeze skips the test: only Linux says when the last thread has stopped.
func Freeze(t testing.TB, _ *os.Process) {
	t.Helper()
	t.Skip("to freeze a process needs Linux")
}

// Thaw does nothing: Freeze has skipped the test.
func Thaw(testing.TB, *os.Process) {}

// Pin does nothing: only Linux is asked for it.
func Pin(testing.TB, int, int) {}
