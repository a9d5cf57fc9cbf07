package service

import (
	"context"
	"crypto/rand"
	"errors"
	mrand "math/rand/v2"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"tiktok/cmd/interaction/dal/db"
	"tiktok/cmd/interaction/dal/mq"
	"tiktok/cmd/interaction/dal/pending"
	"tiktok/cmd/internal/events"
	"tiktok/kitex_gen/event"
	"tiktok/kitex_gen/interaction"
	"tiktok/kitex_gen/video"
	"tiktok/pkg/errno"
	"tiktok/pkg/id"
	"tiktok/pkg/outbox"
	"tiktok/pkg/queue"
	"tiktok/pkg/queue/queuetest"
	"tiktok/pkg/sqldb"
	"tiktok/pkg/sqldb/sqldbtest"
	"tiktok/pkg/telemetry"
)

// deletions are the message of deleted videos, as the video service writes it.
func deletions(t testing.TB, seq int64, gone ...*event.VideoDeleted) []outbox.Message {
	t.Helper()
	all := make([]*event.Event, len(gone))
	for i, d := range gone {
		all[i] = &event.Event{VideoDeleted: d}
	}
	messages, err := events.Messages(event.TOPIC_VIDEO, all...)
	if err != nil {
		t.Fatal(err)
	}
	for i := range messages {
		messages[i].Seq = seq
	}
	return messages
}

func deletionOf(videoID int64) *event.VideoDeleted {
	return &event.VideoDeleted{VideoId: videoID, AuthorId: authorOf(videoID)}
}

// deleteVideo does what the video service does: the video is gone, and others are told, over the bus. It returns when they have heard.
func (f *fixture) deleteVideo(t testing.TB, videoID int64) {
	t.Helper()
	f.videos.deleted.Store(videoID, true)
	if err := f.told.Publish(t.Context(), deletions(t, videoID, deletionOf(videoID))); err != nil {
		t.Errorf("delete video %d: %v", videoID, err)
	}
}

// forgotten fails the test when something hangs on the videos, or a counter does not equal its list.
func (f *fixture) forgotten(t testing.TB, videoIDs ...int64) {
	t.Helper()
	for what, query := range map[string]string{
		"likes":    "SELECT COUNT(*) FROM favorites WHERE video_id IN ? AND liked",
		"comments": "SELECT COUNT(*) FROM comments WHERE video_id IN ? AND (NOT deleted OR content <> '')",
		"counts":   "SELECT COUNT(*) FROM video_stats WHERE video_id IN ? AND (favorite_count <> 0 OR comment_count <> 0 OR NOT deleted)",
	} {
		var n int64
		if err := f.raw.Read.Raw(query, videoIDs).Scan(&n).Error; err != nil {
			t.Fatal(err)
		}
		if n != 0 {
			t.Errorf("%d %s of deleted videos are left", n, what)
		}
	}
	f.audited(t)
}

// applied stores events in batches, as the queue's writer does.
func (f *fixture) applied(t testing.TB, events []mq.Event) {
	t.Helper()
	for batch := range slices.Chunk(events, 512) {
		if err := f.apply(t.Context(), batch); err != nil {
			t.Error(err)
		}
	}
}

// A deletion that is stopped after each of its transactions, and begun again, ends as one that was not. Every counter
// equals its list, in the store and in the caches, after each transaction; other videos keep what they have.
func TestForgetVideo(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		const likes, comments, author = 3000, 1500, 1
		v, other := videoOf(author, 1), videoOf(author, 2)
		events := []mq.Event{f.likeEvent(author, v, true)} // also the author himself
		for u := range int64(likes) {
			events = append(events, f.likeEvent(1000+u, v, true))
			if u < comments {
				events = append(events, f.createEvent(1000+u, v))
			}
			if u%100 == 0 {
				events = append(events, f.likeEvent(1000+u, other, true), f.createEvent(1000+u, other))
			}
			if u%7 == 0 {
				events = append(events, f.likeEvent(9000+u, v, true), f.likeEvent(9000+u, v, false))
			}
		}
		f.applied(t, events)
		same(t, "before", seenVideo{FavoriteCount: likes + 1, CommentCount: comments}, f.videoStats(t, 0, v))
		same(t, "author", interaction.UserStats{TotalFavorited: likes + 1 + likes/100, FavoriteCount: 1}, f.userStats(t, author))
		same(t, "another user", interaction.UserStats{FavoriteCount: 1}, f.userStats(t, 1001))

		steps := 0
		for done := false; !done; steps++ {
			ctx, stop := context.WithCancel(t.Context())
			left := f.standing(t, v)
			err := f.store.ForgetVideo(ctx, v, author, tell(), func([]int64) {
				// The mark, and what is found done, change nothing: go on until something is stored.
				if steps == 0 || f.standing(t, v) < left {
					stop()
				}
			})
			stop()
			if done = err == nil; !done && !errors.Is(err, context.Canceled) {
				t.Fatal(err)
			}
			if now := f.standing(t, v); left-now > 1000 {
				t.Errorf("one step took %d rows away, want at most 1000", left-now)
			}
			f.audited(t)
			same(t, "in the middle", seenVideo{}, f.stored(t, v))
		}
		if steps != 8 { // the mark, 4 times likes, 2 times comments, the end
			t.Errorf("it took %d steps, want 8", steps)
		}
		f.forgotten(t, v)
		// Its process died before the caches heard of anything: the event comes again.
		f.deleteVideo(t, v)
		f.deleteVideo(t, v)
		same(t, "after", seenVideo{}, f.videoStats(t, 1000, v))
		same(t, "author", interaction.UserStats{TotalFavorited: likes / 100}, f.userStats(t, author))
		same(t, "user", interaction.UserStats{FavoriteCount: 1}, f.userStats(t, 1000))
		same(t, "list", []int64{other}, f.favorites(t, 1000, 0))
		same(t, "another user", interaction.UserStats{}, f.userStats(t, 1001))
		same(t, "another list", []int64{}, f.favorites(t, 1001, 0))
		same(t, "another video", seenVideo{FavoriteCount: likes / 100, CommentCount: likes / 100}, f.videoStats(t, 0, other))

		// All that ever hung on it comes again, and more.
		f.applied(t, events)
		f.applied(t, []mq.Event{f.likeEvent(1000, v, true), f.createEvent(1000, v), f.likeEvent(77, v, true), f.likeEvent(77, other, true)})
		f.forgotten(t, v)
		same(t, "another video", seenVideo{FavoriteCount: likes/100 + 1, CommentCount: likes / 100}, f.videoStats(t, 0, other))

		// What is left of it goes with the tombstones.
		if _, err := f.purgeOnce(t.Context(), id.At(time.Now().Add(time.Hour)), 0); err != nil {
			t.Error(err)
		}
		same(t, "likes left", int64(likes/100+1), f.rows(t, "favorites"))
		same(t, "comments left", int64(likes/100), f.rows(t, "comments"))
		f.forgotten(t, v)
	})
}

// standing is how many likes and comments a video has.
func (f *fixture) standing(t testing.TB, videoID int64) (n int64) {
	t.Helper()
	err := f.raw.Read.Raw(`SELECT (SELECT COUNT(*) FROM favorites WHERE video_id = ? AND liked) +
		(SELECT COUNT(*) FROM comments WHERE video_id = ? AND NOT deleted)`, videoID, videoID).Scan(&n).Error
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// stored are a video's counters without any cache.
func (f *fixture) stored(t testing.TB, videoID int64) seenVideo {
	t.Helper()
	counts, err := f.loadVideoStats(t.Context(), []int64{videoID})
	if err != nil {
		t.Fatal(err)
	}
	return seenVideo{FavoriteCount: counts[videoID].FavoriteCount, CommentCount: counts[videoID].CommentCount}
}

// Several writers store likes and comments of a video, of which nothing is stored yet, while it is forgotten, twice at
// once. Whoever is first, nothing is left, and the writers' other events are stored.
func TestForgetRaces(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		stays := videoOf(50, 1)
		const rounds, writers, events = 40, 3, 20
		var gone []int64
		for round := range int64(rounds) {
			v := videoOf(1+round%40, 100+round)
			gone = append(gone, v)
			start := make(chan struct{})
			var wg sync.WaitGroup
			for w := range int64(writers) {
				var batch []mq.Event
				for i := range int64(events) {
					// Users of neighbouring batches meet in each other's rows; some are authors.
					user := 30 + (w*events/2+i)%60
					batch = append(batch, f.likeEvent(user, v, true), f.createEvent(user, v))
					if i%3 == 0 {
						batch = append(batch, f.likeEvent(user+1, v, false))
					}
				}
				batch = append(batch, f.createEvent(30, stays))
				wg.Go(func() {
					<-start
					for half := range slices.Chunk(batch, len(batch)/2+1) {
						if err := f.apply(t.Context(), half); err != nil {
							t.Errorf("apply: %v", err)
						}
					}
				})
			}
			for range 2 {
				wg.Go(func() {
					<-start
					if err := f.forget(t.Context(), []deletedVideo{{v, authorOf(v)}}); err != nil {
						t.Errorf("forget: %v", err)
					}
				})
			}
			close(start)
			wg.Wait()
		}
		f.forgotten(t, gone...)
		same(t, "the video that stays", seenVideo{CommentCount: rounds * writers}, f.videoStats(t, 0, stays))
	})
}

// Users like, unlike and comment through a queue that delays, reorders and delivers again, while one of the videos is
// deleted under their hands, and told so several times.
func TestDeletionChaos(t *testing.T) {
	sqldbtest.Each(t, Name, db.Migrations(), func(t *testing.T, raw *sqldb.DB) {
		seed := mrand.Uint64()
		t.Logf("seed %d", seed)
		var chaos *queuetest.Chaos[mq.Event]
		f := newFixture(t, raw, func(d *Deps) {
			chaos = queuetest.NewChaos(d.Queue, seed)
			d.Queue, d.Pending = chaos, pendingIn(t, ownRedis(t))
		})
		dies, stays := videoOf(1, 1), videoOf(1, 2)
		const users, turns = 20, 40
		var wg sync.WaitGroup
		var mu sync.Mutex
		liked, comments := map[int64]bool{}, int64(0)
		for u := range int64(users) {
			r := mrand.New(mrand.NewPCG(seed, uint64(u)))
			wg.Go(func() {
				user := 1 + u
				for i := range turns {
					if u == 0 && i == turns/2 {
						f.deleteVideo(t, dies)
					}
					if f.refusedOrDone(t, user, dies, r.IntN(4)) {
						continue
					}
					is := r.IntN(2) == 0
					if is {
						f.like(t, user, stays)
					} else {
						f.unlike(t, user, stays)
					}
					f.comment(t, user, stays, "hi")
					mu.Lock()
					liked[user] = is
					comments++
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		if err := chaos.Settle(t.Context()); err != nil {
			t.Fatal(err)
		}
		f.deleteVideo(t, dies)
		f.forgotten(t, dies)
		want := seenVideo{CommentCount: comments}
		for user := int64(1); user <= users; user++ {
			list := []int64{}
			if liked[user] {
				want.FavoriteCount++
				list = append(list, stays)
			}
			same(t, "list", list, f.favorites(t, user, 0))
			if n := f.userStats(t, user).FavoriteCount; n != int64(len(list)) {
				t.Errorf("user %d likes %d, their list has %d", user, n, len(list))
			}
		}
		same(t, "the video that stays", want, f.videoStats(t, 0, stays))
		same(t, "the one that is deleted", seenVideo{}, f.videoStats(t, 1, dies))
		_, err := f.client.ListComments(t.Context(), &interaction.ListCommentsRequest{VideoId: dies, ViewerId: 1})
		if !failedWith(err, errno.VideoNotFound) {
			t.Errorf("comments of a deleted video: %v", err)
		}
	})
}

// refusedOrDone does something with a video that may be deleted at any time, or reports false: then the other one is used.
func (f *fixture) refusedOrDone(t *testing.T, user, videoID int64, what int) bool {
	t.Helper()
	var err error
	switch what {
	case 0:
		_, err = f.client.Favorite(t.Context(), &interaction.FavoriteRequest{UserId: user, VideoId: videoID})
	case 1:
		_, err = f.client.Unfavorite(t.Context(), &interaction.UnfavoriteRequest{UserId: user, VideoId: videoID})
	case 2:
		var resp *interaction.CreateCommentResponse
		resp, err = f.client.CreateComment(t.Context(), &interaction.CreateCommentRequest{UserId: user, VideoId: videoID, Content: "hi"})
		if err == nil && user%2 == 0 {
			if err = f.delete(t, user, videoID, resp.Comment.Id); failedWith(err, errno.CommentNotFound) {
				err = nil // deleted with the video
			}
		}
	default:
		return false
	}
	if err != nil && !failedWith(err, errno.VideoNotFound) {
		t.Errorf("user %d, video %d: %v", user, videoID, err)
	}
	return true
}

// From the deletion on, a like or a comment is refused, although who published the video was just asked.
func TestLikeAfterDeletion(t *testing.T) {
	f := onSQLite(t, nil)
	v := videoOf(1, 1)
	f.like(t, 101, v)
	f.deleteVideo(t, v)
	_, err1 := f.client.Favorite(t.Context(), &interaction.FavoriteRequest{UserId: 102, VideoId: v})
	_, err2 := f.client.CreateComment(t.Context(), &interaction.CreateCommentRequest{UserId: 102, VideoId: v, Content: "hi"})
	for _, err := range []error{err1, err2} {
		if !failedWith(err, errno.VideoNotFound) {
			t.Errorf("after the deletion: %v", err)
		}
	}
}

// What is accepted and not stored when its video is deleted shows nowhere, and the writer takes it off the lists.
func TestPendingOfDeleted(t *testing.T) {
	onReplicas(t, func(t *testing.T, r *twoReplicas) {
		const user, author = 101, 1
		v, other := videoOf(author, 1), videoOf(author, 2)
		r.a.like(t, user, v)
		r.a.like(t, user, other)
		r.a.comment(t, user, v, "hi")
		r.a.comment(t, user, other, "hi")
		same(t, "list before", []int64{other, v}, r.b.favorites(t, user, 0))
		r.a.deleteVideo(t, v)

		check := func(when string) {
			t.Helper()
			same(t, when+": list", []int64{other}, r.b.favorites(t, user, 0))
			same(t, when+": user", interaction.UserStats{FavoriteCount: 1}, r.b.userStatsFor(t, user, user))
			same(t, when+": author", interaction.UserStats{TotalFavorited: 1}, r.b.userStatsFor(t, user, author))
			same(t, when+": video", seenVideo{}, r.b.videoStats(t, user, v))
			same(t, when+": another video", seenVideo{FavoriteCount: 1, CommentCount: 1, IsFavorite: true}, r.b.videoStats(t, user, other))
		}
		check("pending")
		events := r.pending(t, pending.Likes(user), pending.Comments(user))
		for r.deliver(t, 2) {
			check("partly stored")
		}
		check("stored")
		r.a.forgotten(t, v)
		r.late(t, events)
		check("stored and listed")
		r.a.applied(t, events) // again: the writer removes what it drops, too
		if left := r.b.pending.Read(t.Context(), pending.Likes(user), pending.Comments(user)); len(left) > 0 {
			t.Errorf("still pending: %v", left)
		}
	})
}

// A deletion that names nothing is refused for good and does not hold up the others; what else happens to videos changes nothing.
func TestBadDeletion(t *testing.T) {
	f := onSQLite(t, nil)
	v := videoOf(1, 1)
	f.like(t, 101, v)
	for i, bad := range []*event.VideoDeleted{{}, {VideoId: v}, {AuthorId: 1}, {VideoId: -1, AuthorId: 1}} {
		var dead *outbox.GivenUp
		if err := f.told.Publish(t.Context(), deletions(t, int64(i+1), bad)); !errors.As(err, &dead) || len(dead.Dead) != 1 {
			t.Errorf("%+v: %v", bad, err)
		}
		former := []video.VideoDeleted{{VideoId: bad.VideoId, AuthorId: bad.AuthorId}}
		if err := f.hearFormer(t.Context(), former); !errors.Is(err, queue.ErrPoison) {
			t.Errorf("%+v: %v", bad, err)
		}
	}
	others, err := events.Messages(event.TOPIC_VIDEO,
		&event.Event{VideoListed: &event.VideoListed{VideoId: v, AuthorId: 1}},
		&event.Event{VideoChanged: &event.VideoChanged{VideoId: v, AuthorId: 1}},
		&event.Event{}) // of a later release
	if err != nil {
		t.Fatal(err)
	}
	if err := f.told.Publish(t.Context(), others); err != nil {
		t.Error(err)
	}
	same(t, "likes", int64(1), f.videoStats(t, 0, v).FavoriteCount)
	f.deleteVideo(t, v)
	f.forgotten(t, v)
}

// Over RabbitMQ: deletions of many videos, some told twice, one that can never be carried out, while the service is away and after it
// came back. The one becomes a dead letter.
func TestDeletionOverRabbitMQ(t *testing.T) {
	url := os.Getenv("TIKTOK_TEST_RABBITMQ")
	if url == "" {
		t.Skip("TIKTOK_TEST_RABBITMQ is not set")
	}
	cfg := queue.Config{Driver: queue.DriverRabbitMQ, URL: url, Prefix: "test.deletion." + rand.Text()}
	open := func() outbox.Bus {
		bus, err := outbox.OpenBus(t.Context(), cfg, consumers(), telemetry.Discard())
		if err != nil {
			t.Fatal(err)
		}
		return bus
	}
	queuetest.DeleteExchange(t, cfg, outbox.Exchange, outbox.Exchange+"."+Name) // after the service is gone
	teller := open()                                                            // the video service
	t.Cleanup(func() { _ = teller.Close() })
	gone := []int64{videoOf(1, 1), videoOf(2, 1), videoOf(3, 1)}
	early := deletions(t, 1, deletionOf(gone[0]), deletionOf(gone[0]))
	eventually(t, "the broker", func() bool { return teller.Ping(t.Context()) == nil })
	if err := teller.Publish(t.Context(), early); err != nil { // nobody listens yet
		t.Fatal(err)
	}
	f := onSQLite(t, func(d *Deps) {
		if err := d.Bus.Close(); err != nil {
			t.Fatal(err)
		}
		d.Bus = open()
	})
	stays := videoOf(4, 1)
	for _, v := range append(gone, stays) {
		f.applied(t, []mq.Event{f.likeEvent(101, v, true), f.createEvent(101, v)})
	}
	messages := slices.Concat(
		deletions(t, 2, deletionOf(gone[1])), deletions(t, 3, &event.VideoDeleted{VideoId: stays}), deletions(t, 4, deletionOf(gone[2])),
		deletions(t, 2, deletionOf(gone[1])))
	if err := teller.Publish(t.Context(), messages); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the likes to go", func() bool {
		var n int64
		for _, v := range gone {
			n += f.standing(t, v)
		}
		return n == 0
	})
	f.forgotten(t, gone...)
	same(t, "the video that stays", int64(2), f.standing(t, stays))
}

// An older video service tells of deletions through a queue of its own, during an update and for what was queued before it.
func TestFormerDeletions(t *testing.T) {
	former, err := queue.Open[video.VideoDeleted](t.Context(), queue.Config{Driver: queue.DriverMemory}, video.QUEUE_VIDEO_DELETED, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = former.Close() })
	f := onSQLite(t, func(d *Deps) { d.Former = former })
	v, other := videoOf(1, 1), videoOf(1, 2)
	f.like(t, 101, v)
	f.like(t, 101, other)
	f.videos.deleted.Store(v, true)
	for range 2 {
		if _, err := former.Publish(t.Context(), video.VideoDeleted{VideoId: v, AuthorId: authorOf(v)}); err != nil {
			t.Fatal(err)
		}
		f.forgotten(t, v)
		f.deleteVideo(t, v) // who updated tells so, too
	}
	same(t, "another video", int64(1), f.standing(t, other))
}

// Two services on one registry share their metrics.
func TestSharedMetrics(t *testing.T) {
	reg := prometheus.NewRegistry()
	a := onSQLite(t, func(d *Deps) { d.Metrics = reg })
	b := onSQLite(t, func(d *Deps) { d.Metrics = reg })
	v := videoOf(1, 1)
	for _, f := range []*fixture{a, b} {
		f.deleteVideo(t, v)
		f.applied(t, []mq.Event{
			f.likeEvent(101, v, true), f.likeEvent(101, v, false), f.likeEvent(102, v, true),
			f.createEvent(101, v), f.createEvent(101, videoOf(1, 2)),
		})
		f.forgotten(t, v)
	}
	for _, f := range []*fixture{a, b} {
		if n := testutil.ToFloat64(f.dropped); n != 8 {
			t.Errorf("%v events dropped, want 8", n)
		}
	}
}

func failedWith(err error, want *errno.Error) bool { return err != nil && errno.From(err).Is(want) }
