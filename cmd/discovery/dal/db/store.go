// Package db keeps what the discovery service knows: a catalogue of videos, users, tags, follows and likes, which other services' data can
// fill again; and what it owns: what users have watched, views, and the statistics of authors.
package db

import (
	"embed"
	"io/fs"

	"tiktok/pkg/sqldb"
)

//go:embed migrations
var migrations embed.FS

// Migrations holds the schema's steps: migrations/mysql/*.sql and migrations/sqlite/*.sql.
func Migrations() fs.FS { return migrations }

// maxRows bounds the rows of one statement: their columns stay far below SQLite's 32,766 variables.
const maxRows = 1000

// Store reads and writes the service's schema. It is safe for concurrent use.
type Store struct{ *sqldb.DB }

// New returns a store on a migrated database, which stays the caller's to close.
func New(db *sqldb.DB) *Store { return &Store{db} }

// Video is a listed video, or one that was deleted.
type Video struct {
	ID       int64  `gorm:"column:id;primaryKey;autoIncrement:false"`
	AuthorID int64  `gorm:"column:author_id"`
	Title    string `gorm:"column:title"`
	// Tags are those of the title, in the form of tags.Key, separated by spaces.
	Tags        string `gorm:"column:tags"`
	PublishedMs int64  `gorm:"column:published_ms"`
	// Likes is a copy for ranking, which may lag.
	Likes int64 `gorm:"column:likes"`
	// GoneMs is when it was deleted; 0: it was not.
	GoneMs int64 `gorm:"column:gone_ms"`
	// ChangedSeq is the number of its last change in the catalogue.
	ChangedSeq int64 `gorm:"column:changed_seq"`
}

// TableName is videos.
func (Video) TableName() string { return "videos" }

// User is an account.
type User struct {
	ID   int64  `gorm:"column:id;primaryKey;autoIncrement:false"`
	Name string `gorm:"column:name"`
	// ShownName is what is shown in its place.
	ShownName string `gorm:"column:shown_name"`
	// Followers is a copy for ranking, which may lag.
	Followers int64 `gorm:"column:followers"`
	GoneMs    int64 `gorm:"column:gone_ms"`
	// Seq is the message whose names these are, or a later one; 0: they were read from the user service.
	Seq        int64 `gorm:"column:seq"`
	ChangedSeq int64 `gorm:"column:changed_seq"`
}

// TableName is users.
func (User) TableName() string { return "users" }

// Tag is a tag with how many listed videos have it.
type Tag struct {
	Tag        string `gorm:"column:tag;primaryKey"`
	Videos     int64  `gorm:"column:videos"`
	ChangedSeq int64  `gorm:"column:changed_seq"`
}

// TableName is tags.
func (Tag) TableName() string { return "tags" }

// Follow is that a user follows another, or did.
type Follow struct {
	UserID    int64 `gorm:"column:user_id;primaryKey;autoIncrement:false"`
	ToUserID  int64 `gorm:"column:to_user_id;primaryKey;autoIncrement:false"`
	Following bool  `gorm:"column:following"`
	// AtMs is when it began, or ended.
	AtMs int64 `gorm:"column:at_ms"`
	// Seq is the message that said so; 0: it was read from the social service.
	Seq int64 `gorm:"column:seq"`
}

// TableName is follows.
func (Follow) TableName() string { return "follows" }

// Like is that a user likes a video, or did.
type Like struct {
	UserID   int64 `gorm:"column:user_id;primaryKey;autoIncrement:false"`
	VideoID  int64 `gorm:"column:video_id;primaryKey;autoIncrement:false"`
	AuthorID int64 `gorm:"column:author_id"`
	Liked    bool  `gorm:"column:liked"`
	// AtMs is when it began, or was taken back.
	AtMs int64 `gorm:"column:at_ms"`
	// Seq is the message that said so; 0: it was read from the interaction service.
	Seq int64 `gorm:"column:seq"`
}

// TableName is likes.
func (Like) TableName() string { return "likes" }

// VideoWatches is how a video was watched.
type VideoWatches struct {
	VideoID  int64 `gorm:"column:video_id;primaryKey;autoIncrement:false"`
	AuthorID int64 `gorm:"column:author_id"`
	// Views, Finishes and WatchedMs are of all sessions that count; the archived ones are of those that watch_sessions has no longer.
	Views            int64 `gorm:"column:views"`
	Finishes         int64 `gorm:"column:finishes"`
	WatchedMs        int64 `gorm:"column:watched_ms"`
	ArchivedViews    int64 `gorm:"column:archived_views"`
	ArchivedFinishes int64 `gorm:"column:archived_finishes"`
	ArchivedMs       int64 `gorm:"column:archived_ms"`
	// Heat is the weight of decayed likes and finishes (package heat); 0: it has none.
	Heat float64 `gorm:"column:heat"`
}

// TableName is video_watches.
func (VideoWatches) TableName() string { return "video_watches" }
