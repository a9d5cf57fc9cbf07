package sqldb

import "gorm.io/gorm"

// Each runs query, and calls fn with each row, scanned into the columns of a
// zero T. It is for lists on hot paths: GORM's own Scan looks up every column of every row by reflection, which costs
// more than the statement.
func Each[T any](query *gorm.DB, columns func(*T) []any, fn func(T)) error {
	rows, err := query.Rows()
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }() // Err tells
	var row T
	into := columns(&row)
	for rows.Next() {
		var zero T
		row = zero
		if err := rows.Scan(into...); err != nil {
			return markUnavailable(err)
		}
		fn(row)
	}
	return markUnavailable(rows.Err())
}
