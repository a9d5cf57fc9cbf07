package sqldb

import (
	"strconv"
	"strings"

	"gorm.io/gorm"
)

// Keyed is a table whose rows are read and removed by lists of keys, which are whole numbers. MySQL and MariaDB plan a list of keys,
// (a, b, c) IN (...), for longer than they need to read the rows, or read all rows; joined to a table of the keys each row is one look-up,
// in the order of the keys. A sharded Vitess cannot send such a table to the shards, and TiDB has none (JSON_TABLE): there the list of keys
// is what finds the rows, by the primary key. ADR 30 has the figures.
type Keyed struct {
	Table string
	// Columns are those of the key, which is the primary key or begins it.
	Columns []string
}

// Query is the query of the rows with these keys, as t, without its columns. At most 5000 numbers, and at least one key.
func (k Keyed) Query(d *DB, tx *gorm.DB, keys [][]int64) *gorm.DB {
	if d.HasJSONTable() {
		return tx.Table(k.joined(), array(keys))
	}
	where, args := k.in(d, keys)
	return tx.Table(k.listed(d)).Where(where, args...)
}

// Delete deletes the rows with these keys, and returns how many there were.
func (k Keyed) Delete(d *DB, tx *gorm.DB, keys [][]int64) (deleted int64, err error) {
	return k.DeleteWhere(d, tx, keys, "1 = 1")
}

// DeleteWhere deletes those of the rows with these keys that a condition is true of, and returns how many there were.
func (k Keyed) DeleteWhere(d *DB, tx *gorm.DB, keys [][]int64, condition string, args ...any) (deleted int64, err error) {
	if len(keys) == 0 {
		return 0, nil
	}
	query, all := "DELETE t FROM "+k.joined()+" WHERE "+condition, append([]any{array(keys)}, args...)
	if !d.HasJSONTable() {
		where, values := k.in(d, keys)
		query, all = "DELETE FROM "+k.Table+" WHERE "+where+" AND "+condition, append(values, args...)
		if !d.IsSQLite() {
			query = "DELETE t FROM " + k.listed(d) + " WHERE " + where + " AND " + condition
		}
	}
	r := tx.Exec(query, all...)
	return r.RowsAffected, r.Error
}

// joined is the table, as t, behind a table of keys, which is array's.
func (k Keyed) joined() string {
	var columns, on []string
	for i, c := range k.Columns {
		n := strconv.Itoa(i)
		columns = append(columns, "k"+n+" BIGINT PATH '$["+n+"]'")
		on = append(on, "t."+c+" = wanted.k"+n)
	}
	return "JSON_TABLE(?, '$[*]' COLUMNS (" + strings.Join(columns, ", ") + ")) AS wanted STRAIGHT_JOIN " + k.Table + " AS t ON " +
		strings.Join(on, " AND ")
}

// listed is the table, as t, before a list of keys. Without the hint MariaDB reads all rows of another index for a long list.
func (k Keyed) listed(d *DB) string {
	if d.IsSQLite() {
		return k.Table + " AS t"
	}
	return k.Table + " AS t FORCE INDEX (PRIMARY)"
}

// in is the condition that a row has one of the keys.
func (k Keyed) in(d *DB, keys [][]int64) (where string, args []any) {
	for _, key := range keys {
		for _, n := range key {
			args = append(args, n)
		}
	}
	values := ""
	if d.IsSQLite() {
		values = "VALUES "
	}
	one := "(" + strings.TrimSuffix(strings.Repeat("?,", len(k.Columns)), ",") + ")"
	return "(" + strings.Join(k.Columns, ", ") + ") IN (" + values + repeat(one, ",", len(keys)) + ")", args
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
