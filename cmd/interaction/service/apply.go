package service

import (
	"context"
	"errors"
	"fmt"

	"tiktok/cmd/interaction/dal/mq"
	"tiktok/pkg/errno"
	"tiktok/pkg/kv"
	"tiktok/pkg/sqldb"
)

// applyTries is how often a batch is tried that met another writer inserting the same new row. The second try finds
// that row, so a third is already more than two writers need.
const applyTries = 5

// apply stores events. It is the only code that writes favorites, comments, their likes and counters, all of a batch in one
// transaction with a number of statements that does not depend on the batch's size. It may get an event late, twice, or
// while another process applies the same one: of two events of one pair or one comment the newer decides, and counters
// move by what really changed. When it returns nil, everybody's next read sees the batch.
func (s *Service) apply(ctx context.Context, events []mq.Event) error {
	c, err := newChange(events)
	if err != nil {
		return err
	}
	for _, e := range events {
		s.ids.Observe(e.ID)
	}
	dropped := 0
	for try := 1; ; try++ {
		err = s.store.Update(ctx, c.write)
		var gone videosDeleted
		var roots otherRoots
		switch {
		case errors.As(err, &gone):
			dropped += c.drop(gone)
			try = 0 // there are fewer videos each time
			continue
		case errors.As(err, &roots):
			c.learn(roots)
			try = 0 // there are more known threads each time
			continue
		}
		if !errors.Is(err, sqldb.ErrDuplicate) || try == applyTries {
			break
		}
		c.anywhere = true // perhaps a key is that of another video's comment
	}
	if err != nil {
		return fmt.Errorf("apply %d events: %w", len(events), err)
	}
	if c.news {
		s.relay.Wake()
	}
	s.dropped.Add(float64(dropped + c.refused))
	// Also of a deletion that was stored before: its process may have died before it had swept.
	if roots := c.deletedRoots(); len(roots) > 0 {
		if err := s.sweep(ctx, roots); err != nil {
			return fmt.Errorf("%w: the events are stored: %w", errno.OutcomeUnknown, err)
		}
	}
	// All of them, not only what changed just now: if the process that committed an event died before this line, the
	// event comes again, changes nothing, and the caches must still hear of it.
	s.invalidate(ctx, c.videos, c.users, c.likers)
	s.pending.Remove(ctx, events) // also those that were dropped
	return nil
}

// invalidate makes everybody's next read see the counters of videos and users, and the likes of likers, as they are stored.
func (s *Service) invalidate(ctx context.Context, videos, users, likers []int64) {
	kv.Invalidate(ctx, s.stats.Videos.Invalidation(videos...), s.stats.Users.Invalidation(users...), s.likes.Invalidation(likers...))
}
