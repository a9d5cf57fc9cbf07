package service

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	mrand "math/rand/v2"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp/cmpopts"

	"tiktok/cmd/interaction/dal/db"
	"tiktok/cmd/interaction/dal/mq"
	"tiktok/cmd/interaction/dal/pending"
	"tiktok/kitex_gen/interaction"
	"tiktok/pkg/errno"
	"tiktok/pkg/id"
	"tiktok/pkg/kv"
	"tiktok/pkg/kv/kvtest"
	"tiktok/pkg/sqldb"
	"tiktok/pkg/sqldb/sqldbtest"
)

// heldQueue accepts everything and delivers nothing by itself: the longest backlog there is.
type heldQueue struct {
	mu   sync.Mutex
	held []mq.Event
}

func (q *heldQueue) Publish(_ context.Context, e mq.Event) (bool, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.held = append(q.held, e)
	return false, nil
}

func (q *heldQueue) Consume(ctx context.Context, _ func(context.Context, []mq.Event) error) error {
	<-ctx.Done()
	return nil
}

func (q *heldQueue) Ping(context.Context) error { return nil }
func (q *heldQueue) Close() error               { return nil }

// take removes up to n of the held events at random, in a random order.
func (q *heldQueue) take(n int) []mq.Event {
	q.mu.Lock()
	defer q.mu.Unlock()
	mrand.Shuffle(len(q.held), func(i, j int) { q.held[i], q.held[j] = q.held[j], q.held[i] })
	n = min(n, len(q.held))
	out := slices.Clone(q.held[:n])
	q.held = slices.Clone(q.held[n:])
	return out
}

// watched is a Redis of the test's own, in which it counts what changes lists of pending events.
type watched struct {
	*kvtest.Prefixed
	added, removed atomic.Int64
}

func (w *watched) AddEntries(ctx context.Context, entries []kv.Entry, max int, ttl time.Duration) ([]int, error) {
	w.added.Add(int64(len(entries)))
	return w.Prefixed.AddEntries(ctx, entries, max, ttl)
}

func (w *watched) RemoveEntries(ctx context.Context, entries []kv.Entry) error {
	w.removed.Add(int64(len(entries)))
	return w.Prefixed.RemoveEntries(ctx, entries)
}

// twoReplicas share a schema, a Redis and a queue that only delivers what the test takes from it.
type twoReplicas struct {
	a, b  *fixture
	cache *watched
	queue *heldQueue
}

// ownRedis is the Redis of one test. Without a server the test is skipped.
func ownRedis(t *testing.T) *watched {
	t.Helper()
	addr := os.Getenv("TIKTOK_TEST_REDIS")
	if addr == "" {
		t.Skip("TIKTOK_TEST_REDIS is not set")
	}
	// A busy machine is not what these tests are about: Redis may take its time.
	store, err := kv.Open(t.Context(), kv.Config{Driver: kv.DriverRedis, Addrs: []string{addr}, Timeout: 5 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return &watched{Prefixed: kvtest.NewPrefixed(store, rand.Text()+":")}
}

// pendingIn are the lists in a Redis. The test's log says when they cannot be reached.
func pendingIn(t *testing.T, s kv.Store) *pending.Writes {
	return pending.New(s, slog.New(slog.NewTextHandler(t.Output(), nil)))
}

// onReplicas runs fn over every SQL dialect.
func onReplicas(t *testing.T, fn func(t *testing.T, r *twoReplicas)) {
	sqldbtest.Each(t, Name, db.Migrations(), func(t *testing.T, raw *sqldb.DB) {
		r := &twoReplicas{cache: ownRedis(t), queue: &heldQueue{}}
		// One clock: what a user does within one millisecond through two replicas has no order of its own.
		ids := id.New(1)
		replica := func() *fixture {
			return newFixture(t, raw, func(d *Deps) {
				if err := d.Queue.Close(); err != nil {
					t.Fatal(err)
				}
				d.Cache, d.Queue, d.IDs, d.Pending = shared{r.cache}, r.queue, ids, pendingIn(t, r.cache)
			})
		}
		r.a, r.b = replica(), replica()
		fn(t, r)
	})
}

// deliver applies up to n of the held events, some of them twice, and reports whether there were any.
func (r *twoReplicas) deliver(t *testing.T, n int) bool {
	t.Helper()
	events := r.queue.take(n)
	if len(events) == 0 {
		return false
	}
	events = append(events, events[:mrand.IntN(len(events)+1)]...)
	if err := r.a.apply(context.WithoutCancel(t.Context()), events); err != nil {
		t.Errorf("apply: %v", err)
	}
	return true
}

// pending are the events in lists at this moment.
func (r *twoReplicas) pending(t *testing.T, lists ...pending.List) []mq.Event {
	t.Helper()
	found := r.a.pending.Read(t.Context(), lists...)
	var events []mq.Event
	for _, l := range lists {
		if len(found[l]) == 0 {
			t.Fatalf("nothing is pending in %+v", l)
		}
		events = append(events, found[l]...)
	}
	return events
}

// late adds stored events to their lists: what happens when the writer is faster than who adds them, or could not remove
// them.
func (r *twoReplicas) late(t *testing.T, events []mq.Event) {
	t.Helper()
	var wg sync.WaitGroup
	for _, e := range events {
		wg.Go(func() { r.b.pending.Add(t.Context(), e) })
	}
	wg.Wait()
}

// While nothing is stored, the author of a like sees it through any replica. The same is shown while the backlog is
// stored in any order, and after it, also when the lists of pending events are still there.
func TestPendingLikes(t *testing.T) {
	onReplicas(t, func(t *testing.T, r *twoReplicas) {
		const user = 101
		old := []int64{videoOf(1, 1), videoOf(1, 2), videoOf(1, 3)}
		if err := r.a.apply(t.Context(), r.a.likeEvents(user, old...)); err != nil {
			t.Fatal(err)
		}
		fresh, toggled, back := videoOf(2, 1), videoOf(2, 2), old[1]
		for _, f := range []*fixture{r.a, r.b} { // now cached
			f.videoStats(t, user, fresh)
			f.videoStats(t, user, back)
			f.userStats(t, user)
		}

		r.a.like(t, user, fresh)
		same(t, "a pending like, seen by its author", seenVideo{FavoriteCount: 1, IsFavorite: true}, r.b.videoStats(t, user, fresh))
		same(t, "a pending like, seen by others", seenVideo{}, r.b.videoStats(t, 102, fresh))
		r.b.like(t, user, toggled)
		r.a.unlike(t, user, toggled)
		same(t, "a pending like taken back", seenVideo{}, r.b.videoStats(t, user, toggled))
		r.b.unlike(t, user, back)
		same(t, "a stored like taken back", seenVideo{}, r.a.videoStats(t, user, back))
		same(t, "the same, seen by others", seenVideo{FavoriteCount: 1}, r.a.videoStats(t, 0, back))

		check := func(when string) {
			t.Helper()
			for _, f := range []*fixture{r.a, r.b} {
				one := seenVideo{FavoriteCount: 1, IsFavorite: true}
				same(t, when+": liked", one, f.videoStats(t, user, fresh))
				same(t, when+": toggled", seenVideo{}, f.videoStats(t, user, toggled))
				same(t, when+": taken back", seenVideo{}, f.videoStats(t, user, back))
				same(t, when+": untouched", one, f.videoStats(t, user, old[0]))
				same(t, when+": user", interaction.UserStats{FavoriteCount: 3}, f.userStats(t, user))
				for _, size := range []int32{1, 2, 3, 4, 0} {
					same(t, fmt.Sprintf("%s: list by %d", when, size), []int64{fresh, old[2], old[0]}, f.favorites(t, user, size))
				}
				same(t, when+": author", interaction.UserStats{TotalFavorited: 2}, f.userStatsFor(t, user, 1))
				same(t, when+": other author", interaction.UserStats{TotalFavorited: 1}, f.userStatsFor(t, user, 2))
			}
		}
		same(t, "the author of the liked video, for the one who likes", interaction.UserStats{TotalFavorited: 1}, r.b.userStatsFor(t, user, 2))
		same(t, "the author of the other, likewise", interaction.UserStats{TotalFavorited: 2}, r.b.userStatsFor(t, user, 1))
		same(t, "the same, seen by others", interaction.UserStats{TotalFavorited: 3}, r.b.userStatsFor(t, 102, 1))
		check("all pending")
		events := r.pending(t, pending.Likes(user))
		for r.deliver(t, 1) {
			check("partly stored")
		}
		check("all stored")
		same(t, "the author's likes", interaction.UserStats{TotalFavorited: 1}, r.b.userStats(t, 2))
		r.a.audited(t)

		// The writer has emptied the list: from now on cached reads cost no statement.
		count := sqldbtest.CountStatements(r.a.raw)
		before := count()
		r.a.videoStats(t, user, fresh)
		r.a.userStats(t, user)
		if n := count() - before; n != 0 {
			t.Errorf("after the backlog two cached reads cost %d statements, want 0", n)
		}

		r.late(t, events)
		check("all stored, old list")
	})
}

func TestPendingComments(t *testing.T) {
	onReplicas(t, func(t *testing.T, r *twoReplicas) {
		v := videoOf(3, 1)
		var stored []int64
		for range 4 {
			e := r.a.createEvent(101, v)
			if err := r.a.apply(t.Context(), []mq.Event{e}); err != nil {
				t.Fatal(err)
			}
			stored = append(stored, e.ID)
		}
		r.b.videoStats(t, 0, v) // now cached
		kept := r.a.comment(t, 101, v, "a badword <&> 👍")
		gone := r.b.comment(t, 101, v, "goes")
		other := r.b.comment(t, 102, v, "hi")

		list := func(viewer int64) []*interaction.Comment {
			resp, err := r.b.client.ListComments(t.Context(), &interaction.ListCommentsRequest{VideoId: v, ViewerId: viewer})
			if err != nil {
				t.Fatal(err)
			}
			return slices.DeleteFunc(resp.Comments, func(c *interaction.Comment) bool { return slices.Contains(stored, c.Id) })
		}
		want := []*interaction.Comment{kept, gone}
		slices.SortFunc(want, func(a, b *interaction.Comment) int { return int(b.Id - a.Id) })
		same(t, "pending comments, as the answers said", want, list(101))
		same(t, "another's pending comments", []*interaction.Comment{other}, list(102))
		same(t, "pending comments for a visitor", []*interaction.Comment{}, list(0))

		for _, tc := range []struct {
			what                 string
			user, video, comment int64
			want                 *errno.Error
		}{
			{"another's", 102, v, gone.Id, errno.CommentNotFound}, // only its author sees it yet
			{"another's stored one", 102, v, stored[0], errno.Forbidden},
			{"below another video", 101, videoOf(3, 2), gone.Id, errno.CommentNotFound},
			{"of nobody", 101, v, gone.Id + 1_000_000, errno.CommentNotFound},
		} {
			if err := r.a.delete(t, tc.user, tc.video, tc.comment); !errno.From(err).Is(tc.want) {
				t.Errorf("delete %s: %v, want %v", tc.what, err, tc.want)
			}
		}
		for _, c := range []int64{gone.Id, stored[1]} {
			if err := r.a.delete(t, 101, v, c); err != nil {
				t.Errorf("delete: %v", err)
			}
			if err := r.b.delete(t, 101, v, c); !errno.From(err).Is(errno.CommentNotFound) {
				t.Errorf("second delete: %v, want CommentNotFound", err)
			}
		}

		own := []int64{stored[0], stored[2], stored[3], kept.Id}
		slices.Sort(own)
		slices.Reverse(own)
		check := func(when string) {
			t.Helper()
			for _, f := range []*fixture{r.a, r.b} {
				for _, viewer := range []int64{0, 101, 102} {
					all := f.commentsFor(t, viewer, v, 0)
					for _, size := range []int32{1, 2, 3, 5} {
						same(t, fmt.Sprintf("%s: list by %d", when, size), all, f.commentsFor(t, viewer, v, size))
					}
					same(t, when+": stats", seenVideo{CommentCount: int64(len(all))}, f.videoStats(t, viewer, v))
					if viewer == 102 && !slices.Contains(all, other.Id) {
						t.Errorf("%s: the author of %d sees %v", when, other.Id, all)
					}
					if viewer == 101 {
						same(t, when+": list of the author", own, slices.DeleteFunc(all, func(id int64) bool { return id == other.Id }))
					}
				}
			}
		}
		check("all pending")
		events := r.pending(t, pending.Comments(101), pending.Comments(102))
		for r.deliver(t, 1) {
			check("partly stored")
			if err := r.b.delete(t, 101, v, gone.Id); !errno.From(err).Is(errno.CommentNotFound) {
				t.Errorf("delete again: %v, want CommentNotFound", err)
			}
		}
		check("all stored")
		r.late(t, events)
		check("all stored, old lists")
		same(t, "all comments, for a visitor", 5, len(r.a.comments(t, v, 0)))
		r.a.audited(t)
	})
}

// Many authors on one video at once, through both replicas: each sees their own, and no key of the cache is the video's.
func TestPendingHotVideo(t *testing.T) {
	onReplicas(t, func(t *testing.T, r *twoReplicas) {
		v := videoOf(1, 1)
		const users = 75
		var first, second [users]int64
		var wg sync.WaitGroup
		for n := range int64(users) {
			wg.Go(func() { first[n] = r.a.comment(t, 101+n, v, "hi").Id })
			wg.Go(func() { second[n] = r.b.comment(t, 101+n, v, "hi").Id })
		}
		wg.Wait()
		for n := range int64(users) {
			want := []int64{max(first[n], second[n]), min(first[n], second[n])}
			same(t, "list of its author", want, r.b.commentsFor(t, 101+n, v, 0))
			same(t, "stats", seenVideo{CommentCount: 2}, r.a.videoStats(t, 101+n, v))
		}
		same(t, "stats for a visitor", seenVideo{}, r.a.videoStats(t, 0, v))
	})
}

// A user whose list of pending events is full is refused before the write is accepted: none of those that were accepted
// disappears from their view. Once the writer has stored some of them, they may go on.
func TestPendingFull(t *testing.T) {
	onReplicas(t, func(t *testing.T, r *twoReplicas) {
		const user, full = 101, 1000
		videos := make([]int64, 0, full+100)
		for i := range int64(full) {
			v := videoOf(1+i/500, i%500)
			if _, err := r.queue.Publish(t.Context(), r.a.likeEvent(user, v, true)); err != nil {
				t.Fatal(err)
			}
			videos = append(videos, v)
		}
		var wg sync.WaitGroup
		for _, e := range r.queue.held {
			wg.Go(func() { r.a.pending.Add(t.Context(), e) })
		}
		wg.Wait()

		try := func(f *fixture, video int64) error {
			_, err := f.client.Favorite(t.Context(), &interaction.FavoriteRequest{UserId: user, VideoId: video})
			return err
		}
		more := videoOf(9, 1)
		for range 3 {
			if err := try(r.a, more); !errno.From(err).Is(errno.Unavailable) {
				t.Fatalf("a like when the list is full: %v, want Unavailable", err)
			}
		}
		if n := len(r.queue.held); n != full {
			t.Fatalf("%d events are in the queue, want %d: a refused one was published", n, full)
		}
		// The other replica has not seen the list yet. It finds out with its first write, which shows all the same.
		if err := try(r.b, more); err != nil {
			t.Fatal(err)
		}
		videos = append(videos, more)
		if err := try(r.b, videoOf(9, 2)); !errno.From(err).Is(errno.Unavailable) {
			t.Fatalf("through the other replica: %v, want Unavailable", err)
		}
		same(t, "count", interaction.UserStats{FavoriteCount: full + 1}, r.b.userStats(t, user))
		if err := r.a.delete(t, user, more, 1); !errno.From(err).Is(errno.CommentNotFound) {
			t.Errorf("comments are another list: %v", err)
		}
		r.a.like(t, 102, more) // and others' likes too

		events := r.pending(t, pending.Likes(user))
		if !r.deliver(t, 300) {
			t.Fatal("nothing was held")
		}
		settled(t, "a like after the writer came on", func() error { return try(r.a, videoOf(9, 3)) })
		// Stored events that are still in the list, or again, do not count.
		r.late(t, events)
		settled(t, "a like into a list of mostly stored events", func() error { return try(r.a, videoOf(9, 4)) })
		videos = append(videos, videoOf(9, 3), videoOf(9, 4))
		same(t, "count", interaction.UserStats{FavoriteCount: int64(len(videos))}, r.b.userStats(t, user))
		slices.Reverse(videos)
		if got := r.b.favorites(t, user, 200); !slices.Equal(got, videos) {
			t.Errorf("%d likes are listed, want all %d that were accepted", len(got), len(videos))
		}
		for r.deliver(t, 500) {
			continue
		}
		same(t, "count when stored", interaction.UserStats{FavoriteCount: int64(len(videos))}, r.a.userStats(t, user))
		r.a.audited(t)
	})
}

// A user who writes far more than a list holds, through two replicas at once, is refused early enough: the list stays
// bounded and everything that was accepted shows.
func TestPendingBounded(t *testing.T) {
	onReplicas(t, func(t *testing.T, r *twoReplicas) {
		const user, writers, writes, most = 101, 20, 125, 2000
		var accepted atomic.Int64
		var wg sync.WaitGroup
		for w := range int64(writers) {
			wg.Go(func() {
				f := r.a
				if w%2 == 0 {
					f = r.b
				}
				for i := range int64(writes) {
					_, err := f.client.Favorite(t.Context(), &interaction.FavoriteRequest{UserId: user, VideoId: videoOf(1+w, i)})
					switch {
					case err == nil:
						accepted.Add(1)
					case !errno.From(err).Is(errno.Unavailable):
						t.Errorf("like: %v", err)
					}
				}
			})
		}
		wg.Wait()
		n := int64(len(r.pending(t, pending.Likes(user))))
		if n != accepted.Load() || n < 1000 || n > most {
			t.Errorf("%d likes are accepted and %d pending; want as many, 1000 to %d", accepted.Load(), n, most)
		}
		same(t, "count", interaction.UserStats{FavoriteCount: n}, r.b.userStats(t, user))
		same(t, "list", int(n), len(r.a.favorites(t, user, 0)))
	})
}

// The writer removes exactly what it has stored, or dropped, from the lists, also when it gets it twice.
func TestWriterRemovesPending(t *testing.T) {
	onReplicas(t, func(t *testing.T, r *twoReplicas) {
		dead, v := videoOf(1, 1), videoOf(1, 2)
		r.a.like(t, 101, v)
		r.b.unlike(t, 101, videoOf(1, 3))
		r.a.like(t, 102, dead)
		c := r.a.comment(t, 101, v, "stays")
		gone := r.b.comment(t, 101, v, "goes")
		if err := r.a.delete(t, 101, v, gone.Id); err != nil {
			t.Fatal(err)
		}
		r.a.deleteVideo(t, dead)
		lists := []pending.List{pending.Likes(101), pending.Comments(101), pending.Likes(102)}
		if n := len(r.pending(t, lists...)); n != 5 { // of the deleted comment only the deletion
			t.Fatalf("%d events are pending, want 5", n)
		}
		for len(r.queue.held) > 0 {
			stored := r.queue.take(1)
			for range 2 {
				if err := r.b.apply(t.Context(), stored); err != nil {
					t.Fatal(err)
				}
				var left []int64
				for _, events := range r.a.pending.Read(t.Context(), lists...) {
					for _, e := range events {
						left = append(left, e.ID)
					}
				}
				want := []int64{}
				for _, e := range r.queue.held {
					if e.ID != gone.Id {
						want = append(want, e.ID)
					}
				}
				same(t, "pending", want, left, cmpopts.SortSlices(cmp.Less[int64]), cmpopts.EquateEmpty())
			}
		}
		same(t, "comments", []int64{c.Id}, r.a.comments(t, v, 0))
		r.a.audited(t)
	})
}

// Reads change no list, whatever of it is stored.
func TestReadsChangeNoList(t *testing.T) {
	onReplicas(t, func(t *testing.T, r *twoReplicas) {
		const user = 101
		v, dead := videoOf(1, 1), videoOf(1, 2)
		lists := []pending.List{pending.Likes(user), pending.Comments(user)}
		for i := range int64(5) {
			r.a.like(t, user, videoOf(2, i))
		}
		r.a.like(t, user, dead)
		gone := r.a.comment(t, user, v, "goes")
		r.a.comment(t, user, dead, "hi")
		first := r.pending(t, lists...)
		for r.deliver(t, 4) {
			continue
		}
		r.late(t, first) // all of them stored
		r.a.like(t, user, v)
		r.a.comment(t, user, v, "hi")
		r.a.deleteVideo(t, dead)

		before, added, removed := r.pending(t, lists...), r.cache.added.Load(), r.cache.removed.Load()
		for _, f := range []*fixture{r.a, r.b} {
			for _, viewer := range []int64{0, user, 102} {
				f.see(t, viewer, []int64{v, dead, videoOf(2, 1)}, []int64{user, 1, 2})
				f.commentsFor(t, viewer, v, 0)
			}
			f.favorites(t, user, 2)
			if err := f.delete(t, user, videoOf(1, 3), gone.Id); !errno.From(err).Is(errno.CommentNotFound) {
				t.Errorf("delete: %v", err)
			}
			if err := f.checkCapacity(t.Context(), pending.Likes(user)); err != nil {
				t.Error(err)
			}
		}
		if a, r := r.cache.added.Load()-added, r.cache.removed.Load()-removed; a+r != 0 {
			t.Errorf("reads added %d events and removed %d", a, r)
		}
		same(t, "lists", before, r.pending(t, lists...))
	})
}

// Writers and publishers race: whether an event is stored before or after it is added to its list, all that its author
// reads is right, and so is what a later event makes of it.
func TestPendingAddedBeforeOrAfter(t *testing.T) {
	onReplicas(t, func(t *testing.T, r *twoReplicas) {
		for round := range int64(60) {
			user, v := 1000+round, videoOf(1, 1+round)
			like, text := r.a.likeEvent(user, v, true), r.a.createEvent(user, v)
			deletion := r.a.deleteEvent(text)
			check := func(when string, want seenVideo, comments ...int64) {
				t.Helper()
				for _, f := range []*fixture{r.a, r.b} {
					same(t, when+": video", want, f.videoStats(t, user, v))
					same(t, when+": user", interaction.UserStats{FavoriteCount: want.FavoriteCount}, f.userStats(t, user))
					same(t, when+": list", int(want.FavoriteCount), len(f.favorites(t, user, 0)))
					same(t, when+": comments", comments, f.commentsFor(t, user, v, 0), cmpopts.EquateEmpty())
				}
			}
			race := func(events ...mq.Event) {
				t.Helper()
				add := func() { r.late(t, events) }
				store := func() {
					if err := r.a.apply(t.Context(), events); err != nil {
						t.Error(err)
					}
				}
				switch round % 3 {
				case 0:
					add()
					store()
				case 1:
					store()
					add()
				default:
					var wg sync.WaitGroup
					wg.Go(add)
					wg.Go(store)
					wg.Wait()
				}
			}
			race(like, text)
			check("stored", seenVideo{FavoriteCount: 1, CommentCount: 1, IsFavorite: true}, text.ID)
			race(deletion)
			check("comment deleted", seenVideo{FavoriteCount: 1, IsFavorite: true})
			race(r.a.likeEvent(user, v, false))
			check("unliked", seenVideo{})
		}
		r.a.audited(t)
	})
}

// settled waits until do works.
func settled(t *testing.T, what string, do func() error) {
	t.Helper()
	retry := time.NewTicker(20 * time.Millisecond)
	defer retry.Stop()
	deadline := time.After(10 * time.Second)
	for err := do(); err != nil; err = do() {
		select {
		case <-retry.C:
		case <-deadline:
			t.Fatalf("%s: %v", what, err)
		}
	}
}

// brokenLists fails at everything.
type brokenLists struct{ brokenCache }

func (brokenLists) AddEntries(context.Context, []kv.Entry, int, time.Duration) ([]int, error) {
	return nil, errBroken
}

func (brokenLists) ReadLists(context.Context, []string) ([][][]byte, error) { return nil, errBroken }
func (brokenLists) RemoveEntries(context.Context, []kv.Entry) error         { return errBroken }

// Without Redis, and without lists, an accepted write is as durable as ever; it shows when it is stored.
func TestPendingCacheAway(t *testing.T) {
	for name, lists := range map[string]*pending.Writes{"Redis is away": pending.New(brokenLists{}, nil), "no lists": nil} {
		t.Run(name, func(t *testing.T) {
			q := &heldQueue{}
			f := onSQLite(t, func(d *Deps) {
				if err := d.Queue.Close(); err != nil {
					t.Fatal(err)
				}
				d.Queue, d.Cache, d.Pending = q, brokenCache{}, lists
			})
			v := videoOf(1, 1)
			f.like(t, 101, v)
			f.comment(t, 101, v, "hi")
			same(t, "accepted", seenVideo{}, f.videoStats(t, 101, v))
			if err := f.apply(t.Context(), q.take(2)); err != nil {
				t.Fatal(err)
			}
			same(t, "stored", seenVideo{FavoriteCount: 1, CommentCount: 1, IsFavorite: true}, f.videoStats(t, 101, v))
			f.audited(t)
		})
	}
}

// Redis loses its data in the middle of a backlog: what was pending does not show until it is stored, what comes after does.
func TestPendingLost(t *testing.T) {
	onReplicas(t, func(t *testing.T, r *twoReplicas) {
		lost, shown := videoOf(1, 1), videoOf(1, 2)
		r.a.like(t, 101, lost)
		if err := r.cache.Delete(t.Context(), []string{"tt:interaction:pending:v1", "tt:interaction:plikes:v1:{101}"}); err != nil {
			t.Fatal(err)
		}
		same(t, "lost", seenVideo{}, r.b.videoStats(t, 101, lost))
		r.a.like(t, 101, shown)
		same(t, "list", []int64{shown}, r.b.favorites(t, 101, 0))
		for r.deliver(t, 1) {
			continue
		}
		same(t, "list when stored", []int64{shown, lost}, r.b.favorites(t, 101, 0))
		same(t, "user when stored", interaction.UserStats{FavoriteCount: 2}, r.a.userStats(t, 101))
		r.a.audited(t)
	})
}
