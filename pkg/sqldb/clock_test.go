package sqldb_test

import (
	"testing"
	"time"

	"tiktok/pkg/sqldb"
	"tiktok/pkg/sqldb/sqldbtest"
)

// Both servers of the tests run on this machine: their clock is ours, and one that is set forward shows.
func TestClockOffset(t *testing.T) {
	sqldbtest.Each(t, "clock", migrations(), func(t *testing.T, db *sqldb.DB) {
		offset, err := db.ClockOffset(t.Context())
		if err != nil || offset.Abs() > time.Second {
			t.Errorf("offset %v, %v", offset, err)
		}
	})
	cfg := sqldbtest.MySQLConfig(t)
	db, err := sqldb.Open(t.Context(), cfg, "clock")
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := db.Write.Exec("DROP DATABASE `" + cfg.SchemaPrefix + "clock`").Error; err != nil {
			t.Error(err)
		}
		_ = db.Close()
	}()
	// One idle connection is what the next statements get, too.
	if err := db.Write.Exec("SET SESSION timestamp = UNIX_TIMESTAMP(NOW(6)) + 60").Error; err != nil {
		t.Fatal(err)
	}
	if offset, err := db.ClockOffset(t.Context()); err != nil || (offset-time.Minute).Abs() > 5*time.Second {
		t.Errorf("offset %v, %v, want a minute ahead", offset, err)
	}
}
