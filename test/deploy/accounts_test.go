package deploy_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tiktok/cmd/tiktok/app"
	"tiktok/config"
	"tiktok/pkg/sqldb"
)

func accounts() []string { return append(users(usesDB), "admin", "backup", "exporter") }

// makeAccounts runs mysql/accounts.sh against the server of the tests, with passwords that end in suffix.
func (d disaster) makeAccounts(t *testing.T, suffix string) {
	t.Helper()
	for _, name := range accounts() {
		d.environ = append(d.environ, "DB_PASSWORD_"+strings.ToUpper(name)+"="+name+suffix)
	}
	if out, err := d.sh(t, "mysql/accounts.sh"); err != nil {
		t.Fatalf("accounts.sh: %v\n%s", err, out)
	}
	t.Cleanup(func() {
		for _, name := range accounts() {
			statement := fmt.Sprintf("DROP USER IF EXISTS '%s%s'@'%%'", d.cfg.SchemaPrefix, name)
			if err := d.db.Write.WithContext(context.WithoutCancel(t.Context())).Exec(statement).Error; err != nil {
				t.Error(err)
			}
		}
	})
}

// as is the configuration with another account.
func (d disaster) as(name, suffix string) sqldb.Config {
	cfg := d.cfg
	cfg.User, cfg.Password = cfg.SchemaPrefix+name, name+suffix
	return cfg
}

// options is an option file with another account.
func (d disaster) options(t *testing.T, name, suffix string) string {
	t.Helper()
	host, port, _ := strings.Cut(d.cfg.Addr, ":")
	file := filepath.Join(t.TempDir(), "my.cnf")
	text := fmt.Sprintf("[client]\nprotocol=tcp\nhost=%s\nport=%s\nuser=%s%s\npassword=%s%s\n", host, port, d.cfg.SchemaPrefix,
		name, name, suffix)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// Whoever has the password of one service reads and writes its schema, and cannot see that there are others.
func TestAccounts(t *testing.T) {
	d := newDisaster(t)
	drop(t, d.cfg) // the services make their schemas themselves
	d.makeAccounts(t, "old")
	d.makeAccounts(t, "new") // again, with other passwords

	services := users(usesDB)
	for _, name := range services {
		if db, err := sqldb.Open(t.Context(), d.as(name, "old"), name); err == nil {
			t.Errorf("%s: the former password is taken", name)
			_ = db.Close()
		}
		for _, schema := range services {
			db, err := sqldb.Open(t.Context(), d.as(name, "new"), schema)
			if err != nil {
				if schema == name {
					t.Errorf("%s cannot open its schema: %v", name, err)
				}
				continue
			}
			if schema != name {
				t.Errorf("%s opened the schema of %s", name, schema)
			} else if err := db.Write.Exec("CREATE TABLE probe (id INT PRIMARY KEY)").Error; err != nil {
				t.Errorf("%s: %v", name, err)
			}
			_ = db.Close()
		}
		// The _ of a schema's name is no joker: with it, tiktok_user would be tiktokXuser too.
		other := d.as(name, "new")
		other.SchemaPrefix = strings.TrimSuffix(other.SchemaPrefix, "_") + "x"
		if db, err := sqldb.Open(t.Context(), other, name); err == nil {
			t.Errorf("%s made the schema %s%s", name, other.SchemaPrefix, name)
			_ = db.Close()
		}
	}

	if err := app.Migrate(t.Context(), config.Config{DB: d.as("admin", "new")}, t.Logf); err != nil {
		t.Errorf("admin cannot migrate: %v", err)
	}
	d.denied(t, "video", "SELECT * FROM `%suser`.users LIMIT 1", "UPDATE `%suser`.users SET username = ''",
		"DROP DATABASE `%suser`", "SELECT * FROM mysql.user")
	d.denied(t, "exporter", "SELECT * FROM `%suser`.users LIMIT 1", "SELECT * FROM mysql.user", "CREATE DATABASE `%smore`")
	d.denied(t, "backup", "DELETE FROM `%suser`.users", "CREATE TABLE `%suser`.more (id INT)", "SELECT * FROM mysql.user")
	d.denied(t, "admin", "SELECT * FROM mysql.user", "CREATE USER intruder")
}

// denied runs statements with an account, each of which the server must refuse for want of rights.
func (d disaster) denied(t *testing.T, name string, statements ...string) {
	t.Helper()
	for _, statement := range statements {
		if strings.Contains(statement, "%s") {
			statement = fmt.Sprintf(statement, d.cfg.SchemaPrefix)
		}
		out, err := run(t, "mysql", "--defaults-extra-file="+d.options(t, name, "new"), "-e", statement)
		if err == nil || !strings.Contains(strings.ToLower(out), "denied") {
			t.Errorf("%s: %s: %v, %s, want it denied", name, statement, err, out)
		}
	}
}

// The account that reads is enough for a backup, that of all schemas for a restore: neither is root.
func TestBackupWithItsOwnAccount(t *testing.T) {
	d := newDisaster(t)
	d.makeAccounts(t, "1")
	d.exec(t, "INSERT INTO `"+d.cfg.SchemaPrefix+"user`.users (id, username, password_hash, created_at_ms) VALUES (7, 'kept', 'x', 1)")
	before := d.tables(t)

	reader := d
	reader.environ = append(reader.environ, "MYSQL_OPTIONS="+d.options(t, "backup", "1"))
	if out, err := reader.sh(t, "backup.sh", d.folder); err != nil || !strings.Contains(out, schemas()) {
		t.Fatalf("backup: %v\n%s", err, out)
	}
	d.exec(t, "DROP DATABASE `"+d.cfg.SchemaPrefix+"user`")
	admin := d
	admin.environ = append(admin.environ, "MYSQL_OPTIONS="+d.options(t, "admin", "1"))
	if out, err := admin.sh(t, "restore.sh", "-yes", d.folder); err != nil {
		t.Fatalf("restore: %v\n%s", err, out)
	}
	after := d.tables(t)
	for name, sum := range before {
		if after[name] != sum {
			t.Errorf("%s: checksum %d, was %d", name, after[name], sum)
		}
	}
}

// A password that would end the quotes around it is refused, and so is one that is missing.
func TestAccountsRefuseBadPasswords(t *testing.T) {
	for want, bad := range map[string]string{"letters and digits": "DB_PASSWORD_CHAT=a'b", "is not set": "DB_PASSWORD_CHAT="} {
		d := disaster{}
		for _, name := range accounts() {
			d.environ = append(d.environ, "DB_PASSWORD_"+strings.ToUpper(name)+"=x")
		}
		d.environ = append(d.environ, bad)
		if out, err := d.sh(t, "mysql/accounts.sh", "print"); err == nil || !strings.Contains(out, want) {
			t.Errorf("%s: %v\n%s", bad, err, out)
		}
	}
}

// secrets.sh fills in what is empty, and nothing else, as often as one likes.
func TestSecretsScript(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"secrets.sh", ".env.example"} {
		raw, err := os.ReadFile("../../deploy/" + name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), raw, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	env := filepath.Join(dir, ".env")
	if err := os.WriteFile(env, []byte("APP_IMAGE=mine\nAUTH_SECRET=kept\nREDIS_PASSWORD=\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := run(t, filepath.Join(dir, "secrets.sh")); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	first, err := os.ReadFile(env)
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]string{}
	for _, line := range strings.Split(strings.TrimSpace(string(first)), "\n") {
		name, value, _ := strings.Cut(line, "=")
		for other, v := range values {
			if v == value {
				t.Errorf("%s and %s have one value", name, other)
			}
		}
		values[name] = value
	}
	if values["APP_IMAGE"] != "mine" || values["AUTH_SECRET"] != "kept" || len(values["REDIS_PASSWORD"]) != 48 ||
		len(values["DB_PASSWORD_CHAT"]) != 48 {
		t.Errorf("%v", values)
	}
	for name, value := range values {
		if secret := strings.Contains(name, "PASSWORD") || strings.Contains(name, "SECRET"); secret && value == "" {
			t.Errorf("%s is empty", name)
		}
	}
	if _, ok := values["S3_PASSWORD"]; !ok {
		t.Errorf("a name with a digit was overlooked: %v", values)
	}
	if out, err := run(t, filepath.Join(dir, "secrets.sh")); err != nil || !strings.Contains(out, "nothing was empty") {
		t.Errorf("%v\n%s", err, out)
	}
	if second, err := os.ReadFile(env); err != nil || string(second) != string(first) {
		t.Errorf("changed: %s, %v", second, err)
	}
	if info, err := os.Stat(env); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}
