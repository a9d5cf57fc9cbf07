package cli

import (
	"strings"
	"testing"

	"tiktok/config"
	"tiktok/pkg/sqldb"
)

// Without a process that runs, an index is built and compared here, and what differs is an exit code.
func TestIndex(t *testing.T) {
	dir := t.TempDir()
	code, _, errs := run(t, nil, "index", "rebuild", "--data", dir)
	if code != exitFailed || !strings.Contains(errs, "there is no data in "+dir) {
		t.Errorf("without data: %d %q", code, errs)
	}
	if code, out, errs := run(t, nil, "migrate", "--data", dir); code != 0 {
		t.Fatalf("migrate: %d %q %q", code, out, errs)
	}
	cfg, err := config.Load("", nil, map[string]any{"data_dir": dir})
	if err != nil {
		t.Fatal(err)
	}
	db, err := sqldb.Open(t.Context(), cfg.DB, "discovery")
	if err != nil {
		t.Fatal(err)
	}
	do := func(statement string) {
		t.Helper()
		if err := db.Write.Exec(statement).Error; err != nil {
			t.Fatal(err)
		}
	}
	expect := func(want int, text string, args ...string) {
		t.Helper()
		code, out, errs := run(t, nil, append(args, "--data", dir)...)
		if code != want || !strings.Contains(out+errs, text) {
			t.Errorf("%v: %d %q %q, want %d and %q", args, code, out, errs, want, text)
		}
	}
	do("INSERT INTO videos (id, author_id, title, published_ms, changed_seq) VALUES (7, 1, 'cat', 1, 1), (8, 1, 'dog', 1, 1)")
	do("UPDATE catalogue_clock SET seq = 1")
	expect(0, "there is none", "audit")
	expect(exitFailed, "no such file", "index", "check")
	expect(0, "done: 2 documents", "index", "rebuild")
	expect(0, "as the catalogue", "index", "check")
	expect(0, "0 differences", "audit")
	do("UPDATE videos SET title = 'bird' WHERE id = 8")
	expect(exitFailed, "video 8 is in the index with other content", "index", "check")
	expect(exitFailed, "index: video 8 is in the index with other content", "audit")
	expect(0, "done: 2 documents", "index", "rebuild")
	expect(0, "as the catalogue", "index", "check")
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}
