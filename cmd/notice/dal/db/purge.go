package db

import (
	"context"
	"slices"

	"gorm.io/gorm"

	"tiktok/pkg/sqldb"
)

// purgeRows is how many rows one step of a purge looks at, and removes at most.
const purgeRows = 1000

// keyAfter is a condition for the rows behind a key in the order of the primary key, and its arguments. It begins with a plain bound,
// by which every dialect finds the first of them.
func keyAfter(k Key) (condition string, args []any) {
	return "user_id >= ? AND (user_id > ? OR kind > ? OR (kind = ? AND subject_id > ?))",
		[]any{k.UserID, k.UserID, k.Kind, k.Kind, k.SubjectID}
}

func entryAfter(k EntryKey) (condition string, args []any) {
	return `user_id >= ? AND (user_id > ? OR kind > ? OR (kind = ? AND subject_id > ?)
		OR (kind = ? AND subject_id = ? AND entry_id > ?))`,
		[]any{k.UserID, k.UserID, k.Kind, k.Kind, k.SubjectID, k.Kind, k.SubjectID, k.EntryID}
}

// EntriesAfter reads the entries behind a key in the order of the primary key, at most limit, those that were taken back, too.
func (s *Store) EntriesAfter(ctx context.Context, after EntryKey, limit int) ([]Entry, error) {
	where, args := entryAfter(after)
	return sqldb.Select[Entry](s.Read.WithContext(ctx),
		"FROM notice_entries WHERE "+where+" ORDER BY user_id, kind, subject_id, entry_id LIMIT ?", append(args, limit)...).All()
}

// NoticesAfter reads the notices behind a key in the order of the primary key, at most limit.
func (s *Store) NoticesAfter(ctx context.Context, after Key, limit int) ([]Notice, error) {
	where, args := keyAfter(after)
	return sqldb.Select[Notice](s.Read.WithContext(ctx),
		"FROM notices WHERE "+where+" ORDER BY user_id, kind, subject_id LIMIT ?", append(args, limit)...).All()
}

// PurgeEntries looks at the entries that follow after in the order of their keys, and removes those that were taken back before a
// time, and those of notices that were gone before it. It returns where to go on; done says that there is nothing more.
func (s *Store) PurgeEntries(ctx context.Context, after EntryKey, beforeMs int64) (next EntryKey, removed int64, done bool, err error) {
	rows, err := s.EntriesAfter(ctx, after, purgeRows)
	if err != nil || len(rows) == 0 {
		return after, 0, true, err
	}
	var groups []Key
	for _, e := range rows {
		groups = append(groups, e.Key)
	}
	notices, err := s.readNotices(s.Read.WithContext(ctx), slices.Compact(groups))
	if err != nil {
		return after, 0, false, err
	}
	var keys []EntryKey
	for _, e := range rows {
		gone := notices[e.Key].GoneMs
		if (!e.Present || gone > 0 && gone < beforeMs) && e.AtMs < beforeMs {
			keys = append(keys, e.EntryKey())
		}
	}
	next, done = rows[len(rows)-1].EntryKey(), len(rows) < purgeRows
	if len(keys) == 0 {
		return next, 0, done, nil
	}
	err = s.Tx(ctx, func(tx *gorm.DB) error {
		removed, err = s.removeEntries(tx, keys, beforeMs)
		return err
	})
	return next, removed, done, err
}

// removeEntries removes those of the entries that are still as old as they seemed: one that came back meanwhile stays.
func (s *Store) removeEntries(tx *gorm.DB, keys []EntryKey, beforeMs int64) (removed int64, err error) {
	groups := make([]Key, len(keys))
	for i, k := range keys {
		groups[i] = k.Key
	}
	locked, err := s.holdNotices(tx, slices.Compact(groups))
	if err != nil {
		return 0, err
	}
	entries, err := s.readEntries(tx, keys)
	if err != nil {
		return 0, err
	}
	var old [][]int64
	for _, k := range keys {
		e, known := entries[k]
		if known && e.AtMs < beforeMs && (!e.Present || locked[k.Key].GoneMs > 0) {
			old = append(old, k.numbers())
		}
	}
	return entryTable().Delete(s.DB, tx, old)
}

// PurgeNotices looks at the notices that follow after in the order of their keys, and removes those that no entry is left of. It
// returns where to go on; done says that there is nothing more.
func (s *Store) PurgeNotices(ctx context.Context, after Key, beforeMs int64) (next Key, removed int64, done bool, err error) {
	rows, err := s.NoticesAfter(ctx, after, purgeRows)
	if err != nil || len(rows) == 0 {
		return after, 0, true, err
	}
	var keys []Key
	for _, n := range rows {
		if n.Entries == 0 && n.GoneMs < beforeMs {
			keys = append(keys, n.Key)
		}
	}
	next, done = rows[len(rows)-1].Key, len(rows) < purgeRows
	if len(keys) == 0 {
		return next, 0, done, nil
	}
	err = s.Tx(ctx, func(tx *gorm.DB) error {
		removed, err = s.removeNotices(tx, keys, beforeMs)
		return err
	})
	return next, removed, done, err
}

// anyEntrySQL is one look into the primary key.
const anyEntrySQL = "SELECT * FROM (SELECT ? AS place FROM notice_entries WHERE user_id = ? AND kind = ? AND subject_id = ? LIMIT 1) AS t"

// removeNotices removes those of the notices that have no entry, not even one that was taken back.
func (s *Store) removeNotices(tx *gorm.DB, keys []Key, beforeMs int64) (removed int64, err error) {
	locked, err := s.holdNotices(tx, keys)
	if err != nil {
		return 0, err
	}
	filled := make([]bool, len(keys))
	for first := 0; first < len(keys); first += maxUnion {
		part := keys[first:min(first+maxUnion, len(keys))]
		args := make([]any, 0, 4*len(part))
		for i, k := range part {
			args = append(args, first+i, k.UserID, k.Kind, k.SubjectID)
		}
		type row struct{ Place int }
		err := sqldb.Rows[row]{Query: tx.Raw(sqldb.UnionAll(anyEntrySQL, len(part)), args...)}.Each(func(r row) { filled[r.Place] = true })
		if err != nil {
			return 0, err
		}
	}
	var empty [][]int64
	for i, k := range keys {
		if n, known := locked[k]; known && !filled[i] && n.Entries == 0 && n.GoneMs < beforeMs {
			empty = append(empty, k.numbers())
		}
	}
	return noticeTable().Delete(s.DB, tx, empty)
}

// holdNotices locks the notices that are there, in the order of their keys, and reads them.
func (s *Store) holdNotices(tx *gorm.DB, keys []Key) (map[Key]Notice, error) {
	return s.readNotices(s.ForUpdate(tx), keys)
}
