package service

import (
	"math/rand/v2"
	"sync"
	"testing"

	"tiktok/cmd/interaction/dal/db"
	"tiktok/cmd/interaction/dal/mq"
	"tiktok/pkg/queue/queuetest"
	"tiktok/pkg/sqldb"
	"tiktok/pkg/sqldb/sqldbtest"
)

// Users like, unlike and comment through a queue that delays, reorders and delivers again. When it has calmed down,
// every list is as the last answers said and every counter equals its list.
func TestChaos(t *testing.T) {
	sqldbtest.Each(t, Name, db.Migrations(), func(t *testing.T, raw *sqldb.DB) {
		seed := rand.Uint64()
		t.Logf("seed %d", seed)
		var chaos *queuetest.Chaos[mq.Event]
		f := newFixture(t, raw, func(d *Deps) {
			chaos = queuetest.NewChaos(d.Queue, seed)
			d.Queue, d.Pending = chaos, pendingIn(t, ownRedis(t))
		})
		const users = 20
		liked := make([]map[int64]bool, users)
		var mu sync.Mutex
		comments := map[int64]int64{}
		var wg sync.WaitGroup
		for u := range liked {
			liked[u] = map[int64]bool{}
			r := rand.New(rand.NewPCG(seed, uint64(u)))
			wg.Go(func() {
				user := int64(1 + u) // some are authors too
				for range 60 {
					v := videoOf(1+r.Int64N(4), r.Int64N(3))
					switch r.IntN(3) {
					case 0:
						f.like(t, user, v)
						liked[u][v] = true
					case 1:
						f.unlike(t, user, v)
						liked[u][v] = false
					default:
						c := f.comment(t, user, v, "hi")
						if r.IntN(2) == 0 {
							if err := f.delete(t, user, v, c.Id); err != nil { // perhaps it is held back: that is no matter
								t.Errorf("delete: %v", err)
							}
							continue
						}
						mu.Lock()
						comments[v]++
						mu.Unlock()
					}
				}
			})
		}
		wg.Wait()
		if err := chaos.Settle(t.Context()); err != nil {
			t.Fatal(err)
		}

		favorites, totals := map[int64]int64{}, map[int64]int64{}
		for u := range liked {
			want := map[int64]bool{}
			for v, is := range liked[u] {
				if is {
					want[v] = true
					favorites[v]++
					totals[authorOf(v)]++
				}
			}
			got := map[int64]bool{}
			for _, v := range f.favorites(t, int64(1+u), 5) {
				got[v] = true
			}
			same(t, "favorites", want, got)
		}
		for author := int64(1); author <= 4; author++ {
			if n := f.userStats(t, author).TotalFavorited; n != totals[author] {
				t.Errorf("author %d has %d likes, want %d", author, n, totals[author])
			}
			for n := range int64(3) {
				v := videoOf(author, n)
				same(t, "stats", seenVideo{FavoriteCount: favorites[v], CommentCount: comments[v]}, f.videoStats(t, 0, v))
			}
		}
		f.audited(t)
	})
}
