// Package db keeps favorites, comments and their counters.
//
// Reads are methods of Store. Everything that writes is a method of Tx, which Store.Update hands out: rows and the
// counters that follow from them change together or not at all.
package db

import (
	"context"
	"embed"
	"io/fs"

	"gorm.io/gorm"

	"tiktok/pkg/sqldb"
)

//go:embed migrations
var migrations embed.FS

// maxRows bounds the rows of one statement: 14 columns of it stay far below SQLite's 32,766 variables.
const maxRows = 1000

// Favorite is what a user thinks of a video.
type Favorite struct {
	UserID  int64 `gorm:"column:user_id;primaryKey;autoIncrement:false"`
	VideoID int64 `gorm:"column:video_id;primaryKey;autoIncrement:false"`
	// AuthorID is the video's author, whose total_favorited counts the like.
	AuthorID int64 `gorm:"column:author_id"`
	// Liked is false when the like was taken back: the row stays.
	Liked bool `gorm:"column:liked"`
	// LastEvent is the newest event that was applied; older ones are dropped.
	LastEvent int64 `gorm:"column:last_event"`
	// LikedEvent is the event that began the present like. It is unique and orders a user's list.
	LikedEvent int64 `gorm:"column:liked_event"`
}

// FavoriteKey names the row of a user and a video.
type FavoriteKey struct{ UserID, VideoID int64 }

// Comment is a text below a video.
type Comment struct {
	// ID is time-ordered: a higher one is newer.
	ID          int64  `gorm:"column:id;primaryKey;autoIncrement:false"`
	VideoID     int64  `gorm:"column:video_id"`
	UserID      int64  `gorm:"column:user_id"`
	Content     string `gorm:"column:content"`
	CreatedAtMs int64  `gorm:"column:created_at_ms"`
	// Deleted rows hold no content. They only keep a late creation from bringing the comment back.
	Deleted bool `gorm:"column:deleted"`
	// RootID is the comment that began the thread, which has a lower id; 0: this one did.
	RootID int64 `gorm:"column:root_id"`
	// ReplyToID is the comment that it answers, and ReplyToUserID who wrote that; 0 for one that begins a thread.
	ReplyToID     int64 `gorm:"column:reply_to_id"`
	ReplyToUserID int64 `gorm:"column:reply_to_user_id"`
	// AuthorID is the video's author, 0 in rows of builds that did not note it.
	AuthorID int64 `gorm:"column:author_id"`
	// Mentions are ids of users, with commas between.
	Mentions string `gorm:"column:mentions"`
	// LikeCount is how many users like it.
	LikeCount int64 `gorm:"column:like_count"`
	// ReplyCount is how many answers its thread has, also those of a deleted one that are not deleted yet.
	ReplyCount int64 `gorm:"column:reply_count"`
	// DeletedEvent is the event of its deletion, 0 when that is not known.
	DeletedEvent int64 `gorm:"column:deleted_event"`
}

// Stored reports whether the row is that of a comment, perhaps a deleted one. Else it stands for one that is not stored yet,
// or is none at all.
func (c Comment) Stored() bool { return c.UserID != 0 }

// Gone reports whether the comment is deleted for good.
func (c Comment) Gone() bool { return c.Deleted && c.Stored() }

// Placeholder is the row for a comment that is not stored yet. It is no comment for readers, and counts its answers and likes.
func Placeholder(id, videoID int64) Comment { return Comment{ID: id, VideoID: videoID, Deleted: true} }

// CommentLike is what a user thinks of a comment.
type CommentLike struct {
	UserID    int64 `gorm:"column:user_id;primaryKey;autoIncrement:false"`
	CommentID int64 `gorm:"column:comment_id;primaryKey;autoIncrement:false"`
	VideoID   int64 `gorm:"column:video_id"`
	// Liked, LastEvent and LikedEvent are as in Favorite.
	Liked      bool  `gorm:"column:liked"`
	LastEvent  int64 `gorm:"column:last_event"`
	LikedEvent int64 `gorm:"column:liked_event"`
}

// CommentLikeKey names the row of a user and a comment.
type CommentLikeKey struct{ UserID, CommentID int64 }

// Pin is which comment of a video its author has pinned.
type Pin struct {
	VideoID int64 `gorm:"column:video_id;primaryKey;autoIncrement:false"`
	// CommentID is 0 for none. It may be a comment that is deleted meanwhile, or not stored yet.
	CommentID int64 `gorm:"column:comment_id"`
	LastEvent int64 `gorm:"column:last_event"`
}

// Sweep is a deleted comment whose answers are not all deleted yet.
type Sweep struct {
	RootID  int64 `gorm:"column:root_id;primaryKey;autoIncrement:false"`
	VideoID int64 `gorm:"column:video_id"`
}

// VideoStats are a video's counters, or what to add to them.
type VideoStats struct {
	VideoID       int64 `gorm:"column:video_id;primaryKey;autoIncrement:false"`
	AuthorID      int64 `gorm:"column:author_id"`
	FavoriteCount int64 `gorm:"column:favorite_count"`
	CommentCount  int64 `gorm:"column:comment_count"`
	// Deleted says that the video is deleted: its counters only go down, to 0.
	Deleted bool `gorm:"column:deleted"`
}

// UserStats are a user's counters, or what to add to them.
type UserStats struct {
	UserID int64 `gorm:"column:user_id;primaryKey;autoIncrement:false"`
	// TotalFavorited is the likes that the user's videos have got.
	TotalFavorited int64 `gorm:"column:total_favorited"`
	// FavoriteCount is the videos that the user likes.
	FavoriteCount int64 `gorm:"column:favorite_count"`
}

// TableName is favorites.
func (Favorite) TableName() string { return "favorites" }

// TableName is comments.
func (Comment) TableName() string { return "comments" }

// TableName is comment_likes.
func (CommentLike) TableName() string { return "comment_likes" }

// TableName is comment_pins.
func (Pin) TableName() string { return "comment_pins" }

// TableName is comment_sweeps.
func (Sweep) TableName() string { return "comment_sweeps" }

// TableName is video_stats.
func (VideoStats) TableName() string { return "video_stats" }

// TableName is user_stats.
func (UserStats) TableName() string { return "user_stats" }

// Store reads and writes the service's schema. It is safe for concurrent use.
type Store struct{ *sqldb.DB }

// New returns a store on a migrated database, which stays the caller's to close.
func New(db *sqldb.DB) *Store { return &Store{db} }

// Migrations holds the schema's steps: migrations/mysql/*.sql and migrations/sqlite/*.sql.
func Migrations() fs.FS { return migrations }

// NewestID is the greatest id of a comment or of an event that was applied to a like or a pin, 0 when there is none.
func (s *Store) NewestID(ctx context.Context) (int64, error) {
	return s.Greatest(ctx, "favorites.last_event", "comments.id", "comment_likes.last_event", "comment_pins.last_event")
}

// Snapshot calls fn with a store whose reads all see one moment. It is only valid inside fn.
func (s *Store) Snapshot(ctx context.Context, fn func(at *Store) error) error {
	return s.DB.Snapshot(ctx, func(at *sqldb.DB) error { return fn(New(at)) })
}

// Tx is one write transaction. It is only valid inside the function that Update calls.
type Tx struct {
	tx *gorm.DB
	db *sqldb.DB
}

// Update runs fn in one transaction that a cancelled ctx does not interrupt, and again if the database asks for that
// (deadlock, lock wait), so fn must start from nothing each time. It fails with sqldb.ErrDuplicate when another writer
// has inserted one of the rows between fn's read and its insert: then the whole of fn is worth repeating.
func (s *Store) Update(ctx context.Context, fn func(tx *Tx) error) error {
	return s.Tx(ctx, func(tx *gorm.DB) error { return fn(&Tx{tx: tx, db: s.DB}) })
}
