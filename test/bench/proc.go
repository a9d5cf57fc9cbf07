package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// tick is the unit of processor time in /proc/<pid>/stat, USER_HZ: 1/100 s on every architecture that Go supports.
const tick = 10 * time.Millisecond

// usage is what a process has used so far.
type usage struct {
	CPU time.Duration
	// RSS is the memory that it holds now and Peak the most that it ever held, in bytes.
	RSS, Peak int64
}

// readUsage reads it from /proc.
func readUsage(pid int) (usage, error) {
	dir := filepath.Join("/proc", strconv.Itoa(pid))
	stat, err := os.ReadFile(filepath.Join(dir, "stat"))
	if err != nil {
		return usage{}, err
	}
	status, err := os.ReadFile(filepath.Join(dir, "status"))
	if err != nil {
		return usage{}, err
	}
	var u usage
	if u.CPU, err = parseStat(stat); err != nil {
		return usage{}, fmt.Errorf("process %d: %w", pid, err)
	}
	if u.RSS, err = parseStatus(status, "VmRSS"); err != nil {
		return usage{}, fmt.Errorf("process %d: %w", pid, err)
	}
	if u.Peak, err = parseStatus(status, "VmHWM"); err != nil {
		return usage{}, fmt.Errorf("process %d: %w", pid, err)
	}
	return u, nil
}

// parseStat reads the processor time, user and system, of all threads and of the programs that it ran and that have ended:
// covers of uploads are drawn by such. The name of a program may hold spaces and
// brackets, so fields are counted behind its last bracket.
func parseStat(stat []byte) (time.Duration, error) {
	i := bytes.LastIndexByte(stat, ')')
	fields := strings.Fields(string(stat[i+1:]))
	const utime, stime, cutime, cstime = 14 - 3, 15 - 3, 16 - 3, 17 - 3 // as proc(5) counts them, less the two before and counted from 0
	if i < 0 || len(fields) <= cstime {
		return 0, fmt.Errorf("/proc/…/stat has an unknown form: %.100q", stat)
	}
	var ticks int64
	for _, f := range []string{fields[utime], fields[stime], fields[cutime], fields[cstime]} {
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("/proc/…/stat: %w", err)
		}
		ticks += n
	}
	return time.Duration(ticks) * tick, nil
}

// parseStatus reads one amount of memory in bytes.
func parseStatus(status []byte, key string) (int64, error) {
	for line := range strings.Lines(string(status)) {
		rest, ok := strings.CutPrefix(line, key+":")
		if !ok {
			continue
		}
		kb, ok := strings.CutSuffix(strings.TrimSpace(rest), " kB")
		n, err := strconv.ParseInt(strings.TrimSpace(kb), 10, 64)
		if !ok || err != nil {
			return 0, fmt.Errorf("/proc/…/status: %q", line)
		}
		return n << 10, nil
	}
	return 0, fmt.Errorf("/proc/…/status has no %s", key)
}

// machineBusy is the processor time that all processes of the machine have used since it was started, and the time that a
// hypervisor has kept from it. It is 0 where that cannot be read.
func machineBusy() time.Duration {
	b, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0
	}
	return parseBusy(b)
}

func parseBusy(stat []byte) time.Duration {
	line, _, _ := bytes.Cut(stat, []byte("\n"))
	fields := strings.Fields(string(line))
	if len(fields) < 9 || fields[0] != "cpu" {
		return 0
	}
	var ticks int64
	for i, f := range fields[1:9] { // user nice system idle iowait irq softirq steal
		const idle, iowait = 3, 4
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			return 0
		}
		if i != idle && i != iowait {
			ticks += n
		}
	}
	return time.Duration(ticks) * tick
}

// pidFile reads a process id from a file; 0 when there is none or the process is gone.
func pidFile(path string) int {
	b, err := os.ReadFile(path)
	if err != nil {
		return 0
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil || pid <= 0 {
		return 0
	}
	if _, err := readUsage(pid); err != nil {
		return 0
	}
	return pid
}
