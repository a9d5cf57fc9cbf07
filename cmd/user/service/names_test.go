package service_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"tiktok/cmd/user/dal/db"
	"tiktok/cmd/user/service"
	"tiktok/kitex_gen/user"
	"tiktok/pkg/errno"
	"tiktok/pkg/id"
	"tiktok/pkg/kv/kvtest"
	"tiktok/pkg/sqldb"
	"tiktok/pkg/sqldb/sqldbtest"
)

// What could pass for another account, or for the product, is not registered; who has such a name keeps it.
func TestImpostorsAreRefused(t *testing.T) {
	sqldbtest.Each(t, "user", db.Migrations(), func(t *testing.T, sql *sqldb.DB) {
		cache := kvtest.Shared(t)
		d := deps(t, sql, cache, id.New(0))
		svc := service.New(d)
		c := client(t, svc)
		refused := func(name string, target *errno.Error, why string) {
			t.Helper()
			_, err := c.Register(t.Context(), &user.RegisterRequest{Username: name, Password: "secret"})
			want(t, err, target)
			if err != nil && !strings.Contains(errno.From(err).Msg, why) {
				t.Errorf("%q: %q, want %q", name, errno.From(err).Msg, why)
			}
		}
		refused("аlice", errno.InvalidArgument, "scripts") // Cyrillic а
		refused("admin", errno.InvalidArgument, "reserved")
		refused("官方客服", errno.InvalidArgument, "reserved")
		refused("bob\u200b", errno.InvalidArgument, "invisible")
		refused("bob\u202e", errno.InvalidArgument, "invisible")
		register(t, c, "ace", "secret")
		refused("ace", errno.UserNameTaken, "already")
		refused("асе", errno.UserNameTaken, "looks like") // Cyrillic all of it
		refused("ａｃｅ", errno.UserNameTaken, "looks like")
		register(t, c, "Ace", "secret")

		// Accounts of before the rules: they log in, and from the next start on nobody looks like them.
		hash, err := d.Hasher.Hash(t.Context(), "", "secret")
		if err != nil {
			t.Fatal(err)
		}
		for i, name := range []string{"admin", "Оlga" /* Cyrillic О */, "tim"} {
			account := db.Account{User: db.User{ID: int64(i + 1), Username: name}, PasswordHash: hash}
			if err := d.Store.Create(t.Context(), account, nil, nil); err != nil {
				t.Fatal(err)
			}
			if err := login(t, c, name, "secret", home); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		ran := make(chan error)
		go func() { ran <- svc.Run(ctx) }()
		for taken := false; !taken; { // until Run has come so far
			if taken, err = d.Store.LooksTaken(t.Context(), d.Names.Key("tim")); err != nil {
				t.Fatal(err)
			}
		}
		cancel()
		if err := <-ran; err != nil {
			t.Error(err)
		}
		refused("Olga", errno.UserNameTaken, "looks like")
		refused("tim", errno.UserNameTaken, "already")
	})
}

func TestNamesThatLookAlikeAtOnce(t *testing.T) {
	sqldbtest.Each(t, "user", db.Migrations(), func(t *testing.T, sql *sqldb.DB) {
		c := onDB(t, sql, id.New(0))
		var wg sync.WaitGroup
		var ok atomic.Int64
		for _, name := range []string{"ace", "асе", "ａｃｅ", "𝐚𝐜𝐞", "ⓐⓒⓔ", "ace", "асе"} {
			wg.Go(func() {
				_, err := c.Register(t.Context(), &user.RegisterRequest{Username: name, Password: "secret"})
				switch {
				case err == nil:
					ok.Add(1)
				case !errors.Is(errno.From(err), errno.UserNameTaken):
					t.Errorf("%q: %v", name, err)
				}
			})
		}
		wg.Wait()
		if ok.Load() != 1 {
			t.Errorf("%d names that look alike were registered, want 1", ok.Load())
		}
	})
}
