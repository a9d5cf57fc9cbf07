package main

import (
	"context"
	"fmt"
)

// Ways of writing that are compared.
const (
	withQueue    = "with the queue"
	withoutQueue = "straight to MySQL"
)

// noBroker is where no broker is. Without one the interaction service writes each like in a transaction of its own,
// which is what it would do if it had no queue.
const noBroker = "amqp://guest:guest@127.0.0.1:1/"

// saturated is the part of the offered load that must be answered for the next step to be tried.
const saturated = 0.8

// latency measures latency against offered load on one hot video, in steps, with the queue and without it.
func (s *session) latency(ctx context.Context) error {
	if s.dep.name != distributed {
		fmt.Fprintf(s.out, "\nlatency: %s has no queue to leave out, left out\n", s.dep.name)
		return nil
	}
	nothing := func() error { return nil }
	writer := s.dep.writer().name
	for _, way := range []string{withQueue, withoutQueue} {
		var env []string
		if way == withoutQueue {
			env = []string{"TIKTOK_QUEUE_URL=" + noBroker}
		}
		if err := s.dep.restart(ctx, writer, nothing, env...); err != nil {
			return err
		}
		if err := s.dep.answers(ctx); err != nil {
			return err
		}
		if err := s.steps(ctx, way); err != nil {
			return err
		}
		if err := s.audit(ctx); err != nil {
			return err
		}
	}
	return s.dep.restart(ctx, writer, nothing)
}

// steps raises the offered load until the deployment does not keep up.
func (s *session) steps(ctx context.Context, way string) error {
	sc := likeHot()
	for _, rate := range s.opts.steps {
		p := plan{Conns: sc.conns, Rate: rate, Warmup: s.opts.warmup, Duration: s.opts.duration}
		r, err := s.measure(ctx, sc, p)
		if err != nil {
			return err
		}
		r.Scenario, r.Queue = "latency", way
		if err := s.checkWay(ctx, way); err != nil {
			return err
		}
		printResult(s.out, r)
		s.results = append(s.results, r)
		if r.PerSecond < saturated*rate {
			return nil
		}
	}
	return nil
}

// checkWay fails when likes went another way than the one that is measured.
func (s *session) checkWay(ctx context.Context, way string) error {
	m, err := scrape(ctx, s.dep.writer().admin)
	if err != nil {
		return err
	}
	if applied := m.sum(appliedTotal, ""); (applied > 0) != (way == withQueue) {
		return fmt.Errorf("latency %s: %.0f events went through the queue", way, applied)
	}
	return nil
}
