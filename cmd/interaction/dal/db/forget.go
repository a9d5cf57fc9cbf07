package db

import (
	"cmp"
	"context"
	"slices"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"tiktok/pkg/outbox"
	"tiktok/pkg/sqldb"
)

// forgetRows is how many likes or comments one transaction of ForgetVideo takes away at most: about what one of the
// writer's does.
const forgetRows = 1000

// ForgetVideo takes away the likes and comments of a deleted video, and their part in every counter, in transactions of
// at most 1000 rows. In each, rows and counters change together. It may be stopped between two of them by the end of
// ctx, called again, and called twice at once: what is done is found done.
//
// It first marks the video. Whoever stores a like or a comment looks at the mark while holding the row of the video's
// counters (Tx.DeletedVideos), so what they store is either committed before the mark, and found here, or not stored.
// Locks are taken in the writer's order: likes and comments by key, then the video's counters, then the users'.
//
// What it takes away is told to others by tell, in the same transactions.
//
// After each commit changed is called with the users whose counters may be other than before, so that caches hear of it.
// That includes those whose like an interrupted call has taken away.
func (s *Store) ForgetVideo(ctx context.Context, videoID, authorID int64, tell Tell, changed func(userIDs []int64)) error {
	if err := s.Update(ctx, func(tx *Tx) error { return tx.markDeleted(videoID, authorID) }); err != nil {
		return err
	}
	changed([]int64{authorID})
	for _, liked := range []bool{false, true} {
		for after := int64(0); ; {
			users, err := s.likers(ctx, videoID, authorID, liked, after)
			if err != nil {
				return err
			}
			if len(users) == 0 {
				break
			}
			if liked {
				err = s.Update(ctx, func(tx *Tx) error { return tx.forgetLikes(videoID, authorID, users, tell) })
				if err != nil {
					return err
				}
			}
			after = users[len(users)-1]
			changed(append(users, authorID))
		}
	}
	for after := int64(0); ; {
		ids, err := s.commentIDs(ctx, videoID, after)
		if err != nil || len(ids) == 0 {
			return err
		}
		if err := s.Update(ctx, func(tx *Tx) error { return tx.forgetComments(videoID, ids, tell) }); err != nil {
			return err
		}
		after = ids[len(ids)-1]
		changed(nil)
	}
}

// Tell makes the messages to other services about what a transaction takes away.
type Tell struct {
	// Likes are of one video, by user, and ended.
	Likes func(ended []Favorite) ([]outbox.Message, error)
	// Comments are those that are deleted, as they were, without their content, by id.
	Comments func(deleted []Comment) ([]outbox.Message, error)
}

// markDeleted sets the mark. It waits for everybody who holds the row.
func (t *Tx) markDeleted(videoID, authorID int64) error {
	mark := sqldb.Upsert(clause.AssignmentColumns([]string{"deleted"}), "video_id")
	return t.tx.Clauses(mark).Create(&VideoStats{VideoID: videoID, AuthorID: authorID, Deleted: true}).Error
}

// likers reads the next users who like a video, or have liked it, in the order of their ids.
func (s *Store) likers(ctx context.Context, videoID, authorID int64, liked bool, after int64) (users []int64, err error) {
	// The author is in the query for the index: it is the audit's, so that the writer need not keep another one.
	err = s.Read.WithContext(ctx).Model(&Favorite{}).
		Where("author_id = ? AND video_id = ? AND liked = ? AND user_id > ?", authorID, videoID, liked, after).
		Order("user_id").Limit(forgetRows).Pluck("user_id", &users).Error
	return users, err
}

// forgetLikes ends the likes that are left among those of users, who are sorted.
func (t *Tx) forgetLikes(videoID, authorID int64, users []int64, tell Tell) error {
	keys := make([]FavoriteKey, len(users))
	for i, u := range users {
		keys[i] = FavoriteKey{u, videoID}
	}
	rows, err := t.Favorites(keys)
	if err != nil {
		return err
	}
	var ended []Favorite
	counts := []UserStats{{UserID: authorID}}
	for _, k := range keys {
		row := rows[k]
		if !row.Liked {
			continue
		}
		row.Liked = false // its last event stays: should it come again, it is known to be old
		ended = append(ended, row)
		counts[0].TotalFavorited--
		if k.UserID == authorID {
			counts[0].FavoriteCount--
		} else {
			counts = append(counts, UserStats{UserID: k.UserID, FavoriteCount: -1})
		}
	}
	if len(ended) == 0 {
		return nil
	}
	if err := t.UpdateFavorites(ended); err != nil {
		return err
	}
	if err := t.AddVideoStats([]VideoStats{{VideoID: videoID, AuthorID: authorID, FavoriteCount: -int64(len(ended))}}); err != nil {
		return err
	}
	slices.SortFunc(counts, func(a, b UserStats) int { return cmp.Compare(a.UserID, b.UserID) })
	if err := t.AddUserStats(counts); err != nil {
		return err
	}
	return t.tell(tell.Likes(ended))
}

// tell writes messages unless making them has failed.
func (t *Tx) tell(messages []outbox.Message, err error) error {
	if err != nil {
		return err
	}
	return t.AddMessages(messages)
}

// commentIDs reads the ids of the next comments of a video, in their order.
func (s *Store) commentIDs(ctx context.Context, videoID, after int64) (ids []int64, err error) {
	err = s.Read.WithContext(ctx).Model(&Comment{}).Where("video_id = ? AND deleted = ? AND id > ?", videoID, false, after).
		Order("id").Limit(forgetRows).Pluck("id", &ids).Error
	return ids, err
}

// forgetComments deletes the comments that are left among ids, which are sorted.
func (t *Tx) forgetComments(videoID int64, ids []int64, tell Tell) error {
	rows, err := t.Comments(ids)
	if err != nil {
		return err
	}
	ids, deleted := standing(ids, rows)
	if len(ids) == 0 {
		return nil
	}
	// Their threads are deleted with them: nothing is left to count.
	if err := t.deleteComments(ids, map[string]any{"deleted": true, "content": "", "reply_count": 0}); err != nil {
		return err
	}
	if err := t.AddVideoStats([]VideoStats{{VideoID: videoID, CommentCount: -int64(len(ids))}}); err != nil {
		return err
	}
	return t.tell(tell.Comments(deleted))
}

// standing are those of ids, in their order, whose rows are comments that are not deleted.
func standing(ids []int64, rows map[int64]Comment) (left []int64, comments []Comment) {
	for _, id := range ids {
		if row, ok := rows[id]; ok && !row.Deleted {
			left, comments = append(left, id), append(comments, row)
		}
	}
	return left, comments
}

// DeletedVideos are those of the videos that are marked as deleted.
func (s *Store) DeletedVideos(ctx context.Context, ids []int64) (map[int64]bool, error) {
	return deletedVideos(s.Read.WithContext(ctx), ids)
}

// DeletedVideos are those of the videos that are marked as deleted. Of a video whose counters' row the transaction has
// written, the answer holds until the transaction ends.
func (t *Tx) DeletedVideos(ids []int64) (map[int64]bool, error) {
	return deletedVideos(t.tx, ids) // READ COMMITTED: it sees what was committed before the row was locked
}

func deletedVideos(q *gorm.DB, ids []int64) (map[int64]bool, error) {
	q = q.Session(&gorm.Session{}) // each chunk starts from here
	var deleted map[int64]bool
	for part := range slices.Chunk(ids, maxRows) {
		var found []int64
		err := q.Model(&VideoStats{}).Where("video_id IN ? AND deleted = ?", part, true).Pluck("video_id", &found).Error
		if err != nil {
			return nil, err
		}
		for _, id := range found {
			if deleted == nil {
				deleted = map[int64]bool{}
			}
			deleted[id] = true
		}
	}
	return deleted, nil
}
