package db_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tiktok/cmd/user/dal/db"
	"tiktok/pkg/sqldb"
	"tiktok/pkg/sqldb/sqldbtest"
)

func TestUpdateProfile(t *testing.T) {
	each(t, func(t *testing.T, sql *sqldb.DB, s *db.Store) {
		ctx := t.Context()
		a, other := account(1, "ann"), account(2, "bob")
		for _, x := range []db.Account{a, other} {
			if err := s.Create(ctx, x, nil, nil); err != nil {
				t.Fatal(err)
			}
		}
		name, signature, empty := "李安 🎬", "", ""
		count := sqldbtest.CountStatements(sql)
		start := count()
		before, err := s.UpdateProfile(ctx, 1, db.Profile{DisplayName: &name, Signature: &signature})
		if err != nil || before != a.User {
			t.Fatalf("before: %+v %v, want %+v", before, err, a.User)
		}
		if n := count() - start; n != 2 {
			t.Errorf("%d statements, want 2", n)
		}
		want := a.User
		want.DisplayName, want.Signature = name, ""
		for _, p := range []db.Profile{{}, {DisplayName: &name}} { // nothing, and what is there already
			if before, err = s.UpdateProfile(ctx, 1, p); err != nil || before != want {
				t.Errorf("%+v %v, want %+v", before, err, want)
			}
		}
		if _, err := s.UpdateProfile(ctx, 1, db.Profile{AvatarKey: &empty}); err != nil {
			t.Error(err)
		}
		want.AvatarKey = ""
		got, err := s.MGet(ctx, []int64{1, 2})
		if diff := cmp.Diff(map[int64]db.User{1: want, 2: other.User}, got); err != nil || diff != "" {
			t.Error(err, diff)
		}
		for _, p := range []db.Profile{{}, {DisplayName: &name}} {
			if _, err := s.UpdateProfile(ctx, 404, p); !errors.Is(err, sqldb.ErrNotFound) {
				t.Errorf("nobody: %v, want ErrNotFound", err)
			}
		}
	})
}

// Of pictures that are set at once, each but the last is told to one caller as replaced: so each file has one who deletes it.
func TestEachReplacedKeyIsToldOnce(t *testing.T) {
	each(t, func(t *testing.T, _ *sqldb.DB, s *db.Store) {
		a := account(1, "ann")
		if err := s.Create(t.Context(), a, nil, nil); err != nil {
			t.Fatal(err)
		}
		const n = 20
		var wg sync.WaitGroup
		replaced := make([]string, n)
		for i := range n {
			wg.Go(func() {
				key := fmt.Sprint("avatars/1/", i)
				before, err := s.UpdateProfile(t.Context(), 1, db.Profile{AvatarKey: &key})
				if err != nil {
					t.Error(err)
				}
				replaced[i] = before.AvatarKey
			})
		}
		wg.Wait()
		now, err := s.MGet(t.Context(), []int64{1})
		if err != nil {
			t.Fatal(err)
		}
		seen := map[string]int{now[1].AvatarKey: 1}
		for _, key := range replaced {
			seen[key]++
		}
		if len(seen) != n+1 || seen[a.AvatarKey] != 1 {
			t.Errorf("%d keys in %v, want %d, each once", len(seen), seen, n+1)
		}
	})
}

func TestFindIDs(t *testing.T) {
	each(t, func(t *testing.T, _ *sqldb.DB, s *db.Store) {
		for i, name := range []string{"Ann", "张三", "O'Brien"} {
			if err := s.Create(t.Context(), account(int64(i+1), name), nil, nil); err != nil {
				t.Fatal(err)
			}
		}
		got, err := s.FindIDs(t.Context(), []string{"张三", "O'Brien", "ann", "Ann ", "' OR 1=1 --"})
		if diff := cmp.Diff(map[string]int64{"张三": 2, "O'Brien": 3}, got); err != nil || diff != "" {
			t.Error(err, diff)
		}
	})
}
