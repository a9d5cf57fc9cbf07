package sqldb

import (
	"context"
	"strings"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// UnionAll is n times the same query, so that one statement asks it about n things. It is empty for n below 1. SQLite
// takes 500 in one statement.
func UnionAll(query string, n int) string { return repeat(query, " UNION ALL ", n) }

// Pairs is the list (?,?),(?,?) with n pairs. It is empty for n below 1.
func Pairs(n int) string { return repeat("(?,?)", ",", n) }

func repeat(s, between string, n int) string {
	return strings.TrimSuffix(strings.Repeat(s+between, max(n, 0)), between)
}

// Greatest is the greatest number in any of the columns, each "table.column", 0 when all are empty.
func (d *DB) Greatest(ctx context.Context, columns ...string) (greatest int64, err error) {
	each := make([]string, len(columns))
	for i, name := range columns {
		table, column, _ := strings.Cut(name, ".")
		each[i] = "SELECT MAX(" + column + ") AS n FROM " + table
	}
	query := "SELECT COALESCE(MAX(n), 0) FROM (" + strings.Join(each, " UNION ALL ") + ") AS each_table"
	return greatest, Translate(d.Read.WithContext(ctx).Raw(query).Scan(&greatest).Error)
}

// ForUpdate makes the SELECT that tx is about to run lock its rows until the transaction ends. On SQLite a
// transaction is alone with the file already.
func (d *DB) ForUpdate(tx *gorm.DB) *gorm.DB {
	if d.IsSQLite() {
		return tx
	}
	return tx.Clauses(clause.Locking{Strength: "UPDATE"})
}

// Upsert makes a Create change the rows whose key, a list of columns, is there already: as set says. Such a row is locked.
func Upsert(set clause.Set, key ...string) clause.OnConflict {
	columns := make([]clause.Column, len(key))
	for i, name := range key {
		columns[i].Name = name
	}
	return clause.OnConflict{Columns: columns, DoUpdates: set}
}

// Adding is for Upsert: the new row's values of the columns are added to the stored ones.
func (d *DB) Adding(columns ...string) clause.Set {
	sums := make(map[string]any, len(columns))
	for _, c := range columns {
		sums[c] = gorm.Expr(c + " + " + d.NewValue(c))
	}
	return clause.Assignments(sums)
}

// Advancing is for Upsert: the column becomes the new row's value, or the stored one plus step if that is more. So it grows by step
// at least, whatever the clocks of its writers say.
func (d *DB) Advancing(column string, step int64) clause.Set {
	return clause.Assignments(map[string]any{column: gorm.Expr(d.Greater(column+" + ?", d.NewValue(column)), step)})
}

// AfterPair is a condition for the rows behind a pair in the order of two columns that begin an index; its arguments are the pair and the
// first of it again. Each dialect finds the first of these rows at once, however many have the same first column.
func (d *DB) AfterPair(a, b string) string {
	if d.IsSQLite() {
		return "((" + a + ", " + b + ") > (?, ?) AND " + a + " >= ?)"
	}
	return "((" + a + " = ? AND " + b + " > ?) OR " + a + " > ?)"
}

// Greater is the expression for the greater one of two.
func (d *DB) Greater(a, b string) string {
	if d.IsSQLite() {
		return "MAX(" + a + ", " + b + ")"
	}
	return "GREATEST(" + a + ", " + b + ")"
}

// NewValue is the value of a column that an INSERT would have stored, for expressions in the set of Upsert.
func (d *DB) NewValue(column string) string {
	if d.IsSQLite() {
		return "excluded." + column
	}
	return "VALUES(" + column + ")"
}
