package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

const (
	// emptyTimeout bounds the wait for the writer to catch up after a storm.
	emptyTimeout = 2 * time.Minute
	// maxRun bounds one measurement, whatever the flags say.
	maxRun = 10 * time.Minute
)

// session is one deployment with its data, under measurement.
type session struct {
	opts options
	dep  *deployment
	data *dataset
	gen  *generator
	// build is what is measured when that is not what this program was built from.
	build string
	// changed means that a scenario has written since the lists of data were read.
	changed bool
	// out is for people; live is what they watch while something runs, nothing when out is no terminal.
	out, live io.Writer
	results   []result
}

// fresh is a result with what is known beforehand.
func (s *session) fresh(scenario, about string) result {
	users := 0
	if s.data != nil {
		users = len(s.data.users)
	}
	return result{
		Scenario: scenario, About: about, Deployment: s.dep.name, Commit: cmp.Or(s.build, commit()), Date: time.Now().UTC().Format(time.DateOnly), Machine: machine(),
		Scale: s.opts.scale, Users: users,
	}
}

// storm runs one scenario and audits what it wrote.
func (s *session) storm(ctx context.Context, sc scenario) error {
	p := plan{Conns: s.opts.conns, Rate: s.opts.rate, Warmup: s.opts.warmup, Duration: s.opts.duration}
	if p.Conns == 0 {
		p.Conns = sc.conns
	}
	if s.changed {
		if err := s.data.refresh(ctx, s.dep.cfg.DB); err != nil {
			return err
		}
		s.changed = false
	}
	if sc.needs != nil {
		if err := sc.needs(s.data); err != nil {
			return err
		}
	}
	if err := s.settle(ctx, sc, p); err != nil {
		return err
	}
	r, err := s.measure(ctx, sc, p)
	if err != nil {
		return err
	}
	if s.opts.floors {
		if r.Floors, err = s.floors(ctx, sc, p); err != nil {
			return fmt.Errorf("floors: %w", err)
		}
	}
	printResult(s.out, r)
	s.results = append(s.results, r)
	if sc.audited {
		s.changed = true
		return s.audit(ctx)
	}
	return nil
}

const (
	// settleSlice is how long the load runs between two looks at its rate.
	settleSlice = 2 * time.Second
	// faster is how much above the best slice so far another is that shows that caches still fill.
	faster = 1.02
	// steadySlices in a row that are not faster end it.
	steadySlices = 3
)

// settle makes the load of a scenario until it gets no faster, for at most as long as the flag says.
func (s *session) settle(ctx context.Context, sc scenario, p plan) error {
	p.Rate, p.Warmup, p.Duration = 0, 0, settleSlice
	best, steady := int64(0), 0
	for began := time.Now(); steady < steadySlices && time.Since(began) < s.opts.settle; {
		t, err := s.gen.run(ctx, p, sc, s.data, func(int64) {}, func(int64) {})
		if err := errors.Join(err, ctx.Err()); err != nil {
			return err
		}
		fmt.Fprintf(s.live, "\r  %s  warming up  %6.0f/s   ", sc.name, float64(t.accepted)/settleSlice.Seconds())
		steady++
		if float64(t.accepted) > faster*float64(best) {
			best, steady = t.accepted, 0
		}
	}
	return nil
}

// measure runs one scenario by a plan.
func (s *session) measure(ctx context.Context, sc scenario, p plan) (result, error) {
	r := s.fresh(sc.name, sc.about)
	r.Plan = p
	var samples []sample
	profiled := func() error { return nil }
	began, before := time.Now(), int64(0)
	progress := func(answered int64) {
		fmt.Fprintf(s.live, "\r  %s  %3.0f s  %6d/s  %d accepted   ", sc.name, time.Since(began).Seconds(), answered-before, answered)
		before = answered
	}
	window := func(answered int64) {
		if samples = append(samples, takeSample(s.dep, answered)); len(samples) == 1 && s.opts.profiles != "" {
			profiles := make(chan error, 1)
			profiled = func() error { return <-profiles }
			go func() { profiles <- s.profile(ctx, sc.name, p.Duration) }()
		}
	}
	t, err := s.gen.run(ctx, p, sc, s.data, progress, window)
	fmt.Fprint(s.live, "\r\x1b[K")
	if err := errors.Join(err, ctx.Err(), profiled()); err != nil {
		return r, err
	}
	r.fill(t)
	r.between(samples[0], samples[1])
	return r, nil
}

// audit waits until everything accepted is stored and recounts all counters: figures of wrong data are worth nothing.
func (s *session) audit(ctx context.Context) error {
	if err := s.empty(ctx); err != nil {
		return err
	}
	return s.dep.audit(ctx, s.out)
}

// empty waits until the writer has committed what was published.
func (s *session) empty(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, emptyTimeout)
	defer cancel()
	writer := s.dep.writer()
	return poll(ctx, func() error {
		m, err := scrape(ctx, writer.admin)
		if err != nil {
			return err
		}
		published := m.sum("tiktok_queue_published_total", `result="applied"`) + m.sum("tiktok_queue_published_total", `result="accepted"`)
		if applied := m.sum(appliedTotal, ""); applied < published {
			return fmt.Errorf("%.0f of %.0f events are applied", applied, published)
		}
		return nil
	})
}

// restTime is how long a deployment is left alone before its memory at rest is read.
const restTime = 3 * time.Second

// rest reads what the processes use when nobody asks for anything.
func (s *session) rest(ctx context.Context) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	r := s.fresh(atRest, "nobody asks for anything")
	first := takeSample(s.dep, 0)
	if !wait(ctx, timer, time.Now().Add(restTime)) {
		return ctx.Err()
	}
	r.between(first, takeSample(s.dep, 0))
	printResult(s.out, r)
	s.results = append(s.results, r)
	return nil
}

// prepare loads the data set into the stores that a first start has made, or takes one that was kept.
func (s *session) prepare(ctx context.Context) error {
	kept := ""
	if s.opts.data != "" && s.dep.name == allInOne {
		kept = filepath.Join(s.opts.data, fmt.Sprintf("scale-%g", s.opts.scale))
		if _, err := os.Stat(kept); err == nil {
			return copyFolder(s.dep.dir, kept)
		}
	}
	fmt.Fprintf(s.out, "%s: preparing\n", s.dep.name)
	if err := errors.Join(s.dep.start(ctx), s.dep.stop()); err != nil { // makes the schemas
		return err
	}
	say := func(format string, args ...any) { fmt.Fprintf(s.live, "\r\x1b[K  "+format, args...) }
	began := time.Now()
	l := &loader{cfg: s.dep.cfg, say: say}
	if err := l.load(ctx, newShape(s.opts.scale)); err != nil {
		return err
	}
	fmt.Fprintf(s.out, "the data set of scale %g is there after %.1f s\n", s.opts.scale, time.Since(began).Seconds())
	if kept == "" {
		return nil
	}
	return copyFolder(kept, s.dep.dir)
}

// copyFolder copies a data folder; a copy that is not complete has another name.
func copyFolder(to, from string) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	part := to + ".part"
	if err := errors.Join(os.RemoveAll(part), os.CopyFS(part, os.DirFS(from)), os.RemoveAll(to)); err != nil {
		return err
	}
	return os.Rename(part, to)
}
