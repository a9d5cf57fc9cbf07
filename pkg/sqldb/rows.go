package sqldb

import (
	"fmt"
	"reflect"
	"strings"

	"gorm.io/gorm"
)

// Rows is a query whose rows are read into T. A column of the result goes into the field of T that has its name: the one in GORM's
// tag, else the field's own name in snake case. A column that no field has is an error.
//
// It is for hot paths. GORM's Scan looks up every column of every row by reflection, which costs more than the statement; here the
// fields are looked up once a query.
type Rows[T any] struct{ Query *gorm.DB }

// Select reads every column of T: rest is the statement from its FROM on.
func Select[T any](db *gorm.DB, rest string, args ...any) Rows[T] {
	return Rows[T]{db.Raw("SELECT "+Columns[T](db, "")+" "+rest, args...)}
}

// Columns lists the columns of T for a SELECT: "id, name", with the alias t "t.id, t.name". T must be a struct.
func Columns[T any](db *gorm.DB, alias string) string {
	stmt := gorm.Statement{DB: db}
	if err := stmt.Parse(new(T)); err != nil {
		return err.Error() // the statement fails with it
	}
	if alias == "" {
		return strings.Join(stmt.Schema.DBNames, ", ")
	}
	return alias + "." + strings.Join(stmt.Schema.DBNames, ", "+alias+".")
}

// Each calls fn with each row, in order. Its error is as Translate returns it.
func (r Rows[T]) Each(fn func(T)) error {
	rows, err := r.Query.Rows()
	if err != nil {
		return Translate(err)
	}
	defer func() { _ = rows.Close() }() // Err tells
	names, err := rows.Columns()
	if err != nil {
		return Translate(markUnavailable(err))
	}
	var row, zero T
	fields, err := fieldsOf(r.Query, &row, names)
	if err != nil {
		return err
	}
	for rows.Next() {
		row = zero
		if err := rows.Scan(fields...); err != nil {
			return Translate(markUnavailable(err))
		}
		fn(row)
	}
	return Translate(markUnavailable(rows.Err()))
}

// All returns the rows in order, nil when there are none.
func (r Rows[T]) All() (all []T, err error) {
	err = r.Each(func(row T) { all = append(all, row) })
	return all, err
}

// Map returns the rows by their keys. It is never nil without an error.
func Map[K comparable, T any](r Rows[T], key func(T) K) (map[K]T, error) {
	found := map[K]T{}
	if err := r.Each(func(row T) { found[key(row)] = row }); err != nil {
		return nil, err
	}
	return found, nil
}

// fieldsOf returns pointers to the fields of row that the columns are stored in.
func fieldsOf[T any](query *gorm.DB, row *T, columns []string) ([]any, error) {
	stmt := gorm.Statement{DB: query}
	if err := stmt.Parse(row); err != nil {
		return nil, err
	}
	value, fields := reflect.ValueOf(row).Elem(), make([]any, len(columns))
	for i, name := range columns {
		field := stmt.Schema.FieldsByDBName[name]
		if field == nil {
			return nil, fmt.Errorf("sqldb: %T has no field for the column %q", *row, name)
		}
		fields[i] = field.ReflectValueOf(query.Statement.Context, value).Addr().Interface()
	}
	return fields, nil
}
