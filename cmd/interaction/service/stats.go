package service

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"golang.org/x/sync/errgroup"

	"tiktok/cmd/interaction/dal/cache"
	"tiktok/cmd/interaction/dal/db"
	"tiktok/cmd/interaction/pack"
	"tiktok/kitex_gen/common"
	"tiktok/kitex_gen/interaction"
	"tiktok/pkg/kv"
	"tiktok/pkg/paging"
)

// overlays bounds how many viewers' pending writes one call lays over what is stored at a time.
const overlays = 4

// look is a Look that was checked, with what its viewer has pending.
type look struct {
	viewer        int64
	videos, users []int64
	lists         pendingLists
	touched       []int64 // videos of the look that these lists change
}

// MGetStats reads counters through the cache, and what viewers see otherwise. Without pending writes that is three reads
// of the cache, whatever the number of looks, and a constant number of statements for what it does not hold.
func (s *Service) MGetStats(ctx context.Context, req *interaction.MGetStatsRequest) (*interaction.MGetStatsResponse, error) {
	videoIDs, err := paging.IDs(req.VideoIds, common.MAX_BATCH)
	if err != nil {
		return nil, err
	}
	userIDs, err := paging.IDs(req.UserIds, common.MAX_BATCH)
	if err != nil {
		return nil, err
	}
	looks, err := viewerQueries(req.ViewerQueries)
	if err != nil {
		return nil, err
	}
	lists := s.readPending(ctx, pendingKeys(userIDs, looks)...)
	resp := &interaction.MGetStatsResponse{}
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		counts, err := s.stats.Videos.GetMulti(gctx, videoIDs)
		resp.Videos = pack.VideoStats(videoIDs, counts)
		return wrap("read video stats", err)
	})
	g.Go(func() error {
		counts, err := s.userStats(gctx, userIDs, favoriteLists(lists, userIDs...))
		resp.Users = pack.UserStats(userIDs, counts)
		return wrap("read user stats", err)
	})
	seen, err := s.seen(gctx, looks, lists)
	if werr := g.Wait(); werr != nil { // the first that failed; it may be why the others did
		return nil, werr
	}
	if err != nil {
		return nil, fmt.Errorf("read what %d viewers see: %w", len(looks), err)
	}
	resp.ViewerStates = seen
	return resp, nil
}

func wrap(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}

func viewerQueries(asked []*interaction.ViewerQuery) ([]look, error) {
	err := paging.Viewers(asked, common.MAX_BATCH, interaction.MAX_VIEWER_IDS, func(q *interaction.ViewerQuery) (viewerID int64, ids int) {
		return q.ViewerId, len(q.VideoIds) + len(q.UserIds)
	})
	if err != nil {
		return nil, err
	}
	looks := make([]look, len(asked))
	for i, q := range asked {
		looks[i] = look{viewer: q.ViewerId, videos: q.VideoIds, users: q.UserIds}
	}
	return looks, nil
}

// pendingKeys are the lists that change what is seen: the likes of all users, for everybody, and what the viewers wrote.
func pendingKeys(userIDs []int64, looks []look) []cache.PendingKey {
	keys := make([]cache.PendingKey, 0, len(userIDs)+2*len(looks))
	for _, id := range userIDs {
		keys = append(keys, cache.FavoritesBy(id))
	}
	for _, l := range looks {
		if _, have := slices.BinarySearch(userIDs, l.viewer); !have {
			keys = append(keys, cache.FavoritesBy(l.viewer))
		}
		if len(l.videos) > 0 {
			keys = append(keys, cache.CommentsBy(l.viewer))
		}
	}
	return keys
}

// userStats are counters as everybody sees them: with the pending likes of each user, which lists are.
func (s *Service) userStats(ctx context.Context, ids []int64, lists pendingLists) (map[int64]cache.UserStats, error) {
	touched := touchedUsers(0, ids, lists)
	counts, err := s.stats.Users.GetMulti(ctx, without(ids, touched))
	if err != nil || len(touched) == 0 {
		return counts, err
	}
	now, err := s.userStatsNow(ctx, 0, touched, lists)
	maps.Copy(counts, now)
	return counts, err
}

// seen is what viewers see otherwise than everybody.
func (s *Service) seen(ctx context.Context, looks []look, lists pendingLists) ([]*interaction.ViewerState, error) {
	seen := make([]*interaction.ViewerState, len(looks))
	var calm []look // whose likes are all stored
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(overlays)
	for i := range looks {
		l, out := &looks[i], &interaction.ViewerState{}
		seen[i] = out
		l.lists = ownLists(lists, l.viewer)
		if l.touched = touchedVideos(l.videos, l.lists); len(l.touched) == 0 {
			calm = append(calm, *l)
		} else {
			g.Go(func() error { return s.overlayVideos(gctx, *l, out) })
		}
		if about := touchedUsers(l.viewer, l.users, favoriteLists(lists, l.viewer)); len(about) > 0 {
			g.Go(func() error {
				// Also with what these users themselves have pending, which everybody sees.
				now, err := s.userStatsNow(gctx, l.viewer, about, favoriteLists(lists, append(about, l.viewer)...))
				out.Users = pack.UserStats(about, now)
				return err
			})
		}
	}
	liked, err := s.liked(ctx, calm)
	if err = errors.Join(err, g.Wait()); err != nil {
		return nil, err
	}
	for i := range looks {
		if len(looks[i].touched) == 0 {
			seen[i].FavoriteIds, liked = liked[0], liked[1:]
		}
	}
	return seen, nil
}

func (s *Service) overlayVideos(ctx context.Context, l look, out *interaction.ViewerState) error {
	counts, liked, err := s.videoStatsNow(ctx, l.viewer, l.touched, l.videos, l.lists)
	if err != nil {
		return err
	}
	out.Videos = pack.VideoStats(l.touched, counts)
	for _, id := range l.videos {
		if liked[id] {
			out.FavoriteIds = append(out.FavoriteIds, id)
		}
	}
	return nil
}

// favoriteLists are the likes of users.
func favoriteLists(lists pendingLists, users ...int64) pendingLists {
	var some pendingLists
	for _, id := range users {
		if l, ok := lists[cache.FavoritesBy(id)]; ok {
			if some == nil {
				some = pendingLists{}
			}
			some[cache.FavoritesBy(id)] = l
		}
	}
	return some
}

// ownLists are the likes and comments of a user.
func ownLists(lists pendingLists, user int64) pendingLists {
	own := favoriteLists(lists, user)
	if comments, ok := lists[cache.CommentsBy(user)]; ok {
		if own == nil {
			own = pendingLists{}
		}
		own[cache.CommentsBy(user)] = comments
	}
	return own
}

// liked says for each look which of its videos the viewer likes.
func (s *Service) liked(ctx context.Context, looks []look) ([][]int64, error) {
	viewers := make([]int64, 0, len(looks))
	for _, l := range looks {
		if len(l.videos) > 0 {
			viewers = append(viewers, l.viewer)
		}
	}
	likes, err := s.likes.GetMulti(ctx, viewers)
	if err != nil {
		return nil, err
	}
	var keys []db.FavoriteKey // of those who like too much
	for _, l := range looks {
		if likes[l.viewer].More {
			for _, v := range l.videos {
				keys = append(keys, db.FavoriteKey{UserID: l.viewer, VideoID: v})
			}
		}
		s.ids.Observe(likes[l.viewer].Newest)
	}
	rows, err := s.store.FavoriteRows(ctx, keys)
	if err != nil {
		return nil, err
	}
	observe(s, rows)
	liked := make([][]int64, len(looks))
	for i, l := range looks {
		held := likes[l.viewer]
		for _, v := range l.videos {
			if held.Has(v) || held.More && rows[db.FavoriteKey{UserID: l.viewer, VideoID: v}].Liked {
				liked[i] = append(liked[i], v)
			}
		}
	}
	return liked, nil
}

// loadLikes reads what users like; who has more rows than are cached is marked.
func (s *Service) loadLikes(ctx context.Context, userIDs []int64) (map[int64]cache.Likes, error) {
	rows, err := s.store.FavoritesOfUsers(ctx, userIDs, cache.MaxLikes+1)
	if err != nil {
		return nil, err
	}
	found := make(map[int64]cache.Likes, len(userIDs))
	for _, id := range userIDs {
		found[id] = likesOf(rows[id])
	}
	return found, nil
}

func likesOf(rows []db.Favorite) cache.Likes {
	if len(rows) > cache.MaxLikes {
		return cache.Likes{IDList: kv.IDList{More: true}}
	}
	newest := int64(0)
	for _, row := range rows {
		newest = max(newest, row.LastEvent)
	}
	liked := slices.DeleteFunc(rows, func(row db.Favorite) bool { return !row.Liked })
	slices.SortFunc(liked, func(a, b db.Favorite) int { return cmp.Compare(b.LikedEvent, a.LikedEvent) })
	return cache.Likes{IDList: kv.NewIDList(pack.VideoIDs(liked), cache.MaxLikes), Newest: newest}
}

func (s *Service) loadVideoStats(ctx context.Context, ids []int64) (map[int64]cache.VideoStats, error) {
	rows, err := s.store.VideoStats(ctx, ids)
	if err != nil {
		return nil, err
	}
	found := make(map[int64]cache.VideoStats, len(rows))
	for id, r := range rows {
		found[id] = cache.VideoStats{FavoriteCount: r.FavoriteCount, CommentCount: r.CommentCount}
	}
	return found, nil
}

func (s *Service) loadUserStats(ctx context.Context, ids []int64) (map[int64]cache.UserStats, error) {
	rows, err := s.store.UserStats(ctx, ids)
	if err != nil {
		return nil, err
	}
	found := make(map[int64]cache.UserStats, len(rows))
	for id, r := range rows {
		found[id] = cache.UserStats{TotalFavorited: r.TotalFavorited, FavoriteCount: r.FavoriteCount}
	}
	return found, nil
}
