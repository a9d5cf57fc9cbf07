package db_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tiktok/cmd/user/dal/db"
	"tiktok/pkg/sqldb"
	"tiktok/pkg/sqldb/sqldbtest"
)

func each(t *testing.T, fn func(t *testing.T, sql *sqldb.DB, s *db.Store)) {
	t.Helper()
	sqldbtest.Each(t, "user", db.Migrations(), func(t *testing.T, sql *sqldb.DB) { fn(t, sql, db.New(sql)) })
}

func account(id int64, name string) db.Account {
	return db.Account{
		User: db.User{
			ID:            id,
			Username:      name,
			AvatarKey:     "a/1.png",
			BackgroundKey: "b/1.jpg",
			Signature:     "签名 🎬",
			CreatedAtMs:   1_700_000_000_123,
		},
		PasswordHash: "hash of " + fmt.Sprint(id),
	}
}

func TestCreateAndRead(t *testing.T) {
	each(t, func(t *testing.T, _ *sqldb.DB, s *db.Store) {
		ctx := t.Context()
		a := account(1<<52+1, "张三 🎬")
		if err := s.Create(ctx, a, nil, nil); err != nil {
			t.Fatal(err)
		}
		got, err := s.MGet(ctx, []int64{a.ID, 404})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(map[int64]db.User{a.ID: a.User}, got); diff != "" {
			t.Error(diff)
		}
		creds, err := s.FindCredentials(ctx, a.Username, "192.0.2.1")
		if err != nil || creds != (db.Credentials{ID: a.ID, PasswordHash: a.PasswordHash}) {
			t.Errorf("got %+v %v", creds, err)
		}
		if _, err := s.FindCredentials(ctx, "nobody", ""); !errors.Is(err, sqldb.ErrNotFound) {
			t.Errorf("got %v, want ErrNotFound", err)
		}
		if err := s.Ping(ctx); err != nil {
			t.Error(err)
		}
	})
}

// Names that a folding or padding collation takes for one.
func TestNamesCompareByteForByte(t *testing.T) {
	names := []string{
		"Bob",
		"bob",
		"BOB",
		"bob ",
		" bob",
		"böb",
		"bób",
		"bo\u0301b",
		"ｂｏｂ",
		"straße",
		"strasse",
		"🎬",
		"🎥",
		"a",
		"а", /* Cyrillic */
	}
	each(t, func(t *testing.T, _ *sqldb.DB, s *db.Store) {
		ctx := t.Context()
		for i, name := range names {
			if _, err := s.FindCredentials(ctx, name, ""); !errors.Is(err, sqldb.ErrNotFound) {
				t.Errorf("%q is found before it is stored: %v", name, err)
			}
			if err := s.Create(ctx, account(int64(i+1), name), nil, nil); err != nil {
				t.Errorf("%q: %v", name, err)
			}
		}
		for i, name := range names {
			c, err := s.FindCredentials(ctx, name, "")
			if err != nil || c.ID != int64(i+1) {
				t.Errorf("%q is user %d, want %d: %v", name, c.ID, i+1, err)
			}
			if err := s.Create(ctx, account(int64(i+1000), name), nil, nil); !errors.Is(err, sqldb.ErrDuplicate) {
				t.Errorf("%q again: %v, want ErrDuplicate", name, err)
			}
		}
	})
}

func TestLongestNameFits(t *testing.T) {
	each(t, func(t *testing.T, _ *sqldb.DB, s *db.Store) {
		name := strings.Repeat("😀", 32)
		if err := s.Create(t.Context(), account(1, name), nil, nil); err != nil {
			t.Fatal(err)
		}
		if c, err := s.FindCredentials(t.Context(), name, ""); c.ID != 1 || err != nil {
			t.Errorf("got %+v %v", c, err)
		}
	})
}

func TestPasswordHashIsNeverEmpty(t *testing.T) {
	each(t, func(t *testing.T, _ *sqldb.DB, s *db.Store) {
		a := account(1, "bob")
		a.PasswordHash = ""
		if err := s.Create(t.Context(), a, nil, nil); err == nil {
			t.Error("an account without a hash was stored")
		}
	})
}

func TestOneOfManyCreates(t *testing.T) {
	each(t, func(t *testing.T, _ *sqldb.DB, s *db.Store) {
		var created, taken atomic.Int64
		var wg sync.WaitGroup
		for i := range 100 {
			wg.Go(func() {
				switch err := s.Create(t.Context(), account(int64(i+1), "bob"), nil, nil); {
				case err == nil:
					created.Add(1)
				case errors.Is(err, sqldb.ErrDuplicate):
					taken.Add(1)
				default:
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if created.Load() != 1 || taken.Load() != 99 {
			t.Errorf("created %d, taken %d", created.Load(), taken.Load())
		}
	})
}

func TestCanceledReadFails(t *testing.T) {
	each(t, func(t *testing.T, _ *sqldb.DB, s *db.Store) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := s.MGet(ctx, []int64{1}); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	})
}

func TestMGetIsOneStatement(t *testing.T) {
	each(t, func(t *testing.T, sql *sqldb.DB, s *db.Store) {
		var ids []int64
		for i := range 100 {
			ids = append(ids, int64(i+1))
			if err := s.Create(t.Context(), account(int64(i+1), fmt.Sprint("u", i)), nil, nil); err != nil {
				t.Fatal(err)
			}
		}
		count := sqldbtest.CountStatements(sql)
		for _, n := range []int{0, 1, 100} {
			before := count()
			got, err := s.MGet(t.Context(), ids[:n])
			if err != nil || len(got) != n {
				t.Fatalf("got %d of %d: %v", len(got), n, err)
			}
			if used := count() - before; used != min(n, 1) {
				t.Errorf("%d ids: %d statements", n, used)
			}
		}
	})
}
