package harness

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/procfs"
)

// userHZ is the unit of processor time in /proc, 1/100 s on every architecture that Go supports.
const userHZ = 100

// Usage is what a process has used since it started.
type Usage struct {
	// CPU is user and system time, that of ended child processes included.
	CPU time.Duration
	// Memory is its resident set now, Peak the largest one so far, in bytes.
	Memory, Peak int64
}

// UsageOf reads the usage of a process from /proc; it fails where there is none, and for a process that has ended.
func UsageOf(pid int) (Usage, error) {
	p, err := procfs.NewProc(pid)
	if err != nil {
		return Usage{}, err
	}
	stat, err := p.Stat()
	if err != nil {
		return Usage{}, err
	}
	if stat.State == "Z" {
		return Usage{}, fmt.Errorf("process %d: %w", pid, os.ErrProcessDone)
	}
	status, err := p.NewStatus()
	if err != nil {
		return Usage{}, err
	}
	ticks := int64(stat.UTime) + int64(stat.STime) + int64(stat.CUTime) + int64(stat.CSTime) //nolint:gosec // years of it fit
	return Usage{
		CPU:    time.Duration(ticks) * time.Second / userHZ,
		Memory: int64(status.VmRSS), Peak: int64(status.VmHWM), //nolint:gosec // memory fits
	}, nil
}

// ForgetPeak makes the kernel count a process's peak from now on.
func ForgetPeak(pid int) error {
	return os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", pid), []byte("5"), 0)
}

// MachineCPU is the processor time that everything on this machine has used since it was started, what a hypervisor has
// kept from it included.
func MachineCPU() (time.Duration, error) {
	fs, err := procfs.NewDefaultFS()
	if err != nil {
		return 0, err
	}
	stat, err := fs.Stat()
	if err != nil {
		return 0, err
	}
	c := stat.CPUTotal
	return time.Duration((c.User + c.Nice + c.System + c.IRQ + c.SoftIRQ + c.Steal) * float64(time.Second)), nil
}

// Sample is what processes, by name, and the whole machine have used at one moment.
type Sample struct {
	At      time.Time
	By      map[string]Usage
	machine time.Duration
}

// TakeSample reads the usage of processes; those that have ended are left out.
func TakeSample(pids map[string]int) Sample {
	s := Sample{At: time.Now(), By: map[string]Usage{}}
	s.machine, _ = MachineCPU() // 0 where that is not known
	for name, pid := range pids {
		if u, err := UsageOf(pid); err == nil {
			s.By[name] = u
		}
	}
	return s
}

// Since is what each process has used since an earlier sample, with its memory and peak at the later one, and what
// everything else on the machine has used. A process that was started anew in between counts from its start.
func (s Sample) Since(earlier Sample) (used map[string]Usage, others time.Duration) {
	used, others = map[string]Usage{}, s.machine-earlier.machine
	for name, u := range s.By {
		if before := earlier.By[name].CPU; before <= u.CPU {
			u.CPU -= before
		}
		others -= u.CPU
		used[name] = u
	}
	return used, max(0, others)
}

// PIDs are the processes of the deployment, which have to run, and the servers of test/env.sh, by name.
func (d *Deployment) PIDs(t testing.TB) map[string]int {
	t.Helper()
	pids := map[string]int{}
	if d.Name != NameAllInOne {
		pids = ServerPIDs()
	}
	if h, ok := d.host.(*processes); ok {
		for _, p := range h.all {
			pids[p.name] = p.cmd.Process.Pid
		}
	}
	return pids
}

// ServerPIDs are the servers of test/env.sh that run, by name; TIKTOK_ENV_DIR and TIKTOK_ENV_NAME say where.
func ServerPIDs() map[string]int {
	pids := map[string]int{}
	dir := filepath.Join(cmp.Or(os.Getenv("TIKTOK_ENV_DIR"), ".env.d"), cmp.Or(os.Getenv("TIKTOK_ENV_NAME"), "dev"))
	for name, file := range map[string]string{"MariaDB": "mysql", "Redis": "redis", "RabbitMQ": "rabbitmq", "etcd": "etcd"} {
		b, err := os.ReadFile(filepath.Join(dir, file+".pid"))
		if pid, perr := strconv.Atoi(strings.TrimSpace(string(b))); err == nil && perr == nil {
			pids[name] = pid
		}
	}
	return pids
}
