package db

import (
	"strconv"
	"strings"

	"gorm.io/gorm"

	"tiktok/pkg/sqldb"
)

// keyed is a table whose rows are read and removed by lists of keys. MySQL and MariaDB plan a list of keys, (a, b, c) IN (...), for longer
// than they need to read the rows, or read all rows; joined to a table of the keys each row is one look-up, in the order of the keys.
type keyed struct {
	name    string
	columns []string
}

func noticeTable() keyed { return keyed{"notices", []string{"user_id", "kind", "subject_id"}} }

func entryTable() keyed {
	return keyed{"notice_entries", []string{"user_id", "kind", "subject_id", "entry_id"}}
}

func (k Key) numbers() []int64 { return []int64{k.UserID, int64(k.Kind), k.SubjectID} }

func (k EntryKey) numbers() []int64 { return append(k.Key.numbers(), k.EntryID) }

// readNotices reads the notices with these keys, at most maxRows.
func readNotices(tx *gorm.DB, sqlite bool, keys []Key) (map[Key]Notice, error) {
	rows := make([][]int64, len(keys))
	for i, k := range keys {
		rows[i] = k.numbers()
	}
	q := noticeTable().query(tx, sqlite, rows).Select(sqldb.Columns[Notice](tx, "t"))
	return sqldb.Map(sqldb.Rows[Notice]{Query: q}, func(n Notice) Key { return n.Key })
}

// readEntries reads the entries with these keys, at most maxRows: those that were taken back, too.
func readEntries(tx *gorm.DB, sqlite bool, keys []EntryKey) (map[EntryKey]Entry, error) {
	rows := make([][]int64, len(keys))
	for i, k := range keys {
		rows[i] = k.numbers()
	}
	q := entryTable().query(tx, sqlite, rows).Select(sqldb.Columns[Entry](tx, "t"))
	return sqldb.Map(sqldb.Rows[Entry]{Query: q}, Entry.EntryKey)
}

// query is that of the rows with these keys, as t, without its columns.
func (k keyed) query(tx *gorm.DB, sqlite bool, keys [][]int64) *gorm.DB {
	if sqlite {
		where, args := k.in(keys)
		return tx.Table(k.name+" AS t").Where(where, args...)
	}
	return tx.Table(k.joined(), array(keys))
}

// remove deletes the rows with these keys.
func (k keyed) remove(tx *gorm.DB, sqlite bool, keys [][]int64) (removed int64, err error) {
	if len(keys) == 0 {
		return 0, nil
	}
	query, args := "DELETE t FROM "+k.joined(), []any{array(keys)}
	if sqlite {
		where, values := k.in(keys)
		query, args = "DELETE FROM "+k.name+" WHERE "+where, values
	}
	r := tx.Exec(query, args...)
	return r.RowsAffected, r.Error
}

// joined is the table, as t, behind a table of keys, which is array's.
func (k keyed) joined() string {
	var columns, on []string
	for i, c := range k.columns {
		n := strconv.Itoa(i)
		columns = append(columns, "k"+n+" BIGINT PATH '$["+n+"]'")
		on = append(on, "t."+c+" = wanted.k"+n)
	}
	return "JSON_TABLE(?, '$[*]' COLUMNS (" + strings.Join(columns, ", ") + ")) AS wanted STRAIGHT_JOIN " + k.name + " AS t ON " +
		strings.Join(on, " AND ")
}

// in is a condition for SQLite.
func (k keyed) in(keys [][]int64) (where string, args []any) {
	one := ",(" + strings.TrimSuffix(strings.Repeat("?,", len(k.columns)), ",") + ")"
	for _, key := range keys {
		for _, n := range key {
			args = append(args, n)
		}
	}
	return "(" + strings.Join(k.columns, ", ") + ") IN (VALUES " + strings.Repeat(one, len(keys))[1:] + ")", args
}

// array writes keys as JSON: [[1,2,3],...].
func array(keys [][]int64) string {
	b := make([]byte, 0, 60*len(keys)+2)
	for _, key := range keys {
		b = append(b, ",["...)
		for i, n := range key {
			if i > 0 {
				b = append(b, ',')
			}
			b = strconv.AppendInt(b, n, 10)
		}
		b = append(b, ']')
	}
	if len(b) == 0 {
		return "[]"
	}
	b[0] = '['
	return string(append(b, ']'))
}
