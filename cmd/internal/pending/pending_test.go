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

	"tiktok/pkg/id"
	"tiktok/pkg/id/idtest"
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
func open(t *testing.T) (a, b *Writes[event], store *counted) {
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
	return New(store, nil, testOptions()), New(store, nil, testOptions()), store
}

// event is what the lists of the tests hold: a like of a user and a video, or a text.
type event struct {
	Event       int64
	User, Video int64
	Liked       bool
	Text        string
	// Deletes is the text that it deletes.
	Deletes int64
}

const (
	eventBytes = 64
	longText   = 2000
	// maxTexts of the longest texts are not full.
	maxTexts = fullBytes / (longText + eventBytes)
)

// likes and texts are the lists of a user.
func likes(user int64) List { return List{user, Kind{"likes:v1", eventBytes}} }
func texts(user int64) List { return List{user, Kind{"texts:v1", eventBytes + longText}} }

func testOptions() Options[event] {
	return Options[event]{
		Service: "test",
		List: func(e event) List {
			if e.Text != "" || e.Deletes != 0 {
				return texts(e.User)
			}
			return likes(e.User)
		},
		ID:       func(e event) int64 { return e.Event },
		Bytes:    func(e event) int { return eventBytes + len(e.Text) },
		Replaces: func(e event) int64 { return e.Deletes },
		Check: func(e event) error {
			if e.Video <= 0 {
				return errors.New("no video")
			}
			return nil
		},
	}
}

// events makes events with ids of now.
type events struct{ ids *id.Generator }

func newEvents() events { return events{id.New(1)} }

func (g events) like(user, video int64, liked bool) event {
	return event{Event: idtest.Next(g.ids), User: user, Video: video, Liked: liked}
}

func (g events) text(user, video int64, text string) event {
	return event{Event: idtest.Next(g.ids), User: user, Video: video, Text: text}
}

func (g events) deletion(of event) event {
	return event{Event: idtest.Next(g.ids), User: of.User, Video: of.Video, Deletes: of.Event}
}

// holds fails the test when a list is not exactly these events.
func holds(t *testing.T, w *Writes[event], l List, want ...event) {
	t.Helper()
	got := w.Read(t.Context(), l)
	if diff := cmp.Diff(want, got[l]); diff != "" {
		t.Errorf("list %s (-want +got):\n%s", w.Key(l), diff)
	}
	if len(want) == 0 && len(got) > 0 {
		t.Errorf("an empty list is there: %v", got)
	}
}

func TestAddReadRemove(t *testing.T) {
	a, b, _ := open(t)
	make := newEvents()
	like, unlike, other := make.like(1, 10, true), make.like(1, 11, false), make.like(2, 10, true)
	text := make.text(1, 10, "a <&> \"text\" 👍\n")
	deletion := make.deletion(make.text(1, 12, "stored"))
	for _, e := range []event{unlike, text, like, other, deletion} {
		a.Add(t.Context(), e)
	}
	a.Add(t.Context(), like) // twice is once
	for _, w := range []*Writes[event]{a, b} {
		holds(t, w, likes(1), like, unlike)
		holds(t, w, texts(1), text, deletion)
		holds(t, w, likes(2), other)
		holds(t, w, texts(2))
	}
	all := b.Read(t.Context(), likes(1), likes(2), texts(1), texts(3))
	if len(all) != 3 || len(all[likes(1)]) != 2 || len(all[likes(2)]) != 1 || len(all[texts(1)]) != 2 {
		t.Errorf("all lists: %v", all)
	}
	for range 2 { // applied twice
		b.Remove(t.Context(), []event{like, other, deletion, make.like(1, 13, true)})
		holds(t, a, likes(1), unlike)
		holds(t, a, likes(2))
		holds(t, a, texts(1), text)
	}
}

// A list holds at most one event for each text: the deletion, once there is one. The creation that is stored after that
// leaves it alone.
func TestReplaced(t *testing.T) {
	a, b, _ := open(t)
	make := newEvents()
	created := make.text(1, 10, "goes")
	kept := make.text(1, 10, "stays")
	deletion := make.deletion(created)
	for _, e := range []event{created, kept, deletion} {
		a.Add(t.Context(), e)
	}
	holds(t, b, texts(1), kept, deletion)
	b.Remove(t.Context(), []event{created})
	holds(t, b, texts(1), kept, deletion)
	b.Remove(t.Context(), []event{deletion})
	holds(t, b, texts(1), kept)
}

// Whatever a user writes, a list keeps 2000 events, the newest ones, for ten minutes.
func TestBounded(t *testing.T) {
	a, b, store := open(t)
	make := newEvents()
	var all []event
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
	holds(t, a, likes(1), all[500:]...)
	if n := store.adds.Load(); n >= int64(len(all)) {
		t.Errorf("%d events cost %d additions: concurrent ones do not share them", len(all), n)
	}

	old := make.like(2, 1, true)
	old.Event = id.At(time.Now().Add(-ttl - time.Second))
	fresh := make.like(2, 2, true)
	a.Add(t.Context(), old)
	a.Add(t.Context(), fresh)
	holds(t, b, likes(2), fresh)
}

// Whether a list is full depends on what is not stored of it: on the number of events, and on their bytes.
func TestFull(t *testing.T) {
	longest := strings.Repeat("👍", longText/4)
	for name, tc := range map[string]struct {
		make      func(g events, i int64) event
		of        List
		full, few int // events that are full; as many that nobody asks about
	}{
		"likes":       {func(g events, i int64) event { return g.like(1, 1+i, true) }, likes(1), fullEvents, fullEvents - 1},
		"short texts": {func(g events, _ int64) event { return g.text(1, 1, "hi") }, texts(1), fullEvents, maxTexts},
		"long texts":  {func(g events, _ int64) event { return g.text(1, 1, longest) }, texts(1), maxTexts + 1, maxTexts},
	} {
		t.Run(name, func(t *testing.T) {
			a, b, _ := open(t)
			make := newEvents()
			var all []event
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
		w.noteLength(likes(user), maxEvents)
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
		lists[i] = likes(int64(i))
	}
	if got := w.Read(t.Context(), lists...); len(got) != 0 {
		t.Errorf("read %v", got)
	}
	w.Remove(t.Context(), []event{newEvents().like(1, 1, true)})
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
	var want []event
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
	holds(t, b, likes(1), want...)
}

// Without Redis nothing is pending; what cannot be read is left out.
func TestAway(t *testing.T) {
	w, _, store := open(t)
	make := newEvents()
	first, second := make.like(1, 1, true), make.like(1, 2, true)
	w.Add(t.Context(), first)
	store.away.Store(true)
	w.Add(t.Context(), second)
	holds(t, w, likes(1))
	w.Remove(t.Context(), []event{first})
	if full, known := w.Full(likes(1)); full || !known {
		t.Errorf("full %t, known %t", full, known)
	}
	store.away.Store(false)
	holds(t, w, likes(1), first)

	for i, bad := range []string{"x", "{}", `{"Event":1,"User":1,"Video":-1}`} {
		entry := kv.Entry{List: w.Key(likes(1)), ID: int64(i), Value: []byte(bad)}
		if _, err := store.AddEntries(t.Context(), []kv.Entry{entry}, maxEvents, time.Minute); err != nil {
			t.Fatal(err)
		}
	}
	holds(t, w, likes(1), first)
}

// In the all-in-one nothing is ever pending: there are no lists.
func TestNone(t *testing.T) {
	s, err := kv.Open(t.Context(), kv.Config{Driver: kv.DriverMemory})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	w := New(s, nil, testOptions())
	if w != nil {
		t.Fatal("a memory store has lists")
	}
	e := newEvents().like(1, 1, true)
	w.Add(t.Context(), e)
	w.Remove(t.Context(), []event{e})
	holds(t, w, likes(1))
	if full, known := w.Full(likes(1)); full || !known {
		t.Errorf("full %t, known %t", full, known)
	}
}
