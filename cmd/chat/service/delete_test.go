package service_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tiktok/cmd/chat/dal/db"
	"tiktok/kitex_gen/chat"
	"tiktok/kitex_gen/event"
	"tiktok/pkg/errno"
	"tiktok/pkg/kv/kvtest"
	"tiktok/pkg/sqldb"
	"tiktok/pkg/sqldb/sqldbtest"
)

func (f *fixture) deleteMessage(t *testing.T, userID, peerID, messageID int64) {
	t.Helper()
	_, err := f.DeleteMessage(t.Context(), &chat.DeleteMessageRequest{UserId: userID, PeerId: peerID, MessageId: messageID})
	if err != nil {
		t.Fatal(err)
	}
}

func (f *fixture) deleteConversation(t *testing.T, userID, peerID int64) {
	t.Helper()
	if _, err := f.DeleteConversation(t.Context(), &chat.DeleteConversationRequest{UserId: userID, PeerId: peerID}); err != nil {
		t.Fatal(err)
	}
}

// views is what each call tells a user of the conversation with a peer.
func (f *fixture) views(t *testing.T, userID, peerID int64) map[string]string {
	t.Helper()
	out := map[string]string{
		"latest": contents(f.list(t, &chat.ListMessagesRequest{UserId: userID, PeerId: peerID})),
		"after":  contents(f.list(t, &chat.ListMessagesRequest{UserId: userID, PeerId: peerID, AfterMs: 1})),
		"poll":   contents(f.list(t, &chat.ListMessagesRequest{UserId: userID, PeerId: peerID, AfterMs: 1, FromPeerOnly: true})),
		"before": contents(f.list(t, &chat.ListMessagesRequest{UserId: userID, PeerId: peerID, BeforeMs: 1 << 52})),
	}
	last, err := f.MGetLastMessages(t.Context(), &chat.MGetLastMessagesRequest{UserId: userID, PeerIds: []int64{peerID}})
	if err != nil {
		t.Fatal(err)
	}
	if m := last.Messages[peerID]; m != nil {
		out["last"] = m.Content
	}
	for _, c := range f.conversations(t, userID, nil).Conversations {
		out["list"] += fmt.Sprintf("%s, %d unread", c.LastMessage.Content, c.UnreadCount)
	}
	count, err := f.CountUnread(t.Context(), &chat.CountUnreadRequest{UserId: userID})
	if err != nil {
		t.Fatal(err)
	}
	out["unread"] = fmt.Sprint(count.Conversations)
	return out
}

// What a user has deleted is gone from every call of theirs at once, on each replica and whatever a cache held, and from none of the
// other's.
func TestDeleted(t *testing.T) {
	sqldbtest.Each(t, "chat", db.Migrations(), func(t *testing.T, sql *sqldb.DB) {
		shared := kvtest.Shared(t)
		f, other := on(t, sql, options{cache: shared}), on(t, sql, options{cache: shared, node: 1})
		for _, pair := range [][2]int64{{1, 2}, {4, 3}} {
			me, peer := pair[0], pair[1]
			want := func(what string, of, with int64, want map[string]string) {
				t.Helper()
				for range 2 { // from the store, and from the cache
					for _, f := range []*fixture{f, other} {
						if diff := cmp.Diff(want, f.views(t, of, with)); diff != "" {
							t.Errorf("%s, user %d: %s", what, of, diff)
						}
					}
				}
			}
			theirs := map[string]string{
				"latest": "a b c", "after": "a b c", "poll": "", "before": "a b c", "last": "c", "list": "c, 0 unread", "unread": "0",
			}
			f.send(t, peer, me, "a")
			f.send(t, peer, me, "b")
			c := f.send(t, peer, me, "c")
			want("at first", me, peer, map[string]string{
				"latest": "a b c", "after": "a b c", "poll": "a b c", "before": "a b c", "last": "c", "list": "c, 3 unread", "unread": "1",
			})
			want("at first", peer, me, theirs)
			other.deleteMessage(t, me, peer, c.Id)
			f.deleteMessage(t, me, peer, c.Id)
			want("one deleted", me, peer, map[string]string{
				"latest": "a b", "after": "a b", "poll": "a b", "before": "a b", "last": "b", "list": "b, 2 unread", "unread": "1",
			})
			want("one deleted", peer, me, theirs)
			if got := f.list(t, &chat.ListMessagesRequest{UserId: me, PeerId: peer, AfterMs: c.CreatedAtMs - 1}); len(got) != 0 {
				t.Errorf("a poll finds %v", got)
			}
			other.deleteConversation(t, me, peer)
			f.deleteConversation(t, me, peer)
			want("all deleted", me, peer, map[string]string{"latest": "", "after": "", "poll": "", "before": "", "unread": "0"})
			want("all deleted", peer, me, theirs)
			f.send(t, peer, me, "d")
			want("the next one", me, peer, map[string]string{
				"latest": "d", "after": "d", "poll": "d", "before": "d", "last": "d", "list": "d, 1 unread", "unread": "1",
			})
		}
	})
}

func TestDeleteRefusals(t *testing.T) {
	f := newFixture(t, options{})
	m := f.send(t, 1, 2, "x")
	for name, tc := range map[string]struct {
		req  *chat.DeleteMessageRequest
		want *errno.Error
	}{
		"nobody":             {&chat.DeleteMessageRequest{PeerId: 2, MessageId: m.Id}, errno.InvalidArgument},
		"no peer":            {&chat.DeleteMessageRequest{UserId: 1, MessageId: m.Id}, errno.InvalidArgument},
		"no message":         {&chat.DeleteMessageRequest{UserId: 1, PeerId: 2}, errno.InvalidArgument},
		"unknown":            {&chat.DeleteMessageRequest{UserId: 1, PeerId: 2, MessageId: 77}, errno.MessageNotFound},
		"with somebody else": {&chat.DeleteMessageRequest{UserId: 1, PeerId: 3, MessageId: m.Id}, errno.MessageNotFound},
		"of others":          {&chat.DeleteMessageRequest{UserId: 3, PeerId: 2, MessageId: m.Id}, errno.MessageNotFound},
		"with oneself":       {&chat.DeleteMessageRequest{UserId: 1, PeerId: 1, MessageId: m.Id}, errno.MessageNotFound},
	} {
		if _, err := f.DeleteMessage(t.Context(), tc.req); !errors.Is(errno.From(err), tc.want) {
			t.Errorf("%s: got %v, want %v", name, err, tc.want)
		}
	}
	_, err := f.DeleteConversation(t.Context(), &chat.DeleteConversationRequest{UserId: 1})
	if !errors.Is(errno.From(err), errno.InvalidArgument) {
		t.Errorf("no peer: %v", err)
	}
	f.deleteConversation(t, 1, 7) // there is none
}

// What happens in a conversation is in the outbox, in the order of the calls, once each; what changes nothing is not.
func TestEvents(t *testing.T) {
	sqldbtest.Each(t, "chat", db.Migrations(), func(t *testing.T, sql *sqldb.DB) {
		f := on(t, sql, options{})
		mark := func(untilMs int64) {
			t.Helper()
			if _, err := f.MarkRead(t.Context(), &chat.MarkReadRequest{UserId: 2, PeerId: 1, UntilMs: untilMs}); err != nil {
				t.Fatal(err)
			}
		}
		first := f.send(t, 1, 2, "a")
		mark(first.CreatedAtMs)
		mark(first.CreatedAtMs)
		second := f.send(t, 1, 2, "b")
		f.deleteMessage(t, 1, 2, first.Id)
		f.deleteMessage(t, 2, 1, second.Id)
		f.deleteConversation(t, 2, 1)
		third := f.send(t, 1, 2, "c")
		f.deleteConversation(t, 2, 1)
		sent := func(m *chat.Message) string { return fmt.Sprintf("%d from 1 to 2 at %d", m.Id, m.CreatedAtMs) }
		want := []string{sent(first), "2 has read 1", sent(second), "2 has read 1", sent(third), "2 has read 1"}
		var got []string
		rows, err := sqldb.Rows[struct {
			Topic string
			Body  []byte
		}]{Query: sql.Read.Raw("SELECT topic, body FROM outbox ORDER BY id")}.All()
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range rows {
			var events []event.Event
			if err := json.Unmarshal(row.Body, &events); err != nil || row.Topic != event.TOPIC_MESSAGE || len(events) != 1 {
				t.Fatalf("%s %s: %v", row.Topic, row.Body, err)
			}
			switch e := events[0]; {
			case e.MessageSent != nil:
				m := e.MessageSent
				got = append(got, fmt.Sprintf("%d from %d to %d at %d", m.MessageId, m.FromUserId, m.ToUserId, m.CreatedAtMs))
			case e.ConversationRead != nil:
				got = append(got, fmt.Sprintf("%d has read %d", e.ConversationRead.UserId, e.ConversationRead.PeerId))
			}
			if events[0].AtMs <= 0 {
				t.Errorf("an event has no time: %s", row.Body)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}
