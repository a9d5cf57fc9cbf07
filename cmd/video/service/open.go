package service

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tiktok/cmd/video/dal/db"
	"tiktok/config"
	"tiktok/pkg/blob"
	"tiktok/pkg/id"
	"tiktok/pkg/kv"
	"tiktok/pkg/lifecycle"
	"tiktok/pkg/outbox"
	"tiktok/pkg/queue"
	"tiktok/pkg/sqldb"
	"tiktok/pkg/telemetry"
)

// Open opens the database "video", brings its schema up to date, opens the cache, the blob store and the queue of
// wake-ups, and returns the service, which owns them. bus stays the caller's.
func Open(ctx context.Context, cfg config.Config, tel *telemetry.Telemetry, ids *id.Generator, bus outbox.Bus) (*Service, error) {
	var closers lifecycle.Closers
	s, err := open(ctx, cfg, tel, ids, bus, cfg.Media.Separate, &closers)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("video: %w", err), closers.Close())
	}
	s.closers = closers
	return s, nil
}

// Worker does the work on videos in a process of its own: what the background of a Service does, and no more. It makes no ids.
type Worker struct{ s *Service }

// OpenWorker opens what Open opens. bus stays the caller's.
func OpenWorker(ctx context.Context, cfg config.Config, tel *telemetry.Telemetry, bus outbox.Bus) (*Worker, error) {
	var closers lifecycle.Closers
	s, err := open(ctx, cfg, tel, nil, bus, false, &closers)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("media: %w", err), closers.Close())
	}
	s.closers = closers
	return &Worker{s}, nil
}

// Run works, and hands over what other services shall hear of it, until ctx ends.
func (w *Worker) Run(ctx context.Context) error { return w.s.Run(ctx) }

// Ready reports whether the worker can do its work.
func (w *Worker) Ready(ctx context.Context) error { return w.s.Ready(ctx) }

// DescribeTools says in a line what can be done with uploads here, for readiness details.
func (w *Worker) DescribeTools() string { return w.s.DescribeTools() }

// Close releases what OpenWorker opened.
func (w *Worker) Close() error { return w.s.Close() }

// open opens both; ids are nil of a worker.
func open(
	ctx context.Context, cfg config.Config, tel *telemetry.Telemetry, ids *id.Generator, bus outbox.Bus, elsewhere bool,
	closers *lifecycle.Closers,
) (*Service, error) {
	sql, err := sqldb.OpenMigrated(ctx, cfg.DB, "video", db.Migrations(), tel.Log, tel.Registry)
	if err != nil {
		return nil, err
	}
	closers.Add(sql.Close)
	rows := db.New(sql)
	if ids != nil {
		if err := ids.StartAbove(ctx, rows.NewestID, tel.Log); err != nil {
			return nil, err
		}
	}
	cache, err := kv.Open(ctx, cfg.Cache)
	if err != nil {
		return nil, err
	}
	closers.Add(cache.Close)
	blobs, err := blob.Open(ctx, cfg.Blob)
	if err != nil {
		return nil, err
	}
	wakes := cfg.Queue
	wakes.AppliedWait = -1 // nobody waits for the work
	events, err := queue.Open[Wake](ctx, wakes, WakeQueue, tel.Log, queue.WithMetrics(tel.Registry), queue.WithTraces(tel.Traces.For("video")))
	if err != nil {
		return nil, err
	}
	closers.Add(events.Close)
	return New(Deps{
		Store: rows, Cache: cache, IDs: ids, Tel: tel, Relay: outbox.NewRelay(sql, bus, "video", tel),
		Quota: db.Quota{Bytes: cfg.Media.UserQuotaBytes, DailyBytes: cfg.Media.UserDailyBytes},
		Media: MediaDeps{
			Elsewhere: elsewhere, Blobs: blobs, Tools: newTools(cfg.Media, tel), Wakes: events,
			Background: cfg.Media.Background, Workers: cfg.Media.Workers, Backfill: cfg.Media.Backfill, Dir: cfg.Media.WorkDir,
			Lease: cfg.Media.Lease, SweepEvery: cfg.Media.SweepEvery, OrphanAge: max(time.Hour, 2*cfg.Gateway.UploadTimeout),
		},
	}), nil
}

// Backfill queues, in the database that the settings name, all videos that lack what can be made here now, and returns how many.
// report is called now and then with how many that are so far. It fails without ffmpeg, or with one that makes nothing.
func Backfill(ctx context.Context, cfg config.Config, tel *telemetry.Telemetry, report func(queued int64)) (queued int64, err error) {
	tools := newTools(cfg.Media, tel)
	if tools.Steps()&(db.StepPreview|db.StepHLS) == 0 {
		return 0, fmt.Errorf("nothing can be made here: %s", tools.Describe())
	}
	sql, err := sqldb.OpenMigrated(ctx, cfg.DB, "video", db.Migrations(), tel.Log, tel.Registry)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, sql.Close()) }()
	// The video service of the running system hands over what it is told.
	return backfillAll(ctx, db.New(sql).Telling(messages, func() {}), tools.Steps(), report)
}
