package main

import (
	"bytes"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestBetween(t *testing.T) {
	at := time.Unix(1000, 0)
	a := sample{at: at, answered: 1000, by: map[string]usage{"gateway": {CPU: time.Second}, "user": {CPU: 9 * time.Second}}}
	b := sample{at: at.Add(2 * time.Second), answered: 5000, by: map[string]usage{
		"gateway": {CPU: 3 * time.Second, RSS: 1 << 20, Peak: 2 << 20}, "user": {CPU: time.Second},
	}}
	var r result
	r.between(a, b)
	if r.PerSecond != 2000 || r.Seconds != 2 || len(r.Processes) != 2 {
		t.Fatalf("%+v", r)
	}
	if want := (cost{Name: "gateway", CPU: 0.5, Load: 1, RSS: 1, Peak: 2}); r.Processes[0] != want {
		t.Errorf("%+v, want %+v", r.Processes[0], want)
	}
	if got := r.Processes[1].CPU; got != 0.25 { // a process that was started anew
		t.Errorf("user: %v", got)
	}
}

// Results of one scenario replace each other; those of others stay.
func TestKeepAndReplace(t *testing.T) {
	dir := t.TempDir()
	kept, doc := filepath.Join(dir, "x.json"), filepath.Join(dir, "x.md")
	for _, r := range []result{{Scenario: "like-hot", PerSecond: 1}, {Scenario: "feed-auth", PerSecond: 2}, {Scenario: "like-hot", PerSecond: 3}} {
		r.Plan.Conns = 1
		all, err := keep(kept, []result{r})
		if err != nil {
			t.Fatal(err)
		}
		if last := all[len(all)-1]; r.PerSecond == 3 && (len(all) != 2 || last.PerSecond != 3) {
			t.Errorf("%+v", all)
		}
		text := "before\n<!-- figures of x -->\nold\n<!-- end of x -->\nafter\n"
		if err := os.WriteFile(doc, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := replaceSection(doc, "x", markdown(all)); err != nil {
			t.Fatal(err)
		}
	}
	b, err := os.ReadFile(doc)
	if err != nil {
		t.Fatal(err)
	}
	got := string(b)
	if !strings.HasPrefix(got, "before\n<!--") || !strings.HasSuffix(got, "-->\nafter\n") || strings.Contains(got, "old") || !strings.Contains(got, "| feed-auth | closed loop, 1 connections | 2 |") {
		t.Errorf("%s", got)
	}
	if err := replaceSection(doc, "y", ""); err == nil {
		t.Error("a document without markers was changed")
	}
}

func TestSeriesSum(t *testing.T) {
	s := series("# HELP x_total y\nx_total{queue=\"a\",result=\"applied\"} 3\nx_total{queue=\"b\",result=\"failed\"} 1e+02\nx_total_more 5\nx_total 7\n")
	for label, want := range map[string]float64{"": 110, `result="applied"`: 3, `result="none"`: 0} {
		if got := s.sum("x_total", label); got != want {
			t.Errorf("%q: %v, want %v", label, got, want)
		}
	}
}

func TestLatencyChart(t *testing.T) {
	var all []result
	for i, way := range ways() {
		for _, rate := range []float64{100, 1000, 4000} {
			r := result{Queue: way.name, Latency: latencies{P50: rate / 100, P99: rate / 4 * float64(i+1)}}
			r.Plan.Rate = rate
			all = append(all, r)
		}
	}
	dir := filepath.Join(t.TempDir(), "x")
	path := filepath.Join(dir, "latency.png")
	if err := plot(dir, "x", all); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := png.Decode(bytes.NewReader(b)); err != nil {
		t.Error(err)
	}
	if got := len(latencyChart(all).Series); got != 2*len(ways()) {
		t.Errorf("%d lines, want two for each way", got)
	}
	if err := plot(dir+"y", "x", nil); err != nil {
		t.Error(err)
	}
	if files, err := os.ReadDir(dir + "y"); err != nil || len(files) > 0 {
		t.Errorf("pictures of nothing were written: %v %v", files, err)
	}
}

// Each scenario with a floor has its bar.
func TestBars(t *testing.T) {
	var all []result
	for i, s := range scenarios() {
		r := result{Scenario: s.name, PerSecond: float64(100 * (i + 1)), Processes: []cost{{Name: "x", CPU: float64(i + 1)}}, Floors: []floor{{Name: floorHTTP, CPU: 0.1}}}
		r.Plan.Conns = 1
		all = append(all, r)
	}
	dir := t.TempDir()
	if err := plot(dir, "x", all); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"x-rate.png", "x-floor.png"} {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := png.Decode(bytes.NewReader(b)); err != nil {
			t.Error(err)
		}
	}
	if got := len(floorChart("x", all).Bars); got != len(all) {
		t.Errorf("%d bars of %d scenarios", got, len(all))
	}
}

// Rounds are compared in pairs, so that a slow moment of the machine that met both is not taken for a difference.
func TestCompareResults(t *testing.T) {
	of := func(rates ...float64) (all []result) {
		for _, r := range rates {
			all = append(all, result{Scenario: "x", PerSecond: r, Latency: latencies{P99: 10}, Processes: []cost{{Name: "p", CPU: 1 / r}, {Name: generatorName, CPU: 7}}})
		}
		return all
	}
	c := compareResults(of(100, 10, 50), of(200, 30, 100))
	if c.Rate.String() != "2.00 (2.00–3.00)" || c.CPU.String() != "0.50 (0.33–0.50)" || c.P99.Median != 1 {
		t.Errorf("rate %v, CPU %v, p99 %v", c.Rate, c.CPU, c.P99)
	}
}

func TestGrowthTable(t *testing.T) {
	of := func(scale, cpu float64) []result {
		r := result{Scenario: "feed-auth", Scale: scale, Processes: []cost{{Name: "p", CPU: cpu}}}
		r.Plan.Conns = 1
		return []result{r}
	}
	got := growthTable([][]result{of(1, 2), of(10, 2.5), of(50, 3)})
	if !strings.Contains(got, "| feed-auth | 2.000 | 2.500 | 1.25 | 3.000 | 1.50 ! |") {
		t.Error(got)
	}
}
