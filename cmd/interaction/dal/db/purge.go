package db

import (
	"context"

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
	var keys []any
	for _, r := range rows {
		next = FavoriteKey{r.UserID, r.VideoID}
		if !r.Liked && r.LastEvent < before {
			keys = append(keys, r.UserID, r.VideoID)
		}
	}
	if len(keys) > 0 {
		list := sqldb.Pairs(len(keys) / 2)
		err = s.Update(ctx, func(tx *Tx) error {
			where := "(user_id, video_id) IN (" + list + ")"
			if tx.db.IsSQLite() {
				where = "(user_id, video_id) IN (VALUES " + list + ")"
			}
			// Liked again meanwhile, it stays.
			q := tx.tx.Where(where, keys...).Where("liked = ? AND last_event < ?", false, before).Delete(&Favorite{})
			removed = q.RowsAffected
			return q.Error
		})
	}
	return next, removed, len(rows) < purgeRows, err
}

// PurgeComments looks at the comments with ids above after and below before, and removes those that are deleted. It
// returns where to go on; done says that there is nothing more.
func (s *Store) PurgeComments(ctx context.Context, after, before int64) (next, removed int64, done bool, err error) {
	var rows []Comment
	err = s.Read.WithContext(ctx).Select("id", "deleted").Where("id > ? AND id < ?", after, before).
		Order("id").Limit(purgeRows).Find(&rows).Error
	if err != nil {
		return after, 0, false, err
	}
	next = after
	var ids []int64
	for _, r := range rows {
		next = r.ID
		if r.Deleted {
			ids = append(ids, r.ID)
		}
	}
	if len(ids) > 0 {
		err = s.Update(ctx, func(tx *Tx) error {
			q := tx.tx.Where("id IN ? AND deleted = ?", ids, true).Delete(&Comment{})
			removed = q.RowsAffected
			return q.Error
		})
	}
	return next, removed, len(rows) < purgeRows, err
}
