package service_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tiktok/cmd/user/dal/db"
	"tiktok/cmd/user/service"
	"tiktok/config"
	"tiktok/kitex_gen/common"
	"tiktok/kitex_gen/user"
	"tiktok/kitex_gen/user/userservice"
	"tiktok/pkg/auth"
	"tiktok/pkg/errno"
	"tiktok/pkg/id"
	"tiktok/pkg/id/idtest"
	"tiktok/pkg/kv"
	"tiktok/pkg/kv/kvtest"
	"tiktok/pkg/limiter"
	"tiktok/pkg/names"
	"tiktok/pkg/sqldb"
	"tiktok/pkg/sqldb/sqldbtest"
	"tiktok/pkg/telemetry"
	"tiktok/pkg/transport"
	"tiktok/pkg/words"
)

// client puts svc behind a client whose messages cross the codec.
func client(t *testing.T, svc user.UserService) userservice.Client {
	t.Helper()
	tel := telemetry.Discard()
	local, err := transport.Local("test", userservice.NewServer(svc, transport.ServerOptions("user", tel)...))
	if err != nil {
		t.Fatal(err)
	}
	c, err := userservice.NewClient("user", transport.Strict(), local)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func onDB(t *testing.T, sql *sqldb.DB, ids *id.Generator) userservice.Client {
	t.Helper()
	cache := kvtest.Shared(t)
	return client(t, service.New(deps(t, sql, cache, ids)))
}

// deps are what a service has by default, but for the clock: everything that a test may change.
func deps(t *testing.T, sql *sqldb.DB, cache kv.Store, ids *id.Generator) service.Deps {
	t.Helper()
	guesses, err := limiter.NewMemory(0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = guesses.Close() })
	policy, err := names.New(config.Default().Names)
	if err != nil {
		t.Fatal(err)
	}
	filter, err := words.Open(config.Default().Words)
	if err != nil {
		t.Fatal(err)
	}
	return service.Deps{
		Names: policy, Words: filter, Store: db.New(sql), Cache: cache, IDs: ids, Hasher: auth.NewHasher(0), Guesses: guesses,
		Rule:     config.Default().Limits.LoginAccount,
		TokenTTL: config.Default().Auth.TokenTTL,
		Tel:      telemetry.Discard(),
	}
}

func newClient(t *testing.T) userservice.Client {
	t.Helper()
	return onDB(t, sqldbtest.SQLite(t, "user", db.Migrations()), id.New(0))
}

func register(t *testing.T, c userservice.Client, name, password string) int64 {
	t.Helper()
	resp, err := c.Register(t.Context(), &user.RegisterRequest{Username: name, Password: password})
	if err != nil {
		t.Fatalf("register %q: %v", name, err)
	}
	return resp.UserId
}

// want checks the business error that came over the wire.
func want(t *testing.T, err error, target *errno.Error) {
	t.Helper()
	if err == nil || !errors.Is(errno.From(err), target) {
		t.Errorf("got error %v, want %v", err, target)
	}
}

func TestRegisterLoginRead(t *testing.T) {
	c := newClient(t)
	before := time.Now().UnixMilli()
	uid := register(t, c, "张三", "密码密码密码密码密码密码密码密码密码密码密码密码密码密码密码密码") // 32 characters, 96 bytes
	if uid <= 0 || uid >= 1<<53 {
		t.Errorf("user id %d is out of range", uid)
	}
	login, err := c.Login(t.Context(), &user.LoginRequest{Username: "张三", Password: strings.Repeat("密码", 16)})
	if err != nil || login.UserId != uid {
		t.Errorf("login: %v %v", login, err)
	}
	resp, err := c.MGetUsers(t.Context(), &user.MGetUsersRequest{UserIds: []int64{uid, uid, 404, 0, -7}})
	if err != nil {
		t.Fatal(err)
	}
	got := resp.Users[uid]
	if len(resp.Users) != 1 || got == nil {
		t.Fatalf("got %v", resp.Users)
	}
	if got.CreatedAtMs < before || got.CreatedAtMs > time.Now().UnixMilli() {
		t.Errorf("created at %d", got.CreatedAtMs)
	}
	if diff := cmp.Diff(&user.User{Id: uid, Name: "张三", CreatedAtMs: got.CreatedAtMs}, got); diff != "" {
		t.Error(diff)
	}
}

func TestNameIsTakenOnce(t *testing.T) {
	c := newClient(t)
	register(t, c, "Bob", "secret")
	_, err := c.Register(t.Context(), &user.RegisterRequest{Username: "Bob", Password: "other"})
	want(t, err, errno.UserNameTaken)
	_, err = c.Login(t.Context(), &user.LoginRequest{Username: "Bob", Password: "other"})
	want(t, err, errno.UserBadCredentials)
	if register(t, c, "bob", "secret") == register(t, c, "BOB", "secret") {
		t.Error("two names, one id")
	}
}

// The store's tests do the same with 100 at once, on every dialect, without the hashes.
func TestRegisterOfOneNameAtOnce(t *testing.T) {
	c := newClient(t)
	var wg sync.WaitGroup
	var ok atomic.Int64
	for range 30 {
		wg.Go(func() {
			_, err := c.Register(t.Context(), &user.RegisterRequest{Username: "everyone", Password: "secret"})
			if err == nil {
				ok.Add(1)
				return
			}
			want(t, err, errno.UserNameTaken)
		})
	}
	wg.Wait()
	if ok.Load() != 1 {
		t.Errorf("%d registrations of one name succeeded", ok.Load())
	}
}

func TestBadInput(t *testing.T) {
	c := newClient(t)
	long := strings.Repeat("中", 33)
	names := map[string]string{
		"empty": "", "space": " ", "blank": "\u3000", "leading space": " bob", "trailing space": "bob ",
		"trailing wide space": "bob\u3000", "long": long, "20 kB": strings.Repeat("x", 20_000), "NUL": "bo\x00b", "newline": "bo\nb",
		"delete": "bo\x7fb", "C1 control": "bo\u0085b", "zero width": "bo\u200bb", "right to left override": "bo\u202eb",
		"line separator": "bo\u2028b", "Hangul filler": "\u3164", "empty braille": "\u2800", "only a mark": "\u0301",
		"byte order mark": "\ufeffbob", "invalid UTF-8": "bo\xff", "surrogate": "bo\xed\xa0\x80", "overlong": "bo\xc0\x80",
	}
	for what, name := range names {
		t.Run("name "+what, func(t *testing.T) {
			_, err := c.Register(t.Context(), &user.RegisterRequest{Username: name, Password: "secret"})
			want(t, err, errno.InvalidArgument)
			_, err = c.Login(t.Context(), &user.LoginRequest{Username: name, Password: "secret"})
			want(t, err, errno.UserBadCredentials)
		})
	}
	passwords := map[string]string{"empty": "", "long": long, "NUL": "a\x00b", "newline": "a\nb", "invalid UTF-8": "a\xfe"}
	for what, password := range passwords {
		t.Run("password "+what, func(t *testing.T) {
			_, err := c.Register(t.Context(), &user.RegisterRequest{Username: "bob", Password: password})
			want(t, err, errno.InvalidArgument)
			_, err = c.Login(t.Context(), &user.LoginRequest{Username: "bob", Password: password})
			want(t, err, errno.UserBadCredentials)
		})
	}
	register(t, c, "bob", "secret") // nothing of the above was stored
}

func TestGoodNamesAndPasswords(t *testing.T) {
	c := newClient(t)
	for _, name := range []string{
		"a", "zhanglei", "douyinTestUserA", "douyin123", "张 三", "O'Brien; DROP TABLE users", "❤\ufe0f", "한국", "मुन्ना", strings.Repeat("😀", 32),
	} {
		uid := register(t, c, name, " p ")
		login, err := c.Login(t.Context(), &user.LoginRequest{Username: name, Password: " p "})
		if err != nil || login.UserId != uid {
			t.Errorf("login of %q: %v %v", name, login, err)
		}
		_, err = c.Login(t.Context(), &user.LoginRequest{Username: name, Password: "p"})
		want(t, err, errno.UserBadCredentials)
	}
}

// The longest of a few logins with an unknown name must not be far from one with a wrong password. The bounds are wide:
// a skipped hash makes a factor of hundreds.
func TestUnknownNameCostsAHash(t *testing.T) {
	c := newClient(t)
	register(t, c, "bob", "secret")
	fastest := func(name string) time.Duration {
		best := time.Hour
		for range 5 {
			start := time.Now()
			_, err := c.Login(t.Context(), &user.LoginRequest{Username: name, Password: "wrong"})
			want(t, err, errno.UserBadCredentials)
			best = min(best, time.Since(start))
		}
		return best
	}
	known, unknown := fastest("bob"), fastest("nobody")
	if unknown < known/4 || known < unknown/4 {
		t.Errorf("known name %v, unknown name %v", known, unknown)
	}
}

// The answer "no such user" is cached; the registration that then gets this id must not suffer from it.
func TestRegisterOverwritesNegativeEntry(t *testing.T) {
	ids := id.New(0)
	last := idtest.Next(ids)
	for ahead := id.Time(last).Add(5 * time.Second); id.Time(last).Before(ahead); {
		last = idtest.Next(ids) // makes it run ahead of the clock, where the next id can be told
	}
	next := []int64{last + 1, (last>>13 + 1) << 13} // in the same millisecond, or the first of the following
	c := onDB(t, sqldbtest.SQLite(t, "user", db.Migrations()), ids)
	if resp, err := c.MGetUsers(t.Context(), &user.MGetUsersRequest{UserIds: next}); err != nil || len(resp.Users) != 0 {
		t.Fatalf("got %v %v", resp, err)
	}
	uid := register(t, c, "bob", "secret")
	if !slices.Contains(next, uid) {
		t.Fatalf("id %d is none of %v", uid, next)
	}
	resp, err := c.MGetUsers(t.Context(), &user.MGetUsersRequest{UserIds: []int64{uid}})
	if err != nil || resp.Users[uid] == nil {
		t.Errorf("the new user is not visible: %v %v", resp, err)
	}
}

func TestMGetUsersBounds(t *testing.T) {
	c := newClient(t)
	_, err := c.MGetUsers(t.Context(), &user.MGetUsersRequest{UserIds: make([]int64, common.MAX_BATCH+1)})
	want(t, err, errno.InvalidArgument)
	resp, err := c.MGetUsers(t.Context(), &user.MGetUsersRequest{})
	if err != nil || len(resp.Users) != 0 {
		t.Errorf("got %v %v", resp, err)
	}
}

func TestMGetUsersCost(t *testing.T) {
	sql := sqldbtest.SQLite(t, "user", db.Migrations())
	store := db.New(sql)
	var ids []int64
	for i := range 100 {
		a := db.Account{User: db.User{ID: int64(i + 1), Username: fmt.Sprint("u", i)}, PasswordHash: "x"}
		if err := store.Create(t.Context(), a, nil, nil); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, a.ID)
	}
	count := sqldbtest.CountStatements(sql)
	cost := func(c userservice.Client, ids []int64) int {
		before := count()
		resp, err := c.MGetUsers(t.Context(), &user.MGetUsersRequest{UserIds: ids})
		if err != nil || len(resp.Users) != len(ids) {
			t.Fatalf("got %d users: %v", len(resp.Users), err)
		}
		return count() - before
	}
	if n := cost(onDB(t, sql, id.New(0)), ids[:1]); n != 1 {
		t.Errorf("1 id: %d statements", n)
	}
	c := onDB(t, sql, id.New(0))
	if n := cost(c, ids); n != 1 {
		t.Errorf("100 ids: %d statements", n)
	}
	if n := cost(c, ids); n != 0 {
		t.Errorf("100 cached ids: %d statements", n)
	}
}

func TestOpen(t *testing.T) {
	cfg := config.Default()
	cfg.DB.Dir = t.TempDir()
	for restart := range 2 {
		svc, err := service.Open(t.Context(), cfg, telemetry.Discard(), id.New(0), nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := svc.Ready(t.Context()); err != nil {
			t.Error(err)
		}
		c := client(t, svc)
		if restart == 0 {
			register(t, c, "bob", "secret")
		} else if _, err := c.Login(t.Context(), &user.LoginRequest{Username: "bob", Password: "secret"}); err != nil {
			t.Errorf("after a restart: %v", err)
		}
		if err := svc.Close(); err != nil {
			t.Error(err)
		}
		if err := svc.Ready(t.Context()); err == nil {
			t.Error("a closed service says it is ready")
		}
	}
}
