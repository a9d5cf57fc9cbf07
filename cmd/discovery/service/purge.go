package service

import (
	"context"
	"crypto/rand"
	"time"

	"tiktok/cmd/discovery/dal/db"
	"tiktok/cmd/internal/purge"
)

// What ended keeps its row, so that an older message that comes late is known to be old. It is removed when none can come any more: apply
// refuses messages of more than maxLate ago.

const (
	// purgeAge is the age from which what ended is removed.
	purgeAge = maxLate + 48*time.Hour
	// purgeAfterFill is how long after all was read what ended stays, whatever its age: what was read late may be older than that it ended.
	purgeAfterFill = 24 * time.Hour
)

// purge removes what ended long ago until ctx ends: once a day, by the process that takes the lease, which nobody gives back.
func (s *Service) purge(ctx context.Context) {
	lead := func(ctx context.Context) bool {
		led, err := s.store.TakeLease(ctx, "catalogue-purge", rand.Text(), purge.Lease) // by another name each time: it is not made longer
		return err == nil && led
	}
	purge.Daily(ctx, s.log, "the catalogue", lead, func(ctx context.Context) (int64, error) { return s.purgeOnce(ctx, purge.Rest) })
}

// purgeOnce removes all that ended long ago, in small steps with a pause after each, unless the catalogue is being filled.
func (s *Service) purgeOnce(ctx context.Context, pause time.Duration) (removed int64, err error) {
	filled, err := s.filledSince(ctx)
	if err != nil || filled.IsZero() || s.now().Sub(filled) < purgeAfterFill {
		return 0, err
	}
	last, err := s.store.BeginPurge(ctx)
	if err != nil {
		return 0, err
	}
	before, likesBefore := s.now().Add(-purgeAge).UnixMilli(), s.now().Add(-s.keepLikes()).UnixMilli()
	var follow, like db.PairKey
	var tag string
	removed, err = purge.All(ctx, pause, func() (n int64, done bool, err error) {
		return s.store.PurgeGone(ctx, before)
	}, func() (n int64, done bool, err error) {
		tag, n, done, err = s.store.PurgeTags(ctx, tag, last.SeenSeq)
		return n, done, err
	}, func() (n int64, done bool, err error) {
		follow, n, done, err = s.store.PurgeFollows(ctx, follow, before)
		return n, done, err
	}, func() (n int64, done bool, err error) {
		like, n, done, err = s.store.PurgeLikes(ctx, like, before, likesBefore)
		return n, done, err
	})
	s.catalogue.purged.Add(float64(removed))
	return removed, err
}

// filledSince is when the catalogue had all that there was before this service; zero: it has not yet.
func (s *Service) filledSince(ctx context.Context) (time.Time, error) {
	found, err := s.store.Backfills(ctx, s.now().UnixMilli(), s.sourceNames()...)
	if err != nil {
		return time.Time{}, err
	}
	var since time.Time
	for _, b := range found {
		if b.DoneMs == 0 {
			return time.Time{}, nil
		}
		if at := time.UnixMilli(b.DoneMs); at.After(since) {
			since = at
		}
	}
	return since, nil
}
