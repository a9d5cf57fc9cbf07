package main

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"tiktok/test/harness"
)

const (
	// generatorName is this process in the tables.
	generatorName = "load generator"
	// mb is the unit of memory in tables.
	mb = 1 << 20
	// quiet is the processors that others may take without a word: figures of a busy machine are too low.
	quiet = 0.1
)

// result is what came of a measurement, and what the processes used meanwhile.
type result struct {
	scenario, about, deployment string
	plan
	tally
	// seconds is the measured time, rate accepted requests, or drained events, in each of them.
	seconds, rate float64
	processes     []cost
	// others is the processors that everything else on the machine took.
	others float64
	floors []floor
}

// cost is what one process used: cpu in seconds for 1000 accepted requests, processors on average, memory at the end, and
// the peak since it was started, in MB.
type cost struct {
	name                          string
	cpu, processors, memory, peak float64
}

// cpu is the processor time of 1000 requests in seconds, of all processes but the load generator.
func (r result) cpu() (all float64) {
	for _, p := range r.processes {
		if p.name != generatorName {
			all += p.cpu
		}
	}
	return all
}

// sample is what has been answered so far, and what was used for it.
type sample struct {
	answered int64
	harness.Sample
}

// between fills in what happened from one sample to the next.
func (r *result) between(a, b sample) {
	r.seconds = b.At.Sub(a.At).Seconds()
	n := float64(b.answered - a.answered)
	r.rate = n / r.seconds
	used, others := b.Since(a.Sample)
	r.others = others.Seconds() / r.seconds
	for name, u := range used {
		c := cost{name: name, processors: u.CPU.Seconds() / r.seconds, memory: float64(u.Memory) / mb, peak: float64(u.Peak) / mb}
		if n > 0 { // while nothing was answered there is no cost of an answer
			c.cpu = u.CPU.Seconds() / n * 1000
		}
		r.processes = append(r.processes, c)
	}
	slices.SortFunc(r.processes, func(a, b cost) int { return cmp.Or(cmp.Compare(b.cpu, a.cpu), cmp.Compare(a.name, b.name)) })
}

// print shows a result on a terminal.
func (r result) print(w io.Writer) {
	fmt.Fprintf(w, "\n%s, %s: %s\n", r.scenario, r.deployment, r.about)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	switch {
	case r.hist != nil:
		manner := fmt.Sprintf("closed loop, %d connections", r.conns)
		if r.plan.rate > 0 {
			manner = fmt.Sprintf("open loop, %.0f/s due on %d connections", r.plan.rate, r.conns)
		}
		fmt.Fprintln(t, "  requests/s\tp50 ms\tp90\tp99\tp99.9\tmax\taccepted\trefused\tfailed\tunsent\tbytes each\t")
		sum := r.count[accepted] + r.count[refused] + r.count[failed]
		fmt.Fprintf(t, "  %.0f\t%.1f\t%.1f\t%.1f\t%.1f\t%.1f\t%d\t%d\t%d\t%d\t%d\t  %s, %.0f s\n",
			r.rate, r.ms(50), r.ms(90), r.ms(99), r.ms(99.9), float64(r.hist.Max())/1000, r.count[accepted], r.count[refused], r.count[failed],
			r.unsent, r.bytes/max(1, sum), manner, r.seconds)
	case r.rate > 0:
		fmt.Fprintf(t, "  %.0f events/s\n", r.rate)
	}
	fmt.Fprintln(t, "  process\tCPU s/1000\tprocessors\tMB\tpeak MB\t")
	for _, p := range r.processes {
		fmt.Fprintf(t, "  %s\t%.3f\t%.2f\t%.0f\t%.0f\t\n", p.name, p.cpu, p.processors, p.memory, p.peak)
	}
	_ = t.Flush() // to a terminal
	if r.rate > 0 {
		fmt.Fprintf(w, "  all but the load generator: %.3f CPU s/1000\n", r.cpu())
	}
	if r.others > quiet {
		fmt.Fprintf(w, "  others took %.2f processors: the machine was not quiet\n", r.others)
	}
	for _, f := range r.floors {
		fmt.Fprintf(w, "  floor, %s: %.0f/s, %.3f CPU s/1000; this is %.2f of its rate at %.1f times its CPU\n",
			f.name, f.rate, f.cpu, r.rate/f.rate, r.cpu()/f.cpu)
	}
	if r.problem != "" {
		fmt.Fprintf(w, "  first problem: %s\n", r.problem)
	}
}

// markdown is the table of docs/performance.md: a row for each scenario, the deployments side by side, and the memory.
func markdown(all []result, deployments []string) string {
	var b strings.Builder
	head, line := "| scenario | connections |", "|---|--:|"
	for _, d := range deployments {
		head += fmt.Sprintf(" %s: requests/s | p50 ms | p99 ms | CPU ms | ÷ Hertz |", d)
		line += "--:|--:|--:|--:|--:|"
	}
	fmt.Fprintf(&b, "%s\n%s\n", head, line)
	var rows []string
	for _, r := range all {
		if r.scenario != latency && r.scenario != atRest && !slices.Contains(rows, r.scenario) {
			rows = append(rows, r.scenario)
		}
	}
	for _, name := range rows {
		cells, conns, wrong := "", 0, ""
		for _, d := range deployments {
			i := slices.IndexFunc(all, func(r result) bool { return r.scenario == name && r.deployment == d })
			if i < 0 {
				cells += " | | | | |"
				continue
			}
			r := all[i]
			conns = r.conns
			if r.count[failed]+r.count[refused] > 0 {
				wrong = fmt.Sprintf(" (%d failed, %d refused)", r.count[failed], r.count[refused])
			}
			cells += r.cells()
		}
		fmt.Fprintf(&b, "| %s%s | %d |%s\n", name, wrong, conns, cells)
	}
	for _, d := range deployments {
		fmt.Fprintf(&b, "\nMemory of %s in MB, at rest and at most:", d)
		rest, peak := map[string]float64{}, map[string]float64{}
		var names []string
		for _, r := range all {
			for _, p := range r.processes {
				if r.deployment != d || p.name == generatorName {
					continue
				}
				if r.scenario == atRest {
					rest[p.name] = p.memory
					names = append(names, p.name)
				}
				peak[p.name] = max(peak[p.name], p.peak)
			}
		}
		slices.Sort(names)
		for i, name := range names {
			fmt.Fprintf(&b, "%s %s %.0f, %.0f", strings.Repeat(";", min(i, 1)), name, rest[name], peak[name])
		}
		fmt.Fprintln(&b, ".")
	}
	commit := cmp.Or(os.Getenv("BENCH_COMMIT"), "unknown")
	fmt.Fprintf(&b, "\nMeasured on %s, commit %s, %s.\n", time.Now().UTC().Format(time.DateOnly), commit, machine())
	return b.String()
}

// plots draw rates, and latency against offered load, as Mermaid charts, which hosts of Markdown show as pictures.
func plots(all []result, deployments []string) string {
	var b strings.Builder
	list := func(of func(result) any, all []result) string {
		var values []string
		for _, r := range all {
			values = append(values, fmt.Sprint(of(r)))
		}
		return "[" + strings.Join(values, ", ") + "]"
	}
	for _, d := range deployments {
		var rates, steps []result
		for _, r := range all {
			switch {
			case r.deployment != d || r.hist == nil:
			case r.scenario == latency:
				steps = append(steps, r)
			case !strings.HasPrefix(r.scenario, loginStorm):
				rates = append(rates, r)
			}
		}
		if len(rates) > 1 {
			fmt.Fprintf(&b, "\n```mermaid\nxychart-beta horizontal\n  title \"%s\"\n  x-axis %s\n  y-axis \"requests/s\"\n  bar %s\n```\n",
				d, list(func(r result) any { return strconv.Quote(r.scenario) }, rates), list(func(r result) any { return math.Round(r.rate) }, rates))
		}
		if len(steps) > 1 {
			ms := func(q float64) func(result) any { return func(r result) any { return math.Round(r.ms(q)*10) / 10 } }
			fmt.Fprintf(&b, "\n```mermaid\nxychart-beta\n  title \"%s: likes of one video, latency (median, and 99 of 100) by offered load\"\n"+
				"  x-axis \"offered likes per second\" %s\n  y-axis \"ms\"\n  line %s\n  line %s\n```\n",
				d, list(func(r result) any { return r.plan.rate }, steps), list(ms(50), steps), list(ms(99), steps))
		}
	}
	return b.String()
}

// cells are a result's part of a row.
func (r result) cells() string {
	if r.hist == nil {
		return fmt.Sprintf(" %.0f | | | %.2f | |", r.rate, r.cpu())
	}
	floor := ""
	if len(r.floors) > 0 {
		floor = fmt.Sprintf("%.1f", r.cpu()/r.floors[0].cpu)
	}
	return fmt.Sprintf(" %.0f | %.1f | %.1f | %.2f | %s |", r.rate, r.ms(50), r.ms(99), r.cpu(), floor)
}

// machine is what the figures depend on.
func machine() string {
	model := "unknown processor"
	// Not by procfs, which has no CPUInfo on Windows: the driver must build there.
	if cpus, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		if _, rest, ok := strings.Cut(string(cpus), "model name\t: "); ok {
			model, _, _ = strings.Cut(rest, "\n")
		}
	}
	return fmt.Sprintf("%d × %s, %s", runtime.NumCPU(), model, runtime.Version())
}
