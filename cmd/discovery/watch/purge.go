package watch

import (
	"context"
	"time"

	"tiktok/cmd/internal/purge"
	"tiktok/pkg/kv"
)

const (
	// maxHistory is how many videos a history keeps, the newest ones.
	maxHistory = 10_000
	// purgeEvery is how often a replica tries to take the lease.
	purgeEvery = time.Hour
	// purgePause is the rest between two steps: a purge is never what keeps a store busy.
	purgePause = 50 * time.Millisecond
	// purgeLease is a little less than a day, so that the lease is taken once a day.
	purgeLeaseKey = "tt:discovery:watches:purge:v1"
	purgeLease    = 23 * time.Hour
)

// purge archives old sessions and removes old rows of histories until ctx ends: once a day, by the replica that takes the lease. Two at
// once do no harm.
func (w *Watches) purge(ctx context.Context) {
	tick := time.NewTicker(purgeEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		if !kv.TryLead(ctx, w.cache, purgeLeaseKey, purgeLease) {
			continue
		}
		if n, err := w.purgeOnce(ctx, purgePause); err != nil && ctx.Err() == nil {
			w.log.WarnContext(ctx, "removing what was watched long ago failed; the next purge goes on", "removed", n, "err", err)
		}
	}
}

// purgeOnce does so in small steps with a pause after each.
func (w *Watches) purgeOnce(ctx context.Context, pause time.Duration) (removed int64, err error) {
	now := w.now()
	archived, forgotten := now.Add(-w.keep).UnixMilli(), now.Add(-purgeAge).UnixMilli()
	user := int64(0)
	return purge.All(ctx, pause, func() (n int64, done bool, err error) {
		return w.store.ArchiveSessions(ctx, archived)
	}, func() (n int64, done bool, err error) {
		user, n, done, err = w.store.PurgeHistories(ctx, user, maxHistory, forgotten)
		return n, done, err
	})
}
