package service

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp/cmpopts"

	"tiktok/cmd/interaction/dal/db"
	"tiktok/cmd/interaction/dal/mq"
	"tiktok/cmd/internal/events"
	"tiktok/kitex_gen/event"
	"tiktok/kitex_gen/interaction"
	"tiktok/pkg/errno"
	"tiktok/pkg/id"
	"tiktok/pkg/outbox"
	"tiktok/pkg/queue/queuetest"
	"tiktok/pkg/sqldb"
	"tiktok/pkg/sqldb/sqldbtest"
)

func (s *Service) replyEvent(user int64, to mq.Event) mq.Event {
	e, _ := s.event(user, to.VideoID, authorOf(to.VideoID))
	e.Comment = &mq.CommentEvent{
		CommentID: e.ID, Content: "an answer", RootID: cmp.Or(to.Comment.RootID, to.ID), ReplyToID: to.ID, ReplyToUserID: to.UserID,
		Mentions: []int64{user + 1, user + 2},
	}
	return e.Versioned()
}

func (s *Service) commentLikeEvent(user int64, of mq.Event, liked bool) mq.Event {
	e, _ := s.event(user, of.VideoID, 0)
	e.CommentLike = &mq.CommentLikeEvent{CommentID: of.ID, ToUserID: of.UserID, Liked: liked}
	return e.Versioned()
}

func (s *Service) pinEvent(videoID, commentID int64) mq.Event {
	e, _ := s.event(authorOf(videoID), videoID, authorOf(videoID))
	e.Pin = &mq.PinEvent{CommentID: commentID}
	return e.Versioned()
}

// threadStorm is a random history of threads, and how it must end.
type threadStorm struct {
	events  []mq.Event
	created []mq.Event
	deleted map[int64]bool
	likes   map[db.CommentLikeKey]bool
	pins    map[int64]int64
}

// newThreadStorm makes n events by 12 users below 3 videos. Some are about what is deleted already: a replica that has not heard
// of that has accepted them.
func newThreadStorm(s *Service, r *rand.Rand, n int) threadStorm {
	st := threadStorm{deleted: map[int64]bool{}, likes: map[db.CommentLikeKey]bool{}, pins: map[int64]int64{}}
	pick := func() mq.Event { return st.created[r.IntN(len(st.created))] }
	for range n {
		user := 1 + r.Int64N(12)
		switch k := r.IntN(20); {
		case k < 3 || len(st.created) == 0:
			st.created = append(st.created, s.createEvent(user, videoOf(1+r.Int64N(3), 1)))
			st.events = append(st.events, st.created[len(st.created)-1])
		case k < 9:
			st.created = append(st.created, s.replyEvent(user, pick()))
			st.events = append(st.events, st.created[len(st.created)-1])
		case k < 12:
			e := pick()
			st.events = append(st.events, s.deleteEvent(e))
			st.deleted[e.ID] = true
		case k < 19:
			e, liked := pick(), r.IntN(3) > 0
			st.events = append(st.events, s.commentLikeEvent(user, e, liked))
			st.likes[db.CommentLikeKey{UserID: user, CommentID: e.ID}] = liked
		default:
			if e := pick(); e.Comment.RootID == 0 {
				st.events = append(st.events, s.pinEvent(e.VideoID, e.ID))
				st.pins[e.VideoID] = e.ID
			}
		}
	}
	return st
}

// alive reports whether a comment is not deleted, nor the thread that it is in.
func (st threadStorm) alive(e mq.Event) bool {
	return !st.deleted[e.ID] && !st.deleted[e.Comment.RootID]
}

// ended checks everything that can be read of the storm's comments.
func (st threadStorm) ended(t *testing.T, f *fixture) {
	t.Helper()
	want := map[int64]*interaction.Comment{}
	lists := map[int64][]int64{}
	for _, e := range st.created {
		if !st.alive(e) {
			continue
		}
		c := e.Comment
		want[e.ID] = &interaction.Comment{
			Id: e.ID, VideoId: e.VideoID, UserId: e.UserID, Content: c.Content, CreatedAtMs: id.Time(e.ID).UnixMilli(),
			RootId: c.RootID, ReplyToId: c.ReplyToID, ReplyToUserId: c.ReplyToUserID, MentionedUserIds: c.Mentions,
			Pinned: st.pins[e.VideoID] == e.ID,
		}
		if c.RootID != 0 {
			want[c.RootID].ReplyCount++
		}
		lists[e.VideoID] = slices.Insert(lists[e.VideoID], 0, e.ID)
	}
	for key, liked := range st.likes {
		if c := want[key.CommentID]; c != nil && liked {
			c.LikeCount++
		}
	}
	got := map[int64]*interaction.Comment{}
	for ids := range slices.Chunk(slices.Sorted(maps.Keys(want)), 1000) {
		resp, err := f.client.MGetComments(t.Context(), &interaction.MGetCommentsRequest{CommentIds: ids})
		if err != nil {
			t.Fatal(err)
		}
		maps.Copy(got, resp.Comments)
	}
	same(t, "comments", want, got, cmpopts.EquateEmpty())
	for v := int64(1); v <= 3; v++ {
		_, all := f.agree(t, 0, videoOf(v, 1))
		same(t, fmt.Sprint("list of video ", v), lists[videoOf(v, 1)], all, cmpopts.EquateEmpty())
	}
	for user := int64(1); user <= 12; user++ {
		for _, c := range f.threads(t, user, videoOf(1, 1), interaction.CommentSort_TOP, 0) {
			if c.Liked != st.likes[db.CommentLikeKey{UserID: user, CommentID: c.Id}] {
				t.Errorf("user %d, comment %d: liked %v", user, c.Id, c.Liked)
			}
		}
	}
	if n := f.rows(t, "comment_sweeps"); n != 0 {
		t.Errorf("%d sweeps are left", n)
	}
	f.audited(t)
	f.replayed(t)
}

// replayed fails the test when the events that the store has written for others, taken in their order, do not end in what is stored
// now, or tell of something that did not change.
func (f *fixture) replayed(t testing.TB) {
	t.Helper()
	type pair struct{ user, of int64 }
	type row struct {
		ID    int64
		Topic string
		AtMs  int64
		Body  []byte
	}
	var rows []row
	if err := f.raw.Read.Raw("SELECT id, topic, at_ms, body FROM outbox ORDER BY id").Scan(&rows).Error; err != nil {
		t.Fatal(err)
	}
	likes, commentLikes := map[pair]int64{}, map[pair]int64{}
	comments, gone := map[int64]event.CommentChanged{}, map[int64]bool{}
	set := func(at map[pair]int64, of int64, list []*event.Like) {
		if !slices.IsSortedFunc(list, func(a, b *event.Like) int { return cmp.Compare(a.UserId, b.UserId) }) {
			t.Errorf("likes of %d are not by user", of)
		}
		for _, l := range list {
			key := pair{l.UserId, of}
			// A like that began again within one batch is told with its new time, which may be the same millisecond.
			if _, liked := at[key]; !liked && !l.Liked || l.Liked != (l.AtMs > 0) {
				t.Errorf("an event without a change: %+v of %d", l, of)
			}
			if at[key] = l.AtMs; !l.Liked {
				delete(at, key)
			}
		}
	}
	for _, r := range rows {
		list, err := events.Decode(outbox.Message{Seq: r.ID, Topic: r.Topic, AtMs: r.AtMs, Body: r.Body})
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range list {
			switch {
			case e.VideoLikes != nil && r.Topic == event.TOPIC_LIKE:
				if e.VideoLikes.AuthorId != authorOf(e.VideoLikes.VideoId) {
					t.Errorf("likes of an author's video: %+v", e.VideoLikes)
				}
				set(likes, e.VideoLikes.VideoId, e.VideoLikes.Likes)
			case e.CommentLikes != nil && r.Topic == event.TOPIC_LIKE:
				set(commentLikes, e.CommentLikes.CommentId, e.CommentLikes.Likes)
			case e.CommentChanged != nil && r.Topic == event.TOPIC_COMMENT:
				c := *e.CommentChanged
				old, there := comments[c.CommentId]
				if there != c.Deleted || gone[c.CommentId] {
					t.Errorf("an event without a change: %+v", c)
				}
				if c.Deleted {
					gone[c.CommentId] = true
					delete(comments, c.CommentId)
					c.Deleted = false
					same(t, "the deletion's event says all that the creation's says", old, c)
				} else {
					comments[c.CommentId] = c
				}
			default:
				t.Errorf("%s: %+v", r.Topic, e)
			}
		}
	}
	// What is liked of a comment ends with the comment.
	maps.DeleteFunc(commentLikes, func(p pair, _ int64) bool { _, there := comments[p.of]; return !there })

	var favorites []db.Favorite
	var reactions []db.CommentLike
	var stored []db.Comment
	for _, err := range []error{
		f.raw.Read.Where("liked = ?", true).Find(&favorites).Error,
		f.raw.Read.Where("liked = ? AND comment_id IN (SELECT id FROM comments WHERE deleted = ?)", true, false).Find(&reactions).Error,
		f.raw.Read.Where("deleted = ?", false).Find(&stored).Error,
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	wantLikes, wantReactions, wantComments := map[pair]int64{}, map[pair]int64{}, map[int64]event.CommentChanged{}
	for _, l := range favorites {
		wantLikes[pair{l.UserID, l.VideoID}] = id.Time(l.LikedEvent).UnixMilli()
	}
	for _, l := range reactions {
		wantReactions[pair{l.UserID, l.CommentID}] = id.Time(l.LikedEvent).UnixMilli()
	}
	for _, c := range stored {
		n := newNews()
		n.comment(c, false)
		wantComments[c.ID] = *n.comments[0].CommentChanged
	}
	same(t, "likes by events", wantLikes, likes)
	same(t, "likes of comments by events", wantReactions, commentLikes)
	same(t, "comments by events", wantComments, comments, cmpopts.EquateEmpty())
}

// delivered hands events to several writers at once, each at least once, shuffled, in batches of random size, at most so large.
func (f *fixture) delivered(t *testing.T, r *rand.Rand, all []mq.Event, most int) {
	t.Helper()
	deliveries := slices.Clone(all)
	for _, e := range all {
		if r.IntN(3) == 0 {
			deliveries = append(deliveries, e)
		}
	}
	r.Shuffle(len(deliveries), func(i, j int) { deliveries[i], deliveries[j] = deliveries[j], deliveries[i] })
	batches := make(chan []mq.Event)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for b := range batches {
				// A writer that loses too often hands its batch back to the queue, which delivers it again.
				for try := 1; ; try++ {
					err := f.apply(context.WithoutCancel(t.Context()), b)
					if err == nil {
						break
					}
					if try == 10 {
						t.Errorf("apply: %v", err)
						break
					}
				}
			}
		})
	}
	for rest := deliveries; len(rest) > 0; {
		n := min(len(rest), 1+r.IntN(most))
		batches <- rest[:n]
		rest = rest[n:]
	}
	close(batches)
	wg.Wait()
}

// Several writers at once get every event of threads at least once, shuffled, in batches of random size. All ends exact, and the
// events for others tell all of it.
func TestThreadStorm(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		seed := rand.Uint64()
		t.Logf("seed %d", seed)
		r := rand.New(rand.NewPCG(seed, 0))
		st := newThreadStorm(f.Service, r, 2500)
		f.delivered(t, r, st.events, 100)
		st.ended(t, f)
		before := f.rows(t, "outbox")
		f.delivered(t, r, st.events, 100) // all of it again
		if n := f.rows(t, "outbox"); n != before {
			t.Errorf("nothing changed, and there are %d messages about it", n-before)
		}
		st.ended(t, f)
	})
}

// A thread's creation, an answer, what answers that, and likes, with both deletions or one of them, end the same in every order.
func TestEveryOrderOfThreads(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		for what, deletes := range map[string]func(root, answer mq.Event) []mq.Event{
			"nothing":    func(_, _ mq.Event) []mq.Event { return nil },
			"the thread": func(root, _ mq.Event) []mq.Event { return []mq.Event{f.deleteEvent(root)} },
			"an answer":  func(_, answer mq.Event) []mq.Event { return []mq.Event{f.deleteEvent(answer)} },
			"both":       func(root, answer mq.Event) []mq.Event { return []mq.Event{f.deleteEvent(root), f.deleteEvent(answer)} },
		} {
			type one struct{ root, answer, second mq.Event }
			var all []one
			rows := map[bool][][]mq.Event{}
			v := videoOf(int64(2+len(what)), 1)
			for n := range 120 {
				c := one{root: f.createEvent(101, v)}
				c.answer = f.replyEvent(102, c.root)
				c.second = f.replyEvent(103, c.answer)
				list := append([]mq.Event{c.root, c.answer, c.second, f.commentLikeEvent(104, c.root, true), f.commentLikeEvent(104, c.answer, true)},
					deletes(c.root, c.answer)...)
				list = append(list, list...)
				rand.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
				all = append(all, c)
				rows[n%2 == 0] = append(rows[n%2 == 0], list)
			}
			for single, lists := range rows {
				step := 3
				if single {
					step = 1
				}
				for _, b := range rounds(lists, step) {
					if err := f.apply(t.Context(), b); err != nil {
						t.Fatal(err)
					}
				}
			}
			want := []int64{}
			for _, c := range all {
				switch what {
				case "nothing":
					want = append(want, c.root.ID, c.answer.ID, c.second.ID)
				case "an answer":
					want = append(want, c.root.ID, c.second.ID)
				}
			}
			slices.Reverse(want)
			_, got := f.agree(t, 0, v)
			same(t, what+" deleted: comments", want, got)
		}
		f.audited(t)
		f.replayed(t)
	})
}

// Users talk in threads through a queue that delays, reorders and delivers again. When it has calmed down, each list is as the
// answers said.
func TestThreadChaos(t *testing.T) {
	sqldbtest.Each(t, Name, db.Migrations(), func(t *testing.T, raw *sqldb.DB) {
		seed := rand.Uint64()
		t.Logf("seed %d", seed)
		var chaos *queuetest.Chaos[mq.Event]
		f := newFixture(t, raw, func(d *Deps) {
			chaos = queuetest.NewChaos(d.Queue, seed)
			d.Queue, d.Pending = chaos, pendingIn(t, ownRedis(t))
		})
		const users, turns = 12, 40
		v, dies := videoOf(1, 1), videoOf(2, 1)
		var wg sync.WaitGroup
		var mu sync.Mutex
		seen := []*interaction.Comment{}
		for u := range int64(users) {
			r := rand.New(rand.NewPCG(seed, uint64(u)))
			wg.Go(func() {
				user := 1 + u
				var own []*interaction.Comment
				for i := range turns {
					if u == 0 && i == turns/2 {
						f.deleteVideo(t, dies)
					}
					below := v
					if r.IntN(3) == 0 {
						below = dies
					}
					mu.Lock()
					var to *interaction.Comment
					if len(seen) > 0 {
						to = seen[r.IntN(len(seen))]
					}
					mu.Unlock()
					var c *interaction.CreateCommentResponse
					var err error
					switch k := r.IntN(8); {
					case k == 0 && user == 1 && to != nil:
						err = f.pin(t, user, v, to.Id)
					case k < 3 || to == nil:
						c, err = f.client.CreateComment(t.Context(), &interaction.CreateCommentRequest{UserId: user, VideoId: below, Content: "hi"})
					case k < 5:
						c, err = f.client.CreateComment(t.Context(), &interaction.CreateCommentRequest{
							UserId: user, VideoId: to.VideoId, Content: "hi", ReplyToId: to.Id,
						})
					case k == 5 && len(own) > 0:
						d := own[r.IntN(len(own))]
						err = f.delete(t, user, d.VideoId, d.Id)
					case k == 6:
						_, err = f.client.UnlikeComment(t.Context(), &interaction.UnlikeCommentRequest{UserId: user, VideoId: to.VideoId, CommentId: to.Id})
					default:
						_, err = f.client.LikeComment(t.Context(), &interaction.LikeCommentRequest{UserId: user, VideoId: to.VideoId, CommentId: to.Id})
					}
					// Others' comments may not be stored yet, or be deleted.
					if err != nil && !failedWith(err, errno.CommentNotFound) && !failedWith(err, errno.VideoNotFound) {
						t.Errorf("user %d: %v", user, err)
					}
					if err == nil && c != nil {
						own = append(own, c.Comment)
						mu.Lock()
						seen = append(seen, c.Comment)
						mu.Unlock()
					}
				}
			})
		}
		wg.Wait()
		if err := chaos.Settle(t.Context()); err != nil {
			t.Fatal(err)
		}
		f.deleteVideo(t, dies)
		f.forgotten(t, dies)
		for user := range int64(users + 1) {
			f.agree(t, user, v)
		}
		f.replayed(t)
	})
}
