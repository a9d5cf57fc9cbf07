// Package db keeps videos in SQL, and how many each author has published.
package db

import (
	"context"
	"embed"
	"io/fs"

	"tiktok/pkg/outbox"
	"tiktok/pkg/sqldb"
)

//go:embed migrations
var migrations embed.FS

// Migrations holds the schema's steps: migrations/mysql/*.sql and migrations/sqlite/*.sql.
func Migrations() fs.FS { return migrations }

// Store reads and writes videos and the work on uploads. It is safe for concurrent use.
type Store struct {
	*sqldb.DB
	// messages and wake are those of Telling, nil without.
	messages func(changes []Change) ([]outbox.Message, error)
	wake     func()
}

// New returns a store on a migrated database, which stays the caller's to close.
func New(db *sqldb.DB) *Store { return &Store{DB: db} }

// NewestID is the greatest id of a video or upload, 0 when there is none.
func (s *Store) NewestID(ctx context.Context) (int64, error) {
	return s.Greatest(ctx, "videos.id", "video_media.video_id")
}
