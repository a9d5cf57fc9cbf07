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
	// favorites, comments, commentLikes and pins are the rows of all pending events, as they will be. Stored comments have no
	// content here.
	favorites    map[db.FavoriteKey]db.Favorite
	comments     map[int64]db.Comment
	commentLikes map[db.CommentLikeKey]db.CommentLike
	pins         map[int64]db.Pin
	// storedComments are the comments without the events, and what began their threads.
	storedComments map[int64]db.Comment
	// replies is what a user's events change in a comment's reply_count as that user sees it, and swept holds the comments that
	// they delete with all answers.
	replies map[userComment]int64
	swept   map[userComment]bool
	// commentLikesBy is what a user's events change in a comment's like_count as that user sees it.
	commentLikesBy map[userComment]int64
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

type userComment struct{ user, comment int64 }

func newOverlay(
	favorites map[db.FavoriteKey]db.Favorite, comments map[int64]db.Comment,
	commentLikes map[db.CommentLikeKey]db.CommentLike, pins map[int64]db.Pin,
) *overlay {
	return &overlay{
		favorites: favorites, comments: maps.Clone(comments), commentLikes: commentLikes, pins: pins, storedComments: comments,
		replies: map[userComment]int64{}, swept: map[userComment]bool{}, commentLikesBy: map[userComment]int64{},
		videos: map[db.FavoriteKey]cache.VideoStats{}, given: map[int64]int64{}, received: map[likerAuthor]int64{},
	}
}

// add lays one more event over the others. Events of one row come in the order of their ids; adding one twice is adding it
// once.
func (o *overlay) add(e mq.Event) {
	changed := false
	switch {
	case e.Favorite != nil:
		changed = o.addFavorite(e)
	case e.Comment != nil:
		changed = o.addComment(e)
	case e.CommentLike != nil:
		key := db.CommentLikeKey{UserID: e.UserID, CommentID: e.CommentLike.CommentID}
		old := o.commentLikes[key]
		row := decideCommentLike(old, []mq.Event{e})
		if changed = row.LastEvent != old.LastEvent && !o.comments[key.CommentID].Gone(); changed {
			row.UserID, row.CommentID, row.VideoID = e.UserID, key.CommentID, e.VideoID
			o.commentLikes[key] = row
			o.commentLikesBy[userComment{e.UserID, key.CommentID}] += counted(row.Liked) - counted(old.Liked)
		}
	case e.Pin != nil:
		if changed = e.ID > o.pins[e.VideoID].LastEvent; changed {
			o.pins[e.VideoID] = db.Pin{VideoID: e.VideoID, CommentID: e.Pin.CommentID, LastEvent: e.ID}
		}
	}
	if changed {
		o.notStored = append(o.notStored, e)
	}
}

func (o *overlay) addFavorite(e mq.Event) (changed bool) {
	key := db.FavoriteKey{UserID: e.UserID, VideoID: e.VideoID}
	old, video := o.favorites[key], o.videos[key]
	row := decideFavorite(old, []mq.Event{e})
	row.UserID, row.VideoID = e.UserID, e.VideoID
	o.favorites[key] = row
	by := counted(row.Liked) - counted(old.Liked)
	video.FavoriteCount += by
	o.videos[key] = video
	o.given[e.UserID] += by
	o.received[likerAuthor{e.UserID, e.AuthorID}] += by
	return row.LastEvent != old.LastEvent
}

func (o *overlay) addComment(e mq.Event) (changed bool) {
	key := db.FavoriteKey{UserID: e.UserID, VideoID: e.VideoID}
	video := o.videos[key]
	defer func() { o.videos[key] = video }()
	row := commentRow(e)
	old := o.comments[row.ID]
	root := userComment{e.UserID, cmp.Or(old.RootID, row.RootID)}
	if !row.Deleted {
		if old.Stored() || o.goneFor(e.UserID, row.RootID) {
			return false
		}
		row.LikeCount, row.ReplyCount = old.LikeCount, old.ReplyCount // a placeholder's
		o.comments[row.ID] = row
		if root.comment != 0 {
			o.replies[root]++
		}
		video.CommentCount++
		return true
	}
	if own := (userComment{e.UserID, row.ID}); root.comment == 0 && !o.swept[own] {
		// Its answers go with it. When it is stored as deleted, some of them may be left: the writer is still at them.
		o.swept[own] = true
		video.CommentCount -= o.storedComments[row.ID].ReplyCount + o.replies[own]
		o.replies[own] = -o.storedComments[row.ID].ReplyCount
	}
	if old.Gone() {
		return false
	}
	if old.Stored() && !o.swept[root] { // else it has gone with all the others
		if root.comment != 0 {
			o.replies[root]--
		}
		video.CommentCount--
	}
	row.RootID = root.comment
	o.comments[row.ID] = row
	return true
}

// goneFor reports whether a comment is deleted as the user sees it: also by an event of their own.
func (o *overlay) goneFor(user, commentID int64) bool {
	row := o.comments[commentID]
	return row.Gone() && (row.UserID == user || o.storedComments[commentID].Gone())
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

// counted is what a like counts for.
func counted(liked bool) int64 {
	if liked {
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
func (s *Service) overlay(ctx context.Context, events []mq.Event, more func(at *db.Store, o *overlay) error) (*overlay, error) {
	var o *overlay
	err := s.store.Snapshot(ctx, func(at *db.Store) error {
		videos, keys, ids := map[int64]bool{}, map[db.FavoriteKey]bool{}, map[int64]bool{}
		likeKeys, pinned := map[db.CommentLikeKey]bool{}, map[int64]bool{}
		for _, e := range events {
			videos[e.VideoID] = true
			switch {
			case e.Favorite != nil:
				keys[db.FavoriteKey{UserID: e.UserID, VideoID: e.VideoID}] = true
			case e.Comment != nil:
				ids[e.Comment.CommentID] = true
				if e.Comment.RootID != 0 {
					ids[e.Comment.RootID] = true
				}
			case e.CommentLike != nil:
				ids[e.CommentLike.CommentID] = true
				likeKeys[db.CommentLikeKey{UserID: e.UserID, CommentID: e.CommentLike.CommentID}] = true
			default:
				pinned[e.VideoID] = true
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
		commentLikes, err := at.CommentLikeRows(ctx, slices.SortedFunc(maps.Keys(likeKeys), compareCommentLikeKeys))
		if err != nil {
			return err
		}
		pins, err := at.PinRows(ctx, slices.Collect(maps.Keys(pinned)))
		if err != nil {
			return err
		}
		s.observe(favorites)
		o = newOverlay(favorites, comments, commentLikes, pins)
		for _, e := range events {
			if !deleted[e.VideoID] { // else it will not be stored
				o.add(e)
			}
		}
		return more(at, o)
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
	o, err := s.overlay(ctx, events, func(at *db.Store, _ *overlay) (err error) {
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
