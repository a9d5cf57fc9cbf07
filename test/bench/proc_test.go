package main

import (
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"
	"time"
)

func TestParseStat(t *testing.T) {
	const rest = " S 1 2 3 0 -1 4194304 100 0 5 0 1234 66 0 0 20 0 9 0 100 200 300"
	for stat, want := range map[string]time.Duration{
		"7 (api)" + rest:             13 * time.Second,
		"7 (a) 1 (b) S 5) x)" + rest: 13 * time.Second,
	} {
		if got, err := parseStat([]byte(stat)); err != nil || got != want {
			t.Errorf("%q: %v %v, want %v", stat, got, err, want)
		}
	}
	for _, bad := range []string{"", "7 api S 1", "7 (api) S 1 2", "7 (api) S 1 2 3 0 -1 4194304 100 0 5 0 x 66 0"} {
		if _, err := parseStat([]byte(bad)); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
}

func TestParseStatus(t *testing.T) {
	const status = "Name:\tapi\nVmPeak:\t 999 kB\nVmHWM:\t  2048 kB\nVmRSS:\t   1024 kB\n"
	for key, want := range map[string]int64{"VmHWM": 2 << 20, "VmRSS": 1 << 20, "VmSwap": 0, "Name": 0} {
		got, err := parseStatus([]byte(status), key)
		if got != want || (err == nil) != (want > 0) {
			t.Errorf("%s: %d %v, want %d", key, got, err, want)
		}
	}
}

// This process's own figures grow with what it does.
func TestReadUsage(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("/proc is Linux's")
	}
	before, err := readUsage(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	memory := make([]byte, 64<<20)
	deadline := time.Now().Add(30 * time.Second)
	for {
		for i := range memory {
			memory[i]++
		}
		after, err := readUsage(os.Getpid())
		if err != nil {
			t.Fatal(err)
		}
		if after.CPU-before.CPU >= 100*time.Millisecond && after.RSS >= int64(len(memory)) && after.Peak >= after.RSS {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("before %+v, after much work %+v", before, after)
		}
	}
}

func TestPidFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.pid")
	for content, want := range map[string]int{strconv.Itoa(os.Getpid()) + "\n": os.Getpid(), "": 0, "x": 0, "-1": 0, "999999999": 0} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := pidFile(path); got != want {
			t.Errorf("%q: %d, want %d", content, got, want)
		}
	}
	if got := pidFile(path + "x"); got != 0 {
		t.Errorf("no file: %d", got)
	}
}

func TestParseBusy(t *testing.T) {
	stat := []byte("cpu  100 20 30 4000 500 6 7 8 0 0\ncpu0 1 2 3 4 5 6 7 8 0 0\n")
	if got, want := parseBusy(stat), 171*tick; got != want {
		t.Errorf("%v, want %v", got, want)
	}
	for _, bad := range []string{"", "cpu 1 2", "intr 1 2 3 4 5 6 7 8 9", "cpu a b c d e f g h i"} {
		if got := parseBusy([]byte(bad)); got != 0 {
			t.Errorf("%q: %v", bad, got)
		}
	}
}
