package service

import (
	"context"
	"math"

	"tiktok/cmd/social/dal/cache"
	"tiktok/cmd/social/dal/db"
	"tiktok/cmd/social/pack"
	"tiktok/kitex_gen/common"
	"tiktok/kitex_gen/social"
	"tiktok/pkg/errno"
	"tiktok/pkg/kv"
	"tiktok/pkg/paging"
)

// ListFollowing reads one page of the users whom a user follows.
func (s *Service) ListFollowing(ctx context.Context, req *social.ListFollowingRequest) (*social.ListFollowingResponse, error) {
	ids, next, err := s.following.list(ctx, req.UserId, req.Page)
	if err != nil {
		return nil, err
	}
	return &social.ListFollowingResponse{UserIds: ids, NextCursor: next}, nil
}

// ListFollowers reads one page of the users who follow a user.
func (s *Service) ListFollowers(ctx context.Context, req *social.ListFollowersRequest) (*social.ListFollowersResponse, error) {
	ids, next, err := s.followers.list(ctx, req.UserId, req.Page)
	if err != nil {
		return nil, err
	}
	return &social.ListFollowersResponse{UserIds: ids, NextCursor: next}, nil
}

// ListFriends reads one page of the users with whom a user is in a mutual follow.
func (s *Service) ListFriends(ctx context.Context, req *social.ListFriendsRequest) (*social.ListFriendsResponse, error) {
	ids, next, err := s.friends.list(ctx, req.UserId, req.Page)
	if err != nil {
		return nil, err
	}
	return &social.ListFriendsResponse{UserIds: ids, NextCursor: next}, nil
}

// cachedLists are the lists of users of one kind, through the cache.
type cachedLists struct {
	*kv.LoadingCache[int64, kv.IDList]
	// first, later and kind are for what is not cached: first and later pages. Whom a user follows is what they wrote themselves, so only
	// the list of followers is read from a replica.
	first, later *db.Store
	kind         db.List
}

func newCachedLists(d Deps, l db.List) cachedLists {
	most := cache.Most(l)
	load := func(ctx context.Context, userIDs []int64) (map[int64]kv.IDList, error) {
		entries, err := d.Store.First(ctx, l, userIDs, most+1)
		if err != nil {
			return nil, err
		}
		lists := make(map[int64]kv.IDList, len(userIDs))
		for _, id := range userIDs {
			lists[id] = kv.NewIDList(pack.UserIDs(entries[id]), most)
		}
		return lists, nil
	}
	later := d.Store
	if l == db.Followers {
		later = db.New(d.Store.Behind())
	}
	return cachedLists{
		LoadingCache: kv.NewLoadingCache(d.Cache, cache.ListOptions(l, d.Tel.Log, d.Tel.Registry), load),
		first:        d.Store,
		later:        later,
		kind:         l,
	}
}

// list reads one page and says where the next one begins. What fits one page is read through the cache. Else it reads one
// entry more than asked for, so that the last page is known as such. The cursor is the id of the follow behind the page's
// last entry.
func (l cachedLists) list(ctx context.Context, userID int64, page *common.Page) (ids []int64, next string, err error) {
	if userID <= 0 {
		return nil, "", errno.InvalidArgument.With("user id is missing")
	}
	before, limit, err := paging.Page(page, common.MAX_BATCH)
	if err != nil {
		return nil, "", err
	}
	store := l.later
	if before == math.MaxInt64 {
		store = l.first
		cached, err := l.GetMulti(ctx, []int64{userID})
		if err != nil {
			return nil, "", err
		}
		if ids := cached[userID]; !ids.More && len(ids.Order) <= limit {
			return ids.All(), "", nil
		}
	}
	entries, err := store.Page(ctx, l.kind, userID, before, limit+1)
	if err != nil {
		return nil, "", err
	}
	entries, next = paging.Cut(entries, limit, func(e db.Entry) int64 { return e.FollowID })
	return pack.UserIDs(entries), next, nil
}
