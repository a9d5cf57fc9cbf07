// Package purge removes old rows without ever being what keeps a store busy.
package purge

import (
	"context"
	"log/slog"
	"time"

	"tiktok/pkg/lifecycle"
)

const (
	// every is how often a process asks whether it is to purge.
	every = time.Hour
	// Lease is how long the one that purges keeps others from it: a little less than a day, so that it is done once a day.
	Lease = 23 * time.Hour
	// Rest is the pause between two steps.
	Rest = 50 * time.Millisecond
)

// Daily calls once each hour in which lead says that this process is to purge, until ctx ends. lead takes a lease, which nobody gives back
// before Lease is over; two processes at once must do no harm. What fails is a line of the log, with what is purged.
func Daily(ctx context.Context, log *slog.Logger, what string, lead func(context.Context) bool, once func(context.Context) (int64, error)) {
	for lifecycle.Pause(ctx, every) {
		if !lead(ctx) {
			continue
		}
		if n, err := once(ctx); err != nil && ctx.Err() == nil {
			log.WarnContext(ctx, "removing old rows failed; the next purge goes on", "of", what, "removed", n, "err", err)
		}
	}
}

// Kind removes the rows of one kind, some in each call: it returns how many it removed, and whether none are left to look at.
type Kind func() (removed int64, done bool, err error)

// All removes one kind after the other, with a pause between steps. The end of ctx is its error, between two steps; what is left is
// for the next time.
func All(ctx context.Context, pause time.Duration, kinds ...Kind) (removed int64, err error) {
	rest := time.Duration(0)
	for _, step := range kinds {
		for done := false; !done; rest = pause {
			if !lifecycle.Pause(ctx, rest) {
				return removed, ctx.Err()
			}
			var n int64
			n, done, err = step()
			removed += n
			if err != nil {
				return removed, err
			}
		}
	}
	return removed, nil
}
