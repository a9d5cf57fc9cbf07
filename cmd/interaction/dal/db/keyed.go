package db

import (
	"strconv"

	"gorm.io/gorm"

	"tiktok/pkg/sqldb"
)

// keyed are the rows of a table whose columns a and b are one of the pairs. MySQL and MariaDB plan a list of pairs,
// (a, b) IN (...), for longer than they need to read the rows: 100 ms for 512 pairs of a table of 100,000 rows. Joined to a
// table of the pairs each row is one look-up, in the order of the pairs, 2 ms in all.
func keyed(q *gorm.DB, sqlite bool, table, a, b string, pairs [][2]int64) *gorm.DB {
	if !sqlite {
		const keys = "JSON_TABLE(?, '$[*]' COLUMNS (u BIGINT PATH '$[0]', v BIGINT PATH '$[1]')) AS k "
		return q.Table(keys+"STRAIGHT_JOIN "+table+" ON "+a+" = k.u AND "+b+" = k.v", pairsJSON(pairs))
	}
	args := make([]any, 0, 2*len(pairs))
	for _, p := range pairs {
		args = append(args, p[0], p[1])
	}
	return q.Table(table).Where("("+a+", "+b+") IN (VALUES "+sqldb.Pairs(len(pairs))+")", args...)
}

// pairsJSON writes pairs as JSON: [[1,2],...].
func pairsJSON(pairs [][2]int64) string {
	b := make([]byte, 0, 40*len(pairs)+2)
	b = append(b, '[')
	for i, p := range pairs {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '[')
		b = strconv.AppendInt(b, p[0], 10)
		b = append(b, ',')
		b = strconv.AppendInt(b, p[1], 10)
		b = append(b, ']')
	}
	return string(append(b, ']'))
}
