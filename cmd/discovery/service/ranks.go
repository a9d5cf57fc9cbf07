package service

import (
	"context"
	"sync"
	"time"

	"tiktok/cmd/discovery/dal/db"
	"tiktok/kitex_gen/common"
	"tiktok/kitex_gen/interaction"
	"tiktok/kitex_gen/social"
	"tiktok/pkg/lifecycle"
)

const (
	// rankEvery is how often popularity is looked at: so however many like a video, it is indexed again once in that time.
	rankEvery = time.Second
	// maxTouched bounds what waits for that. What is more is not noted: it is with its next like.
	maxTouched = 100_000
	// rankCalls bounds the calls of each service in one look, each for MAX_BATCH videos or users.
	rankCalls = 4
)

// touched are videos and users whose popularity may have changed.
type touched struct {
	mu     sync.Mutex
	videos map[int64]bool // guarded by mu
	users  map[int64]bool // guarded by mu
}

func newTouched() *touched { return &touched{videos: map[int64]bool{}, users: map[int64]bool{}} }

// touch notes what a change of the catalogue may have made more or less popular.
func (t *touched) touch(c *db.Changed) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, likes := range [][]db.Like{c.LikesBegan, c.LikesEnded} {
		for _, l := range likes {
			note(t.videos, l.VideoID)
		}
	}
	for _, follows := range [][]db.Follow{c.FollowsBegan, c.FollowsEnded} {
		for _, f := range follows {
			note(t.users, f.ToUserID)
		}
	}
}

func note(set map[int64]bool, id int64) {
	if len(set) < maxTouched {
		set[id] = true
	}
}

// take takes up to MAX_BATCH of both.
func (t *touched) take() (videos, users []int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return some(t.videos), some(t.users)
}

func some(set map[int64]bool) (ids []int64) {
	for id := range set {
		if len(ids) == common.MAX_BATCH {
			break
		}
		ids = append(ids, id)
		delete(set, id)
	}
	return ids
}

// rank copies how often what was touched is liked and followed into the catalogue, until ctx ends. The copies may lag, and what is lost
// with a process is copied with the next like.
func (s *Service) rank(ctx context.Context) {
	for lifecycle.Pause(ctx, rankEvery) {
		for range rankCalls {
			videos, users := s.ranks.take()
			if len(videos)+len(users) == 0 {
				break
			}
			if err := s.rankThese(ctx, videos, users); err != nil && ctx.Err() == nil {
				s.catalogue.ranked.WithLabelValues("lost").Add(float64(len(videos) + len(users)))
				s.log.WarnContext(ctx, "popularity is not known; it is looked at with the next like", "err", err)
				break
			}
		}
	}
}

func (s *Service) rankThese(ctx context.Context, videos, users []int64) error {
	likes, err := s.likesOf(ctx, videos)
	if err != nil {
		return err
	}
	followers, err := s.followersOf(ctx, users)
	if err != nil {
		return err
	}
	moved, err := s.store.SetPopularity(ctx, likes, followers)
	s.catalogue.ranked.WithLabelValues("moved").Add(float64(moved))
	s.catalogue.ranked.WithLabelValues("same").Add(float64(len(videos) + len(users) - moved))
	return err
}

// likesOf reads how many like videos, at most MAX_BATCH.
func (s *Service) likesOf(ctx context.Context, videoIDs []int64) (map[int64]int64, error) {
	if len(videoIDs) == 0 {
		return nil, nil
	}
	resp, err := s.peers.Interactions.MGetStats(ctx, &interaction.MGetStatsRequest{VideoIds: videoIDs})
	if err != nil {
		return nil, err
	}
	likes := make(map[int64]int64, len(resp.Videos))
	for id, v := range resp.Videos {
		likes[id] = v.FavoriteCount
	}
	return likes, nil
}

// followersOf reads how many follow users, at most MAX_BATCH.
func (s *Service) followersOf(ctx context.Context, userIDs []int64) (map[int64]int64, error) {
	if len(userIDs) == 0 {
		return nil, nil
	}
	resp, err := s.peers.Social.MGetRelations(ctx, &social.MGetRelationsRequest{UserIds: userIDs})
	if err != nil {
		return nil, err
	}
	followers := make(map[int64]int64, len(resp.Relations))
	for id, r := range resp.Relations {
		followers[id] = r.FollowerCount
	}
	return followers, nil
}
