// Package deploy_test tries the scripts of deploy/ that need no containers.
package deploy_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"tiktok/cmd/tiktok/app"
	"tiktok/config"
	"tiktok/pkg/blob"
	"tiktok/pkg/sqldb"
	"tiktok/pkg/sqldb/sqldbtest"
)

// disaster is a deployment's stores and a backup folder.
type disaster struct {
	db      *sqldb.DB
	cfg     sqldb.Config
	blobs   blob.Store
	environ []string
	folder  string
}

// sh runs a script of deploy/ and returns what it printed.
func (d disaster) sh(t *testing.T, script string, args ...string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), filepath.Join("..", "..", "deploy", script), args...)
	cmd.Env = append(os.Environ(), d.environ...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// run runs a program and returns what it printed.
func run(t *testing.T, program string, args ...string) (string, error) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), program, args...).CombinedOutput()
	return string(out), err
}

func newDisaster(t *testing.T) disaster {
	t.Helper()
	cfg := sqldbtest.MySQLConfig(t)
	for _, program := range []string{"mysql", "mysqldump"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skip(err)
		}
	}
	dir := t.TempDir()
	t.Cleanup(func() { drop(t, cfg) })
	if err := app.Migrate(t.Context(), config.Config{DB: cfg}, t.Logf); err != nil {
		t.Fatal(err)
	}
	db, err := sqldb.Open(t.Context(), cfg, "user")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	blobs, err := blob.Open(t.Context(), blob.Config{Driver: blob.DriverLocal, Dir: filepath.Join(dir, "media")})
	if err != nil {
		t.Fatal(err)
	}
	host, port, _ := strings.Cut(cfg.Addr, ":")
	options := filepath.Join(dir, "my.cnf")
	text := fmt.Sprintf("[client]\nprotocol=tcp\nhost=%s\nport=%s\nuser=%s\npassword=%s\n", host, port, cfg.User, cfg.Password)
	if err := os.WriteFile(options, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(dir, "tiktok")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, "../../cmd/tiktok")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return disaster{
		db: db, cfg: cfg, blobs: blobs, folder: filepath.Join(dir, "backup"),
		environ: []string{
			"MYSQL_OPTIONS=" + options, "SCHEMA_PREFIX=" + cfg.SchemaPrefix, "TIKTOK=" + program,
			"TIKTOK_BLOB_DRIVER=local", "TIKTOK_BLOB_DIR=" + filepath.Join(dir, "media"), "KEEP=2",
		},
	}
}

func drop(t *testing.T, cfg sqldb.Config) {
	t.Helper()
	db, err := sqldb.Open(context.WithoutCancel(t.Context()), cfg, "user")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range users(usesDB) {
		if err := db.Write.Exec("DROP DATABASE IF EXISTS `" + cfg.SchemaPrefix + name + "`").Error; err != nil {
			t.Error(err)
		}
	}
	_ = db.Close()
}

// tables are the checksums of all tables, by name.
func (d disaster) tables(t *testing.T) map[string]int64 {
	t.Helper()
	var names []string
	err := d.db.Read.Raw("SELECT CONCAT('`', table_schema, '`.`', table_name, '`') FROM information_schema.tables WHERE table_schema LIKE ?",
		strings.ReplaceAll(d.cfg.SchemaPrefix, "_", `\_`)+"%").Scan(&names).Error
	if err != nil {
		t.Fatal(err)
	}
	sums := map[string]int64{}
	for _, name := range names {
		var row struct {
			Table    string
			Checksum int64
		}
		if err := d.db.Read.Raw("CHECKSUM TABLE " + name).Scan(&row).Error; err != nil {
			t.Fatal(err)
		}
		sums[name] = row.Checksum
	}
	return sums
}

// schemas is how backup.sh counts them.
func schemas() string { return fmt.Sprintf("%d schemas", len(users(usesDB))) }

func (d disaster) exec(t *testing.T, statement string, args ...any) {
	t.Helper()
	if err := d.db.Write.Exec(statement, args...).Error; err != nil {
		t.Fatal(err)
	}
}

func (d disaster) put(t *testing.T, key, content string) {
	t.Helper()
	if _, err := d.blobs.Put(t.Context(), key, strings.NewReader(content), ""); err != nil {
		t.Fatal(err)
	}
}

// Everything is lost after a backup; the restore brings all tables and all objects back as they were, and what was
// written after the backup is gone.
func TestBackupAndRestore(t *testing.T) {
	d := newDisaster(t)
	schema := func(name string) string { return "`" + d.cfg.SchemaPrefix + name + "`" }
	d.exec(t, "CREATE TABLE "+schema("chat")+".kept (id BIGINT PRIMARY KEY, text VARCHAR(100) NOT NULL, raw VARBINARY(16) NOT NULL)")
	for i := range 20 {
		d.exec(t, "INSERT INTO "+schema("chat")+".kept VALUES (?, ?, ?)", i, fmt.Sprintf("你好 🌊 'quoted' \\ %d", i),
			[]byte{0, byte(i), 0xff, '\n'})
	}
	d.put(t, "videos/00/1.mp4", strings.Repeat("film", 100_000))
	d.put(t, "covers/00/1.jpg", "cover")
	before := d.tables(t)
	if len(before) < 10 {
		t.Fatalf("only %d tables: %v", len(before), before)
	}
	if out, err := d.sh(t, "backup.sh", d.folder); err != nil || !strings.Contains(out, schemas()) ||
		!strings.Contains(out, "2 objects, 2 of them new") {
		t.Fatalf("backup: %v\n%s", err, out)
	}

	d.exec(t, "INSERT INTO "+schema("chat")+".kept VALUES (1000, 'after the backup', 'x')")
	d.exec(t, "CREATE TABLE "+schema("social")+".later (id BIGINT PRIMARY KEY)")
	d.exec(t, "DROP DATABASE "+schema("interaction"))
	if err := d.blobs.Delete(t.Context(), "videos/00/1.mp4", "covers/00/1.jpg"); err != nil {
		t.Fatal(err)
	}
	if out, err := d.sh(t, "restore.sh", d.folder); err == nil || !strings.Contains(out, "-yes") {
		t.Errorf("a restore that nobody confirmed: %v\n%s", err, out)
	}
	if out, err := d.sh(t, "restore.sh", "-yes", d.folder); err != nil {
		t.Fatalf("restore: %v\n%s", err, out)
	}

	after := d.tables(t)
	for name, sum := range before {
		if after[name] != sum {
			t.Errorf("%s: checksum %d, was %d", name, after[name], sum)
		}
	}
	if len(after) != len(before) {
		t.Errorf("%d tables, were %d", len(after), len(before))
	}
	film, err := d.blobs.Open(t.Context(), "videos/00/1.mp4")
	if err != nil {
		t.Fatal(err)
	}
	defer film.Close()
	if b, err := io.ReadAll(film); err != nil || string(b) != strings.Repeat("film", 100_000) {
		t.Errorf("the film has %d bytes: %v", len(b), err)
	}
}

// A dump that was cut off is refused before anything is dropped; old dumps go.
func TestDamagedBackup(t *testing.T) {
	d := newDisaster(t)
	for _, old := range []string{"20200101T000000Z", "20200102T000000Z", "20200103T000000Z"} {
		if err := os.MkdirAll(filepath.Join(d.folder, "mysql"), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(d.folder, "mysql", old+".sql.gz"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := d.sh(t, "backup.sh", d.folder); err != nil {
		t.Fatalf("backup: %v\n%s", err, out)
	}
	dumps, err := filepath.Glob(filepath.Join(d.folder, "mysql", "*.sql.gz"))
	if err != nil || len(dumps) != 2 || !strings.HasSuffix(dumps[0], "20200103T000000Z.sql.gz") {
		t.Fatalf("dumps %v, want the new one and one more: %v", dumps, err)
	}
	whole, err := os.ReadFile(dumps[1])
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dumps[1], whole[:len(whole)/2], 0o600); err != nil {
		t.Fatal(err)
	}
	before := d.tables(t)
	if out, err := d.sh(t, "restore.sh", "-yes", d.folder); err == nil || !strings.Contains(out, "nothing was changed") {
		t.Errorf("half a dump: %v\n%s", err, out)
	}
	if after := d.tables(t); len(after) != len(before) {
		t.Errorf("%d tables, were %d", len(after), len(before))
	}
	// Without the server nothing is kept that looks like a backup.
	d.environ = append(d.environ, "MYSQL_OPTIONS=/nowhere")
	if out, err := d.sh(t, "backup.sh", filepath.Join(d.folder, "none")); err == nil {
		t.Errorf("a backup of nothing: %s", out)
	}
	if left, err := filepath.Glob(filepath.Join(d.folder, "none", "mysql", "*")); err != nil || len(left) > 0 {
		t.Errorf("left %v, %v", left, err)
	}
}
