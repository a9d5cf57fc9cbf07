package outbox_test

import (
	"testing"

	"tiktok/pkg/outbox/outboxtest"
	"tiktok/pkg/queue"
	"tiktok/pkg/sqldb"
	"tiktok/pkg/sqldb/sqldbtest"
)

// schema returns a function that opens a fresh schema again and again, as many processes do. Each is closed at the end of the test.
func schema(t *testing.T, cfg sqldb.Config) (open func(t *testing.T) *sqldb.DB) {
	t.Helper()
	const name = "outbox"
	open = func(t *testing.T) *sqldb.DB {
		db, err := sqldb.Open(t.Context(), cfg, name)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = db.Close() }) // or it was closed before
		if err := db.Migrate(t.Context(), outboxtest.Migrations()); err != nil {
			t.Fatal(err)
		}
		return db
	}
	if cfg.Driver == sqldb.MySQL {
		db := open(t)
		t.Cleanup(func() {
			if err := db.Write.Exec("DROP DATABASE `" + cfg.SchemaPrefix + name + "`").Error; err != nil {
				t.Error(err)
			}
		})
	}
	return open
}

func TestRelayInOneProcess(t *testing.T) {
	t.Parallel()
	outboxtest.RunRelay(t, func(t *testing.T) outboxtest.RelaySystem {
		return outboxtest.RelaySystem{System: memory(t), DB: schema(t, sqldb.Config{Driver: sqldb.SQLite, Dir: t.TempDir()})}
	})
}

func TestRelayOfManyProcesses(t *testing.T) {
	t.Parallel()
	top := t
	outboxtest.RunRelay(t, func(t *testing.T) outboxtest.RelaySystem {
		return outboxtest.RelaySystem{System: rabbit(top, queue.TypeQuorum)(t), DB: schema(t, sqldbtest.MySQLConfig(t))}
	})
}
