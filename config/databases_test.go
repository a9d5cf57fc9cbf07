package config_test

import (
	"strings"
	"testing"

	"tiktok/config"
	"tiktok/pkg/sqldb"
	"tiktok/pkg/tlsconf"
)

// A service's own database comes from the file, the environment, files of secrets and flags, each key by itself.
func TestDatabaseOfAService(t *testing.T) {
	const of = "db: {driver: mysql, addr: 'a:1', user: u, services: {chat: {addr: 'b:2', password: old, tls: {ca: system}}, user: {}}}\n"
	c, err := config.Load(write(t, of), []string{
		"TIKTOK_DB_SERVICES_CHAT_PASSWORD=dbpassw0rd", "TIKTOK_DB_SERVICES_VIDEO_ADDR=c:3", "TIKTOK_DB_SERVICES_CHAT_TLS_SERVER_NAME=n",
		"TIKTOK_DB_SERVICES_VIDEO_PASSWORD_FILE=" + write(t, "geheim\n"),
	}, map[string]any{"db.services.social.user": "s"})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]sqldb.Server{
		"chat":  {Addr: "b:2", Password: "dbpassw0rd", TLS: tlsconf.Config{Files: tlsconf.Files{CA: "system"}, ServerName: "n"}},
		"video": {Addr: "c:3", Password: "geheim"}, "social": {User: "s"}, "user": {},
	} {
		if got := c.DB.Services[name]; got != want {
			t.Errorf("%s: %+v, want %+v", name, got, want)
		}
	}
	all := strings.Join(c.Masked(), "\n")
	if strings.Contains(all, "dbpassw0rd") || strings.Contains(all, "geheim") || !strings.Contains(all, "db.services.chat.addr = b:2") ||
		!strings.Contains(all, "db.services.video.password = ***") {
		t.Errorf("masked settings:\n%s", all)
	}
	if err := c.Validate(config.AllInOneProcess()); err != nil {
		t.Error(err)
	}
}

func TestUnknownKeysOfAService(t *testing.T) {
	for name, load := range map[string]func() (config.Config, error){
		"file": func() (config.Config, error) {
			return config.Load(write(t, "db: {services: {chat: {adr: ':1'}}}\n"), nil, nil)
		},
		"environment": func() (config.Config, error) { return config.Load("", []string{"TIKTOK_DB_SERVICES_CHAT_ADR=:1"}, nil) },
		"no name":     func() (config.Config, error) { return config.Load("", []string{"TIKTOK_DB_SERVICES_ADDR=:1"}, nil) },
		"flag": func() (config.Config, error) {
			return config.Load("", nil, map[string]any{"db.services.chat.adr": ":1"})
		},
		"pattern": func() (config.Config, error) { return config.Load("", nil, map[string]any{"db.services.*.addr": ":1"}) },
		"not a secret": func() (config.Config, error) {
			return config.Load("", []string{"TIKTOK_DB_SERVICES_CHAT_ADDR_FILE=" + write(t, "x")}, nil)
		},
	} {
		if c, err := config.Load("", nil, nil); err != nil || len(c.DB.Services) != 0 {
			t.Fatalf("by default: %v, %v", c.DB.Services, err)
		}
		if c, err := load(); err == nil {
			t.Errorf("%s: accepted: %+v", name, c.DB.Services)
		}
	}
}

// A process is asked for the database of its own schema, the all-in-one and its commands for all.
func TestValidateDatabases(t *testing.T) {
	c := config.Default()
	c.RPC.Registry, c.Queue.Driver = []string{"127.0.0.1:2379"}, "memory"
	c.DB.Driver = "mysql"
	c.DB.Services = map[string]sqldb.Server{
		"user":  {Addr: "u:1", User: "u"},
		"video": {Addr: "nowhere", TLS: tlsconf.Config{Files: tlsconf.Files{CA: "/nowhere"}}},
	}
	media := video()
	media.Name, media.Schema = "media", "video"
	for name, process := range map[string]config.Process{
		"user": user(), "video": video(), "media": media, "gateway": gateway(), "all": config.AllInOneProcess(),
	} {
		err := c.ForProcess(process).Validate(process)
		text := ""
		if err != nil {
			text = err.Error()
		}
		for key, want := range map[string]bool{
			"db.addr": name == "all", "db.user": name == "all",
			"db.services.video.addr": name == "video" || name == "media" || name == "all",
			"db.services.video.user": name == "video" || name == "media" || name == "all",
			"db.services.video.tls":  name == "video" || name == "media" || name == "all",
			"db.services.user.addr":  false, "db.services.user.user": false, "db.tls": false,
		} {
			if got := strings.Contains(text, key+" ("); got != want {
				t.Errorf("%s is asked for %s: %v, want %v\n%s", name, key, got, want, text)
			}
		}
	}
	c.DB.Driver = "sqlite"
	if err := c.Validate(config.AllInOneProcess()); err == nil || !strings.Contains(err.Error(), "db.services ") {
		t.Errorf("addresses for files: %v", err)
	}
}
