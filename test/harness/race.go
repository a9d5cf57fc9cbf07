//go:build race

package harness

// raceEnabled: the processes are built like the test.
const raceEnabled = true
