// Package sqldb opens the SQL schema of one service, on SQLite or on MySQL/MariaDB, and hides what differs between
// the two: pools, transactions, retries, migrations and error values. It is the only home of the SQL drivers.
package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"tiktok/pkg/tlsconf"
)

// Names of the two dialects, as Config.Driver and DB.Dialect use them.
const (
	SQLite = "sqlite"
	MySQL  = "mysql"
)

const (
	// openTimeout bounds Open: connecting, creating the schema, the first answer.
	openTimeout = 15 * time.Second
	// lockWait is how long one statement waits for a lock before it fails; the transaction is then tried again.
	lockWait = 5 * time.Second
	// idleTransaction is after how long MariaDB ends a transaction whose process asks for nothing: less than lockWait, so that who waits
	// for its locks gets them.
	idleTransaction = 3 * time.Second
)

// Config says where the schemas of the services are.
type Config struct {
	// Driver is "sqlite" or "mysql" (also MariaDB).
	Driver string `mapstructure:"driver"`
	// Dir is the folder of the SQLite files, one <name>.db for each service. Open creates it.
	Dir string `mapstructure:"dir"`
	// Addr is host:port of MySQL.
	Addr string `mapstructure:"addr"`
	// ReadAddr is host:port of a replica of it, for later pages and lists that need not be fresh; the account is the same. While the
	// replica is away, or more than 10 s behind, they are read from Addr. Empty: always.
	ReadAddr string `mapstructure:"read_addr"`
	// User is the MySQL account. It needs all rights on its schema, and CREATE only when the schema is missing.
	User string `mapstructure:"user"`
	// Password of the MySQL account.
	Password string `mapstructure:"password"`
	// TLS is for the connections to MySQL, TLS 1.2 at least. Empty: no TLS.
	TLS tlsconf.Config `mapstructure:"tls"`
	// Services are those whose schema is on a server or under an account of its own, by their names.
	Services map[string]Server `mapstructure:"services"`
	// SchemaPrefix comes before the service's name in the name of its MySQL schema: "tiktok_" + "user".
	SchemaPrefix string `mapstructure:"schema_prefix"`
	// MaxOpen is the number of MySQL connections, or of SQLite readers. 0 means 32 for MySQL, and 4 or the number of
	// CPUs, whichever is more, for SQLite.
	MaxOpen int `mapstructure:"max_open"`
	// NoJSONTable is for a server of the mysql driver that has no JSON_TABLE, or cannot use it on shards, and does not say in VERSION()
	// that it is Vitess or TiDB.
	NoJSONTable bool `mapstructure:"no_json_table"`
}

// DB is one open schema. It is safe for concurrent use.
type DB struct {
	// Read is for queries outside of a transaction. On SQLite its connections refuse to write.
	Read *gorm.DB
	// Write is for single statements that change rows; use Tx for more than one. On SQLite it is one connection, so
	// do not query Read's rows and wait for Write inside Tx. On MySQL it is the same value as Read.
	Write *gorm.DB
	// Stale is Read, or a replica, which may be seconds behind: for pages and lists that nobody has written themselves. What is read
	// there must never fill a cache that writes invalidate: the value would be from before the write, and stay.
	Stale *gorm.DB

	dialect string
	name    string // of the service, for metrics
	schema  string // of MySQL
	pools   []pool

	server    *server  // nil on SQLite
	jsonTable bool     // statements may read JSON_TABLE
	replica   *replica // nil when there is none
}

// pool is one connection pool of a DB.
type pool struct {
	name string
	db   *sql.DB
}

// Open connects to the schema of the service called name (a-z, 0-9 and _) and makes sure that it answers. A missing
// SQLite folder or file is created, a missing MySQL schema too when the account may. Open does not migrate.
func Open(ctx context.Context, cfg Config, name string) (*DB, error) {
	if !validName(name) {
		return nil, fmt.Errorf("sqldb: bad schema name %q", name)
	}
	ctx, cancel := context.WithTimeout(patient(ctx, time.Now()), openTimeout)
	defer cancel()
	cfg = cfg.For(name)
	switch cfg.Driver {
	case SQLite:
		return openSQLite(ctx, cfg, name)
	case MySQL:
		return openMySQL(ctx, cfg, name)
	default:
		return nil, fmt.Errorf("sqldb: unknown driver %q, want %q or %q", cfg.Driver, SQLite, MySQL)
	}
}

// Dialect is "sqlite" or "mysql".
func (d *DB) Dialect() string { return d.dialect }

// IsSQLite tells the dialect.
func (d *DB) IsSQLite() bool { return d.dialect == SQLite }

// HasJSONTable tells whether statements may read MySQL's JSON_TABLE. SQLite, TiDB and a sharded Vitess have none.
func (d *DB) HasJSONTable() bool { return d.jsonTable }

// Behind is the same schema, but its Read is Stale.
func (d *DB) Behind() *DB {
	at := *d
	at.Read = d.Stale
	return &at
}

// Ping asks every pool for one answer, but for that of a replica, which is not needed. It does not wait for a server that is away.
func (d *DB) Ping(ctx context.Context) error {
	ctx = patient(ctx, time.Now())
	for _, p := range d.pools {
		if err := p.db.PingContext(ctx); err != nil {
			return fmt.Errorf("sqldb: ping %s (%s): %w", d.name, p.name, err)
		}
	}
	return nil
}

// Close waits for running statements and closes all connections.
func (d *DB) Close() error {
	var errs []error
	if d.replica != nil {
		errs = append(errs, d.replica.close())
	}
	for i := len(d.pools) - 1; i >= 0; i-- { // SQLite's writer last: it folds the log back into the file
		errs = append(errs, d.pools[i].db.Close())
	}
	return errors.Join(errs...)
}

// gormConfig is the same for both dialects. GORM's statement cache (PrepareStmt) stays off: who waits for a statement
// that another request is preparing gets that request's error when its client hangs up; it can deadlock with a
// transaction on a pool of one; each length of an IN list is a statement to keep; and inside of a transaction it costs
// MySQL more round trips than it saves. Without it a SQLite read takes about a fifth more.
func gormConfig() *gorm.Config {
	return &gorm.Config{
		SkipDefaultTransaction: true,
		TranslateError:         true,
		DisableAutomaticPing:   true,
		Logger:                 logger.Discard,
	}
}

// openGORM is gorm.Open that translates the errors of all statements: GORM itself leaves out those of Raw and Row.
func openGORM(d gorm.Dialector) (*gorm.DB, error) {
	g, err := gorm.Open(d, gormConfig())
	if err != nil {
		return nil, err
	}
	row := g.Callback().Row().After("*").Register("sqldb:translate", func(tx *gorm.DB) { tx.Error = markUnavailable(tx.Error) })
	return g, errors.Join(row, markLostWrites(g))
}

// validName keeps names to what is safe inside of a file name and inside of backquotes, and short enough for MySQL's
// 64 characters with a prefix.
func validName(s string) bool {
	bad := func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '_' }
	return len(s) > 0 && len(s) <= 40 && !strings.ContainsFunc(s, bad)
}
