package service

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tiktok/cmd/interaction/dal/mq"
	"tiktok/kitex_gen/interaction"
	"tiktok/pkg/errno"
	"tiktok/pkg/id"
	"tiktok/pkg/idempotency"
)

const aKey = "7b9c0d1e-first"

func (f *fixture) keyed(ctx context.Context, user, videoID, replyTo int64, content, key string) (*interaction.Comment, error) {
	resp, err := f.client.CreateComment(ctx, &interaction.CreateCommentRequest{
		UserId: user, VideoId: videoID, Content: content, ReplyToId: replyTo, RequestKey: &key,
	})
	if err != nil {
		return nil, err
	}
	return resp.Comment, nil
}

func TestCommentRepeated(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		v, other := videoOf(7, 1), videoOf(8, 1)
		must := func(c *interaction.Comment, err error) *interaction.Comment {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
			return c
		}
		first := must(f.keyed(t.Context(), 101, v, 0, "a badword twice", aKey))
		again := must(f.keyed(t.Context(), 101, v, 0, "a badword twice", aKey))
		same(t, "the answer to the repetition", first, again)
		answer := must(f.keyed(t.Context(), 101, v, first.Id, "an answer", aKey+"2"))
		same(t, "the repeated answer", answer, must(f.keyed(t.Context(), 101, v, first.Id, "an answer", aKey+"2")))
		if mine := must(f.keyed(t.Context(), 102, v, 0, "a badword twice", aKey)); mine.Id == first.Id {
			t.Error("keys of two users are one")
		}
		if n := f.rows(t, "comments"); n != 3 {
			t.Errorf("%d comments, want 3", n)
		}
		for what, c := range map[string]struct {
			video, replyTo int64
			content        string
		}{
			"another text": {v, 0, "something else"}, "an answer": {v, first.Id, "a badword twice"}, "another video": {other, 0, "a badword twice"},
		} {
			if _, err := f.keyed(t.Context(), 101, c.video, c.replyTo, c.content, aKey); !errno.From(err).Is(errno.IdempotencyKeyReused) {
				t.Errorf("the key with %s: %v, want IdempotencyKeyReused", what, err)
			}
		}
		for _, key := range []string{"short", "with a space", "zeichen-ü", string(make([]byte, 20))} {
			if _, err := f.keyed(t.Context(), 101, v, 0, "x", key); !errno.From(err).Is(errno.InvalidArgument) {
				t.Errorf("key %q: %v, want InvalidArgument", key, err)
			}
		}
		if err := f.delete(t, 101, v, first.Id); err != nil {
			t.Fatal(err)
		}
		same(t, "the answer after the deletion", first, must(f.keyed(t.Context(), 101, v, 0, "a badword twice", aKey)))
		same(t, "the answers' answer after the deletion", answer, must(f.keyed(t.Context(), 101, v, first.Id, "an answer", aKey+"2")))
		if n := f.rows(t, "comments WHERE deleted = 0"); n != 1 {
			t.Errorf("%d comments are left, want the one of user 102", n)
		}
		f.audited(t)
	})
}

// Many requests with one key at the same moment, through two processes, are one comment, and all are answered with it.
func TestCommentRepeatedAtOnce(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		second := newFixture(t, f.raw, func(d *Deps) { d.IDs = id.New(1) })
		for round := range 10 {
			v := videoOf(9, int64(round+1))
			key := fmt.Sprint(aKey, round)
			var wg sync.WaitGroup
			ids := make([]int64, 12)
			for i := range ids {
				wg.Go(func() {
					at := f
					if i%2 == 1 {
						at = second
					}
					c, err := at.keyed(t.Context(), 101, v, 0, "once", key)
					if err != nil {
						t.Error(err)
						return
					}
					ids[i] = c.Id
				})
			}
			wg.Wait()
			stored := f.comments(t, v, 0)
			if len(stored) != 1 {
				t.Fatalf("%d comments are stored", len(stored))
			}
			for _, id := range ids {
				if id != stored[0] {
					t.Errorf("answered %d, stored is %d", id, stored[0])
				}
			}
		}
		f.audited(t)
	})
}

// While the writer is behind nobody knows yet which of two requests it will get first: the answer says it, and the writer keeps to it.
func TestCommentRepeatedWhilePending(t *testing.T) {
	onReplicas(t, func(t *testing.T, r *twoReplicas) {
		v := videoOf(7, 1)
		var wg sync.WaitGroup
		answers := make([]*interaction.Comment, 8)
		for i := range answers {
			wg.Go(func() {
				at := r.a
				if i%2 == 1 {
					at = r.b
				}
				c, err := at.keyed(t.Context(), 101, v, 0, "once", aKey)
				if err != nil {
					t.Error(err)
				}
				answers[i] = c
			})
		}
		wg.Wait()
		for _, c := range answers {
			if diff := cmp.Diff(answers[0], c); diff != "" {
				t.Fatalf("two answers (-first +other):\n%s", diff)
			}
		}
		same(t, "what the author sees before it is stored", []int64{answers[0].Id}, r.b.commentsFor(t, 101, v, 0))
		for {
			events := r.queue.take(1) // in a random order
			if len(events) == 0 {
				break
			}
			if err := r.a.apply(t.Context(), events); err != nil {
				t.Fatal(err)
			}
			if err := r.b.apply(t.Context(), events); err != nil { // twice
				t.Fatal(err)
			}
		}
		same(t, "what is stored", []int64{answers[0].Id}, r.a.comments(t, v, 0))
		c, err := r.b.keyed(t.Context(), 101, v, 0, "once", aKey)
		if err != nil {
			t.Fatal(err)
		}
		same(t, "the answer when it is stored", answers[0], c)
		r.a.audited(t)
	})
}

// In one batch the oldest request counts, also when it is about a video that is deleted; and a key is forgotten after a day.
func TestCommentKeysInABatch(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		event := func(at time.Time, videoID int64, digest int64) mq.Event {
			e, err := f.event(101, videoID, authorOf(videoID))
			if err != nil {
				t.Fatal(err)
			}
			if n := id.At(at); n > e.ID {
				e.ID, e.AtMs = n, at.UnixMilli()
			}
			e.Comment = &mq.CommentEvent{CommentID: e.ID, Content: "x", Key: &mq.RequestKey{Hash: 7, Digest: digest}}
			return e.Versioned()
		}
		now := time.Now()
		v, w := videoOf(7, 1), videoOf(8, 1)
		one, two, three := event(now, v, 1), event(now, v, 1), event(now, w, 2)
		if err := f.apply(t.Context(), []mq.Event{three, two, one}); err != nil {
			t.Fatal(err)
		}
		same(t, "of one batch", []int64{one.ID}, append(f.comments(t, v, 0), f.comments(t, w, 0)...))
		if err := f.apply(t.Context(), []mq.Event{three}); err != nil { // alone, and only found elsewhere
			t.Fatal(err)
		}
		same(t, "of another video, alone", 0, len(f.comments(t, w, 0)))
		later := event(now.Add(idempotency.Remembered+time.Minute), w, 2)
		for range 2 {
			if err := f.apply(t.Context(), []mq.Event{later}); err != nil {
				t.Fatal(err)
			}
			same(t, "a day later", []int64{later.ID}, f.comments(t, w, 0))
		}
		if err := f.apply(t.Context(), []mq.Event{two, three}); err != nil { // of a queue that was away
			t.Fatal(err)
		}
		same(t, "late ones", []int64{one.ID, later.ID}, append(f.comments(t, v, 0), f.comments(t, w, 0)...))
		if n := f.rows(t, "request_keys"); n != 1 {
			t.Errorf("%d keys", n)
		}
		if _, err := f.purgeOnce(t.Context(), later.ID, 0); err != nil {
			t.Fatal(err)
		}
		if n := f.rows(t, "request_keys"); n != 1 {
			t.Error("a key was purged too early")
		}
		if _, err := f.purgeOnce(t.Context(), id.At(now.Add(2*idempotency.Remembered)), 0); err != nil {
			t.Fatal(err)
		}
		if n := f.rows(t, "request_keys"); n != 0 {
			t.Errorf("%d keys after the purge", n)
		}
		f.audited(t)
	})
}

// A comment without a key costs nothing.
func TestCommentWithoutKey(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		f.comment(t, 101, videoOf(7, 1), "x")
		if n := f.rows(t, "request_keys"); n != 0 {
			t.Errorf("%d rows of keys", n)
		}
	})
}
