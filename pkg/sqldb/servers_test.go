package sqldb_test

import (
	"testing"

	"tiktok/pkg/sqldb"
	"tiktok/pkg/sqldb/sqldbtest"
	"tiktok/pkg/tlsconf"
)

// What a service has no setting for is as for all.
func TestFor(t *testing.T) {
	files := func(ca, cert, key string) tlsconf.Config {
		return tlsconf.Config{Files: tlsconf.Files{CA: ca, Cert: cert, Key: key}}
	}
	all := sqldb.Config{
		Driver: sqldb.MySQL, Addr: "a:1", User: "u", Password: "p", TLS: files("ca", "cert", "key"), SchemaPrefix: "x_", MaxOpen: 7,
		Services: map[string]sqldb.Server{
			"chat": {Addr: "b:2"}, "user": {User: "v", Password: "q"}, "video": {TLS: files("ca2", "cert2", "key2")},
			"social": {TLS: files("", "", "k")},
		},
	}
	for name, want := range map[string]sqldb.Config{
		"notice": {Addr: "a:1", User: "u", Password: "p", TLS: files("ca", "cert", "key")},
		"chat":   {Addr: "b:2", User: "u", Password: "p", TLS: files("ca", "cert", "key")},
		"user":   {Addr: "a:1", User: "v", Password: "q", TLS: files("ca", "cert", "key")},
		"video":  {Addr: "a:1", User: "u", Password: "p", TLS: files("ca2", "cert2", "key2")},
		"social": {Addr: "a:1", User: "u", Password: "p", TLS: files("ca", "", "k")}, // half a pair is refused when it is read
	} {
		got := all.For(name)
		if got.Addr != want.Addr || got.User != want.User || got.Password != want.Password || got.TLS != want.TLS ||
			got.SchemaPrefix != "x_" || got.MaxOpen != 7 || got.Services != nil {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// Each schema is opened where its service's is, under its account.
func TestServerOfItsOwn(t *testing.T) {
	cfg := sqldbtest.MySQLConfig(t)
	second := sqldbtest.StartServer(t)
	second.Exec(t, "CREATE USER other@'%' IDENTIFIED BY 'pw'", "GRANT ALL ON `"+cfg.SchemaPrefix+"there`.* TO other@'%'")
	cfg.Services = map[string]sqldb.Server{"there": {Addr: second.Addr, User: "other", Password: "pw"}}
	for name, want := range map[string]string{"here": "0", "there": "1"} {
		db, err := sqldb.Open(t.Context(), cfg, name)
		if err != nil {
			t.Fatal(err)
		}
		if err := db.Migrate(t.Context(), migrations()); err != nil {
			t.Error(err)
		}
		found := second.Text(t, "SELECT COUNT(*) FROM information_schema.schemata WHERE schema_name = '"+cfg.SchemaPrefix+name+"'")
		if found != want {
			t.Errorf("%s: %s schemas on the second server, want %s", name, found, want)
		}
		if err := db.Write.Exec("DROP DATABASE `" + cfg.SchemaPrefix + name + "`").Error; err != nil {
			t.Error(err)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}
	cfg.Services = map[string]sqldb.Server{"there": {Addr: second.Addr, User: "other", Password: "wrong"}}
	if db, err := sqldb.Open(t.Context(), cfg, "there"); err == nil {
		t.Errorf("a wrong password of its own was taken: %v", db.Close())
	}
}
