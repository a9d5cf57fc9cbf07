package sqldb

import (
	"context"
	"crypto/tls"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"time"

	"github.com/go-sql-driver/mysql"
	gormmysql "gorm.io/driver/mysql"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"
	"gorm.io/gorm/schema"
)

// MySQL and MariaDB error numbers that mean something to us.
const (
	mysqlDuplicate       = 1062 // a unique or primary key is violated
	mysqlUnknownSchema   = 1049
	mysqlNoTable         = 1146
	mysqlUnknownVariable = 1193
	mysqlLockTimeout     = 1205 // waited lockWait for a row lock
	mysqlDeadlock        = 1213 // rolled back as the victim
	mysqlDiskFull        = 1021
	mysqlTableFull       = 1114 // also when the disk is
	mysqlRowChanged      = 1020 // MariaDB 11+ with snapshot isolation: read row was changed by another
	mysqlGroupConflict   = 3101 // group replication rolled it back at its commit
	tidbTryAgain         = 8002 // a row that was read for an update was changed by another
	tidbRolledBack       = 8022 // the commit failed, and has been rolled back
	tidbSchemaChanged    = 8028 // a migration ran meanwhile
	tidbConflict         = 9007 // lost against another write
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

// openMySQL opens the schema <prefix><name> with one pool for reads and writes, and one for its replica.
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
	db, server, err := mysqlPool(cfg, d.schema)
	if err != nil {
		return err
	}
	d.pools = []pool{{"all", db}}
	limit(db, conns)

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
	d.server, d.jsonTable = server, server.hasJSONTable() && !cfg.NoJSONTable
	d.Write, err = openMySQLGORM(steadyPool{db})
	d.Read, d.Stale = d.Write, d.Write
	if err != nil || cfg.ReadAddr == "" {
		return err
	}
	if d.replica, err = openReplica(cfg, d.schema, db); err != nil {
		return fmt.Errorf("replica: %w", err)
	}
	limit(d.replica.db, conns)
	d.Stale, err = openMySQLGORM(d.replica)
	return err
}

// openMySQLGORM is GORM on a pool.
func openMySQLGORM(conns gorm.ConnPool) (*gorm.DB, error) {
	return openGORM(mysqlDialector{&gormmysql.Dialector{Config: &gormmysql.Config{
		Conn: conns,
		// What is left differs between MySQL and MariaDB only for AutoMigrate, which we do not use, and for RETURNING,
		// which MySQL does not have.
		SkipInitializeWithVersion: true,
		DisableWithReturning:      true,
	}}})
}

// limit bounds a pool.
func limit(db *sql.DB, conns int) {
	db.SetMaxOpenConns(conns)
	db.SetMaxIdleConns(conns)
	db.SetConnMaxIdleTime(5 * time.Minute)
	db.SetConnMaxLifetime(30 * time.Minute) // follow a load balancer or a failover
}

// createSchema makes an empty schema whose text compares byte by byte, unless a migration says otherwise.
func createSchema(ctx context.Context, cfg Config, schema string) error {
	db, _, err := mysqlPool(cfg, "")
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

// mysqlPool is a pool whose sessions all have the same settings, whatever the server's own defaults are, and what server that is, which
// the first session asks.
func mysqlPool(cfg Config, schema string) (*sql.DB, *server, error) {
	c := mysql.NewConfig()
	c.User, c.Passwd = cfg.User, cfg.Password
	c.Net, c.Addr, c.DBName = "tcp", cfg.Addr, schema
	c.Timeout = 5 * time.Second
	c.InterpolateParams = true // one round trip a statement instead of two or three
	c.ParseTime = true         // for the table of migrations; our own times are numbers
	c.Collation = "utf8mb4_bin"
	c.Logger = noLogger{}   // its lines are errors that the caller gets too
	c.RejectReadOnly = true // drops a connection to what was the primary
	c.Params = map[string]string{
		"sql_mode":                 "'STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION'",
		"innodb_lock_wait_timeout": strconv.Itoa(int(lockWait.Seconds())),
	}
	if err := c.Apply(mysql.Charset("utf8mb4", "utf8mb4_bin")); err != nil {
		return nil, nil, err
	}
	host, _, err := net.SplitHostPort(cfg.Addr)
	if err != nil {
		return nil, nil, err
	}
	if c.TLS, err = cfg.TLS.Client(host); err != nil {
		return nil, nil, fmt.Errorf("tls: %w", err)
	}
	if c.TLS != nil {
		c.TLS.MinVersion = tls.VersionTLS12
	}
	base, err := mysql.NewConnector(c)
	if err != nil {
		return nil, nil, err
	}
	of := &server{}
	return sql.OpenDB(session{base, of}), of, nil
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
