package service

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"tiktok/cmd/interaction/dal/cache"
	"tiktok/cmd/interaction/dal/db"
	"tiktok/cmd/interaction/dal/mq"
)

// What the queue has accepted and not yet stored is shown all the same: reads lay it over the stored rows.
//
//   - A user's pending likes count in his favorite_count and stand in his list, for everybody, so the two agree. In
//     a video's is_favorite and favorite_count only the viewer's own do: there is no list of a video's likes that the
//     count could contradict, and a list per video would be the hot key that the queue is there to avoid.
//     total_favorited follows when the likes are stored.
//   - The pending comments and deletions below a video show for everybody, in the list and in comment_count alike.
//
// An overlay decides with the writer's own rules, on rows and counters of one moment of the store (Snapshot), so that
// an event counts either there or here. Counters of what has a pending list are therefore read from the store and not
// from the cache; the first read that finds all of a list stored empties it.

// settled returns those of the lists of which every event is stored. Rows that were not read count as not stored.
func settled(
	lists map[cache.PendingKey]cache.PendingList, favorites map[db.FavoriteKey]db.Favorite, comments map[int64]db.Comment,
) []cache.PendingList {
	pending := func(e mq.Event) bool {
		if e.Favorite != nil {
			return favorites[favoriteKey(e)].LastEvent < e.ID
		}
		row, stored := comments[e.Comment.CommentID]
		return !stored || e.Comment.Deleted && !row.Deleted
	}
	var done []cache.PendingList
	for _, l := range lists {
		if !slices.ContainsFunc(l.Events, pending) {
			done = append(done, l)
		}
	}
	return done
}

// drop empties settled lists. Reads that do not find them use the caches again, which therefore must not hold anything
// from before the events any more: their writer may have stored them and not have come to that yet.
func (s *Service) drop(ctx context.Context, lists []cache.PendingList) {
	if len(lists) == 0 {
		return
	}
	var videos, users []int64
	for _, l := range lists {
		for _, e := range l.Events {
			videos = append(videos, e.VideoID)
			if e.Favorite != nil {
				users = append(users, e.UserID)
			}
		}
	}
	s.stats.Videos.Invalidate(ctx, videos...)
	s.stats.Users.Invalidate(ctx, users...)
	s.pending.Drop(ctx, lists)
}

func favoriteKey(e mq.Event) db.FavoriteKey {
	return db.FavoriteKey{UserID: e.UserID, VideoID: e.VideoID}
}

// favoriteEvents are the events of likes, oldest first, by row, and the rows in the order of their keys.
func favoriteEvents(lists map[cache.PendingKey]cache.PendingList) (byKey map[db.FavoriteKey][]mq.Event, keys []db.FavoriteKey) {
	byKey = map[db.FavoriteKey][]mq.Event{}
	for _, l := range lists {
		for _, e := range l.Events {
			if e.Favorite != nil {
				byKey[favoriteKey(e)] = append(byKey[favoriteKey(e)], e)
			}
		}
	}
	return byKey, slices.SortedFunc(maps.Keys(byKey), compareFavoriteKeys)
}

// commentEvents are the events of comments, one for each, and the comments' ids in order.
func commentEvents(lists map[cache.PendingKey]cache.PendingList) (byID map[int64]mq.Event, ids []int64) {
	byID = map[int64]mq.Event{}
	for _, l := range lists {
		for _, e := range l.Events {
			if e.Comment != nil {
				byID[e.Comment.CommentID] = e
			}
		}
	}
	return byID, slices.Sorted(maps.Keys(byID))
}

// favoriteDelta is what pending events change in a count of likes.
func favoriteDelta(row db.Favorite, events []mq.Event) int64 {
	switch after := decideFavorite(row, events); {
	case after.Liked && !row.Liked:
		return +1
	case !after.Liked && row.Liked:
		return -1
	}
	return 0
}

// commentDelta is what a pending event changes in a count of comments.
func commentDelta(row db.Comment, stored bool, e mq.Event) int64 {
	switch {
	case !stored && !e.Comment.Deleted:
		return +1
	case stored && !row.Deleted && e.Comment.Deleted:
		return -1
	}
	return 0
}

// videoStatsNow reads the counters of videos from the store and lays pending events over them: those of lists, and of
// the viewer's likes where viewer is not 0. It also reads what the viewer thinks of all videos.
func (s *Service) videoStatsNow(
	ctx context.Context, viewer int64, touched, all []int64, lists map[cache.PendingKey]cache.PendingList,
) (counts map[int64]cache.VideoStats, liked map[int64]bool, err error) {
	likes, _ := favoriteEvents(lists)
	byID, commentIDs := commentEvents(lists)
	var stats map[int64]db.VideoStats
	var of map[int64]db.Favorite
	var comments map[int64]db.Comment
	err = s.store.Snapshot(ctx, func(at *db.Store) error {
		if stats, err = at.VideoStats(ctx, touched); err != nil {
			return err
		}
		if viewer > 0 {
			if of, err = at.FavoritesOf(ctx, viewer, all); err != nil {
				return err
			}
		}
		comments, err = at.CommentRows(ctx, commentIDs)
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	counts, liked = make(map[int64]cache.VideoStats, len(all)), make(map[int64]bool, len(all))
	for _, v := range touched {
		counts[v] = cache.VideoStats{FavoriteCount: stats[v].FavoriteCount, CommentCount: stats[v].CommentCount}
	}
	for commentID, e := range byID {
		row, stored := comments[commentID]
		c := counts[e.VideoID]
		c.CommentCount += commentDelta(row, stored, e)
		counts[e.VideoID] = c
	}
	rows := make(map[db.FavoriteKey]db.Favorite, len(of))
	for _, v := range all {
		key := db.FavoriteKey{UserID: viewer, VideoID: v}
		row, events := of[v], likes[key]
		rows[key], liked[v] = row, decideFavorite(row, events).Liked
		if len(events) > 0 {
			c := counts[v]
			c.FavoriteCount += favoriteDelta(row, events)
			counts[v] = c
		}
	}
	s.drop(ctx, settled(lists, rows, comments))
	return counts, liked, nil
}

// userStatsNow reads the counters of users from the store and lays their pending likes over them.
func (s *Service) userStatsNow(
	ctx context.Context, touched []int64, lists map[cache.PendingKey]cache.PendingList,
) (map[int64]cache.UserStats, error) {
	likes, keys := favoriteEvents(lists)
	var stats map[int64]db.UserStats
	var rows map[db.FavoriteKey]db.Favorite
	err := s.store.Snapshot(ctx, func(at *db.Store) (err error) {
		if stats, err = at.UserStats(ctx, touched); err != nil {
			return err
		}
		rows, err = at.FavoriteRows(ctx, keys)
		return err
	})
	if err != nil {
		return nil, err
	}
	counts := make(map[int64]cache.UserStats, len(touched))
	for _, u := range touched {
		counts[u] = cache.UserStats{TotalFavorited: stats[u].TotalFavorited, FavoriteCount: stats[u].FavoriteCount}
	}
	for _, key := range keys {
		c := counts[key.UserID]
		c.FavoriteCount += favoriteDelta(rows[key], likes[key])
		counts[key.UserID] = c
	}
	s.drop(ctx, settled(lists, rows, nil))
	return counts, nil
}

// favorites reads up to limit likes of a user, most recent first, as they are when all that is pending is stored.
func (s *Service) favorites(ctx context.Context, userID, before int64, limit int) ([]db.Favorite, error) {
	lists := s.pending.Read(ctx, cache.FavoritesBy(userID))
	if len(lists) == 0 {
		return s.store.ListFavorites(ctx, userID, before, limit)
	}
	likes, keys := favoriteEvents(lists)
	var rows map[db.FavoriteKey]db.Favorite
	var list []db.Favorite
	err := s.store.Snapshot(ctx, func(at *db.Store) (err error) {
		if rows, err = at.FavoriteRows(ctx, keys); err != nil {
			return err
		}
		// Each pending row may leave the page or move up in the list: that many more fill it again.
		list, err = at.ListFavorites(ctx, userID, before, limit+len(keys))
		return err
	})
	if err != nil {
		return nil, err
	}
	list = slices.DeleteFunc(list, func(f db.Favorite) bool {
		_, pending := likes[db.FavoriteKey{UserID: userID, VideoID: f.VideoID}]
		return pending
	})
	for _, key := range keys {
		row := rows[key]
		row.UserID, row.VideoID = key.UserID, key.VideoID
		if row = decideFavorite(row, likes[key]); row.Liked && row.LikedEvent < before {
			list = append(list, row)
		}
	}
	slices.SortFunc(list, func(a, b db.Favorite) int { return cmp.Compare(b.LikedEvent, a.LikedEvent) })
	s.drop(ctx, settled(lists, rows, nil))
	return list[:min(len(list), limit)], nil
}

// comments reads up to limit comments of a video, newest first, as they are when all that is pending is stored.
func (s *Service) comments(ctx context.Context, videoID, before int64, limit int) ([]db.Comment, error) {
	lists := s.pending.Read(ctx, cache.CommentsOn(videoID))
	if len(lists) == 0 {
		return s.store.ListComments(ctx, videoID, before, limit)
	}
	byID, ids := commentEvents(lists)
	var rows map[int64]db.Comment
	var list []db.Comment
	err := s.store.Snapshot(ctx, func(at *db.Store) (err error) {
		if rows, err = at.CommentRows(ctx, ids); err != nil {
			return err
		}
		list, err = at.ListComments(ctx, videoID, before, limit+len(ids)) // as many as may be hidden more
		return err
	})
	if err != nil {
		return nil, err
	}
	list = slices.DeleteFunc(list, func(c db.Comment) bool {
		e, pending := byID[c.ID]
		return pending && e.Comment.Deleted
	})
	for _, id := range ids {
		row, stored := rows[id]
		if commentDelta(row, stored, byID[id]) > 0 && id < before {
			list = append(list, commentRow(byID[id]))
		}
	}
	slices.SortFunc(list, func(a, b db.Comment) int { return cmp.Compare(b.ID, a.ID) })
	s.drop(ctx, settled(lists, nil, rows))
	return list[:min(len(list), limit)], nil
}

// ownComment is the comment that a user wants to delete, stored or pending; ok is false when there is none or it is
// deleted, perhaps only just.
func (s *Service) ownComment(ctx context.Context, userID, videoID, commentID int64) (row db.Comment, ok bool, err error) {
	lists := s.pending.Read(ctx, cache.CommentsBy(userID), cache.CommentsOn(videoID))
	rows, err := s.store.CommentRows(ctx, []int64{commentID})
	if err != nil {
		return row, false, err
	}
	row, ok = rows[commentID]
	for _, l := range lists {
		for _, e := range l.Events {
			switch {
			case e.Comment == nil || e.Comment.CommentID != commentID:
			case e.Comment.Deleted:
				return row, false, nil
			case !ok:
				row, ok = commentRow(e), true
			}
		}
	}
	return row, ok && !row.Deleted, nil
}

// touchedVideos are those of the videos that a pending event of lists is about, sorted, and the rest.
func touchedVideos(videoIDs []int64, lists map[cache.PendingKey]cache.PendingList) (touched, rest []int64) {
	about := map[int64]bool{}
	for _, l := range lists {
		for _, e := range l.Events {
			about[e.VideoID] = true
		}
	}
	for _, v := range videoIDs {
		if about[v] {
			touched = append(touched, v)
		} else {
			rest = append(rest, v)
		}
	}
	return touched, rest
}

// touchedUsers are those of the users that have a pending list, and the rest.
func touchedUsers(userIDs []int64, lists map[cache.PendingKey]cache.PendingList) (touched, rest []int64) {
	for _, u := range userIDs {
		if _, ok := lists[cache.FavoritesBy(u)]; ok {
			touched = append(touched, u)
		} else {
			rest = append(rest, u)
		}
	}
	return touched, rest
}
