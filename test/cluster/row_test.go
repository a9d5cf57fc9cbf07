package cluster_test

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"testing"
	"time"
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

// judge counts the requests of a scene, and how long after it began or ended the fault still made one fail.
func judge(name string, samples []sample, missed int, broken, mended time.Time) *row {
	r := &row{fault: name, requests: missed, failed: missed, failures: map[string]int{}}
	if missed > 0 {
		r.failures["not sent: all users waited for an answer"] = missed
	}
	for _, s := range samples {
		if s.wrong {
			r.wrong++
			r.misread = append(r.misread, fmt.Sprintf("%+.1f s: %s", s.from.Sub(broken).Seconds(), s.what))
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
			r.heal = max(r.heal, since(s.from.Add(s.took), broken, mended))
		}
	}
	return r
}

// since is how long after the latest of two events something was.
func since(when, broken, mended time.Time) time.Duration {
	if when.After(mended) {
		return when.Sub(mended)
	}
	return max(0, when.Sub(broken))
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
