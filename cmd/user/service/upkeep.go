package service

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"

	"tiktok/cmd/internal/requestkeys"
	"tiktok/pkg/id"
)

const (
	// upkeepEvery is the pause between two rounds of Run.
	upkeepEvery = 6 * time.Hour
	// skeletonRows is how many names one transaction fills in.
	skeletonRows = 500
)

// Run cleans up, and hands over what other services shall hear of, until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return s.upkeep(ctx) })
	g.Go(func() error { return s.relay.Run(ctx) })
	g.Go(func() error { requestkeys.Purge(ctx, s.log, "user", s.cache, s.store.DB); return nil })
	return g.Wait()
}

// upkeep keeps the store in order until ctx ends: it forgets networks from which nobody logged in of late, sessions and
// revocations whose tokens have ended, and fills in what
// names of before this version look like, also those that an older replica registers during an update.
func (s *Service) upkeep(ctx context.Context) error {
	tick := time.NewTicker(upkeepEvery)
	defer tick.Stop()
	for {
		if n, err := s.store.ForgetNetworks(ctx, s.now().Add(-knownFor).UnixMilli()); err != nil && ctx.Err() == nil {
			s.log.WarnContext(ctx, "cannot forget networks of old logins, trying again later", "forgotten", n, "err", err)
		}
		oldest := s.oldest()
		if n, err := s.store.ForgetSessions(ctx, id.At(oldest)); err != nil && ctx.Err() == nil {
			s.log.WarnContext(ctx, "cannot forget sessions that have ended, trying again later", "forgotten", n, "err", err)
		}
		if n, err := s.store.ForgetRevocations(ctx, oldest.UnixMilli()); err != nil && ctx.Err() == nil {
			s.log.WarnContext(ctx, "cannot forget revocations of tokens that have ended, trying again later", "forgotten", n, "err", err)
		}
		if err := s.fillSkeletons(ctx); err != nil && ctx.Err() == nil {
			s.log.WarnContext(ctx, "cannot fill in what old names look like, trying again later", "err", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

func (s *Service) fillSkeletons(ctx context.Context) error {
	for last := int64(0); ; {
		next, err := s.store.FillSkeletons(ctx, last, skeletonRows, s.names.Key)
		if err != nil || next == 0 {
			return err
		}
		last = next
	}
}
