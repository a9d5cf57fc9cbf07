package service

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"tiktok/cmd/video/dal/db"
	"tiktok/pkg/tracing"
)

const (
	masterName  = "master.m3u8"
	videoName   = "video.mp4"
	coverName   = "cover.jpg"
	previewName = "preview.webp"
)

// maxClaims is how often a video is taken up for one step whatever becomes of it: some files may end the process.
const maxClaims = 2 * maxAttempts

var errTooManyClaims = errors.New("taken up too often without a result")

// doSteps does the steps that are left for an upload, each recorded before the next begins. It ends early when the row waits for
// its turn in another lane.
func (w *worker) doSteps(ctx context.Context, j *job) error {
	row := j.row
	if row.Attempts > maxClaims {
		return errTooManyClaims
	}
	if j.former != "" { // what it had not recorded is worth nothing
		for _, step := range allSteps() {
			if row.Todo&step == 0 {
				continue
			}
			if err := w.discard(ctx, stepFolder(row.VideoID, step, j.former)); err != nil {
				return err
			}
		}
	}
	dir, err := os.MkdirTemp(w.dir, "job-")
	if err != nil {
		return fmt.Errorf("temporary folder: %w", err)
	}
	defer w.removeAll(dir)
	src, err := w.source(ctx, dir, row.SourceKey)
	if err != nil {
		return err
	}
	for _, step := range allSteps() {
		if row.Todo&step == 0 {
			continue
		}
		if err := w.doStep(ctx, j, step, src, filepath.Join(dir, stepName(step))); err != nil {
			return fmt.Errorf("%s: %w", stepName(step), err)
		}
		if j.row.Token == "" && j.row.Todo != 0 {
			w.wake(row.VideoID)
			return nil
		}
	}
	if row.Plan&db.StepTranscode != 0 {
		own, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTimeout)
		defer cancel()
		if err := w.Blobs.Delete(own, row.SourceKey); err != nil {
			w.log.Warn("an upload that was transcoded stays until the next sweep", "key", row.SourceKey, "err", err)
		}
	}
	return nil
}

// doStep makes one thing in the folder dir, stores it and shows it to everybody.
func (w *worker) doStep(ctx context.Context, j *job, step int, src, dir string) error {
	name, start := stepName(step), time.Now()
	w.metrics.running.WithLabelValues(name).Inc()
	defer w.metrics.running.WithLabelValues(name).Dec()
	ctx, span := tracing.Start(ctx, tracing.Internal, "make "+name)
	defer span.End()
	j.mu.Lock()
	j.step = step
	j.part.Store(0)
	row := j.row
	j.mu.Unlock()
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	defer w.removeAll(dir)
	done, err := w.make(ctx, row, step, src, dir, func(part float64) { j.part.Store(int64(part * 1000)) })
	if err != nil {
		return err
	}
	prefix := stepFolder(row.VideoID, step, row.Token)
	if err := w.upload(ctx, dir, prefix, done.Key); err != nil {
		return err
	}
	done.Step, done.Key = step, prefix+"/"+done.Key
	done.Video.PlayKey = done.Key
	if err := w.finish(ctx, j, done); err != nil {
		return err
	}
	w.changed(context.WithoutCancel(ctx), row.VideoID, row.AuthorID)
	w.metrics.jobs.WithLabelValues(name, resultDone).Inc()
	w.metrics.seconds.WithLabelValues(name).Observe(time.Since(start).Seconds())
	return nil
}

// make fills dir. The key of what it returns is the name of the file that names all others, or is the only one.
func (w *worker) make(ctx context.Context, row db.Media, step int, src, dir string, progress func(float64)) (db.Done, error) {
	switch step {
	case db.StepTranscode:
		out := filepath.Join(dir, videoName)
		info, err := w.Tools.Transcode(ctx, src, out, progress)
		if err != nil {
			return db.Done{}, err
		}
		stat, err := os.Stat(out)
		if err != nil {
			return db.Done{}, err
		}
		return db.Done{Key: videoName, Video: db.Video{
			ID: row.VideoID, AuthorID: row.AuthorID, Title: row.Title, CoverKey: row.CoverKey,
			DurationMs: info.DurationMs, SizeBytes: stat.Size(), WidthPx: info.WidthPx, HeightPx: info.HeightPx,
			Mentions: row.Mentions,
		}}, nil
	case db.StepCover:
		return db.Done{Key: coverName}, w.Tools.Cover(ctx, src, filepath.Join(dir, coverName))
	case db.StepPreview:
		return db.Done{Key: previewName}, w.Tools.Preview(ctx, src, filepath.Join(dir, previewName))
	case db.StepHLS:
		return db.Done{Key: masterName}, w.Tools.HLS(ctx, src, dir, progress)
	}
	return db.Done{}, fmt.Errorf("no step %d", step)
}

// finish records a step. The commit is not stopped by the end of ctx, but no step is recorded that ended after it.
func (w *worker) finish(ctx context.Context, j *job, done db.Done) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	done.Progress = j.progress()
	done.NowMs = w.now().UnixMilli()
	done.Video.PublishedAtMs = done.NowMs
	row, err := w.store.Finish(ctx, j.row, done)
	if err != nil {
		if !errors.Is(err, db.ErrLeaseLost) {
			j.step = 0 // perhaps committed: then what was made is shown already, and must stay
		}
		return err
	}
	j.row, j.step = row, 0
	j.part.Store(0)
	return nil
}

func allSteps() []int { return []int{db.StepTranscode, db.StepCover, db.StepPreview, db.StepHLS} }

// weightOf is about how long a step takes compared with the others.
func weightOf(step int) int64 {
	switch step {
	case db.StepTranscode:
		return 40
	case db.StepHLS:
		return 60
	}
	return 5
}

// stepName is a label of metrics and part of the keys of what the step makes.
func stepName(step int) string {
	switch step {
	case db.StepTranscode:
		return "transcode"
	case db.StepCover:
		return "cover"
	case db.StepPreview:
		return "preview"
	case db.StepHLS:
		return "hls"
	}
	return "prepare"
}

func jobName(lane, step int) string {
	if lane == db.LaneDelete {
		return "delete"
	}
	return stepName(step)
}

// reasonOf is what an author is told when a step was given up.
func reasonOf(step int) string {
	switch step {
	case db.StepTranscode:
		return "the video could not be converted"
	case db.StepCover:
		return "no cover could be taken from the video"
	case db.StepPreview:
		return "no preview could be made of the video"
	case db.StepHLS:
		return "no versions for slow connections could be made of the video"
	}
	return "the video could not be read"
}
