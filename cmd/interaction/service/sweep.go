package service

import (
	"context"
	"fmt"

	"tiktok/cmd/interaction/dal/db"
)

// Answers of a deleted comment are deleted in transactions of at most 1000, after the one that deletes the comment: a long
// thread neither holds locks for long nor makes one huge transaction. Until then they are in the list of all comments and in
// comment_count, which agree at each moment; nobody can answer any more, and the thread shows nowhere. What is left is noted in
// the table comment_sweeps in the transaction of the deletion, so that a process that dies leaves it to the next one: the event
// comes again, or a process starts, or an hour has passed.

// sweep deletes what is left of those threads among rootIDs that are noted.
func (s *Service) sweep(ctx context.Context, rootIDs []int64) error {
	left, err := s.store.Sweeps(ctx, rootIDs)
	if err != nil {
		return fmt.Errorf("read deleted threads: %w", err)
	}
	for _, w := range left {
		if err := s.sweepOne(ctx, w); err != nil {
			return fmt.Errorf("sweep the thread of comment %d: %w", w.RootID, err)
		}
	}
	return nil
}

func (s *Service) sweepOne(ctx context.Context, w db.Sweep) error {
	for {
		done, err := s.store.Sweep(ctx, w, tell())
		if err != nil {
			return err
		}
		s.relay.Wake()
		s.invalidate(ctx, []int64{w.VideoID}, nil, nil)
		if done {
			return nil
		}
	}
}

// sweepAll does so with all that is noted, of whatever process.
func (s *Service) sweepAll(ctx context.Context) {
	if err := s.sweep(ctx, nil); err != nil && ctx.Err() == nil {
		s.log.WarnContext(ctx, "deleting the answers of deleted comments failed; the next process or hour goes on", "err", err)
	}
}
