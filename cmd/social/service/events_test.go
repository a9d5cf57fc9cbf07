package service_test

import (
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tiktok/cmd/internal/events/eventstest"
	"tiktok/kitex_gen/event"
	"tiktok/kitex_gen/social"
)

// pair is who follows whom.
type pair struct{ UserID, ToUserID int64 }

// stored are the follows, and when each began.
func (f *fixture) stored(t *testing.T) map[pair]int64 {
	t.Helper()
	var rows []struct{ UserID, ToUserID, CreatedAtMs int64 }
	if err := f.sql.Read.Raw("SELECT user_id, to_user_id, created_at_ms FROM follows").Scan(&rows).Error; err != nil {
		t.Fatal(err)
	}
	follows := map[pair]int64{}
	for _, r := range rows {
		follows[pair{r.UserID, r.ToUserID}] = r.CreatedAtMs
	}
	return follows
}

// replay is what the events in the outbox, in their order, make of no follows. It fails the test for one that changes nothing.
func (f *fixture) replay(t *testing.T) (follows map[pair]int64, events int) {
	t.Helper()
	follows = map[pair]int64{}
	all := eventstest.Of(t, f.sql, event.TOPIC_FOLLOW)
	for _, e := range all {
		c := e.FollowChanged
		key := pair{c.UserId, c.ToUserId}
		if _, ok := follows[key]; ok == c.Following || c.Following != (c.AtMs > 0) {
			t.Errorf("%+v when following is %t", c, ok)
		}
		if c.Following {
			follows[key] = c.AtMs
		} else {
			delete(follows, key)
		}
	}
	return follows, len(all)
}

func followed(from, to, atMs int64) eventstest.Message {
	return eventstest.Message{Topic: event.TOPIC_FOLLOW, Events: []*event.Event{
		{FollowChanged: &event.FollowChanged{UserId: from, ToUserId: to, Following: atMs > 0, AtMs: atMs}},
	}}
}

// Others are told of each change once, and of a repetition or a refusal not at all.
func TestOthersAreTold(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		f.unfollow(t, 1, 2)
		eventstest.Want(t, f.sql)
		f.follow(t, 1, 2)
		f.follow(t, 1, 2)
		eventstest.Want(t, f.sql, followed(1, 2, f.stored(t)[pair{1, 2}]))
		f.follow(t, 2, 1)
		eventstest.Want(t, f.sql, followed(2, 1, f.stored(t)[pair{2, 1}]))
		f.unfollow(t, 1, 2)
		f.unfollow(t, 1, 2)
		eventstest.Want(t, f.sql, followed(1, 2, 0))
		for _, to := range []int64{1, 0, nobody} {
			if _, err := f.Follow(t.Context(), &social.FollowRequest{UserId: 1, ToUserId: to}); err == nil {
				t.Errorf("1 follows %d", to)
			}
		}
		eventstest.Want(t, f.sql)
	})
}

// What is not committed is not told, and what cannot be told is not stored.
func TestOthersAreToldOfWhatIsStored(t *testing.T) {
	for _, table := range []string{"outbox", "social_stats"} {
		t.Run(table, func(t *testing.T) {
			each(t, func(t *testing.T, f *fixture) {
				f.follow(t, 1, 2)
				before := f.stored(t)
				eventstest.Clear(t, f.sql)
				if err := f.sql.Write.Exec("DROP TABLE " + table).Error; err != nil {
					t.Fatal(err)
				}
				if _, err := f.Follow(t.Context(), &social.FollowRequest{UserId: 2, ToUserId: 1}); err == nil {
					t.Error("follow: no error")
				}
				if _, err := f.Unfollow(t.Context(), &social.UnfollowRequest{UserId: 1, ToUserId: 2}); err == nil {
					t.Error("unfollow: no error")
				}
				if diff := cmp.Diff(before, f.stored(t)); diff != "" {
					t.Errorf("follows (-want +got):\n%s", diff)
				}
				if table != "outbox" {
					eventstest.Want(t, f.sql)
				}
			})
		})
	}
}

// Many follow and unfollow each other at once, several the same pair. The events in the order of their numbers make of nothing what
// is stored.
func TestEventsOfAStorm(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		const members = 4
		var wg sync.WaitGroup
		for w := range uint64(12) {
			wg.Go(func() {
				random := rand.New(rand.NewPCG(7, w))
				for range 50 {
					a := random.Int64N(members) + 1
					b := (a+random.Int64N(members-1))%members + 1
					if random.IntN(2) == 0 {
						f.follow(t, a, b)
					} else {
						f.unfollow(t, a, b)
					}
				}
			})
		}
		wg.Wait()
		got, n := f.replay(t)
		if diff := cmp.Diff(f.stored(t), got); diff != "" {
			t.Errorf("what %d events make (-stored +replayed):\n%s", n, diff)
		}
		if n < 50 {
			t.Errorf("%d events of 600 calls", n)
		}
		f.audit(t)
	})
}
