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
		wg.Go(func() {
			w.loop(ctx, w.improving, w.Workers, w.improve, db.LaneTranscode, db.LaneImprove, db.LaneBackfill)
		})
		wg.Go(func() { w.loop(ctx, w.covering, w.Workers, w.improve, db.LaneCover) }) // their own: covers wait for no transcode
		wg.Go(func() { w.backfillNowAndThen(ctx) })
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

// loop does what is due in the lanes, at most slots rows at once, the first lane first, and in each lane in turn between authors. The
// last of several slots is kept for another author than the one who has all the others: jobs are long.
func (w *worker) loop(ctx context.Context, wake <-chan struct{}, slots int, do func(context.Context, *job) error, lanes ...int) {
	var wg sync.WaitGroup
	defer wg.Wait()
	free := make(chan struct{}, slots)
	by := authors{most: slots - 1, jobs: map[int64]int{}}
	tick := time.NewTicker(w.Poll)
	defer tick.Stop()
	for {
		select {
		case free <- struct{}{}:
		case <-ctx.Done():
			return
		}
		if j := w.claim(ctx, lanes, by.busy()); j != nil {
			by.add(j.row.AuthorID, 1)
			wg.Go(func() {
				defer func() {
					by.add(j.row.AuthorID, -1)
					<-free
				}()
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

// authors counts the jobs of a loop by author.
type authors struct {
	// most is how many one may have; below 1 it is not bounded.
	most int

	mu   sync.Mutex
	jobs map[int64]int
}

func (a *authors) add(author int64, n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.jobs[author] += n; a.jobs[author] == 0 {
		delete(a.jobs, author)
	}
}

// busy is an author who may have no more, 0 for none. While a slot is free there can be only one.
func (a *authors) busy() int64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	for author, n := range a.jobs {
		if a.most > 0 && n >= a.most {
			return author
		}
	}
	return 0
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

func (w *worker) claim(ctx context.Context, lanes []int, except int64) *job {
	for _, lane := range lanes {
		if ctx.Err() != nil {
			return nil
		}
		now := w.now()
		wanted := db.Wanted{Lane: lane, Except: except, UntilMs: now.Add(w.Lease).UnixMilli(), Token: rand.Text()}
		row, former, ok, err := w.store.Claim(ctx, wanted, now.UnixMilli())
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
			for name, lane := range map[string]int{
				"delete": db.LaneDelete, "transcode": db.LaneTranscode, "cover": db.LaneCover, "improve": db.LaneImprove, "backfill": db.LaneBackfill,
			} {
				age := max(w.now().UnixMilli()-counts[lane].SinceMs, 0)
				w.metrics.waiting.WithLabelValues(name).Set(float64(counts[lane].Rows))
				w.metrics.oldest.WithLabelValues(name).Set((time.Duration(age) * time.Millisecond).Seconds())
			}
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
