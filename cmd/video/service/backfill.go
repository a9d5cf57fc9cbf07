package service

import (
	"context"
	"time"

	"tiktok/cmd/video/dal/db"
)

// backfillPage is how many videos Backfill queues with one statement.
const backfillPage = 500

// backfillPeriodically queues what was uploaded while there was no ffmpeg, a few at a time. It is the last of all work, and needs no
// mark of how far it is: what it has queued is planned, and is not found again. Several replicas may do so: what waits is
// counted for all of them.
func (w *worker) backfillPeriodically(ctx context.Context) {
	if !w.Background || w.Backfill <= 0 {
		return
	}
	tick := time.NewTicker(w.BackfillEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		n, err := w.backfill(ctx)
		if err != nil && ctx.Err() == nil {
			w.log.Warn("looking for videos without all work failed", "err", err)
		}
		if n > 0 {
			w.log.Info("videos of a time without ffmpeg get what they lack", "videos", n)
			w.notify()
		}
	}
}

func (w *worker) backfill(ctx context.Context) (queued int64, err error) {
	work, err := w.store.CountWork(ctx)
	if err != nil {
		return 0, err
	}
	free := w.Backfill - int(work[db.LaneBackfill].Rows)
	return w.store.Backfill(ctx, w.steps(), w.now().UnixMilli(), free)
}

// backfillAll queues at once all videos that lack some of the steps. report is called after each page with how many are queued so
// far. The workers of the video service do the work when they have nothing else to do.
func backfillAll(ctx context.Context, store *db.Store, steps int, report func(queued int64)) (queued int64, err error) {
	for {
		n, err := store.Backfill(ctx, steps, time.Now().UnixMilli(), backfillPage)
		queued += n
		if err != nil || n == 0 {
			return queued, err
		}
		report(queued)
	}
}
