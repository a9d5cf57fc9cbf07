package sqldb

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"time"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/database"
	"github.com/prometheus/client_golang/prometheus"
)

// migrateWait is how many seconds one replica waits for another that migrates the same schema.
const migrateWait = 120

// slowStatement is how long a service's statement may take before it is logged.
const slowStatement = 500 * time.Millisecond

// Migrate brings the schema to the newest version. fsys holds the folders migrations/sqlite and migrations/mysql,
// each with files 00001_name.sql in goose's format. Several replicas may call it at once: on MySQL they take turns under a named lock.
func (d *DB) Migrate(ctx context.Context, fsys fs.FS) error {
	sub, err := fs.Sub(fsys, "migrations/"+d.dialect)
	if err != nil {
		return fmt.Errorf("sqldb: migrations of %s: %w", d.name, err)
	}
	dialect, opts := goose.DialectSQLite3, []goose.ProviderOption{goose.WithDisableGlobalRegistry(true)}
	if d.dialect == MySQL {
		unlock, err := d.lockMigration(ctx)
		if err != nil {
			return fmt.Errorf("sqldb: migrate %s: %w", d.name, err)
		}
		defer unlock()
		store, err := database.NewStore(goose.DialectMySQL, goose.DefaultTablename)
		if err != nil {
			return fmt.Errorf("sqldb: migrations of %s: %w", d.name, err)
		}
		dialect, opts = goose.DialectCustom, append(opts, goose.WithStore(versions{store}))
	}
	p, err := goose.NewProvider(dialect, d.pools[0].db, sub, opts...)
	if err != nil {
		return fmt.Errorf("sqldb: migrations of %s: %w", d.name, err)
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("sqldb: migrate %s: %w", d.name, err)
	}
	if d.replica == nil {
		return nil
	}
	for _, statement := range []string{makeBeatsSQL, firstBeatSQL} {
		if _, err := d.pools[0].db.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("sqldb: migrate %s: %w", d.name, err)
		}
	}
	return nil
}

// versions are the migrations that were done. goose looks for their table in information_schema under the name of the schema, which is
// another one behind vtgate.
type versions struct{ database.Store }

// TableExists implements goose's database.StoreExtender.
func (v versions) TableExists(ctx context.Context, db database.DBTxConn) (bool, error) {
	var version int64
	err := db.QueryRowContext(ctx, "SELECT version_id FROM "+v.Tablename()+" LIMIT 1").Scan(&version)
	if isMySQLError(err, mysqlNoTable) {
		return false, nil
	}
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return err == nil, err
}

// lockMigration takes MySQL's named lock of this schema. The lock belongs to a session: the server frees it should
// this process die.
func (d *DB) lockMigration(ctx context.Context) (unlock func(), err error) {
	conn, err := d.pools[0].db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	name := "migrate:" + d.schema // 64 characters at most
	var got sql.NullInt64
	err = conn.QueryRowContext(ctx, "SELECT GET_LOCK(?, ?)", name, migrateWait).Scan(&got)
	if err == nil && got.Int64 != 1 {
		err = errors.New("another process has been migrating for too long")
	}
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return func() {
		var freed sql.NullInt64
		err := conn.QueryRowContext(context.WithoutCancel(ctx), "SELECT RELEASE_LOCK(?)", name).Scan(&freed)
		if err != nil { // the session is gone, and its lock with it
			_ = conn.Raw(func(any) error { return driver.ErrBadConn })
		}
		_ = conn.Close()
	}, nil
}

// OpenMigrated is Open, Instrument and Migrate: what a service does when it starts. Statements that take longer than
// half a second are logged.
func OpenMigrated(ctx context.Context, cfg Config, name string, fsys fs.FS, log *slog.Logger, reg prometheus.Registerer) (*DB, error) {
	d, err := Open(ctx, cfg, name)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(d.Instrument(log, reg, slowStatement), d.Migrate(ctx, fsys)); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}
