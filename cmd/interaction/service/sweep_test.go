package service

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"tiktok/cmd/interaction/dal/db"
	"tiktok/cmd/interaction/dal/mq"
	"tiktok/kitex_gen/common"
	"tiktok/kitex_gen/interaction"
	"tiktok/pkg/id"
)

// longThread stores a thread with n answers.
func (f *fixture) longThread(t testing.TB, videoID int64, n int) (root mq.Event) {
	t.Helper()
	root = f.createEvent(101, videoID)
	list := []mq.Event{root}
	for i := range int64(n) {
		list = append(list, f.replyEvent(200+i, root))
	}
	f.applied(t, list)
	return root
}

// commit stores events as a process does that dies after the commit: nobody hears of it, and nothing is swept.
func (f *fixture) commit(t testing.TB, list ...mq.Event) {
	t.Helper()
	c, err := newChange(list)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.store.Update(t.Context(), c.write); err != nil {
		t.Fatal(err)
	}
}

// A process dies after it has stored the deletion of a long thread, and the next ones after each step of its answers' deletion. All
// the time lists and counts agree, nobody can answer, and the end is the same: when the event comes again, and when a process starts.
func TestDeletedThreadIsFinished(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		for author, finish := range map[int64]func(e mq.Event){
			1: func(e mq.Event) {
				if err := f.apply(t.Context(), []mq.Event{e}); err != nil {
					t.Error(err)
				}
			},
			2: func(mq.Event) {
				newFixture(t, f.raw, nil) // sweeps at its start
				settled(t, "the thread is swept", func() error {
					if f.rows(t, "comment_sweeps") > 0 {
						return errors.New("it is not")
					}
					return nil
				})
			},
		} {
			v := videoOf(author, 1)
			root := f.longThread(t, v, 2300)
			other := f.createEvent(102, v)
			f.applied(t, []mq.Event{other, f.replyEvent(103, other)})
			deletion := f.deleteEvent(root)
			f.commit(t, deletion)
			f.stats.Videos.Invalidate(t.Context(), v)
			if err := f.create(t, 104, v, root.ID); err == nil {
				t.Error("a deleted comment is answered")
			}
			f.applied(t, []mq.Event{f.replyEvent(105, root)}) // accepted before by another replica
			for left := int64(2302); ; left -= 1000 {
				n := f.videoStats(t, 0, v).CommentCount
				if n != left || int(n) != len(f.comments(t, v, 0)) {
					t.Errorf("comment_count is %d, the list has %d, want %d", n, len(f.comments(t, v, 0)), left)
				}
				same(t, "threads", []int64{other.ID}, commentIDs(f.threads(t, 0, v, interaction.CommentSort_NEWEST, 0)))
				f.audited(t)
				if left < 1000 {
					break
				}
				if _, err := f.store.Sweep(t.Context(), db.Sweep{RootID: root.ID, VideoID: v}, tell()); err != nil {
					t.Fatal(err)
				}
				f.stats.Videos.Invalidate(t.Context(), v)
			}
			finish(deletion)
			f.stats.Videos.Invalidate(t.Context(), v) // another process's cache
			_, all := f.agree(t, 0, v)
			if len(all) != 2 {
				t.Errorf("%d comments are left, want 2", len(all))
			}
		}
		if n := f.rows(t, "comment_sweeps"); n != 0 {
			t.Errorf("%d sweeps are left", n)
		}
		f.audited(t)
		f.replayed(t)
	})
}

// Answers arrive while their thread is deleted, swept twice at once, and its video is deleted.
func TestSweepRaces(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		for round := range int64(25) {
			v := videoOf(1+round, 1)
			root := f.longThread(t, v, 30)
			other := f.createEvent(101, v)
			var wg sync.WaitGroup
			for w := range int64(3) {
				batch := []mq.Event{other}
				for i := range int64(20) {
					batch = append(batch, f.replyEvent(300+10*w+i, root), f.commentLikeEvent(300+i, root, true), f.likeEvent(300+i, v, true))
				}
				if w > 0 {
					batch = append(batch, f.deleteEvent(root))
				}
				wg.Go(func() {
					for half := range slices.Chunk(batch, len(batch)/2+1) {
						if err := f.apply(t.Context(), half); err != nil {
							t.Errorf("apply: %v", err)
						}
					}
				})
			}
			dies := round%3 == 0
			if dies {
				wg.Go(func() {
					if err := f.forget(t.Context(), []deletedVideo{{v, authorOf(v)}}); err != nil {
						t.Errorf("forget: %v", err)
					}
				})
			}
			wg.Wait()
			if dies {
				f.forgotten(t, v)
			} else {
				_, all := f.agree(t, 0, v)
				same(t, "what is left", []int64{other.ID}, all)
			}
		}
		var left int64
		if err := f.raw.Read.Raw("SELECT COUNT(*) FROM comments WHERE deleted AND reply_count <> 0").Scan(&left).Error; err != nil {
			t.Fatal(err)
		}
		if n := f.rows(t, "comment_sweeps"); n+left != 0 {
			t.Errorf("%d sweeps are left, %d deleted comments count answers", n, left)
		}
		f.audited(t)
		f.replayed(t)
	})
}

// The deletion of a video tells of every like and comment that goes, each once, also when it is stopped and begun again.
func TestForgottenIsTold(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		v := videoOf(1, 1)
		root := f.longThread(t, v, 1200)
		var list []mq.Event
		for u := range int64(1200) {
			list = append(list, f.likeEvent(200+u, v, true), f.commentLikeEvent(200+u, root, true))
		}
		f.applied(t, list)
		for stopped := true; stopped; {
			ctx, stop := context.WithCancel(t.Context())
			left := f.standing(t, v)
			err := f.store.ForgetVideo(ctx, v, 1, tell(), func([]int64) {
				if f.standing(t, v) < left {
					stop()
				}
			})
			stop()
			if stopped = err != nil; stopped && !errors.Is(err, context.Canceled) {
				t.Fatal(err)
			}
			f.replayed(t)
		}
		f.deleteVideo(t, v)
		f.forgotten(t, v)
		f.replayed(t)
		never := f.createEvent(7, v) // was pending when the video was deleted
		ownLike := f.commentLikeEvent(7, never, true)
		ownLike.AuthorID = authorOf(v)
		f.applied(t, []mq.Event{ownLike})
		f.applied(t, append(list, root, f.replyEvent(7, root), f.pinEvent(v, root.ID), never, ownLike))
		f.forgotten(t, v)
		f.replayed(t)
		if pins, likes := f.rows(t, "comment_pins"), f.rows(t, "comment_likes"); pins != 0 || likes != 1200 {
			t.Errorf("%d pins of a deleted video, %d likes of its comments, want those that were there", pins, likes)
		}
	})
}

// While likes come and go, a walk by likes ends, and shows what does not change exactly once.
func TestTopWhileItChanges(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		v := videoOf(1, 1)
		var list, moving []mq.Event
		still := map[int64]bool{}
		for i := range int64(120) {
			c := f.createEvent(101, v)
			list = append(list, c)
			for u := range i % 5 {
				list = append(list, f.commentLikeEvent(200+u, c, true))
			}
			if i%2 == 0 {
				moving = append(moving, c)
			} else {
				still[c.ID] = true
			}
		}
		f.applied(t, list)
		r := rand.New(rand.NewPCG(1, 2))
		seen, cursor := map[int64]int{}, ""
		for pages := 0; ; pages++ {
			resp, err := f.client.ListThreads(t.Context(), &interaction.ListThreadsRequest{
				VideoId: v, Sort: interaction.CommentSort_TOP, Page: &common.Page{Cursor: cursor, Limit: 7},
			})
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range resp.Comments {
				seen[c.Id]++
			}
			if cursor = resp.NextCursor; cursor == "" {
				break
			}
			if pages > 200 {
				t.Fatal("the walk does not end")
			}
			var some []mq.Event
			for range 20 {
				some = append(some, f.commentLikeEvent(200+r.Int64N(20), moving[r.IntN(len(moving))], r.IntN(2) == 0))
			}
			f.applied(t, some)
		}
		for id := range still {
			if seen[id] != 1 {
				t.Errorf("comment %d, which did not change, was shown %d times", id, seen[id])
			}
		}
		f.audited(t)
	})
}

// A deleted comment is not pinned, and nothing else is then; the newest pin counts, in whatever order they come.
func TestPins(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		v := videoOf(1, 1)
		a, b := f.createEvent(101, v), f.createEvent(102, v)
		first, second := f.pinEvent(v, a.ID), f.pinEvent(v, b.ID)
		pinned := func(viewer int64) (ids []int64) {
			for _, sort := range []interaction.CommentSort{interaction.CommentSort_NEWEST, interaction.CommentSort_TOP} {
				for i, c := range f.threads(t, viewer, v, sort, 1) {
					if c.Pinned {
						ids = append(ids, c.Id)
						if i > 0 {
							t.Errorf("the pinned comment is at place %d", i)
						}
					}
				}
			}
			return ids
		}
		f.applied(t, []mq.Event{second}) // before there is such a comment
		same(t, "pinned before it is stored", []int64(nil), pinned(0))
		f.applied(t, []mq.Event{first, a, b})
		same(t, "pinned", []int64{b.ID, b.ID}, pinned(0))
		f.applied(t, []mq.Event{f.deleteEvent(b), first, second})
		same(t, "deleted", []int64(nil), pinned(0))
		third := f.pinEvent(v, a.ID)
		f.applied(t, []mq.Event{third, second})
		same(t, "pinned again", []int64{a.ID, a.ID}, pinned(103))
		f.applied(t, []mq.Event{f.pinEvent(v, 0), third})
		same(t, "not pinned", []int64(nil), pinned(0))
		f.agree(t, 0, v)
	})
}

// Marks of deleted threads, and of what was never stored, go when nothing can come any more; likes go with their comments.
func TestPurgeThreads(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		v := videoOf(1, 1)
		root, orphans := f.createEvent(101, v), f.createEvent(102, v)
		answer := f.replyEvent(103, root)
		f.applied(t, []mq.Event{
			root, answer, f.replyEvent(104, answer), f.commentLikeEvent(105, root, true), f.commentLikeEvent(105, answer, true),
			f.replyEvent(104, orphans), f.commentLikeEvent(105, orphans, true), // which is not stored, and never will be
		})
		stays := f.createEvent(101, v)
		f.applied(t, []mq.Event{
			stays, f.commentLikeEvent(105, stays, true), f.commentLikeEvent(106, stays, true), f.commentLikeEvent(106, stays, false),
			f.deleteEvent(root),
		})
		purge := func(before time.Time) {
			t.Helper()
			if _, err := f.purgeOnce(t.Context(), id.At(before), 0); err != nil {
				t.Fatal(err)
			}
			f.sweepAll(t.Context())
			f.audited(t)
		}
		rows := f.rows(t, "comments")
		// Made long ago, deleted now: an answer may still come, and must find the mark.
		const shift = 20 * 24 * time.Hour
		ids := int64(id.At(time.Now()) - id.At(time.Now().Add(-shift)))
		if err := f.raw.Write.Exec("UPDATE comments SET id = id - ? WHERE id = ?", ids, root.ID).Error; err != nil {
			t.Fatal(err)
		}
		purge(time.Now().Add(-purgeAge))
		same(t, "comments before the time", rows, f.rows(t, "comments"))
		for range 2 { // first what has answers left is swept
			purge(time.Now().Add(time.Hour))
		}
		same(t, "comments", int64(1), f.rows(t, "comments"))
		same(t, "likes", int64(1), f.rows(t, "comment_likes"))
		_, all := f.agree(t, 0, v)
		same(t, "what is left", []int64{stays.ID}, all)
	})
}

// Events of builds that know no threads: a deletion does not say which thread the answer is in, or that there are answers.
func TestEventsOfOldBuilds(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		v := videoOf(1, 1)
		old := func(e mq.Event) mq.Event {
			e.Comment.RootID, e.Comment.Replies, e.V = 0, false, mq.Version
			return e
		}
		root, other := f.createEvent(101, v), f.createEvent(102, v)
		answer, second := f.replyEvent(103, root), f.replyEvent(104, root)
		toOther := f.replyEvent(105, other)
		f.applied(t, []mq.Event{root, other, answer, second, toOther})
		f.applied(t, []mq.Event{old(f.deleteEvent(answer)), old(f.deleteEvent(toOther))})
		_, all := f.agree(t, 0, v)
		same(t, "without the answers", []int64{second.ID, other.ID, root.ID}, all)
		f.applied(t, []mq.Event{old(f.deleteEvent(root)), old(f.deleteEvent(second))})
		_, all = f.agree(t, 0, v)
		same(t, "without the thread", []int64{other.ID}, all)
		late := f.replyEvent(106, other) // its deletion is applied first
		f.applied(t, []mq.Event{old(f.deleteEvent(late))})
		f.applied(t, []mq.Event{late})
		_, all = f.agree(t, 0, v)
		same(t, "without the late one", []int64{other.ID}, all)
		f.audited(t)
		f.replayed(t)
	})
}
