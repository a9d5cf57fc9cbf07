package services

import (
	"cmp"
	"context"

	discoverydb "tiktok/cmd/discovery/dal/db"
	discoveryservice "tiktok/cmd/discovery/service"
	interactiondb "tiktok/cmd/interaction/dal/db"
	socialdb "tiktok/cmd/social/dal/db"
	userdb "tiktok/cmd/user/dal/db"
	videodb "tiktok/cmd/video/dal/db"
	"tiktok/pkg/id"
)

// catalogueSources is what the catalogue of discovery is made of, in the schemas of the services that keep it.
func catalogueSources(s Schemas) []discoveryservice.Source {
	return []discoveryservice.Source{
		usersOf(userdb.New(s["user"])), videosOf(videodb.New(s["video"])), followsOf(socialdb.New(s["social"])),
		likesOf(interactiondb.New(s["interaction"])),
	}
}

// sourceOf is a source of the rows of one table, whose keys are K in its own service.
func sourceOf[K, Row any](
	kind string, own func(discoverydb.PairKey) K,
	after func(ctx context.Context, after K, limit int) ([]Row, error), find func(ctx context.Context, keys []K) ([]Row, error),
	keyOf func(Row) discoverydb.PairKey, add func(c *discoverydb.Changes, r Row),
) discoveryservice.Source {
	changes := func(rows []Row) (c discoverydb.Changes) {
		for _, r := range rows {
			add(&c, r)
		}
		return c
	}
	return discoveryservice.Source{
		Kind: kind,
		After: func(ctx context.Context, at discoverydb.PairKey) (c discoverydb.Changes, last discoverydb.PairKey, err error) {
			rows, err := after(ctx, own(at), walkStep)
			if n := len(rows); n > 0 {
				last = keyOf(rows[n-1])
			}
			return changes(rows), last, err
		},
		Find: func(ctx context.Context, keys []discoverydb.PairKey) (discoverydb.Changes, error) {
			wanted := make([]K, len(keys))
			for i, k := range keys {
				wanted[i] = own(k)
			}
			rows, err := find(ctx, wanted)
			return changes(rows), err
		},
	}
}

// listed is find as a list.
func listed[K comparable, Row any](
	find func(ctx context.Context, keys []K) (map[K]Row, error),
) func(ctx context.Context, keys []K) ([]Row, error) {
	return func(ctx context.Context, keys []K) ([]Row, error) {
		rows, err := find(ctx, keys)
		return values(rows), err
	}
}

func idOf(k discoverydb.PairKey) int64 { return k[0] }

func usersOf(s *userdb.Store) discoveryservice.Source {
	return sourceOf("users", idOf, s.UsersAfter, listed(s.MGet),
		func(r userdb.User) discoverydb.PairKey { return discoverydb.PairKey{r.ID} },
		func(c *discoverydb.Changes, r userdb.User) {
			c.Users = append(c.Users, discoveryservice.Named(r.ID, r.Username, cmp.Or(r.DisplayName, r.Username)))
		})
}

func videosOf(s *videodb.Store) discoveryservice.Source {
	return sourceOf("videos", idOf, s.VideosAfter, listed(s.MGetVideos),
		func(r videodb.Video) discoverydb.PairKey { return discoverydb.PairKey{r.ID} },
		func(c *discoverydb.Changes, r videodb.Video) {
			c.Videos = append(c.Videos, discoveryservice.Listed(r.ID, r.AuthorID, r.Title, r.PublishedAtMs))
		})
}

func followsOf(s *socialdb.Store) discoveryservice.Source {
	own := func(k discoverydb.PairKey) socialdb.Pair { return socialdb.Pair{UserID: k[0], ToUserID: k[1]} }
	return sourceOf("follows", own, s.FollowsAfter, s.FollowRows,
		func(r socialdb.Follow) discoverydb.PairKey { return discoverydb.PairKey{r.UserID, r.ToUserID} },
		func(c *discoverydb.Changes, r socialdb.Follow) {
			c.Follows = append(c.Follows, discoverydb.Follow{UserID: r.UserID, ToUserID: r.ToUserID, Following: true, AtMs: r.CreatedAtMs})
		})
}

func likesOf(s *interactiondb.Store) discoveryservice.Source {
	own := func(k discoverydb.PairKey) interactiondb.FavoriteKey {
		return interactiondb.FavoriteKey{UserID: k[0], VideoID: k[1]}
	}
	return sourceOf("likes", own, s.LikesAfter, listed(s.FavoriteRows),
		func(r interactiondb.Favorite) discoverydb.PairKey { return discoverydb.PairKey{r.UserID, r.VideoID} },
		func(c *discoverydb.Changes, r interactiondb.Favorite) {
			if r.Liked {
				c.Likes = append(c.Likes, discoverydb.Like{
					UserID: r.UserID, VideoID: r.VideoID, AuthorID: r.AuthorID, Liked: true, AtMs: id.Time(r.LikedEvent).UnixMilli(),
				})
			}
		})
}
