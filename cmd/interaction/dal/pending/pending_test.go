package pending

import (
	"context"
	"crypto/rand"
	"errors"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tiktok/cmd/interaction/dal/mq"
	"tiktok/pkg/id"
	"tiktok/pkg/kv"
	"tiktok/pkg/kv/kvtest"
)

// counted is a Redis of the test's own that counts calls, and fails while away is set.
type counted struct {
	*kvtest.Prefixed
	away                                  atomic.Bool
	keysRead, sets, adds, reads, removals atomic.Int64
	// hold keeps additions from starting while it is locked.
	hold sync.RWMutex
}

var errAway = errors.New("redis is away")

func (c *counted) fail() error {
	if c.away.Load() {
		return errAway
	}
	return nil
}

func (c *counted) MGet(ctx context.Context, keys []string) ([][]byte, error) {
	c.keysRead.Add(int64(len(keys)))
	if err := c.fail(); err != nil {
		return nil, err
	}
	return c.Prefixed.MGet(ctx, keys)
}

func (c *counted) Set(ctx context.Context, items []kv.Item) error {
	c.sets.Add(1)
	return errors.Join(c.fail(), c.Prefixed.Set(ctx, items))
}

func (c *counted) AddEntries(ctx context.Context, entries []kv.Entry, max int, ttl time.Duration) ([]int, error) {
	c.adds.Add(1)
	c.hold.RLock()
	defer c.hold.RUnlock()
	if err := c.fail(); err != nil {
		return nil, err
	}
	return c.Prefixed.AddEntries(ctx, entries, max, ttl)
}

func (c *counted) ReadLists(ctx context.Context, keys []string) ([][][]byte, error) {
	c.reads.Add(1)
	if err := c.fail(); err != nil {
		return nil, err
	}
	return c.Prefixed.ReadLists(ctx, keys)
}

func (c *counted) RemoveEntries(ctx context.Context, entries []kv.Entry) error {
	c.removals.Add(1)
	if err := c.fail(); err != nil {
		return err
	}
	return c.Prefixed.RemoveEntries(ctx, entries)
}

// open returns the lists of two processes in one Redis.
func open(t *testing.T) (a, b *Writes, store *counted) {
	t.Helper()
	addr := os.Getenv("TIKTOK_TEST_REDIS")
	if addr == "" {
		t.Skip("TIKTOK_TEST_REDIS is not set")
	}
	s, err := kv.Open(t.Context(), kv.Config{Driver: kv.DriverRedis, Addrs: []string{addr}, Timeout: 5 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	store = &counted{Prefixed: kvtest.NewPrefixed(s, rand.Text()+":")}
	return New(store, nil), New(store, nil), store
}

// events makes events with ids of now.
type events struct{ ids *id.Generator }

func newEvents() events { return events{id.New(1)} }

func (g events) next(user, video int64) mq.Event {
	n := g.ids.Next()
	return mq.Event{V: mq.Version, ID: n, AtMs: id.Time(n).UnixMilli(), UserID: user, VideoID: video, AuthorID: 7}
}

func (g events) like(user, video int64, liked bool) mq.Event {
	e := g.next(user, video)
	e.Favorite = &mq.FavoriteEvent{Liked: liked}
	return e
}

func (g events) comment(user, video int64, text string) mq.Event {
	e := g.next(user, video)
	e.Comment = &mq.CommentEvent{CommentID: e.ID, Content: text}
	return e
}

func (g events) deletion(of mq.Event) mq.Event {
	e := g.next(of.UserID, of.VideoID)
	e.AuthorID, e.Comment = 0, &mq.CommentEvent{CommentID: of.ID, Deleted: true}
	return e
}

// holds fails the test when a list is not exactly these events.
func holds(t *testing.T, w *Writes, l List, want ...mq.Event) {
	t.Helper()
	got := w.Read(t.Context(), l)
	if diff := cmp.Diff(want, got[l]); diff != "" {
		t.Errorf("list %s (-want +got):\n%s", l.key(), diff)
	}
	if len(want) == 0 && len(got) > 0 {
		t.Errorf("an empty list is there: %v", got)
	}
}

func TestAddReadRemove(t *testing.T) {
	a, b, _ := open(t)
	make := newEvents()
	like, unlike, other := make.like(1, 10, true), make.like(1, 11, false), make.like(2, 10, true)
	text := make.comment(1, 10, "a <&> \"text\" 👍\n")
	deletion := make.deletion(make.comment(1, 12, "stored"))
	for _, e := range []mq.Event{unlike, text, like, other, deletion} {
		a.Add(t.Context(), e)
	}
	a.Add(t.Context(), like) // twice is once
	for _, w := range []*Writes{a, b} {
		holds(t, w, Likes(1), like, unlike)
		holds(t, w, Comments(1), text, deletion)
		holds(t, w, Likes(2), other)
		holds(t, w, Comments(2))
	}
	all := b.Read(t.Context(), Likes(1), Likes(2), Comments(1), Comments(3))
	if len(all) != 3 || len(all[Likes(1)]) != 2 || len(all[Likes(2)]) != 1 || len(all[Comments(1)]) != 2 {
		t.Errorf("all lists: %v", all)
	}
	for range 2 { // applied twice
		b.Remove(t.Context(), []mq.Event{like, other, deletion, make.like(1, 13, true)})
		holds(t, a, Likes(1), unlike)
		holds(t, a, Likes(2))
		holds(t, a, Comments(1), text)
	}
}

// A list holds at most one event for each comment: the deletion, once there is one. The creation that is stored after that
// leaves it alone.
func TestOneEventForEachComment(t *testing.T) {
	a, b, _ := open(t)
	make := newEvents()
	created := make.comment(1, 10, "goes")
	kept := make.comment(1, 10, "stays")
	deletion := make.deletion(created)
	for _, e := range []mq.Event{created, kept, deletion} {
		a.Add(t.Context(), e)
	}
	holds(t, b, Comments(1), kept, deletion)
	b.Remove(t.Context(), []mq.Event{created})
	holds(t, b, Comments(1), kept, deletion)
	b.Remove(t.Context(), []mq.Event{deletion})
	holds(t, b, Comments(1), kept)
}

// Whatever a user writes, a list keeps 2000 events, the newest ones, for ten minutes.
func TestBounded(t *testing.T) {
	a, b, store := open(t)
	make := newEvents()
	var all []mq.Event
	for i := range int64(maxEvents + 500) {
		all = append(all, make.like(1, 1+i, true))
	}
	for part := range slices.Chunk(all, 250) {
		var wg sync.WaitGroup
		for i, e := range part {
			w := a
			if i%2 == 0 {
				w = b
			}
			wg.Go(func() { w.Add(t.Context(), e) })
		}
		wg.Wait()
	}
	holds(t, a, Likes(1), all[500:]...)
	if n := store.adds.Load(); n >= int64(len(all)) {
		t.Errorf("%d events cost %d additions: concurrent ones do not share them", len(all), n)
	}

	old := make.like(2, 1, true)
	old.ID = id.At(time.Now().Add(-ttl - time.Second))
	fresh := make.like(2, 2, true)
	a.Add(t.Context(), old)
	a.Add(t.Context(), fresh)
	holds(t, b, Likes(2), fresh)
}

// Whether a list is full depends on what is not stored of it: on the number of events, and on the bytes of comments.
func TestFull(t *testing.T) {
	longest := strings.Repeat("👍", mq.MaxContent)
	for name, tc := range map[string]struct {
		make      func(g events, i int64) mq.Event
		of        List
		full, few int // events that are full; as many that nobody asks about
	}{
		"likes":          {func(g events, i int64) mq.Event { return g.like(1, 1+i, true) }, Likes(1), fullEvents, fullEvents - 1},
		"short comments": {func(g events, _ int64) mq.Event { return g.comment(1, 1, "hi") }, Comments(1), fullEvents, maxComments},
		"long comments":  {func(g events, _ int64) mq.Event { return g.comment(1, 1, longest) }, Comments(1), maxComments + 1, maxComments},
	} {
		t.Run(name, func(t *testing.T) {
			a, b, _ := open(t)
			make := newEvents()
			var all []mq.Event
			add := func(until int) {
				var wg sync.WaitGroup
				for len(all) < until {
					e := tc.make(make, int64(len(all)))
					all = append(all, e)
					wg.Go(func() { a.Add(t.Context(), e) })
				}
				wg.Wait()
			}
			add(tc.few)
			if full, known := a.Full(tc.of); full || !known {
				t.Errorf("%d events: full %t, known %t", len(all), full, known)
			}
			add(tc.full)
			if _, known := a.Full(tc.of); known {
				t.Errorf("%d events are not worth a check", len(all))
			}
			if a.SetFull(tc.of, len(all), all[1:]) {
				t.Error("a list is full although one of its events is stored")
			}
			if _, known := a.Full(tc.of); known {
				t.Error("a long list is not worth a check any more")
			}
			if !a.SetFull(tc.of, len(all), all) {
				t.Errorf("%d events are not full", len(all))
			}
			if full, known := a.Full(tc.of); !full || !known {
				t.Errorf("just found full: full %t, known %t", full, known)
			}
			if full, known := b.Full(tc.of); full || !known {
				t.Errorf("another process: full %t, known %t", full, known)
			}
			if a.SetFull(tc.of, tc.few, nil) {
				t.Error("a list is full although all of its events are stored")
			}
			if full, known := a.Full(tc.of); full || !known {
				t.Errorf("a list that is short again: full %t, known %t", full, known)
			}
		})
	}
}

// A process remembers a bounded number of long lists.
func TestLongListsAreBounded(t *testing.T) {
	w, _, _ := open(t)
	for user := range int64(3 * maxLong) {
		w.noteLength(Likes(user), maxEvents)
	}
	if len(w.long) > maxLong {
		t.Errorf("%d lists are remembered, want at most %d", len(w.long), maxLong)
	}
}

// While nothing is pending a read costs one key, whatever it asks for, and so does a removal.
func TestIdle(t *testing.T) {
	w, _, store := open(t)
	lists := make([]List, 100)
	for i := range lists {
		lists[i] = Likes(int64(i))
	}
	if got := w.Read(t.Context(), lists...); len(got) != 0 {
		t.Errorf("read %v", got)
	}
	w.Remove(t.Context(), []mq.Event{newEvents().like(1, 1, true)})
	if got := w.Read(t.Context()); len(got) != 0 {
		t.Errorf("read %v", got)
	}
	if n := store.keysRead.Load(); n != 2 || store.reads.Load()+store.removals.Load()+store.adds.Load()+store.sets.Load() != 0 {
		t.Errorf("%d keys were read, want 2, and nothing else: %d lists, %d removals", n, store.reads.Load(), store.removals.Load())
	}
}

// An accepted write is added although its request has ended; what comes while an addition is in flight goes together.
func TestAddGoesOn(t *testing.T) {
	w, b, store := open(t)
	make := newEvents()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var want []mq.Event
	store.hold.Lock()
	var wg sync.WaitGroup
	for i := range int64(100) {
		e := make.like(1, 1+i, true)
		want = append(want, e)
		wg.Go(func() { w.Add(ctx, e) })
	}
	for store.adds.Load() == 0 { // the first is in flight
		select {
		case <-t.Context().Done():
			t.Fatal("nothing is added")
		default:
		}
	}
	store.hold.Unlock()
	wg.Wait()
	holds(t, b, Likes(1), want...)
}

// Without Redis nothing is pending; what cannot be read is left out.
func TestAway(t *testing.T) {
	w, _, store := open(t)
	make := newEvents()
	first, second := make.like(1, 1, true), make.like(1, 2, true)
	w.Add(t.Context(), first)
	store.away.Store(true)
	w.Add(t.Context(), second)
	holds(t, w, Likes(1))
	w.Remove(t.Context(), []mq.Event{first})
	if full, known := w.Full(Likes(1)); full || !known {
		t.Errorf("full %t, known %t", full, known)
	}
	store.away.Store(false)
	holds(t, w, Likes(1), first)

	for i, bad := range []string{"x", "{}", `{"v":99,"id":1,"at_ms":1,"user_id":1,"video_id":1,"author_id":1,"favorite":{}}`} {
		entry := kv.Entry{List: Likes(1).key(), ID: int64(i), Value: []byte(bad)}
		if _, err := store.AddEntries(t.Context(), []kv.Entry{entry}, maxEvents, time.Minute); err != nil {
			t.Fatal(err)
		}
	}
	holds(t, w, Likes(1), first)
}

// In the all-in-one nothing is ever pending: there are no lists.
func TestNone(t *testing.T) {
	s, err := kv.Open(t.Context(), kv.Config{Driver: kv.DriverMemory})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	w := New(s, nil)
	if w != nil {
		t.Fatal("a memory store has lists")
	}
	e := newEvents().like(1, 1, true)
	w.Add(t.Context(), e)
	w.Remove(t.Context(), []mq.Event{e})
	holds(t, w, Likes(1))
	if full, known := w.Full(Likes(1)); full || !known {
		t.Errorf("full %t, known %t", full, known)
	}
}

func TestKeys(t *testing.T) {
	for l, want := range map[List]string{
		Likes(5):    "tt:interaction:plikes:v1:{5}",
		Comments(5): "tt:interaction:pcomments:v1:{5}",
	} {
		if got := l.key(); got != want {
			t.Errorf("key %s, want %s", got, want)
		}
	}
	g := newEvents()
	if l := ListOf(g.like(5, 1, true)); l != Likes(5) {
		t.Errorf("a like is in %+v", l)
	}
	if l := ListOf(g.comment(5, 1, "hi")); l != Comments(5) {
		t.Errorf("a comment is in %+v", l)
	}
}
