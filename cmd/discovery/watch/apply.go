package watch

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"tiktok/cmd/discovery/dal/mq"
	"tiktok/pkg/coalesce"
	"tiktok/pkg/id"
	"tiktok/pkg/kv"
	"tiktok/pkg/queue"
)

const (
	day = 24 * time.Hour
	// maxLate is how late an event may be applied. A session that is archived was not told of for longer, so none of its events comes
	// again.
	maxLate = 7 * day
	// purgeAge is the least age of what is archived or removed; the hour is for clocks that differ.
	purgeAge = maxLate + time.Hour
)

// errTooLate refuses an event whose sessions may have been archived.
var errTooLate = errors.New("the event is too old to be applied")

// apply stores events, all of a batch in one transaction. It may get an event late, twice, or while another process applies the same one.
// When it returns nil, everybody's next read sees the batch.
func (w *Watches) apply(ctx context.Context, events []mq.Event) error {
	oldest := id.At(w.now().Add(-maxLate))
	users, newest := make([]int64, 0, len(events)), int64(0)
	for _, e := range events {
		err := e.Check()
		if err == nil && e.ID < oldest {
			err = fmt.Errorf("%w: %d of %v", errTooLate, e.ID, id.Time(e.ID))
		}
		if err != nil {
			return fmt.Errorf("%w: %w", queue.ErrPoison, err)
		}
		users, newest = append(users, e.UserID), max(newest, e.ID)
	}
	w.ids.Observe(newest)
	sorted := slices.SortedFunc(slices.Values(events), func(a, b mq.Event) int { return cmp.Compare(a.ID, b.ID) })
	done, err := w.store.ApplyWatches(ctx, flatten(sorted), w.heat)
	if err != nil {
		return err
	}
	w.applied(done)
	// All of them, not only what changed just now: if the process that committed an event died before this line, the event comes again,
	// changes nothing, and the caches must still hear of it.
	kv.Invalidate(ctx, w.views.Invalidation(done.Views...), w.seen.Invalidation(coalesce.Distinct(users)...))
	w.changed(ctx, coalesce.Distinct(users))
	w.pending.Remove(ctx, events)
	for _, e := range events {
		w.delay.Observe(max(0, w.now().Sub(time.UnixMilli(e.AtMs)).Seconds()))
	}
	return nil
}
