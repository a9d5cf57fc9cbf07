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
