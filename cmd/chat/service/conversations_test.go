package service_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tiktok/cmd/chat/dal/db"
	"tiktok/cmd/chat/rpc"
	"tiktok/cmd/chat/service"
	"tiktok/kitex_gen/chat"
	"tiktok/kitex_gen/common"
	"tiktok/pkg/errno"
	"tiktok/pkg/id"
	"tiktok/pkg/kv/kvtest"
	"tiktok/pkg/sqldb"
	"tiktok/pkg/sqldb/sqldbtest"
	"tiktok/pkg/telemetry"
	"tiktok/pkg/words"
)

func (f *fixture) conversations(t *testing.T, userID int64, page *common.Page) *chat.ListConversationsResponse {
	t.Helper()
	r, err := f.ListConversations(t.Context(), &chat.ListConversationsRequest{UserId: userID, Page: page})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Pages go through all conversations, that with the newest message first, whichever of the two ids is the lower one.
func TestListConversations(t *testing.T) {
	frozen := time.UnixMilli(1_700_000_000_000) // many newest messages share their time
	sqldbtest.Each(t, "chat", db.Migrations(), func(t *testing.T, sql *sqldb.DB) {
		f := on(t, sql, options{now: func() time.Time { return frozen }})
		const me = 500
		var want []string
		for peer := int64(490); peer <= 510; peer++ {
			if peer == me {
				continue
			}
			f.send(t, peer, me, "1")
			sent, n := f.send(t, peer, me, "2"), 2
			if peer%3 == 0 {
				sent, n = f.send(t, me, peer, "3"), 0
			}
			want = append(want, fmt.Sprintf("%d-%d %q unread %d", sent.CreatedAtMs, peer, sent.Content, n))
		}
		slices.Sort(want)
		slices.Reverse(want)
		for _, limit := range []int32{1, 7, 20, 0} {
			var got []string
			for page := (&common.Page{Limit: limit}); ; {
				r := f.conversations(t, me, page)
				for _, c := range r.Conversations {
					m := c.LastMessage
					got = append(got, fmt.Sprintf("%d-%d %q unread %d", m.CreatedAtMs, c.PeerId, m.Content, c.UnreadCount))
					if c.PeerId+me != m.FromUserId+m.ToUserId {
						t.Errorf("the newest message with %d is from %d to %d", c.PeerId, m.FromUserId, m.ToUserId)
					}
				}
				if page.Cursor = r.NextCursor; page.Cursor == "" {
					break
				}
				if int32(len(r.Conversations)) != limit {
					t.Errorf("a page of %d, want %d", len(r.Conversations), limit)
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("pages of %d: %s", limit, diff)
			}
		}
		if r := f.conversations(t, 777, nil); r.Conversations == nil || len(r.Conversations) != 0 || r.NextCursor != "" {
			t.Errorf("of nobody: %v", r)
		}
		// A new message brings a conversation to the top.
		f.send(t, me, 495, "again")
		if r := f.conversations(t, me, &common.Page{Limit: 1}); r.Conversations[0].PeerId != 495 {
			t.Errorf("the first one is that with %d", r.Conversations[0].PeerId)
		}
	})
}

// Marks are seen by the next call, on each replica.
func TestMarkRead(t *testing.T) {
	sqldbtest.Each(t, "chat", db.Migrations(), func(t *testing.T, sql *sqldb.DB) {
		f, other := on(t, sql, options{}), on(t, sql, options{node: 1})
		want := func(unread, conversations int32, until int64) {
			t.Helper()
			for _, f := range []*fixture{f, other} {
				c := f.conversations(t, 1, nil).Conversations[0]
				if c.UnreadCount != unread || c.ReadUntilMs != until {
					t.Errorf("%d unread until %d, want %d, %d", c.UnreadCount, c.ReadUntilMs, unread, until)
				}
				r, err := f.CountUnread(t.Context(), &chat.CountUnreadRequest{UserId: 1})
				if err != nil || r.Conversations != conversations {
					t.Errorf("%v, %v, want %d", r, err, conversations)
				}
			}
		}
		mark := func(until int64) {
			t.Helper()
			if _, err := other.MarkRead(t.Context(), &chat.MarkReadRequest{UserId: 1, PeerId: 2, UntilMs: until}); err != nil {
				t.Fatal(err)
			}
		}
		first := f.send(t, 2, 1, "a")
		second := f.send(t, 2, 1, "b")
		want(2, 1, 0)
		mark(first.CreatedAtMs)
		want(1, 1, first.CreatedAtMs)
		mark(0)
		want(1, 1, first.CreatedAtMs)
		mark(second.CreatedAtMs + 3_600_000)
		want(0, 0, second.CreatedAtMs)
		third := f.send(t, 2, 1, "c")
		want(1, 1, second.CreatedAtMs)
		answer := f.send(t, 1, 2, "d")
		want(0, 0, answer.CreatedAtMs)
		if third.CreatedAtMs >= answer.CreatedAtMs {
			t.Errorf("%d is not before %d", third.CreatedAtMs, answer.CreatedAtMs)
		}
		// With somebody who has never written there is nothing to mark, and nothing is made.
		if _, err := f.MarkRead(t.Context(), &chat.MarkReadRequest{UserId: 1, PeerId: 3, UntilMs: 5}); err != nil {
			t.Error(err)
		}
		if r := f.conversations(t, 1, nil); len(r.Conversations) != 1 {
			t.Errorf("got %v", r)
		}
	})
}

func TestMessagesBefore(t *testing.T) {
	sqldbtest.Each(t, "chat", db.Migrations(), func(t *testing.T, sql *sqldb.DB) {
		f := on(t, sql, options{})
		for i := range 25 {
			f.send(t, 1+int64(i%2), 2-int64(i%2), fmt.Sprint(i))
		}
		var got []string
		for before := int64(1 << 52); ; {
			page := f.list(t, &chat.ListMessagesRequest{UserId: 2, PeerId: 1, BeforeMs: before, Limit: 10})
			if len(page) == 0 {
				break
			}
			before = page[0].CreatedAtMs
			slices.Reverse(page)
			for _, m := range page {
				got = append(got, m.Content)
			}
		}
		var want []string
		for i := 24; i >= 0; i-- {
			want = append(want, fmt.Sprint(i))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		last := f.list(t, &chat.ListMessagesRequest{UserId: 2, PeerId: 1, BeforeMs: 1 << 52, Limit: 2, FromPeerOnly: true})
		if contents(last) != "22 24" {
			t.Errorf("from the peer only: %s", contents(last))
		}
	})
}

func TestConversationRefusals(t *testing.T) {
	f := newFixture(t, options{})
	f.send(t, 1, 2, "x")
	list := func(userID int64, page *common.Page) error {
		_, err := f.ListConversations(t.Context(), &chat.ListConversationsRequest{UserId: userID, Page: page})
		return err
	}
	mark := func(userID, peerID, untilMs int64) error {
		_, err := f.MarkRead(t.Context(), &chat.MarkReadRequest{UserId: userID, PeerId: peerID, UntilMs: untilMs})
		return err
	}
	_, count := f.CountUnread(t.Context(), &chat.CountUnreadRequest{})
	_, both := f.ListMessages(t.Context(), &chat.ListMessagesRequest{UserId: 1, PeerId: 2, AfterMs: 1, BeforeMs: 1})
	_, before := f.ListMessages(t.Context(), &chat.ListMessagesRequest{UserId: 1, PeerId: 2, BeforeMs: -1})
	for name, err := range map[string]error{
		"list, nobody":     list(0, nil),
		"list, limit":      list(1, &common.Page{Limit: 101}),
		"list, negative":   list(1, &common.Page{Limit: -1}),
		"cursor, text":     list(1, &common.Page{Cursor: "x"}),
		"cursor, half":     list(1, &common.Page{Cursor: "5"}),
		"cursor, zero":     list(1, &common.Page{Cursor: "0-5"}),
		"cursor, peer":     list(1, &common.Page{Cursor: "5--1"}),
		"cursor, more":     list(1, &common.Page{Cursor: "5-1-1"}),
		"cursor, huge":     list(1, &common.Page{Cursor: "99999999999999999999-1"}),
		"mark, nobody":     mark(0, 2, 1),
		"mark, no peer":    mark(1, -2, 1),
		"mark, negative":   mark(1, 2, -1),
		"count, nobody":    count,
		"after & before":   both,
		"before, negative": before,
	} {
		if !errors.Is(errno.From(err), errno.InvalidArgument) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if err := mark(1, 1, 5); err != nil { // there is no such conversation
		t.Error(err)
	}
}

// A page costs the same however many conversations are in it and in the table, and how many messages are unread.
func TestConversationCost(t *testing.T) {
	f := newFixture(t, options{})
	for peer := int64(1); peer <= 150; peer++ {
		if peer != 100 {
			f.send(t, peer, 100, "x")
			f.send(t, peer, 100, "y")
		}
	}
	count := sqldbtest.CountStatements(f.sql)
	cost := func(call func()) int { before := count(); call(); return count() - before }
	for _, n := range []int32{1, 100} {
		if got := cost(func() { f.conversations(t, 100, &common.Page{Limit: n}) }); got != 2 {
			t.Errorf("a page of %d costs %d statements", n, got)
		}
	}
	if got := cost(func() { f.conversations(t, 1, nil) }); got != 1 {
		t.Errorf("a page without unread messages costs %d statements", got)
	}
	mark := func() {
		if _, err := f.MarkRead(t.Context(), &chat.MarkReadRequest{UserId: 100, PeerId: 1, UntilMs: 1 << 52}); err != nil {
			t.Fatal(err)
		}
	}
	if got := cost(mark); got != 2 { // one of them tells the other services
		t.Errorf("a mark costs %d statements", got)
	}
	if got := cost(mark); got != 2 {
		t.Errorf("a mark that changes nothing costs %d statements", got)
	}
	if got := cost(func() { f.send(t, 1, 100, "z") }); got != 3 {
		t.Errorf("a message costs %d statements", got)
	}
}

// What the version before has stored is settled in the background, more than one step of it.
func TestRunSettles(t *testing.T) {
	sqldbtest.Each(t, "chat", db.Migrations(), func(t *testing.T, sql *sqldb.DB) {
		const peers = 120
		for peer := int64(2); peer < 2+peers; peer++ {
			for _, statement := range []string{
				"INSERT INTO conversations (low_id, high_id, last_at_ms) VALUES (1, ?, 5)",
				"INSERT INTO messages (low_id, high_id, created_at_ms, id, from_user_id, content) " +
					"SELECT low_id, high_id, last_at_ms, high_id, high_id, 'x' FROM conversations WHERE high_id = ?",
			} {
				if err := sql.Write.Exec(statement, peer).Error; err != nil {
					t.Fatal(err)
				}
			}
		}
		filter, err := words.Open(words.Config{Mode: "mask"})
		if err != nil {
			t.Fatal(err)
		}
		store := db.New(sql)
		svc := service.New(service.Deps{
			Store: store, Cache: kvtest.Shared(t), IDs: id.New(0), Words: filter, Peers: rpc.Peers{Users: users(t)}, Tel: telemetry.Discard(),
		})
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- svc.Run(ctx) }()
		for t.Context().Err() == nil {
			keys, err := store.Stale(t.Context(), 1)
			if err != nil {
				t.Fatal(err)
			}
			if len(keys) == 0 {
				break
			}
		}
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if n, err := store.CountUnread(t.Context(), 1); n != db.MaxUnread || err != nil {
			t.Errorf("%d, %v", n, err)
		}
	})
}
