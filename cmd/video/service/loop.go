package service

import (
	"context"
	"crypto/rand"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"tiktok/cmd/video/dal/db"
	"tiktok/pkg/media"
	"tiktok/pkg/tracing"
	"tiktok/pkg/workdir"
)

const (
	// workPrefix begins the names of workers' folders below Dir.
	workPrefix = "worker-"
	// maxAttempts is how often a step is tried.
	maxAttempts = 5
	// maxClaims is how often a video is taken up for one step whatever becomes of it: some files may end the process.
	maxClaims = 2 * maxAttempts
	// forgetAfter is how long an upload that failed, and was never listed, is shown to its author.
	forgetAfter = 7 * 24 * time.Hour
	// settleTimeout bounds what is done with a row, and with half a result, after the work has ended.
	settleTimeout = 5 * time.Second
	// firstRetry is the pause after the first failure; each later one is four times as long, up to maxRetry.
	firstRetry = 5 * time.Second
	maxRetry   = 10 * time.Minute
	// countEvery is the pause between two looks at how much waits.
	countEvery = 15 * time.Second
)

// run works until ctx ends and all jobs have let go of their rows.
func (w *worker) run(ctx context.Context) error {
	if w.Blobs == nil {
		<-ctx.Done()
		return nil
	}
	dir, err := workdir.Open(w.Dir, workPrefix)
	if err != nil {
		return err
	}
	defer func() {
		if err := dir.Close(); err != nil {
			w.log.Warn("temporary files stay", "dir", dir.Path(), "err", err)
		}
	}()
	w.dir = dir.Path()
	var wg sync.WaitGroup
	if w.steps() != 0 {
		wg.Go(func() { w.loop(ctx, w.improving, w.Workers, w.improve, db.LaneTranscode, db.LaneImprove) })
	}
	wg.Go(func() { w.loop(ctx, w.deleting, 1, w.carryOut, db.LaneDelete) }) // its own: a deletion waits for no ladder
	wg.Go(func() { w.sweepNowAndThen(ctx) })
	wg.Go(func() { w.countNowAndThen(ctx) })
	if w.Wakes != nil {
		wg.Go(func() { w.send(ctx) })
		wg.Go(func() {
			err := w.Wakes.Consume(ctx, func(context.Context, []Wake) error { w.ring(); return nil })
			if err != nil && ctx.Err() == nil {
				w.log.Warn("media work is found by polling only", "err", err)
			}
		})
	}
	wg.Wait()
	return nil
}

// send puts wake-ups on the queue.
func (w *worker) send(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case msg := <-w.outbox:
			if _, err := w.Wakes.Publish(ctx, msg); err != nil && ctx.Err() == nil {
				w.log.Warn("media wake-up is lost, the work is found by polling", "video", msg.VideoID, "err", err)
			}
		}
	}
}

// loop does what is due in the lanes, at most slots rows at once, the first lane first.
func (w *worker) loop(ctx context.Context, wake <-chan struct{}, slots int, do func(context.Context, *job) error, lanes ...int) {
	var wg sync.WaitGroup
	defer wg.Wait()
	free := make(chan struct{}, slots)
	tick := time.NewTicker(w.Poll)
	defer tick.Stop()
	for {
		select {
		case free <- struct{}{}:
		case <-ctx.Done():
			return
		}
		if j := w.claim(ctx, lanes); j != nil {
			wg.Go(func() {
				defer func() { <-free }()
				w.hold(ctx, j, do)
			})
			continue
		}
		<-free
		select {
		case <-wake:
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

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

func (w *worker) claim(ctx context.Context, lanes []int) *job {
	for _, lane := range lanes {
		if ctx.Err() != nil {
			return nil
		}
		now := w.now()
		row, former, ok, err := w.store.Claim(ctx, lane, now.UnixMilli(), now.Add(w.Lease).UnixMilli(), rand.Text())
		switch {
		case err != nil && ctx.Err() == nil:
			w.log.Warn("looking for media work failed", "err", err)
			return nil
		case ok:
			return &job{row: row, former: former}
		}
	}
	return nil
}

// hold does the work on a row, keeps the row meanwhile, and lets go of it at the end.
func (w *worker) hold(ctx context.Context, j *job, do func(context.Context, *job) error) {
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
	keeping.Go(func() { w.keep(jctx, j, end) })
	err := do(jctx, j)
	close(end)
	keeping.Wait()
	w.mu.Lock()
	delete(w.running, j.row.VideoID)
	w.mu.Unlock()
	taken := errors.Is(context.Cause(jctx), errTaken)
	if err != nil {
		span.Fail(jobName(j.row.Lane, j.step))
	}
	own, stop := context.WithTimeout(context.WithoutCancel(tctx), settleTimeout)
	defer stop()
	w.settle(own, j, err, taken, ctx.Err() != nil)
}

// keep renews the lease until end is closed. It cancels the job when the row is gone, and in good time before the lease
// ends when it cannot be renewed: two workers must not write for the same video.
func (w *worker) keep(ctx context.Context, j *job, end <-chan struct{}) {
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
		if err := w.renew(ctx, j); err != nil {
			j.cancel(errTaken)
			return
		}
	}
}

// renew returns an error when the job must end.
func (w *worker) renew(ctx context.Context, j *job) error {
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

// settle lets go of the row in the way that fits how the work has ended.
func (w *worker) settle(ctx context.Context, j *job, err error, taken, stopping bool) {
	if err == nil {
		return
	}
	step, row, now := j.step, j.row, w.now()
	if errors.Is(err, errTooOften) { // what ends the process is the step that comes first
		step = row.Todo & -row.Todo
	}
	job := jobName(row.Lane, step)
	if j.step != 0 {
		if err := w.discard(ctx, stepDir(row.VideoID, j.step, row.Token)); err != nil {
			w.log.Warn("half a result stays until the next sweep", "video", row.VideoID, "err", err)
		}
	}
	result := resultFailed
	var settled error
	switch refusal := media.Refused(err); {
	case taken || stopping || errors.Is(err, db.ErrLeaseLost):
		result = resultCancelled
		settled = w.store.Release(ctx, row, now.UnixMilli())
	case row.Lane != db.LaneDelete && (row.Attempts >= maxAttempts || refusal != nil):
		reason := reasonOf(step)
		if refusal != nil {
			reason = refusal.Text
		}
		result = resultGivenUp
		w.log.Error("media work is given up", "job", job, "video", row.VideoID, "attempts", row.Attempts, "reason", reason, "err", err)
		if row.Lane == db.LaneImprove && step != 0 && row.Todo != step { // no cover is no reason to have no ladder
			settled = w.store.Skip(ctx, row, step, reason, now.UnixMilli())
		} else {
			settled = w.store.GiveUp(ctx, row, reason, now.Add(forgetAfter).UnixMilli())
		}
	default:
		w.log.Warn("media work failed", "job", job, "video", row.VideoID, "attempts", row.Attempts, "err", err)
		settled = w.store.Retry(ctx, row, now.UnixMilli(), now.Add(backoff(row.Attempts)).UnixMilli())
	}
	w.metrics.jobs.WithLabelValues(job, result).Inc()
	if settled != nil && !errors.Is(settled, db.ErrLeaseLost) {
		w.log.Warn("a row of media work is held until its lease ends", "video", row.VideoID, "err", settled)
	}
	if settled != nil && result == resultGivenUp { // deleted at the same moment: the deletion waits for this
		_ = w.store.Release(ctx, row, now.UnixMilli())
	}
	w.ring()
}

// countNowAndThen keeps the gauges of waiting work.
func (w *worker) countNowAndThen(ctx context.Context) {
	tick := time.NewTicker(max(w.Poll, countEvery))
	defer tick.Stop()
	for {
		counts, err := w.store.CountWork(ctx)
		if err == nil {
			w.metrics.waiting.WithLabelValues("delete").Set(float64(counts[db.LaneDelete]))
			w.metrics.waiting.WithLabelValues("transcode").Set(float64(counts[db.LaneTranscode]))
			w.metrics.waiting.WithLabelValues("improve").Set(float64(counts[db.LaneImprove]))
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// backoff is random, so that what failed together is not tried together.
func backoff(attempts int) time.Duration {
	d := firstRetry
	for range attempts - 1 {
		if d *= 4; d >= maxRetry {
			d = maxRetry
			break
		}
	}
	return jitter(d)
}
