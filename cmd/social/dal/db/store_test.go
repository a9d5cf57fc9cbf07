package db_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tiktok/cmd/social/dal/db"
	"tiktok/pkg/sqldb"
	"tiktok/pkg/sqldb/sqldbtest"
)

// fixture is a store with a simple source of ids.
type fixture struct {
	*db.Store
	sql *sqldb.DB
	ids atomic.Int64
}

func each(t *testing.T, fn func(t *testing.T, s *fixture)) {
	t.Helper()
	sqldbtest.Each(t, "social", db.Migrations(), func(t *testing.T, sql *sqldb.DB) {
		fn(t, &fixture{Store: db.New(sql), sql: sql})
	})
}

func (f *fixture) follow(t *testing.T, from, to int64) bool {
	t.Helper()
	changed, err := f.Follow(t.Context(), db.Follow{ID: f.ids.Add(1), UserID: from, ToUserID: to, CreatedAtMs: 1})
	if err != nil {
		t.Errorf("%d follows %d: %v", from, to, err)
	}
	return changed
}

func (f *fixture) unfollow(t *testing.T, from, to int64) bool {
	t.Helper()
	changed, err := f.Unfollow(t.Context(), from, to)
	if err != nil {
		t.Errorf("%d unfollows %d: %v", from, to, err)
	}
	return changed
}

func (f *fixture) wantStats(t *testing.T, userID, following, followers int64) {
	t.Helper()
	got, err := f.MGetStats(t.Context(), []int64{userID})
	if err != nil {
		t.Fatal(err)
	}
	if st := got[userID]; st.FollowCount != following || st.FollowerCount != followers {
		t.Errorf("user %d: follows %d, followed by %d; want %d and %d", userID, st.FollowCount, st.FollowerCount, following, followers)
	}
}

func (f *fixture) wantAudit(t *testing.T, want ...string) {
	t.Helper()
	var got []string
	n, err := f.Audit(t.Context(), func(format string, args ...any) { got = append(got, fmt.Sprintf(format, args...)) })
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" || n != len(want) {
		t.Errorf("audit found %d:\n%s", n, diff)
	}
}

func users(entries []db.Entry) []int64 {
	var ids []int64
	for _, e := range entries {
		ids = append(ids, e.UserID)
	}
	return ids
}

func TestFollowTwiceUnfollowTwice(t *testing.T) {
	each(t, func(t *testing.T, s *fixture) {
		if s.unfollow(t, 1, 2) {
			t.Error("an unfollow of nothing changed something")
		}
		if !s.follow(t, 1, 2) || s.follow(t, 1, 2) {
			t.Error("the first follow must change, the second must not")
		}
		s.wantStats(t, 1, 1, 0)
		s.wantStats(t, 2, 0, 1)
		if !s.follow(t, 2, 1) {
			t.Error("the way back is another pair")
		}
		s.wantStats(t, 1, 1, 1)
		s.wantStats(t, 2, 1, 1)
		if !s.unfollow(t, 1, 2) || s.unfollow(t, 1, 2) {
			t.Error("the first unfollow must change, the second must not")
		}
		s.wantStats(t, 1, 0, 1)
		s.wantStats(t, 2, 1, 0)
		s.wantAudit(t)
	})
}

// A second follow keeps the place in the list; following anew goes to the top.
func TestListOrder(t *testing.T) {
	each(t, func(t *testing.T, s *fixture) {
		for _, to := range []int64{30, 10, 20, 10} {
			s.follow(t, 1, to)
		}
		s.unfollow(t, 1, 30)
		s.follow(t, 1, 30)
		got, err := s.Page(t.Context(), db.Following, 1, 0, 10)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]int64{30, 20, 10}, users(got)); diff != "" {
			t.Error(diff)
		}
	})
}

func TestListPages(t *testing.T) {
	each(t, func(t *testing.T, s *fixture) {
		const n = 75
		var following, followers, friends []int64
		for i := int64(n); i >= 1; i-- { // so that the lists come out in ascending order of ids
			s.follow(t, 1000, i)
			if i%3 == 0 {
				s.follow(t, i, 1000)
			}
			s.follow(t, i, 2000)
		}
		for i := int64(1); i <= n; i++ {
			following = append(following, i)
			followers = append(followers, i)
			if i%3 == 0 {
				friends = append(friends, i)
			}
		}
		walk := func(l db.List, user int64, limit int) []int64 {
			var all []int64
			for before := int64(0); ; {
				page, err := s.Page(t.Context(), l, user, before, limit)
				if err != nil {
					t.Fatal(err)
				}
				all = append(all, users(page)...)
				if len(page) < limit {
					return all
				}
				before = page[len(page)-1].FollowID
			}
		}
		for _, limit := range []int{1, 7, 25, 75, 1000} {
			if diff := cmp.Diff(following, walk(db.Following, 1000, limit)); diff != "" {
				t.Errorf("following, pages of %d: %s", limit, diff)
			}
			if diff := cmp.Diff(followers, walk(db.Followers, 2000, limit)); diff != "" {
				t.Errorf("followers, pages of %d: %s", limit, diff)
			}
			if diff := cmp.Diff(friends, walk(db.Friends, 1000, limit)); diff != "" {
				t.Errorf("friends, pages of %d: %s", limit, diff)
			}
		}
		s.wantAudit(t)
	})
}

// The first entries of many lists are those of each.
func TestFirst(t *testing.T) {
	each(t, func(t *testing.T, s *fixture) {
		for _, p := range [][2]int64{{2, 1}, {1, 3}, {1, 2}, {3, 1}, {1, 4}, {5, 1}, {4, 2}} {
			s.follow(t, p[0], p[1])
		}
		for l, want := range map[db.List]map[int64][]int64{
			db.Following: {1: {4, 2}, 2: {1}, 4: {2}},
			db.Followers: {1: {5, 3}, 2: {4, 1}, 4: {1}},
			db.Friends:   {1: {2, 3}, 2: {1}},
		} {
			lists, err := s.First(t.Context(), l, []int64{4, 1, 2, 6}, 2)
			if err != nil {
				t.Fatal(err)
			}
			got := map[int64][]int64{}
			for owner, entries := range lists {
				got[owner] = users(entries)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("list %d: %s", l, diff)
			}
		}
	})
}

// One of two friends sees the other at the place of the own follow.
func TestFriendsOrderIsThatOfTheOwnFollow(t *testing.T) {
	each(t, func(t *testing.T, s *fixture) {
		for _, p := range [][2]int64{{2, 1}, {1, 3}, {1, 2}, {3, 1}, {1, 4}, {5, 1}} {
			s.follow(t, p[0], p[1])
		}
		got, err := s.Page(t.Context(), db.Friends, 1, 0, 10)
		if diff := cmp.Diff([]int64{2, 3}, users(got)); diff != "" || err != nil {
			t.Error(diff, err)
		}
	})
}

func TestFollowing(t *testing.T) {
	each(t, func(t *testing.T, s *fixture) {
		s.follow(t, 1, 2)
		s.follow(t, 1, 3)
		s.follow(t, 4, 1)
		all := []int64{1, 2, 3, 4, 5}
		got, err := s.Following(
			t.Context(),
			[]db.ViewerQuery{{ViewerID: 4, UserIDs: all}, {ViewerID: 1, UserIDs: all}, {ViewerID: 2, UserIDs: all}, {ViewerID: 1}},
		)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(map[int64]map[int64]bool{1: {2: true, 3: true}, 4: {1: true}}, got); diff != "" {
			t.Error(diff)
		}
	})
}

// The store does not let users follow themselves, whatever the service forgets, and nothing is counted then.
func TestSelfIsRefused(t *testing.T) {
	each(t, func(t *testing.T, s *fixture) {
		if _, err := s.Follow(t.Context(), db.Follow{ID: 1, UserID: 7, ToUserID: 7}); err == nil {
			t.Error("no error")
		}
		s.wantStats(t, 7, 0, 0)
		s.wantAudit(t)
	})
}

func TestManyFollowsOfOnePair(t *testing.T) {
	each(t, func(t *testing.T, s *fixture) {
		var changed atomic.Int64
		var wg sync.WaitGroup
		for range 100 {
			wg.Go(func() {
				if s.follow(t, 1, 2) {
					changed.Add(1)
				}
			})
		}
		wg.Wait()
		if changed.Load() != 1 {
			t.Errorf("%d follows changed something", changed.Load())
		}
		s.wantStats(t, 1, 1, 0)
		s.wantStats(t, 2, 0, 1)
		s.wantAudit(t)
	})
}

func TestManyFollowersOfOne(t *testing.T) {
	each(t, func(t *testing.T, s *fixture) {
		const star = 25 // followers have ids on both sides
		var wg sync.WaitGroup
		for i := range int64(51) {
			if id := i + 1; id != star {
				wg.Go(func() { s.follow(t, id, star) })
			}
		}
		wg.Wait()
		s.wantStats(t, star, 0, 50)
		s.wantAudit(t)
	})
}

// Everybody follows and unfollows everybody at once, both ways of each pair included. What is left must fit together,
// and every change that was reported must be there.
func TestStorm(t *testing.T) {
	each(t, func(t *testing.T, s *fixture) {
		const members, workers, rounds = 6, 16, 60
		var balance [members + 1][members + 1]atomic.Int64
		var wg sync.WaitGroup
		for w := range uint64(workers) {
			wg.Go(func() {
				random := rand.New(rand.NewPCG(1, w))
				for range rounds {
					a, b := random.Int64N(members)+1, random.Int64N(members)+1
					if a == b {
						continue
					}
					if random.IntN(2) == 0 {
						if s.follow(t, a, b) {
							balance[a][b].Add(1)
						}
					} else if s.unfollow(t, a, b) {
						balance[a][b].Add(-1)
					}
				}
			})
		}
		wg.Wait()
		s.wantAudit(t)
		all := []int64{1, 2, 3, 4, 5, 6}
		for a := int64(1); a <= members; a++ {
			following, err := s.Following(t.Context(), []db.ViewerQuery{{ViewerID: a, UserIDs: all}})
			if err != nil {
				t.Fatal(err)
			}
			for b := int64(1); b <= members; b++ {
				want := int64(0)
				if following[a][b] {
					want = 1
				}
				if got := balance[a][b].Load(); got != want {
					t.Errorf("%d follows %d: the answers say %d, the rows %d", a, b, got, want)
				}
			}
		}
	})
}

func TestAuditFindsEveryKindOfError(t *testing.T) {
	each(t, func(t *testing.T, s *fixture) {
		// More counter rows than one range of the audit, so that range borders are crossed.
		rows := make([]string, 0, 2500)
		for i := range 2500 {
			rows = append(rows, fmt.Sprintf("(%d, 0, 0)", 10_000+i))
		}
		exec(t, s, "INSERT INTO social_stats (user_id, follow_count, follower_count) VALUES "+strings.Join(rows, ", "))
		for _, p := range [][2]int64{{1, 2}, {1, 3}, {20_000, 1}, {30_000, 30_001}} {
			s.follow(t, p[0], p[1])
		}
		s.wantAudit(t)

		exec(t, s, "UPDATE social_stats SET follow_count = 5 WHERE user_id = 1")
		exec(t, s, "UPDATE social_stats SET follower_count = -1 WHERE user_id = 10000")
		exec(t, s, "UPDATE social_stats SET follower_count = 1 WHERE user_id = 11999")
		exec(t, s, "DELETE FROM follows WHERE user_id = 20000")
		exec(t, s, "DELETE FROM social_stats WHERE user_id IN (30000, 30001)")
		s.wantAudit(t,
			"user 1: follow_count is 5, follows 2; follower_count is 1, followed by 0",
			"user 10000: follow_count is 0, follows 0; follower_count is -1, followed by 0",
			"user 11999: follow_count is 0, follows 0; follower_count is 1, followed by 0",
			"user 20000: follow_count is 1, follows 0; follower_count is 0, followed by 0",
			"user 30000: follow_count is 0, follows 1; follower_count is 0, followed by 0",
			"user 30001: follow_count is 0, follows 0; follower_count is 0, followed by 1",
		)
	})
}

func exec(t *testing.T, s *fixture, statement string) {
	t.Helper()
	if err := s.sql.Write.WithContext(t.Context()).Exec(statement).Error; err != nil {
		t.Fatal(err)
	}
}

// An audit that runs while others write sees no mismatch: each of its statements sees one moment.
func TestAuditDuringWrites(t *testing.T) {
	each(t, func(t *testing.T, s *fixture) {
		var wg sync.WaitGroup
		stop := make(chan struct{})
		for w := range int64(4) {
			wg.Go(func() {
				for i := int64(0); ; i++ {
					select {
					case <-stop:
						return
					default:
					}
					s.follow(t, w+1, 100+i%5)
					s.unfollow(t, w+1, 100+(i+2)%5)
				}
			})
		}
		for range 20 {
			s.wantAudit(t)
		}
		close(stop)
		wg.Wait()
	})
}

func TestStatementsDoNotGrow(t *testing.T) {
	each(t, func(t *testing.T, s *fixture) {
		var ids []int64
		for i := range int64(100) {
			ids = append(ids, i+2)
			s.follow(t, 1, i+2)
			s.follow(t, i+2, 1)
		}
		count := sqldbtest.CountStatements(s.sql)
		cost := func(fn func() error) int {
			before := count()
			if err := fn(); err != nil {
				t.Error(err)
			}
			return count() - before
		}
		for _, n := range []int{1, 100} {
			for name, fn := range map[string]func() error{
				"stats": func() error { _, err := s.MGetStats(t.Context(), ids[:n]); return err },
				"following": func() error {
					_, err := s.Following(t.Context(), []db.ViewerQuery{{ViewerID: 1, UserIDs: ids[:n]}, {ViewerID: 2, UserIDs: ids[:n]}})
					return err
				},
				"first":     func() error { _, err := s.First(t.Context(), db.Friends, ids[:n], 100); return err },
				"list":      func() error { _, err := s.Page(t.Context(), db.Following, 1, 0, n); return err },
				"followers": func() error { _, err := s.Page(t.Context(), db.Followers, 1, 0, n); return err },
				"friends":   func() error { _, err := s.Page(t.Context(), db.Friends, 1, 0, n); return err },
			} {
				if used := cost(fn); used != 1 {
					t.Errorf("%s of %d: %d statements", name, n, used)
				}
			}
		}
		if used := cost(func() error { s.follow(t, 1, 500); return nil }); used != 2 {
			t.Errorf("a follow: %d statements", used)
		}
		if used := cost(func() error { s.follow(t, 1, 500); return nil }); used != 1 {
			t.Errorf("a repeated follow: %d statements", used)
		}
	})
}

func TestCanceledWriteDoesNotStart(t *testing.T) {
	each(t, func(t *testing.T, s *fixture) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := s.Follow(ctx, db.Follow{ID: 1, UserID: 1, ToUserID: 2}); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		s.wantStats(t, 1, 0, 0)
	})
}
