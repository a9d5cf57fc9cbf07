package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
)

// spread is the ratios of a figure of one build to that of another, round by round.
type spread struct {
	Median float64 `json:"median"`
	Least  float64 `json:"min"`
	Most   float64 `json:"max"`
}

func spreadOf(ratios []float64) spread {
	s := slices.Sorted(slices.Values(ratios))
	n := len(s)
	return spread{Median: (s[(n-1)/2] + s[n/2]) / 2, Least: s[0], Most: s[n-1]}
}

// String is the median and the ends.
func (s spread) String() string { return fmt.Sprintf("%.2f (%.2f–%.2f)", s.Median, s.Least, s.Most) }

// comparison is one scenario on two builds.
type comparison struct {
	Scenario string `json:"scenario"`
	// Rate, CPU and P99 are the second's figures divided by the first's.
	Rate   spread   `json:"rate"`
	CPU    spread   `json:"cpu"`
	P99    spread   `json:"p99"`
	First  []result `json:"first"`
	Second []result `json:"second"`
}

func compareResults(first, second []result) comparison {
	c := comparison{Scenario: first[0].Scenario, First: first, Second: second}
	ratio := func(of func(result) float64) spread {
		var all []float64
		for i := range first {
			all = append(all, of(second[i])/of(first[i]))
		}
		return spreadOf(all)
	}
	c.Rate = ratio(func(r result) float64 { return r.PerSecond })
	c.CPU = ratio(result.cost)
	c.P99 = ratio(func(r result) float64 { return r.Latency.P99 })
	return c
}

// compare runs two builds of the same deployment side by side, each on its own data, and lets them take turns: what else
// happens on the machine meanwhile happens to both.
func compare(ctx context.Context, o options, out io.Writer) (err error) {
	bins := strings.Split(o.compare, ",")
	if len(bins) != 2 || o.deployment == running || o.deployment == "" {
		return errors.New("-compare wants two folders of programs, and a deployment that is ours to start")
	}
	var sessions [2]*session
	for i, bin := range bins {
		one := o
		one.bin, one.data, one.floors, one.port = bin, "", false, o.port+i*portsEach
		s, dir, err := newSession(one, out, i)
		if dir != "" {
			defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
		}
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, s.dep.stop()) }()
		s.build = filepath.Base(bin)
		if err := s.ready(ctx); err != nil {
			return fmt.Errorf("%s: %w", bin, err)
		}
		sessions[i] = s
	}
	var all []comparison
	for _, name := range o.scenarios {
		sc, ok := scenarioNamed(name)
		if !ok {
			return fmt.Errorf("%s cannot be compared", name)
		}
		for round := range o.rounds {
			for turn := range sessions {
				i := (round + turn) % len(sessions) // who is first changes: caches and the machine warm up meanwhile
				s := sessions[i]
				fmt.Fprintf(out, "\n%s, round %d of %d\n", filepath.Base(bins[i]), round+1, o.rounds)
				if err := s.storm(ctx, sc); err != nil {
					return fmt.Errorf("%s: %s: %w", bins[i], name, err)
				}
			}
		}
		last := func(s *session) []result { return s.results[len(s.results)-o.rounds:] }
		all = append(all, compareResults(last(sessions[0]), last(sessions[1])))
	}
	printComparisons(out, o, bins, all)
	if o.json == "" {
		return nil
	}
	b, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(o.json, append(b, '\n'), 0o644)
}

func printComparisons(w io.Writer, o options, bins []string, all []comparison) {
	fmt.Fprintf(w, "\n%s: %s ÷ %s, median (least–most) of %d rounds by turns\n", o.deployment, filepath.Base(bins[1]), filepath.Base(bins[0]), o.rounds)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "  scenario\trequests/s\tCPU of a request\tp99\t")
	for _, c := range all {
		fmt.Fprintf(t, "  %s\t%s\t%s\t%s\t\n", c.Scenario, c.Rate, c.CPU, c.P99)
	}
	_ = t.Flush() // to a terminal
}
