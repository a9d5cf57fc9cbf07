package service_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tiktok/cmd/user/dal/db"
	"tiktok/cmd/user/service"
	"tiktok/kitex_gen/user"
	"tiktok/kitex_gen/user/userservice"
	"tiktok/pkg/auth"
	"tiktok/pkg/errno"
	"tiktok/pkg/id"
	"tiktok/pkg/kv/kvtest"
	"tiktok/pkg/limiter"
	"tiktok/pkg/sqldb"
	"tiktok/pkg/sqldb/sqldbtest"
)

const home, elsewhere, hotel = "192.0.2.1", "2001:db8:666::/64", "198.51.100.7"

// guessing is a service that allows a few tries an account, whose clock the test moves, and bob at home.
func guessing(t *testing.T, sql *sqldb.DB, burst int) (c userservice.Client, ahead *atomic.Int64) {
	t.Helper()
	cache := kvtest.Shared(t)
	d := deps(t, sql, cache, id.New(0))
	ahead = &atomic.Int64{}
	d.Rule = limiter.Rule{Rate: 0.0001, Burst: burst}
	d.Now = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	c = client(t, service.New(d))
	if _, err := c.Register(t.Context(), &user.RegisterRequest{Username: "bob", Password: "secret", Client: home}); err != nil {
		t.Fatal(err)
	}
	return c, ahead
}

func login(t *testing.T, c userservice.Client, name, password, from string) error {
	t.Helper()
	_, err := c.Login(t.Context(), &user.LoginRequest{Username: name, Password: password, Client: from})
	return err
}

// Whoever guesses from elsewhere does not keep the owner of an account out of it.
func TestGuessesDoNotLockTheOwnerOut(t *testing.T) {
	sqldbtest.Each(t, "user", db.Migrations(), func(t *testing.T, sql *sqldb.DB) {
		c, ahead := guessing(t, sql, 5)
		for i := range 20 {
			target := errno.UserBadCredentials
			if i >= 5 {
				target = errno.TooManyRequests
			}
			want(t, login(t, c, "bob", fmt.Sprint("guess", i), elsewhere), target)
		}
		if err := login(t, c, "bob", "secret", home); err != nil {
			t.Errorf("at home: %v", err)
		}
		for range 10 { // the gateway counts the known network
			want(t, login(t, c, "bob", "typo", home), errno.UserBadCredentials)
		}
		want(t, login(t, c, "bob", "secret", hotel), errno.TooManyRequests)
		want(t, login(t, c, "bob", "secret", ""), errno.TooManyRequests)
		want(t, login(t, c, "Bob", "secret", hotel), errno.UserBadCredentials) // another name

		ahead.Store(int64(29 * 24 * time.Hour))
		if err := login(t, c, "bob", "secret", home); err != nil {
			t.Errorf("at home after 29 days: %v", err)
		}
		ahead.Store(int64(58 * 24 * time.Hour)) // the last login counts
		if err := login(t, c, "bob", "secret", home); err != nil {
			t.Errorf("at home after 58 days: %v", err)
		}
		ahead.Store(int64(89 * 24 * time.Hour))
		want(t, login(t, c, "bob", "secret", home), errno.TooManyRequests)
	})
}

// A thousand networks guess no more often than the account's rule says, and learn nothing about who exists.
func TestManyNetworksShareOneBudget(t *testing.T) {
	c, _ := guessing(t, sqldbtest.SQLite(t, "user", db.Migrations()), 8)
	for _, name := range []string{"bob", "nobody"} {
		var tried, refused atomic.Int64
		var wg sync.WaitGroup
		for i := range 20 {
			wg.Go(func() {
				for j := range 50 {
					err := login(t, c, name, "guess", fmt.Sprintf("10.0.%d.%d", i, j))
					switch {
					case errors.Is(errno.From(err), errno.UserBadCredentials):
						tried.Add(1)
					case errors.Is(errno.From(err), errno.TooManyRequests):
						refused.Add(1)
					default:
						t.Errorf("guess: %v", err)
					}
				}
			})
		}
		wg.Wait()
		if tried.Load() != 8 || refused.Load() != 992 {
			t.Errorf("%s: %d of 1000 guesses were tried, %d refused; want 8 and 992", name, tried.Load(), refused.Load())
		}
	}
	if err := login(t, c, "bob", "secret", home); err != nil {
		t.Errorf("at home: %v", err)
	}
}

// A login from a new network makes it known.
func TestNewNetworksBecomeKnown(t *testing.T) {
	c, _ := guessing(t, sqldbtest.SQLite(t, "user", db.Migrations()), 3)
	for range 50 {
		if err := login(t, c, "bob", "secret", hotel); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		want(t, login(t, c, "bob", "guess", elsewhere), errno.UserBadCredentials)
	}
	want(t, login(t, c, "bob", "guess", elsewhere), errno.TooManyRequests)
}

// A crowd behind one address waits for itself: who comes from another one is served in between.
func TestNetworksTakeTurnsAtHashes(t *testing.T) {
	const crowd = 40
	sql := sqldbtest.SQLite(t, "user", db.Migrations())
	cache := kvtest.Shared(t)
	d := deps(t, sql, cache, id.New(0))
	d.Hasher, d.Rule = auth.NewHasher(1), limiter.Rule{}
	c := client(t, service.New(d))
	var done atomic.Int64
	var wg sync.WaitGroup
	for i := range crowd {
		wg.Go(func() {
			req := &user.RegisterRequest{Username: fmt.Sprint("one", i), Password: "secret", Client: home}
			if _, err := c.Register(t.Context(), req); err != nil {
				t.Error(err)
			}
			done.Add(1)
		})
	}
	for d.Hasher.Waiting() < crowd/2 {
		if done.Load() > crowd/2 {
			t.Fatal("nobody waits")
		}
		runtime.Gosched()
	}
	before := done.Load()
	want(t, login(t, c, "nobody", "secret", hotel), errno.UserBadCredentials)
	if n := done.Load() - before; n > 6 {
		t.Errorf("%d of the crowd were served before one from another network", n)
	}
	wg.Wait()

	// With the little time that one who waits has left, the crowd is told so at once; the other network is served.
	ctx, cancel := context.WithTimeout(t.Context(), 400*time.Millisecond)
	defer cancel()
	var refused atomic.Int64
	for range 100 {
		wg.Go(func() {
			_, err := c.Login(ctx, &user.LoginRequest{Username: "nobody", Password: "x", Client: home})
			if errors.Is(errno.From(err), errno.TooManyRequests) {
				refused.Add(1)
			}
		})
	}
	wg.Wait()
	if refused.Load() < 50 {
		t.Errorf("%d of 100 were refused at once, want most", refused.Load())
	}
}
