package service

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"tiktok/cmd/interaction/dal/cache"
	"tiktok/cmd/interaction/dal/db"
	"tiktok/cmd/interaction/dal/mq"
	"tiktok/pkg/errno"
	"tiktok/pkg/id"
	"tiktok/pkg/kv"
	"tiktok/pkg/queue"
	"tiktok/pkg/sqldb"
)

// applyTries is how often a batch is tried that met another writer inserting the same new row. The second try finds
// that row, so a third is already more than two writers need.
const applyTries = 5

// event begins an event of now.
func (s *Service) event(userID, videoID, authorID int64) mq.Event {
	n := s.ids.Next()
	return mq.Event{V: mq.Version, ID: n, AtMs: id.Time(n).UnixMilli(), UserID: userID, VideoID: videoID, AuthorID: authorID}
}

// errTooFarBehind refuses a user's write while the writer is so far behind that not all of his could be shown to him.
var errTooFarBehind = errno.Unavailable.With("too busy, try again")

// publish hands e to the writer. Once it returns nil the event survives a crash, and everybody's next read sees it; when
// the queue is so far behind that it is not applied yet, its author's next read, as a pending one.
func (s *Service) publish(ctx context.Context, e mq.Event) error {
	list := cache.CommentsBy(e.UserID)
	if e.Favorite != nil {
		list = cache.FavoritesBy(e.UserID)
	}
	if err := s.room(ctx, list); err != nil {
		return err
	}
	applied, err := s.queue.Publish(ctx, e)
	switch {
	case err == nil:
		if !applied {
			s.pending.Add(ctx, e)
		}
		return nil
	case ctx.Err() != nil, errors.Is(err, queue.ErrBusy), errors.Is(err, queue.ErrClosed):
		return fmt.Errorf("%w: %w", errno.Unavailable, err)
	}
	return err
}

// apply stores events. It is the only code that writes favorites, comments and counters, all of a batch in one
// transaction with a number of statements that does not depend on the batch's size. It may get an event late, twice, or
// while another process applies the same one: of two events of one pair or one comment the newer decides, and counters
// move by what really changed. When it returns nil, everybody's next read sees the batch.
func (s *Service) apply(ctx context.Context, events []mq.Event) error {
	c, err := newChange(events)
	if err != nil {
		return err
	}
	for _, e := range events {
		s.ids.Observe(e.ID)
	}
	dropped := 0
	for try := 1; ; try++ {
		err = s.store.Update(ctx, c.write)
		var gone videosDeleted
		if errors.As(err, &gone) {
			dropped += c.drop(gone)
			try = 0 // there are fewer videos each time
			continue
		}
		if !errors.Is(err, sqldb.ErrDuplicate) || try == applyTries {
			break
		}
	}
	if err != nil {
		return fmt.Errorf("apply %d events: %w", len(events), err)
	}
	s.dropped.Add(float64(dropped))
	// All of them, not only what changed just now: if the process that committed an event died before this line, the
	// event comes again, changes nothing, and the caches must still hear of it.
	s.invalidate(ctx, c.videos, c.users, c.likers)
	return nil
}

// invalidate makes everybody's next read see the counters of videos and users, and the likes of likers, as they are stored.
func (s *Service) invalidate(ctx context.Context, videos, users, likers []int64) {
	kv.Invalidate(ctx, s.stats.Videos.Invalidation(videos...), s.stats.Users.Invalidation(users...), s.likes.Invalidation(likers...))
}

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

// tally adds up what the counters of a batch change by.
type tally struct {
	videos map[int64]*db.VideoStats
	users  map[int64]*db.UserStats
}

// favorite counts that a like began or ended.
func (t *tally) favorite(row db.Favorite) {
	by := int64(-1)
	if row.Liked {
		by = 1
	}
	t.video(row.VideoID, row.AuthorID).FavoriteCount += by
	t.user(row.UserID).FavoriteCount += by
	t.user(row.AuthorID).TotalFavorited += by
}

// comment counts that a comment came or went.
func (t *tally) comment(e mq.Event, by int64) {
	t.video(e.VideoID, e.AuthorID).CommentCount += by
}

func (t *tally) video(videoID, authorID int64) *db.VideoStats {
	v := t.videos[videoID]
	if v == nil {
		v = &db.VideoStats{VideoID: videoID}
		t.videos[videoID] = v
	}
	v.AuthorID = max(v.AuthorID, authorID) // a deletion does not say it; then the counters' row exists already
	return v
}

func (t *tally) user(userID int64) *db.UserStats {
	u := t.users[userID]
	if u == nil {
		u = &db.UserStats{UserID: userID}
		t.users[userID] = u
	}
	return u
}

// videoRows are the counters of the videos that something happened to, by id, also where that adds up to nothing.
func (t *tally) videoRows() (rows []db.VideoStats, videoIDs []int64) {
	videoIDs = slices.Sorted(maps.Keys(t.videos))
	for _, k := range videoIDs {
		rows = append(rows, *t.videos[k])
	}
	return rows, videoIDs
}

// userRows are the counters that change, by id.
func (t *tally) userRows() []db.UserStats {
	var rows []db.UserStats
	for _, k := range slices.Sorted(maps.Keys(t.users)) {
		if u := *t.users[k]; u.TotalFavorited != 0 || u.FavoriteCount != 0 {
			rows = append(rows, u)
		}
	}
	return rows
}
