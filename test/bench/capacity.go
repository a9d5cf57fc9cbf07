package main

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"tiktok/pkg/sqldb"
	"tiktok/test/harness"
)

// capacity is the measurement that docs/scaling.md is made from.
const capacity = "capacity"

const (
	// capacityConns make the load: few, since coalescing makes requests cheaper when there are many, and a planner should not count on it.
	capacityConns = 8
	// peakFactor is how many times the average of a day the busiest minute has.
	peakFactor = 3
	// busy is the part of a processor that is planned to be used at the peak.
	busy = 0.5
	// secondsOfDay are those of a day.
	secondsOfDay = 86400
)

// habit is what a person who opens the app on a day asks for, on average: an assumption, the one thing in the table that is not
// measured.
type habit struct {
	scenario string
	perDay   float64
	// service and table hold what it stores, in rows for each request; empty when it is little.
	service, table string
	rows           float64
}

// habits are of somebody who watches for half an hour: 80 videos, whose files come from a CDN.
func habits() []habit {
	return []habit{
		{scenario: "for-you", perDay: 4},
		{scenario: "watches", perDay: 8, service: "discovery", table: "watches", rows: watchesOfCall},
		{scenario: "like-spread", perDay: 8, service: "interaction", table: "favorites", rows: 1},
		{scenario: "comment-list", perDay: 10},
		{scenario: "comment-spread", perDay: 0.5, service: "interaction", table: "comments", rows: 1},
		{scenario: "user-info", perDay: 4},
		{scenario: "publish-list", perDay: 2},
		{scenario: "search", perDay: 1},
		{scenario: "relation-action", perDay: 0.5, service: "social", table: "follows", rows: 1},
		{scenario: "message-chat", perDay: 30},
		{scenario: "message-action", perDay: 2, service: "chat", table: "messages", rows: 1},
		{scenario: "login", perDay: 0.05},
		{scenario: "publish", perDay: 0.02, service: "video", table: "videos", rows: 1},
	}
}

// stages are daily users, in millions.
func stages() []float64 { return []float64{1, 10, 100} }

// capacity measures what each request of a day costs each process, and prints what a day of so many people needs.
func (s *session) capacity() {
	if s.name != harness.NameDistributed {
		fmt.Printf("\ncapacity: %s is one process\n", s.name)
		return
	}
	var measured []result
	for _, h := range habits() {
		sc, ok := scenarioNamed(h.scenario)
		if !ok {
			s.t.Fatalf("no scenario %s", h.scenario)
		}
		s.scenario(sc, plan{conns: capacityConns, warmup: s.warmup, duration: s.duration})
		measured = append(measured, s.results[len(s.results)-1])
	}
	rows := make([]float64, len(habits()))
	for i, h := range habits() {
		if h.table != "" {
			rows[i] = s.bytesOfRow(h.service, h.table)
		}
	}
	printCapacity(os.Stdout, measured, rows)
}

// bytesOfRow is what a row of a table takes of MariaDB's disk, indexes included.
func (s *session) bytesOfRow(service, table string) (bytes float64) {
	s.t.Helper()
	db, err := sqldb.Open(s.t.Context(), s.d.Config.DB, service)
	check(s.t, err)
	defer func() { _ = db.Close() }() // it was read only
	check(s.t, db.Read.WithContext(s.t.Context()).Exec("ANALYZE TABLE "+table).Error)
	check(s.t, db.Read.WithContext(s.t.Context()).Raw(
		"SELECT (data_length + index_length) / GREATEST(table_rows, 1) FROM information_schema.tables WHERE table_schema = ? AND table_name = ?",
		s.d.Config.DB.SchemaPrefix+service, table).Scan(&bytes).Error)
	return bytes
}

// peak is how many such requests a second come at the peak of a day of so many million people.
func (h habit) peak(millions float64) float64 {
	return millions * 1e6 * h.perDay * peakFactor / secondsOfDay
}

// printCapacity prints the tables: each request's cost by process, and the processors and the disk that each stage needs.
func printCapacity(w io.Writer, measured []result, rows []float64) {
	all := map[string][]float64{} // by process: processors at each stage
	var names []string
	for _, r := range measured {
		for _, p := range r.processes {
			if p.name != generatorName && !slices.Contains(names, p.name) {
				names = append(names, p.name)
				all[p.name] = make([]float64, len(stages()))
			}
		}
	}
	slices.Sort(names)
	fmt.Fprintf(w, "\nCPU ms of a request, %d connections:\n\n| request | a day and person | %s | all |\n|---|--:|%s--:|\n",
		capacityConns, strings.Join(names, " | "), strings.Repeat("--:|", len(names)))
	for i, h := range habits() {
		cells, sum := "", 0.0
		for _, name := range names {
			ms := 0.0
			if at := slices.IndexFunc(measured[i].processes, func(c cost) bool { return c.name == name }); at >= 0 {
				ms = measured[i].processes[at].cpu // seconds of 1000 requests are milliseconds of one
			}
			cells += fmt.Sprintf(" %.2f |", ms)
			sum += ms
			for j, millions := range stages() {
				all[name][j] += h.peak(millions) * ms / 1000 / busy
			}
		}
		fmt.Fprintf(w, "| %s | %g |%s %.2f |\n", h.scenario, h.perDay, cells, sum)
	}
	head := "| |"
	for _, millions := range stages() {
		head += fmt.Sprintf(" %g M a day |", millions)
	}
	fmt.Fprintf(w, "\nAt the peak, %g times the average of the day, processors used to %g %%:\n\n%s\n|---|%s\n", float64(peakFactor), busy*100,
		head, strings.Repeat("--:|", len(stages())))
	row := func(name, format string, of func(stage int, millions float64) float64) {
		fmt.Fprintf(w, "| %s |", name)
		for j, millions := range stages() {
			fmt.Fprintf(w, " "+format+" |", of(j, millions))
		}
		fmt.Fprintln(w)
	}
	row("requests/s", "%.0f", func(_ int, millions float64) (sum float64) {
		for _, h := range habits() {
			sum += h.peak(millions)
		}
		return sum
	})
	for _, name := range names {
		row(name+", processors", "%.1f", func(stage int, _ float64) float64 { return all[name][stage] })
	}
	row("all, processors", "%.0f", func(stage int, _ float64) (sum float64) {
		for _, name := range names {
			sum += all[name][stage]
		}
		return sum
	})
	for i, h := range habits() {
		if h.table != "" {
			row(h.service+"."+h.table+", GB a day", "%.1f", func(_ int, millions float64) float64 {
				return millions * 1e6 * h.perDay * h.rows * rows[i] / 1e9
			})
		}
	}
}
