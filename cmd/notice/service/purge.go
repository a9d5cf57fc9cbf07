package service

import (
	"context"
	"time"

	"tiktok/cmd/internal/purge"
	"tiktok/cmd/notice/dal/cache"
	"tiktok/cmd/notice/dal/db"
	"tiktok/pkg/kv"
)

// Entries that were taken back stay, so that an older message that comes late is known to be old. They are removed when none can come
// any more: apply refuses messages of more than maxLate ago.

// purgeAge is the age from which they are removed.
const purgeAge = maxLate + 48*time.Hour

// purge removes what was taken back long ago, and notices that nothing is left of, until ctx ends: once a day, by the replica that
// takes the lease.
func (s *Service) purge(ctx context.Context) {
	lead := func(ctx context.Context) bool { return kv.TryLead(ctx, s.cache, cache.PurgeKey, purge.Lease) }
	purge.Daily(ctx, s.log, "entries of notices", lead, func(ctx context.Context) (int64, error) {
		return s.purgeOnce(ctx, s.now().Add(-purgeAge), purge.Rest)
	})
}

// purgeOnce removes all that was taken back before a time, in small steps with a pause after each.
func (s *Service) purgeOnce(ctx context.Context, before time.Time, pause time.Duration) (removed int64, err error) {
	var entry db.EntryKey
	var group db.Key
	return purge.All(ctx, pause, func() (n int64, done bool, err error) {
		entry, n, done, err = s.store.PurgeEntries(ctx, entry, before.UnixMilli())
		return n, done, err
	}, func() (n int64, done bool, err error) {
		group, n, done, err = s.store.PurgeNotices(ctx, group, before.UnixMilli())
		return n, done, err
	})
}
