// Package db keeps videos in SQL, and how many each author has published.
package db

import (
	"context"
	"embed"
	"fmt"
	"io/fs"

	"tiktok/pkg/sqldb"
)

//go:embed migrations
var migrations embed.FS

// Migrations holds the schema's steps: mysql/*.sql and sqlite/*.sql.
func Migrations() fs.FS {
	sub, err := fs.Sub(migrations, "migrations")
	if err != nil { // only an invalid path fails, and this one is fixed
		return migrations
	}
	return sub
}

// Store reads and writes videos. It is safe for concurrent use.
type Store struct{ db *sqldb.DB }

// New returns a store on a migrated database, which stays the caller's to close.
func New(db *sqldb.DB) *Store { return &Store{db: db} }

// Ping reports whether the database answers.
func (s *Store) Ping(ctx context.Context) error {
	if err := s.db.Ping(ctx); err != nil {
		return fmt.Errorf("video database: %w", err)
	}
	return nil
}

// NewestID is the greatest id of a video or upload, 0 when there is none.
func (s *Store) NewestID(ctx context.Context) (int64, error) {
	var id int64
	err := s.db.Read.WithContext(ctx).Raw(`SELECT COALESCE(MAX(id), 0) FROM (
		SELECT MAX(id) AS id FROM videos UNION ALL SELECT MAX(video_id) FROM video_media) AS newest`).Scan(&id).Error
	return id, err
}

func (s *Store) sqlite() bool { return s.db.Dialect() == sqldb.SQLite }
