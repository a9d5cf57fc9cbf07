// Package sqldbtest gives tests a fresh, migrated schema on every dialect that is at hand.
package sqldbtest

import (
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/go-sql-driver/mysql"
	"gorm.io/gorm"

	"tiktok/pkg/sqldb"
)

// EnvMySQL names the environment variable with the DSN (without a schema) of a MySQL or MariaDB server for tests.
const EnvMySQL = "TIKTOK_TEST_MYSQL"

// Each runs fn as a sub-test on a fresh SQLite file, and on a fresh MySQL schema when TIKTOK_TEST_MYSQL is set.
func Each(t *testing.T, name string, migrations fs.FS, fn func(t *testing.T, db *sqldb.DB)) {
	t.Helper()
	t.Run(sqldb.SQLite, func(t *testing.T) { fn(t, SQLite(t, name, migrations)) })
	t.Run(sqldb.MySQL, func(t *testing.T) { fn(t, MySQL(t, name, migrations)) })
}

// SQLite is a migrated schema in a file that lives as long as the test.
func SQLite(t testing.TB, name string, migrations fs.FS) *sqldb.DB {
	t.Helper()
	return open(t, sqldb.Config{Driver: sqldb.SQLite, Dir: t.TempDir()}, name, migrations)
}

// MySQL is a migrated schema of its own on the server of TIKTOK_TEST_MYSQL, dropped when the test ends. Without that
// variable the test is skipped.
func MySQL(t testing.TB, name string, migrations fs.FS) *sqldb.DB {
	t.Helper()
	return mysqlSchema(t, MySQLConfig(t), name, migrations)
}

// Lists is MySQL with the statements that a server without JSON_TABLE gets: Vitess, TiDB.
func Lists(t testing.TB, name string, migrations fs.FS) *sqldb.DB {
	t.Helper()
	cfg := MySQLConfig(t)
	cfg.NoJSONTable = true
	return mysqlSchema(t, cfg, name, migrations)
}

func mysqlSchema(t testing.TB, cfg sqldb.Config, name string, migrations fs.FS) *sqldb.DB {
	t.Helper()
	db := open(t, cfg, name, migrations)
	t.Cleanup(func() { // runs before the Close of open
		if err := db.Write.Exec("DROP DATABASE `" + cfg.SchemaPrefix + name + "`").Error; err != nil {
			t.Errorf("drop the schema: %v", err)
		}
	})
	return db
}

// MySQLConfig reaches the server of TIKTOK_TEST_MYSQL, with a schema prefix that nobody else uses. Without that
// variable the test is skipped. Who opens a schema with it drops it.
func MySQLConfig(t testing.TB) sqldb.Config {
	t.Helper()
	dsn := os.Getenv(EnvMySQL)
	if dsn == "" {
		t.Skip(EnvMySQL + " is not set")
	}
	c, err := mysql.ParseDSN(dsn)
	if err != nil {
		t.Fatalf("%s: %v", EnvMySQL, err)
	}
	return sqldb.Config{
		Driver: sqldb.MySQL, Addr: c.Addr, User: c.User, Password: c.Passwd, MaxOpen: 16,
		SchemaPrefix: "test_" + strings.ToLower(rand.Text()[:10]) + "_",
	}
}

// open opens and migrates, and closes when the test ends.
func open(t testing.TB, cfg sqldb.Config, name string, migrations fs.FS) *sqldb.DB {
	t.Helper()
	db, err := sqldb.Open(t.Context(), cfg, name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	if err := db.Migrate(t.Context(), migrations); err != nil {
		t.Fatal(err)
	}
	plugins := []gorm.Plugin{&counter{}}
	if cfg.Driver == sqldb.MySQL {
		checkMigrations(t, migrations)
		check := &reservedCheck{seen: map[string]bool{}}
		t.Cleanup(func() { check.report(t) })
		plugins = append(plugins, check)
	}
	for _, p := range plugins {
		if err := db.Write.Use(p); err != nil {
			t.Fatal(err)
		}
		for _, g := range []*gorm.DB{db.Read, db.Stale} { // on SQLite the first, on MySQL the second may be apart
			if g == db.Write || g == db.Read && g.Plugins[p.Name()] != nil {
				continue
			}
			if err := g.Use(p); err != nil {
				t.Fatal(err)
			}
		}
	}
	return db
}

// CountStatements returns a function that tells how many SQL statements have run through db, in all goroutines, since it was
// opened by this package. BEGIN and COMMIT are not counted.
func CountStatements(db *sqldb.DB) (count func() int) {
	counter, ok := db.Write.Plugins[counterName].(*counter)
	if !ok { // not opened here
		return func() int { return 0 }
	}
	return func() int { return int(counter.n.Load()) }
}

// counter counts statements. It is put into a DB before anything uses that: GORM's callbacks cannot be changed later.
type counter struct{ n atomic.Int64 }

const counterName = "sqldbtest:count"

// Name implements gorm.Plugin.
func (*counter) Name() string { return counterName }

// Initialize implements gorm.Plugin.
func (c *counter) Initialize(g *gorm.DB) error {
	return each(g, counterName, true, func(*gorm.DB) { c.n.Add(1) })
}

// each registers look for every kind of statement, before or after it runs.
func each(g *gorm.DB, name string, before bool, look func(*gorm.DB)) error {
	on := g.Callback()
	if before {
		return errors.Join(
			on.Create().Before("*").Register(name, look), on.Query().Before("*").Register(name, look),
			on.Update().Before("*").Register(name, look), on.Delete().Before("*").Register(name, look),
			on.Row().Before("*").Register(name, look), on.Raw().Before("*").Register(name, look),
		)
	}
	return errors.Join(
		on.Create().After("*").Register(name, look), on.Query().After("*").Register(name, look),
		on.Update().After("*").Register(name, look), on.Delete().After("*").Register(name, look),
		on.Row().After("*").Register(name, look), on.Raw().After("*").Register(name, look),
	)
}
