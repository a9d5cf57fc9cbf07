package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"

	gormsqlite "gorm.io/driver/sqlite"
	"gorm.io/gorm"
	"modernc.org/sqlite" // also registers the pure Go driver under the name "sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// openSQLite opens <dir>/<name>.db with one connection that writes and a pool that reads. SQLite has one writer at a
// time anyway: queueing for it in Go is fair and fails never with "database is locked", while readers see the last
// committed state and wait for nobody (WAL).
func openSQLite(ctx context.Context, cfg Config, name string) (*DB, error) {
	dir, err := filepath.Abs(cfg.Dir)
	if err != nil || cfg.Dir == "" {
		return nil, fmt.Errorf("sqldb: bad folder %q: %w", cfg.Dir, err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("sqldb: %w", err)
	}
	file := filepath.Join(dir, name+".db")
	readers := cfg.MaxOpen
	if readers <= 0 {
		readers = max(4, runtime.NumCPU())
	}

	d := &DB{dialect: SQLite, name: name}
	d.Write, err = d.addSQLite(ctx, "write", writerDSN(file), 1)
	if err == nil {
		d.Read, err = d.addSQLite(ctx, "read", readerDSN(file), readers)
		d.Stale = d.Read
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("sqldb: open %s: %w", file, err), d.Close())
	}
	return d, nil
}

// addSQLite opens one pool. Its connections stay open: opening one costs as much as dozens of queries.
func (d *DB) addSQLite(ctx context.Context, name, dsn string, conns int) (*gorm.DB, error) {
	db, err := sql.Open("sqlite", dsn)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(conns)
	db.SetMaxIdleConns(conns)
	d.pools = append(d.pools, pool{name, db})
	if err := db.PingContext(ctx); err != nil {
		return nil, err
	}
	return openGORM(sqliteDialector{gormsqlite.Dialector{DriverName: "sqlite", Conn: db}})
}

// writerDSN: the busy timeout comes first, so that switching to WAL waits for another process; a transaction takes the
// write lock at BEGIN, so it never fails half-way for having read first.
func writerDSN(file string) string {
	return sqliteDSN(file, url.Values{
		"_pragma": {
			fmt.Sprintf("busy_timeout(%d)", lockWait.Milliseconds()), "journal_mode(WAL)", "synchronous(NORMAL)",
			"foreign_keys(1)", "journal_size_limit(67108864)",
		},
		"_txlock": {"immediate"},
	})
}

// readerDSN: the file is already in WAL mode; a write through a reader is a bug and fails.
func readerDSN(file string) string {
	return sqliteDSN(file, url.Values{
		"_pragma": {fmt.Sprintf("busy_timeout(%d)", lockWait.Milliseconds()), "synchronous(NORMAL)", "query_only(1)"},
	})
}

// sqliteDSN is a file: URI, with every special character of the path escaped.
func sqliteDSN(file string, options url.Values) string {
	return "file:" + (&url.URL{Path: filepath.ToSlash(file)}).EscapedPath() + "?" + options.Encode()
}

// sqliteDialector is GORM's own SQLite dialect over the pure Go driver, whose errors GORM does not know.
type sqliteDialector struct{ gormsqlite.Dialector }

// Translate implements gorm.ErrorTranslator.
func (d sqliteDialector) Translate(err error) error {
	if isSQLiteDuplicate(err) {
		return gorm.ErrDuplicatedKey
	}
	return markUnavailable(err)
}

// Explain implements gorm.Dialector for logs and traces: see statementOnly.
func (sqliteDialector) Explain(sql string, _ ...any) string { return statementOnly(sql) }

// isSQLiteDuplicate tells a violated unique or primary key.
func isSQLiteDuplicate(err error) bool {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return false
	}
	return e.Code() == sqlite3.SQLITE_CONSTRAINT_UNIQUE || e.Code() == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY
}

// isSQLiteFull tells that the disk has no room for what is written, or for the index of the log that all share.
func isSQLiteFull(err error) bool {
	var e *sqlite.Error
	return errors.As(err, &e) && (e.Code()&0xff == sqlite3.SQLITE_FULL || e.Code() == sqlite3.SQLITE_IOERR_SHMSIZE)
}

// isSQLiteBusy tells that another connection or process holds a lock: trying again helps.
func isSQLiteBusy(err error) bool {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return false
	}
	primary := e.Code() & 0xff
	return primary == sqlite3.SQLITE_BUSY || primary == sqlite3.SQLITE_LOCKED
}
