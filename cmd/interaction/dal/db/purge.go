package db

import (
	"context"

	"gorm.io/gorm"

	"tiktok/pkg/sqldb"
)

// purgeRows is how many rows one step of a purge looks at, and removes at most.
const purgeRows = 1000

// PurgeFavorites looks at the likes that follow after in the order of their keys, and removes those that were taken back
// by an event below before. It returns where to go on; done says that there is nothing more.
func (s *Store) PurgeFavorites(
	ctx context.Context, after FavoriteKey, before int64,
) (next FavoriteKey, removed int64, done bool, err error) {
	var rows []Favorite
	err = s.Read.WithContext(ctx).Select("user_id", "video_id", "liked", "last_event").
		Where("user_id >= ? AND (user_id > ? OR video_id > ?)", after.UserID, after.UserID, after.VideoID).
		Order("user_id, video_id").Limit(purgeRows).Find(&rows).Error
	if err != nil {
		return after, 0, false, err
	}
	next = after
	var keys [][2]int64
	for _, r := range rows {
		next = FavoriteKey{r.UserID, r.VideoID}
		if !r.Liked && r.LastEvent < before {
			keys = append(keys, [2]int64{r.UserID, r.VideoID})
		}
	}
	if len(keys) > 0 {
		err = s.Update(ctx, func(tx *Tx) error {
			// Liked again meanwhile, it stays.
			q := tx.pairs("user_id", "video_id", keys).Where("liked = ? AND last_event < ?", false, before).Delete(&Favorite{})
			removed = q.RowsAffected
			return q.Error
		})
	}
	return next, removed, len(rows) < purgeRows, err
}

// PurgeComments looks at the comments with ids above after and below before, and removes those that were deleted by an event
// below before and have no answers left, with their likes. It returns where to go on; done says that there is nothing more.
//
// What still has answers is noted to be swept instead: the placeholder of a comment that was never stored, as its event can
// not come any more.
func (s *Store) PurgeComments(ctx context.Context, after, before int64) (next, removed int64, done bool, err error) {
	var rows []Comment
	err = s.Read.WithContext(ctx).Select("id", "video_id", "deleted", "deleted_event", "reply_count").
		Where("id > ? AND id < ?", after, before).Order("id").Limit(purgeRows).Find(&rows).Error
	if err != nil {
		return after, 0, false, err
	}
	next = after
	var ids []int64
	var left []Sweep
	for _, r := range rows {
		next = r.ID
		switch {
		case !r.Deleted || r.DeletedEvent >= before:
		case r.ReplyCount > 0:
			left = append(left, Sweep{RootID: r.ID, VideoID: r.VideoID})
		default:
			ids = append(ids, r.ID)
		}
	}
	if len(ids)+len(left) > 0 {
		err = s.Update(ctx, func(tx *Tx) error {
			if err := tx.AddSweeps(left); err != nil || len(ids) == 0 {
				return err
			}
			q := tx.tx.Where("id IN ? AND deleted = ? AND reply_count = 0 AND deleted_event < ?", ids, true, before).Delete(&Comment{})
			removed = q.RowsAffected
			return q.Error
		})
	}
	return next, removed, len(rows) < purgeRows, err
}

// PurgeCommentLikes looks at the likes of comments that follow after in the order of their keys, and removes those that were
// taken back by an event below before, and those whose comment has been purged. It returns where to go on; done says that
// there is nothing more.
func (s *Store) PurgeCommentLikes(
	ctx context.Context, after CommentLikeKey, before int64,
) (next CommentLikeKey, removed int64, done bool, err error) {
	var rows []CommentLike
	err = s.Read.WithContext(ctx).Select("user_id", "comment_id", "liked", "last_event").
		Where("user_id >= ? AND (user_id > ? OR comment_id > ?)", after.UserID, after.UserID, after.CommentID).
		Order("user_id, comment_id").Limit(purgeRows).Find(&rows).Error
	if err != nil {
		return after, 0, false, err
	}
	var comments []int64
	for _, r := range rows {
		comments = append(comments, r.CommentID)
	}
	there, err := s.CommentRows(ctx, comments)
	if err != nil {
		return after, 0, false, err
	}
	next = after
	var keys [][2]int64
	for _, r := range rows {
		next = CommentLikeKey{r.UserID, r.CommentID}
		// A comment without a row was purged: whoever stores a like stores the row of its comment with it.
		if _, ok := there[r.CommentID]; r.LastEvent < before && (!r.Liked || !ok) {
			keys = append(keys, [2]int64{r.UserID, r.CommentID})
		}
	}
	if len(keys) > 0 {
		err = s.Update(ctx, func(tx *Tx) error {
			// Changed meanwhile, it stays.
			q := tx.pairs("user_id", "comment_id", keys).Where("last_event < ?", before).Delete(&CommentLike{})
			removed = q.RowsAffected
			return q.Error
		})
	}
	return next, removed, len(rows) < purgeRows, err
}

// pairs chooses the rows whose columns a and b are one of the pairs.
func (t *Tx) pairs(a, b string, keys [][2]int64) *gorm.DB {
	args := make([]any, 0, 2*len(keys))
	for _, k := range keys {
		args = append(args, k[0], k[1])
	}
	list := sqldb.Pairs(len(keys))
	if t.db.IsSQLite() {
		list = "VALUES " + list
	}
	return t.tx.Where("("+a+", "+b+") IN ("+list+")", args...)
}
