package service

import (
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
)

// stormUser is one user of TestPendingStorm, and what they have written so far.
type stormUser struct {
	id      int64
	liked   map[int64]bool
	likes   int64
	comment int64 // the id of their last comment on the video that all share
	own     int64 // a video that nobody else writes to, so every number of it is known
	written int64 // their comments on it
}

// stormSteps are what each user does round after round, on a video v that all share: a write through one replica, and
// what they must see in their next read through the other.
var stormSteps = []struct {
	name  string
	every int // rounds
	write func(t *testing.T, u *stormUser, v int64, f *fixture)
	sees  func(t *testing.T, u *stormUser, v int64, f *fixture) bool
}{
	{
		name: "like or unlike: the flag, and a count that agrees with it", every: 1,
		write: func(t *testing.T, u *stormUser, v int64, f *fixture) {
			if u.liked[v] {
				f.unlike(t, u.id, v)
				u.likes--
			} else {
				f.like(t, u.id, v)
				u.likes++
			}
			u.liked[v] = !u.liked[v]
		},
		sees: func(t *testing.T, u *stormUser, v int64, f *fixture) bool {
			got := f.videoStats(t, u.id, v)
			return got.IsFavorite == u.liked[v] && got.FavoriteCount >= 0 && (got.FavoriteCount > 0 || !u.liked[v])
		},
	},
	{
		name: "the number of videos they like", every: 1,
		sees: func(t *testing.T, u *stormUser, _ int64, f *fixture) bool {
			return f.userStats(t, u.id).FavoriteCount == u.likes
		},
	},
	{
		name: "the list of videos they like", every: 1,
		sees: func(t *testing.T, u *stormUser, v int64, f *fixture) bool {
			list := f.favorites(t, u.id, 0)
			return int64(len(list)) == u.likes && slices.Contains(list, v) == u.liked[v]
		},
	},
	{
		name: "comment: it is listed", every: 1,
		write: func(t *testing.T, u *stormUser, v int64, f *fixture) { u.comment = f.comment(t, u.id, v, "hi").Id },
		sees: func(t *testing.T, u *stormUser, v int64, f *fixture) bool {
			return slices.Contains(f.commentsFor(t, u.id, v, 0), u.comment)
		},
	},
	{
		name: "delete the comment: it is not listed", every: 3,
		write: func(t *testing.T, u *stormUser, v int64, f *fixture) {
			if err := f.delete(t, u.id, v, u.comment); err != nil {
				t.Errorf("delete: %v", err)
			}
		},
		sees: func(t *testing.T, u *stormUser, v int64, f *fixture) bool {
			return !slices.Contains(f.commentsFor(t, u.id, v, 0), u.comment)
		},
	},
	{
		name: "comment where nobody else does: the exact count", every: 1,
		write: func(t *testing.T, u *stormUser, _ int64, f *fixture) {
			f.comment(t, u.id, u.own, "hi")
			u.written++
		},
		sees: func(t *testing.T, u *stormUser, _ int64, f *fixture) bool {
			return f.videoStats(t, u.id, u.own).CommentCount == u.written
		},
	},
}

// Users write through both replicas, all on a few videos, while the backlog is stored in random pieces. After each answer
// its author's next read, through the other replica, shows exactly what they did.
func TestPendingStorm(t *testing.T) {
	const users, rounds, videos = 8, 25, 5
	onReplicas(t, func(t *testing.T, r *twoReplicas) {
		stop := r.deliverInPieces(t)
		var wg sync.WaitGroup
		for n := range int64(users) {
			u := &stormUser{id: 101 + n, liked: map[int64]bool{}, own: videoOf(10+n, 1)}
			wg.Go(func() {
				for round := range rounds {
					v := videoOf(1, rand.Int64N(videos))
					for n, step := range stormSteps {
						if round%step.every != 0 {
							continue
						}
						here, there := r.a, r.b
						if (round+n)%2 == 1 {
							here, there = there, here
						}
						if step.write != nil {
							step.write(t, u, v, here)
						}
						if !step.sees(t, u, v, there) {
							t.Errorf("user %d, round %d, video %d: %s: not as they wrote: %+v", u.id, round, v, step.name, *u)
						}
					}
				}
			})
		}
		wg.Wait()
		stop()
		r.a.audited(t)
	})
}

// deliverInPieces stores the backlog in random pieces until stop is called, which stores the rest.
func (r *twoReplicas) deliverInPieces(t *testing.T) (stop func()) {
	end := make(chan struct{})
	var writer sync.WaitGroup
	writer.Go(func() {
		for {
			select {
			case <-end:
				for r.deliver(t, 10) {
					continue
				}
				return
			default:
				r.deliver(t, 1+rand.IntN(10))
			}
		}
	})
	return func() { close(end); writer.Wait() }
}
