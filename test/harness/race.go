//go:build race

package harness

// RaceEnabled says that the test runs with the race detector, and so do the processes.
const RaceEnabled = true
