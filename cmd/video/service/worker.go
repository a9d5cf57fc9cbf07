package service

import (
	"context"
	"log/slog"
	"runtime"
	"sync"
	"time"

	"tiktok/cmd/video/dal/db"
	"tiktok/pkg/blob"
	"tiktok/pkg/queue"
	"tiktok/pkg/telemetry"
	"tiktok/pkg/tracing"
	"tiktok/pkg/workdir"
)

// workPrefix begins the names of workers' folders below Dir.
const workPrefix = "worker-"

// MediaDeps is what the work in the background needs.
type MediaDeps struct {
	// Elsewhere says that processes of their own do all of it, deletions and sweeps too: here it is only planned, by what Tools could
	// do here, and announced.
	Elsewhere bool
	// Blobs holds the files.
	Blobs blob.Store
	// Tools makes the files. Deletions and sweeps happen also when it can do nothing.
	Tools Tools
	// Wakes carries messages between the replicas.
	Wakes queue.Queue[Wake]
	// Background says that playable videos are improved too (cover, preview, HLS).
	Background bool
	// Workers is how many videos are worked on at once, and of how many a cover is taken beside that; 0 is half the CPUs, at least 1.
	Workers int
	// Backfill is how many videos at most wait for work that could not be planned when they were uploaded; each BackfillEvery
	// others take the places of those that are done. 0 is none. BackfillEvery 0 is a minute.
	Backfill      int
	BackfillEvery time.Duration
	// Dir is where the temporary files are. Processes may share it.
	Dir string
	// Poll is how often a row is looked for that no message has announced; 0 is 5 s.
	Poll time.Duration
	// Lease is how long a row stays with a worker that is silent; 0 is 30 s.
	Lease time.Duration
	// SweepEvery is the pause between two searches for objects that no row names; 0 is an hour. OrphanAge is how old
	// such an object must be; 0 is an hour. It must be longer than an upload may take.
	SweepEvery, OrphanAge time.Duration
}

func (d MediaDeps) withDefaults() MediaDeps {
	if d.Workers <= 0 {
		d.Workers = max(runtime.NumCPU()/2, 1)
	}
	if d.Poll <= 0 {
		d.Poll = 5 * time.Second
	}
	if d.Lease <= 0 {
		d.Lease = 30 * time.Second
	}
	if d.BackfillEvery <= 0 {
		d.BackfillEvery = time.Minute
	}
	if d.SweepEvery <= 0 {
		d.SweepEvery = time.Hour
	}
	if d.OrphanAge <= 0 {
		d.OrphanAge = time.Hour
	}
	return d
}

// worker does what rows of video_media ask for. Any number of workers, in any number of processes, share the rows: each
// row is held by one worker at a time, by a lease that the worker renews while it works.
//
// A pool (pool.go) claims due rows, in the order of lanes and in turn between authors, and runs a job for each (job.go), which holds
// the lease and either does the steps that are left (steps.go, files.go) or carries out a deletion (deletion.go). What becomes of the
// row after a failure is decided in settle.go: another attempt, a step left out, or given up. Beside the pools, sweep.go deletes
// objects that no row names, and backfill.go plans work that could not be done when a video was uploaded.
type worker struct {
	MediaDeps
	store   *db.Store
	changed func(ctx context.Context, videoID, authorID int64)
	now     func() time.Time
	log     *slog.Logger
	metrics metrics
	traces  *tracing.Traces

	// improving, covering and deleting have room for one token: something may be due.
	improving, covering, deleting chan struct{}
	// outbox holds wake-ups on their way to the queue. A full one drops them.
	outbox chan Wake
	// dir is this process's own folder below Dir.
	dir string

	mu sync.Mutex
	// running holds the jobs of this process by video.
	running map[int64]context.CancelCauseFunc
}

func newWorker(
	d MediaDeps, store *db.Store, changed func(context.Context, int64, int64), now func() time.Time, tel *telemetry.Telemetry,
) *worker {
	return &worker{
		MediaDeps: d.withDefaults(), store: store, changed: changed, now: now,
		log: tel.Log, metrics: newMetrics(tel.Registry), traces: tel.Traces.For("video"),
		improving: make(chan struct{}, 1), covering: make(chan struct{}, 1), deleting: make(chan struct{}, 1), outbox: make(chan Wake, 1024),
		running: map[int64]context.CancelCauseFunc{},
	}
}

// steps is the set of steps that can be done here.
func (w *worker) steps() int {
	if w.Blobs == nil || w.Tools == nil {
		return 0
	}
	return w.Tools.Steps()
}

// run works until ctx ends and all jobs have let go of their rows.
func (w *worker) run(ctx context.Context) error {
	if w.Blobs == nil {
		<-ctx.Done()
		return nil
	}
	if w.Elsewhere {
		if w.Wakes != nil {
			w.sendWakes(ctx)
		}
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
			w.runPool(ctx, w.improving, w.Workers, w.doSteps, db.LaneTranscode, db.LaneImprove, db.LaneBackfill)
		})
		wg.Go(func() { w.runPool(ctx, w.covering, w.Workers, w.doSteps, db.LaneCover) }) // their own: covers wait for no transcode
		wg.Go(func() { w.backfillPeriodically(ctx) })
	}
	wg.Go(func() { w.runPool(ctx, w.deleting, 1, w.finishDeletion, db.LaneDelete) }) // its own: a deletion waits for no ladder
	wg.Go(func() { w.sweepPeriodically(ctx) })
	wg.Go(func() { w.countPeriodically(ctx) })
	if w.Wakes != nil {
		wg.Go(func() { w.sendWakes(ctx) })
		wg.Go(func() {
			err := w.Wakes.Consume(ctx, func(context.Context, []Wake) error { w.notify(); return nil })
			if err != nil && ctx.Err() == nil {
				w.log.Warn("media work is found by polling only", "err", err)
			}
		})
	}
	wg.Wait()
	return nil
}
