package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"tiktok/cmd/interaction/dal/mq"
	"tiktok/pkg/id"
	"tiktok/pkg/queue"
)

// drainPublishers publish the backlog side by side; each waits for the broker's confirm.
const drainPublishers = 512

// drain measures how fast the writer stores a backlog: the interaction service is stopped, events are put into its
// queue as it would do it, and it is started again.
func (s *session) drain(ctx context.Context) error {
	if s.dep.name != distributed {
		fmt.Fprintf(s.out, "\ndrain: %s has no backlog that we may make, left out\n", s.dep.name)
		return nil
	}
	for _, hot := range []bool{false, true} {
		if err := s.drainOf(ctx, hot); err != nil {
			return fmt.Errorf("drain: %w", err)
		}
	}
	return nil
}

func (s *session) drainOf(ctx context.Context, hot bool) error {
	r := s.fresh(drainSpread, fmt.Sprintf("backlog of %d likes of videos all over", s.opts.events))
	if hot {
		r = s.fresh(drainHot, fmt.Sprintf("backlog of %d likes of one video", s.opts.events))
	}
	var start sample
	writer := s.dep.writer()
	err := s.dep.restart(ctx, writer.name, func() error {
		began := time.Now()
		if err := s.backlog(ctx, hot); err != nil {
			return err
		}
		fmt.Fprintf(s.out, "\n%s: %d events published in %.1f s\n", r.Scenario, s.opts.events, time.Since(began).Seconds())
		start = takeSample(s.dep, 0)
		return nil
	})
	if err != nil {
		return err
	}
	// The clock starts at the last look that saw nothing applied, and stops at the first that sees everything applied.
	ctx, cancel := context.WithTimeout(ctx, maxRun)
	defer cancel()
	begin := time.Now()
	err = poll(ctx, func() error {
		m, err := scrape(ctx, writer.admin)
		if err != nil {
			return err
		}
		applied := int64(m.sum(appliedTotal, ""))
		if applied == 0 {
			begin = time.Now()
		}
		fmt.Fprintf(s.live, "\r  %s  %d of %d applied   ", r.Scenario, applied, s.opts.events)
		if applied < int64(s.opts.events) {
			return fmt.Errorf("%d of %d events are applied", applied, s.opts.events)
		}
		return nil
	})
	fmt.Fprint(s.live, "\r\x1b[K")
	if err != nil {
		return err
	}
	end := takeSample(s.dep, int64(s.opts.events))
	r.between(start, end)
	r.Accepted, r.Seconds = int64(s.opts.events), end.at.Sub(begin).Seconds()
	r.PerSecond = float64(s.opts.events) / r.Seconds
	printResult(s.out, r)
	s.results = append(s.results, r)
	return s.audit(ctx)
}

// backlog publishes events that nobody consumes yet.
func (s *session) backlog(ctx context.Context, hot bool) (err error) {
	cfg := s.dep.cfg.Queue
	cfg.AppliedWait = -1 // nobody is there to apply them
	q, err := queue.Open[mq.Event](ctx, cfg, "interaction", nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, q.Close()) }()
	if err := poll(ctx, func() error { return q.Ping(ctx) }); err != nil {
		return err
	}
	ids := id.New(id.Nodes - 1) // no replica takes this node: they take the smallest
	total, next := uint64(s.opts.events), new(atomic.Uint64)
	errs := make([]error, drainPublishers)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() {
			for n := next.Add(1) - 1; n < total && errs[i] == nil; n = next.Add(1) - 1 {
				_, errs[i] = q.Publish(ctx, s.like(ids.Next(), n, hot))
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// like is the n-th event of a backlog.
func (s *session) like(eventID int64, n uint64, hot bool) mq.Event {
	users, videos := uint64(len(s.data.users)), uint64(len(s.data.videos))
	userIndex, turn, undo := pair(n, users)
	v := s.data.videos[0]
	if !hot {
		v = s.data.videos[elsewhere(userIndex, turn, videos)]
	}
	return mq.Event{
		V: mq.Version, ID: eventID, AtMs: id.Time(eventID).UnixMilli(), UserID: s.data.users[userIndex].id, VideoID: v.id, AuthorID: v.author,
		Favorite: &mq.FavoriteEvent{Liked: !undo},
	}
}
