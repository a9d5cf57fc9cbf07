package db

import (
	"context"
	"math"
	"slices"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"tiktok/pkg/outbox"
	"tiktok/pkg/sqldb"
)

// force tells MySQL the index: without that it walks through all newer comments to a page in the middle.
func (s *Store) force(index string) string {
	if s.IsSQLite() {
		return ""
	}
	return "FORCE INDEX (" + index + ") "
}

func (s *Store) list(index, where string, args ...any) ([]Comment, error) {
	return sqldb.Select[Comment](s.Read, "FROM comments "+s.force(index)+"WHERE "+where, args...).All()
}

// ListComments reads up to limit comments of a video, answers among them, newest first: those whose id is below before.
func (s *Store) ListComments(ctx context.Context, videoID, before int64, limit int) ([]Comment, error) {
	return s.with(ctx).list("comments_list", "video_id = ? AND deleted = ? AND id < ? ORDER BY id DESC LIMIT ?",
		videoID, false, before, limit)
}

// ListThreads reads up to limit comments of a video that begin a thread, newest first: those whose id is below before.
func (s *Store) ListThreads(ctx context.Context, videoID, before int64, limit int) ([]Comment, error) {
	return s.with(ctx).list("comments_threads", "video_id = ? AND root_id = 0 AND deleted = ? AND id < ? ORDER BY id DESC LIMIT ?",
		videoID, false, before, limit)
}

// Top is a place in the list of a video's threads by likes: before it are those with more likes, and of those with as many
// the newer ones.
type Top struct{ Likes, ID int64 }

// First is the place before all.
func First() Top { return Top{math.MaxInt64, math.MaxInt64} }

// Before reports whether the comment is behind the place.
func (t Top) Before(c Comment) bool {
	return c.LikeCount < t.Likes || c.LikeCount == t.Likes && c.ID < t.ID
}

// TopThreads reads up to limit comments of a video that begin a thread, those with most likes first, of equal ones the
// newest: those behind after.
func (s *Store) TopThreads(ctx context.Context, videoID int64, after Top, limit int) ([]Comment, error) {
	s = s.with(ctx)
	// Two statements, as each is one range of the index: one for both would read all that have as many likes as the place.
	var equal []Comment
	var err error
	if after != First() {
		equal, err = s.list("comments_top",
			"video_id = ? AND root_id = 0 AND deleted = ? AND like_count = ? AND id < ? ORDER BY like_count DESC, id DESC LIMIT ?",
			videoID, false, after.Likes, after.ID, limit)
		if err != nil || len(equal) == limit {
			return equal, err
		}
	}
	fewer, err := s.list("comments_top",
		"video_id = ? AND root_id = 0 AND deleted = ? AND like_count < ? ORDER BY like_count DESC, id DESC LIMIT ?",
		videoID, false, after.Likes, limit-len(equal))
	return append(equal, fewer...), err
}

// ListReplies reads up to limit answers of a thread, oldest first: those whose id is above after.
func (s *Store) ListReplies(ctx context.Context, videoID, rootID, after int64, limit int) ([]Comment, error) {
	return s.with(ctx).list("comments_threads", "video_id = ? AND root_id = ? AND deleted = ? AND id > ? ORDER BY id LIMIT ?",
		videoID, rootID, false, after, limit)
}

// FullComments reads the comments with these ids with their content. Deleted ones are absent. At most 1000 ids.
func (s *Store) FullComments(ctx context.Context, ids []int64) (map[int64]Comment, error) {
	if len(ids) == 0 {
		return map[int64]Comment{}, nil
	}
	rows := sqldb.Select[Comment](s.Read.WithContext(ctx), "FROM comments WHERE id IN ? AND deleted = ?", ids, false)
	return sqldb.Map(rows, func(c Comment) int64 { return c.ID })
}

// with is the store with ctx for its reads.
func (s *Store) with(ctx context.Context) *Store {
	at := *s.DB
	at.Read = s.Read.WithContext(ctx)
	return New(&at)
}

// CommentRows reads the comments with these ids, deleted ones too, without their content.
func (s *Store) CommentRows(ctx context.Context, ids []int64) (map[int64]Comment, error) {
	return commentRows(s.Read.WithContext(ctx), ids)
}

// Comments reads and locks the comments with these ids, deleted ones too, without their content. Sorted ids keep two
// writers from waiting for each other: an answer comes after the comment that began its thread.
func (t *Tx) Comments(ids []int64) (map[int64]Comment, error) {
	return commentRows(t.db.ForUpdate(t.tx), ids)
}

// rowColumns are all but the content.
const rowColumns = "id, video_id, user_id, created_at_ms, deleted, root_id, reply_to_id, reply_to_user_id, author_id, mentions, " +
	"like_count, reply_count, deleted_event"

func commentRows(q *gorm.DB, ids []int64) (map[int64]Comment, error) {
	q = q.Session(&gorm.Session{}) // each chunk starts from here
	found := make(map[int64]Comment, len(ids))
	for part := range slices.Chunk(ids, maxRows) {
		rows := sqldb.Rows[Comment]{Query: q.Model(&Comment{}).Select(rowColumns).Where("id IN ?", part)}
		if err := rows.Each(func(r Comment) { found[r.ID] = r }); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// InsertComments adds rows that Comments did not find.
func (t *Tx) InsertComments(rows []Comment) error {
	return createAll(t.tx, rows)
}

// FillComments stores comments in the place of their placeholders, whose counts stay.
func (t *Tx) FillComments(rows []Comment) error {
	set := clause.AssignmentColumns([]string{
		"user_id", "content", "created_at_ms", "deleted", "root_id", "reply_to_id", "reply_to_user_id", "author_id", "mentions", "deleted_event",
	})
	return createAll(t.tx.Clauses(sqldb.Upsert(set, "id")), rows)
}

// AddCommentCounts adds the LikeCount and ReplyCount of rows, which may be negative, to those that are stored, and locks
// these. Where there is none the row is inserted as it is.
func (t *Tx) AddCommentCounts(rows []Comment) error {
	return createAll(t.tx.Clauses(sqldb.Upsert(t.db.Adding("like_count", "reply_count"), "id")), rows)
}

// DeleteComments marks comments that Comments found as deleted by an event, and forgets their text.
func (t *Tx) DeleteComments(ids []int64, event int64) error {
	return t.deleteComments(ids, map[string]any{"deleted": true, "content": "", "deleted_event": event})
}

func (t *Tx) deleteComments(ids []int64, set map[string]any) error {
	for part := range slices.Chunk(ids, maxRows) {
		if err := t.tx.Model(&Comment{}).Where("id IN ?", part).Updates(set).Error; err != nil {
			return err
		}
	}
	return nil
}

// AddMessages writes what other services shall hear of. Call it when all is locked that the messages are about.
func (t *Tx) AddMessages(messages []outbox.Message) error { return outbox.Add(t.tx, messages...) }
