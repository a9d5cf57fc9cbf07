package service_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tiktok/cmd/chat/dal/db"
	"tiktok/cmd/chat/rpc"
	"tiktok/cmd/chat/service"
	"tiktok/kitex_gen/chat"
	"tiktok/kitex_gen/chat/chatservice"
	"tiktok/kitex_gen/common"
	"tiktok/kitex_gen/user"
	"tiktok/kitex_gen/user/userservice"
	"tiktok/pkg/errno"
	"tiktok/pkg/id"
	"tiktok/pkg/kv"
	"tiktok/pkg/kv/kvtest"
	"tiktok/pkg/sqldb"
	"tiktok/pkg/sqldb/sqldbtest"
	"tiktok/pkg/telemetry"
	"tiktok/pkg/transport"
	"tiktok/pkg/words"
)

// nobody is the first id that fakeUsers does not know.
const nobody = 100_000

// fakeUsers knows the users 1..nobody-1.
type fakeUsers struct{ user.UserService }

func (f *fakeUsers) MGetUsers(_ context.Context, req *user.MGetUsersRequest) (*user.MGetUsersResponse, error) {
	resp := &user.MGetUsersResponse{Users: map[int64]*user.User{}}
	for _, uid := range req.UserIds {
		if uid > 0 && uid < nobody {
			resp.Users[uid] = &user.User{Id: uid}
		}
	}
	return resp, nil
}

type fixture struct {
	chatservice.Client
	sql *sqldb.DB
}

type options struct {
	cache kv.Store // nil: one of its own
	node  int
	mode  string
	now   func() time.Time
}

// users is a client of fakeUsers.
func users(t testing.TB) userservice.Client {
	t.Helper()
	local, err := transport.Local("chat", userservice.NewServer(&fakeUsers{}, transport.ServerOptions("user", telemetry.Discard())...))
	if err != nil {
		t.Fatal(err)
	}
	c, err := userservice.NewClient("user", transport.Strict(), local)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func on(t *testing.T, sql *sqldb.DB, o options) *fixture {
	t.Helper()
	tel := telemetry.Discard()
	if o.mode == "" {
		o.mode = "mask"
	}
	filter, err := words.Open(words.Config{Mode: o.mode})
	if err != nil {
		t.Fatal(err)
	}
	if o.cache == nil {
		o.cache = kvtest.Shared(t)
	}
	svc := service.New(service.Deps{
		Store: db.New(sql), Cache: o.cache, IDs: id.New(o.node), Words: filter, Peers: rpc.Peers{Users: users(t)}, Tel: tel, Now: o.now,
	})
	local, err := transport.Local("test", chatservice.NewServer(svc, transport.ServerOptions("chat", tel)...))
	if err != nil {
		t.Fatal(err)
	}
	c, err := chatservice.NewClient("chat", transport.Strict(), local)
	if err != nil {
		t.Fatal(err)
	}
	return &fixture{Client: c, sql: sql}
}

func newFixture(t *testing.T, o options) *fixture {
	t.Helper()
	return on(t, sqldbtest.SQLite(t, "chat", db.Migrations()), o)
}

func (f *fixture) send(t *testing.T, from, to int64, content string) *chat.Message {
	t.Helper()
	r, err := f.SendMessage(t.Context(), &chat.SendMessageRequest{FromUserId: from, ToUserId: to, Content: content})
	if err != nil {
		t.Fatalf("%d to %d: %v", from, to, err)
	}
	return r.Message
}

func (f *fixture) list(t *testing.T, req *chat.ListMessagesRequest) []*chat.Message {
	t.Helper()
	r, err := f.ListMessages(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	return r.Messages
}

func contents(ms []*chat.Message) string {
	var out []string
	for _, m := range ms {
		out = append(out, m.Content)
	}
	return strings.Join(out, " ")
}

func TestConversation(t *testing.T) {
	frozen := time.UnixMilli(1_700_000_000_000)
	sqldbtest.Each(t, "chat", db.Migrations(), func(t *testing.T, sql *sqldb.DB) {
		f := on(t, sql, options{now: func() time.Time { return frozen }})
		a, b, c := f.send(t, 1, 2, "a"), f.send(t, 2, 1, "b"), f.send(t, 1, 2, "c")
		f.send(t, 1, 3, "other")
		if a.CreatedAtMs != frozen.UnixMilli() || b.CreatedAtMs != a.CreatedAtMs+1 || c.CreatedAtMs != b.CreatedAtMs+1 {
			t.Fatalf("times %d %d %d do not strictly increase", a.CreatedAtMs, b.CreatedAtMs, c.CreatedAtMs)
		}
		if b.FromUserId != 2 || b.ToUserId != 1 {
			t.Fatalf("b goes from %d to %d", b.FromUserId, b.ToUserId)
		}
		for name, tc := range map[string]struct {
			req  *chat.ListMessagesRequest
			want string
		}{
			"all":                {&chat.ListMessagesRequest{UserId: 1, PeerId: 2}, "a b c"},
			"all, other side":    {&chat.ListMessagesRequest{UserId: 2, PeerId: 1}, "a b c"},
			"latest two":         {&chat.ListMessagesRequest{UserId: 1, PeerId: 2, Limit: 2}, "b c"},
			"after":              {&chat.ListMessagesRequest{UserId: 1, PeerId: 2, AfterMs: a.CreatedAtMs}, "b c"},
			"earliest after":     {&chat.ListMessagesRequest{UserId: 1, PeerId: 2, AfterMs: a.CreatedAtMs, Limit: 1}, "b"},
			"from the peer":      {&chat.ListMessagesRequest{UserId: 1, PeerId: 2, FromPeerOnly: true}, "b"},
			"from the peer, new": {&chat.ListMessagesRequest{UserId: 2, PeerId: 1, FromPeerOnly: true, AfterMs: a.CreatedAtMs}, "c"},
			"nothing new":        {&chat.ListMessagesRequest{UserId: 1, PeerId: 2, AfterMs: c.CreatedAtMs}, ""},
			"strangers":          {&chat.ListMessagesRequest{UserId: 2, PeerId: 3}, ""},
		} {
			if got := contents(f.list(t, tc.req)); got != tc.want {
				t.Errorf("%s: got %q, want %q", name, got, tc.want)
			}
		}
		last, err := f.MGetLastMessages(t.Context(), &chat.MGetLastMessagesRequest{UserId: 1, PeerIds: []int64{3, 2, 2, 4, -1, 1}})
		if err != nil {
			t.Fatal(err)
		}
		got := map[int64]string{}
		for peer, m := range last.Messages {
			got[peer] = m.Content
		}
		if diff := cmp.Diff(map[int64]string{2: "c", 3: "other"}, got); diff != "" {
			t.Error(diff)
		}
	})
}

func TestClockStepsBack(t *testing.T) {
	now := time.UnixMilli(1_700_000_000_000)
	f := newFixture(t, options{now: func() time.Time { return now }})
	first := f.send(t, 1, 2, "first")
	now = now.Add(-time.Hour)
	if second := f.send(t, 2, 1, "second"); second.CreatedAtMs <= first.CreatedAtMs {
		t.Fatalf("%d is not after %d", second.CreatedAtMs, first.CreatedAtMs)
	}
	if got := contents(f.list(t, &chat.ListMessagesRequest{UserId: 1, PeerId: 2, AfterMs: first.CreatedAtMs})); got != "second" {
		t.Fatalf("a poll got %q", got)
	}
}

// Both sides poll by cursor while both send as fast as they can: each must see every message of the other exactly once.
func TestPollingWhileBothSend(t *testing.T) {
	const each, senders = 10, 5
	sqldbtest.Each(t, "chat", db.Migrations(), func(t *testing.T, sql *sqldb.DB) {
		f := on(t, sql, options{})
		var wg sync.WaitGroup
		for _, from := range []int64{1, 2} {
			for s := range senders {
				wg.Go(func() {
					for i := range each {
						f.send(t, from, 3-from, fmt.Sprintf("%d/%d/%d", from, s, i))
					}
				})
			}
		}
		for _, me := range []int64{1, 2} {
			wg.Go(func() {
				seen := map[string]bool{}
				cursor := int64(1)
				for len(seen) < each*senders && t.Context().Err() == nil {
					page, err := f.ListMessages(t.Context(), &chat.ListMessagesRequest{
						UserId: me, PeerId: 3 - me, AfterMs: cursor, FromPeerOnly: true, Limit: 7,
					})
					if err != nil {
						t.Error(err)
						return
					}
					for _, m := range page.Messages {
						if seen[m.Content] || m.FromUserId == me || m.CreatedAtMs <= cursor {
							t.Errorf("%d got %q again, or its own, or out of order", me, m.Content)
						}
						seen[m.Content], cursor = true, m.CreatedAtMs
					}
				}
			})
		}
		wg.Wait()
		all := f.list(t, &chat.ListMessagesRequest{UserId: 1, PeerId: 2})
		if len(all) != 2*each*senders {
			t.Fatalf("%d messages stored, want %d", len(all), 2*each*senders)
		}
	})
}

func TestRefusals(t *testing.T) {
	f := newFixture(t, options{mode: "refuse"})
	for name, tc := range map[string]struct {
		req  *chat.SendMessageRequest
		want *errno.Error
	}{
		"self":         {&chat.SendMessageRequest{FromUserId: 1, ToUserId: 1, Content: "x"}, errno.ChatSelf},
		"nobody":       {&chat.SendMessageRequest{FromUserId: 1, ToUserId: nobody, Content: "x"}, errno.UserNotFound},
		"no sender":    {&chat.SendMessageRequest{FromUserId: nobody, ToUserId: 1, Content: "x"}, errno.UserNotFound},
		"zero":         {&chat.SendMessageRequest{FromUserId: 1, Content: "x"}, errno.UserNotFound},
		"negative":     {&chat.SendMessageRequest{FromUserId: -1, ToUserId: 1, Content: "x"}, errno.UserNotFound},
		"empty":        {&chat.SendMessageRequest{FromUserId: 1, ToUserId: 2}, errno.InvalidArgument},
		"blank":        {&chat.SendMessageRequest{FromUserId: 1, ToUserId: 2, Content: " \n"}, errno.InvalidArgument},
		"too long":     {&chat.SendMessageRequest{FromUserId: 1, ToUserId: 2, Content: strings.Repeat("长", 1001)}, errno.InvalidArgument},
		"not UTF-8":    {&chat.SendMessageRequest{FromUserId: 1, ToUserId: 2, Content: "\xff"}, errno.InvalidArgument},
		"NUL":          {&chat.SendMessageRequest{FromUserId: 1, ToUserId: 2, Content: "a\x00"}, errno.InvalidArgument},
		"refused word": {&chat.SendMessageRequest{FromUserId: 1, ToUserId: 2, Content: "来赌博吧"}, errno.MessageRefused},
	} {
		if _, err := f.SendMessage(t.Context(), tc.req); !errors.Is(errno.From(err), tc.want) {
			t.Errorf("%s: got %v, want %v", name, err, tc.want)
		}
	}
	if got := f.list(t, &chat.ListMessagesRequest{UserId: 1, PeerId: 2}); len(got) != 0 {
		t.Errorf("something was stored: %v", got)
	}
	for name, req := range map[string]*chat.ListMessagesRequest{
		"no user":  {PeerId: 1},
		"no peer":  {UserId: 1},
		"limit":    {UserId: 1, PeerId: 2, Limit: common.MAX_BATCH + 1},
		"negative": {UserId: 1, PeerId: 2, AfterMs: -1},
	} {
		if _, err := f.ListMessages(t.Context(), req); !errors.Is(errno.From(err), errno.InvalidArgument) {
			t.Errorf("list, %s: got %v", name, err)
		}
	}
	tooMany := &chat.MGetLastMessagesRequest{UserId: 1, PeerIds: make([]int64, common.MAX_BATCH+1)}
	if _, err := f.MGetLastMessages(t.Context(), tooMany); !errors.Is(errno.From(err), errno.InvalidArgument) {
		t.Errorf("too many peers: %v", err)
	}
}

func TestLongestMessageAndMask(t *testing.T) {
	sqldbtest.Each(t, "chat", db.Migrations(), func(t *testing.T, sql *sqldb.DB) {
		f := on(t, sql, options{})
		long := strings.Repeat("😀", 1000)
		f.send(t, 1, 2, long)
		if m := f.send(t, 1, 2, "来赌博吧"); m.Content != "来**吧" {
			t.Errorf("masked to %q", m.Content)
		}
		got := f.list(t, &chat.ListMessagesRequest{UserId: 1, PeerId: 2})
		if len(got) != 2 || got[0].Content != long || got[1].Content != "来**吧" {
			t.Errorf("stored %d messages, or not as sent", len(got))
		}
	})
}

func TestConstantCost(t *testing.T) {
	f := newFixture(t, options{})
	for peer := int64(1); peer <= 200; peer++ {
		if peer != 100 {
			f.send(t, 100, peer, "x")
		}
	}
	count := sqldbtest.CountStatements(f.sql)
	cost := func(call func()) int { before := count(); call(); return count() - before }
	for _, n := range []int{1, 99, 199} {
		peers := make([]int64, n)
		for i := range peers {
			peers[i] = int64(i + 1)
		}
		for _, want := range []int{1, 0} { // the second time the cache knows
			got := cost(func() {
				r, err := f.MGetLastMessages(t.Context(), &chat.MGetLastMessagesRequest{UserId: 100, PeerIds: peers})
				if err != nil || len(r.Messages) != len(slices.DeleteFunc(slices.Clone(peers), func(p int64) bool { return p == 100 })) {
					t.Fatal(r, err)
				}
			})
			if got != want {
				t.Errorf("last messages with %d peers cost %d statements, want %d", n, got, want)
			}
		}
	}
	newest := f.send(t, 1, 100, "newest").CreatedAtMs
	poll := func(peer, after int64) int {
		return cost(func() {
			f.list(t, &chat.ListMessagesRequest{UserId: 100, PeerId: peer, AfterMs: after, FromPeerOnly: true})
		})
	}
	for what, c := range map[string]struct {
		peer, after int64
		want        int
	}{
		"a poll with news": {1, newest - 1, 1}, "a poll without": {1, newest, 0}, "a poll of an empty conversation": {500, 5, 0},
	} {
		poll(c.peer, c.after) // from now on the cache knows
		if got := poll(c.peer, c.after); got != c.want {
			t.Errorf("%s costs %d statements, want %d", what, got, c.want)
		}
	}
}

// Polls that found nothing see the next message at once, whichever replica stores it.
func TestPollsSeeNewMessagesAtOnce(t *testing.T) {
	sqldbtest.Each(t, "chat", db.Migrations(), func(t *testing.T, sql *sqldb.DB) {
		shared := kvtest.Shared(t)
		memory, err := kv.Open(t.Context(), kv.Config{Driver: kv.DriverMemory})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = memory.Close() })
		a, b := on(t, sql, options{cache: shared}), on(t, sql, options{cache: shared, node: 1})
		own := on(t, sql, options{cache: memory, node: 2})
		cursor := int64(1)
		for i := range 20 {
			for _, f := range []*fixture{a, b} {
				if got := f.list(t, &chat.ListMessagesRequest{UserId: 2, PeerId: 1, AfterMs: cursor, FromPeerOnly: true}); len(got) != 0 {
					t.Fatalf("nothing was sent, and there is %v", got)
				}
			}
			m := []*fixture{a, b}[i%2].send(t, 1, 2, "hi")
			for _, f := range []*fixture{a, b} {
				got := f.list(t, &chat.ListMessagesRequest{UserId: 2, PeerId: 1, AfterMs: cursor, FromPeerOnly: true})
				if len(got) != 1 || got[0].Id != m.Id {
					t.Fatalf("message %d is not there: %v", i, got)
				}
			}
			cursor = m.CreatedAtMs
		}
		// And in one process, where what is known is held.
		own.list(t, &chat.ListMessagesRequest{UserId: 3, PeerId: 1, AfterMs: 1})
		m := own.send(t, 1, 3, "hi")
		if got := own.list(t, &chat.ListMessagesRequest{UserId: 3, PeerId: 1, AfterMs: 1}); len(got) != 1 || got[0].Id != m.Id {
			t.Errorf("got %v", got)
		}
	})
}
