package main

import (
	"context"
	"os"
	"strings"
	"testing"

	userdb "tiktok/cmd/user/dal/db"
	videodb "tiktok/cmd/video/dal/db"
	"tiktok/config"
	"tiktok/pkg/auth"
	"tiktok/pkg/sqldb"
)

// stores are the configurations of both kinds of store; MySQL's when TIKTOK_TEST_MYSQL names a server.
func stores(t *testing.T) map[string]sqldb.Config {
	t.Helper()
	all := map[string]sqldb.Config{sqldb.SQLite: {Driver: sqldb.SQLite, Dir: t.TempDir()}}
	if dsn := os.Getenv("TIKTOK_TEST_MYSQL"); dsn != "" {
		addr, _, _ := strings.Cut(strings.TrimPrefix(dsn, "root:@tcp("), ")")
		cfg := sqldb.Config{Driver: sqldb.MySQL, Addr: addr, User: "root", SchemaPrefix: "tiktok_benchtest_"}
		for _, service := range []string{"user", "video"} {
			drop(t, cfg, service)
			t.Cleanup(func() { drop(t, cfg, service) })
		}
		all[sqldb.MySQL] = cfg
	}
	return all
}

func drop(t *testing.T, cfg sqldb.Config, service string) {
	t.Helper()
	db, err := sqldb.Open(context.Background(), cfg, service)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if err := db.Write.Exec("DROP DATABASE `" + cfg.SchemaPrefix + service + "`").Error; err != nil {
		t.Error(err)
	}
}

// What is loaded is what the services would have stored: users who can log in, videos in the feed, right counters. A
// second load makes only what is missing.
func TestLoad(t *testing.T) {
	t.Chdir("../..")
	secret := []byte("only for tests, but long enough to sign with")
	for name, dbcfg := range stores(t) {
		t.Run(name, func(t *testing.T) {
			cfg := config.Default()
			cfg.DB, cfg.Blob.Dir = dbcfg, t.TempDir()
			say := func(format string, args ...any) { t.Logf(format, args...) }
			first, err := newLoader(cfg, say).load(t.Context(), secret, 700, 1500)
			if err != nil {
				t.Fatal(err)
			}
			d, err := newLoader(cfg, say).load(t.Context(), secret, 800, 1501)
			if err != nil {
				t.Fatal(err)
			}
			if len(d.users) != 800 || len(d.videos) != 1501 || d.users[0].id != first.users[0].id || d.videos[1499] != first.videos[1499] {
				t.Errorf("%d users, %d videos after the second load", len(d.users), len(d.videos))
			}
			if got, err := auth.NewTokens(secret, cfg.Auth.TokenTTL).Parse(d.users[799].token); err != nil || got != d.users[799].id {
				t.Errorf("token of user %d says %d: %v", d.users[799].id, got, err)
			}
			checkUsers(t, cfg, d)
			checkVideos(t, cfg, d)
		})
	}
}

func checkUsers(t *testing.T, cfg config.Config, d *dataset) {
	t.Helper()
	db, err := sqldb.Open(t.Context(), cfg.DB, "user")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	store := userdb.New(db)
	id := d.users[3].id
	users, err := store.MGet(t.Context(), []int64{id})
	if err != nil {
		t.Fatal(err)
	}
	stored, hash, err := store.FindCredentials(t.Context(), users[id].Username)
	if err != nil || stored != id {
		t.Fatalf("%q is user %d, want %d: %v", users[id].Username, stored, id, err)
	}
	if ok, err := auth.NewHasher(1).Verify(t.Context(), hash, password); !ok || err != nil {
		t.Errorf("the password is not right: %v", err)
	}
}

func checkVideos(t *testing.T, cfg config.Config, d *dataset) {
	t.Helper()
	db, err := sqldb.Open(t.Context(), cfg.DB, "video")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	store := videodb.New(db)
	newest := d.videos[1500]
	page, err := store.Feed(t.Context(), 0, 30)
	if err != nil || len(page) != 30 || page[0].ID != newest.id {
		t.Errorf("the feed has %d videos and does not begin with the newest: %v", len(page), err)
	}
	if wrong, err := store.Audit(t.Context(), t.Logf); wrong != 0 || err != nil {
		t.Errorf("%d counters are wrong: %v", wrong, err)
	}
	// The service goes on where the loader ended.
	v := videodb.Video{ID: newest.id + 1, AuthorID: newest.author, PublishedAtMs: page[0].PublishedAtMs}
	next, err := store.Publish(t.Context(), v, videodb.Media{VideoID: v.ID, Listed: 1})
	if err != nil || next.PublishedAtMs <= page[0].PublishedAtMs {
		t.Errorf("published at %d after %d: %v", next.PublishedAtMs, page[0].PublishedAtMs, err)
	}
}
