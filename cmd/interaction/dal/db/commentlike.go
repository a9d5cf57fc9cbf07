package db

import (
	"context"
	"slices"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"tiktok/pkg/sqldb"
)

// CommentLikesOf reads the rows of one user for comments. At most 1000 ids.
func (s *Store) CommentLikesOf(ctx context.Context, userID int64, commentIDs []int64) (map[int64]CommentLike, error) {
	if len(commentIDs) == 0 {
		return map[int64]CommentLike{}, nil
	}
	rows := sqldb.Select[CommentLike](s.Read.WithContext(ctx), "FROM comment_likes WHERE user_id = ? AND comment_id IN ?", userID, commentIDs)
	return sqldb.Map(rows, func(l CommentLike) int64 { return l.CommentID })
}

// CommentLikeRows reads the rows of keys.
func (s *Store) CommentLikeRows(ctx context.Context, keys []CommentLikeKey) (map[CommentLikeKey]CommentLike, error) {
	return commentLikeRows(s.DB, s.Read.WithContext(ctx), keys)
}

// CommentLikes reads and locks the rows of keys. Sorted keys keep two writers from waiting for each other.
func (t *Tx) CommentLikes(keys []CommentLikeKey) (map[CommentLikeKey]CommentLike, error) {
	return commentLikeRows(t.db, t.db.ForUpdate(t.tx), keys)
}

func commentLikeRows(db *sqldb.DB, q *gorm.DB, keys []CommentLikeKey) (map[CommentLikeKey]CommentLike, error) {
	q = q.Session(&gorm.Session{}) // each chunk starts from here
	table, columns := sqldb.Keyed{Table: "comment_likes", Columns: []string{"user_id", "comment_id"}}, sqldb.Columns[CommentLike](q, "t")
	found := make(map[CommentLikeKey]CommentLike, len(keys))
	for part := range slices.Chunk(keys, maxRows) {
		pairs := make([][]int64, len(part))
		for i, k := range part {
			pairs[i] = []int64{k.UserID, k.CommentID}
		}
		rows := table.Query(db, q, pairs).Select(columns)
		err := sqldb.Rows[CommentLike]{Query: rows}.Each(func(r CommentLike) { found[CommentLikeKey{r.UserID, r.CommentID}] = r })
		if err != nil {
			return nil, err
		}
	}
	return found, nil
}

// InsertCommentLikes adds rows that CommentLikes did not find.
func (t *Tx) InsertCommentLikes(rows []CommentLike) error { return createAll(t.tx, rows) }

// UpdateCommentLikes stores Liked, LastEvent and LikedEvent of rows that CommentLikes found.
func (t *Tx) UpdateCommentLikes(rows []CommentLike) error {
	set := clause.AssignmentColumns([]string{"liked", "last_event", "liked_event"}) // as in UpdateFavorites
	return createAll(t.tx.Clauses(sqldb.Upsert(set, "user_id", "comment_id")), rows)
}

// PinRows reads what is pinned of videos. At most 1000 ids.
func (s *Store) PinRows(ctx context.Context, videoIDs []int64) (map[int64]Pin, error) {
	if len(videoIDs) == 0 {
		return map[int64]Pin{}, nil
	}
	rows := sqldb.Select[Pin](s.Read.WithContext(ctx), "FROM comment_pins WHERE video_id IN ?", videoIDs)
	return sqldb.Map(rows, func(p Pin) int64 { return p.VideoID })
}

// SetPins stores pins, of several for one video the one of the newest event. Rows sorted by video keep two writers from
// waiting for each other.
func (t *Tx) SetPins(rows []Pin) error {
	// MySQL assigns from left to right: the event decides about the comment before it is changed itself.
	newer := func(column string) clause.Assignment {
		value := "CASE WHEN " + t.db.NewValue("last_event") + " > last_event THEN " + t.db.NewValue(column) + " ELSE " + column + " END"
		return clause.Assignment{Column: clause.Column{Name: column}, Value: gorm.Expr(value)}
	}
	return createAll(t.tx.Clauses(sqldb.Upsert(clause.Set{newer("comment_id"), newer("last_event")}, "video_id")), rows)
}
