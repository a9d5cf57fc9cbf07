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
	// purgeKey is the lease of the daily purge.
	purgeKey = "tt:discovery:watches:purge:v1"
)

// purge archives old sessions and removes old rows of histories until ctx ends: once a day, by the replica that takes the lease. Two at
// once do no harm.
func (w *Watches) purge(ctx context.Context) {
	lead := func(ctx context.Context) bool { return kv.TryLead(ctx, w.cache, purgeKey, purge.Lease) }
	purge.Daily(ctx, w.log, "what was watched", lead, func(ctx context.Context) (int64, error) { return w.purgeOnce(ctx, purge.Rest) })
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
