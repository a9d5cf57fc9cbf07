package sqldb

import (
	"context"
	"crypto/tls"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
	gormmysql "gorm.io/driver/mysql"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"
	"gorm.io/gorm/schema"
)

// MySQL and MariaDB error numbers that mean something to us.
const (
	mysqlDuplicate     = 1062 // a unique or primary key is violated
	mysqlUnknownSchema = 1049
	mysqlLockTimeout   = 1205 // waited lockWait for a row lock
	mysqlDeadlock      = 1213 // rolled back as the victim
	mysqlDiskFull      = 1021
	mysqlTableFull     = 1114 // also when the disk is
	mysqlRowChanged    = 1020 // MariaDB 11+ with snapshot isolation: read row was changed by another
	mysqlGroupConflict = 3101 // group replication rolled it back at its commit
	tidbTryAgain       = 8002 // a row that was read for an update was changed by another
	tidbRolledBack     = 8022 // the commit failed, and has been rolled back
	tidbSchemaChanged  = 8028 // a migration ran meanwhile
	tidbConflict       = 9007 // lost against another write
)

// mysqlDialector is GORM's own MySQL dialect, whose errors also tell when the server is away.
type mysqlDialector struct{ *gormmysql.Dialector }

// Translate implements gorm.ErrorTranslator.
func (d mysqlDialector) Translate(err error) error {
	return markUnavailable(d.Dialector.Translate(err))
}

// Initialize implements gorm.Dialector. GORM's OnConflict with DoNothing sets the first column of the primary key to itself, which
// Vitess refuses for a column that a row's shard is chosen by. Here it is the last column outside of the key, else the key's last.
func (d mysqlDialector) Initialize(g *gorm.DB) error {
	if err := d.Dialector.Initialize(g); err != nil {
		return err
	}
	build := g.ClauseBuilders["ON CONFLICT"]
	g.ClauseBuilders["ON CONFLICT"] = func(c clause.Clause, builder clause.Builder) {
		conflict, ok := c.Expression.(clause.OnConflict)
		stmt, of := builder.(*gorm.Statement)
		if ok && of && conflict.DoNothing && stmt.Schema != nil {
			column := clause.Column{Name: sparedColumn(stmt.Schema)}
			c.Expression = clause.OnConflict{DoUpdates: clause.Set{{Column: column, Value: column}}}
		}
		build(c, builder)
	}
	return nil
}

// sparedColumn is the last column outside of the primary key, else the key's last.
func sparedColumn(s *schema.Schema) string {
	for _, name := range slices.Backward(s.DBNames) {
		if !s.FieldsByDBName[name].PrimaryKey {
			return name
		}
	}
	return s.DBNames[len(s.DBNames)-1]
}

// Explain implements gorm.Dialector for logs and traces: see statementOnly.
func (mysqlDialector) Explain(sql string, _ ...any) string { return statementOnly(sql) }

// openMySQL opens the schema <prefix><name> with one pool for reads and writes.
func openMySQL(ctx context.Context, cfg Config, name string) (*DB, error) {
	schema := cfg.SchemaPrefix + name
	if !validName(schema) {
		return nil, fmt.Errorf("sqldb: bad schema name %q", schema)
	}
	if _, _, err := net.SplitHostPort(cfg.Addr); err != nil {
		return nil, fmt.Errorf("sqldb: bad address: %w", err)
	}
	conns := cfg.MaxOpen
	if conns <= 0 {
		conns = 32
	}
	conns = max(conns, 2) // Migrate holds its lock on one and works on another

	d := &DB{dialect: MySQL, name: name, schema: schema}
	if err := d.connectMySQL(ctx, cfg, conns); err != nil {
		return nil, errors.Join(fmt.Errorf("sqldb: open schema %s on %s: %w", schema, cfg.Addr, err), d.Close())
	}
	return d, nil
}

// connectMySQL fills in the pool, after creating the schema when the server does not know it.
func (d *DB) connectMySQL(ctx context.Context, cfg Config, conns int) error {
	db, err := mysqlPool(cfg, d.schema)
	if err != nil {
		return err
	}
	d.pools = []pool{{"all", db}}
	db.SetMaxOpenConns(conns)
	db.SetMaxIdleConns(conns)
	db.SetConnMaxIdleTime(5 * time.Minute)
	db.SetConnMaxLifetime(30 * time.Minute) // follow a load balancer or a failover

	err = db.PingContext(ctx)
	if isMySQLError(err, mysqlUnknownSchema) {
		if err := createSchema(ctx, cfg, d.schema); err != nil {
			return err
		}
		err = db.PingContext(ctx)
	}
	if err != nil {
		return err
	}
	if d.jsonTable, err = hasJSONTable(ctx, db); err != nil {
		return err
	}
	d.jsonTable = d.jsonTable && !cfg.NoJSONTable
	d.Write, err = openGORM(mysqlDialector{&gormmysql.Dialector{Config: &gormmysql.Config{
		Conn: steadyPool{db},
		// What is left differs between MySQL and MariaDB only for AutoMigrate, which we do not use, and for RETURNING,
		// which MySQL does not have.
		SkipInitializeWithVersion: true,
		DisableWithReturning:      true,
	}}})
	d.Read = d.Write
	return err
}

// hasJSONTable tells whether a statement may read JSON_TABLE: not on TiDB, which has none, nor on Vitess, which cannot send one to its
// shards. Both say in their version who they are.
func hasJSONTable(ctx context.Context, db *sql.DB) (bool, error) {
	var version string
	err := db.QueryRowContext(ctx, "SELECT VERSION()").Scan(&version)
	version = strings.ToLower(version)
	return !strings.Contains(version, "vitess") && !strings.Contains(version, "tidb"), err
}

// createSchema makes an empty schema whose text compares byte by byte, unless a migration says otherwise.
func createSchema(ctx context.Context, cfg Config, schema string) error {
	db, err := mysqlPool(cfg, "")
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	// The name was checked by validName: nothing in it ends the quotes.
	_, err = db.ExecContext(ctx, "CREATE DATABASE IF NOT EXISTS `"+schema+"` CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")
	if err != nil {
		return fmt.Errorf("create schema: %w", err)
	}
	return nil
}

// mysqlPool is a pool whose sessions all have the same settings, whatever the server's own defaults are.
func mysqlPool(cfg Config, schema string) (*sql.DB, error) {
	c := mysql.NewConfig()
	c.User, c.Passwd = cfg.User, cfg.Password
	c.Net, c.Addr, c.DBName = "tcp", cfg.Addr, schema
	c.Timeout = 5 * time.Second
	c.InterpolateParams = true // one round trip a statement instead of two or three
	c.ParseTime = true         // for the table of migrations; our own times are numbers
	c.Collation = "utf8mb4_bin"
	c.Logger = noLogger{}   // its lines are errors that the caller gets too
	c.RejectReadOnly = true // drops a connection to what was the primary
	// MariaDB alone reads the comment: it ends a transaction of a process that hangs, whose locks others wait for.
	c.Params = map[string]string{
		"sql_mode": "'STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION'",
		"innodb_lock_wait_timeout": fmt.Sprintf("%d /*M!100300 , idle_transaction_timeout = %d */",
			int(lockWait.Seconds()), int(idleTransaction.Seconds())),
	}
	if err := c.Apply(mysql.Charset("utf8mb4", "utf8mb4_bin")); err != nil {
		return nil, err
	}
	host, _, err := net.SplitHostPort(cfg.Addr)
	if err != nil {
		return nil, err
	}
	if c.TLS, err = cfg.TLS.Client(host); err != nil {
		return nil, fmt.Errorf("tls: %w", err)
	}
	if c.TLS != nil {
		c.TLS.MinVersion = tls.VersionTLS12
	}
	base, err := mysql.NewConnector(c)
	if err != nil {
		return nil, err
	}
	return sql.OpenDB(session{base}), nil
}

// session waits for a server that is away, and sets the isolation level of each new session. A session variable would do that too, but
// MySQL and MariaDB call it by different names.
type session struct{ driver.Connector }

// Connect implements driver.Connector.
func (c session) Connect(ctx context.Context) (driver.Conn, error) {
	return untilBack(ctx, isAway, c.connect)
}

func (c session) connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, noConnection{err}
	}
	e, ok := conn.(driver.ExecerContext)
	if !ok {
		return nil, errors.Join(errors.New("sqldb: the MySQL driver cannot execute"), conn.Close())
	}
	if _, err := e.ExecContext(ctx, "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED", nil); err != nil {
		return nil, noConnection{errors.Join(err, conn.Close())}
	}
	return conn, nil
}

// isMySQLError tells whether the server answered with one of these numbers.
func isMySQLError(err error, numbers ...uint16) bool {
	var e *mysql.MySQLError
	if !errors.As(err, &e) {
		return false
	}
	for _, n := range numbers {
		if e.Number == n {
			return true
		}
	}
	return false
}

// noLogger drops the driver's own lines, which would go to standard error unformatted.
type noLogger struct{}

// Print implements mysql.Logger.
func (noLogger) Print(...any) {}
