package service

import (
	"context"
	"errors"
	"time"

	"github.com/cenkalti/backoff/v5"

	"tiktok/cmd/video/dal/db"
	"tiktok/pkg/media"
)

const (
	// maxAttempts is how often a step is tried.
	maxAttempts = 5
	// forgetAfter is how long an upload that failed, and was never listed, is shown to its author.
	forgetAfter = 7 * 24 * time.Hour
	// firstRetry is the pause after the first failure, a third more or less; each later one is four times as long, up to maxRetry.
	firstRetry = 3750 * time.Millisecond
	maxRetry   = 450 * time.Second
)

// settle lets go of the row in the way that fits how the work has ended.
func (w *worker) settle(ctx context.Context, j *job, err error, lost, stopping bool) {
	if err == nil {
		return
	}
	step, row, now := j.step, j.row, w.now()
	if errors.Is(err, errTooManyClaims) { // what ends the process is the step that comes first
		step = row.Todo & -row.Todo
	}
	job := jobName(row.Lane, step)
	if j.step != 0 {
		if err := w.discard(ctx, stepFolder(row.VideoID, j.step, row.Token)); err != nil {
			w.log.Warn("half a result stays until the next sweep", "video", row.VideoID, "err", err)
		}
	}
	result := resultFailed
	var settled error
	switch refusal := media.Refused(err); {
	case lost || stopping || errors.Is(err, db.ErrLeaseLost):
		result = resultCancelled
		settled = w.store.Release(ctx, row, now.UnixMilli())
	case row.Lane != db.LaneDelete && (row.Attempts >= maxAttempts || refusal != nil):
		reason := reasonOf(step)
		if refusal != nil {
			reason = refusal.Text
		}
		result = resultGivenUp
		w.log.Error("media work is given up", "job", job, "video", row.VideoID, "attempts", row.Attempts, "reason", reason, "err", err)
		if refusal != nil {
			w.metrics.refused.WithLabelValues(string(refusal.Reason)).Inc()
		}
		if step != 0 && step != db.StepTranscode && row.Todo != step { // no cover is no reason to have no ladder
			settled = w.store.Skip(ctx, row, step, reason, now.UnixMilli())
		} else {
			settled = w.store.GiveUp(ctx, row, reason, now.Add(forgetAfter).UnixMilli())
		}
	default:
		w.log.Warn("media work failed", "job", job, "video", row.VideoID, "attempts", row.Attempts, "err", err)
		settled = w.store.Retry(ctx, row, now.UnixMilli(), now.Add(retryPause(row.Attempts)).UnixMilli())
	}
	w.metrics.jobs.WithLabelValues(job, result).Inc()
	if settled != nil && !errors.Is(settled, db.ErrLeaseLost) {
		w.log.Warn("a row of media work is held until its lease ends", "video", row.VideoID, "err", settled)
	}
	if settled != nil && result == resultGivenUp { // deleted at the same moment: the deletion waits for this
		_ = w.store.Release(ctx, row, now.UnixMilli())
	}
	w.notify()
}

// retryPause is the pause after the n-th failure in a row, n from 1. It is random, so that what failed together is not tried together.
func retryPause(n int) time.Duration {
	pauses := backoff.ExponentialBackOff{InitialInterval: firstRetry, RandomizationFactor: 1. / 3, Multiplier: 4, MaxInterval: maxRetry}
	for range n - 1 {
		pauses.NextBackOff()
	}
	return pauses.NextBackOff()
}
