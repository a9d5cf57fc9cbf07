package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"gorm.io/gorm"

	"tiktok/pkg/sqldb"
)

const (
	// bulkRows is the number of rows of one statement, bulkCommit that of one transaction.
	bulkRows   = 2000
	bulkCommit = 50 * bulkRows
)

// bulk adds many rows to one table: as text, which costs both databases less than parameters do.
type bulk struct {
	db    *gorm.DB
	tx    *gorm.DB
	head  string
	text  []byte
	rows  int
	total int
}

func newBulk(ctx context.Context, db *sqldb.DB, table, columns string) *bulk {
	return &bulk{db: db.Write.WithContext(ctx), head: "INSERT INTO " + table + " (" + columns + ") VALUES "}
}

// add takes one row: numbers, bytes, and texts of letters, digits and blanks, $ and other harmless signs.
func (b *bulk) add(values ...any) error {
	if len(b.text) == 0 {
		b.text = append(b.text, b.head...)
	} else {
		b.text = append(b.text, ',')
	}
	sep := byte('(')
	for _, v := range values {
		b.text = append(b.text, sep)
		sep = ','
		switch v := v.(type) {
		case int64:
			b.text = strconv.AppendInt(b.text, v, 10)
		case int:
			b.text = strconv.AppendInt(b.text, int64(v), 10)
		case string:
			if strings.ContainsAny(v, `'\?@`) {
				return fmt.Errorf("%q cannot be loaded as it is", v)
			}
			b.text = append(append(append(b.text, '\''), v...), '\'')
		case []byte:
			b.text = append(hex.AppendEncode(append(b.text, "x'"...), v), '\'')
		default:
			return fmt.Errorf("%T cannot be loaded", v)
		}
	}
	b.text = append(b.text, ')')
	if b.rows++; b.rows == bulkRows {
		return b.flush()
	}
	return nil
}

// flush sends the rows that wait, and commits now and then.
func (b *bulk) flush() error {
	if b.rows == 0 {
		return nil
	}
	if b.tx == nil {
		if b.tx = b.db.Begin(); b.tx.Error != nil {
			return b.tx.Error
		}
	}
	if err := b.tx.Exec(string(b.text)).Error; err != nil {
		return errors.Join(err, b.tx.Rollback().Error)
	}
	b.total += b.rows
	b.text, b.rows = b.text[:0], 0
	if b.total%bulkCommit == 0 {
		return b.commit()
	}
	return nil
}

func (b *bulk) commit() error {
	if b.tx == nil {
		return nil
	}
	err := b.tx.Commit().Error
	b.tx = nil
	return err
}

// done stores what is left. err is what went wrong before it, if anything.
func (b *bulk) done(err error) error {
	if err != nil {
		if b.tx != nil {
			_ = b.tx.Rollback() // err is the one to tell
		}
		return err
	}
	return errors.Join(b.flush(), b.commit())
}

// withoutIndexes calls fill while the table has only its primary key, if it is empty, and builds the others afterwards as
// they were: that is several times faster.
func withoutIndexes(ctx context.Context, db *sqldb.DB, table string, fill func() error) error {
	var first []int64
	if err := db.Read.WithContext(ctx).Raw("SELECT 1 FROM " + table + " LIMIT 1").Scan(&first).Error; err != nil {
		return err
	}
	if len(first) > 0 {
		return fill()
	}
	drop, create, err := indexes(ctx, db, table)
	if err != nil {
		return err
	}
	run := func(statements []string) error {
		for _, s := range statements {
			if err := db.Write.WithContext(ctx).Exec(s).Error; err != nil {
				return err
			}
		}
		return nil
	}
	if err := run(drop); err != nil {
		return err
	}
	return errors.Join(fill(), run(create))
}

// indexes are the statements that take the secondary indexes of a table away and bring them back.
func indexes(ctx context.Context, db *sqldb.DB, table string) (drop, create []string, err error) {
	if db.Dialect() == sqldb.SQLite {
		var found []struct{ Name, SQL string }
		err := db.Read.WithContext(ctx).Raw("SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = ? AND sql IS NOT NULL", table).
			Scan(&found).Error
		for _, f := range found {
			drop, create = append(drop, "DROP INDEX "+f.Name), append(create, f.SQL)
		}
		return drop, create, err
	}
	var name, text string
	if err := db.Read.WithContext(ctx).Raw("SHOW CREATE TABLE "+table).Row().Scan(&name, &text); err != nil {
		return nil, nil, err
	}
	var gone, back []string
	for line := range strings.Lines(text) {
		line = strings.TrimRight(strings.TrimSpace(line), ",")
		if strings.HasPrefix(line, "KEY `") || strings.HasPrefix(line, "UNIQUE KEY `") {
			back = append(back, "ADD "+line)
			gone = append(gone, "DROP KEY `"+strings.Split(line, "`")[1]+"`")
		}
	}
	if len(gone) == 0 {
		return nil, nil, nil
	}
	alter := "ALTER TABLE " + table + " "
	return []string{alter + strings.Join(gone, ", ")}, []string{alter + strings.Join(back, ", ")}, nil
}
