package main

import (
	"context"
	"fmt"
)

// The loads of a login storm: people who log in, and readers of the feed who should not notice.
const (
	stormLogins  = 64
	stormReaders = 8
)

// loginStorm measures the feed of a few readers alone, and then while many others log in.
func (s *session) loginStorm(ctx context.Context) error {
	feed := feedAuth()
	p := plan{Conns: stormReaders, Warmup: s.opts.warmup, Duration: s.opts.duration}
	calm, err := s.measure(ctx, feed, p)
	if err != nil {
		return err
	}
	calm.Scenario, calm.About = stormBefore, "the feed, nobody logs in"

	type end struct {
		tally
		err error
	}
	ended := make(chan end, 1)
	crowd := plan{Conns: stormLogins, Warmup: p.Warmup, Duration: p.Duration}
	go func() {
		nothing := func(int64) {}
		g := generator{addr: s.gen.addr, next: map[string]uint64{}}
		t, err := g.run(ctx, crowd, login(), s.data, nothing, nothing)
		ended <- end{t, err}
	}()
	busy, err := s.measure(ctx, feed, p)
	t := <-ended
	switch {
	case err != nil:
		return err
	case t.err != nil:
		return t.err
	}
	busy.Scenario, busy.About = stormDuring, fmt.Sprintf("the feed, while %d connections log in", stormLogins)
	logins := s.fresh(stormLogin, "the logins meanwhile")
	logins.Plan, logins.Seconds = crowd, p.Duration.Seconds()
	logins.fill(t.tally)
	logins.PerSecond = float64(logins.Accepted) / logins.Seconds

	for _, r := range []result{calm, busy, logins} {
		printResult(s.out, r)
		s.results = append(s.results, r)
	}
	fmt.Fprintf(s.out, "  the feed keeps %.2f of its rate, its p99 is %.1f times as long\n",
		busy.PerSecond/calm.PerSecond, busy.Latency.P99/calm.Latency.P99)
	return nil
}
