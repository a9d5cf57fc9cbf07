package app

import (
	"slices"
	"testing"

	"tiktok/config"
	"tiktok/pkg/sqldb"
)

// The second time there is nothing to do; every service has its tables then.
func TestMigrate(t *testing.T) {
	cfg, err := config.Load("", nil, map[string]any{"data_dir": t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := Migrate(t.Context(), cfg, t.Logf); err != nil {
			t.Fatal(err)
		}
	}
	for name, table := range map[string]string{
		"user": "users", "video": "videos", "interaction": "favorites", "social": "follows", "chat": "messages",
	} {
		db, err := sqldb.Open(t.Context(), cfg.DB, name)
		if err != nil {
			t.Fatal(err)
		}
		tables, err := db.Read.Migrator().GetTables()
		if err != nil || !slices.Contains(tables, table) {
			t.Errorf("%s: %v, tables %v", name, err, tables)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}
}
