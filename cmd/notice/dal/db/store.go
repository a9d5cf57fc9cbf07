// Package db keeps what users are told: notices, their entries, marks and preferences, and the browsers that take them.
package db

import (
	"context"
	"embed"
	"io/fs"

	"tiktok/pkg/sqldb"
)

//go:embed migrations
var migrations embed.FS

// Kinds of notices, with the numbers of notice.thrift, which says what they are about.
const (
	KindLike = 1 + iota
	KindComment
	KindReply
	KindMention
	KindFollow
	KindCommentLike
	KindUpload
)

// Kinds is how many there are: 1..Kinds.
const Kinds = KindUpload

// Key names a notice: what of one kind happened to one subject, for one user.
type Key struct {
	UserID    int64 `gorm:"column:user_id;primaryKey;autoIncrement:false"`
	Kind      int   `gorm:"column:kind;primaryKey;autoIncrement:false"`
	SubjectID int64 `gorm:"column:subject_id;primaryKey;autoIncrement:false"`
}

// Notice is a group of entries.
type Notice struct {
	Key `gorm:"embedded"`
	// VideoID is the video that it leads to.
	VideoID int64 `gorm:"column:video_id"`
	// Entries is how many are present, NewestMs the time of the newest of these; both 0 when there is none.
	Entries  int64 `gorm:"column:entries"`
	NewestMs int64 `gorm:"column:newest_ms"`
	// GoneMs is when the subject was deleted for good: then no entry counts. 0: it was not.
	GoneMs int64 `gorm:"column:gone_ms"`
	// Failed, Reason and Title are of KindUpload.
	Failed bool   `gorm:"column:failed"`
	Reason string `gorm:"column:reason"`
	Title  string `gorm:"column:title"`
}

// TableName is notices.
func (Notice) TableName() string { return "notices" }

// EntryKey names an entry of a notice.
type EntryKey struct {
	Key
	EntryID int64
}

// Entry is one thing that happened, or that was taken back.
type Entry struct {
	Key     `gorm:"embedded"`
	EntryID int64 `gorm:"column:entry_id;primaryKey;autoIncrement:false"`
	// ActorID is who did it.
	ActorID int64 `gorm:"column:actor_id"`
	// AtMs is when it happened, or when it was taken back.
	AtMs    int64 `gorm:"column:at_ms"`
	Present bool  `gorm:"column:present"`
	// Seq is the message that said so, of the one service that writes about this entry.
	Seq int64 `gorm:"column:seq"`
}

// TableName is notice_entries.
func (Entry) TableName() string { return "notice_entries" }

// EntryKey names it.
func (e Entry) EntryKey() EntryKey { return EntryKey{e.Key, e.EntryID} }

// Reader is what a user has read, and wants to hear of. A user without a row has read nothing and wants everything.
type Reader struct {
	UserID int64 `gorm:"column:user_id;primaryKey;autoIncrement:false"`
	// SeenMs is up to when notices are read.
	SeenMs int64 `gorm:"column:seen_ms"`
	// Muted has the bit 1<<kind for each kind that the user does not want.
	Muted int64 `gorm:"column:muted"`
}

// TableName is notice_readers.
func (Reader) TableName() string { return "notice_readers" }

// Mutes reports whether the user does not want a kind.
func (r Reader) Mutes(kind int) bool { return r.Muted&(1<<kind) != 0 }

// maxRows bounds the rows of one statement: their columns stay far below SQLite's 32,766 variables.
const maxRows = 1000

// maxUnion bounds the SELECTs of one statement: SQLite takes 500.
const maxUnion = 200

// Migrations holds the schema's steps: migrations/mysql/*.sql and migrations/sqlite/*.sql.
func Migrations() fs.FS { return migrations }

// Store reads and writes the service's schema. It is safe for concurrent use.
type Store struct{ *sqldb.DB }

// New returns a store on a migrated database, which stays the caller's to close.
func New(db *sqldb.DB) *Store { return &Store{db} }

// NewestID is the greatest id of a subscription, 0 when there is none.
func (s *Store) NewestID(ctx context.Context) (int64, error) {
	return s.Greatest(ctx, "push_subscriptions.id")
}
