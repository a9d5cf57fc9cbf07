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
//   - A user's pending likes count in his favorite_count and stand in his list, for everybody, so the two agree.
//   - What belongs to a video or to its author shows only what the viewer himself has pending: is_favorite,
//     favorite_count, comment_count and the comments of a video, and total_favorited. List and count agree for each
//     viewer, and there is no pending list of a video: it would be the hot key that the queue is there to avoid.
//
// An overlay decides with the writer's own rules, on rows and counters of one moment of the store (Snapshot), so that
// an event counts either there or here. Events of deleted videos count nowhere. Counters of what has pending events are therefore read from the store and not
// from the cache; the first read that finds all of a list, or a good part of it, stored takes that out.

// pendingLists are lists as they were read.
type pendingLists = map[cache.PendingKey]cache.PendingList

// readPending reads lists; ids from now on are later than what is in them.
func (s *Service) readPending(ctx context.Context, keys ...cache.PendingKey) pendingLists {
	lists := s.pending.Read(ctx, keys...)
	for _, l := range lists {
		s.ids.Observe(l.Events[len(l.Events)-1].ID)
	}
	return lists
}

// observe makes ids from now on later than the events that made rows.
func observe[K comparable](s *Service, rows map[K]db.Favorite) {
	newest := int64(0)
	for _, row := range rows {
		newest = max(newest, row.LastEvent)
	}
	s.ids.Observe(newest)
}

// live are the lists without the events of deleted videos, which will not be stored.
func live(ctx context.Context, at *db.Store, lists pendingLists) (pendingLists, error) {
	about := aboutVideos(lists)
	deleted, err := at.DeletedVideos(ctx, slices.Collect(maps.Keys(about)))
	if err != nil || len(deleted) == 0 {
		return lists, err
	}
	left := make(pendingLists, len(lists))
	for key, l := range lists {
		l.Events = slices.DeleteFunc(slices.Clone(l.Events), func(e mq.Event) bool { return deleted[e.VideoID] })
		left[key] = l // also when it is empty now: then it is trimmed
	}
	return left, nil
}

// stored says which events of the lists are stored already. Rows that were not read count as not stored.
func stored(lists pendingLists, favorites map[db.FavoriteKey]db.Favorite, comments map[int64]db.Comment) []cache.Stored {
	is := func(e mq.Event) bool {
		if e.Favorite != nil {
			return favorites[favoriteKey(e)].LastEvent >= e.ID
		}
		row, ok := comments[e.Comment.CommentID]
		return ok && (row.Deleted || !e.Comment.Deleted)
	}
	out := make([]cache.Stored, 0, len(lists))
	for _, l := range lists {
		out = append(out, cache.Stored{PendingList: l, Left: slices.DeleteFunc(slices.Clone(l.Events), is)})
	}
	return out
}

// trim takes stored events out of lists. Reads that do not find them use the caches again, which therefore must not hold
// anything from before the events any more: their writer may have stored them and not have come to that yet.
func (s *Service) trim(ctx context.Context, lists []cache.Stored) {
	videos, users, likers := map[int64]struct{}{}, map[int64]struct{}{}, map[int64]struct{}{}
	for _, l := range lists {
		if !l.Worth() {
			continue
		}
		for _, e := range l.Events {
			videos[e.VideoID] = struct{}{}
			if e.Favorite != nil {
				users[e.UserID], users[e.AuthorID], likers[e.UserID] = struct{}{}, struct{}{}, struct{}{}
			}
		}
	}
	s.invalidate(ctx, slices.Collect(maps.Keys(videos)), slices.Collect(maps.Keys(users)), slices.Collect(maps.Keys(likers)))
	s.pending.Trim(ctx, lists)
}

// room fails with errno.Unavailable while so much of the user is pending that one more accepted write of his could hide
// another. It costs nothing unless this process has just seen that list full.
func (s *Service) room(ctx context.Context, key cache.PendingKey) error {
	full, fresh := s.pending.Full(key)
	if full && !fresh {
		lists, err := live(ctx, s.store, s.readPending(ctx, key))
		if err != nil {
			return err
		}
		_, keys := favoriteEvents(lists)
		_, ids := commentEvents(lists)
		favorites, err := s.store.FavoriteRows(ctx, keys)
		if err != nil {
			return err
		}
		comments, err := s.store.CommentRows(ctx, ids)
		if err != nil {
			return err
		}
		s.trim(ctx, stored(lists, favorites, comments))
		full, _ = s.pending.Full(key)
	}
	if full {
		return errTooFarBehind
	}
	return nil
}

func favoriteKey(e mq.Event) db.FavoriteKey {
	return db.FavoriteKey{UserID: e.UserID, VideoID: e.VideoID}
}

// favoriteEvents are the events of likes, oldest first, by row, and the rows in the order of their keys.
func favoriteEvents(lists pendingLists) (byKey map[db.FavoriteKey][]mq.Event, keys []db.FavoriteKey) {
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
func commentEvents(lists pendingLists) (byID map[int64]mq.Event, ids []int64) {
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

// videoStatsNow reads the counters of touched videos from the store and lays the viewer's pending events over them. It
// also reads what the viewer thinks of all videos.
func (s *Service) videoStatsNow(
	ctx context.Context, viewer int64, touched, all []int64, lists pendingLists,
) (counts map[int64]cache.VideoStats, liked map[int64]bool, err error) {
	var likes map[db.FavoriteKey][]mq.Event
	var byID map[int64]mq.Event
	var stats map[int64]db.VideoStats
	var rows map[db.FavoriteKey]db.Favorite
	var comments map[int64]db.Comment
	err = s.store.Snapshot(ctx, func(at *db.Store) error {
		if lists, err = live(ctx, at, lists); err != nil {
			return err
		}
		var keys []db.FavoriteKey
		var commentIDs []int64
		likes, keys = favoriteEvents(lists)
		byID, commentIDs = commentEvents(lists)
		for _, v := range all {
			if key := (db.FavoriteKey{UserID: viewer, VideoID: v}); likes[key] == nil {
				keys = append(keys, key)
			}
		}
		if stats, err = at.VideoStats(ctx, touched); err != nil {
			return err
		}
		if rows, err = at.FavoriteRows(ctx, keys); err != nil {
			return err
		}
		comments, err = at.CommentRows(ctx, commentIDs)
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	observe(s, rows)
	counts, liked = make(map[int64]cache.VideoStats, len(all)), make(map[int64]bool, len(all))
	for _, v := range touched {
		counts[v] = cache.VideoStats{FavoriteCount: stats[v].FavoriteCount, CommentCount: stats[v].CommentCount}
	}
	for commentID, e := range byID {
		if c, ok := counts[e.VideoID]; ok {
			row, stored := comments[commentID]
			c.CommentCount += commentDelta(row, stored, e)
			counts[e.VideoID] = c
		}
	}
	for _, v := range all {
		key := db.FavoriteKey{UserID: viewer, VideoID: v}
		row, events := rows[key], likes[key]
		liked[v] = decideFavorite(row, events).Liked
		if len(events) > 0 {
			c := counts[v]
			c.FavoriteCount += favoriteDelta(row, events)
			counts[v] = c
		}
	}
	s.trim(ctx, stored(lists, rows, comments))
	return counts, liked, nil
}

// userStatsNow reads the counters of touched users from the store and lays pending likes over them: their own, and the
// viewer's of their videos.
func (s *Service) userStatsNow(
	ctx context.Context, viewer int64, touched []int64, lists pendingLists,
) (map[int64]cache.UserStats, error) {
	var likes map[db.FavoriteKey][]mq.Event
	var keys []db.FavoriteKey
	var stats map[int64]db.UserStats
	var rows map[db.FavoriteKey]db.Favorite
	err := s.store.Snapshot(ctx, func(at *db.Store) (err error) {
		if lists, err = live(ctx, at, lists); err != nil {
			return err
		}
		likes, keys = favoriteEvents(lists)
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
		events := likes[key]
		delta := favoriteDelta(rows[key], events)
		if c, ok := counts[key.UserID]; ok {
			c.FavoriteCount += delta
			counts[key.UserID] = c
		}
		if c, ok := counts[events[0].AuthorID]; ok && key.UserID == viewer {
			c.TotalFavorited += delta
			counts[events[0].AuthorID] = c
		}
	}
	s.trim(ctx, stored(lists, rows, nil))
	return counts, nil
}

// favorites reads up to limit likes of a user, most recent first, as they are when all that is pending is stored.
func (s *Service) favorites(ctx context.Context, userID, before int64, limit int) ([]db.Favorite, error) {
	lists := s.readPending(ctx, cache.FavoritesBy(userID))
	if len(lists) == 0 {
		return s.storedFavorites(ctx, userID, before, limit)
	}
	var likes map[db.FavoriteKey][]mq.Event
	var keys []db.FavoriteKey
	var rows map[db.FavoriteKey]db.Favorite
	var list []db.Favorite
	err := s.store.Snapshot(ctx, func(at *db.Store) (err error) {
		if lists, err = live(ctx, at, lists); err != nil {
			return err
		}
		likes, keys = favoriteEvents(lists)
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
	s.trim(ctx, stored(lists, rows, nil))
	return list[:min(len(list), limit)], nil
}

// comments reads up to limit comments of a video, newest first, as they are when all that the viewer has pending is
// stored.
func (s *Service) comments(ctx context.Context, viewer, videoID, before int64, limit int) ([]db.Comment, error) {
	var lists pendingLists
	if viewer > 0 {
		lists = s.readPending(ctx, cache.CommentsBy(viewer))
	}
	if len(touchedVideos([]int64{videoID}, lists)) == 0 {
		return s.store.ListComments(ctx, videoID, before, limit)
	}
	var byID map[int64]mq.Event
	var ids []int64
	var rows map[int64]db.Comment
	var list []db.Comment
	err := s.store.Snapshot(ctx, func(at *db.Store) (err error) {
		if lists, err = live(ctx, at, lists); err != nil {
			return err
		}
		byID, ids = commentEvents(lists)
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
		e := byID[id]
		row, stored := rows[id]
		if e.VideoID == videoID && commentDelta(row, stored, e) > 0 && id < before {
			list = append(list, commentRow(e))
		}
	}
	slices.SortFunc(list, func(a, b db.Comment) int { return cmp.Compare(b.ID, a.ID) })
	s.trim(ctx, stored(lists, nil, rows))
	return list[:min(len(list), limit)], nil
}

// ownComment is the comment that a user wants to delete, stored or his own pending one; ok is false when there is none
// or it is deleted, perhaps only just.
func (s *Service) ownComment(ctx context.Context, userID, commentID int64) (row db.Comment, ok bool, err error) {
	lists := s.readPending(ctx, cache.CommentsBy(userID))
	rows, err := s.store.CommentRows(ctx, []int64{commentID})
	if err != nil {
		return row, false, err
	}
	row, ok = rows[commentID]
	byID, _ := commentEvents(lists)
	if e, pending := byID[commentID]; pending {
		switch {
		case e.Comment.Deleted:
			return row, false, nil
		case !ok:
			row, ok = commentRow(e), true
		}
	}
	return row, ok && !row.Deleted, nil
}

// touchedVideos are those of the videos that a pending event of lists is about.
func touchedVideos(videoIDs []int64, lists pendingLists) []int64 {
	return having(videoIDs, aboutVideos(lists))
}

// aboutVideos are the videos that pending events of lists are about.
func aboutVideos(lists pendingLists) map[int64]bool {
	about := map[int64]bool{}
	for _, l := range lists {
		for _, e := range l.Events {
			about[e.VideoID] = true
		}
	}
	return about
}

// touchedUsers are those of the users who have a pending list, or whose video a pending like of the viewer is about.
func touchedUsers(viewer int64, userIDs []int64, lists pendingLists) []int64 {
	about := map[int64]bool{}
	for _, l := range lists {
		for _, e := range l.Events {
			about[e.UserID] = true
			if e.UserID == viewer {
				about[e.AuthorID] = true
			}
		}
	}
	return having(userIDs, about)
}

func having(ids []int64, in map[int64]bool) []int64 {
	var out []int64
	for _, id := range ids {
		if in[id] {
			out = append(out, id)
		}
	}
	return out
}

// without are the ids that are not among some, which has their order.
func without(ids, some []int64) []int64 {
	if len(some) == 0 {
		return ids
	}
	out := make([]int64, 0, len(ids)-len(some))
	for _, id := range ids {
		if len(some) > 0 && some[0] == id {
			some = some[1:]
			continue
		}
		out = append(out, id)
	}
	return out
}
