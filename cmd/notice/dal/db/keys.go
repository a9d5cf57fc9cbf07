package db

import (
	"gorm.io/gorm"

	"tiktok/pkg/sqldb"
)

func noticeTable() sqldb.Keyed {
	return sqldb.Keyed{Table: "notices", Columns: []string{"user_id", "kind", "subject_id"}}
}

func entryTable() sqldb.Keyed {
	return sqldb.Keyed{Table: "notice_entries", Columns: []string{"user_id", "kind", "subject_id", "entry_id"}}
}

func (k Key) numbers() []int64 { return []int64{k.UserID, int64(k.Kind), k.SubjectID} }

func (k EntryKey) numbers() []int64 { return append(k.Key.numbers(), k.EntryID) }

// readNotices reads the notices with these keys, at most maxRows.
func (s *Store) readNotices(tx *gorm.DB, keys []Key) (map[Key]Notice, error) {
	if len(keys) == 0 {
		return map[Key]Notice{}, nil
	}
	rows := make([][]int64, len(keys))
	for i, k := range keys {
		rows[i] = k.numbers()
	}
	q := noticeTable().Query(s.DB, tx, rows).Select(sqldb.Columns[Notice](tx, "t"))
	return sqldb.Map(sqldb.Rows[Notice]{Query: q}, func(n Notice) Key { return n.Key })
}

// readEntries reads the entries with these keys, at most maxRows: those that were taken back, too.
func (s *Store) readEntries(tx *gorm.DB, keys []EntryKey) (map[EntryKey]Entry, error) {
	if len(keys) == 0 {
		return map[EntryKey]Entry{}, nil
	}
	rows := make([][]int64, len(keys))
	for i, k := range keys {
		rows[i] = k.numbers()
	}
	q := entryTable().Query(s.DB, tx, rows).Select(sqldb.Columns[Entry](tx, "t"))
	return sqldb.Map(sqldb.Rows[Entry]{Query: q}, Entry.EntryKey)
}
