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

const (
	// purgeAge is the age from which they are removed.
	purgeAge = maxLate + 48*time.Hour
	// purgeEvery is how often a replica tries to take the lease.
	purgeEvery = time.Hour
	// purgeLease is a little less than a day, so that the lease is taken once a day.
	purgeLease = 23 * time.Hour
	// purgePause is the rest between two steps: a purge is never what keeps a store busy.
	purgePause = 50 * time.Millisecond
)

// purge removes what was taken back long ago, and notices that nothing is left of, until ctx ends: once a day, by the replica that
// takes the lease.
func (s *Service) purge(ctx context.Context) {
	tick := time.NewTicker(purgeEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		if !kv.TryLead(ctx, s.cache, cache.PurgeKey, purgeLease) {
			continue
		}
		if n, err := s.purgeOnce(ctx, s.now().Add(-purgeAge), purgePause); err != nil && ctx.Err() == nil {
			s.log.WarnContext(ctx, "removing old entries of notices failed; the next purge goes on", "removed", n, "err", err)
		}
	}
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
