package main

import (
	"strings"
	"testing"
	"time"

	"tiktok/test/harness"
)

func TestBetween(t *testing.T) {
	at := time.Unix(1000, 0)
	a := sample{1000, harness.Sample{At: at, By: map[string]harness.Usage{"gateway": {CPU: time.Second}}}}
	used := harness.Usage{CPU: 3 * time.Second, Memory: 1 << 20, Peak: 2 << 20}
	b := sample{5000, harness.Sample{At: at.Add(2 * time.Second), By: map[string]harness.Usage{"gateway": used}}}
	var r result
	r.between(a, b)
	want := cost{name: "gateway", cpu: 0.5, processors: 1, memory: 1, peak: 2}
	if r.rate != 2000 || r.seconds != 2 || r.processes[0] != want {
		t.Errorf("%+v, want %+v", r, want)
	}
}

// resultOf is of a deployment, with the processor time of a request in ms, that of the load generator not counted.
func resultOf(scenario, deployment string, rate, cpu float64) result {
	r := result{
		scenario: scenario, deployment: deployment, plan: plan{conns: 8}, tally: newTally(), rate: rate,
		processes: []cost{{name: "p", cpu: cpu}, {name: generatorName, cpu: 7}},
	}
	r.record(10 * time.Millisecond)
	return r
}

func TestMarkdown(t *testing.T) {
	both := []string{"all-in-one", "distributed"}
	all := []result{
		resultOf("feed-auth", both[0], 200, 0.5), resultOf("mixed", both[0], 20, 1), resultOf("feed-auth", both[1], 100, 2),
	}
	all[0].floors = []floor{{floorHTTP, 1000, 0.25}}
	for rate := range 3 {
		r := resultOf(latency, both[1], 1, 1)
		r.plan.rate = float64(rate+1) * 100
		all = append(all, r)
	}
	got := markdown(all, both) + plots(all, both)
	for _, want := range []string{
		"| feed-auth | 8 | 200 | 10.0 | 10.0 | 0.50 | 2.0 | 100 | 10.0 | 10.0 | 2.00 |  |\n",
		"| mixed | 8 | 20 | 10.0 | 10.0 | 1.00 |  | | | | | |\n",
		"bar [200, 20]", `x-axis "offered likes per second" [100, 200, 300]`, "line [10, 10, 10]",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
}

// Turns are compared in pairs, so that a slow moment of the machine that met both is not taken for a difference.
func TestSpread(t *testing.T) {
	of := func(rates ...float64) (all []result) {
		for _, r := range rates {
			all = append(all, resultOf("x", "y", r, 1/r))
		}
		return all
	}
	a, b := of(100, 10, 50), of(200, 30, 100)
	if got := spreadOf(a, b, rateOf); got != "2.00 (2.00–3.00)" {
		t.Errorf("rate %v", got)
	}
	if got := spreadOf(a, b, result.cpu); got != "0.50 (0.33–0.50)" {
		t.Errorf("CPU %v", got)
	}
}
