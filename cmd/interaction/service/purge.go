package service

import (
	"context"
	"time"

	"tiktok/cmd/interaction/dal/cache"
	"tiktok/cmd/interaction/dal/db"
	"tiktok/cmd/internal/purge"
	"tiktok/pkg/id"
)

// Rows of likes that were taken back and of comments that were deleted stay, so that an older event that comes late is
// known to be old. They are removed when none can come any more: apply refuses events of more than maxLate ago, and
// whatever is purged was made and last changed before that. An event that lay among the dead letters for longer
// and is replayed therefore changes nothing, and goes back to the dead letters.

const (
	// maxLate is how late an event may be applied.
	maxLate = 7 * 24 * time.Hour
	// purgeAge is the age from which tombstones are removed; the hour is for clocks that differ.
	purgeAge = maxLate + time.Hour
)

// purge removes old tombstones until ctx ends: once a day, by the replica that takes the lease. Each replica deletes what is
// left of deleted threads, at its start and each hour.
func (s *Service) purge(ctx context.Context) {
	s.sweepAll(ctx)
	lead := func(ctx context.Context) bool {
		s.sweepAll(ctx)
		return cache.TryLeadPurge(ctx, s.cache)
	}
	purge.Daily(ctx, s.log, "tombstones", lead, func(ctx context.Context) (int64, error) {
		return s.purgeOnce(ctx, id.At(time.Now().Add(-purgeAge)), purge.Rest)
	})
}

// purgeOnce removes all tombstones whose event is below before, in small steps with a pause after each.
func (s *Service) purgeOnce(ctx context.Context, before int64, pause time.Duration) (removed int64, err error) {
	var like db.FavoriteKey
	var comment int64
	var commentLike db.CommentLikeKey
	return purge.All(ctx, pause, func() (n int64, done bool, err error) {
		like, n, done, err = s.store.PurgeFavorites(ctx, like, before)
		return n, done, err
	}, func() (n int64, done bool, err error) {
		comment, n, done, err = s.store.PurgeComments(ctx, comment, before)
		return n, done, err
	}, func() (n int64, done bool, err error) { // after their comments
		commentLike, n, done, err = s.store.PurgeCommentLikes(ctx, commentLike, before)
		return n, done, err
	}, func() (n int64, done bool, err error) { // later than they are forgotten: an event of a request that was repeated may come late, too
		return s.store.Keys().Purge(ctx, id.Time(before).UnixMilli())
	})
}
