package service

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"tiktok/cmd/interaction/dal/db"
	"tiktok/cmd/interaction/dal/mq"
	"tiktok/pkg/id"
	"tiktok/pkg/idempotency"
	"tiktok/pkg/queue"
)

// change is a batch of events in the order in which rows are locked and written: by key, so that two writers never wait
// for each other in a circle. Of comments an answer has a higher id than the comment that began its thread.
type change struct {
	// favorites, comments and commentLikes hold the events of each row, oldest first.
	favorites       map[db.FavoriteKey][]mq.Event
	favoriteKeys    []db.FavoriteKey
	comments        map[int64][]mq.Event
	commentIDs      []int64
	commentLikes    map[db.CommentLikeKey][]mq.Event
	commentLikeKeys []db.CommentLikeKey
	// pins holds the newest event of each video.
	pins map[int64]mq.Event
	// roots are the comments that began the threads of the answers.
	roots map[int64]bool
	// keys are the requests of comments that may be repeated, by comment; anywhere says that one of them had asked for a comment of
	// another video before.
	keys     map[int64]idempotency.Request
	anywhere bool
	// videos and users are those whose counters may change.
	videos, users []int64
	// likers are those whose likes may change.
	likers []int64
	// refused is how many events the last write did not store because what they are about is deleted, and news whether it had
	// something to tell.
	refused int
	news    bool
}

// errTooLate refuses an event whose row may have been purged.
var errTooLate = errors.New("the event is too old to be applied")

// newChange sorts events. It fails if one of them can never be applied.
func newChange(events []mq.Event) (*change, error) {
	c := &change{
		favorites: map[db.FavoriteKey][]mq.Event{}, comments: map[int64][]mq.Event{}, commentLikes: map[db.CommentLikeKey][]mq.Event{},
		pins: map[int64]mq.Event{}, roots: map[int64]bool{}, keys: map[int64]idempotency.Request{},
	}
	oldest := id.At(time.Now().Add(-maxLate))
	for _, e := range events {
		err := e.Check()
		if err == nil && e.ID < oldest {
			err = fmt.Errorf("%w: %d of %v", errTooLate, e.ID, id.Time(e.ID))
		}
		if err != nil {
			return nil, fmt.Errorf("%w: %w", queue.ErrPoison, err)
		}
	}
	sorted := slices.SortedStableFunc(slices.Values(events), func(a, b mq.Event) int { return cmp.Compare(a.ID, b.ID) })
	videos, users, likers := map[int64]struct{}{}, map[int64]struct{}{}, map[int64]struct{}{}
	for _, e := range sorted {
		switch {
		case e.Favorite != nil:
			key := db.FavoriteKey{UserID: e.UserID, VideoID: e.VideoID}
			c.favorites[key] = append(c.favorites[key], e)
			videos[e.VideoID], users[e.UserID], users[e.AuthorID], likers[e.UserID] = struct{}{}, struct{}{}, struct{}{}, struct{}{}
		case e.Comment != nil:
			c.comments[e.Comment.CommentID] = append(c.comments[e.Comment.CommentID], e)
			videos[e.VideoID] = struct{}{}
			if e.Comment.RootID != 0 {
				c.roots[e.Comment.RootID] = true
			}
			if e.Comment.Key != nil {
				c.keys[e.Comment.CommentID] = requestOf(e)
			}
		case e.CommentLike != nil:
			key := db.CommentLikeKey{UserID: e.UserID, CommentID: e.CommentLike.CommentID}
			c.commentLikes[key] = append(c.commentLikes[key], e)
		default:
			c.pins[e.VideoID] = e
		}
	}
	c.likers = slices.Sorted(maps.Keys(likers))
	c.videos, c.users = slices.Sorted(maps.Keys(videos)), slices.Sorted(maps.Keys(users))
	c.commentIDs = slices.Sorted(maps.Keys(c.comments))
	c.favoriteKeys = slices.SortedFunc(maps.Keys(c.favorites), compareFavoriteKeys)
	c.commentLikeKeys = slices.SortedFunc(maps.Keys(c.commentLikes), compareCommentLikeKeys)
	return c, nil
}

// videosDeleted is the error of a change that holds likes or comments of these videos.
type videosDeleted map[int64]bool

// Error implements error.
func (v videosDeleted) Error() string { return fmt.Sprintf("%d videos are deleted", len(v)) }

// drop takes the events of deleted videos out of the change and returns how many these are. Whose counters they would
// have changed stays: the caches hear of them all the same.
func (c *change) drop(deleted videosDeleted) (events int) {
	c.favoriteKeys = slices.DeleteFunc(c.favoriteKeys, func(k db.FavoriteKey) bool {
		if deleted[k.VideoID] {
			events += len(c.favorites[k])
		}
		return deleted[k.VideoID]
	})
	c.commentIDs = slices.DeleteFunc(c.commentIDs, func(id int64) bool {
		gone := deleted[c.comments[id][0].VideoID]
		if gone {
			events += len(c.comments[id])
			delete(c.comments, id)
		}
		return gone
	})
	c.commentLikeKeys = slices.DeleteFunc(c.commentLikeKeys, func(k db.CommentLikeKey) bool {
		gone := deleted[c.commentLikes[k][0].VideoID]
		if gone {
			events += len(c.commentLikes[k])
		}
		return gone
	})
	maps.DeleteFunc(c.pins, func(videoID int64, _ mq.Event) bool {
		if deleted[videoID] {
			events++
		}
		return deleted[videoID]
	})
	return events
}

func compareFavoriteKeys(a, b db.FavoriteKey) int {
	return cmp.Or(cmp.Compare(a.UserID, b.UserID), cmp.Compare(a.VideoID, b.VideoID))
}

func compareCommentLikeKeys(a, b db.CommentLikeKey) int {
	return cmp.Or(cmp.Compare(a.UserID, b.UserID), cmp.Compare(a.CommentID, b.CommentID))
}

// write applies the change in one transaction. It starts from nothing each time it is called. It fails with
// videosDeleted when something would hang on a deleted video, and with otherRoots when it has to lock more.
func (c *change) write(tx *db.Tx) error {
	c.refused, c.news = 0, false
	t, n := tally{videos: map[int64]*db.VideoStats{}, users: map[int64]*db.UserStats{}}, newNews()
	if err := c.writeFavorites(tx, &t, n); err != nil {
		return err
	}
	if err := c.writeThreads(tx, &t, n); err != nil {
		return err
	}
	pins := c.pinRows(&t)
	rows, videos := t.videoRows()
	if err := tx.AddVideoStats(rows); err != nil {
		return err
	}
	// The rows are locked now. Whoever deletes one of the videos has either marked it before, or waits until this change
	// is committed and finds it.
	deleted, err := tx.DeletedVideos(videos)
	if err != nil {
		return err
	}
	if len(deleted) > 0 {
		return videosDeleted(deleted)
	}
	if err := tx.AddUserStats(t.userRows()); err != nil {
		return err
	}
	if err := tx.SetPins(pins); err != nil {
		return err
	}
	messages, err := n.messages()
	if err != nil {
		return err
	}
	c.news = len(messages) > 0
	return tx.AddMessages(messages)
}

func (c *change) writeFavorites(tx *db.Tx, t *tally, n *news) error {
	rows, err := tx.Favorites(c.favoriteKeys)
	if err != nil {
		return err
	}
	var inserts, updates []db.Favorite
	for _, key := range c.favoriteKeys {
		events := c.favorites[key]
		old, exists := rows[key]
		if !exists {
			old = db.Favorite{UserID: key.UserID, VideoID: key.VideoID, AuthorID: events[0].AuthorID}
		}
		row := decideFavorite(old, events)
		switch {
		case row == old:
			continue
		case exists:
			updates = append(updates, row)
		default:
			inserts = append(inserts, row)
		}
		if row.Liked != old.Liked {
			t.favorite(row)
		}
		if isNews(old.Liked, row.Liked, old.LikedEvent, row.LikedEvent) {
			n.favorite(row)
		}
	}
	if err := tx.InsertFavorites(inserts); err != nil {
		return err
	}
	return tx.UpdateFavorites(updates)
}

// decideFavorite is the row after events, oldest first. What is not newer than the row changes nothing. A repeated like
// is noted, so that an unlike from between the two is known to be old, but it keeps its place in the user's list.
func decideFavorite(row db.Favorite, events []mq.Event) db.Favorite {
	for _, e := range events {
		row.Liked, row.LastEvent, row.LikedEvent = decideLike(row.Liked, row.LastEvent, row.LikedEvent, e.ID, e.Favorite.Liked)
	}
	return row
}

// decideCommentLike is the same for the like of a comment.
func decideCommentLike(row db.CommentLike, events []mq.Event) db.CommentLike {
	for _, e := range events {
		row.Liked, row.LastEvent, row.LikedEvent = decideLike(row.Liked, row.LastEvent, row.LikedEvent, e.ID, e.CommentLike.Liked)
	}
	return row
}

// isNews reports whether others see another like than before: it began or ended, or began again within the batch.
func isNews(was, is bool, began, begins int64) bool { return was != is || is && began != begins }

func decideLike(liked bool, last, began, event int64, like bool) (nowLiked bool, nowLast, nowBegan int64) {
	if event <= last {
		return liked, last, began
	}
	if like && !liked {
		began = event
	}
	return like, event, began
}

// pinRows are the pins by video. Their videos' counters are touched, so that the writer looks whether these are deleted.
func (c *change) pinRows(t *tally) []db.Pin {
	var rows []db.Pin
	for _, videoID := range slices.Sorted(maps.Keys(c.pins)) {
		e := c.pins[videoID]
		t.video(videoID, e.AuthorID)
		rows = append(rows, db.Pin{VideoID: videoID, CommentID: e.Pin.CommentID, LastEvent: e.ID})
	}
	return rows
}
