package cluster_test

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"testing"
	"time"

	"tiktok/test/harness"
)

// What is promised for every single fault.
const (
	// maxFailed is how many requests may fail: 0.5 % of those of a minute.
	maxFailed = rate * 60 * 5 / 1000
	// heals is how soon after a fault, and after its end, no request fails any more or takes longer than slow.
	heals = 10 * time.Second
	slow  = 2 * time.Second
)

// row is a line of the table.
type row struct {
	fault                                         string
	requests, failed, unknown, again, wrong, slow int
	lost, doubled                                 int
	heal                                          time.Duration
	audit                                         error
	failures                                      map[string]int
	misread                                       []string
}

// judge counts the requests of a scene, and how long after one of the events, of which the first is the fault, one still failed.
func judge(name string, samples []sample, missed int, events []time.Time) *row {
	r := &row{fault: name, requests: missed, failed: missed, failures: map[string]int{}}
	if missed > 0 {
		r.failures["not sent: all users waited for an answer"] = missed
	}
	for _, s := range samples {
		if s.wrong {
			r.wrong++
			r.misread = append(r.misread, fmt.Sprintf("%+.1f s: %s", s.from.Sub(events[0]).Seconds(), s.what))
			continue
		}
		r.requests++
		if s.failed {
			r.failed++
			r.failures[s.kind+": "+s.what]++
		}
		if s.unknown {
			r.unknown++
		}
		if s.again {
			r.again++
		}
		if s.took > slow {
			r.slow++
		}
		if s.failed || s.took > slow {
			r.heal = max(r.heal, since(s.from.Add(s.took), events))
		}
	}
	return r
}

// since is how long after the last event before it something was.
func since(when time.Time, events []time.Time) (d time.Duration) {
	for _, e := range events {
		if !e.After(when) {
			d = when.Sub(e)
		}
	}
	return d
}

// err is what of the promise does not hold.
func (r *row) err() error {
	var errs []error
	if r.lost > 0 || r.doubled > 0 || r.wrong > 0 {
		errs = append(errs, fmt.Errorf("lost %d, doubled %d, wrong reads %d", r.lost, r.doubled, r.wrong))
	}
	if r.failed > maxFailed {
		errs = append(errs, fmt.Errorf("%d requests failed, more than %d", r.failed, maxFailed))
	}
	if r.heal > heals {
		errs = append(errs, fmt.Errorf("healed after %v", r.heal.Round(100*time.Millisecond)))
	}
	return errors.Join(append(errs, r.audit)...)
}

const heading = "fault                       requests failed     % unknown again  slow wrong  lost doubled heal s audit verdict"

// print writes the line to the test's log and to the table, and fails the test when the promise does not hold.
func (r *row) print(t *testing.T) {
	t.Helper()
	verdict, audit := "ok", "0"
	err := r.err()
	if err != nil {
		verdict = "FAIL"
	}
	if r.audit != nil {
		audit = "wrong"
	}
	percent := 100 * float64(r.failed) / float64(max(r.requests, 1))
	line := fmt.Sprintf("%-27s %8d %6d %5.2f %7d %5d %5d %5d %5d %7d %6.1f %5s %s", r.fault, r.requests, r.failed, percent, r.unknown,
		r.again, r.slow, r.wrong, r.lost, r.doubled, r.heal.Seconds(), audit, verdict)
	t.Logf("\n%s\n%s", heading, line)
	for _, what := range slices.Sorted(maps.Keys(r.failures)) {
		t.Logf("%5d  %s", r.failures[what], what)
	}
	for _, what := range r.misread[:min(len(r.misread), 10)] {
		t.Logf("wrong read %s", what)
	}
	if err != nil {
		t.Error(err)
	}
	name := os.Getenv("TIKTOK_CLUSTER_TABLE")
	if name == "" {
		return
	}
	f, ferr := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if ferr == nil {
		_, ferr = fmt.Fprintln(f, line)
		ferr = errors.Join(ferr, f.Close())
	}
	if ferr != nil {
		t.Fatal(ferr)
	}
}

// A count that finds nothing proves nothing: what is not as it was told must be in the row.
func TestRow(t *testing.T) {
	at := time.Unix(1000, 0)
	events := []time.Time{at, at.Add(5 * time.Second), at.Add(9 * time.Second)}
	after := func(d time.Duration) time.Time { return at.Add(d) }
	r := judge("x", []sample{
		{from: after(-2 * time.Second), failed: true},
		{from: after(2 * time.Second), took: time.Second, failed: true, unknown: true},
		{from: after(5 * time.Second), took: 2500 * time.Millisecond, again: true},
		{from: after(6 * time.Second), wrong: true},
		{from: after(20 * time.Second)},
	}, 3, events)
	if r.requests != 7 || r.failed != 5 || r.unknown != 1 || r.again != 1 || r.slow != 1 || r.wrong != 1 || r.heal != 3*time.Second {
		t.Errorf("%+v", r)
	}
	if r.err() == nil {
		t.Error("a wrong read is no matter")
	}
	ok := row{failed: maxFailed, heal: heals, slow: 5, again: 5, unknown: 5}
	if err := ok.err(); err != nil {
		t.Error(err)
	}
	for name, bad := range map[string]row{
		"failed": {failed: maxFailed + 1}, "heal": {heal: heals + 1}, "lost": {lost: 1}, "doubled": {doubled: 1},
		"audit": {audit: errors.New("x")},
	} {
		if bad.err() == nil {
			t.Errorf("%s passes", name)
		}
	}
}

// So must what the recount finds.
func TestCount(t *testing.T) {
	c := &count{}
	c.notes("comment", []note{
		{text: "there", outcome: harness.Done}, {text: "gone", outcome: harness.Done}, {text: "twice", outcome: harness.Unknown},
		{text: "refused", outcome: harness.Refused}, {text: "perhaps", outcome: harness.Unknown}, {text: "denied", outcome: harness.Refused},
	}, map[string]int{"there": 1, "twice": 2, "refused": 1})
	if c.lost != 1 || c.doubled != 2 || c.err() == nil {
		t.Errorf("lost %d, doubled %d: %q", c.lost, c.doubled, c.wrong)
	}
	f := &harness.Fate{}
	f.Add(true, harness.Done, harness.Span{From: time.Unix(1, 0), To: time.Unix(2, 0)})
	c.fate("a like", f, true)
	if c.fate("a like", f, false); c.lost != 2 {
		t.Errorf("lost %d, want 2", c.lost)
	}
	f.Add(false, harness.Unknown, harness.Span{From: time.Unix(3, 0), To: time.Unix(4, 0)})
	if c.fate("a like", f, false); c.lost != 2 {
		t.Error("a write whose outcome is unknown is lost")
	}
}
