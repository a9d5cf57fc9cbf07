package db_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tiktok/cmd/chat/dal/db"
	"tiktok/pkg/outbox"
	"tiktok/pkg/sqldb/sqldbtest"
)

func (f *fixture) hide(t *testing.T, userID, peerID, id int64) bool {
	t.Helper()
	changed, err := f.HideMessage(t.Context(), userID, peerID, id, nil)
	if err != nil {
		t.Fatal(err)
	}
	return changed
}

func (f *fixture) clear(t *testing.T, userID, peerID int64) bool {
	t.Helper()
	changed, err := f.Clear(t.Context(), userID, peerID, nil)
	if err != nil {
		t.Fatal(err)
	}
	return changed
}

// seen is the ids of what a user sees of a conversation, oldest first.
func (f *fixture) seen(t *testing.T, userID, peerID int64) (ids []int64) {
	t.Helper()
	all, err := f.Latest(t.Context(), userID, peerID, 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range all {
		ids = append(ids, m.ID)
	}
	return ids
}

// TestHideMessage follows single steps: who deletes sees it no more, the other does.
func TestHideMessage(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		for _, pair := range [][2]int64{{1, 2}, {4, 3}} {
			a, b := pair[0], pair[1]
			first, second, third := f.append(t, a, b), f.append(t, a, b), f.append(t, a, b)
			want := func(what string, unread int, of, with int64, ids ...int64) {
				t.Helper()
				if got := f.seen(t, of, with); !slices.Equal(got, ids) {
					t.Errorf("%s: user %d sees %v, want %v", what, of, got, ids)
				}
				counts := map[int64]int{}
				if len(ids) > 0 {
					counts[with] = unread
				}
				f.wantUnread(t, what, of, counts)
				f.wantAudit(t)
			}
			if !f.hide(t, b, a, second.ID) || f.hide(t, b, a, second.ID) {
				t.Error("the first time changes something, the second does not")
			}
			want("the middle one", 2, b, a, first.ID, third.ID)
			want("the middle one", 0, a, b, first.ID, second.ID, third.ID)
			f.hide(t, b, a, third.ID)
			want("the newest one", 1, b, a, first.ID)
			f.mark(t, b, a, first.CreatedAtMs)
			want("the only one that is left is read", 0, b, a, first.ID)
			f.hide(t, b, a, first.ID)
			want("all", 0, b, a)
			fourth := f.append(t, a, b)
			want("the next one", 1, b, a, fourth.ID)
			f.hide(t, a, b, fourth.ID)
			want("the sender's own newest one", 0, a, b, first.ID, second.ID, third.ID)
			want("the sender's own newest one", 1, b, a, fourth.ID)
			f.hide(t, b, a, fourth.ID)
			want("the only unread one", 0, b, a)
			for what, id := range map[string]int64{"no message": 1 << 40, "another conversation": f.append(t, a, 9).ID} {
				if _, err := f.HideMessage(t.Context(), b, a, id, nil); !errors.Is(err, db.ErrNoMessage) {
					t.Errorf("%s: %v", what, err)
				}
			}
			if _, err := f.HideMessage(t.Context(), b, 77, first.ID, nil); !errors.Is(err, db.ErrNoMessage) {
				t.Errorf("no conversation: %v", err)
			}
			f.clear(t, a, 9)
		}
	})
}

func TestClear(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		for _, pair := range [][2]int64{{1, 2}, {4, 3}} {
			a, b := pair[0], pair[1]
			first, _ := f.append(t, a, b), f.append(t, a, b)
			f.append(t, b, 8)
			if !f.clear(t, b, a) || f.clear(t, b, a) || f.clear(t, b, 99) {
				t.Error("only the first time changes something")
			}
			f.wantUnread(t, "cleared", b, map[int64]int{8: 0})
			f.wantUnread(t, "cleared by the other", a, map[int64]int{b: 0})
			if f.hide(t, b, a, first.ID) {
				t.Error("a message of those that are cleared was deleted again")
			}
			third := f.append(t, a, b)
			f.wantUnread(t, "the next one", b, map[int64]int{a: 1, 8: 0})
			if got := f.seen(t, b, a); !slices.Equal(got, []int64{third.ID}) {
				t.Errorf("after it there is %v", got)
			}
			if got, err := f.Before(t.Context(), b, a, 0, third.CreatedAtMs, 10); err != nil || len(got) != 0 {
				t.Errorf("before it there is %v, %v", got, err)
			}
			if got, err := f.After(t.Context(), b, a, a, 1, 10); err != nil || len(got) != 1 {
				t.Errorf("after the beginning there is %v, %v", got, err)
			}
			f.hide(t, b, a, third.ID)
			f.wantUnread(t, "deleted, too", b, map[int64]int{8: 0})
			f.wantAudit(t)
			f.clear(t, b, 8)
			f.clear(t, 8, b)
		}
	})
}

// What other services hear of a deletion: that something was read, when it was unread.
func TestDeletionIsTold(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		told := []outbox.Message{{Topic: "chat.message", Body: []byte(`[]`)}}
		count := func() (n int64) {
			if err := f.Read.Raw("SELECT COUNT(*) FROM outbox").Scan(&n).Error; err != nil {
				t.Fatal(err)
			}
			return n
		}
		step := func(what string, want int64, do func() (bool, error)) {
			t.Helper()
			before := count()
			if _, err := do(); err != nil {
				t.Fatal(err)
			}
			if n := count() - before; n != want {
				t.Errorf("%s tells %d times", what, n)
			}
		}
		first, second := f.append(t, 1, 2), f.append(t, 1, 2)
		hide := func(user, peer, id int64) func() (bool, error) {
			return func() (bool, error) { return f.HideMessage(t.Context(), user, peer, id, told) }
		}
		clear := func(user, peer int64) func() (bool, error) {
			return func() (bool, error) { return f.Clear(t.Context(), user, peer, told) }
		}
		mark := func(user, peer, ms int64) func() (bool, error) {
			return func() (bool, error) { return f.MarkRead(t.Context(), user, peer, ms, told) }
		}
		step("the sender's deletion", 0, hide(1, 2, second.ID))
		step("one of two unread ones", 0, hide(2, 1, second.ID))
		step("the other", 1, hide(2, 1, first.ID))
		step("the other again", 0, hide(2, 1, first.ID))
		f.append(t, 1, 2)
		step("all unread ones", 1, clear(2, 1))
		step("all again", 0, clear(2, 1))
		step("all of nothing", 0, clear(2, 7))
		third := f.append(t, 1, 2)
		step("a mark", 1, mark(2, 1, third.CreatedAtMs))
		step("a mark again", 0, mark(2, 1, third.CreatedAtMs))
		step("a mark of the sender", 0, mark(1, 2, third.CreatedAtMs))
	})
}

// world is what the store should hold of one conversation.
type world struct {
	messages []worldMessage
	read     [2]int64 // up to when each side has read
}

type worldMessage struct {
	id, atMs int64
	from     int
	gone     [2]bool
}

// sees is what a side sees, oldest first, and how many of that it has not read.
func (w *world) sees(side int) (ids []int64, unread int) {
	for _, m := range w.messages {
		if m.gone[side] {
			continue
		}
		ids = append(ids, m.id)
		if m.from != side && m.atMs > w.read[side] {
			unread++
		}
	}
	return ids, unread
}

// Whatever two users do, and a process of the version before, both see what a plain list of messages says.
func TestDeleteAtRandom(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		for seed := range uint64(12) {
			random := rand.New(rand.NewPCG(seed, 15))
			users := [2]int64{int64(100 + 10*seed), int64(101 + 10*seed)}
			if seed%2 == 1 {
				users[0], users[1] = users[1], users[0]
			}
			w, log := &world{}, ""
			for range 60 {
				by := random.IntN(2)
				me, peer := users[by], users[1-by]
				n, what := len(w.messages), random.IntN(12)
				log += fmt.Sprintf(" %d:%d", me, what)
				switch {
				case what < 4 || n == 0:
					m := f.append(t, me, peer)
					w.messages = append(w.messages, worldMessage{id: m.ID, atMs: m.CreatedAtMs, from: by})
					w.read[by] = m.CreatedAtMs
				case what < 5: // the version before
					f.appendBefore(t, me, peer, w.messages[n-1].atMs+1)
					w.messages = append(w.messages, worldMessage{id: f.id, atMs: w.messages[n-1].atMs + 1, from: by})
					w.read[by] = w.messages[n].atMs
				case what < 7:
					until := w.messages[random.IntN(n)].atMs
					f.mark(t, me, peer, until)
					w.read[by] = max(w.read[by], until)
				case what < 11:
					m := &w.messages[max(0, n-1-random.IntN(4))]
					if f.hide(t, me, peer, m.id) == m.gone[by] {
						t.Errorf("seed %d: deleting %d says whether anything changed wrongly", seed, m.id)
					}
					m.gone[by] = true
				default:
					f.clear(t, me, peer)
					for i := range w.messages {
						w.messages[i].gone[by] = true
					}
				}
				f.wantWorld(t, w, users)
				if t.Failed() {
					t.Fatalf("seed %d:%s", seed, log)
				}
			}
		}
		keys, err := f.Stale(t.Context(), 100)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Settle(t.Context(), keys); err != nil {
			t.Fatal(err)
		}
		f.wantAudit(t)
	})
}

func (f *fixture) wantWorld(t *testing.T, w *world, users [2]int64) {
	t.Helper()
	key := db.KeyOf(users[0], users[1])
	newestOf, err := f.MGetNewest(t.Context(), []db.Key{key})
	if err != nil {
		t.Fatal(err)
	}
	for side, me := range users {
		ids, unread := w.sees(side)
		if got := f.seen(t, me, users[1-side]); !slices.Equal(got, ids) {
			t.Errorf("user %d sees %v, want %v", me, got, ids)
		}
		want := map[int64]int{}
		if len(ids) > 0 {
			want[users[1-side]] = unread
		}
		if diff := cmp.Diff(want, f.unread(t, me)); diff != "" {
			t.Errorf("user %d: unread: %s", me, diff)
		}
		m, ok := newestOf[key].For(key, me)
		if ok != (len(ids) > 0) || ok && m.ID != ids[len(ids)-1] {
			t.Errorf("user %d: the newest one is %+v, %t, want that of %v", me, m, ok, ids)
		}
	}
}

// Both send, delete, clear and mark at once. In the end nobody sees what they have deleted, and all numbers fit.
func TestDeleteStorm(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		const rounds = 60
		var ids sync.Map
		next, wg := make(chan int64, 2*rounds), sync.WaitGroup{}
		for i := range int64(2 * rounds) {
			next <- i + 1
		}
		close(next)
		for _, pair := range [][2]int64{{1, 2}, {2, 1}} {
			me, peer := pair[0], pair[1]
			wg.Go(func() {
				for id := range next {
					m, _, err := f.Append(t.Context(), id, me, peer, "x", 1000, nil, nobodyHears)
					if err != nil {
						t.Error(err)
						return
					}
					if id%3 != 0 {
						continue
					}
					if _, err := f.HideMessage(t.Context(), me, peer, m.ID, nil); err != nil {
						t.Error(err)
					}
					ids.Store([2]int64{me, m.ID}, true)
				}
			})
			wg.Go(func() {
				for range rounds {
					entries, err := f.Conversations(t.Context(), me, newest, 1)
					if err != nil {
						t.Error(err)
					}
					for _, e := range entries {
						if _, err := f.HideMessage(t.Context(), me, peer, e.Last.ID, nil); err != nil {
							t.Error(err)
						}
						ids.Store([2]int64{me, e.Last.ID}, true)
						if _, err := f.MarkRead(t.Context(), me, peer, e.Last.CreatedAtMs-1, nil); err != nil {
							t.Error(err)
						}
					}
				}
			})
		}
		wg.Go(func() {
			for range 5 {
				if _, err := f.Clear(t.Context(), 1, 2, nil); err != nil {
					t.Error(err)
				}
			}
		})
		wg.Wait()
		f.wantAudit(t)
		for _, me := range []int64{1, 2} {
			for _, id := range f.seen(t, me, 3-me) {
				if _, deleted := ids.Load([2]int64{me, id}); deleted {
					t.Errorf("user %d sees %d, which they have deleted", me, id)
				}
			}
		}
		if got := f.seen(t, 2, 1); len(got) == 0 {
			t.Error("there is nothing left to compare")
		}
	})
}

// A deletion costs the same whatever the conversation holds.
func TestDeleteCost(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		var last db.Message
		for range 200 {
			last = f.append(t, 1, 2)
		}
		count := sqldbtest.CountStatements(f.DB)
		cost := func(call func()) int { before := count(); call(); return count() - before }
		if got := cost(func() { f.hide(t, 2, 1, last.ID) }); got != 5 {
			t.Errorf("deleting the newest message costs %d statements", got)
		}
		if got := cost(func() { f.hide(t, 2, 1, 7) }); got != 3 {
			t.Errorf("deleting another one costs %d statements", got)
		}
		if got := cost(func() { f.hide(t, 2, 1, 7) }); got != 2 {
			t.Errorf("deleting it again costs %d statements", got)
		}
		if got := cost(func() { f.clear(t, 2, 1) }); got != 2 {
			t.Errorf("deleting all costs %d statements", got)
		}
		if got := cost(func() { f.clear(t, 2, 1) }); got != 1 {
			t.Errorf("deleting all again costs %d statements", got)
		}
		f.mark(t, 2, 1, math.MaxInt64)
		f.wantAudit(t)
	})
}
