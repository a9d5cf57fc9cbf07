package db_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"tiktok/cmd/user/dal/db"
	"tiktok/pkg/sqldb"
)

// lower stands for what names look like.
func lower(name string) []byte { return []byte(strings.ToLower(name)) }

func TestNamesThatLookAlikeAreOne(t *testing.T) {
	each(t, func(t *testing.T, _ *sqldb.DB, s *db.Store) {
		var created, taken atomic.Int64
		var wg sync.WaitGroup
		for i := range 50 { // each name once: only what they look like is the same
			wg.Go(func() {
				a := account(int64(i+1), fmt.Sprintf("bob%c", 'A'+i))
				a.NameSkeleton = []byte("bob")
				switch err := s.Create(t.Context(), a, nil, nil); {
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
		if created.Load() != 1 || taken.Load() != 49 {
			t.Errorf("created %d, taken %d", created.Load(), taken.Load())
		}
		for skeleton, want := range map[string]bool{"bob": true, "Bob": false, "b": false, "bob\x00": false} {
			if got, err := s.LooksTaken(t.Context(), []byte(skeleton)); err != nil || got != want {
				t.Errorf("%q is taken: %v %v, want %v", skeleton, got, err, want)
			}
		}
	})
}

// Accounts of before are filled in, oldest first; those that look like an older one stay, and so does everybody's login.
func TestOldNamesAreFilledIn(t *testing.T) {
	each(t, func(t *testing.T, sql *sqldb.DB, s *db.Store) {
		for i, name := range []string{"bob", "Bob", "ann", "BOB", "Ann", "eve"} {
			if err := s.Create(t.Context(), account(int64(i+1), name), nil, nil); err != nil {
				t.Fatal(err)
			}
		}
		fill := func() {
			t.Helper()
			rounds := 0
			for last := int64(0); ; rounds++ {
				next, err := s.FillSkeletons(t.Context(), last, 4, lower)
				if err != nil {
					t.Fatal(err)
				}
				if next == 0 {
					break
				}
				if next <= last || rounds > 3 {
					t.Fatalf("%d after %d", next, last)
				}
				last = next
			}
		}
		check := func() {
			t.Helper()
			for id, want := range map[int64]string{1: "bob", 2: "", 3: "ann", 4: "", 5: "", 6: "eve"} {
				var got []byte
				err := sql.Read.WithContext(t.Context()).Raw("SELECT name_skeleton FROM users WHERE id = ?", id).Row().Scan(&got)
				if err != nil || string(got) != want {
					t.Errorf("user %d looks like %q, want %q: %v", id, got, want, err)
				}
			}
		}
		fill()
		check()
		fill() // as the next start does
		check()
		for i, name := range []string{"bob", "Bob", "ann", "BOB", "Ann", "eve"} {
			if c, err := s.FindCredentials(t.Context(), name, ""); err != nil || c.ID != int64(i+1) {
				t.Errorf("%s: %+v %v", name, c, err)
			}
		}
		a := account(7, "eVe")
		a.NameSkeleton = lower(a.Username)
		if err := s.Create(t.Context(), a, nil, nil); !errors.Is(err, sqldb.ErrDuplicate) {
			t.Errorf("a new name like an old one: %v", err)
		}
	})
}

// Two replicas that fill in at once come to the same end.
func TestFillingInAtOnce(t *testing.T) {
	each(t, func(t *testing.T, sql *sqldb.DB, s *db.Store) {
		const n = 100
		for i := range n {
			if err := s.Create(t.Context(), account(int64(i+1), fmt.Sprintf("u%d%c", i/2, "xX"[i%2])), nil, nil); err != nil {
				t.Fatal(err)
			}
		}
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() {
				for last := int64(0); ; {
					next, err := s.FillSkeletons(context.WithoutCancel(t.Context()), last, 10, lower)
					if err != nil {
						t.Error(err)
						return
					}
					if next == 0 {
						return
					}
					last = next
				}
			})
		}
		wg.Wait()
		var filled int64
		const count = "SELECT COUNT(*) FROM users WHERE name_skeleton IS NOT NULL"
		if err := sql.Read.WithContext(t.Context()).Raw(count).Row().Scan(&filled); err != nil {
			t.Fatal(err)
		}
		if filled != n/2 {
			t.Errorf("%d of %d are filled in, want one of each two", filled, n)
		}
	})
}
