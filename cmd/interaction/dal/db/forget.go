package db

import (
	"cmp"
	"context"
	"slices"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

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
// After each commit changed is called with the users whose counters may be other than before, so that caches hear of it.
// That includes those whose like an interrupted call has taken away.
func (s *Store) ForgetVideo(ctx context.Context, videoID, authorID int64, changed func(userIDs []int64)) error {
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
				err = s.Update(ctx, func(tx *Tx) error { return tx.forgetLikes(videoID, authorID, users) })
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
		if err := s.Update(ctx, func(tx *Tx) error { return tx.forgetComments(videoID, ids) }); err != nil {
			return err
		}
		after = ids[len(ids)-1]
		changed(nil)
	}
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
func (t *Tx) forgetLikes(videoID, authorID int64, users []int64) error {
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
	return t.AddUserStats(counts)
}

// commentIDs reads the ids of the next comments of a video, in their order.
func (s *Store) commentIDs(ctx context.Context, videoID, after int64) (ids []int64, err error) {
	err = s.Read.WithContext(ctx).Model(&Comment{}).Where("video_id = ? AND deleted = ? AND id > ?", videoID, false, after).
		Order("id").Limit(forgetRows).Pluck("id", &ids).Error
	return ids, err
}

// forgetComments deletes the comments that are left among ids, which are sorted.
func (t *Tx) forgetComments(videoID int64, ids []int64) error {
	rows, err := t.Comments(ids)
	if err != nil {
		return err
	}
	left := slices.DeleteFunc(slices.Clone(ids), func(id int64) bool {
		row, ok := rows[id]
		return !ok || row.Deleted
	})
	if len(left) == 0 {
		return nil
	}
	if err := t.DeleteComments(left); err != nil {
		return err
	}
	return t.AddVideoStats([]VideoStats{{VideoID: videoID, CommentCount: -int64(len(left))}})
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
