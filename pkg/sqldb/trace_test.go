package sqldb_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"gorm.io/gorm"

	"tiktok/pkg/sqldb"
	"tiktok/pkg/tracing"
	"tiktok/pkg/tracing/tracingtest"
)

// However a statement is run, logs and traces get it without its values.
func TestStatementsWithoutValues(t *testing.T) {
	const secret = "between-us"
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	c := tracingtest.New(t)
	traces, err := tracing.Open(
		tracing.Config{Endpoint: c.URL(), SampleRatio: 1},
		"test",
		"",
		slog.New(slog.DiscardHandler),
		prometheus.NewRegistry(),
	)
	if err != nil {
		t.Fatal(err)
	}
	d, err := sqldb.Open(ctx, sqldb.Config{Driver: sqldb.SQLite, Dir: t.TempDir()}, "notes")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = d.Close() }()
	var log bytes.Buffer
	if err := d.Instrument(slog.New(slog.NewTextHandler(&log, nil)), prometheus.NewRegistry(), time.Nanosecond); err != nil {
		t.Fatal(err)
	}
	rctx, request := traces.Request(ctx, "", false, "request")
	id := tracing.ID(rctx)
	rollback := errors.New("rolled back")
	err = errors.Join(
		d.Write.WithContext(rctx).Exec("CREATE TABLE notes (id INTEGER PRIMARY KEY, words TEXT NOT NULL)").Error,
		d.Tx(rctx, func(tx *gorm.DB) error {
			return tx.Exec("INSERT INTO notes (id, words) VALUES (?, ?), (?, ?)", 717171, secret, 727272, secret+"'s").Error
		}),
	)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Tx(rctx, func(*gorm.DB) error { return rollback }); !errors.Is(err, rollback) {
		t.Fatal(err)
	}
	if err := d.Write.WithContext(rctx).Exec("INSERT INTO notes (id, words) VALUES (?, ?)", 717171, secret).Error; !errors.Is(
		sqldb.Translate(err),
		sqldb.ErrDuplicate,
	) {
		t.Fatal(err)
	}
	type note struct {
		ID    int64
		Words string
	}
	var scanned, found []note
	var taken note
	err = errors.Join(
		d.Read.WithContext(rctx).
			Raw("SELECT id, words FROM notes WHERE words IN ? AND id > ?", []string{secret, secret + "'s"}, 717170).
			Scan(&scanned).
			Error,
		d.Read.WithContext(rctx).Where("words LIKE ?", secret+"%").Find(&found).Error,
		d.Read.WithContext(rctx).Where("id = ?", 727272).Take(&taken).Error,
	)
	if err != nil || len(scanned) != 2 || len(found) != 2 || taken.Words != secret+"'s" {
		t.Fatal(err, scanned, found, taken)
	}
	request.End()
	traces.Shutdown(ctx)

	count := map[string]int{}
	byID := map[string]tracingtest.Span{}
	for _, s := range c.Trace(id) {
		count[s.Name]++
		byID[s.ID] = s
		text := s.Attributes["db.query.text"]
		for _, value := range []string{secret, "717171", "717170", "727272"} {
			if strings.Contains(text, value) {
				t.Errorf("%s is in %q", value, text)
			}
		}
		if strings.HasPrefix(s.Name, "SELECT") &&
			(!strings.Contains(text, "?") || s.Attributes["db.system.name"] != "sqlite" || byID[s.Parent].Name != "request") {
			t.Errorf("%+v", s)
		}
	}
	want := map[string]int{"request": 1, "CREATE notes": 1, "INSERT notes": 2, "SELECT notes": 3, "transaction notes": 2, "COMMIT notes": 1}
	for name, n := range want {
		if count[name] != n {
			t.Errorf("%d spans %q, want %d: %v", count[name], name, n, count)
		}
	}
	if len(count) != len(want) {
		t.Errorf("%v", count)
	}
	for _, s := range byID {
		if s.Name == "COMMIT notes" && byID[s.Parent].Name != "transaction notes" || s.Failed {
			t.Errorf("%+v", s)
		}
	}
	if text := log.String(); strings.Contains(text, secret) || strings.Contains(text, "7171") || strings.Count(text, "slow statement") < 6 {
		t.Errorf("the log: %s", text)
	}
}
