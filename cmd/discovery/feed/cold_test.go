package feed

import (
	"math/rand/v2"
	"reflect"
	"testing"

	"tiktok/cmd/discovery/dal/db"
	"tiktok/cmd/discovery/heat"
	"tiktok/kitex_gen/discovery"
	"tiktok/pkg/kv/kvtest"
	"tiktok/pkg/sqldb"
	"tiktok/pkg/sqldb/sqldbtest"
)

// crowd fills what so many users did: each published 2 videos, likes 100, popular ones more often, follows 20 and has watched 20.
func (f *fixture) crowd(users int64) {
	r, videos, authors := rand.New(rand.NewPCG(1, 2)), 2*users, users
	popular := func(n int64) int64 { // a tenth of all gets half of it
		x := r.Float64()
		return int64(x * x * x * float64(n))
	}
	f.fill(videos, authors)
	heats, at := make(map[int64]float64), f.now.UnixMilli()
	var likes []db.Like
	var follows []db.Follow
	var history []db.History
	for user := int64(1); user <= users; user++ {
		liked, followed, watched := map[int64]bool{}, map[int64]bool{}, map[int64]bool{}
		for range 100 {
			id := videos - popular(videos)
			if id = id*7919%videos + 1; liked[id] {
				continue
			}
			liked[id] = true
			likes = append(likes, db.Like{UserID: user, VideoID: id, Liked: true, AtMs: at - r.Int64N(1_000_000_000)})
			heats[id] = heat.Add(heats[id], 1, at-1000, f.HalfLife)
		}
		for range 20 {
			if to := 1_000_000 + popular(authors); !followed[to] {
				followed[to] = true
				follows = append(follows, db.Follow{UserID: user, ToUserID: to, Following: true})
			}
			if id := 1 + popular(videos); !watched[id] {
				watched[id] = true
				history = append(history, db.History{UserID: user, VideoID: id, AtMs: at - int64(len(watched)), WatchedMs: 4000, Finished: true})
			}
		}
	}
	create(f, likes)
	create(f, follows)
	create(f, history)
}

// Whoever likes and follows what others do costs three statements of their own, for likes, follows and history, and gets the same: what
// they have in common is read once.
func TestTastesShare(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		f.fill(600, 60)
		var follows []db.Follow
		for user := int64(1); user <= 5; user++ {
			f.likes(user, 1, 2, 3, 4, 5)
			for a := range int64(5) {
				follows = append(follows, db.Follow{UserID: user, ToUserID: 1_000_000 + a, Following: true})
			}
		}
		create(f, follows)
		first, err := f.loadTastes(t.Context(), []int64{1})
		if err != nil {
			t.Fatal(err)
		}
		before := f.count()
		others, err := f.loadTastes(t.Context(), []int64{2, 3, 4, 5})
		if err != nil {
			t.Fatal(err)
		}
		if n := f.count() - before; n != 3 {
			t.Errorf("%d statements", n)
		}
		for user, other := range others {
			if len(other.own) == 0 || !reflect.DeepEqual(other, first[1]) {
				t.Errorf("the taste of %d is %v, want %v", user, other, first[1])
			}
		}
	})
}

// BenchmarkCold is the first page of each of 1,000 users of whom nothing is cached, one after the other, by a process that has just begun.
func BenchmarkCold(b *testing.B) {
	const users, viewers = 2000, 1000
	for name, open := range map[string]func(testing.TB) *sqldb.DB{
		"sqlite": func(t testing.TB) *sqldb.DB { return sqldbtest.SQLite(t, "discovery", db.Migrations()) },
		"mysql":  func(t testing.TB) *sqldb.DB { return sqldbtest.MySQL(t, "discovery", db.Migrations()) },
	} {
		b.Run(name, func(b *testing.B) {
			sql := open(b)
			f := on(b, sql, kvtest.Shared(b))
			f.crowd(users)
			count := sqldbtest.CountStatements(sql)
			b.ReportAllocs()
			for b.Loop() {
				f = on(b, sql, kvtest.Shared(b))
				for viewer := range int64(viewers) {
					f.ask(&discovery.FeedQuery{Feed: discovery.Feed_FOR_YOU, ViewerId: 1 + viewer, Limit: 30})
				}
			}
			b.ReportMetric(b.Elapsed().Seconds()*1000/float64(b.N*viewers), "ms/page")
			b.ReportMetric(float64(count())/float64(b.N*viewers), "statements/page")
		})
	}
}
