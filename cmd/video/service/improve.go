package service

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path"
	"path/filepath"
	"time"

	"tiktok/cmd/video/dal/db"
	"tiktok/pkg/blob"
	"tiktok/pkg/tracing"
)

const (
	masterName  = "master.m3u8"
	videoName   = "video.mp4"
	coverName   = "cover.jpg"
	previewName = "preview.webp"
)

var errTooOften = errors.New("taken up too often without a result")

// improve does the steps that are left for an upload, each recorded before the next begins. It ends early when the row waits for
// its turn in another lane.
func (w *worker) improve(ctx context.Context, j *job) error {
	row := j.row
	if row.Attempts > maxClaims {
		return errTooOften
	}
	if j.former != "" { // what it had not recorded is worth nothing
		for _, step := range allSteps() {
			if row.Todo&step == 0 {
				continue
			}
			if err := w.discard(ctx, stepDir(row.VideoID, step, j.former)); err != nil {
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
		if err := w.step(ctx, j, step, src, filepath.Join(dir, stepName(step))); err != nil {
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

// source is the path of the uploaded file, downloaded into dir if the store has no files.
func (w *worker) source(ctx context.Context, dir, key string) (string, error) {
	if p, ok := blob.LocalPath(w.Blobs, key); ok {
		return p, nil
	}
	obj, err := w.Blobs.Open(ctx, key)
	if err != nil {
		return "", fmt.Errorf("source: %w", err)
	}
	defer obj.Close()
	f, err := os.Create(filepath.Join(dir, "source"+path.Ext(key)))
	if err != nil {
		return "", fmt.Errorf("source: %w", err)
	}
	n, err := io.Copy(f, io.LimitReader(ctxReader{ctx, obj}, obj.Size))
	if err = errors.Join(err, f.Close()); err == nil && n != obj.Size {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return "", fmt.Errorf("download %s: %w", key, err)
	}
	return f.Name(), nil
}

// step makes one thing in the folder dir, stores it and shows it to everybody.
func (w *worker) step(ctx context.Context, j *job, step int, src, dir string) error {
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
	prefix := stepDir(row.VideoID, step, row.Token)
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

// upload stores the files of dir below prefix, last the one that names the others.
func (w *worker) upload(ctx context.Context, dir, prefix, last string) error {
	put := func(name string) error {
		f, err := os.Open(filepath.Join(dir, filepath.FromSlash(name)))
		if err != nil {
			return err
		}
		defer f.Close()
		_, err = w.Blobs.Put(ctx, prefix+"/"+name, f, "")
		return err
	}
	err := fs.WalkDir(os.DirFS(dir), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || name == last {
			return err
		}
		return put(name)
	})
	if err != nil {
		return err
	}
	return put(last)
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

// folder holds everything that is made of a video.
func folder(videoID int64) string {
	const spread = 0x9E3779B97F4A7C15 // makes the first byte of ids that follow each other differ
	return fmt.Sprintf("videos/%02x/%d", uint64(videoID)*spread>>56, videoID)
}

// stepDir holds what the holder of token makes in one step. No two attempts share one.
func stepDir(videoID int64, step int, token string) string {
	return folder(videoID) + "/" + stepName(step) + "-" + token
}

// discard deletes everything below the folder.
func (w *worker) discard(ctx context.Context, folder string) error {
	return w.Blobs.List(ctx, folder+"/", -time.Hour, func(keys []string) error { return w.Blobs.Delete(ctx, keys...) })
}

func (w *worker) removeAll(dir string) {
	if err := os.RemoveAll(dir); err != nil {
		w.log.Warn("temporary files stay", "dir", dir, "err", err)
	}
}

// ctxReader ends a copy when ctx ends.
type ctxReader struct {
	ctx context.Context //nolint:containedctx // lives as long as one copy
	r   io.Reader
}

func (c ctxReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}

// jitter is between half of d and d.
func jitter(d time.Duration) time.Duration { return d/2 + rand.N(d/2+1) }
