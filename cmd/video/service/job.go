package service

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"tiktok/cmd/video/dal/db"
	"tiktok/pkg/tracing"
)

// settleTimeout bounds what is done with a row, and with half a result, after the work has ended.
const settleTimeout = 5 * time.Second

// errLost is the cause of the end of a job whose row was deleted, or whose lease could not be kept.
var errLost = errors.New("the video is no longer this worker's")

// job is a row that this worker holds.
type job struct {
	// former is the token of a worker that held the row and never let go.
	former string
	cancel context.CancelCauseFunc
	// part is how far the step under way is, in thousandths.
	part atomic.Int64

	// mu keeps what is written of the row in one order.
	mu  sync.Mutex
	row db.Media
	// step is the one under way, 0 for none: what it has stored so far is worth nothing when it fails.
	step int
}

// runJob does the work on a row, keeps the row meanwhile, and lets go of it at the end.
func (w *worker) runJob(ctx context.Context, j *job, do func(context.Context, *job) error) {
	tctx, span := w.traces.Begin(ctx, "media work", tracing.Ref{})
	defer span.End()
	jctx, cancel := context.WithCancelCause(tctx)
	defer cancel(nil)
	j.cancel = cancel
	w.mu.Lock()
	w.running[j.row.VideoID] = cancel
	w.mu.Unlock()
	var keeping sync.WaitGroup
	end := make(chan struct{})
	keeping.Go(func() { w.keepLease(jctx, j, end) })
	err := do(jctx, j)
	close(end)
	keeping.Wait()
	w.mu.Lock()
	delete(w.running, j.row.VideoID)
	w.mu.Unlock()
	lost := errors.Is(context.Cause(jctx), errLost)
	if err != nil {
		span.Fail(jobName(j.row.Lane, j.step))
	}
	own, stop := context.WithTimeout(context.WithoutCancel(tctx), settleTimeout)
	defer stop()
	w.settle(own, j, err, lost, ctx.Err() != nil)
}

// keepLease renews the lease until end is closed. It cancels the job when the row is gone, and in good time before the lease
// ends when it cannot be renewed: two workers must not write for the same video.
func (w *worker) keepLease(ctx context.Context, j *job, end <-chan struct{}) {
	tick := time.NewTicker(w.Lease / 6)
	defer tick.Stop()
	for {
		select {
		case <-end:
			return
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := w.renewLease(ctx, j); err != nil {
			j.cancel(errLost)
			return
		}
	}
}

// renewLease returns an error when the job must end.
func (w *worker) renewLease(ctx context.Context, j *job) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.row.Token == "" { // finished just now
		return nil
	}
	now := w.now()
	until := max(now.Add(w.Lease).UnixMilli(), j.row.DueMs+1)
	rctx, cancel := context.WithTimeout(ctx, w.Lease/6)
	defer cancel()
	j.row.Progress = j.progress()
	err := w.store.Renew(rctx, j.row, until, j.row.Progress)
	switch {
	case err == nil:
		j.row.DueMs = until
		return nil
	case errors.Is(err, db.ErrLeaseLost):
		return err
	case now.Add(w.Lease/2).UnixMilli() >= j.row.DueMs:
		w.log.Warn("media work ends: its row cannot be kept", "video", j.row.VideoID, "err", err)
		return err
	}
	return nil // there is time for another try
}

// cancel ends the job of a deleted video if it runs in this process. Elsewhere it ends at the next renewal.
func (w *worker) cancel(videoID int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if stop, ok := w.running[videoID]; ok {
		stop(errLost)
	}
}

// progress is how much of the plan is done, in percent; 100 is left for the last commit.
func (j *job) progress() int {
	all, done := int64(0), int64(0)
	for _, step := range allSteps() {
		weight := weightOf(step)
		if j.row.Plan&step == 0 {
			continue
		}
		all += weight * 1000
		switch {
		case j.row.Todo&step == 0:
			done += weight * 1000
		case step == j.step:
			done += weight * min(max(j.part.Load(), 0), 1000)
		}
	}
	if all == 0 {
		return 0
	}
	return int(min(done*100/all, 99))
}
