// Package deadline asks whether a call is still wanted, at the last moment before it does something for good.
package deadline

import (
	"context"
	"time"
)

// Check returns why nobody waits for the work of ctx any more, or nil. Unlike ctx.Err it also looks at the clock: in a process that was
// stopped and goes on, the work may be sooner than the timer of its context.
func Check(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if Passed(ctx) {
		return context.DeadlineExceeded
	}
	return nil
}

// Passed reports whether the deadline of ctx has passed, by the time of day when it came from another process.
func Passed(ctx context.Context) bool {
	at, ok := ctx.Deadline()
	return ok && !time.Now().Before(at)
}
