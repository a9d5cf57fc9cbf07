package service

import (
	"context"
	"errors"
	"time"
)

// finishDeletion ends a deletion, of which others were told when it was marked: the objects go, and last the row that asks for it. Each
// part may be done twice. When one fails, all are done again later.
func (w *worker) finishDeletion(ctx context.Context, j *job) error {
	row, start := j.row, time.Now()
	w.metrics.running.WithLabelValues("delete").Inc()
	defer w.metrics.running.WithLabelValues("delete").Dec()
	err := w.deleteObjects(ctx, row.VideoID, row.SourceKey, row.CoverKey)
	w.changed(ctx, row.VideoID, row.AuthorID) // the call that deleted it may not have come so far
	if err != nil {
		return err
	}
	if err := w.store.Forget(ctx, row.VideoID, row.Token); err != nil {
		return err
	}
	w.metrics.jobs.WithLabelValues("delete", resultDone).Inc()
	w.metrics.seconds.WithLabelValues("delete").Observe(time.Since(start).Seconds())
	return nil
}

func (w *worker) deleteObjects(ctx context.Context, videoID int64, keys ...string) error {
	var named []string
	for _, k := range keys {
		if k != "" {
			named = append(named, k)
		}
	}
	return errors.Join(w.Blobs.Delete(ctx, named...), w.discard(ctx, folderOf(videoID)))
}
