package db_test

import (
	"context"
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gorm.io/gorm"

	"tiktok/cmd/chat/dal/db"
	"tiktok/pkg/outbox"
	"tiktok/pkg/sqldb"
	"tiktok/pkg/sqldb/sqldbtest"
)

func each(t *testing.T, fn func(t *testing.T, s *fixture)) {
	t.Helper()
	sqldbtest.Each(t, "chat", db.Migrations(), func(t *testing.T, sql *sqldb.DB) { fn(t, &fixture{Store: db.New(sql)}) })
}

type fixture struct {
	*db.Store
	id int64
}

// append stores a message as the program does.
func (f *fixture) append(t *testing.T, from, to int64) db.Message {
	t.Helper()
	f.id++
	m, _, err := f.Append(t.Context(), f.id, from, to, fmt.Sprint("message ", f.id), 1000, nil, nobodyHears)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// appendBefore stores a message as the version before did, which knew nothing of unread messages.
func (f *fixture) appendBefore(t *testing.T, from, to, atMs int64) {
	t.Helper()
	f.id++
	low, high := min(from, to), max(from, to)
	update := "ON DUPLICATE KEY UPDATE last_at_ms = VALUES(last_at_ms)"
	if f.IsSQLite() {
		update = "ON CONFLICT (low_id, high_id) DO UPDATE SET last_at_ms = excluded.last_at_ms"
	}
	f.exec(t, "INSERT INTO conversations (low_id, high_id, last_at_ms) VALUES (?, ?, ?) "+update, low, high, atMs)
	f.exec(t, "INSERT INTO messages (low_id, high_id, created_at_ms, id, from_user_id, content) VALUES (?, ?, ?, ?, ?, 'x')",
		low, high, atMs, f.id, from)
}

func (f *fixture) exec(t *testing.T, statement string, args ...any) {
	t.Helper()
	if err := f.Write.WithContext(t.Context()).Exec(statement, args...).Error; err != nil {
		t.Fatal(err)
	}
}

// unread is what a user has not read, by peer; conversations without are 0.
func (f *fixture) unread(t *testing.T, userID int64) map[int64]int {
	t.Helper()
	entries, err := f.Conversations(t.Context(), userID, newest, 101)
	if err != nil {
		t.Fatal(err)
	}
	counts := map[int64]int{}
	for _, e := range entries {
		counts[e.Key().Peer(userID)] = e.Unread
		if e.Last.CreatedAtMs > e.LastAtMs || e.Last.ID == 0 {
			t.Errorf("the newest message at %d is %+v", e.LastAtMs, e.Last)
		}
	}
	return counts
}

func (f *fixture) wantUnread(t *testing.T, what string, userID int64, want map[int64]int) {
	t.Helper()
	if diff := cmp.Diff(want, f.unread(t, userID)); diff != "" {
		t.Errorf("%s, user %d: %s", what, userID, diff)
	}
	with := 0
	for _, n := range want {
		with += min(n, 1)
	}
	if n, err := f.CountUnread(t.Context(), userID); err != nil || n != with {
		t.Errorf("%s, user %d: %d conversations with unread messages, want %d, %v", what, userID, n, with, err)
	}
}

func (f *fixture) wantAudit(t *testing.T, want ...string) {
	t.Helper()
	var got []string
	n, err := f.Audit(t.Context(), func(format string, args ...any) { got = append(got, fmt.Sprintf(format, args...)) })
	if err != nil || n != len(want) {
		t.Errorf("%d mismatches, %v", n, err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func (f *fixture) mark(t *testing.T, userID, peerID, untilMs int64) {
	t.Helper()
	if _, err := f.MarkRead(t.Context(), userID, peerID, untilMs, nil); err != nil {
		t.Fatal(err)
	}
}

func nobodyHears(db.Message) ([]outbox.Message, error) { return nil, nil }

// The numbers follow each step of a conversation, for the side with the lower id and for the other.
func TestUnread(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		for _, pair := range [][2]int64{{1, 2}, {4, 3}} {
			a, b := pair[0], pair[1]
			want := func(what string, ofA, ofB int) {
				t.Helper()
				f.wantUnread(t, what, a, map[int64]int{b: ofA})
				f.wantUnread(t, what, b, map[int64]int{a: ofB})
				f.wantAudit(t)
			}
			first := f.append(t, a, b)
			second, third := f.append(t, a, b), f.append(t, a, b)
			want("three sent", 0, 3)
			f.mark(t, b, a, second.CreatedAtMs)
			want("two read", 0, 1)
			f.mark(t, b, a, first.CreatedAtMs)
			want("a mark before the last one", 0, 1)
			f.mark(t, a, b, third.CreatedAtMs+1000)
			want("the sender marks", 0, 1)
			f.mark(t, b, a, math.MaxInt64)
			want("all read", 0, 0)
			f.append(t, a, b)
			want("one after a mark in the future", 0, 1)
			f.append(t, b, a)
			want("an answer", 1, 0)
			f.append(t, b, a)
			want("another one", 2, 0)
			last := f.append(t, a, b)
			want("an answer to it", 0, 1)
			f.mark(t, b, a, last.CreatedAtMs)
			f.mark(t, b, a, last.CreatedAtMs)
			want("marked twice", 0, 0)
			f.append(t, b, a)
			want("who has read all writes", 1, 0)
		}
	})
}

func TestUnreadIsBounded(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		var marks []int64
		for range 150 {
			marks = append(marks, f.append(t, 1, 2).CreatedAtMs)
		}
		for _, c := range []struct{ read, want int }{{0, 100}, {49, 100}, {50, 100}, {51, 99}, {149, 1}, {150, 0}} {
			if c.read > 0 {
				f.mark(t, 2, 1, marks[c.read-1])
			}
			f.wantUnread(t, fmt.Sprint(c.read, " of 150 read"), 2, map[int64]int{1: c.want})
		}
		for peer := int64(1000); peer < 1110; peer++ {
			f.append(t, peer, 9)
		}
		if n, err := f.CountUnread(t.Context(), 9); n != db.MaxUnread || err != nil {
			t.Errorf("%d conversations, %v", n, err)
		}
	})
}

// What the version before stored, and stores during a rolling update, is counted as if this one had done it.
func TestSettle(t *testing.T) {
	// A step is done in a conversation of two users: one, and one + 1, who is two.
	type step func(t *testing.T, f *fixture, one int64)
	before := func(from, to, atMs int64) step {
		return func(t *testing.T, f *fixture, one int64) { t.Helper(); f.appendBefore(t, one+from-1, one+to-1, atMs) }
	}
	now := func(from, to int64) step {
		return func(t *testing.T, f *fixture, one int64) { t.Helper(); f.append(t, one+from-1, one+to-1) }
	}
	mark := func(user, peer, until int64) step {
		return func(t *testing.T, f *fixture, one int64) { t.Helper(); f.mark(t, one+user-1, one+peer-1, until) }
	}
	many := func(n int) step {
		return func(t *testing.T, f *fixture, one int64) {
			t.Helper()
			for i := range n {
				f.appendBefore(t, one, one+1, int64(2000+i))
			}
		}
	}
	type test struct {
		steps    []step
		one, two int // unread
	}
	tests := map[string]test{
		"history":                         {[]step{before(1, 2, 10), before(2, 1, 11), before(1, 2, 12), before(1, 2, 13)}, 0, 2},
		"history of one":                  {[]step{before(2, 1, 10), before(2, 1, 11)}, 2, 0},
		"a long one":                      {[]step{many(200)}, 0, 100},
		"a message after history":         {[]step{before(1, 2, 10), now(1, 2), now(1, 2)}, 0, 3},
		"an answer after history":         {[]step{before(1, 2, 10), now(2, 1)}, 1, 0},
		"the old one sends more":          {[]step{now(1, 2), before(1, 2, 2000), before(1, 2, 2001)}, 0, 3},
		"the old one answers":             {[]step{now(1, 2), before(2, 1, 2000)}, 1, 0},
		"read, then the old one sends":    {[]step{now(1, 2), mark(2, 1, 1000), before(1, 2, 2000)}, 0, 1},
		"read, then the old one answers":  {[]step{now(1, 2), mark(2, 1, 1000), before(2, 1, 2000)}, 1, 0},
		"half read, the old one sends":    {[]step{now(1, 2), now(1, 2), mark(2, 1, 1000), before(1, 2, 2000)}, 0, 2},
		"old and new by turns":            {[]step{now(1, 2), before(2, 1, 2000), now(1, 2), before(1, 2, 2500), now(1, 2)}, 0, 3},
		"a mark of what is stale":         {[]step{before(1, 2, 10), before(1, 2, 11), mark(2, 1, 10)}, 0, 1},
		"a mark of all that is stale":     {[]step{before(1, 2, 10), before(1, 2, 11), mark(2, 1, 500)}, 0, 0},
		"a mark, and the old one answers": {[]step{before(1, 2, 10), mark(2, 1, 10), before(2, 1, 2000), before(1, 2, 2001)}, 0, 1},
	}
	each(t, func(t *testing.T, f *fixture) {
		one := int64(1)
		for name, c := range tests {
			for _, s := range c.steps {
				s(t, f, one)
			}
			keys, err := f.Stale(t.Context(), 100)
			if err != nil {
				t.Fatal(err)
			}
			want := map[int64]map[int64]int{one: {one + 1: c.one}, one + 1: {one: c.two}}
			for user := range want { // a list does not wait for it
				if diff := cmp.Diff(want[user], f.unread(t, user)); diff != "" {
					t.Errorf("%s: before it is settled, user %d: %s", name, user-one+1, diff)
				}
			}
			if n, err := f.Settle(t.Context(), keys); err != nil || n != len(keys) {
				t.Fatal(n, err)
			}
			for user := range want {
				f.wantUnread(t, name, user, want[user])
			}
			if keys, err := f.Stale(t.Context(), 100); err != nil || len(keys) != 0 {
				t.Errorf("%s: stale: %v, %v", name, keys, err)
			}
			one += 10
		}
		f.wantAudit(t)
	})
}

// Both send, read and list at once, in the way of this version and of the one before, while what that leaves is settled. Whatever a list
// says fits the messages, at every moment, and nothing is lost in the end.
func TestUnreadStorm(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		const rounds, peers = 30, 3
		var ids atomic.Int64
		var senders, others sync.WaitGroup
		done := make(chan struct{})
		until := func(fn func()) {
			others.Go(func() {
				for {
					select {
					case <-done:
						return
					default:
						fn()
					}
				}
			})
		}
		for peer := int64(2); peer < 2+peers; peer++ {
			for _, pair := range [][2]int64{{1, peer}, {peer, 1}} {
				senders.Go(func() {
					for i := range rounds {
						id := ids.Add(1)
						var err error
						if i%5 == 4 {
							err = f.oldAppend(t.Context(), id, pair[0], pair[1])
						} else {
							_, _, err = f.Append(t.Context(), id, pair[0], pair[1], "x", 1000, nil, nobodyHears)
						}
						if err != nil {
							t.Error(err)
						}
					}
				})
			}
			until(func() { f.checkPage(t, peer) })
			until(func() {
				entries, err := f.Conversations(t.Context(), peer, newest, 1)
				if err != nil {
					t.Error(err)
				}
				for _, e := range entries { // not all of it, so that the next mark has something
					if _, err := f.MarkRead(t.Context(), peer, 1, e.LastAtMs-1, nil); err != nil {
						t.Error(err)
					}
				}
			})
		}
		until(func() { f.checkPage(t, 1) })
		until(func() {
			keys, err := f.Stale(t.Context(), 2)
			if err == nil {
				_, err = f.Settle(t.Context(), keys)
			}
			if err != nil {
				t.Error(err)
			}
		})
		senders.Wait()
		close(done)
		others.Wait()
		for user := int64(1); user < 2+peers; user++ {
			f.checkPage(t, user)
		}
		f.wantAudit(t)
		if n, err := f.NewestID(t.Context()); n != 2*peers*rounds || err != nil {
			t.Errorf("%d messages, %v", n, err)
		}
	})
}

// newest is where a list begins.
var newest = db.Place{LastAtMs: math.MaxInt64, PeerID: math.MaxInt64}

// oldAppend is Append of the version before.
func (f *fixture) oldAppend(ctx context.Context, id, from, to int64) error {
	low, high := min(from, to), max(from, to)
	claim := "INSERT INTO conversations (low_id, high_id, last_at_ms) VALUES (?, ?, 1000) "
	if f.IsSQLite() {
		claim += "ON CONFLICT (low_id, high_id) DO UPDATE SET last_at_ms = MAX(last_at_ms + 1, excluded.last_at_ms)"
	} else {
		claim += "ON DUPLICATE KEY UPDATE last_at_ms = GREATEST(last_at_ms + 1, VALUES(last_at_ms))"
	}
	return f.Tx(ctx, func(tx *gorm.DB) error {
		if err := tx.Exec(claim, low, high).Error; err != nil {
			return err
		}
		return tx.Exec("INSERT INTO messages (low_id, high_id, created_at_ms, id, from_user_id, content) "+
			"SELECT low_id, high_id, last_at_ms, ?, ?, 'x' FROM conversations WHERE low_id = ? AND high_id = ?", id, from, low, high).Error
	})
}

// checkPage compares what a list says with the messages up to the one that it calls the newest: those do not change any more.
func (f *fixture) checkPage(t *testing.T, userID int64) {
	t.Helper()
	entries, err := f.Conversations(t.Context(), userID, newest, 10)
	if err != nil {
		t.Error(err)
	}
	for _, e := range entries {
		peer := e.Key().Peer(userID)
		all, err := f.Before(t.Context(), userID, peer, 0, e.LastAtMs+1, 1000)
		if err != nil {
			t.Error(err)
			return
		}
		unread := 0
		for _, m := range all {
			switch {
			case m.CreatedAtMs <= e.ReadUntilMs(userID):
			case m.FromUserID != peer:
				t.Errorf("user %d: their own message at %d is after the mark at %d", userID, m.CreatedAtMs, e.ReadUntilMs(userID))
			default:
				unread++
			}
		}
		if e.Unread != min(unread, db.MaxUnread) {
			t.Errorf("user %d: %d unread messages of user %d, there are %d", userID, e.Unread, peer, unread)
		}
	}
}

// Settling costs three statements for as many conversations as one call takes.
func TestSettleMany(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		for peer := int64(2); peer <= 101; peer++ {
			f.appendBefore(t, peer, 1, peer)
		}
		count := sqldbtest.CountStatements(f.DB)
		keys, err := f.Stale(t.Context(), 100)
		if err != nil {
			t.Fatal(err)
		}
		before := count()
		if n, err := f.Settle(t.Context(), keys); n != 100 || err != nil {
			t.Fatal(n, err)
		}
		if got := count() - before; got != 3 {
			t.Errorf("%d statements", got)
		}
		if n, err := f.Settle(t.Context(), keys); n != 0 || err != nil {
			t.Errorf("again: %d, %v", n, err)
		}
		if n, err := f.CountUnread(t.Context(), 1); n != 100 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
	})
}

func TestAuditFindsEveryKindOfError(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		for peer := int64(1000); peer < 1000+1200; peer++ { // more than two steps
			f.append(t, 1, peer)
		}
		f.append(t, 2, 3)
		f.append(t, 3, 2)
		f.wantAudit(t)
		f.exec(t, "UPDATE conversations SET last_at_ms = 900, counted_ms = 900 WHERE high_id = 1001")
		f.exec(t, "UPDATE conversations SET last_at_ms = 2000, counted_ms = 2000 WHERE high_id = 1700")
		f.exec(t, "UPDATE conversations SET unread_id = 1 WHERE high_id = 2100")
		f.exec(t, "UPDATE conversations SET unread_id = 3, read_ms = 0 WHERE high_id = 3")
		f.exec(t, "UPDATE messages SET hidden = 1 WHERE high_id = 1002")
		f.exec(t, "UPDATE conversations SET cleared_high_ms = 1000 WHERE high_id = 1003")
		f.exec(t, "UPDATE conversations SET shown_high_at_ms = last_at_ms WHERE high_id = 1004")
		const format = "conversation of %d and %d: newest message at %d: %t, newer ones: %t, one sees another newest one: %t; " +
			"unread by %d although written by them, read or deleted: %t"
		f.wantAudit(t,
			fmt.Sprintf(format, 1, 1001, 900, false, true, true, 1001, false),
			fmt.Sprintf(format, 1, 1002, 1000, true, false, true, 1002, false),
			fmt.Sprintf(format, 1, 1003, 1000, true, false, true, 1003, false),
			fmt.Sprintf(format, 1, 1004, 1000, true, false, true, 1004, true),
			fmt.Sprintf(format, 1, 1700, 2000, false, false, true, 1700, false),
			fmt.Sprintf(format, 1, 2100, 1000, true, false, false, 1, true),
			fmt.Sprintf(format, 2, 3, 1001, true, false, false, 3, true),
		)
	})
}

func TestCanceledMarkChangesNothing(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		f.append(t, 1, 2)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := f.MarkRead(ctx, 2, 1, 5000, nil); err == nil {
			t.Error("no error")
		}
		f.wantUnread(t, "a mark that was canceled", 2, map[int64]int{1: 1})
	})
}
