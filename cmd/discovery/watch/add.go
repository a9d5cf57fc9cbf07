package watch

import (
	"context"
	"errors"
	"fmt"

	"tiktok/cmd/discovery/dal/db"
	"tiktok/cmd/discovery/dal/mq"
	"tiktok/pkg/errno"
	"tiktok/pkg/id"
	"tiktok/pkg/queue"
)

// Watch is what a user saw of a video in one session.
type Watch struct {
	VideoID   int64
	Session   string
	WatchedMs int64
	Finished  bool
}

// check fails with errno.InvalidArgument.
func (w Watch) check() error {
	switch {
	case w.VideoID <= 0:
		return errno.InvalidArgument.With("an id must be greater than 0")
	case !mq.ValidSession(w.Session):
		return errno.InvalidArgument.With("a session needs 1 to 36 letters, digits or signs, without blanks")
	case w.WatchedMs < 0 || w.WatchedMs > mq.MaxWatchedMs:
		return errno.InvalidArgument.With("watched_ms is out of range")
	}
	return nil
}

// errTooFarBehind refuses a user's watches while the writer is so far behind that the user might not see all of theirs.
var errTooFarBehind = errno.Unavailable.With("too busy, try again")

// Add stores what a user has watched: 1..mq.MaxWatches. When it returns nil it is durable, and in the user's history at their next request;
// when the writer keeps up it is in everybody's next read. Those of the user's own videos, and of videos that do not exist, are ignored.
// It fails with errno.InvalidArgument, with errno.Unavailable, and with an error that is errno.OutcomeUnknown to errno.From.
func (w *Watches) Add(ctx context.Context, userID int64, watches []Watch) error {
	merged, err := merge(userID, watches)
	if err != nil {
		return err
	}
	event, err := w.event(ctx, userID, merged)
	if err != nil || len(event.Watches) == 0 {
		return err
	}
	return w.publish(ctx, event)
}

// merge checks what a user has watched, and makes one of those that have the same video and session.
func merge(userID int64, watches []Watch) ([]Watch, error) {
	if userID <= 0 {
		return nil, errno.InvalidArgument.With("an id must be greater than 0")
	}
	if len(watches) == 0 || len(watches) > mq.MaxWatches {
		return nil, errno.InvalidArgument.With(fmt.Sprintf("a call has 1 to %d watches", mq.MaxWatches))
	}
	type key struct {
		video   int64
		session string
	}
	places, merged := map[key]int{}, make([]Watch, 0, len(watches))
	for _, one := range watches {
		if err := one.check(); err != nil {
			return nil, err
		}
		k := key{one.VideoID, one.Session}
		at, known := places[k]
		if !known {
			places[k] = len(merged)
			merged = append(merged, one)
			continue
		}
		merged[at].WatchedMs, merged[at].Finished = max(merged[at].WatchedMs, one.WatchedMs), merged[at].Finished || one.Finished
	}
	return merged, nil
}

// event is an event of now, of those watches that are not ignored.
func (w *Watches) event(ctx context.Context, userID int64, watches []Watch) (mq.Event, error) {
	ids := make([]int64, len(watches))
	for i, one := range watches {
		ids[i] = one.VideoID
	}
	authors, err := w.authors.GetMulti(ctx, ids)
	if err != nil {
		return mq.Event{}, fmt.Errorf("whose videos were watched: %w", err)
	}
	n, err := w.ids.Next()
	if err != nil {
		return mq.Event{}, err
	}
	e := mq.Event{V: mq.Version, ID: n, AtMs: id.Time(n).UnixMilli(), UserID: userID}
	for _, one := range watches {
		switch author := authors[one.VideoID]; author {
		case 0:
			w.ignored.WithLabelValues("missing").Inc()
		case userID:
			w.ignored.WithLabelValues("own").Inc()
		default:
			e.Watches = append(e.Watches, mq.Watch{
				VideoID: one.VideoID, AuthorID: author, Session: one.Session, WatchedMs: one.WatchedMs, Finished: one.Finished,
			})
		}
	}
	return e, nil
}

// publish hands an event to the writer.
func (w *Watches) publish(ctx context.Context, e mq.Event) error {
	if w.queue == nil {
		return errno.Unavailable
	}
	if err := w.checkCapacity(ctx, e.UserID); err != nil {
		return err
	}
	applied, err := w.queue.Publish(ctx, e)
	switch {
	case err == nil:
		if !applied {
			w.pending.Add(ctx, e)
		}
		return nil
	case errno.From(err).Is(errno.OutcomeUnknown):
		return err
	case ctx.Err() != nil, errors.Is(err, queue.ErrBusy), errors.Is(err, queue.ErrClosed):
		return fmt.Errorf("%w: %w", errno.Unavailable, err)
	}
	return err
}

// checkCapacity fails with errno.Unavailable while so much of the user is pending that one more accepted event could hide another. It
// costs nothing unless this process has seen that the list is long.
func (w *Watches) checkCapacity(ctx context.Context, userID int64) error {
	l := list(userID)
	full, known := w.pending.Full(l)
	if !known {
		events := w.pending.Read(ctx, l)[l]
		_, notStored, err := w.store.HistoryPage(ctx, userID, db.FirstPlace(), 1, flatten(events))
		if err != nil {
			return err
		}
		full = w.pending.SetFull(l, len(events), eventsOf(events, notStored))
	}
	if full {
		return errTooFarBehind
	}
	return nil
}

// flatten are the watches of events, in their order.
func flatten(events []mq.Event) []db.Watch {
	n := 0
	for _, e := range events {
		n += len(e.Watches)
	}
	watches := make([]db.Watch, 0, n)
	for _, e := range events {
		for _, one := range e.Watches {
			watches = append(watches, db.Watch{
				UserID: e.UserID, VideoID: one.VideoID, AuthorID: one.AuthorID, Session: one.Session, WatchedMs: one.WatchedMs,
				Finished: one.Finished, AtMs: e.AtMs,
			})
		}
	}
	return watches
}

// eventsOf are those of a user's events that have any of the watches.
func eventsOf(events []mq.Event, watches []db.Watch) (found []mq.Event) {
	times := map[int64]bool{}
	for _, one := range watches {
		times[one.AtMs] = true
	}
	for _, e := range events {
		if times[e.AtMs] {
			found = append(found, e)
		}
	}
	return found
}
