package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tiktok/config"
	"tiktok/pkg/sqldb"
)

// A folder that is not there has nothing to audit, and is not made.
func TestAuditOfNothing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	code, out, errs := run(t, nil, "audit", "--data", dir)
	if code != exitFailed || out != "" || !strings.Contains(errs, "no data to audit in "+dir) {
		t.Errorf("%d %q %q", code, out, errs)
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("the folder was made: %v", err)
	}
}

// The number of counters is told, and one that is wrong is an exit code; repair sets it right.
func TestAudit(t *testing.T) {
	dir := t.TempDir()
	if code, out, errs := run(t, nil, "migrate", "--data", dir); code != 0 || strings.Count(out, "up to date") != 7 {
		t.Fatalf("migrate: %d %q %q", code, out, errs)
	}
	cfg, err := config.Load("", nil, map[string]any{"data_dir": dir})
	if err != nil {
		t.Fatal(err)
	}
	db, err := sqldb.Open(t.Context(), cfg.DB, "interaction")
	if err != nil {
		t.Fatal(err)
	}
	const wrong = "INSERT INTO user_stats (user_id, total_favorited, favorite_count) VALUES (1, 0, 3), (2, 0, 0)"
	if err := db.Write.Exec(wrong).Error; err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	code, out, errs := run(t, nil, "audit", "--data", dir)
	if code != exitFailed || !strings.Contains(out, "4 counters recounted, 1 wrong") ||
		!strings.Contains(out, "favorite_count of user 1 is 3, its list has 0") {
		t.Errorf("audit: %d %q %q", code, out, errs)
	}
	for _, args := range [][]string{{"audit", "--data", dir, "--repair"}, {"audit", "--data", dir}} {
		if code, out, errs := run(t, nil, args...); code != 0 || !strings.Contains(out, "4 counters recounted, 0 wrong") {
			t.Errorf("%v: %d %q %q", args, code, out, errs)
		}
	}
}
