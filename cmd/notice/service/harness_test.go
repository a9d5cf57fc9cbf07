package service

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tiktok/cmd/internal/events"
	"tiktok/cmd/notice/dal/db"
	"tiktok/kitex_gen/common"
	"tiktok/kitex_gen/event"
	"tiktok/kitex_gen/notice"
	"tiktok/kitex_gen/notice/noticeservice"
	"tiktok/pkg/id"
	"tiktok/pkg/kv"
	"tiktok/pkg/kv/kvtest"
	"tiktok/pkg/outbox"
	"tiktok/pkg/push"
	"tiktok/pkg/sqldb"
	"tiktok/pkg/sqldb/sqldbtest"
	"tiktok/pkg/telemetry"
	"tiktok/pkg/transport"
)

// hints is a broker that remembers what was published, or fails. (What it does besides is pushtest's.)
type hints struct {
	push.Broker
	mu   sync.Mutex
	sent []string // guarded by mu
	err  error
}

func (h *hints) Publish(_ context.Context, all []push.Hint) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.err != nil {
		return h.err
	}
	for _, one := range all {
		h.sent = append(h.sent, string(one.Data))
	}
	return nil
}

// take returns what was published since the last call, sorted.
func (h *hints) take() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	out := h.sent
	slices.Sort(out)
	h.sent = nil
	return out
}

type options struct {
	cache kv.Store // nil: one of its own
	now   func() time.Time
	hints *hints
}

// fixture is a service with a client, whose bus is the test itself.
type fixture struct {
	*Service
	rpc   noticeservice.Client
	sql   *sqldb.DB
	hints *hints
	seq   int64
	at    int64
}

func on(t testing.TB, sql *sqldb.DB, o options) *fixture {
	t.Helper()
	tel := telemetry.Discard()
	if o.cache == nil {
		o.cache = kvtest.Shared(t)
	}
	if o.hints == nil {
		o.hints = &hints{}
	}
	s := New(Deps{Store: db.New(sql), Cache: o.cache, IDs: id.New(1), Hints: o.hints, Tel: tel, Now: o.now})
	local, err := transport.Local("test", noticeservice.NewServer(s, transport.ServerOptions(Name, tel)...))
	if err != nil {
		t.Fatal(err)
	}
	c, err := noticeservice.NewClient(Name, transport.Strict(), local)
	if err != nil {
		t.Fatal(err)
	}
	return &fixture{Service: s, rpc: c, sql: sql, hints: o.hints, at: time.Now().Add(-time.Hour).UnixMilli()}
}

// each runs a test on both databases.
func each(t *testing.T, fn func(t *testing.T, f *fixture)) {
	sqldbtest.Each(t, Name, db.Migrations(), func(t *testing.T, sql *sqldb.DB) { fn(t, on(t, sql, options{})) })
}

func onSQLite(t *testing.T, o options) *fixture {
	t.Helper()
	return on(t, sqldbtest.SQLite(t, Name, db.Migrations()), o)
}

func (f *fixture) apply(t testing.TB, messages ...outbox.Message) {
	t.Helper()
	if err := f.Service.apply(t.Context(), messages); err != nil {
		t.Fatal(err)
	}
}

// happens applies events in one message, a millisecond after the one before.
func (f *fixture) happens(t testing.TB, all ...*event.Event) {
	t.Helper()
	f.apply(t, f.message(t, all...))
}

func (f *fixture) message(t testing.TB, all ...*event.Event) outbox.Message {
	t.Helper()
	f.at++
	for _, e := range all {
		e.AtMs = f.at
	}
	messages, err := events.Messages("test", all...)
	if err != nil || len(messages) != 1 {
		t.Fatalf("%d messages, %v", len(messages), err)
	}
	f.seq++
	messages[0].Seq = f.seq
	return messages[0]
}

// like is an event: users like a video, at once, from the present time of the fixture on.
func (f *fixture) like(video, author int64, liked bool, users ...int64) *event.Event {
	likes := make([]*event.Like, len(users))
	for i, u := range users {
		likes[i] = &event.Like{UserId: u, Liked: liked}
		if liked {
			likes[i].AtMs = f.at + 1
		}
	}
	return &event.Event{VideoLikes: &event.VideoLikes{VideoId: video, AuthorId: author, Likes: likes}}
}

func (f *fixture) follow(user, to int64, following bool) *event.Event {
	c := &event.FollowChanged{UserId: user, ToUserId: to, Following: following}
	if following {
		c.AtMs = f.at + 1
	}
	return &event.Event{FollowChanged: c}
}

// page reads a page of a user's notices.
func (f *fixture) page(t testing.TB, user int64, limit int32, cursor string) *notice.ListNoticesResponse {
	t.Helper()
	r, err := f.rpc.ListNotices(t.Context(), &notice.ListNoticesRequest{UserId: user, Page: &common.Page{Limit: limit, Cursor: cursor}})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (f *fixture) list(t testing.TB, user int64) []*notice.Notice {
	t.Helper()
	return f.page(t, user, 0, "").Notices
}

func (f *fixture) unreadOf(t testing.TB, user int64) int32 {
	t.Helper()
	r, err := f.rpc.CountUnread(t.Context(), &notice.CountUnreadRequest{UserId: user})
	if err != nil {
		t.Fatal(err)
	}
	return r.Notices
}

func (f *fixture) markRead(t testing.TB, user, until int64) {
	t.Helper()
	if _, err := f.rpc.MarkRead(t.Context(), &notice.MarkReadRequest{UserId: user, UntilMs: until}); err != nil {
		t.Fatal(err)
	}
}

func (f *fixture) mute(t testing.TB, user int64, kinds ...notice.Kind) {
	t.Helper()
	if _, err := f.rpc.SetPreferences(t.Context(), &notice.SetPreferencesRequest{UserId: user, Muted: kinds}); err != nil {
		t.Fatal(err)
	}
}

// brokenCache is a store that is away.
type brokenCache struct{}

var errAway = errors.New("away")

func (brokenCache) MGet(context.Context, []string) ([][]byte, error) { return nil, errAway }
func (brokenCache) Set(context.Context, []kv.Item) error             { return errAway }
func (brokenCache) Delete(context.Context, []string) error           { return errAway }
func (brokenCache) Ping(context.Context) error                       { return errAway }
func (brokenCache) Close() error                                     { return nil }

func asJSON(t *testing.T, hints ...notice.Hint) []string {
	t.Helper()
	var out []string
	for _, h := range hints {
		b, err := json.Marshal(h)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, strings.TrimSpace(string(b)))
	}
	slices.Sort(out)
	return out
}
