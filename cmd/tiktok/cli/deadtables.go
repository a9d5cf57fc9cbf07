package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"tiktok/cmd/services"
	"tiktok/config"
	"tiktok/pkg/lifecycle"
	"tiktok/pkg/outbox"
	"tiktok/pkg/queue"
	"tiktok/pkg/sqldb"
)

// letters are the dead letters that a command works on.
type letters interface {
	Count(ctx context.Context) (int, error)
	List(ctx context.Context, limit int, fn func(queue.DeadLetter) error) (int, error)
	Replay(ctx context.Context, limit int, fn func(queue.DeadLetter)) (int, error)
	Drop(ctx context.Context, limit int, fn func(queue.DeadLetter) error) (int, error)
}

// several are dead letters of several places, one place after the other.
type several []letters

// tables are the dead letters of one consumer in the schemas of all services that have an outbox.
type tables struct {
	several
	closers lifecycle.Closers
}

// openTables opens the schemas. A file of SQLite that does not exist is not made.
func openTables(ctx context.Context, cfg config.Config, consumer string) (_ *tables, err error) {
	t := &tables{}
	defer func() {
		if err != nil {
			err = errors.Join(err, t.closers.Close())
		}
	}()
	for _, s := range services.All() {
		if s.Migrations == nil {
			continue
		}
		if cfg.DB.Driver == sqldb.SQLite {
			if _, err := os.Stat(filepath.Join(cfg.DB.Dir, s.Name+".db")); err != nil {
				continue
			}
		}
		db, err := sqldb.Open(ctx, cfg.DB, s.Name)
		if err != nil {
			return nil, err
		}
		t.closers.Add(db.Close)
		if outbox.HasOutbox(ctx, db) {
			t.several = append(t.several, outbox.NewDeadLetters(db, consumer))
		}
	}
	if len(t.several) == 0 {
		return nil, fmt.Errorf("there is no outbox in %s", cfg.DataDir)
	}
	return t, nil
}

// Close closes the schemas.
func (t *tables) Close() error { return t.closers.Close() }

// Count is how many there are.
func (s several) Count(ctx context.Context) (n int, err error) {
	for _, d := range s {
		one, err := d.Count(ctx)
		if err != nil {
			return n, err
		}
		n += one
	}
	return n, nil
}

// List is as queue.DeadLetters.List.
func (s several) List(ctx context.Context, limit int, fn func(queue.DeadLetter) error) (int, error) {
	return s.upTo(limit, func(d letters, left int) (int, error) { return d.List(ctx, left, fn) })
}

// Replay is as queue.DeadLetters.Replay.
func (s several) Replay(ctx context.Context, limit int, fn func(queue.DeadLetter)) (int, error) {
	return s.upTo(limit, func(d letters, left int) (int, error) { return d.Replay(ctx, left, fn) })
}

// Drop is as queue.DeadLetters.Drop.
func (s several) Drop(ctx context.Context, limit int, fn func(queue.DeadLetter) error) (int, error) {
	return s.upTo(limit, func(d letters, left int) (int, error) { return d.Drop(ctx, left, fn) })
}

// upTo calls fn for one place after the other until it has had limit of them, 0 for all.
func (s several) upTo(limit int, fn func(d letters, left int) (int, error)) (n int, err error) {
	for _, d := range s {
		left := 0
		if limit > 0 {
			if left = limit - n; left == 0 {
				break
			}
		}
		one, err := fn(d, left)
		if n += one; err != nil {
			return n, err
		}
	}
	return n, nil
}
