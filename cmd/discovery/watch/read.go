package watch

import (
	"context"
	"slices"
	"time"

	"tiktok/cmd/discovery/dal/cache"
	"tiktok/cmd/discovery/dal/db"
	"tiktok/cmd/discovery/dal/mq"
	"tiktok/cmd/internal/pending"
	"tiktok/pkg/coalesce"
	"tiktok/pkg/id"
	"tiktok/pkg/kv"
)

// readPending reads the events of users that are not stored yet, or were just now. Ids from now on are later.
func (w *Watches) readPending(ctx context.Context, userIDs ...int64) (events []mq.Event) {
	lists := make([]pending.List, len(userIDs))
	for i, id := range userIDs {
		lists[i] = list(id)
	}
	for _, found := range w.pending.Read(ctx, lists...) {
		events = append(events, found...)
		w.ids.Observe(found[len(found)-1].ID)
	}
	return events
}

// History reads up to limit videos that a user has watched before a place, the last first, with what is accepted and not stored yet.
func (w *Watches) History(ctx context.Context, userID int64, before db.HistoryPlace, limit int) ([]db.History, error) {
	over := flatten(w.readPending(ctx, userID)) // before the store: what leaves the list in between is there
	rows, _, err := w.store.HistoryPage(ctx, userID, before, limit, over)
	return rows, err
}

// Forget forgets what a user has watched until now: one video, or all for 0. Views stay counted. What is accepted and not stored yet is
// forgotten, too, and does not come back when it is applied late or twice.
func (w *Watches) Forget(ctx context.Context, userID, videoID int64) (err error) {
	last := w.now().UnixMilli()
	unstored := false
	for _, e := range w.readPending(ctx, userID) {
		last = max(last, e.AtMs)
		unstored = unstored || slices.ContainsFunc(e.Watches, func(one mq.Watch) bool { return one.VideoID == videoID })
	}
	if videoID == 0 {
		last, err = w.store.ForgetAll(ctx, userID, last)
	} else {
		err = w.store.Forget(ctx, userID, videoID, last, unstored)
	}
	w.ids.Observe(id.At(time.UnixMilli(last + 1))) // what is watched from now on is not forgotten, also within this millisecond
	w.seen.Invalidate(ctx, userID)                 // also after an error, which may be that of a commit that was done
	w.changed(ctx, []int64{userID})
	return err
}

// SeenSorted reads which videos users have watched or were shown, the last cache.MaxSeen of each, with what is accepted and not stored yet.
// One who has none is absent. The lists ascend, and must not be changed.
func (w *Watches) SeenSorted(ctx context.Context, userIDs []int64) (map[int64][]int64, error) {
	userIDs = coalesce.Distinct(userIDs)
	over := flatten(w.readPending(ctx, userIDs...)) // before the cache: what leaves the lists in between is there
	cached, err := w.seen.GetMulti(ctx, userIDs)
	if err != nil {
		return nil, err
	}
	found := make(map[int64][]int64, len(cached))
	for id, l := range cached {
		found[id] = l.Sorted
	}
	if len(over) == 0 {
		return found, nil
	}
	// Not over what is cached, which does not know what was forgotten: users with something pending are few, and it is soon stored.
	exact, err := w.store.WatchedWith(ctx, over, cache.MaxSeen)
	if err != nil {
		return nil, err
	}
	for _, one := range over {
		delete(found, one.UserID)
	}
	for id, videos := range exact {
		slices.Sort(videos)
		found[id] = videos
	}
	return found, nil
}

func (w *Watches) loadSeen(ctx context.Context, userIDs []int64) (map[int64]kv.IDList, error) {
	rows, err := w.store.Watched(ctx, userIDs, cache.MaxSeen)
	if err != nil {
		return nil, err
	}
	found := make(map[int64]kv.IDList, len(rows))
	for id, videos := range rows {
		found[id] = kv.NewIDList(videos, cache.MaxSeen)
	}
	return found, nil
}

// Views reads how often videos were watched, at most 1000 ids; every one is in the answer.
func (w *Watches) Views(ctx context.Context, videoIDs []int64) (map[int64]int64, error) {
	views, err := w.views.GetMulti(ctx, videoIDs)
	if err != nil {
		return nil, err
	}
	for _, id := range videoIDs {
		views[id] += 0
	}
	return views, nil
}
