package service

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"tiktok/cmd/discovery/dal/db"
	"tiktok/cmd/internal/publishers"
	"tiktok/kitex_gen/common"
	"tiktok/kitex_gen/interaction"
	"tiktok/kitex_gen/social"
	"tiktok/kitex_gen/user"
	"tiktok/kitex_gen/video"
	"tiktok/pkg/lifecycle"
)

// What was there before this service is read from the other services, page by page, in the order of their keys, while events come. A row
// that was read changes nothing that is there already, and whatever happens after it was read is told by an event, which is newer: so in
// the end the catalogue shows what is. How far it has come is stored with each page.

const (
	// backfillLease is how long a process that has died keeps others from going on.
	backfillLease = 15 * time.Second
	// backfillPage is how many rows one page has: one call of a service, at most one for what belongs to them, and one transaction.
	backfillPage = common.MAX_BATCH
	// backfillRest is how many times as long as a page took the service then rests, at most a second: it is background work.
	backfillRest = 1
	// backfillLog is how often it says how far it is.
	backfillLog = 30 * time.Second
)

// source is one thing that is read.
type source struct {
	name string
	// page reads what follows after a key: rows as changes, and the key of the last one, the same as after when there is none; n is how many
	// rows there were.
	page func(ctx context.Context, after pairKey) (c db.Changes, last pairKey, n int, err error)
}

// pairKey is a key of one or two numbers.
type pairKey struct{ a, b int64 }

// sources are what is read, in this order: users before the videos that have their names, videos before likes of them.
func (s *Service) sources() []source {
	return []source{{"users", s.pageOfUsers}, {"videos", s.pageOfVideos}, {"follows", s.pageOfFollows}, {"likes", s.pageOfLikes}}
}

func (s *Service) sourceNames() (names []string) {
	for _, src := range s.sources() {
		names = append(names, src.name)
	}
	return names
}

// fill fills the catalogue with what was there before this service, once, until ctx ends. It begins when the broker has the service's
// queue.
func (s *Service) fill(ctx context.Context) error {
	wait := lifecycle.BackOff()
	for s.bus.Ping(ctx) != nil {
		if !lifecycle.Pause(ctx, wait.NextBackOff()) {
			return nil
		}
	}
	s.store.LeadOn(ctx, "backfill", backfillLease, s.fillOnce, func(err error) {
		if !errors.Is(err, db.ErrBackfillMoved) {
			s.log.WarnContext(ctx, "filling the catalogue waits", "err", err)
		}
	})
	return nil
}

// fillOnce goes on where it stopped.
func (s *Service) fillOnce(ctx context.Context) error {
	found, err := s.store.Backfills(ctx, s.now().UnixMilli(), s.sourceNames()...)
	if err != nil {
		return err
	}
	for _, src := range s.sources() {
		if err := s.fillFrom(ctx, src, found[src.name]); err != nil {
			return fmt.Errorf("fill the catalogue with %s: %w", src.name, err)
		}
	}
	s.catalogue.filled.Set(1)
	return nil
}

func (s *Service) fillFrom(ctx context.Context, src source, at db.Backfill) error {
	said := time.Now()
	for at.DoneMs == 0 {
		began := time.Now()
		c, last, n, err := src.page(ctx, pairKey{at.AfterA, at.AfterB})
		if err != nil {
			return err
		}
		next := at
		next.AfterA, next.AfterB, next.RowsRead = last.a, last.b, at.RowsRead+int64(n)
		if n < backfillPage {
			next.DoneMs = s.now().UnixMilli()
		}
		if err := s.change(ctx, c, s.store.MoveBackfill(at, next)); err != nil {
			return err
		}
		at = next
		s.catalogue.backfill.WithLabelValues(src.name).Add(float64(n))
		if at.DoneMs != 0 || time.Since(said) > backfillLog {
			said = time.Now()
			s.log.InfoContext(ctx, "the catalogue is filled with what was there before",
				"kind", src.name, "rows", at.RowsRead, "done", at.DoneMs != 0)
		}
		if !lifecycle.Pause(ctx, min(backfillRest*time.Since(began), time.Second)) {
			return ctx.Err()
		}
	}
	return nil
}

func (s *Service) pageOfUsers(ctx context.Context, after pairKey) (c db.Changes, last pairKey, n int, err error) {
	resp, err := s.peers.Users.ScanUsers(ctx, &user.ScanUsersRequest{AfterId: after.a, Limit: backfillPage})
	if err != nil {
		return c, after, 0, err
	}
	ids := make([]int64, len(resp.Accounts))
	for i, a := range resp.Accounts {
		ids[i], after.a = a.Id, a.Id
	}
	followers, err := s.followersOf(ctx, ids)
	if err != nil {
		return c, after, 0, err
	}
	for _, a := range resp.Accounts {
		row := named(a.Id, a.Name, a.ShownName, 0)
		row.Followers = followers[a.Id]
		c.Users = append(c.Users, row)
	}
	return c, after, len(ids), nil
}

func (s *Service) pageOfVideos(ctx context.Context, after pairKey) (c db.Changes, last pairKey, n int, err error) {
	resp, err := s.peers.Videos.ScanVideos(ctx, &video.ScanVideosRequest{AfterId: after.a, Limit: backfillPage})
	if err != nil {
		return c, after, 0, err
	}
	ids := make([]int64, len(resp.Videos))
	for i, v := range resp.Videos {
		ids[i], after.a = v.Id, v.Id
	}
	likes, err := s.likesOf(ctx, ids)
	if err != nil {
		return c, after, 0, err
	}
	for _, v := range resp.Videos {
		row := listed(v.Id, v.AuthorId, v.Title, v.PublishedAtMs)
		row.Likes = likes[v.Id]
		c.Videos = append(c.Videos, row)
	}
	return c, after, len(ids), nil
}

func (s *Service) pageOfFollows(ctx context.Context, after pairKey) (c db.Changes, last pairKey, n int, err error) {
	resp, err := s.peers.Social.ScanFollows(ctx, &social.ScanFollowsRequest{
		AfterUserId: after.a, AfterToUserId: after.b, Limit: backfillPage,
	})
	if err != nil {
		return c, after, 0, err
	}
	for _, f := range resp.Follows {
		after = pairKey{f.UserId, f.ToUserId}
		c.Follows = append(c.Follows, db.Follow{UserID: f.UserId, ToUserID: f.ToUserId, Following: true, AtMs: f.AtMs})
	}
	return c, after, len(resp.Follows), nil
}

// pageOfLikes leaves likes of videos out that are gone: they are about to end.
func (s *Service) pageOfLikes(ctx context.Context, after pairKey) (c db.Changes, last pairKey, n int, err error) {
	resp, err := s.peers.Interactions.ScanLikes(ctx, &interaction.ScanLikesRequest{
		AfterUserId: after.a, AfterVideoId: after.b, Limit: backfillPage,
	})
	if err != nil {
		return c, after, 0, err
	}
	ids := make([]int64, len(resp.Likes))
	for i, l := range resp.Likes {
		ids[i], after = l.VideoId, pairKey{l.UserId, l.VideoId}
	}
	authors, err := s.authorsOf(ctx, ids)
	if err != nil {
		return c, after, 0, err
	}
	for _, l := range resp.Likes {
		if author := authors[l.VideoId]; author != 0 {
			c.Likes = append(c.Likes, db.Like{UserID: l.UserId, VideoID: l.VideoId, AuthorID: author, Liked: true, AtMs: l.AtMs})
		}
	}
	return c, after, len(resp.Likes), nil
}

// authorsOf reads whose videos are, from the catalogue, and from their service for those that it does not know yet. Those that are gone
// have none.
func (s *Service) authorsOf(ctx context.Context, videoIDs []int64) (map[int64]int64, error) {
	slices.Sort(videoIDs)
	videoIDs = slices.Compact(videoIDs)
	found, err := s.store.VideoAuthors(ctx, videoIDs)
	if err != nil {
		return nil, err
	}
	unknown := slices.DeleteFunc(videoIDs, func(id int64) bool { _, known := found[id]; return known })
	if len(unknown) == 0 {
		return found, nil
	}
	listed, err := publishers.Of(ctx, s.peers.Videos, unknown)
	if err != nil {
		return nil, err
	}
	maps.Copy(found, listed)
	return found, nil
}
