package db

import (
	"context"
	"errors"
	"fmt"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"tiktok/pkg/sqldb"
)

const dayMs = 24 * 60 * 60 * 1000

var (
	// ErrQuota says that an author would store more than Quota.Bytes.
	ErrQuota = errors.New("storage quota of the author")
	// ErrDailyQuota says that an author would have uploaded more than Quota.DailyBytes.
	ErrDailyQuota = errors.New("daily quota of the author")
)

// Quota is what one author may upload. A bound of 0 is none.
type Quota struct {
	// Bytes of uploads that are not deleted.
	Bytes int64
	// DailyBytes at once, and in the long run in a day, deleted or not.
	DailyBytes int64
}

// Storage is what an author's uploads take.
type Storage struct {
	AuthorID    int64 `gorm:"column:author_id;primaryKey;autoIncrement:false"`
	StoredBytes int64 `gorm:"column:stored_bytes"`
	DayBytes    int64 `gorm:"column:day_bytes"`
	DayAtMs     int64 `gorm:"column:day_at_ms"`
}

// TableName is author_storage.
func (Storage) TableName() string { return "author_storage" }

const (
	storageSQL = "FROM author_storage WHERE author_id = ?"

	giveBackSQL = "UPDATE author_storage SET stored_bytes = stored_bytes - ? WHERE author_id = ?"
)

// CheckStorage fails with ErrQuota or ErrDailyQuota when an author may not upload so many bytes now. It reads one row.
func (s *Store) CheckStorage(ctx context.Context, authorID, bytes, nowMs int64, q Quota) error {
	var st Storage // of an author without a row
	if err := sqldb.Select[Storage](s.Read.WithContext(ctx), storageSQL, authorID).Each(func(r Storage) { st = r }); err != nil {
		return fmt.Errorf("read storage: %w", err)
	}
	_, err := st.with(bytes, nowMs, q)
	return err
}

// with is what the storage is with so many bytes more.
func (st Storage) with(bytes, nowMs int64, q Quota) (Storage, error) {
	if q.Bytes > 0 && st.StoredBytes+bytes > q.Bytes {
		return st, ErrQuota
	}
	st.StoredBytes += bytes
	if q.DailyBytes > 0 {
		gone := float64(max(nowMs-st.DayAtMs, 0)) / dayMs * float64(q.DailyBytes)
		st.DayBytes = int64(max(float64(st.DayBytes)-gone, 0))
		if st.DayBytes+bytes > q.DailyBytes {
			return st, ErrDailyQuota
		}
		st.DayBytes += bytes
	}
	st.DayAtMs = nowMs
	return st, nil
}

// lockStorage reads an author's row, which it makes, and locks it until the commit.
func (s *Store) lockStorage(tx *gorm.DB, authorID int64) (st Storage, err error) {
	if err := tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&Storage{AuthorID: authorID}).Error; err != nil {
		return Storage{}, err
	}
	err = s.ForUpdate(tx).Where("author_id = ?", authorID).Take(&st).Error
	return st, err
}

// store counts an upload for its author, or fails with ErrQuota or ErrDailyQuota.
func (s *Store) store(tx *gorm.DB, m Media, q Quota) error {
	st, err := s.lockStorage(tx, m.AuthorID)
	if err != nil {
		return err
	}
	if st, err = st.with(m.QuotaBytes, m.CreatedAtMs, q); err != nil {
		return err
	}
	return tx.Select("*").Updates(&st).Error
}

// giveBack takes an upload from what its author stores; it is no longer counted there afterwards.
func giveBack(tx *gorm.DB, m Media) error {
	if m.QuotaBytes == 0 {
		return nil
	}
	return tx.Exec(giveBackSQL, m.QuotaBytes, m.AuthorID).Error
}
