package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"text/tabwriter"
)

// printResult is a result on a terminal.
func printResult(w io.Writer, r result) {
	fmt.Fprintf(w, "\n%s, %s: %s\n%s, %.0f s\n", r.Scenario, r.Deployment, r.About, manner(r), r.Seconds)
	switch {
	case r.Scenario == atRest:
	case r.Plan.Conns == 0:
		fmt.Fprintf(w, "  events/s %.0f\n", r.PerSecond)
	default:
		printLatencies(w, r)
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "  process\tCPU s/1000\tprocessors\tRSS MB\tpeak MB\t")
	for _, p := range r.Processes {
		fmt.Fprintf(t, "  %s\t%.3f\t%.2f\t%.0f\t%.0f\t\n", p.Name, p.CPU, p.Load, p.RSS, p.Peak)
	}
	_ = t.Flush() // to a terminal
	if r.Others > quiet {
		fmt.Fprintf(w, "  others took %.2f processors: the machine was not quiet\n", r.Others)
	}
	if len(r.Processes) > 0 && r.Plan.Conns > 0 {
		fmt.Fprintf(w, "  all but the generator: %.3f CPU s/1000\n", r.cost())
	}
	for _, f := range r.Floors {
		fmt.Fprintf(w, "  floor, %s: %.0f/s, %.3f CPU s/1000; this is %.2f of its rate at %.1f times its CPU\n",
			f.Name, f.PerSecond, f.CPU, r.PerSecond/f.PerSecond, r.cost()/f.CPU)
	}
	if r.FirstFail != "" {
		fmt.Fprintf(w, "  first problem: %s\n", r.FirstFail)
	}
}

// quiet is the processors that others may take without a word.
const quiet = 0.1

func printLatencies(w io.Writer, r result) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "  requests/s\tp50 ms\tp90\tp99\tp99.9\tmax\taccepted\trefused\tfailed\tunsent\tbytes each\t")
	fmt.Fprintf(t, "  %.0f\t%.1f\t%.1f\t%.1f\t%.1f\t%.1f\t%d\t%d\t%d\t%d\t%.0f\t\n", r.PerSecond, r.Latency.P50, r.Latency.P90, r.Latency.P99,
		r.Latency.P999, r.Latency.Max, r.Accepted, r.Refused, r.Failed, r.Unsent, r.bytesEach())
	_ = t.Flush() // to a terminal
}

// manner says how the load was made.
func manner(r result) string {
	switch {
	case r.Scenario == atRest:
		return "no load"
	case r.Scenario == giants:
		return "at the store, one at a time"
	case r.Plan.Conns == 0:
		return "backlog"
	case r.open():
		return fmt.Sprintf("open loop, %.0f/s on %d connections", r.Plan.Rate, r.Plan.Conns)
	}
	return fmt.Sprintf("closed loop, %d connections", r.Plan.Conns)
}

// keep merges results into a JSON file: those of a scenario replace what was there of it. It returns all of them.
func keep(path string, results []result) ([]result, error) {
	var all []result
	b, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(b, &all)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	all = slices.DeleteFunc(all, func(old result) bool {
		return slices.ContainsFunc(results, func(r result) bool { return r.Scenario == old.Scenario && r.open() == old.open() })
	})
	all = append(all, results...)
	order := names()
	slices.SortStableFunc(all, func(a, b result) int {
		return cmp.Compare(slices.Index(order, a.Scenario), slices.Index(order, b.Scenario))
	})
	b, err = json.MarshalIndent(all, "", "  ")
	if err != nil {
		return nil, err
	}
	return all, os.WriteFile(path, append(b, '\n'), 0o644)
}

// markdown is the figures of one deployment.
func markdown(all []result) string {
	var b strings.Builder
	fmt.Fprintln(&b, "| scenario | load | requests/s | p50 ms | p90 | p99 | p99.9 | max | refused | failed | unsent | bytes each |")
	fmt.Fprintln(&b, "|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|")
	for _, r := range all {
		switch {
		case r.Scenario == atRest, r.Scenario == giants:
		case r.Plan.Conns == 0:
			fmt.Fprintf(&b, "| %s: %s | %s | %.0f | | | | | | | | | |\n", r.Scenario, r.About, manner(r), r.PerSecond)
		default:
			fmt.Fprintf(&b, "| %s | %s | %.0f | %.1f | %.1f | %.1f | %.1f | %.1f | %d | %d | %d | %.0f |\n", r.Scenario+queueNote(r), manner(r), r.PerSecond,
				r.Latency.P50, r.Latency.P90, r.Latency.P99, r.Latency.P999, r.Latency.Max, r.Refused, r.Failed, r.Unsent, r.bytesEach())
		}
	}
	if slices.ContainsFunc(all, func(r result) bool { return r.Scenario == latency }) {
		fmt.Fprint(&b, "\n![Latency against offered load, with and without the queue](performance/latency.png)\n")
	}
	writeFloors(&b, all)
	if costs := slices.DeleteFunc(slices.Clone(all), func(r result) bool { return r.open() || len(r.Processes) == 0 }); len(costs) > 0 {
		writeCosts(&b, costs)
	}
	writeGiants(&b, all)
	fmt.Fprintln(&b, "\nMeasured:")
	var last string
	for _, r := range all {
		if by := fmt.Sprintf("%s, commit %s, %s", r.Date, r.Commit, r.Machine); by != last {
			fmt.Fprintf(&b, "- from %s on: %s\n", r.Scenario, by)
			last = by
		}
	}
	return b.String()
}

// writeFloors is a table of each scenario beside what it costs at least.
func writeFloors(b *strings.Builder, all []result) {
	begun := false
	for _, r := range all {
		for _, f := range r.Floors {
			if !begun {
				begun = true
				fmt.Fprintf(b, "\nBeside the floors:\n\n| scenario | CPU s/1000 | floor | its requests/s | its CPU s/1000 | rate ÷ floor | CPU ÷ floor |\n|---|--:|---|--:|--:|--:|--:|\n")
			}
			fmt.Fprintf(b, "| %s | %.3f | %s | %.0f | %.3f | %.3f | %.1f |\n", r.Scenario, r.cost(), f.Name, f.PerSecond, f.CPU,
				r.PerSecond/f.PerSecond, r.cost()/f.CPU)
		}
	}
	if begun {
		name := all[0].Deployment
		fmt.Fprintf(b, "\n![Requests per second](performance/%s-rate.png)\n\n![CPU of a request beside Hertz](performance/%s-floor.png)\n", name, name)
	}
}

// writeGiants is a table of what famous users and videos cost at the store.
func writeGiants(b *strings.Builder, all []result) {
	begun := false
	for _, r := range all {
		if r.Scenario != giants {
			continue
		}
		if !begun {
			begun = true
			fmt.Fprintf(b, "\nA celebrity with 1,000,000 followers, a video with 1,000,000 likes and 100,000 comments, a fan who follows 5,000, at the store:\n\n"+
				"| list or action | p50 ms | p99 | max |\n|---|--:|--:|--:|\n")
		}
		fmt.Fprintf(b, "| %s | %.2f | %.2f | %.2f |\n", r.Queue, r.Latency.P50, r.Latency.P99, r.Latency.Max)
	}
}

func queueNote(r result) string {
	if r.Queue == "" {
		return ""
	}
	return " (" + r.Queue + ")"
}

// writeCosts is a table of processor time and memory: a row for each process, a column for each scenario.
func writeCosts(b *strings.Builder, all []result) {
	fmt.Fprintf(b, "\nCPU seconds per 1000 requests · peak memory in MB, at rest what it holds:\n\n| process |")
	for _, r := range all {
		fmt.Fprintf(b, " %s |", r.Scenario)
	}
	fmt.Fprintf(b, "\n|---|%s\n", strings.Repeat("--:|", len(all)))
	var names []string
	for _, r := range all {
		for _, p := range r.Processes {
			if !slices.Contains(names, p.Name) {
				names = append(names, p.Name)
			}
		}
	}
	for _, name := range names {
		fmt.Fprintf(b, "| %s |", name)
		for _, r := range all {
			i := slices.IndexFunc(r.Processes, func(p cost) bool { return p.Name == name })
			if i < 0 {
				fmt.Fprint(b, " |")
				continue
			}
			if r.Scenario == atRest {
				fmt.Fprintf(b, " %.0f |", r.Processes[i].RSS)
				continue
			}
			fmt.Fprintf(b, " %.3f · %.0f |", r.Processes[i].CPU, r.Processes[i].Peak)
		}
		fmt.Fprintln(b)
	}
}

// replaceSection puts text between two markers of a Markdown file, which must be there.
func replaceSection(path, name, text string) error {
	doc, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	begin, end := fmt.Appendf(nil, "<!-- figures of %s -->\n", name), fmt.Appendf(nil, "<!-- end of %s -->\n", name)
	head, rest, ok1 := bytes.Cut(doc, begin)
	_, tail, ok2 := bytes.Cut(rest, end)
	if !ok1 || !ok2 {
		return fmt.Errorf("%s has no lines %q and %q", path, begin, end)
	}
	return os.WriteFile(path, slices.Concat(head, begin, []byte(text), end, tail), 0o644)
}

// commitVariable names the commit where the build does not: Go leaves it out of builds with -buildvcs=false.
const commitVariable = "BENCH_COMMIT"

// commit is what this program was built from.
func commit() string {
	rev, changed := cmp.Or(os.Getenv(commitVariable), "unknown"), ""
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			switch {
			case s.Key == "vcs.revision":
				rev = s.Value[:min(10, len(s.Value))]
			case s.Key == "vcs.modified" && s.Value == "true":
				changed = " and changes"
			}
		}
	}
	return rev + changed
}

// machine is what the figures depend on.
func machine() string {
	model := "unknown processor"
	if b, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(b)) {
			if k, v, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(k) == "model name" {
				model = strings.TrimSpace(v)
				break
			}
		}
	}
	memory := "unknown"
	if b, err := os.ReadFile("/proc/meminfo"); err == nil {
		if n, err := parseStatus(b, "MemTotal"); err == nil {
			memory = fmt.Sprintf("%.0f GB", float64(n)/(1<<30))
		}
	}
	return fmt.Sprintf("%d × %s, %s of memory, %s", runtime.NumCPU(), model, memory, runtime.Version())
}
