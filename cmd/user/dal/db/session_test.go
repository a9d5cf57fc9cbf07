package db_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tiktok/cmd/user/dal/db"
	"tiktok/pkg/sqldb"
	"tiktok/pkg/sqldb/sqldbtest"
)

// at is a clock that stands still.
func at(ms int64) db.Clock { return func() int64 { return ms } }

func session(userID, id, ms int64) db.Session {
	return db.Session{UserID: userID, ID: id, CreatedAtMs: ms, SeenMs: ms, Agent: "手机 " + fmt.Sprint(id), Addr: "2001:db8::1"}
}

func ids(rows []db.Session) (ids []int64) {
	for _, r := range rows {
		ids = append(ids, r.ID)
	}
	return ids
}

func list(t *testing.T, s *db.Store, userID int64) []db.Session {
	t.Helper()
	rows, err := s.ListSessions(t.Context(), userID, 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func revoked(t *testing.T, s *db.Store, after db.Revocation, limit int) []db.Revocation {
	t.Helper()
	rows, err := s.ListRevoked(t.Context(), after, limit)
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// withSessions has the accounts 1 and 2 with the sessions 11, 12, 13 and 21.
func withSessions(t *testing.T, fn func(t *testing.T, sql *sqldb.DB, s *db.Store)) {
	t.Helper()
	each(t, func(t *testing.T, sql *sqldb.DB, s *db.Store) { fillSessions(t, s); fn(t, sql, s) })
}

func fillSessions(t *testing.T, s *db.Store) {
	t.Helper()
	if err := s.Create(t.Context(), account(1, "ann"), []db.Session{session(1, 11, 100)}, nil); err != nil {
		t.Fatal(err)
	}
	if err := s.Create(t.Context(), account(2, "bob"), nil, nil); err != nil {
		t.Fatal(err)
	}
	for _, row := range []db.Session{session(1, 12, 101), session(1, 13, 102), session(2, 21, 103)} {
		if err := s.OpenSession(t.Context(), row, "hash of "+fmt.Sprint(row.UserID), 100, at(1)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestSessionsAreOpenedListedAndRevoked(t *testing.T) {
	withSessions(t, func(t *testing.T, _ *sqldb.DB, s *db.Store) {
		ctx := t.Context()
		if got := list(t, s, 1); !cmp.Equal(got, []db.Session{session(1, 13, 102), session(1, 12, 101), session(1, 11, 100)}) {
			t.Errorf("got %+v", got)
		}
		if rows, err := s.ListSessions(ctx, 1, 12, 1); err != nil || !slices.Equal(ids(rows), []int64{13}) {
			t.Errorf("one from 12 on: %v %v", ids(rows), err)
		}
		for _, hash := range []string{"hash of 2", "HASH OF 1", "hash of 1 "} {
			if err := s.OpenSession(ctx, session(1, 99, 1), hash, 100, at(1)); !errors.Is(err, sqldb.ErrNotFound) {
				t.Errorf("with the hash %q: %v", hash, err)
			}
		}
		if err := s.OpenSession(ctx, session(3, 99, 1), "hash of 3", 100, at(1)); !errors.Is(err, sqldb.ErrNotFound) {
			t.Errorf("of nobody: %v", err)
		}
		for _, id := range []int64{21, 99, 0} {
			if _, err := s.RevokeSession(ctx, 1, id, at(200)); !errors.Is(err, sqldb.ErrNotFound) {
				t.Errorf("revoke %d of somebody else: %v", id, err)
			}
		}
		want := db.Revocation{UserID: 1, SessionID: 12, RevokedMs: 200}
		for _, ms := range []int64{200, 300} { // again: as it was
			if got, err := s.RevokeSession(ctx, 1, 12, at(ms)); err != nil || got != want {
				t.Errorf("revoke: %v %v", got, err)
			}
		}
		if got := ids(list(t, s, 1)); !slices.Equal(got, []int64{13, 11}) {
			t.Errorf("left: %v", got)
		}
		if got := revoked(t, s, db.Revocation{}, 10); !slices.Equal(got, []db.Revocation{want}) {
			t.Errorf("revoked: %v", got)
		}
		if n, err := s.NewestID(ctx); n != 21 || err != nil {
			t.Errorf("newest id %d %v", n, err)
		}
	})
}

func TestOthersEnd(t *testing.T) {
	withSessions(t, func(t *testing.T, _ *sqldb.DB, s *db.Store) {
		ctx := t.Context()
		got, err := s.RevokeOtherSessions(ctx, 1, 13, at(200))
		want := []db.Revocation{
			{UserID: 1, SessionID: 11, RevokedMs: 200}, {UserID: 1, SessionID: 12, RevokedMs: 200}, {UserID: 1, RevokedMs: 200},
		}
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("got %v %v", got, err)
		}
		if left := ids(list(t, s, 1)); !slices.Equal(left, []int64{13}) {
			t.Errorf("left: %v", left)
		}
		if _, err := s.ChangePassword(ctx, 1, "hash of 2", "new", 0, at(300)); !errors.Is(err, sqldb.ErrNotFound) {
			t.Errorf("with another hash: %v", err)
		}
		got, err = s.ChangePassword(ctx, 1, "hash of 1", "new", 0, at(300))
		want = []db.Revocation{{UserID: 1, SessionID: 13, RevokedMs: 300}, {UserID: 1, RevokedMs: 300}}
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("got %v %v", got, err)
		}
		name, c, err := s.OwnCredentials(ctx, 1, "192.0.2.1")
		if err != nil || name != "ann" || c != (db.Credentials{ID: 1, PasswordHash: "new"}) {
			t.Errorf("credentials: %q %+v %v", name, c, err)
		}
		if left := list(t, s, 1); len(left) != 0 {
			t.Errorf("left: %v", left)
		}
		if left := ids(list(t, s, 2)); !slices.Equal(left, []int64{21}) {
			t.Errorf("of somebody else: %v", left)
		}
		if _, err := s.RevokeOtherSessions(ctx, 404, 0, at(1)); !errors.Is(err, sqldb.ErrNotFound) {
			t.Errorf("of nobody: %v", err)
		}
		if _, _, err := s.OwnCredentials(ctx, 404, ""); !errors.Is(err, sqldb.ErrNotFound) {
			t.Errorf("of nobody: %v", err)
		}
	})
}

// Above the limit the one that was not used for longest ends.
func TestSessionsAreBounded(t *testing.T) {
	withSessions(t, func(t *testing.T, _ *sqldb.DB, s *db.Store) {
		ctx := t.Context()
		if err := s.TouchSessions(ctx, []db.Session{session(1, 11, 500)}); err != nil {
			t.Fatal(err)
		}
		if err := s.OpenSession(ctx, session(1, 14, 400), "hash of 1", 3, at(600)); err != nil {
			t.Fatal(err)
		}
		if got := ids(list(t, s, 1)); !slices.Equal(got, []int64{11, 14, 13}) {
			t.Errorf("left: %v", got)
		}
		if got := revoked(t, s, db.Revocation{}, 10); !slices.Equal(got, []db.Revocation{{UserID: 1, SessionID: 12, RevokedMs: 600}}) {
			t.Errorf("revoked: %v", got)
		}
		for i := range int64(20) {
			if err := s.OpenSession(ctx, session(1, 100+i, 1000+i), "hash of 1", 2, at(2000+i)); err != nil {
				t.Fatal(err)
			}
		}
		if got := ids(list(t, s, 1)); !slices.Equal(got, []int64{119, 118}) {
			t.Errorf("left: %v", got)
		}
	})
}

func TestTouchSessions(t *testing.T) {
	check := func(t *testing.T, sql *sqldb.DB, s *db.Store, statements int) {
		t.Helper()
		uses := []db.Session{session(1, 11, 700), session(1, 12, 50), session(2, 21, 701), session(2, 11, 702), session(3, 31, 703)}
		for i := range int64(995) { // of nobody
			uses = append(uses, session(10+i, 10_000+i, 5))
		}
		count := sqldbtest.CountStatements(sql)
		before := count()
		if err := s.TouchSessions(t.Context(), uses); err != nil {
			t.Fatal(err)
		}
		if n := count() - before; n != statements {
			t.Errorf("%d statements", n)
		}
		for user, want := range map[int64]map[int64]int64{1: {11: 700, 12: 101, 13: 102}, 2: {21: 701}, 3: {}} {
			got := map[int64]int64{}
			for _, r := range list(t, s, user) {
				got[r.ID] = r.SeenMs
			}
			if !cmp.Equal(got, want) {
				t.Errorf("user %d: %v, want %v", user, got, want)
			}
		}
		if err := s.TouchSessions(t.Context(), nil); err != nil {
			t.Error(err)
		}
	}
	withSessions(t, func(t *testing.T, sql *sqldb.DB, s *db.Store) { check(t, sql, s, 1) })
	t.Run("lists", func(t *testing.T) {
		sql := sqldbtest.Lists(t, "user", db.Migrations())
		s := db.New(sql)
		fillSessions(t, s)
		check(t, sql, s, 10)
	})
}

func TestRevocationsArePagesInOrder(t *testing.T) {
	each(t, func(t *testing.T, sql *sqldb.DB, s *db.Store) {
		var want []db.Revocation
		for ms := range int64(3) {
			for user := range int64(3) {
				for id := range int64(3) {
					want = append(want, db.Revocation{UserID: 3*ms + user + 1, SessionID: id, RevokedMs: ms + 100})
				}
			}
		}
		shuffled := slices.Clone(want)
		slices.Reverse(shuffled)
		if err := sql.Write.Create(&shuffled).Error; err != nil {
			t.Fatal(err)
		}
		for limit := 1; limit < 30; limit += 4 {
			var got []db.Revocation
			for after := (db.Revocation{RevokedMs: 100}); ; after = got[len(got)-1] {
				page := revoked(t, s, after, limit)
				got = append(got, page...)
				if len(page) < limit {
					break
				}
			}
			if !cmp.Equal(got, want) {
				t.Errorf("in pages of %d: %v", limit, got)
			}
		}
		plan := sqldbtest.Explain(t, sql, `SELECT user_id, session_id, revoked_ms FROM revocations
			WHERE revoked_ms >= ? AND (revoked_ms > ? OR user_id > ? OR user_id = ? AND session_id > ?)
			ORDER BY revoked_ms, user_id, session_id LIMIT ?`, 101, 101, 1, 1, 1, 10)
		if !strings.Contains(plan, "revocations_revoked") || strings.Contains(strings.ToLower(plan), "sort") {
			t.Errorf("plan: %s", plan)
		}
	})
}

func TestOldSessionsAreForgotten(t *testing.T) {
	each(t, func(t *testing.T, sql *sqldb.DB, s *db.Store) {
		var rows []db.Session
		var ended []db.Revocation
		for i := range int64(2500) {
			rows = append(rows, session(1+i%7, 1+i, i))
			ended = append(ended, db.Revocation{UserID: 1, SessionID: i, RevokedMs: i / 3})
		}
		if err := errors.Join(sql.Write.CreateInBatches(&rows, 500).Error, sql.Write.CreateInBatches(&ended, 500).Error); err != nil {
			t.Fatal(err)
		}
		count := sqldbtest.CountStatements(sql)
		before := count()
		if n, err := s.ForgetSessions(t.Context(), 2401); n != 2400 || err != nil {
			t.Errorf("%d sessions, %v", n, err)
		}
		if n := count() - before; n != 6 {
			t.Errorf("%d statements, want 3 steps of 2", n)
		}
		if n, err := s.ForgetRevocations(t.Context(), 800); n != 2400 || err != nil {
			t.Errorf("%d revocations, %v", n, err)
		}
		left := revoked(t, s, db.Revocation{}, 1000)
		if n, err := s.NewestID(t.Context()); len(left) != 100 || left[0].RevokedMs != 800 || n != 2500 || err != nil {
			t.Errorf("%d are left from %d on, newest %d %v", len(left), left[0].RevokedMs, n, err)
		}
	})
}
