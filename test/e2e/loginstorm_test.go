package e2e_test

import (
	"context"
	"runtime"
	"sync/atomic"
	"testing"

	"tiktok/test/harness"
)

// TestLoginStorm: while many log in at once, who reads the feed is still answered. The measure is how many pages are read
// for each password that is checked, by a few readers who each ask again as soon as they are answered: another program on
// the machine takes from both.
func TestLoginStorm(t *testing.T) {
	cpus := runtime.GOMAXPROCS(0)
	if cpus < 2 || harness.RaceEnabled {
		t.Skip("needs a processor that does not hash, and pages at their real cost")
	}
	// So few at a time that none of them waits longer than a request may, also when others use the machine.
	const crowd, rounds, readers, password = 3, 8, 3, "tiktok-demo"
	const logins = crowd * rounds
	d := harness.AllInOne(t, harness.WithoutLimits())
	author := d.NewUser(t)
	author.Publish(t, "what everybody reads meanwhile")
	name := d.NewName()
	d.Visitor().Post(t, "/douyin/user/register/", "username", name, "password", password).OK(t)

	ctx, storm := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		defer storm()
		harness.Parallel(t, crowd, func(t testing.TB, _ int) {
			for range rounds {
				d.Login(t, name, password)
			}
		})
	}()
	var pages atomic.Int64
	harness.Parallel(t, readers, func(t testing.TB, _ int) {
		for ctx.Err() == nil {
			if page := author.Feed(t, 0); len(page.Videos) != 1 {
				t.Errorf("a page of %d videos", len(page.Videos))
			}
			pages.Add(1)
		}
	})
	<-ended
	// Each processor more that hashes makes the storm shorter.
	least := int64(logins * enoughPages / (cpus - 1))
	t.Logf("%d pages beside %d logins", pages.Load(), logins)
	if n := pages.Load(); n < least {
		t.Errorf("%d pages were read while %d logged in, want at least %d", n, logins, least)
	}
}

// enoughPages is how many pages must be answered for each hash on one processor. On two processors it is 110 to 240, and
// with hashes on both of them 5 to 20.
const enoughPages = 45
