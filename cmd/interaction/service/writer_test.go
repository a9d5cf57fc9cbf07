package service

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"tiktok/cmd/interaction/dal/db"
	"tiktok/cmd/interaction/dal/mq"
	"tiktok/kitex_gen/interaction"
	"tiktok/pkg/errno"
	"tiktok/pkg/queue"
	"tiktok/pkg/sqldb/sqldbtest"
)

func (s *Service) likeEvent(user, videoID int64, liked bool) mq.Event {
	e, _ := s.event(user, videoID, authorOf(videoID))
	e.Favorite = &mq.FavoriteEvent{Liked: liked}
	return e.Versioned()
}

// likeEvents are events of one user who likes videos.
func (s *Service) likeEvents(user int64, videos ...int64) []mq.Event {
	var events []mq.Event
	for _, v := range videos {
		events = append(events, s.likeEvent(user, v, true))
	}
	return events
}

func (s *Service) createEvent(user, videoID int64) mq.Event {
	e, _ := s.event(user, videoID, authorOf(videoID))
	e.Comment = &mq.CommentEvent{CommentID: e.ID, Content: "hi"}
	return e.Versioned()
}

func (s *Service) deleteEvent(created mq.Event) mq.Event {
	e, _ := s.event(created.UserID, created.VideoID, 0)
	e.Comment = &mq.CommentEvent{CommentID: created.ID, Deleted: true, RootID: created.Comment.RootID, Replies: created.Comment.RootID == 0}
	return e.Versioned()
}

// permutations are all different orders of 0..n-1 in which each number comes twice: a queue that reorders and delivers
// again.
func permutations(n int) [][]int {
	left := make([]int, n)
	for i := range left {
		left[i] = 2
	}
	var all [][]int
	var grow func(prefix []int)
	grow = func(prefix []int) {
		if len(prefix) == 2*n {
			all = append(all, slices.Clone(prefix))
			return
		}
		for i := range left {
			if left[i] > 0 {
				left[i]--
				grow(append(prefix, i))
				left[i]++
			}
		}
	}
	grow(nil)
	return all
}

// rounds hands out each row's events in its own order, step of them at a time, all rows together.
func rounds(rows [][]mq.Event, step int) [][]mq.Event {
	var batches [][]mq.Event
	for from := 0; from < len(rows[0]); from += step {
		var b []mq.Event
		for _, events := range rows {
			b = append(b, events[from:min(from+step, len(events))]...)
		}
		batches = append(batches, b)
	}
	return batches
}

// like → unlike → like ends as the last of them says, in every order of delivery, with every event delivered twice,
// one event at a time, two at a time and all at once.
func TestEveryOrderOfLikes(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		const user = 101
		author := int64(0)
		for _, liked := range [][]bool{{true, false}, {true, false, true}, {false, true, true}} {
			for _, step := range []int{1, 2, 3, 100} {
				author++
				orders := permutations(len(liked))
				rows := make([][]mq.Event, len(orders))
				for v, order := range orders {
					events := make([]mq.Event, len(liked))
					for i, l := range liked {
						events[i] = f.likeEvent(user, videoOf(author, int64(v)), l)
					}
					for _, i := range order {
						rows[v] = append(rows[v], events[i])
					}
				}
				for _, b := range rounds(rows, step) {
					if err := f.apply(t.Context(), b); err != nil {
						t.Fatal(err)
					}
				}
				want := int64(0)
				if liked[len(liked)-1] {
					want = 1
				}
				for v, order := range orders {
					got := f.videoStats(t, user, videoOf(author, int64(v)))
					if got.FavoriteCount != want || got.IsFavorite != (want == 1) {
						t.Errorf("likes %v in the order %v by %d: %+v", liked, order, step, got)
					}
				}
				if got := f.userStats(t, author).TotalFavorited; got != want*int64(len(orders)) {
					t.Errorf("likes %v by %d: the author got %d", liked, step, got)
				}
			}
		}
		f.audited(t)
	})
}

// A deleted comment is gone in every order of delivery, also when its deletion comes first, and one that nobody deleted
// is there once.
func TestEveryOrderOfComments(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		orders := permutations(3) // creation, deletion, deletion by a second click
		for step := 1; step <= 6; step++ {
			v := videoOf(int64(step), 1)
			var rows [][]mq.Event
			var kept []int64
			for _, order := range orders {
				create := f.createEvent(101, v)
				events := []mq.Event{create, f.deleteEvent(create), f.deleteEvent(create)}
				row := make([]mq.Event, 0, len(order))
				for _, i := range order {
					row = append(row, events[i])
				}
				keep := f.createEvent(102, v)
				kept = append(kept, keep.ID)
				rows = append(rows, row, []mq.Event{keep, keep, keep, keep, keep, keep})
			}
			for _, b := range rounds(rows, step) {
				if err := f.apply(t.Context(), b); err != nil {
					t.Fatal(err)
				}
			}
			slices.Reverse(kept)
			same(t, fmt.Sprintf("list after delivery by %d", step), kept, f.comments(t, v, 0))
			if n := f.videoStats(t, 0, v).CommentCount; n != int64(len(kept)) {
				t.Errorf("comment_count after delivery by %d is %d, want %d", step, n, len(kept))
			}
		}
		f.audited(t)
	})
}

func TestDecideFavorite(t *testing.T) {
	like := func(n int64) mq.Event { return mq.Event{ID: n, Favorite: &mq.FavoriteEvent{Liked: true}} }
	unlike := func(n int64) mq.Event { return mq.Event{ID: n, Favorite: &mq.FavoriteEvent{}} }
	liked := func(last, since int64) db.Favorite {
		return db.Favorite{Liked: true, LastEvent: last, LikedEvent: since}
	}
	unliked := func(last, since int64) db.Favorite { return db.Favorite{LastEvent: last, LikedEvent: since} }
	for name, tc := range map[string]struct {
		row    db.Favorite
		events []mq.Event
		want   db.Favorite
	}{
		"first like":                    {db.Favorite{}, []mq.Event{like(5)}, liked(5, 5)},
		"first unlike":                  {db.Favorite{}, []mq.Event{unlike(5)}, unliked(5, 0)},
		"repeated like keeps its place": {liked(5, 5), []mq.Event{like(7)}, liked(7, 5)},
		"so also in one batch":          {db.Favorite{}, []mq.Event{like(5), like(7)}, liked(7, 5)},
		"unlike":                        {liked(5, 5), []mq.Event{unlike(7)}, unliked(7, 5)},
		"new like gets a new place":     {unliked(7, 5), []mq.Event{like(9)}, liked(9, 9)},
		"so also in one batch, anew":    {liked(5, 5), []mq.Event{unlike(7), like(9)}, liked(9, 9)},
		"older unlike":                  {liked(7, 5), []mq.Event{unlike(6)}, liked(7, 5)},
		"older like":                    {unliked(7, 0), []mq.Event{like(6)}, unliked(7, 0)},
		"the same event again":          {liked(7, 7), []mq.Event{like(7)}, liked(7, 7)},
	} {
		t.Run(name, func(t *testing.T) { same(t, "row", tc.want, decideFavorite(tc.row, tc.events)) })
	}
}

// storm is a random history of likes and comments, and how it must end.
type storm struct {
	events   []mq.Event
	liked    map[db.FavoriteKey]bool
	comments map[int64][]int64 // of each video, newest first
}

// newStorm makes n events by 20 users about 12 videos of 4 authors; one author is among the users.
func newStorm(s *Service, r *rand.Rand, n int) storm {
	st := storm{liked: map[db.FavoriteKey]bool{}, comments: map[int64][]int64{}}
	var created []mq.Event
	for range n {
		user, v := 1+r.Int64N(20), videoOf(1+r.Int64N(4), r.Int64N(3))
		switch k := r.IntN(10); {
		case k < 6:
			liked := r.IntN(2) == 0
			st.events = append(st.events, s.likeEvent(user, v, liked))
			st.liked[db.FavoriteKey{UserID: user, VideoID: v}] = liked
		case k < 9 || len(created) == 0:
			e := s.createEvent(user, v)
			created = append(created, e)
			st.events = append(st.events, e)
			st.comments[v] = slices.Insert(st.comments[v], 0, e.ID)
		default:
			e := created[r.IntN(len(created))] // perhaps for the second time
			st.events = append(st.events, s.deleteEvent(e))
			st.comments[e.VideoID] = slices.DeleteFunc(st.comments[e.VideoID], func(id int64) bool { return id == e.ID })
		}
	}
	return st
}

// ended checks every list and counter that the storm touched.
func (st storm) ended(t *testing.T, f *fixture) {
	t.Helper()
	favorites, totals, likedBy := map[int64]int64{}, map[int64]int64{}, map[int64]int64{}
	for key, liked := range st.liked {
		stats := f.videoStats(t, key.UserID, key.VideoID)
		if stats.IsFavorite != liked {
			t.Errorf("user %d, video %d: is_favorite %v, want %v", key.UserID, key.VideoID, stats.IsFavorite, liked)
		}
		if liked {
			favorites[key.VideoID]++
			totals[authorOf(key.VideoID)]++
			likedBy[key.UserID]++
		}
	}
	for v := range favorites {
		if n := f.videoStats(t, 0, v).FavoriteCount; n != favorites[v] {
			t.Errorf("video %d: favorite_count %d, want %d", v, n, favorites[v])
		}
	}
	for user := int64(1); user <= 20; user++ {
		want := interaction.UserStats{TotalFavorited: totals[user], FavoriteCount: likedBy[user]}
		same(t, fmt.Sprint("stats of user ", user), want, f.userStats(t, user))
		if n := int64(len(f.favorites(t, user, 3))); n != likedBy[user] {
			t.Errorf("user %d lists %d favorites, want %d", user, n, likedBy[user])
		}
	}
	for v, want := range st.comments {
		same(t, fmt.Sprint("comments of video ", v), want, f.comments(t, v, 50))
		if n := f.videoStats(t, 0, v).CommentCount; n != int64(len(want)) {
			t.Errorf("video %d: comment_count %d, want %d", v, n, len(want))
		}
	}
	f.audited(t)
}

// Several writers at once get every event at least once, shuffled, in batches of random size. All ends exact.
func TestStorm(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		seed := rand.Uint64()
		t.Logf("seed %d", seed)
		r := rand.New(rand.NewPCG(seed, 0))
		st := newStorm(f.Service, r, 3000)
		f.delivered(t, r, st.events, 200)
		st.ended(t, f)
	})
}

// Two writers that are handed the very same new events at the same moment store them once.
func TestSameBatchTwiceAtOnce(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		for round := range int64(20) {
			var events []mq.Event
			for user := range int64(20) {
				events = append(events, f.likeEvent(100+user, videoOf(1, round), true), f.createEvent(100+user, videoOf(1, round)))
			}
			var wg sync.WaitGroup
			for range 4 {
				wg.Go(func() {
					if err := f.apply(t.Context(), events); err != nil {
						t.Errorf("apply: %v", err)
					}
				})
			}
			wg.Wait()
			same(t, "stats", seenVideo{FavoriteCount: 20, CommentCount: 20}, f.videoStats(t, 0, videoOf(1, round)))
		}
		f.audited(t)
	})
}

// A process that dies between commit and answer has its batch delivered again. Nothing changes twice, and caches that
// the dead process did not get to are told.
func TestApplyTwice(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		v := videoOf(1, 1)
		create := f.createEvent(101, v)
		events := []mq.Event{
			f.likeEvent(101, v, true), f.likeEvent(102, v, true), f.likeEvent(102, v, false),
			create, f.createEvent(102, v), f.deleteEvent(create),
		}
		want := seenVideo{FavoriteCount: 1, CommentCount: 1, IsFavorite: true}

		same(t, "before", seenVideo{}, f.videoStats(t, 101, v)) // now cached
		same(t, "author before", interaction.UserStats{}, f.userStats(t, 1))
		dead := newFixture(t, f.raw, nil) // has a cache of its own
		if err := dead.apply(t.Context(), events); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := f.apply(t.Context(), events); err != nil {
				t.Fatal(err)
			}
			same(t, "video", want, f.videoStats(t, 101, v))
			same(t, "author", interaction.UserStats{TotalFavorited: 1}, f.userStats(t, 1))
			same(t, "user", interaction.UserStats{FavoriteCount: 1}, f.userStats(t, 101))
			f.audited(t)
		}
	})
}

// The transaction of a batch has the same number of statements whatever its size.
func TestApplyStatements(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		count := sqldbtest.CountStatements(f.raw)
		next := int64(0)
		// batch touches n rows of each kind: new likes, likes taken back, new comments, deleted comments.
		batch := func(n int) (prepare, measured []mq.Event) {
			for range n {
				next++
				v := videoOf(1+next%authors, next%videosPerAuthor)
				old, gone := f.likeEvent(10_000+next, v, true), f.createEvent(10_000+next, v)
				prepare = append(prepare, old, gone)
				measured = append(measured, f.likeEvent(20_000+next, v, true), f.likeEvent(10_000+next, v, false),
					f.createEvent(20_000+next, v), f.deleteEvent(gone))
			}
			return prepare, measured
		}
		cost := func(n int) int {
			prepare, measured := batch(n)
			if err := f.apply(t.Context(), prepare); err != nil {
				t.Fatal(err)
			}
			before := count()
			if err := f.apply(t.Context(), measured); err != nil {
				t.Fatal(err)
			}
			return count() - before
		}
		// The least of three: the service compares its clock with the database's beside it, which is statements too.
		one, many := min(cost(1), cost(1), cost(1)), min(cost(200), cost(200), cost(200))
		if one != many || one > 11 {
			t.Errorf("4 events cost %d statements, 800 cost %d; want the same, at most 11", one, many)
		}
		f.audited(t)
	})
}

func TestApplyRefusesBadEvents(t *testing.T) {
	f := onSQLite(t, nil)
	good, bad := f.likeEvent(101, videoOf(1, 1), true), f.likeEvent(101, videoOf(1, 2), true)
	bad.V = mq.Latest + 1
	if err := f.apply(t.Context(), []mq.Event{good, bad}); !errors.Is(err, queue.ErrPoison) || !errors.Is(err, mq.ErrBadEvent) {
		t.Errorf("apply: %v, want ErrPoison and ErrBadEvent", err)
	}
	if n := f.rows(t, "favorites"); n != 0 {
		t.Errorf("%d rows stored", n)
	}
	if err := f.apply(t.Context(), nil); err != nil {
		t.Errorf("apply of nothing: %v", err)
	}
}

// brokenQueue fails every Publish.
type brokenQueue struct {
	queue.Queue[mq.Event]
	err error
}

func (q brokenQueue) Publish(context.Context, mq.Event) (bool, error) { return false, q.err }

func TestQueueRefuses(t *testing.T) {
	for _, tc := range []struct {
		err  error
		want *errno.Error
	}{
		{fmt.Errorf("%w: %w", queue.ErrBusy, context.DeadlineExceeded), errno.Unavailable},
		{queue.ErrClosed, errno.Unavailable},
		{errors.New("apply failed"), errno.Internal},
	} {
		t.Run(tc.err.Error(), func(t *testing.T) {
			f := onSQLite(t, func(d *Deps) { d.Queue = brokenQueue{d.Queue, tc.err} })
			v := videoOf(1, 1)
			_, err := f.client.Favorite(t.Context(), &interaction.FavoriteRequest{UserId: 101, VideoId: v})
			_, err2 := f.client.CreateComment(t.Context(), &interaction.CreateCommentRequest{UserId: 101, VideoId: v, Content: "hi"})
			for _, err := range []error{err, err2} {
				if !errno.From(err).Is(tc.want) {
					t.Errorf("got %v, want %v", err, tc.want)
				}
			}
			same(t, "stats", seenVideo{}, f.videoStats(t, 101, v))
			f.audited(t)
		})
	}
}

// BenchmarkApply is one writer at full batches of new likes, of one video or spread.
func BenchmarkApply(b *testing.B) {
	for _, hot := range []bool{true, false} {
		for dialect, raw := range map[string]func(testing.TB) *fixture{
			"sqlite": func(tb testing.TB) *fixture {
				return newFixture(tb, sqldbtest.SQLite(tb, Name, db.Migrations()), nil)
			},
			"mysql": func(tb testing.TB) *fixture {
				return newFixture(tb, sqldbtest.MySQL(tb, Name, db.Migrations()), nil)
			},
		} {
			b.Run(fmt.Sprintf("%s/hot=%v", dialect, hot), func(b *testing.B) {
				f := raw(b)
				user := int64(0)
				events := make([]mq.Event, 512)
				for b.Loop() {
					for i := range events {
						user++
						v := videoOf(1, 1)
						if !hot {
							v = videoOf(1+user%authors, user%videosPerAuthor)
						}
						events[i] = f.likeEvent(1000+user, v, true)
					}
					if err := f.apply(b.Context(), events); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(user)/b.Elapsed().Seconds(), "events/s")
			})
		}
	}
}
