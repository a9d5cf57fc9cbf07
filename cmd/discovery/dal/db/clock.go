package db

import (
	"gorm.io/gorm"

	"tiktok/pkg/sqldb"
)

// clockRow is the one row of catalogue_clock.
type clockRow struct {
	ID  int64 `gorm:"column:id;primaryKey;autoIncrement:false"`
	Seq int64 `gorm:"column:seq"`
}

// TableName is catalogue_clock.
func (clockRow) TableName() string { return "catalogue_clock" }

const clockID = 1

// Clock gives out the numbers of changes of the catalogue within a transaction.
type Clock struct{ seq, stored int64 }

// LockClock locks the catalogue's clock until the transaction tx ends. Who changes rows of videos, users or tags in a way that search shows
// does so first of all, before any row is locked or read: so numbers have the order of commits, and nobody waits for another in a ring.
func (s *Store) LockClock(tx *gorm.DB) (*Clock, error) {
	var row clockRow
	if err := s.ForUpdate(tx).Take(&row, "id = ?", clockID).Error; err != nil {
		return nil, err
	}
	return &Clock{seq: row.Seq, stored: row.Seq}, nil
}

// Next returns the number of one more change.
func (c *Clock) Next() int64 {
	c.seq++
	return c.seq
}

// Save stores which numbers were given out. It must be called before the commit.
func (c *Clock) Save(tx *gorm.DB) error {
	if c.seq == c.stored {
		return nil
	}
	c.stored = c.seq
	return tx.Model(&clockRow{}).Where("id = ?", clockID).Update("seq", c.seq).Error
}

// NextSeq is LockClock for who knows how many changes there are: it returns the first of n numbers in a row.
func (s *Store) NextSeq(tx *gorm.DB, n int) (first int64, err error) {
	c, err := s.LockClock(tx)
	if err != nil {
		return 0, err
	}
	first = c.seq + 1
	c.seq += int64(n)
	return first, c.Save(tx)
}

// now is SQL for what time it is in milliseconds by the clock of the database's server, which all processes share.
func now(d *sqldb.DB) string {
	if d.IsSQLite() {
		return "CAST(unixepoch('subsec') * 1000 AS INTEGER)"
	}
	return "CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED)"
}
