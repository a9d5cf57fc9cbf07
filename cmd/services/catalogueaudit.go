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

// firsts are the first numbers of keys.
func firsts(keys []discoverydb.PairKey) []int64 {
	ids := make([]int64, len(keys))
	for i, k := range keys {
		ids[i] = k[0]
	}
	return ids
}

func usersOf(s *userdb.Store) discoveryservice.Source {
	changes := func(rows []userdb.User) (c discoverydb.Changes) {
		for _, r := range rows {
			c.Users = append(c.Users, discoveryservice.Named(r.ID, r.Username, cmp.Or(r.DisplayName, r.Username)))
		}
		return c
	}
	return discoveryservice.Source{
		Kind: "users",
		After: func(ctx context.Context, after discoverydb.PairKey) (c discoverydb.Changes, last discoverydb.PairKey, err error) {
			rows, err := s.UsersAfter(ctx, after[0], walkStep)
			if len(rows) > 0 {
				last = discoverydb.PairKey{rows[len(rows)-1].ID}
			}
			return changes(rows), last, err
		},
		Find: func(ctx context.Context, keys []discoverydb.PairKey) (discoverydb.Changes, error) {
			rows, err := s.MGet(ctx, firsts(keys))
			return changes(values(rows)), err
		},
	}
}

func videosOf(s *videodb.Store) discoveryservice.Source {
	changes := func(rows []videodb.Video) (c discoverydb.Changes) {
		for _, r := range rows {
			c.Videos = append(c.Videos, discoveryservice.Listed(r.ID, r.AuthorID, r.Title, r.PublishedAtMs))
		}
		return c
	}
	return discoveryservice.Source{
		Kind: "videos",
		After: func(ctx context.Context, after discoverydb.PairKey) (c discoverydb.Changes, last discoverydb.PairKey, err error) {
			rows, err := s.VideosAfter(ctx, after[0], walkStep)
			if len(rows) > 0 {
				last = discoverydb.PairKey{rows[len(rows)-1].ID}
			}
			return changes(rows), last, err
		},
		Find: func(ctx context.Context, keys []discoverydb.PairKey) (discoverydb.Changes, error) {
			rows, err := s.MGetVideos(ctx, firsts(keys))
			return changes(values(rows)), err
		},
	}
}

func followsOf(s *socialdb.Store) discoveryservice.Source {
	changes := func(rows []socialdb.Follow) (c discoverydb.Changes) {
		for _, r := range rows {
			c.Follows = append(c.Follows, discoverydb.Follow{UserID: r.UserID, ToUserID: r.ToUserID, Following: true, AtMs: r.CreatedAtMs})
		}
		return c
	}
	return discoveryservice.Source{
		Kind: "follows",
		After: func(ctx context.Context, after discoverydb.PairKey) (c discoverydb.Changes, last discoverydb.PairKey, err error) {
			rows, err := s.FollowsAfter(ctx, socialdb.Pair{UserID: after[0], ToUserID: after[1]}, walkStep)
			if n := len(rows); n > 0 {
				last = discoverydb.PairKey{rows[n-1].UserID, rows[n-1].ToUserID}
			}
			return changes(rows), last, err
		},
		Find: func(ctx context.Context, keys []discoverydb.PairKey) (discoverydb.Changes, error) {
			pairs := make([]socialdb.Pair, len(keys))
			for i, k := range keys {
				pairs[i] = socialdb.Pair{UserID: k[0], ToUserID: k[1]}
			}
			rows, err := s.FollowRows(ctx, pairs)
			return changes(rows), err
		},
	}
}

func likesOf(s *interactiondb.Store) discoveryservice.Source {
	changes := func(rows []interactiondb.Favorite) (c discoverydb.Changes) {
		for _, r := range rows {
			if r.Liked {
				c.Likes = append(c.Likes, discoverydb.Like{
					UserID: r.UserID, VideoID: r.VideoID, AuthorID: r.AuthorID, Liked: true, AtMs: id.Time(r.LikedEvent).UnixMilli(),
				})
			}
		}
		return c
	}
	return discoveryservice.Source{
		Kind: "likes",
		After: func(ctx context.Context, after discoverydb.PairKey) (c discoverydb.Changes, last discoverydb.PairKey, err error) {
			rows, err := s.LikesAfter(ctx, interactiondb.FavoriteKey{UserID: after[0], VideoID: after[1]}, walkStep)
			if n := len(rows); n > 0 {
				last = discoverydb.PairKey{rows[n-1].UserID, rows[n-1].VideoID}
			}
			return changes(rows), last, err
		},
		Find: func(ctx context.Context, keys []discoverydb.PairKey) (discoverydb.Changes, error) {
			wanted := make([]interactiondb.FavoriteKey, len(keys))
			for i, k := range keys {
				wanted[i] = interactiondb.FavoriteKey{UserID: k[0], VideoID: k[1]}
			}
			rows, err := s.FavoriteRows(ctx, wanted)
			return changes(values(rows)), err
		},
	}
}
