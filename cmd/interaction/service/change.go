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
	"tiktok/pkg/queue"
)

// change is a batch of events in the order in which rows are locked and written: by key, so that two writers never wait
// for each other in a circle.
type change struct {
	// favorites and comments hold the events of each row, oldest first.
	favorites    map[db.FavoriteKey][]mq.Event
	favoriteKeys []db.FavoriteKey
	comments     map[int64][]mq.Event
	commentIDs   []int64
	// videos and users are those whose counters may change.
	videos, users []int64
	// likers are those whose likes may change.
	likers []int64
}

// errTooLate refuses an event whose row may have been purged.
var errTooLate = errors.New("the event is too old to be applied")

// newChange sorts events. It fails if one of them can never be applied.
func newChange(events []mq.Event) (*change, error) {
	c := &change{favorites: map[db.FavoriteKey][]mq.Event{}, comments: map[int64][]mq.Event{}}
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
		videos[e.VideoID] = struct{}{}
		if e.Comment != nil {
			c.comments[e.Comment.CommentID] = append(c.comments[e.Comment.CommentID], e)
			continue
		}
		key := db.FavoriteKey{UserID: e.UserID, VideoID: e.VideoID}
		c.favorites[key] = append(c.favorites[key], e)
		users[e.UserID], users[e.AuthorID], likers[e.UserID] = struct{}{}, struct{}{}, struct{}{}
	}
	c.likers = slices.Sorted(maps.Keys(likers))
	c.videos, c.users = slices.Sorted(maps.Keys(videos)), slices.Sorted(maps.Keys(users))
	c.commentIDs = slices.Sorted(maps.Keys(c.comments))
	c.favoriteKeys = slices.SortedFunc(maps.Keys(c.favorites), compareFavoriteKeys)
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
		}
		return gone
	})
	return events
}

func compareFavoriteKeys(a, b db.FavoriteKey) int {
	return cmp.Or(cmp.Compare(a.UserID, b.UserID), cmp.Compare(a.VideoID, b.VideoID))
}

// write applies the change in one transaction. It starts from nothing each time it is called. It fails with
// videosDeleted when something would hang on a deleted video.
func (c *change) write(tx *db.Tx) error {
	t := tally{videos: map[int64]*db.VideoStats{}, users: map[int64]*db.UserStats{}}
	if err := c.writeFavorites(tx, &t); err != nil {
		return err
	}
	if err := c.writeComments(tx, &t); err != nil {
		return err
	}
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
	return tx.AddUserStats(t.userRows())
}

func (c *change) writeFavorites(tx *db.Tx, t *tally) error {
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
		if e.ID <= row.LastEvent {
			continue
		}
		row.LastEvent = e.ID
		if e.Favorite.Liked && !row.Liked {
			row.LikedEvent = e.ID
		}
		row.Liked = e.Favorite.Liked
	}
	return row
}

func (c *change) writeComments(tx *db.Tx, t *tally) error {
	rows, err := tx.Comments(c.commentIDs)
	if err != nil {
		return err
	}
	var inserts []db.Comment
	var deletes []int64
	for _, commentID := range c.commentIDs {
		row := decideComment(c.comments[commentID])
		old, exists := rows[commentID]
		switch {
		case !exists:
			inserts = append(inserts, row)
			if !row.Deleted {
				t.comment(c.comments[commentID][0], +1)
			}
		case row.Deleted && !old.Deleted:
			deletes = append(deletes, commentID)
			t.comment(c.comments[commentID][0], -1)
		}
	}
	if err := tx.InsertComments(inserts); err != nil {
		return err
	}
	return tx.DeleteComments(deletes)
}

// decideComment is the row that a comment's events make where there is none. A deletion is final: it wins over every
// creation, also one that comes later.
func decideComment(events []mq.Event) db.Comment {
	for _, e := range events {
		if e.Comment.Deleted {
			return commentRow(e)
		}
	}
	return commentRow(events[0])
}

// commentRow is the row that one event makes.
func commentRow(e mq.Event) db.Comment {
	return db.Comment{
		ID:          e.Comment.CommentID,
		VideoID:     e.VideoID,
		UserID:      e.UserID,
		Content:     e.Comment.Content,
		CreatedAtMs: id.Time(e.Comment.CommentID).UnixMilli(),
		Deleted:     e.Comment.Deleted,
	}
}
