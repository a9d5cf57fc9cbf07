package service

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"tiktok/cmd/discovery/dal/db"
	"tiktok/kitex_gen/common"
	"tiktok/kitex_gen/user"
	"tiktok/pkg/outbox"
)

// apply keeps the catalogue up with messages. It may be called with messages that were applied before, in another order, and by two
// processes at once: of each entry the newest message counts, and a deletion is final.
func (s *Service) apply(ctx context.Context, messages []outbox.Message) error {
	b, err := batchOf(messages, s.now())
	if err != nil {
		return err
	}
	if err := s.readNames(ctx, b); err != nil {
		return err
	}
	for _, part := range b.parts() { // one, nearly always
		if err := s.change(ctx, part); err != nil {
			return err
		}
	}
	now := s.now()
	for _, m := range messages {
		s.catalogue.delay.Observe(max(0, now.Sub(time.UnixMilli(m.AtMs)).Seconds()))
	}
	s.catalogue.ignored.Add(float64(b.ignored))
	return nil
}

// readNames reads the names of users whose profiles have changed, as they are now, in one call. Those who do not exist are left out.
func (s *Service) readNames(ctx context.Context, b *batch) error {
	for ids := range slices.Chunk(slices.Sorted(maps.Keys(b.profiles)), common.MAX_BATCH) { // one, nearly always
		resp, err := s.peers.Users.MGetUsers(ctx, &user.MGetUsersRequest{UserIds: ids, ViewerIds: ids})
		if err != nil {
			return fmt.Errorf("read names: %w", err)
		}
		for id, u := range resp.Users {
			b.users[id] = named(id, u.Name, cmp.Or(u.DisplayName, u.Name), max(b.users[id].Seq, b.profiles[id]))
		}
	}
	return nil
}

// change applies changes to the catalogue, with what belongs into their transaction, and notes what is to be ranked anew.
func (s *Service) change(ctx context.Context, c db.Changes, within ...db.Within) error {
	done, old, err := s.store.Apply(ctx, c, s.rules(within...))
	if err != nil {
		return err
	}
	s.indexChanged()
	s.catalogue.count(&done, c.Len(), old)
	s.ranks.touch(&done)
	s.feeds.Changed(ctx, tastesOf(&done))
	return nil
}

// tastesOf are the users who began or ended to like or to follow something.
func tastesOf(c *db.Changed) []int64 {
	users := map[int64]bool{}
	for _, l := range slices.Concat(c.LikesBegan, c.LikesEnded) {
		users[l.UserID] = true
	}
	for _, f := range slices.Concat(c.FollowsBegan, c.FollowsEnded) {
		users[f.UserID] = true
	}
	return slices.Sorted(maps.Keys(users))
}

// rules are how changes are applied.
func (s *Service) rules(within ...db.Within) db.Rules {
	return db.Rules{
		HalfLife: s.settings.HalfLife, LikesSinceMs: s.now().Add(-s.keepLikes()).UnixMilli(), Within: append(s.within(), within...),
	}
}

// keepLikes is how long likes are kept: not shorter than messages about them may come late, or one that comes again would count again.
func (s *Service) keepLikes() time.Duration {
	return max(time.Duration(s.settings.SignalDays)*24*time.Hour, purgeAge)
}
