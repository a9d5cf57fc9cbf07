package sqldb_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"tiktok/pkg/sqldb"
	"tiktok/pkg/sqldb/sqldbtest"
)

// item is a row of the test schema.
type item struct {
	ID   int64 `gorm:"primaryKey;autoIncrement:false"`
	Name string
	N    int64
}

// migrations is a schema with one table that both dialects understand.
func migrations() fs.FS {
	up := &fstest.MapFile{Data: []byte(`-- +goose Up
CREATE TABLE items (id BIGINT PRIMARY KEY, name VARCHAR(64) NOT NULL UNIQUE, n BIGINT NOT NULL);
-- +goose Down
DROP TABLE items;
`)}
	second := &fstest.MapFile{Data: []byte("-- +goose Up\nCREATE INDEX items_n ON items (n, id);\n")}
	return fstest.MapFS{
		"migrations/sqlite/00001_items.sql": up, "migrations/sqlite/00002_index.sql": second,
		"migrations/mysql/00001_items.sql": up, "migrations/mysql/00002_index.sql": second,
	}
}

func TestErrors(t *testing.T) {
	sqldbtest.Each(t, "errors", migrations(), func(t *testing.T, db *sqldb.DB) {
		ctx := t.Context()
		if err := db.Write.WithContext(ctx).Create(&item{ID: 1, Name: "a"}).Error; err != nil {
			t.Fatal(err)
		}
		for what, row := range map[string]item{"primary key": {ID: 1, Name: "b"}, "unique key": {ID: 2, Name: "a"}} {
			err := db.Write.WithContext(ctx).Create(&row).Error
			if !errors.Is(sqldb.Translate(err), sqldb.ErrDuplicate) {
				t.Errorf("%s: %v", what, err)
			}
			err = db.Tx(ctx, func(tx *gorm.DB) error {
				return tx.Exec("INSERT INTO items (id, name, n) VALUES (?, ?, 0)", row.ID, row.Name).Error
			})
			if !errors.Is(err, sqldb.ErrDuplicate) {
				t.Errorf("%s in Tx: %v", what, err)
			}
		}
		err := db.Read.WithContext(ctx).Select("id", "name", "n").Take(&item{}, "id = ?", 7).Error
		if !errors.Is(sqldb.Translate(fmt.Errorf("get: %w", err)), sqldb.ErrNotFound) {
			t.Error(err)
		}
		err = db.Read.WithContext(ctx).Exec("SELECT nothing").Error
		if err == nil || sqldb.Translate(err) != err { //nolint:errorlint // must be the very same
			t.Error(err)
		}
		if sqldb.Translate(nil) != nil {
			t.Error("nil changed")
		}
	})
}

func TestRowsAffectedCountsRealChanges(t *testing.T) {
	sqldbtest.Each(t, "affected", migrations(), func(t *testing.T, db *sqldb.DB) {
		ignore := clause.OnConflict{DoNothing: true}
		rows := []item{{ID: 1, Name: "a"}, {ID: 2, Name: "b"}}
		for i, want := range []int64{2, 0} {
			res := db.Write.WithContext(t.Context()).Clauses(ignore).Create(&rows)
			if res.Error != nil || res.RowsAffected != want {
				t.Errorf("insert %d: %d rows, %v; want %d", i, res.RowsAffected, res.Error, want)
			}
		}
		res := db.Write.WithContext(t.Context()).Where("id IN ?", []int64{1, 5}).Delete(&item{})
		if res.Error != nil || res.RowsAffected != 1 {
			t.Errorf("delete: %d rows, %v", res.RowsAffected, res.Error)
		}
	})
}

func TestTxRollsBack(t *testing.T) {
	sqldbtest.Each(t, "rollback", migrations(), func(t *testing.T, db *sqldb.DB) {
		boom := errors.New("boom")
		err := db.Tx(t.Context(), func(tx *gorm.DB) error {
			if err := tx.Create(&item{ID: 1, Name: "a"}).Error; err != nil {
				return err
			}
			return fmt.Errorf("then: %w", boom)
		})
		if !errors.Is(err, boom) {
			t.Fatal(err)
		}
		if n := count(t, db); n != 0 {
			t.Fatalf("%d rows", n)
		}
	})
}

func TestTxOutlivesItsCaller(t *testing.T) {
	sqldbtest.Each(t, "cancel", migrations(), func(t *testing.T, db *sqldb.DB) {
		ctx, cancel := context.WithCancel(t.Context())
		err := db.Tx(ctx, func(tx *gorm.DB) error {
			cancel()
			return tx.Create(&item{ID: 1, Name: "a"}).Error
		})
		if err != nil || count(t, db) != 1 {
			t.Fatalf("%v, %d rows", err, count(t, db))
		}
		if err := db.Tx(ctx, func(*gorm.DB) error { return nil }); !errors.Is(err, context.Canceled) {
			t.Fatalf("begun after the end: %v", err)
		}
	})
}

// overdue is a context whose deadline passes when late is set, and whose timer has not fired.
type overdue struct {
	context.Context
	late *bool
}

func (o overdue) Deadline() (time.Time, bool) {
	if *o.late {
		return time.Now().Add(-time.Millisecond), true
	}
	return time.Now().Add(time.Hour), true
}

// A process that is stopped inside of a transaction does not commit when it goes on: its caller has given up.
func TestTxIsNotCommittedAfterItsDeadline(t *testing.T) {
	sqldbtest.Each(t, "overdue", migrations(), func(t *testing.T, db *sqldb.DB) {
		ctx := overdue{t.Context(), new(bool)}
		write := func(tx *gorm.DB) error {
			*ctx.late = true
			return tx.Create(&item{ID: 1, Name: "a"}).Error
		}
		if err := db.Tx(ctx, write); !errors.Is(err, context.DeadlineExceeded) || count(t, db) != 0 {
			t.Errorf("committed after the deadline: %v, %d rows", err, count(t, db))
		}
		if err := db.Tx(ctx, write); !errors.Is(err, context.DeadlineExceeded) || count(t, db) != 0 {
			t.Errorf("begun after the deadline: %v, %d rows", err, count(t, db))
		}
	})
}

// Every writer reads, then writes what it read plus one: nothing may be lost.
func TestForUpdateUnderConcurrency(t *testing.T) {
	sqldbtest.Each(t, "counter", migrations(), func(t *testing.T, db *sqldb.DB) {
		if err := db.Write.WithContext(t.Context()).Create(&item{ID: 1, Name: "a"}).Error; err != nil {
			t.Fatal(err)
		}
		const writers, times = 8, 10
		parallel(t, writers, func(int) error {
			for range times {
				err := db.Tx(t.Context(), func(tx *gorm.DB) error {
					var row item
					if err := db.ForUpdate(tx).Select("id", "name", "n").Take(&row, "id = ?", 1).Error; err != nil {
						return err
					}
					return tx.Model(&item{}).Where("id = ?", 1).Update("n", row.N+1).Error
				})
				if err != nil {
					return err
				}
			}
			return nil
		})
		var row item
		if err := db.Read.WithContext(t.Context()).Select("id", "n").Take(&row, "id = ?", 1).Error; err != nil {
			t.Fatal(err)
		}
		if row.N != writers*times {
			t.Fatalf("%d, want %d", row.N, writers*times)
		}
	})
}

// Two transactions lock the same two rows in opposite order: one of them is chosen as the victim and tried again.
func TestTxRetriesDeadlock(t *testing.T) {
	sqldbtest.Each(t, "deadlock", migrations(), func(t *testing.T, db *sqldb.DB) {
		rows := []item{{ID: 1, Name: "a"}, {ID: 2, Name: "b"}}
		if err := db.Write.WithContext(t.Context()).Create(&rows).Error; err != nil {
			t.Fatal(err)
		}
		var meet sync.WaitGroup // both hold their first row before they want their second
		meet.Add(2)
		runs := make([]int, 2)
		parallel(t, 2, func(i int) error {
			return db.Tx(t.Context(), func(tx *gorm.DB) error {
				runs[i]++
				for k, id := range []int{1 + i, 2 - i} {
					if err := tx.Model(&item{}).Where("id = ?", id).Update("n", gorm.Expr("n + 1")).Error; err != nil {
						return err
					}
					if k == 0 && runs[i] == 1 && db.Dialect() == sqldb.MySQL {
						meet.Done()
						meet.Wait()
					}
				}
				return nil
			})
		})
		if db.Dialect() == sqldb.MySQL && runs[0]+runs[1] < 3 {
			t.Errorf("no deadlock was provoked: %v", runs)
		}
		var sum int64
		if err := db.Read.WithContext(t.Context()).Model(&item{}).Select("SUM(n)").Scan(&sum).Error; err != nil || sum != 4 {
			t.Errorf("sum %d, %v", sum, err)
		}
	})
}

func TestReadersSeeCommitsAtOnceAndCannotWrite(t *testing.T) {
	db := sqldbtest.SQLite(t, "readers", migrations())
	for i := range int64(50) {
		if err := db.Write.WithContext(t.Context()).Create(&item{ID: i + 1, Name: fmt.Sprint(i)}).Error; err != nil {
			t.Fatal(err)
		}
		if n := count(t, db); n != i+1 {
			t.Fatalf("%d rows after %d inserts", n, i+1)
		}
	}
	if err := db.Read.WithContext(t.Context()).Create(&item{ID: 99, Name: "x"}).Error; err == nil {
		t.Fatal("a reader wrote")
	}
}

func TestReadDuringWriteTransaction(t *testing.T) {
	sqldbtest.Each(t, "nowait", migrations(), func(t *testing.T, db *sqldb.DB) {
		err := db.Tx(t.Context(), func(tx *gorm.DB) error {
			if err := tx.Create(&item{ID: 1, Name: "a"}).Error; err != nil {
				return err
			}
			if n := count(t, db); n != 0 {
				t.Errorf("an uncommitted row is visible: %d", n)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

func TestMigrateTogether(t *testing.T) {
	cfg := sqldbtest.MySQLConfig(t)
	parallel(t, 6, func(int) error {
		db, err := sqldb.Open(t.Context(), cfg, "together") // also all create the schema
		if err != nil {
			return err
		}
		return errors.Join(db.Migrate(t.Context(), migrations()), db.Migrate(t.Context(), migrations()), db.Close())
	})
	db, err := sqldb.Open(t.Context(), cfg, "together")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = db.Write.Exec("DROP DATABASE `" + cfg.SchemaPrefix + "together`").Error
		_ = db.Close()
	})
	var versions []int64
	err = db.Read.WithContext(t.Context()).Table("goose_db_version").Order("id").Pluck("version_id", &versions).Error
	if err != nil || fmt.Sprint(versions) != "[0 1 2]" {
		t.Fatalf("versions %v, %v", versions, err)
	}
	var collation string
	err = db.Read.WithContext(t.Context()).Raw("SELECT @@collation_database").Scan(&collation).Error
	if err != nil || collation != "utf8mb4_bin" {
		t.Fatalf("collation %q, %v", collation, err)
	}
}

func TestSQLiteSurvivesReopen(t *testing.T) {
	cfg := sqldb.Config{Driver: sqldb.SQLite, Dir: filepath.Join(t.TempDir(), "a b?c%20#", "ü")}
	for i := range int64(3) {
		db, err := sqldb.Open(t.Context(), cfg, "svc")
		if err != nil {
			t.Fatal(err)
		}
		if err := db.Migrate(t.Context(), migrations()); err != nil {
			t.Fatal(err)
		}
		if err := db.Write.WithContext(t.Context()).Create(&item{ID: i + 1, Name: fmt.Sprint(i)}).Error; err != nil {
			t.Fatal(err)
		}
		if n := count(t, db); n != i+1 {
			t.Fatalf("%d rows", n)
		}
		if err := errors.Join(db.Ping(t.Context()), db.Close()); err != nil {
			t.Fatal(err)
		}
		if db.Ping(t.Context()) == nil {
			t.Fatal("a closed DB answers")
		}
	}
	files, err := os.ReadDir(cfg.Dir)
	if err != nil || len(files) != 1 || files[0].Name() != "svc.db" {
		t.Fatalf("left in the folder: %v, %v", files, err)
	}
}

func TestSessionSettings(t *testing.T) {
	for query, want := range map[string]string{
		"PRAGMA journal_mode": "wal", "PRAGMA synchronous": "1", "PRAGMA foreign_keys": "1", "PRAGMA busy_timeout": "5000",
	} {
		db := sqldbtest.SQLite(t, "pragmas", migrations())
		var got string
		if err := db.Write.Raw(query).Scan(&got).Error; err != nil || got != want {
			t.Errorf("%s = %q, %v; want %q", query, got, err, want)
		}
	}
	t.Run("mysql", func(t *testing.T) {
		db := sqldbtest.MySQL(t, "session", migrations())
		var level []struct{ Value string }
		q := "SHOW VARIABLES WHERE Variable_name IN ('tx_isolation', 'transaction_isolation', 'innodb_lock_wait_timeout')"
		if err := db.Write.Raw(q).Scan(&level).Error; err != nil || len(level) < 2 {
			t.Fatalf("%v, %v", level, err)
		}
		for _, l := range level {
			if l.Value != "READ-COMMITTED" && l.Value != "5" {
				t.Errorf("%v", level)
			}
		}
		// Strict mode: what does not fit is an error, not cut off.
		if err := db.Write.Create(&item{ID: 1, Name: strings.Repeat("x", 65)}).Error; err == nil {
			t.Error("a long name was cut off")
		}
		if err := db.Write.Create(&item{ID: 1, Name: "𝛼 短视频 😀"}).Error; err != nil {
			t.Error(err)
		}
	})
}

func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	for what, c := range map[string]struct {
		cfg  sqldb.Config
		name string
	}{
		"driver":      {sqldb.Config{Driver: "oracle"}, "a"},
		"name":        {sqldb.Config{Driver: sqldb.SQLite, Dir: dir}, "../a"},
		"empty name":  {sqldb.Config{Driver: sqldb.SQLite, Dir: dir}, ""},
		"folder":      {sqldb.Config{Driver: sqldb.SQLite}, "a"},
		"prefix":      {sqldb.Config{Driver: sqldb.MySQL, Addr: "127.0.0.1:1", SchemaPrefix: "a`; "}, "a"},
		"address":     {sqldb.Config{Driver: sqldb.MySQL, Addr: "nowhere"}, "a"},
		"no listener": {sqldb.Config{Driver: sqldb.MySQL, Addr: "127.0.0.1:1", Password: "s3cret"}, "a"},
	} {
		db, err := sqldb.Open(t.Context(), c.cfg, c.name)
		if err == nil {
			t.Errorf("%s: opened", what)
			_ = db.Close()
		} else if strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: the password is in the error", what)
		}
	}
	db := sqldbtest.SQLite(t, "empty", migrations())
	if err := db.Migrate(t.Context(), fstest.MapFS{}); err == nil {
		t.Error("no migrations is fine?")
	}
}

func TestCountStatements(t *testing.T) {
	sqldbtest.Each(t, "counting", migrations(), func(t *testing.T, db *sqldb.DB) {
		n := sqldbtest.CountStatements(db)
		err := db.Tx(t.Context(), func(tx *gorm.DB) error { // 2
			if err := tx.Create(&item{ID: 1, Name: "a"}).Error; err != nil {
				return err
			}
			return tx.Exec("UPDATE items SET n = n + 1").Error
		})
		if err != nil {
			t.Fatal(err)
		}
		count(t, db) // 3
		var rows []item
		if err := db.Read.Raw("SELECT id FROM items").Scan(&rows).Error; err != nil { // 4
			t.Fatal(err)
		}
		if err := db.Write.Model(&item{}).Where("id = 1").Update("n", 7).Error; err != nil { // 5
			t.Fatal(err)
		}
		if n() != 5 {
			t.Fatalf("counted %d, want 5", n())
		}
	})
}

func TestInstrument(t *testing.T) {
	db := sqldbtest.SQLite(t, "slow", migrations())
	var out bytes.Buffer
	reg := prometheus.NewRegistry()
	if err := db.Instrument(slog.New(slog.NewTextHandler(&out, nil)), reg, time.Nanosecond); err != nil {
		t.Fatal(err)
	}
	if err := db.Write.WithContext(t.Context()).Create(&item{ID: 1, Name: "secret"}).Error; err != nil {
		t.Fatal(err)
	}
	log := out.String()
	if !strings.Contains(log, "INSERT INTO") || !strings.Contains(log, "db=slow") || strings.Contains(log, "secret") {
		t.Errorf("log: %s", log)
	}
	for name, err := range map[string]error{
		"duplicate": db.Write.WithContext(t.Context()).Create(&item{ID: 1}).Error,
		"missing":   db.Read.WithContext(t.Context()).First(&item{}, 99).Error,
		"nonsense":  db.Read.WithContext(t.Context()).Exec("SELECT nothing FROM nowhere").Error,
	} {
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if err := db.Read.WithContext(cancelled).First(&item{}, 1).Error; err == nil {
		t.Error("read without time")
	}
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			name := f.GetName()
			for _, l := range m.GetLabel() {
				name += " " + l.GetValue()
			}
			got[name] = m.GetCounter().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
	}
	for name, want := range map[string]float64{
		"tiktok_sql_duration_seconds slow": 5, "tiktok_sql_errors_total slow unavailable": 0, "tiktok_sql_errors_total slow other": 1,
	} {
		if v, ok := got[name]; !ok || v != want {
			t.Errorf("%s is %v, want %v in %v", name, v, want, got)
		}
	}
	if _, ok := got["go_sql_open_connections slow_write"]; !ok {
		t.Errorf("no pool in %v", got)
	}
}

// count is the number of items that a reader sees.
func count(t *testing.T, db *sqldb.DB) (n int64) {
	t.Helper()
	if err := db.Read.WithContext(t.Context()).Model(&item{}).Count(&n).Error; err != nil {
		t.Fatal(err)
	}
	return n
}

// parallel runs fn n times at once and fails the test with each error.
func parallel(t *testing.T, n int, fn func(i int) error) {
	t.Helper()
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			if err := fn(i); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}
