package service

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"tiktok/cmd/interaction/dal/mq"
	"tiktok/cmd/interaction/dal/pending"
	"tiktok/kitex_gen/interaction"
	"tiktok/pkg/errno"
)

// While nothing is stored, who answers, deletes, likes and pins sees it through any replica, others do not; counts agree with
// lists for each of them, also while the backlog is stored in any order and after it.
func TestPendingThreads(t *testing.T) {
	onReplicas(t, func(t *testing.T, r *twoReplicas) {
		const author, user, other = 1, 101, 102
		v := videoOf(author, 1)
		stored := func(e mq.Event) *interaction.Comment {
			if err := r.a.apply(t.Context(), []mq.Event{e}); err != nil {
				t.Fatal(err)
			}
			return &interaction.Comment{Id: e.ID, VideoId: v, UserId: e.UserID, RootId: e.Comment.RootID}
		}
		goes, stays := r.a.createEvent(user, v), r.a.createEvent(other, v)
		goesC, staysC := stored(goes), stored(stays)
		for range 7 {
			stored(r.a.replyEvent(other, goes))
		}
		own := r.a.replyEvent(user, stays)
		ownC := stored(own)
		if err := r.a.apply(t.Context(), []mq.Event{r.a.commentLikeEvent(user, own, true), r.a.commentLikeEvent(other, own, true)}); err != nil {
			t.Fatal(err)
		}

		mine := r.a.comment(t, user, v, "mine")
		toMine := r.b.reply(t, user, mine)
		toStays := r.a.reply(t, user, staysC)
		r.b.react(t, user, mine, true)
		r.a.react(t, user, staysC, true)
		r.b.react(t, user, ownC, false)
		last := r.a.reply(t, user, goesC)
		gone := r.b.comment(t, user, v, "goes with its answer")
		r.a.reply(t, user, gone)
		for _, id := range []int64{gone.Id, goesC.Id} { // with their answers, of others and pending ones
			if err := r.b.delete(t, user, v, id); err != nil {
				t.Fatal(err)
			}
		}
		byAuthor := r.a.comment(t, author, v, "the author's")
		if err := r.b.pin(t, author, v, byAuthor.Id); err != nil {
			t.Fatal(err)
		}
		for what, err := range map[string]error{
			"an answer in a thread that its author has deleted":       r.b.create(t, user, v, goesC.Id),
			"an answer to an answer there":                            r.b.create(t, user, v, last.Id),
			"another's answer to what is not stored":                  r.b.create(t, other, v, mine.Id),
			"a second deletion":                                       r.b.delete(t, user, v, goesC.Id),
			"the deletion of an answer that went with the thread":     r.a.delete(t, user, v, last.Id),
			"the author pins what only somebody else sees":            r.a.pin(t, author, v, mine.Id),
			"the author of a deleted thread pins it before it is not": r.a.pin(t, author, v, last.Id),
		} {
			if !failedWith(err, errno.CommentNotFound) {
				t.Errorf("%s: %v, want CommentNotFound", what, err)
			}
		}

		check := func(when string) {
			t.Helper()
			for _, f := range []*fixture{r.a, r.b} {
				for _, viewer := range []int64{0, other, author} {
					// The user's answer may be stored before the thread that it is in: then others see it in the flat list alone.
					if when != "partly stored" {
						f.agree(t, viewer, v)
					} else if n, list := f.videoStats(t, viewer, v).CommentCount, f.commentsFor(t, viewer, v, 2); n != int64(len(list)) {
						t.Errorf("%s: viewer %d: comment_count is %d, the list has %d", when, viewer, n, len(list))
					}
				}
				roots, all := f.agree(t, user, v)
				roots = slices.DeleteFunc(roots, func(id int64) bool { return id == byAuthor.Id })
				all = slices.DeleteFunc(all, func(id int64) bool { return id == byAuthor.Id })
				same(t, when+": threads of the user", []int64{mine.Id, staysC.Id}, roots)
				same(t, when+": comments of the user", []int64{toStays.Id, toMine.Id, mine.Id, ownC.Id, staysC.Id}, all)
				for _, c := range f.threads(t, user, v, interaction.CommentSort_TOP, 0) {
					if c.Id != byAuthor.Id && (!c.Liked || c.LikeCount != 1 || c.ReplyCount != map[int64]int64{mine.Id: 1, staysC.Id: 2}[c.Id]) {
						t.Errorf("%s: the user sees %+v", when, c)
					}
				}
				for _, c := range f.replies(t, user, v, staysC.Id, 0) {
					if want := int64(0); c.Id == ownC.Id && (c.Liked || c.LikeCount != 1) || c.Id != ownC.Id && c.LikeCount != want {
						t.Errorf("%s: the user sees the answer %+v", when, c)
					}
				}
				first := f.threads(t, author, v, interaction.CommentSort_NEWEST, 0)[0]
				if first.Id != byAuthor.Id || !first.Pinned {
					t.Errorf("%s: the author sees %+v as the first", when, first)
				}
			}
		}
		check("all pending")
		lists := []pending.List{pending.Comments(user), pending.Reactions(user), pending.Comments(author), pending.Reactions(author)}
		events := r.pending(t, lists...)
		for r.deliver(t, 2) {
			check("partly stored")
		}
		check("all stored")
		if left := r.a.pending.Read(t.Context(), lists...); len(left) > 0 {
			t.Errorf("still pending: %v", left)
		}
		r.late(t, events)
		check("all stored, old lists")
		same(t, "threads for a visitor", []int64{byAuthor.Id, mine.Id, staysC.Id}, func() []int64 { ids, _ := r.a.agree(t, 0, v); return ids }())
		r.a.audited(t)
		r.a.replayed(t)
	})
}

// A user's list of likes of comments is full on its own: then the next one is refused before it is accepted.
func TestPendingReactionsFull(t *testing.T) {
	onReplicas(t, func(t *testing.T, r *twoReplicas) {
		const user, full = 101, 1000
		v := videoOf(1, 1)
		root := r.a.createEvent(102, v)
		if err := r.a.apply(t.Context(), []mq.Event{root}); err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for range full {
			e := r.a.createEvent(103, v)
			e = r.a.commentLikeEvent(user, e, true)
			if _, err := r.queue.Publish(t.Context(), e); err != nil {
				t.Fatal(err)
			}
			wg.Go(func() { r.a.pending.Add(t.Context(), e) })
		}
		wg.Wait()
		like := func() error {
			_, err := r.a.client.LikeComment(t.Context(), &interaction.LikeCommentRequest{UserId: user, VideoId: v, CommentId: root.ID})
			return err
		}
		if err := like(); !failedWith(err, errno.Unavailable) {
			t.Errorf("a like when the list is full: %v, want Unavailable", err)
		}
		r.a.like(t, user, v) // other lists are not full
		r.a.comment(t, user, v, "hi")
		for r.deliver(t, 500) {
			continue
		}
		settled(t, "a like when all is stored", like)
	})
}

// Users talk in threads through both replicas while the backlog is stored in random pieces. After each answer its author's next read,
// through the other replica, shows what they did, and counts agree with lists.
func TestPendingThreadStorm(t *testing.T) {
	const users, turns = 6, 20
	onReplicas(t, func(t *testing.T, r *twoReplicas) {
		v := videoOf(1, 1)
		stop := r.deliverInPieces(t)
		var wg sync.WaitGroup
		for n := range int64(users) {
			wg.Go(func() {
				user := 101 + n
				root := r.a.comment(t, user, v, "first")
				var answers []*interaction.Comment
				liked := false
				for turn := range turns {
					here, there := r.a, r.b
					if turn%2 == 1 {
						here, there = there, here
					}
					switch k := rand.IntN(4); {
					case k < 2:
						answers = append(answers, here.reply(t, user, root))
					case k == 2 && len(answers) > 0:
						if err := here.delete(t, user, v, answers[0].Id); err != nil {
							t.Errorf("delete: %v", err)
						}
						answers = answers[1:]
					default:
						here.react(t, user, root, !liked)
						liked = !liked
					}
					what := fmt.Sprintf("user %d, turn %d", user, turn)
					same(t, what+": answers", commentIDs(answers), commentIDs(there.replies(t, user, v, root.Id, 3)))
					for _, c := range there.threads(t, user, v, interaction.CommentSort_NEWEST, 4) {
						if c.Id == root.Id && (c.Liked != liked || c.LikeCount != counted(liked) || c.ReplyCount != int64(len(answers))) {
							t.Errorf("%s: %+v, liked %v, %d answers", what, c, liked, len(answers))
						}
					}
				}
				if n%2 == 0 {
					if err := r.b.delete(t, user, v, root.Id); err != nil {
						t.Errorf("delete: %v", err)
					}
					_, err := r.a.client.ListReplies(t.Context(), &interaction.ListRepliesRequest{VideoId: v, CommentId: root.Id, ViewerId: user})
					if !failedWith(err, errno.CommentNotFound) {
						t.Errorf("answers of a deleted thread: %v", err)
					}
					all := r.a.commentsFor(t, user, v, 0)
					for _, c := range append(answers, root) {
						if slices.Contains(all, c.Id) {
							t.Errorf("user %d still sees %d", user, c.Id)
						}
					}
				}
			})
		}
		wg.Wait()
		stop()
		for user := range int64(users) {
			r.a.agree(t, 101+user, v)
		}
		r.a.audited(t)
		r.a.replayed(t)
	})
}
