package main

import (
	"context"
	"io/fs"
	"os"
	"strings"
	"testing"

	chatdb "tiktok/cmd/chat/dal/db"
	interactiondb "tiktok/cmd/interaction/dal/db"
	socialdb "tiktok/cmd/social/dal/db"
	userdb "tiktok/cmd/user/dal/db"
	videodb "tiktok/cmd/video/dal/db"
	"tiktok/config"
	"tiktok/pkg/auth"
	"tiktok/pkg/sqldb"
)

// configs are the configurations of both kinds of store; MySQL's when TIKTOK_TEST_MYSQL names a server.
func configs(t *testing.T) map[string]sqldb.Config {
	t.Helper()
	all := map[string]sqldb.Config{sqldb.SQLite: {Driver: sqldb.SQLite, Dir: t.TempDir()}}
	if dsn := os.Getenv("TIKTOK_TEST_MYSQL"); dsn != "" {
		addr, _, _ := strings.Cut(strings.TrimPrefix(dsn, "root:@tcp("), ")")
		cfg := sqldb.Config{Driver: sqldb.MySQL, Addr: addr, User: "root", SchemaPrefix: "tiktok_benchtest_"}
		for _, service := range []string{"user", "video", "interaction", "social", "chat"} {
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

// migrate makes the schemas, as a first start does.
func migrate(t *testing.T, cfg sqldb.Config) {
	t.Helper()
	db := stores{}
	if err := db.open(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	for service, migrations := range map[string]fs.FS{
		"user": userdb.Migrations(), "video": videodb.Migrations(), "interaction": interactiondb.Migrations(),
		"social": socialdb.Migrations(), "chat": chatdb.Migrations(),
	} {
		if err := db[service].Migrate(t.Context(), migrations); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.close(); err != nil {
		t.Fatal(err)
	}
}

// What is loaded is what the services would have stored: users who can log in, videos in the feed, lists and right
// counters. A second load changes nothing, and the indexes are back.
func TestLoad(t *testing.T) {
	t.Chdir("../..")
	secret := []byte("only for tests, but long enough to sign with")
	want := newShape(0.05)
	for name, dbcfg := range configs(t) {
		t.Run(name, func(t *testing.T) {
			cfg := config.Default()
			cfg.DB, cfg.Blob.Dir = dbcfg, t.TempDir()
			migrate(t, cfg.DB)
			l := &loader{cfg: cfg, say: t.Logf}
			for range 2 {
				if err := l.load(t.Context(), want); err != nil {
					t.Fatal(err)
				}
			}
			d, err := readDataset(t.Context(), cfg, secret, 0)
			if err != nil {
				t.Fatal(err)
			}
			if len(d.users) != want.users || len(d.videos) != want.videos || len(d.works)*len(d.favorites)*len(d.following)*len(d.followers) == 0 {
				t.Fatalf("%d users, %d videos, lists: %d %d %d %d", len(d.users), len(d.videos), len(d.works), len(d.favorites), len(d.following), len(d.followers))
			}
			if got, err := auth.NewTokens(secret, cfg.Auth.TokenTTL).Parse(d.users[99].token); err != nil || got != d.users[99].id {
				t.Errorf("token of user %d says %d: %v", d.users[99].id, got, err)
			}
			db := stores{}
			if err := db.open(t.Context(), cfg.DB); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = db.close() })
			checkUsers(t, db, d)
			checkVideos(t, db, d)
			checkLists(t, db, d, want)
		})
	}
}

func checkUsers(t *testing.T, db stores, d *dataset) {
	t.Helper()
	stored, err := userdb.New(db["user"]).FindCredentials(t.Context(), d.users[3].name, "")
	if err != nil || stored.ID != d.users[3].id {
		t.Fatalf("%q is user %d, want %d: %v", d.users[3].name, stored.ID, d.users[3].id, err)
	}
	if ok, err := auth.NewHasher(1).Verify(t.Context(), "", stored.PasswordHash, password); !ok || err != nil {
		t.Errorf("the password is not right: %v", err)
	}
}

func checkVideos(t *testing.T, db stores, d *dataset) {
	t.Helper()
	store := videodb.New(db["video"])
	newest := d.videos[len(d.videos)-1]
	page, err := store.Feed(t.Context(), 0, feedSize)
	if err != nil || len(page) != feedSize || page[0].ID != newest.id {
		t.Errorf("the feed has %d videos and does not begin with the newest: %v", len(page), err)
	}
	authors := map[int64]bool{}
	for _, v := range page {
		authors[v.AuthorID] = true
	}
	if len(authors) != feedSize {
		t.Errorf("the feed page is by %d authors", len(authors))
	}
	if wrong, err := store.Audit(t.Context(), t.Logf); wrong != 0 || err != nil {
		t.Errorf("%d counters are wrong: %v", wrong, err)
	}
	// The service goes on where the loader ended.
	v := videodb.Video{ID: newest.id + 1, AuthorID: newest.author, PublishedAtMs: page[0].PublishedAtMs}
	next, err := store.Publish(t.Context(), v, videodb.Media{VideoID: v.ID, AuthorID: v.AuthorID, Listed: 1}, videodb.Quota{})
	if err != nil || next.PublishedAtMs <= page[0].PublishedAtMs {
		t.Errorf("published at %d after %d: %v", next.PublishedAtMs, page[0].PublishedAtMs, err)
	}
}

func checkLists(t *testing.T, db stores, d *dataset, want shape) {
	t.Helper()
	favorites := interactiondb.New(db["interaction"])
	rows, err := favorites.ListFavorites(t.Context(), d.favorites[0].ID, 1<<62, 1000)
	if err != nil || len(rows) != d.favorites[0].N {
		t.Errorf("%d likes are listed, %d counted: %v", len(rows), d.favorites[0].N, err)
	}
	follows := socialdb.New(db["social"])
	friends, err := follows.Page(t.Context(), socialdb.Friends, d.friends[0].ID, 0, 1000)
	if err != nil || len(friends) != d.friends[0].N {
		t.Errorf("%d friends are listed, %d counted: %v", len(friends), d.friends[0].N, err)
	}
	for name, audit := range map[string]func(context.Context, func(string, ...any)) (int, error){"likes": favorites.Audit, "follows": follows.Audit} {
		if wrong, err := audit(t.Context(), t.Logf); wrong != 0 || err != nil {
			t.Errorf("%d counters of %s are wrong: %v", wrong, name, err)
		}
	}
	for table, least := range map[string]int{"favorites": want.favorites, "comments": want.comments} {
		var n int
		if err := db["interaction"].Read.Raw("SELECT COUNT(*) FROM " + table).Scan(&n).Error; err != nil || n != least {
			t.Errorf("%d %s, want %d: %v", n, table, least, err)
		}
		drop, _, err := indexes(t.Context(), db["interaction"], table)
		if err != nil || len(drop) == 0 {
			t.Errorf("%s has lost its indexes: %v", table, err)
		}
	}
	c := d.chats[0]
	messages, err := chatdb.New(db["chat"]).Latest(t.Context(), d.users[c.user].id, c.peer, 0, 100)
	if err != nil || len(messages) != messagesOfChat || messages[messagesOfChat-1].CreatedAtMs != c.lastMs {
		t.Errorf("%d messages: %v", len(messages), err)
	}
}
