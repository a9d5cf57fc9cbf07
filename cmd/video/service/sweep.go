package service

import (
	"context"
	"math/rand/v2"
	"path"
	"strconv"
	"strings"
	"time"

	"tiktok/cmd/video/dal/db"
)

// firstSweep is the longest pause before the first sweep: a process that restarts often must sweep too.
const firstSweep = 5 * time.Minute

func (w *worker) sweepPeriodically(ctx context.Context) {
	pause := min(w.SweepEvery, firstSweep)
	for {
		t := time.NewTimer(pause/2 + rand.N(pause/2+1)) // random: replicas start together
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return
		}
		if n, err := w.sweep(ctx); err != nil && ctx.Err() == nil {
			w.metrics.jobs.WithLabelValues("sweep", resultFailed).Inc()
			w.log.Warn("sweep ended early", "deleted", n, "err", err)
		} else if n > 0 {
			w.log.Info("sweep deleted objects that no video names", "deleted", n)
		}
		pause = w.SweepEvery
	}
}

// sweep deletes the objects that no row names: of uploads whose publication never arrived, of attempts that were cut off.
// They must be old, because an object is stored before the row that names it. Several replicas may sweep at once.
func (w *worker) sweep(ctx context.Context) (deleted int, err error) {
	if rows, err := w.store.Expire(ctx, w.now().UnixMilli()); err != nil {
		return 0, err
	} else if rows > 0 {
		w.notify()
	}
	for _, prefix := range []string{"videos/", "covers/", "sources/"} {
		err := w.Blobs.List(ctx, prefix, w.OrphanAge, func(keys []string) error {
			orphans, err := w.orphans(ctx, keys)
			if err != nil {
				return err
			}
			deleted += len(orphans)
			return w.Blobs.Delete(ctx, orphans...)
		})
		if err != nil {
			return deleted, err
		}
	}
	w.metrics.jobs.WithLabelValues("sweep", resultDone).Inc()
	return deleted, nil
}

// orphans returns those of the keys that no row names, in two statements at most.
func (w *worker) orphans(ctx context.Context, keys []string) ([]string, error) {
	var uploaded []string
	var ids []int64
	made := map[int64][]string{}
	for _, key := range keys {
		id, ok := videoOf(key)
		if !ok {
			uploaded = append(uploaded, key)
			continue
		}
		if _, ok := made[id]; !ok {
			ids = append(ids, id)
		}
		made[id] = append(made[id], key)
	}
	var orphans []string
	if len(uploaded) > 0 {
		named, err := w.store.Named(ctx, uploaded)
		if err != nil {
			return nil, err
		}
		for _, key := range uploaded {
			if !named[key] {
				orphans = append(orphans, key)
			}
		}
	}
	if len(ids) > 0 {
		rows, err := w.store.MGetMade(ctx, ids)
		if err != nil {
			return nil, err
		}
		for _, id := range ids {
			for _, key := range made[id] {
				if row, ok := rows[id]; !ok || !names(row, key) {
					orphans = append(orphans, key)
				}
			}
		}
	}
	return orphans, nil
}

// videoOf is the video in whose folder the key is.
func videoOf(key string) (videoID int64, ok bool) {
	parts := strings.SplitN(key, "/", 4)
	if len(parts) < 4 {
		return 0, false
	}
	id, err := strconv.ParseInt(parts[2], 10, 64)
	return id, err == nil && key == folderOf(id)+"/"+parts[3]
}

// names reports whether the object is published, or may be by the worker that holds the row.
func names(row db.Made, key string) bool {
	switch key {
	case row.PlayKey, row.CoverKey, row.PreviewKey:
		return true
	}
	if row.HLSKey != "" && strings.HasPrefix(key, path.Dir(row.HLSKey)+"/") {
		return true
	}
	dir, _, _ := strings.Cut(strings.TrimPrefix(key, folderOf(row.VideoID)+"/"), "/")
	return row.Token != "" && strings.HasSuffix(dir, "-"+row.Token)
}
