package db

import (
	"context"
	"errors"
	"fmt"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"tiktok/pkg/sqldb"
)

// ErrBackfillMoved means that another process has gone on with a backfill.
var ErrBackfillMoved = errors.New("discovery: another process goes on with the backfill")

// Backfill is how far what was there before the service has been read.
type Backfill struct {
	// Name is of what.
	Name string `gorm:"column:name;primaryKey"`
	// AfterA and AfterB are the key of the last row that was read.
	AfterA int64 `gorm:"column:after_a"`
	AfterB int64 `gorm:"column:after_b"`
	// RowsRead is how many there were.
	RowsRead  int64 `gorm:"column:rows_read"`
	StartedMs int64 `gorm:"column:started_ms"`
	// DoneMs is when all was read; 0: it goes on.
	DoneMs int64 `gorm:"column:done_ms"`
}

// TableName is backfills.
func (Backfill) TableName() string { return "backfills" }

// Backfills reads backfills by their names, and begins those that have not begun.
func (s *Store) Backfills(ctx context.Context, nowMs int64, names ...string) (map[string]Backfill, error) {
	read := func() (map[string]Backfill, error) {
		query := sqldb.Select[Backfill](s.Read.WithContext(ctx), "FROM backfills WHERE name IN ?", names)
		return sqldb.Map(query, func(b Backfill) string { return b.Name })
	}
	found, err := read()
	if err == nil && len(found) < len(names) {
		rows := make([]Backfill, len(names))
		for i, name := range names {
			rows[i] = Backfill{Name: name, StartedMs: nowMs}
		}
		if err = s.Write.WithContext(ctx).Clauses(clause.OnConflict{DoNothing: true}).Create(&rows).Error; err == nil {
			found, err = read()
		}
	}
	if err != nil {
		return nil, fmt.Errorf("read how far the catalogue is filled: %w", err)
	}
	return found, nil
}

// MoveBackfill stores how far a backfill is, within the transaction that stores what was read. It fails with ErrBackfillMoved when another
// process has moved it since from was read: so each row is stored once.
func (s *Store) MoveBackfill(from, to Backfill) Within {
	return func(tx *gorm.DB, _ *Changed) error {
		moved := tx.Model(&Backfill{}).
			Where("name = ? AND after_a = ? AND after_b = ? AND done_ms = 0", from.Name, from.AfterA, from.AfterB).
			Updates(map[string]any{"after_a": to.AfterA, "after_b": to.AfterB, "rows_read": to.RowsRead, "done_ms": to.DoneMs})
		if moved.Error == nil && moved.RowsAffected == 0 {
			return ErrBackfillMoved
		}
		return moved.Error
	}
}

// VideoAuthors reads whose videos are, also of those that are gone, whose author is then 0. One that is not known is absent.
func (s *Store) VideoAuthors(ctx context.Context, ids []int64) (map[int64]int64, error) {
	type row struct{ ID, AuthorID, GoneMs int64 }
	authors := make(map[int64]int64, len(ids))
	if len(ids) == 0 {
		return authors, nil
	}
	query := s.Read.WithContext(ctx).Raw("SELECT id, author_id, gone_ms FROM videos WHERE id IN ?", ids)
	err := sqldb.Rows[row]{Query: query}.Each(func(r row) {
		if r.GoneMs != 0 {
			r.AuthorID = 0
		}
		authors[r.ID] = r.AuthorID
	})
	if err != nil {
		return nil, fmt.Errorf("read whose %d videos are: %w", len(ids), err)
	}
	return authors, nil
}
