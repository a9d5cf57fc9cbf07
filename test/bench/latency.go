package main

import (
	"context"
	"fmt"
)

// way is one way for a like to reach the store, and the settings of the interaction service that choose it.
type way struct {
	name string
	env  []string
}

// ways are what is compared: the product, and what it does while its broker is away.
func ways() []way {
	return []way{
		{"RabbitMQ", nil},
		{"group commit", []string{"TIKTOK_QUEUE_URL=amqp://guest:guest@127.0.0.1:1/"}}, // nobody is there
	}
}

// saturated is the part of the offered load that must be answered for the next step to be tried.
const saturated = 0.8

// latency measures latency against offered load on one hot video, in steps, for each of the ways.
func (s *session) latency(ctx context.Context) error {
	if s.dep.name != distributed {
		fmt.Fprintf(s.out, "\nlatency: %s has no queue to leave out, left out\n", s.dep.name)
		return nil
	}
	nothing := func() error { return nil }
	writer := s.dep.writer().name
	for _, way := range ways() {
		if err := s.dep.restart(ctx, writer, nothing, way.env...); err != nil {
			return err
		}
		if err := s.dep.answers(ctx); err != nil {
			return err
		}
		if err := s.steps(ctx, way.name); err != nil {
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
		printResult(s.out, r)
		s.results = append(s.results, r)
		if r.PerSecond < saturated*rate {
			return nil
		}
	}
	return nil
}
