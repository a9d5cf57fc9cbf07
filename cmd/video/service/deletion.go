package service

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tiktok/kitex_gen/video"
)

// publishTimeout bounds one try to publish a deletion, which in one process ends when it has stored the deletion.
const publishTimeout = 20 * time.Second

// finishDeletion ends a deletion: the objects go, other services forget the video, and last goes the row that asks for it. Each part
// may be done twice. When one fails the others are done all the same, and all are done again later.
func (w *worker) finishDeletion(ctx context.Context, j *job) error {
	row, start := j.row, time.Now()
	w.metrics.running.WithLabelValues("delete").Inc()
	defer w.metrics.running.WithLabelValues("delete").Dec()
	err := errors.Join(
		w.deleteObjects(ctx, row.VideoID, row.SourceKey, row.CoverKey),
		w.publishDeleted(ctx, video.VideoDeleted{VideoId: row.VideoID, AuthorId: row.AuthorID}))
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

func (w *worker) publishDeleted(ctx context.Context, event video.VideoDeleted) error {
	if w.Deleted == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, publishTimeout)
	defer cancel()
	if _, err := w.Deleted.Publish(ctx, event); err != nil {
		return fmt.Errorf("publish the deletion: %w", err)
	}
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
