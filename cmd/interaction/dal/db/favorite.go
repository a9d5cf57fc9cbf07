package db

import (
	"context"
	"slices"
	"strings"

	"gorm.io/gorm/clause"
)

// ListFavorites reads up to limit likes of a user, most recent first: those whose LikedEvent is below before.
func (s *Store) ListFavorites(ctx context.Context, userID, before int64, limit int) ([]Favorite, error) {
	var rows []Favorite
	err := s.db.Read.WithContext(ctx).Select("video_id", "liked_event").
		Where("user_id = ? AND liked = ? AND liked_event < ?", userID, true, before).
		Order("liked_event DESC").Limit(limit).Find(&rows).Error
	return rows, err
}

// Liked reads which of the videos a user likes. At most 1000 videos.
func (s *Store) Liked(ctx context.Context, userID int64, videoIDs []int64) (map[int64]bool, error) {
	liked := make(map[int64]bool, len(videoIDs))
	if len(videoIDs) == 0 {
		return liked, nil
	}
	// liked is looked at here and not in the query: with it SQLite would rather walk through the user's whole list.
	var rows []Favorite
	err := s.db.Read.WithContext(ctx).Select("video_id", "liked").
		Where("user_id = ? AND video_id IN ?", userID, videoIDs).Find(&rows).Error
	if err != nil {
		return nil, err
	}
	for _, r := range rows {
		if r.Liked {
			liked[r.VideoID] = true
		}
	}
	return liked, nil
}

// Favorites reads and locks the rows of keys. Sorted keys keep two writers from waiting for each other.
func (t *Tx) Favorites(keys []FavoriteKey) (map[FavoriteKey]Favorite, error) {
	found := make(map[FavoriteKey]Favorite, len(keys))
	for part := range slices.Chunk(keys, maxRows) {
		args := make([]any, 0, 2*len(part))
		for _, k := range part {
			args = append(args, k.UserID, k.VideoID)
		}
		list := strings.TrimSuffix(strings.Repeat("(?,?),", len(part)), ",")
		where := "(user_id, video_id) IN (" + list + ")"
		if t.sqlite() {
			where = "(user_id, video_id) IN (VALUES " + list + ")"
		}
		var rows []Favorite
		err := t.db.ForUpdate(t.tx).Select("user_id", "video_id", "author_id", "liked", "last_event", "liked_event").
			Where(where, args...).Find(&rows).Error
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			found[FavoriteKey{r.UserID, r.VideoID}] = r
		}
	}
	return found, nil
}

// InsertFavorites adds rows that Favorites did not find.
func (t *Tx) InsertFavorites(rows []Favorite) error {
	for part := range slices.Chunk(rows, maxRows) {
		if err := t.tx.Create(&part).Error; err != nil {
			return err
		}
	}
	return nil
}

// UpdateFavorites stores Liked, LastEvent and LikedEvent of rows that Favorites found.
func (t *Tx) UpdateFavorites(rows []Favorite) error {
	// The rows exist and are locked, so the insert part never happens: it is how many rows change in one statement.
	upsert := clause.OnConflict{
		Columns:   []clause.Column{{Name: "user_id"}, {Name: "video_id"}},
		DoUpdates: clause.AssignmentColumns([]string{"liked", "last_event", "liked_event"}),
	}
	for part := range slices.Chunk(rows, maxRows) {
		if err := t.tx.Clauses(upsert).Create(&part).Error; err != nil {
			return err
		}
	}
	return nil
}
