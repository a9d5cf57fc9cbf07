package service

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"tiktok/cmd/interaction/dal/cache"
	"tiktok/cmd/interaction/dal/db"
	"tiktok/cmd/interaction/dal/mq"
	"tiktok/cmd/interaction/dal/pending"
)

// Reads lay pending events over what is stored:
//
//   - A user's pending likes count in their favorite_count and are in their list, for everybody, so the two agree.
//   - What belongs to a video or to its author shows only what the viewer has pending: is_favorite, favorite_count,
//     comment_count and the comments of a video, and total_favorited. List and count agree for each viewer, and there is
//     no pending list of a video: it would be the hot key that the queue is there to avoid.
//
// An overlay decides with the writer's own rules, on rows and counters of one moment of the store, so an event counts
// either there or here. Counters that it touches are therefore read from the store and not from the cache.

// overlay is what pending events change. The zero value changes nothing.
type overlay struct {
	// favorites and comments are the rows of all pending events, as they will be. Stored comments have no content here.
	favorites map[db.FavoriteKey]db.Favorite
	comments  map[int64]db.Comment
	// notStored are the events that change these rows.
	notStored []mq.Event
	// storedVideos and storedUsers are the counters without these events, of the videos and users that were asked for.
	storedVideos map[int64]db.VideoStats
	storedUsers  map[int64]db.UserStats
	// videos is what a user's events change in a video's counters as that user sees them, given what a user's likes change in
	// their favorite_count, received what they change in an author's total_favorited. Whatever events touch is there,
	// also when that adds up to 0.
	videos   map[db.FavoriteKey]cache.VideoStats
	given    map[int64]int64
	received map[likerAuthor]int64
}

type likerAuthor struct{ liker, author int64 }

func newOverlay(favorites map[db.FavoriteKey]db.Favorite, comments map[int64]db.Comment) *overlay {
	return &overlay{
		favorites: favorites, comments: comments,
		videos: map[db.FavoriteKey]cache.VideoStats{}, given: map[int64]int64{}, received: map[likerAuthor]int64{},
	}
}

// add lays one more event over the others. Events of one row come in the order of their ids; adding one twice is adding it
// once.
func (o *overlay) add(e mq.Event) {
	key := db.FavoriteKey{UserID: e.UserID, VideoID: e.VideoID}
	video := o.videos[key]
	changed := false
	if e.Favorite != nil {
		old := o.favorites[key]
		row := decideFavorite(old, []mq.Event{e})
		row.UserID, row.VideoID = e.UserID, e.VideoID
		o.favorites[key], changed = row, row.LastEvent != old.LastEvent
		by := counted(row) - counted(old)
		video.FavoriteCount += by
		o.given[e.UserID] += by
		o.received[likerAuthor{e.UserID, e.AuthorID}] += by
	} else {
		old, exists := o.comments[e.Comment.CommentID]
		row := commentRow(e)
		switch {
		case !exists && !row.Deleted:
			video.CommentCount++
		case exists && !old.Deleted && row.Deleted:
			video.CommentCount--
		}
		if changed = !exists || row.Deleted && !old.Deleted; changed {
			o.comments[row.ID] = row
		}
	}
	o.videos[key] = video
	if changed {
		o.notStored = append(o.notStored, e)
	}
}

// videoStats are the counters of those videos that the viewer's events touch, as the viewer sees them.
func (o *overlay) videoStats(viewer int64, ids []int64) map[int64]cache.VideoStats {
	counts := map[int64]cache.VideoStats{}
	for _, id := range ids {
		if by, touched := o.videos[db.FavoriteKey{UserID: viewer, VideoID: id}]; touched {
			stored := o.storedVideos[id]
			counts[id] = cache.VideoStats{
				FavoriteCount: stored.FavoriteCount + by.FavoriteCount, CommentCount: stored.CommentCount + by.CommentCount,
			}
		}
	}
	return counts
}

// userStats are the counters of those users whom their own likes or the viewer's touch, as the viewer sees them.
func (o *overlay) userStats(viewer int64, ids []int64) map[int64]cache.UserStats {
	counts := map[int64]cache.UserStats{}
	for _, id := range ids {
		given, touched := o.given[id]
		received, touchedToo := o.received[likerAuthor{viewer, id}]
		if touched || touchedToo {
			stored := o.storedUsers[id]
			counts[id] = cache.UserStats{TotalFavorited: stored.TotalFavorited + received, FavoriteCount: stored.FavoriteCount + given}
		}
	}
	return counts
}

// counted is what a row counts for.
func counted(row db.Favorite) int64 {
	if row.Liked {
		return 1
	}
	return 0
}

// readPending reads the events in lists. Ids from now on are later.
func (s *Service) readPending(ctx context.Context, lists ...pending.List) map[pending.List][]mq.Event {
	found := s.pending.Read(ctx, lists...)
	for _, events := range found {
		s.ids.Observe(events[len(events)-1].ID)
	}
	return found
}

// observe makes ids from now on later than the events that made rows.
func (s *Service) observe(rows map[db.FavoriteKey]db.Favorite) {
	newest := int64(0)
	for _, row := range rows {
		newest = max(newest, row.LastEvent)
	}
	s.ids.Observe(newest)
}

// overlay lays events over what is stored of them. more reads what else has to be of the same moment.
func (s *Service) overlay(ctx context.Context, events []mq.Event, more func(at *db.Store) error) (*overlay, error) {
	var o *overlay
	err := s.store.Snapshot(ctx, func(at *db.Store) error {
		videos, keys, ids := map[int64]bool{}, map[db.FavoriteKey]bool{}, map[int64]bool{}
		for _, e := range events {
			videos[e.VideoID] = true
			if e.Favorite != nil {
				keys[db.FavoriteKey{UserID: e.UserID, VideoID: e.VideoID}] = true
			} else {
				ids[e.Comment.CommentID] = true
			}
		}
		deleted, err := at.DeletedVideos(ctx, slices.Collect(maps.Keys(videos)))
		if err != nil {
			return err
		}
		favorites, err := at.FavoriteRows(ctx, slices.SortedFunc(maps.Keys(keys), compareFavoriteKeys))
		if err != nil {
			return err
		}
		comments, err := at.CommentRows(ctx, slices.Sorted(maps.Keys(ids)))
		if err != nil {
			return err
		}
		s.observe(favorites)
		o = newOverlay(favorites, comments)
		for _, e := range events {
			if !deleted[e.VideoID] { // else it will not be stored
				o.add(e)
			}
		}
		return more(at)
	})
	return o, err
}

// favorites reads up to limit likes of a user, most recent first, as they are when all that is pending is stored.
func (s *Service) favorites(ctx context.Context, userID, before int64, limit int) ([]db.Favorite, error) {
	list := pending.Likes(userID)
	events := s.readPending(ctx, list)[list]
	if len(events) == 0 {
		return s.storedFavorites(ctx, userID, before, limit)
	}
	var rows []db.Favorite
	o, err := s.overlay(ctx, events, func(at *db.Store) (err error) {
		// Each pending event may take a row off the page or up in the list: as many more fill it again.
		rows, err = at.ListFavorites(ctx, userID, before, limit+len(events))
		return err
	})
	if err != nil {
		return nil, err
	}
	rows = slices.DeleteFunc(rows, func(f db.Favorite) bool {
		_, touched := o.favorites[db.FavoriteKey{UserID: userID, VideoID: f.VideoID}]
		return touched
	})
	for _, row := range o.favorites {
		if row.Liked && row.LikedEvent < before {
			rows = append(rows, row)
		}
	}
	slices.SortFunc(rows, func(a, b db.Favorite) int { return cmp.Compare(b.LikedEvent, a.LikedEvent) })
	return rows[:min(len(rows), limit)], nil
}

// comments reads up to limit comments of a video, newest first, as they are when all that the viewer has pending is stored.
func (s *Service) comments(ctx context.Context, viewer, videoID, before int64, limit int) ([]db.Comment, error) {
	var events []mq.Event
	if viewer > 0 {
		list := pending.Comments(viewer)
		events = slices.DeleteFunc(s.readPending(ctx, list)[list], func(e mq.Event) bool { return e.VideoID != videoID })
	}
	if len(events) == 0 {
		return s.store.ListComments(ctx, videoID, before, limit)
	}
	var rows []db.Comment
	o, err := s.overlay(ctx, events, func(at *db.Store) (err error) {
		rows, err = at.ListComments(ctx, videoID, before, limit+len(events)) // as many more as may be deleted
		return err
	})
	if err != nil {
		return nil, err
	}
	for _, e := range o.notStored {
		if e.ID < before && !e.Comment.Deleted {
			rows = append(rows, commentRow(e))
		}
	}
	rows = slices.DeleteFunc(rows, func(c db.Comment) bool { return o.comments[c.ID].Deleted })
	slices.SortFunc(rows, func(a, b db.Comment) int { return cmp.Compare(b.ID, a.ID) })
	return rows[:min(len(rows), limit)], nil
}

// ownComment is the comment that a user wants to delete, stored or their own pending one; ok is false when there is none
// or it is deleted, stored or pending.
func (s *Service) ownComment(ctx context.Context, userID, commentID int64) (row db.Comment, ok bool, err error) {
	list := pending.Comments(userID)
	events := s.readPending(ctx, list)[list]
	rows, err := s.store.CommentRows(ctx, []int64{commentID})
	if err != nil {
		return row, false, err
	}
	o := newOverlay(nil, rows)
	for _, e := range events {
		if e.Comment.CommentID == commentID {
			o.add(e)
		}
	}
	row, ok = o.comments[commentID]
	return row, ok && !row.Deleted, nil
}
