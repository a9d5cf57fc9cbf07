// Package purge removes old rows without ever being what keeps a store busy.
package purge

import (
	"context"
	"time"

	"tiktok/pkg/lifecycle"
)

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
