package service

import (
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"tiktok/cmd/interaction/dal/cache"
	"tiktok/cmd/interaction/dal/db"
	"tiktok/cmd/interaction/dal/mq"
	"tiktok/pkg/id"
	"tiktok/pkg/queue"
)

// Old tombstones go, in several steps, and nothing else: what is liked, shown or young stays, and every counter is right.
func TestPurge(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		// Rows from before the bound, in random key order: likes that stand, likes taken back, comments, deleted ones.
		old := id.At(time.Now().Add(-8 * 24 * time.Hour))
		var favorites []db.Favorite
		var comments []db.Comment
		const n = 2500
		for i, user := range rand.Perm(n) {
			at := old + int64(i)
			favorites = append(favorites, db.Favorite{
				UserID: 1000 + int64(user), VideoID: videoOf(1, int64(i%7)), AuthorID: 1, Liked: i%2 == 0, LastEvent: at, LikedEvent: at,
			})
			comments = append(comments, db.Comment{ID: at, VideoID: videoOf(1, 1), UserID: 1000 + int64(user), Deleted: i%2 == 0})
		}
		err := f.store.Update(t.Context(), func(tx *db.Tx) error {
			return errors.Join(tx.InsertFavorites(favorites), tx.InsertComments(comments))
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.store.Repair(t.Context(), func(string, ...any) {}, f.stats.Repaired); err != nil {
			t.Fatal(err)
		}
		v := videoOf(2, 1)
		f.like(t, 101, v)
		f.unlike(t, 101, v)
		c := f.comment(t, 101, v, "hi")
		if err := f.delete(t, 101, v, c.Id); err != nil {
			t.Fatal(err)
		}

		removed, err := f.purgeOnce(t.Context(), id.At(time.Now().Add(-purgeAge)), 0)
		if err != nil || removed != n {
			t.Errorf("%d rows removed, %v; want %d", removed, err, n)
		}
		same(t, "likes left", int64(n/2+1), f.rows(t, "favorites"))
		same(t, "comments left", int64(n/2+1), f.rows(t, "comments"))
		f.audited(t)
	})
}

// What could meet a purged row is not applied, so that no like or comment comes back from the dead letters.
func TestTooLate(t *testing.T) {
	f := onSQLite(t, nil)
	for age, ok := range map[time.Duration]bool{maxLate - time.Minute: true, maxLate + time.Minute: false} {
		e := f.likeEvent(101, videoOf(1, 1), true)
		e.ID = id.At(time.Now().Add(-age))
		err := f.apply(t.Context(), []mq.Event{e})
		if ok && err != nil || !ok && !errors.Is(err, queue.ErrPoison) {
			t.Errorf("an event of %v ago: %v", age, err)
		}
	}
	same(t, "stats", seenVideo{FavoriteCount: 1}, f.videoStats(t, 0, videoOf(1, 1)))
}

// Of many replicas one does the purge of a day.
func TestPurgeLease(t *testing.T) {
	onReplicas(t, func(t *testing.T, r *twoReplicas) {
		leaders := 0
		for _, f := range []*fixture{r.a, r.b, r.a, r.b} {
			if cache.TryLeadPurge(t.Context(), f.cache) {
				leaders++
			}
		}
		if leaders != 1 {
			t.Errorf("%d replicas do the purge, want 1", leaders)
		}
	})
	if cache.TryLeadPurge(t.Context(), brokenCache{}) {
		t.Error("without a cache somebody does the purge")
	}
}
