package service

import (
	"context"
	"errors"
	"log/slog"
	"runtime"
	"sync"
	"time"

	"tiktok/cmd/video/dal/db"
	"tiktok/kitex_gen/video"
	"tiktok/pkg/blob"
	"tiktok/pkg/queue"
	"tiktok/pkg/telemetry"
	"tiktok/pkg/tracing"
)

// WakeQueue is the name of the queue of Wake messages.
const WakeQueue = "video.media"

// Wake tells workers that there is work. The work itself is a row: a lost message costs one Poll at most.
type Wake struct {
	VideoID int64 `json:"video_id"`
}

// MediaDeps is what the work in the background needs.
type MediaDeps struct {
	// Blobs holds the files.
	Blobs blob.Store
	// Tools makes the files. Deletions and sweeps happen also when it can do nothing.
	Tools Tools
	// Wakes carries messages between the replicas; Deleted tells the interaction service.
	Wakes   queue.Queue[Wake]
	Deleted queue.Queue[video.VideoDeleted]
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
		MediaDeps: d.withDefaults(), store: store, changed: changed, now: now, log: tel.Log, metrics: newMetrics(tel.Registry), traces: tel.Traces.For("video"),
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

// wake tells this process and the others that the video has work. It does not wait.
func (w *worker) wake(videoID int64) {
	w.ring()
	if w.Wakes == nil {
		return
	}
	select {
	case w.outbox <- Wake{VideoID: videoID}:
	default: // the others poll
	}
}

func (w *worker) ring() {
	for _, c := range []chan struct{}{w.improving, w.covering, w.deleting} {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}

// errTaken is the cause of the end of a job whose row was deleted, or could not be kept.
var errTaken = errors.New("the video is no longer this worker's")

// cancel ends the job of a deleted video if it runs in this process. Elsewhere it ends at the next renewal.
func (w *worker) cancel(videoID int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if stop, ok := w.running[videoID]; ok {
		stop(errTaken)
	}
}
