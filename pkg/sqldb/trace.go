package sqldb

import (
	"context"
	"errors"
	"strings"
	"time"

	"gorm.io/gorm"

	"tiktok/pkg/tracing"
)

// maxStatement bounds a statement's text in logs and traces, in bytes.
const maxStatement = 300

// span notes a statement of a recorded request, without its values.
func (w watch) span(ctx context.Context, begin time.Time, fc func() (string, int64), err error) {
	statement, rows := fc()
	verb, _, _ := strings.Cut(strings.TrimSpace(statement), " ")
	span := tracing.Since(ctx, begin, tracing.Client, strings.ToUpper(cut(verb, 16))+" "+w.name)
	defer span.End()
	span.Text("db.system.name", w.dialect)
	span.Text("db.namespace", w.name)
	span.Text("db.query.text", cut(statement, maxStatement))
	span.Int("db.response.affected_rows", int(rows))
	switch err := Translate(err); {
	case err == nil, errors.Is(err, ErrNotFound):
	case errors.Is(err, ErrDuplicate):
		span.Text("error.type", "duplicate") // the caller expects it
	case isUnavailable(err):
		span.Fail(kindUnavailable)
	default:
		span.Fail(kindOther)
	}
}

// cut shortens an ASCII text.
func cut(s string, limit int) string {
	if len(s) > limit {
		return s[:limit] + "…"
	}
	return s
}

// transaction is GORM's, and tells a commit whose outcome is not known.
func (d *DB) transaction(ctx context.Context, fn func(tx *gorm.DB) error) error {
	finished := false
	err := d.traced(ctx, func(tx *gorm.DB) error {
		err := fn(tx)
		finished = err == nil
		return err
	})
	if finished {
		return markUnknown(err)
	}
	return err
}

// traced is GORM's transaction, with a span for the whole and one for the commit when the request is recorded.
func (d *DB) traced(ctx context.Context, fn func(tx *gorm.DB) error) error {
	if !tracing.On(ctx) {
		return d.Write.WithContext(ctx).Transaction(fn)
	}
	ctx, span := tracing.Start(ctx, tracing.Client, "transaction "+d.name)
	defer span.End()
	span.Text("db.system.name", d.dialect)
	span.Text("db.namespace", d.name)
	var done time.Time
	err := d.Write.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		err := fn(tx)
		if err == nil {
			done = time.Now()
		}
		return err
	})
	if !done.IsZero() {
		commit := tracing.Since(ctx, done, tracing.Client, "COMMIT "+d.name)
		if err != nil {
			commit.Fail(kindOther)
		}
		commit.End()
	}
	if err != nil {
		span.Text("error.type", "rolled back")
	}
	return err
}
