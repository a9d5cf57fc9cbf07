package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tiktok/test/harness"
)

// spreadOf is the ratios of a figure of one build to that of another, turn by turn: their median, least and most.
func spreadOf(first, second []result, of func(result) float64) string {
	var ratios []float64
	for i := range first {
		ratios = append(ratios, of(second[i])/of(first[i]))
	}
	slices.Sort(ratios)
	n := len(ratios)
	return fmt.Sprintf("%.2f (%.2f–%.2f)", (ratios[(n-1)/2]+ratios[n/2])/2, ratios[0], ratios[n-1])
}

// middle is the median of a figure.
func middle(all []result, of func(result) float64) float64 {
	var values []float64
	for _, r := range all {
		values = append(values, of(r))
	}
	slices.Sort(values)
	return values[len(values)/2]
}

func rateOf(r result) float64 { return r.rate }
func p99Of(r result) float64  { return r.ms(99) }

// compareAll runs two builds of each deployment side by side, each on its own data, and lets them take turns: what else
// happens on the machine meanwhile happens to both.
func compareAll(ctx context.Context, o options, scenarios []string) error {
	if len(o.programs) != 2 {
		return errors.New("a comparison wants the programs of two builds")
	}
	if len(scenarios) == 0 {
		scenarios = []string{"feed-auth", "user-info", "comment-list", "message-chat", "mixed"}
	}
	var errs []error
	var tables strings.Builder
	o.scale = o.scales[0]
	for _, deployment := range o.deployments {
		err := harness.Run(ctx, "bench", func(t testing.TB) { compareOn(t, o, deployment, scenarios, &tables) })
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", deployment, err))
		}
	}
	fmt.Print(tables.String()) // also of the one that worked
	return errors.Join(errs...)
}

func compareOn(t testing.TB, o options, deployment string, scenarios []string, w *strings.Builder) {
	var s [2]*session
	var label [2]string
	for i, beside := range []string{"", "second"} {
		label[i] = filepath.Base(o.programs[i])
		s[i] = open(t, o, deployment, o.programs[i], beside)
	}
	fmt.Fprintf(w, "\n%s, A = %s, B = %s; B ÷ A is the median (least–most) of %d turns\n\n", deployment, label[0], label[1], o.rounds)
	fmt.Fprintln(w, "| scenario | connections | A/s | B/s | rate, B ÷ A | CPU, B ÷ A | p99, B ÷ A |\n|---|--:|--:|--:|--:|--:|--:|")
	for _, name := range scenarios {
		sc, ok := scenarioNamed(name)
		if !ok {
			t.Fatalf("%s cannot be compared", name)
		}
		conns := o.conns
		if sc.conns != readers { // its own number is what it is about
			conns = []int{sc.conns}
		}
		for _, n := range conns {
			var got [2][]result
			for round := range o.rounds {
				for turn := range s {
					i := (round + turn) % len(s) // who is first changes: caches and the machine warm up meanwhile
					fmt.Printf("\n[%s, turn %d of %d, %s]", deployment, round+1, o.rounds, label[i])
					s[i].scenario(sc, plan{conns: n, warmup: o.warmup, duration: o.duration})
					got[i] = append(got[i], s[i].results[len(s[i].results)-1])
				}
			}
			a, b := got[0], got[1]
			fmt.Fprintf(w, "| %s | %d | %.0f | %.0f | %s | %s | %s |\n", name, a[0].conns, middle(a, rateOf), middle(b, rateOf),
				spreadOf(a, b, rateOf), spreadOf(a, b, result.cpu), spreadOf(a, b, p99Of))
		}
	}
	fmt.Fprint(w, "\nPeak memory in MB:\n\n| process | A | B |\n|---|--:|--:|\n")
	var peak [2]map[string]float64
	for i := range s {
		peak[i] = map[string]float64{}
		for _, name := range s[i].d.Processes(t) {
			u, err := harness.UsageOf(s[i].d.PID(t, name))
			check(t, err)
			peak[i][name] = float64(u.Peak) / mb
		}
	}
	for _, name := range s[0].d.Processes(t) {
		fmt.Fprintf(w, "| %s | %.0f | %.0f |\n", name, peak[0][name], peak[1][name])
	}
}
