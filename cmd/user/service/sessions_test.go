package service_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unicode/utf8"

	"tiktok/cmd/user/dal/db"
	"tiktok/cmd/user/service"
	"tiktok/kitex_gen/common"
	"tiktok/kitex_gen/user"
	"tiktok/kitex_gen/user/userservice"
	"tiktok/pkg/errno"
	"tiktok/pkg/id"
	"tiktok/pkg/kv/kvtest"
	"tiktok/pkg/limiter"
	"tiktok/pkg/sqldb"
	"tiktok/pkg/sqldb/sqldbtest"
)

func phone() *user.Device { return &user.Device{Agent: "手机 1.0", Addr: "192.0.2.1"} }

// open registers an account with a session.
func open(t *testing.T, c userservice.Client, name string) *user.Session {
	t.Helper()
	resp, err := c.Register(t.Context(), &user.RegisterRequest{Username: name, Password: "secret", Device: phone()})
	if err != nil {
		t.Fatal(err)
	}
	return resp.Session
}

// enter logs in and returns the session.
func enter(t *testing.T, c userservice.Client, name, password string) *user.Session {
	t.Helper()
	resp, err := c.Login(t.Context(), &user.LoginRequest{Username: name, Password: password, Client: home, Device: phone()})
	if err != nil {
		t.Fatal(err)
	}
	return resp.Session
}

func live(t *testing.T, c userservice.Client, userID int64) (ids []int64) {
	t.Helper()
	resp, err := c.ListSessions(t.Context(), &user.ListSessionsRequest{UserId: userID})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range resp.Sessions {
		ids = append(ids, s.Id)
	}
	return ids
}

// ended reads what was revoked from a cursor on, in pages, and returns the sessions and the next cursor.
func ended(t *testing.T, c userservice.Client, cursor string, limit int32) (all []int64, next string) {
	t.Helper()
	for more := true; more; {
		resp, err := c.ListRevoked(t.Context(), &user.ListRevokedRequest{Cursor: cursor, Limit: limit})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range resp.Revocations {
			all = append(all, r.SessionId)
		}
		if cursor, more = resp.NextCursor, resp.More; cursor == "" {
			t.Fatal("no cursor")
		}
	}
	return all, cursor
}

func TestSessionsOfAnAccount(t *testing.T) {
	sqldbtest.Each(t, "user", db.Migrations(), func(t *testing.T, sql *sqldb.DB) {
		c := onDB(t, sql, id.New(0))
		first := open(t, c, "ann")
		ann := first.UserId
		if first.Id <= 0 || first.Device.Agent != "手机 1.0" || first.Device.Addr != "192.0.2.1" || first.CreatedAtMs != first.SeenAtMs {
			t.Errorf("session %v", first)
		}
		second, bob := enter(t, c, "ann", "secret"), open(t, c, "bob")
		if got := live(t, c, ann); !slices.Equal(got, []int64{second.Id, first.Id}) {
			t.Errorf("got %v", got)
		}
		later := &user.SessionUse{UserId: ann, SessionId: first.Id, SeenAtMs: second.SeenAtMs + 1000}
		if _, err := c.TouchSessions(t.Context(), &user.TouchSessionsRequest{Uses: []*user.SessionUse{later}}); err != nil {
			t.Fatal(err)
		}
		if got := live(t, c, ann); !slices.Equal(got, []int64{first.Id, second.Id}) {
			t.Errorf("after a use: %v", got)
		}
		for _, id := range []int64{bob.Id, 0, -1, 404} {
			_, err := c.RevokeSession(t.Context(), &user.RevokeSessionRequest{UserId: ann, SessionId: id})
			want(t, err, errno.SessionNotFound)
		}
		for range 2 {
			resp, err := c.RevokeSession(t.Context(), &user.RevokeSessionRequest{UserId: ann, SessionId: first.Id})
			if err != nil || len(resp.Revocations) != 1 || resp.Revocations[0].SessionId != first.Id || resp.Revocations[0].UserId != ann {
				t.Errorf("revoke: %v %v", resp, err)
			}
		}
		third := enter(t, c, "ann", "secret")
		resp, err := c.RevokeOtherSessions(t.Context(), &user.RevokeOtherSessionsRequest{UserId: ann, SessionId: third.Id})
		if err != nil || len(resp.Revocations) != 2 || resp.Revocations[0].SessionId != second.Id || resp.Revocations[1].SessionId != 0 {
			t.Errorf("revoke others: %v %v", resp, err)
		}
		if got := live(t, c, ann); !slices.Equal(got, []int64{third.Id}) {
			t.Errorf("left: %v", got)
		}
		if got := live(t, c, bob.UserId); !slices.Equal(got, []int64{bob.Id}) {
			t.Errorf("of somebody else: %v", got)
		}
		_, err = c.RevokeOtherSessions(t.Context(), &user.RevokeOtherSessionsRequest{UserId: 404})
		want(t, err, errno.UserNotFound)
		if got, _ := ended(t, c, "", 1); !slices.Equal(got, []int64{first.Id, 0, second.Id}) {
			t.Errorf("revoked: %v", got)
		}
	})
}

// Gateways of before sessions send no device and get no session.
func TestWithoutADevice(t *testing.T) {
	c := newClient(t)
	ann := register(t, c, "ann", "secret")
	resp, err := c.Login(t.Context(), &user.LoginRequest{Username: "ann", Password: "secret"})
	if err != nil || resp.Session != nil || len(live(t, c, ann)) != 0 {
		t.Errorf("got %v %v", resp, err)
	}
}

func TestSessionsBadInput(t *testing.T) {
	c := newClient(t)
	for what, agent := range map[string]string{
		"long": strings.Repeat("x", 5000), "long text": "x" + strings.Repeat("手", 300), "control": "a\x00b\nc\u0085", "invalid": "a\xffb\xf0\x9f",
	} {
		resp, err := c.Register(t.Context(), &user.RegisterRequest{
			Username: "user " + what, Password: "secret", Device: &user.Device{Agent: agent, Addr: agent},
		})
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		for _, text := range []string{resp.Session.Device.Agent, resp.Session.Device.Addr} {
			if text == "" || len(text) > 200 || !utf8.ValidString(text) || strings.ContainsAny(text, "\x00\n\u0085") {
				t.Errorf("%s: kept as %q", what, text)
			}
		}
	}
	for _, cursor := range []string{"x", "1", "1.2.3", "1.2.3.4.5", "1.2.3.x", "9223372036854775808.1.1.1", "1.2.3.4 OR 1=1"} {
		_, err := c.ListRevoked(t.Context(), &user.ListRevokedRequest{Cursor: cursor})
		want(t, err, errno.InvalidArgument)
	}
	for _, limit := range []int32{-1, common.MAX_BATCH + 1} {
		_, err := c.ListRevoked(t.Context(), &user.ListRevokedRequest{Limit: limit})
		want(t, err, errno.InvalidArgument)
	}
	uses := make([]*user.SessionUse, common.MAX_BATCH+1)
	for i := range uses {
		uses[i] = &user.SessionUse{UserId: 1, SessionId: 1, SeenAtMs: 1}
	}
	_, err := c.TouchSessions(t.Context(), &user.TouchSessionsRequest{Uses: uses})
	want(t, err, errno.InvalidArgument)
	if _, err := c.TouchSessions(t.Context(), &user.TouchSessionsRequest{}); err != nil {
		t.Error(err)
	}
}

// The hundred and first session ends the one that was not used for longest.
func TestAtMostAHundredSessions(t *testing.T) {
	sql := sqldbtest.SQLite(t, "user", db.Migrations())
	c, store := onDB(t, sql, id.New(0)), db.New(sql)
	first := open(t, c, "ann")
	_, creds, err := store.OwnCredentials(t.Context(), first.UserId, "")
	if err != nil {
		t.Fatal(err)
	}
	for i := range int64(99) {
		row := db.Session{UserID: first.UserId, ID: first.Id + 1 + i, SeenMs: first.SeenAtMs + 1 + i}
		if err := store.OpenSession(t.Context(), row, creds.PasswordHash, 100, func() int64 { return 1 }); err != nil {
			t.Fatal(err)
		}
	}
	if got := live(t, c, first.UserId); len(got) != 100 || !slices.Contains(got, first.Id) {
		t.Fatalf("%d sessions", len(got))
	}
	last := enter(t, c, "ann", "secret")
	if got := live(t, c, first.UserId); len(got) != 100 || slices.Contains(got, first.Id) || !slices.Contains(got, last.Id) {
		t.Errorf("%d sessions: %v", len(got), got)
	}
	if got, _ := ended(t, c, "", 0); !slices.Equal(got, []int64{first.Id}) {
		t.Errorf("revoked: %v", got)
	}
}

func change(t *testing.T, c userservice.Client, userID int64, old, password string, keep int64) error {
	t.Helper()
	_, err := c.ChangePassword(t.Context(), &user.ChangePasswordRequest{
		UserId: userID, OldPassword: old, NewPassword_: password, SessionId: keep, Client: hotel, StrictPassword: true,
	})
	return err
}

func TestChangePassword(t *testing.T) {
	sqldbtest.Each(t, "user", db.Migrations(), func(t *testing.T, sql *sqldb.DB) {
		c, _ := guessing(t, sql, 6)
		bob := enter(t, c, "bob", "secret")
		other := enter(t, c, "bob", "secret")
		want(t, change(t, c, bob.UserId, "secret", "", 0), errno.InvalidArgument)
		want(t, change(t, c, bob.UserId, "secret", strings.Repeat("x", 33), 0), errno.InvalidArgument)
		want(t, change(t, c, bob.UserId, "secret", "PassWord", 0), errno.PasswordTooCommon)
		want(t, change(t, c, bob.UserId, "", "a long walk", 0), errno.UserBadCredentials)
		want(t, change(t, c, bob.UserId, "wrong", "a long walk", 0), errno.UserBadCredentials)
		want(t, change(t, c, 404, "secret", "a long walk", 0), errno.UserBadCredentials)
		if got := live(t, c, bob.UserId); len(got) != 2 {
			t.Errorf("after failures: %v", got)
		}
		if err := change(t, c, bob.UserId, "secret", "a long walk", bob.Id); err != nil {
			t.Fatal(err)
		}
		if got := live(t, c, bob.UserId); !slices.Equal(got, []int64{bob.Id}) {
			t.Errorf("left: %v", got)
		}
		if got, _ := ended(t, c, "", 0); !slices.Equal(got, []int64{0, other.Id}) {
			t.Errorf("revoked: %v", got)
		}
		want(t, login(t, c, "bob", "secret", home), errno.UserBadCredentials)
		if err := login(t, c, "bob", "a long walk", home); err != nil {
			t.Errorf("with the new one: %v", err)
		}
		// Guesses at the old one share the account's budget with logins.
		for range 10 {
			err := change(t, c, bob.UserId, "guess", "a long ride", 0)
			if errors.Is(errno.From(err), errno.TooManyRequests) {
				break
			}
			want(t, err, errno.UserBadCredentials)
		}
		want(t, change(t, c, bob.UserId, "a long walk", "a long ride", 0), errno.TooManyRequests)
		want(t, login(t, c, "bob", "a long walk", elsewhere), errno.TooManyRequests)
	})
}

func TestCommonPasswordsOfNewAccounts(t *testing.T) {
	c := newClient(t)
	for _, strict := range []bool{true, false} {
		_, err := c.Register(t.Context(), &user.RegisterRequest{Username: "ann", Password: "123456", StrictPassword: strict})
		if strict {
			want(t, err, errno.PasswordTooCommon)
		} else if err != nil {
			t.Error(err)
		}
	}
}

// crowd is a service without a limit of guesses.
func crowd(t *testing.T, sql *sqldb.DB) userservice.Client {
	t.Helper()
	cache := kvtest.Shared(t)
	d := deps(t, sql, cache, id.New(0))
	d.Rule = limiter.Rule{}
	return client(t, service.New(d))
}

// Of changes at once with the same old password one succeeds.
func TestPasswordChangesAtOnce(t *testing.T) {
	sqldbtest.Each(t, "user", db.Migrations(), func(t *testing.T, sql *sqldb.DB) {
		c := crowd(t, sql)
		bob := open(t, c, "bob")
		var wg sync.WaitGroup
		var won atomic.Int64
		for i := range 8 {
			wg.Go(func() {
				if err := change(t, c, bob.UserId, "secret", fmt.Sprint("a long walk ", i), bob.Id); err != nil {
					want(t, err, errno.UserBadCredentials)
					return
				}
				won.Add(int64(1 + 100*i))
			})
		}
		wg.Wait()
		if won.Load()%100 != 1 {
			t.Fatalf("%d changes succeeded", won.Load()%100)
		}
		if err := login(t, c, "bob", fmt.Sprint("a long walk ", won.Load()/100), home); err != nil {
			t.Errorf("with the password of the one that succeeded: %v", err)
		}
	})
}

// Whatever logs in with the old password, before or while it is changed, has no session afterwards; nor has what was revoked.
func TestLoginsWhileThePasswordChanges(t *testing.T) {
	sqldbtest.Each(t, "user", db.Migrations(), func(t *testing.T, sql *sqldb.DB) {
		c := crowd(t, sql)
		bob := open(t, c, "bob")
		mine := enter(t, c, "bob", "secret")
		var mu sync.Mutex
		opened := []int64{bob.Id}
		var wg sync.WaitGroup
		for range 12 {
			wg.Go(func() {
				resp, err := c.Login(t.Context(), &user.LoginRequest{Username: "bob", Password: "secret", Client: home, Device: phone()})
				if err != nil {
					want(t, err, errno.UserBadCredentials)
					return
				}
				mu.Lock()
				opened = append(opened, resp.Session.Id)
				mu.Unlock()
				_, err = c.RevokeSession(t.Context(), &user.RevokeSessionRequest{UserId: bob.UserId, SessionId: resp.Session.Id})
				if err != nil {
					t.Errorf("revoke: %v", err)
				}
			})
		}
		wg.Go(func() {
			if err := change(t, c, bob.UserId, "secret", "a long walk", mine.Id); err != nil {
				t.Error(err)
			}
		})
		wg.Wait()
		if got := live(t, c, bob.UserId); !slices.Equal(got, []int64{mine.Id}) {
			t.Errorf("left: %v, want %d", got, mine.Id)
		}
		revoked, _ := ended(t, c, "", 3)
		for _, id := range append(opened, 0) {
			if !slices.Contains(revoked, id) {
				t.Errorf("session %d is not revoked", id)
			}
		}
	})
}

// A revocation that commits late, with a time before that of others, is in the next answer.
func TestRevocationsThatCommitLate(t *testing.T) {
	sqldbtest.Each(t, "user", db.Migrations(), func(t *testing.T, sql *sqldb.DB) {
		c := onDB(t, sql, id.New(0))
		now := time.Now().UnixMilli()
		commit := func(session, ms int64) {
			t.Helper()
			if err := sql.Write.Create(&db.Revocation{UserID: 1, SessionID: session, RevokedMs: ms}).Error; err != nil {
				t.Fatal(err)
			}
		}
		for i := range int64(5) {
			commit(1+i, now-1000+i)
		}
		got, cursor := ended(t, c, "", 2)
		if !slices.Equal(got, []int64{1, 2, 3, 4, 5}) {
			t.Errorf("got %v", got)
		}
		commit(6, now-9000)
		got, cursor = ended(t, c, cursor, 2)
		if !slices.Contains(got, 6) {
			t.Errorf("got %v", got)
		}
		// What came while pages were read belongs to the pass after it.
		resp, err := c.ListRevoked(t.Context(), &user.ListRevokedRequest{Cursor: cursor, Limit: 3})
		if err != nil || !resp.More {
			t.Fatalf("%v %v", resp, err)
		}
		commit(7, now-8000)
		_, cursor = ended(t, c, resp.NextCursor, 3)
		if got, _ = ended(t, c, cursor, 3); !slices.Contains(got, 7) {
			t.Errorf("got %v", got)
		}
	})
}

func TestUpkeepForgetsSessions(t *testing.T) {
	sqldbtest.Each(t, "user", db.Migrations(), func(t *testing.T, sql *sqldb.DB) {
		cache := kvtest.Shared(t)
		d := deps(t, sql, cache, id.New(0))
		var ahead atomic.Int64
		d.Now = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
		svc := service.New(d)
		c := client(t, svc)
		ann := open(t, c, "ann")
		gone := enter(t, c, "ann", "secret")
		if _, err := c.RevokeSession(t.Context(), &user.RevokeSessionRequest{UserId: ann.UserId, SessionId: gone.Id}); err != nil {
			t.Fatal(err)
		}
		stored := func() (n int64) {
			t.Helper()
			var sessions, revocations int64
			err := errors.Join(sql.Read.Model(&db.Session{}).Count(&sessions).Error, sql.Read.Model(&db.Revocation{}).Count(&revocations).Error)
			if err != nil {
				t.Fatal(err)
			}
			return sessions + revocations
		}
		upkeep := func(until int64) {
			t.Helper()
			ctx, cancel := context.WithCancel(t.Context())
			ran := make(chan error)
			go func() { ran <- svc.Run(ctx) }()
			for try := 0; stored() != until && try < 10_000; try++ {
				if try == 9_999 {
					t.Errorf("%d rows are left, want %d", stored(), until)
				}
			}
			cancel()
			if err := <-ran; err != nil {
				t.Error(err)
			}
		}
		ahead.Store(int64(d.TokenTTL))
		if got := live(t, c, ann.UserId); len(got) != 0 {
			t.Errorf("a session whose token has ended is listed: %v", got)
		}
		// Not yet, as clocks differ; only what is from before.
		if err := sql.Write.Create(&db.Revocation{UserID: 9, SessionID: 9, RevokedMs: 1}).Error; err != nil {
			t.Fatal(err)
		}
		upkeep(2)
		ahead.Store(int64(d.TokenTTL + 2*time.Hour))
		upkeep(0)
	})
}
