package service

import (
	"context"
	"errors"
	"fmt"

	"tiktok/cmd/interaction/dal/db"
	"tiktok/cmd/interaction/dal/mq"
	"tiktok/cmd/interaction/dal/pending"
	"tiktok/pkg/errno"
	"tiktok/pkg/id"
	"tiktok/pkg/queue"
)

// event begins an event of now. Its version comes when it is complete.
func (s *Service) event(userID, videoID, authorID int64) (mq.Event, error) {
	n, err := s.ids.Next()
	return mq.Event{ID: n, AtMs: id.Time(n).UnixMilli(), UserID: userID, VideoID: videoID, AuthorID: authorID}, err
}

// errTooFarBehind refuses a user's write while the writer is so far behind that the user might not see all of theirs.
var errTooFarBehind = errno.Unavailable.With("too busy, try again")

// publish hands e to the writer. Once it returns nil the event is durable and everybody's next read sees it; under
// backpressure, when it is accepted but not applied yet, its author's next read. It returns which comment counts: another one than that of
// e when its request was carried out before.
func (s *Service) publish(ctx context.Context, e mq.Event) (counts int64, err error) {
	e = e.Versioned()
	if err := s.checkCapacity(ctx, pending.ListOf(e)); err != nil {
		return 0, err
	}
	applied, err := s.queue.Publish(ctx, e)
	switch {
	case err == nil:
		if counts = e.ID; e.Comment != nil && e.Comment.Key != nil {
			if counts, err = s.outcome(ctx, e, applied); err != nil {
				return 0, err
			}
			pure := *e.Comment // the list of what is pending has no room for the key
			pure.Key, e.Comment = nil, &pure
		}
		if !applied && counts == e.ID {
			s.pending.Add(ctx, e)
		}
		return counts, nil
	case errno.From(err).Is(errno.OutcomeUnknown):
		return 0, err
	case ctx.Err() != nil, errors.Is(err, queue.ErrBusy), errors.Is(err, queue.ErrClosed):
		return 0, fmt.Errorf("%w: %w", errno.Unavailable, err)
	}
	return 0, err
}

// checkCapacity fails with errno.Unavailable while so much of the user is pending that one more accepted write could hide
// another. It costs nothing unless this process has seen that the list is long.
func (s *Service) checkCapacity(ctx context.Context, list pending.List) error {
	full, known := s.pending.Full(list)
	if !known {
		events := s.readPending(ctx, list)[list]
		o, err := s.overlay(ctx, events, func(*db.Store, *overlay) error { return nil })
		if err != nil {
			return err
		}
		full = s.pending.SetFull(list, len(events), o.notStored)
	}
	if full {
		return errTooFarBehind
	}
	return nil
}
