package db

import (
	"context"
	"slices"

	"gorm.io/gorm"

	"tiktok/pkg/sqldb"
)

// ListComments reads up to limit comments of a video, newest first: those whose id is below before.
func (s *Store) ListComments(ctx context.Context, videoID, before int64, limit int) ([]Comment, error) {
	// MySQL is told the index: without that it walks through all newer comments to a page in the middle.
	hint := "FORCE INDEX (comments_list) "
	if s.IsSQLite() {
		hint = ""
	}
	return sqldb.Select[Comment](s.Read.WithContext(ctx),
		"FROM comments "+hint+"WHERE video_id = ? AND deleted = ? AND id < ? ORDER BY id DESC LIMIT ?", videoID, false, before, limit).All()
}

// CommentRows reads the comments with these ids, deleted ones too, without their content.
func (s *Store) CommentRows(ctx context.Context, ids []int64) (map[int64]Comment, error) {
	return commentRows(s.Read.WithContext(ctx), ids)
}

// Comments reads and locks the comments with these ids, deleted ones too, without their content. Sorted ids keep two
// writers from waiting for each other.
func (t *Tx) Comments(ids []int64) (map[int64]Comment, error) {
	return commentRows(t.db.ForUpdate(t.tx), ids)
}

func commentRows(q *gorm.DB, ids []int64) (map[int64]Comment, error) {
	q = q.Session(&gorm.Session{}) // each chunk starts from here
	found := make(map[int64]Comment, len(ids))
	for part := range slices.Chunk(ids, maxRows) {
		var rows []Comment
		err := q.Select("id", "video_id", "user_id", "created_at_ms", "deleted").Where("id IN ?", part).Find(&rows).Error
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			found[r.ID] = r
		}
	}
	return found, nil
}

// InsertComments adds rows that Comments did not find.
func (t *Tx) InsertComments(rows []Comment) error {
	return createAll(t.tx, rows)
}

// DeleteComments marks comments that Comments found as deleted and forgets their text.
func (t *Tx) DeleteComments(ids []int64) error {
	for part := range slices.Chunk(ids, maxRows) {
		err := t.tx.Model(&Comment{}).Where("id IN ?", part).
			Updates(map[string]any{"deleted": true, "content": ""}).Error
		if err != nil {
			return err
		}
	}
	return nil
}
