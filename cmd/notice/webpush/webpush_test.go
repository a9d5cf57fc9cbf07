package webpush_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cloudwego/kitex/client/callopt"
	"github.com/google/go-cmp/cmp"

	"tiktok/cmd/notice/dal/db"
	"tiktok/cmd/notice/webpush"
	"tiktok/kitex_gen/notice"
	"tiktok/kitex_gen/user"
	"tiktok/kitex_gen/user/userservice"
	"tiktok/pkg/errno"
	"tiktok/pkg/id"
	"tiktok/pkg/id/idtest"
	"tiktok/pkg/sqldb"
	"tiktok/pkg/sqldb/sqldbtest"
	"tiktok/pkg/telemetry"
	push "tiktok/pkg/webpush"
	"tiktok/pkg/webpush/webpushtest"
)

// fakeUsers knows which sessions have ended.
type fakeUsers struct {
	userservice.Client
	mu      sync.Mutex
	revoked []*user.Revocation
	err     error
	polls   int
}

func (f *fakeUsers) ListRevoked(_ context.Context, req *user.ListRevokedRequest, _ ...callopt.Option) (*user.ListRevokedResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.polls++
	if f.err != nil {
		return nil, f.err
	}
	at := 0
	if _, err := fmt.Sscanf(req.Cursor, "%d", &at); err != nil && req.Cursor != "" {
		return nil, errno.InvalidArgument
	}
	end := min(at+2, len(f.revoked)) // several pages
	return &user.ListRevokedResponse{Revocations: f.revoked[at:end], NextCursor: fmt.Sprint(end), More: end < len(f.revoked)}, nil
}

func (f *fakeUsers) end(userID int64, sessions ...int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, s := range sessions {
		f.revoked = append(f.revoked, &user.Revocation{UserId: userID, SessionId: s, RevokedAtMs: time.Now().UnixMilli()})
	}
}

type fixture struct {
	*webpush.Pusher
	store   *db.Store
	users   *fakeUsers
	service *webpushtest.Service
	ids     *id.Generator
	tel     *telemetry.Telemetry
}

type options struct {
	pause, retry time.Duration
	off          bool
	stopped      bool
}

func on(t *testing.T, sql *sqldb.DB, o options) *fixture {
	t.Helper()
	f := &fixture{store: db.New(sql), users: &fakeUsers{}, service: webpushtest.New(t), ids: id.New(0), tel: telemetry.Discard()}
	if o.pause == 0 {
		o.pause = 50 * time.Millisecond
	}
	if o.retry == 0 {
		o.retry = 20 * time.Millisecond
	}
	var sender *push.Sender
	if !o.off {
		key, err := push.NewKey()
		if err != nil {
			t.Fatal(err)
		}
		sender, err = push.New(push.Config{
			PrivateKey: key, Subject: "mailto:ops@example.com", Pause: time.Minute, TTL: time.Hour, PrivateOrigins: []string{f.service.URL},
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = sender.Close() })
	}
	f.Pusher = webpush.New(webpush.Deps{
		Store: f.store, Sender: sender, Users: f.users, IDs: f.ids, Tel: f.tel, Pause: o.pause, SessionTTL: time.Hour,
		Gather: time.Millisecond, Retry: o.retry,
	})
	if !o.stopped {
		f.run(t)
	}
	return f
}

// run runs it until the test ends.
func (f *fixture) run(t *testing.T) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- f.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

func (f *fixture) subscribe(t *testing.T, userID, session int64, b *webpushtest.Browser) int64 {
	t.Helper()
	id, err := f.Subscribe(t.Context(), userID, session, push.Subscription{Endpoint: b.Endpoint, P256dh: b.P256dh, Auth: b.Auth})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// browser is a new browser of a user, in a session of its own.
func (f *fixture) browser(t *testing.T, userID int64) *webpushtest.Browser {
	t.Helper()
	b := f.service.NewBrowser()
	f.subscribe(t, userID, idtest.Next(f.ids), b)
	return b
}

// eventually waits until check finds nothing wrong.
func eventually(t *testing.T, check func() error) {
	t.Helper()
	deadline, err := time.Now().Add(20*time.Second), error(nil)
	for time.Now().Before(deadline) {
		if err = check(); err == nil {
			return
		}
		<-time.After(5 * time.Millisecond)
	}
	t.Fatal(err)
}

// metric is a counter by the value of its label.
func (f *fixture) metric(t *testing.T, name, label string) float64 {
	t.Helper()
	families, err := f.tel.Registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		for _, m := range family.GetMetric() {
			if family.GetName() == name && m.GetLabel()[0].GetValue() == label {
				return m.GetCounter().GetValue()
			}
		}
	}
	return 0
}

func (f *fixture) sends(t *testing.T, result string) float64 {
	t.Helper()
	return f.metric(t, "tiktok_webpush_sends_total", result)
}

func bodies(b *webpushtest.Browser) (out []string) {
	for _, p := range b.Pushes() {
		out = append(out, p.Body)
	}
	return out
}

func (f *fixture) wantBodies(t *testing.T, b *webpushtest.Browser, want ...string) {
	t.Helper()
	eventually(t, func() error {
		if diff := cmp.Diff(want, bodies(b)); diff != "" {
			return errors.New(diff)
		}
		return nil
	})
}

func (f *fixture) stored(t *testing.T, userIDs ...int64) (ids []int64) {
	t.Helper()
	all, err := f.store.Subscriptions(t.Context(), userIDs)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range all {
		ids = append(ids, s.ID)
	}
	return ids
}

// Every browser of a user is told, with the right headers; others are not. What happened together is told together.
func TestPushes(t *testing.T) {
	sqldbtest.Each(t, "notice", db.Migrations(), func(t *testing.T, sql *sqldb.DB) {
		f := on(t, sql, options{})
		phone, laptop, other := f.browser(t, 1), f.browser(t, 1), f.browser(t, 2)
		f.Tell([]webpush.Event{
			{UserID: 1, Kind: webpush.Message, ActorID: 5}, {UserID: 1, Kind: webpush.Message, ActorID: 5}, {UserID: 3, Kind: "like", ActorID: 5},
		})
		for _, b := range []*webpushtest.Browser{phone, laptop} {
			f.wantBodies(t, b, `{"kind":"message","count":2,"user_id":5}`)
			p := b.Pushes()[0]
			if p.Topic != "message" || p.Urgency != "normal" || p.TTL != 3600 || p.Key != f.PublicKey() || p.Subject != "mailto:ops@example.com" {
				t.Errorf("%+v", p)
			}
		}
		f.Tell([]webpush.Event{{UserID: 2, Kind: "like", ActorID: 5, VideoID: 9}, {UserID: 2, Kind: "like", ActorID: 6, VideoID: 9}})
		f.wantBodies(t, other, `{"kind":"like","count":2,"video_id":9}`)
		if p := other.Pushes()[0]; p.Topic != "like" || p.Urgency != "low" {
			t.Errorf("%+v", p)
		}
		if got := bodies(phone); len(got) != 1 {
			t.Errorf("the phone got %q", got)
		}
	})
}

// Within the pause there is one push of a kind at its beginning, and one at its end with all that came meanwhile.
func TestPushesAreFew(t *testing.T) {
	f := on(t, sqldbtest.SQLite(t, "notice", db.Migrations()), options{pause: 1500 * time.Millisecond})
	b := f.browser(t, 1)
	like := func(actor int64) {
		f.Tell([]webpush.Event{{UserID: 1, Kind: "like", ActorID: actor, VideoID: 7}})
	}
	like(1)
	f.wantBodies(t, b, `{"kind":"like","count":1,"user_id":1,"video_id":7}`)
	first := time.Now()
	for actor := range int64(500) {
		like(2 + actor)
	}
	f.Tell([]webpush.Event{{UserID: 1, Kind: "comment", ActorID: 3, VideoID: 7}}) // another kind does not wait
	eventually(t, func() error {
		if got := bodies(b); len(got) < 2 || got[1] != `{"kind":"comment","count":1,"user_id":3,"video_id":7}` {
			return fmt.Errorf("%q", got)
		}
		return nil
	})
	eventually(t, func() error {
		if got := bodies(b); len(got) != 3 || got[2] != `{"kind":"like","count":500,"video_id":7}` {
			return fmt.Errorf("%q", got)
		}
		return nil
	})
	if waited := time.Since(first); waited < time.Second {
		t.Errorf("the second push came after %v", waited)
	}
	// What was read meanwhile is not told.
	like(9)
	f.Tell([]webpush.Event{{UserID: 1, Kind: webpush.Message, ActorID: 3}, {UserID: 1, Kind: "comment", ActorID: 4}})
	f.Forget(1)
	f.wantLast(t, b, `{"kind":"message","count":1,"user_id":3}`)
	f.Tell([]webpush.Event{{UserID: 1, Kind: webpush.Message, ActorID: 3}, {UserID: 1, Kind: "upload", VideoID: 3}})
	f.Forget(1, webpush.Message)
	f.wantLast(t, b, `{"kind":"upload","count":1,"video_id":3}`)
}

func (f *fixture) wantLast(t *testing.T, b *webpushtest.Browser, want string) {
	t.Helper()
	eventually(t, func() error {
		if got := bodies(b); got[len(got)-1] != want {
			return fmt.Errorf("the last one is %q, want %q", got[len(got)-1], want)
		}
		return nil
	})
}

func TestMutedKindsAreNotPushed(t *testing.T) {
	sqldbtest.Each(t, "notice", db.Migrations(), func(t *testing.T, sql *sqldb.DB) {
		f := on(t, sql, options{})
		b := f.browser(t, 1)
		muted := 1<<int(notice.Kind_LIKE) | 1<<int(notice.Kind_FOLLOW)
		if err := sql.Write.Exec("INSERT INTO notice_readers (user_id, seen_ms, muted) VALUES (1, 0, ?)", muted).Error; err != nil {
			t.Fatal(err)
		}
		f.Tell([]webpush.Event{
			{UserID: 1, Kind: "like", ActorID: 2}, {UserID: 1, Kind: "follow", ActorID: 2}, {UserID: 1, Kind: "comment", ActorID: 2},
		})
		f.wantBodies(t, b, `{"kind":"comment","count":1,"user_id":2}`)
	})
}

// A subscription that has ended is removed, and one that was made again meanwhile is not.
func TestGone(t *testing.T) {
	sqldbtest.Each(t, "notice", db.Migrations(), func(t *testing.T, sql *sqldb.DB) {
		f := on(t, sql, options{})
		for _, code := range []int{http.StatusNotFound, http.StatusGone} {
			b, stays := f.browser(t, 1), f.browser(t, 1)
			b.Answer(func(w http.ResponseWriter) { w.WriteHeader(code) })
			f.Tell([]webpush.Event{{UserID: 1, Kind: "reply", ActorID: 2}})
			eventually(t, func() error {
				if n := len(f.stored(t, 1)); n != 1 {
					return fmt.Errorf("%d: %d subscriptions", code, n)
				}
				return nil
			})
			f.wantBodies(t, stays, `{"kind":"reply","count":1,"user_id":2}`)
			if b.Tries() != 1 {
				t.Errorf("%d was tried %d times", code, b.Tries())
			}
			if err := f.store.Unsubscribe(t.Context(), 1, f.stored(t, 1)[0]); err != nil {
				t.Fatal(err)
			}
		}
		old := db.Subscription{ID: 77, UserID: 5, SessionID: idtest.Next(f.ids), Endpoint: "https://push.example.com/x", CreatedAtMs: 1}
		newer := old
		newer.ID, newer.CreatedAtMs = 78, 2
		for _, s := range []db.Subscription{old, newer} {
			if id, err := f.store.Subscribe(t.Context(), s); err != nil || id != 77 {
				t.Fatal(id, err)
			}
		}
		if err := f.store.RemoveSubscriptions(t.Context(), []db.Subscription{old}); err != nil || len(f.stored(t, 5)) != 1 {
			t.Errorf("the renewed one is gone, %v", err)
		}
	})
}

// A push service in trouble is asked again, later and later, and then no more; others do not wait for it.
func TestRetries(t *testing.T) {
	f := on(t, sqldbtest.SQLite(t, "notice", db.Migrations()), options{})
	for _, code := range []int{http.StatusTooManyRequests, http.StatusServiceUnavailable} {
		recovers, never := f.browser(t, int64(code)), f.browser(t, int64(code)+1000)
		var failures sync.Once
		recovers.Answer(func(w http.ResponseWriter) {
			answered := http.StatusCreated
			failures.Do(func() { answered = code })
			w.WriteHeader(answered)
		})
		never.Answer(func(w http.ResponseWriter) { w.WriteHeader(code) })
		before := f.sends(t, "failed")
		f.Tell([]webpush.Event{{UserID: int64(code), Kind: "reply"}, {UserID: int64(code) + 1000, Kind: "reply"}})
		f.wantBodies(t, recovers, `{"kind":"reply","count":1}`)
		eventually(t, func() error {
			if failed := f.sends(t, "failed"); failed != before+1 {
				return fmt.Errorf("%v given up", failed)
			}
			return nil
		})
		if never.Tries() != 4 || recovers.Tries() != 2 {
			t.Errorf("%d: tried %d and %d times", code, never.Tries(), recovers.Tries())
		}
		if n := len(f.stored(t, int64(code)+1000)); n != 1 {
			t.Errorf("%d: %d subscriptions", code, n)
		}
	}
	// One that refuses is not asked again.
	refused := f.browser(t, 9)
	refused.Answer(func(w http.ResponseWriter) { w.WriteHeader(http.StatusForbidden) })
	f.Tell([]webpush.Event{{UserID: 9, Kind: "reply"}})
	eventually(t, func() error {
		if n := f.sends(t, "refused"); n != 1 {
			return fmt.Errorf("%v refused", n)
		}
		return nil
	})
	if refused.Tries() != 1 {
		t.Errorf("tried %d times", refused.Tries())
	}
}

// A storm for people with and without browsers, at a push service that hangs, is bounded in what waits and in what is under way, and Tell
// does not wait.
func TestStorm(t *testing.T) {
	f := on(t, sqldbtest.SQLite(t, "notice", db.Migrations()), options{pause: time.Hour})
	hang := make(chan struct{})
	for user := int64(1); user <= 60; user++ {
		f.browser(t, user).Answer(func(w http.ResponseWriter) {
			<-hang
			w.WriteHeader(http.StatusCreated)
		})
	}
	began := time.Now()
	var events []webpush.Event
	for n := range int64(30_000) {
		events = append(events, webpush.Event{UserID: 1 + n%15_000, Kind: "like", ActorID: n})
	}
	for range 20 {
		f.Tell(events)
	}
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("telling took %v", took)
	}
	eventually(t, func() error {
		if _, most := f.service.Requests(); most < 16 {
			return fmt.Errorf("%d under way", most)
		}
		return nil
	})
	if n := f.metric(t, "tiktok_webpush_dropped_total", "full"); n == 0 {
		t.Error("nothing was dropped")
	}
	close(hang)
	eventually(t, func() error {
		if requests, _ := f.service.Requests(); requests != 60 {
			return fmt.Errorf("%d requests", requests)
		}
		return nil
	})
	if _, most := f.service.Requests(); most > 16 {
		t.Errorf("%d at once", most)
	}
}

// Who has logged out is not told any more: what ended before, while and after the subscription was made.
func TestEndedSessions(t *testing.T) {
	sqldbtest.Each(t, "notice", db.Migrations(), func(t *testing.T, sql *sqldb.DB) {
		f := on(t, sql, options{stopped: true})
		before, after, stays, other := idtest.Next(f.ids), idtest.Next(f.ids), idtest.Next(f.ids), idtest.Next(f.ids)
		browsers := map[int64]*webpushtest.Browser{}
		for _, session := range []int64{before, after, stays} {
			browsers[session] = f.service.NewBrowser()
			f.subscribe(t, 1, session, browsers[session])
		}
		f.users.end(1, before)
		f.users.end(7, other)
		f.run(t)
		wantStored := func(want int) {
			t.Helper()
			eventually(t, func() error {
				if n := len(f.stored(t, 1)); n != want {
					return fmt.Errorf("%d subscriptions, want %d", n, want)
				}
				return nil
			})
		}
		wantStored(2)
		f.users.end(1, after, 0)
		wantStored(1)
		// The gateway has not heard of it yet.
		b := browsers[after]
		_, err := f.Subscribe(t.Context(), 1, after, push.Subscription{Endpoint: b.Endpoint, P256dh: b.P256dh, Auth: b.Auth})
		if !errors.Is(err, errno.Unauthenticated) || len(f.stored(t, 1)) != 1 {
			t.Errorf("%v, %d subscriptions", err, len(f.stored(t, 1)))
		}
		f.Tell([]webpush.Event{{UserID: 1, Kind: "reply", ActorID: 2}})
		f.wantBodies(t, browsers[stays], `{"kind":"reply","count":1,"user_id":2}`)
		if browsers[before].Tries()+browsers[after].Tries() != 0 {
			t.Error("a session that has ended was told")
		}
		// A session that is too old has ended, too.
		old := f.service.NewBrowser()
		_, err = f.store.Subscribe(t.Context(), db.Subscription{
			ID: idtest.Next(f.ids), UserID: 1, SessionID: id.At(time.Now().Add(-2 * time.Hour)), Endpoint: old.Endpoint, P256dh: old.P256dh,
			Auth: old.Auth, CreatedAtMs: 1,
		})
		if err != nil {
			t.Fatal(err)
		}
		f.Tell([]webpush.Event{{UserID: 1, Kind: "comment", ActorID: 2}})
		f.wantLast(t, browsers[stays], `{"kind":"comment","count":1,"user_id":2}`)
		wantStored(1)
		if old.Tries() != 0 {
			t.Error("a session that is too old was told")
		}
	})
}

// The user service may be away, or be of another version.
func TestEndedSessionsLater(t *testing.T) {
	f := on(t, sqldbtest.SQLite(t, "notice", db.Migrations()), options{stopped: true})
	f.users.err = errno.Unavailable
	session := idtest.Next(f.ids)
	f.subscribe(t, 1, session, f.service.NewBrowser())
	f.users.end(1, session)
	f.run(t)
	eventually(t, func() error {
		f.users.mu.Lock()
		defer f.users.mu.Unlock()
		if f.users.polls < 2 {
			return errors.New("nobody has asked twice")
		}
		return nil
	})
	if len(f.stored(t, 1)) != 1 {
		t.Error("the subscription is gone although nothing is known")
	}
	f.users.mu.Lock()
	f.users.err = nil
	f.users.mu.Unlock()
	eventually(t, func() error {
		if n := len(f.stored(t, 1)); n != 0 {
			return fmt.Errorf("%d subscriptions", n)
		}
		return nil
	})
}

// A browser belongs to the one who has subscribed with it last, and keeps its id.
func TestSubscribe(t *testing.T) {
	sqldbtest.Each(t, "notice", db.Migrations(), func(t *testing.T, sql *sqldb.DB) {
		f := on(t, sql, options{stopped: true})
		b := f.service.NewBrowser()
		first := f.subscribe(t, 1, idtest.Next(f.ids), b)
		if again := f.subscribe(t, 1, idtest.Next(f.ids), b); again != first {
			t.Errorf("it was %d and is %d", first, again)
		}
		if other := f.subscribe(t, 2, idtest.Next(f.ids), b); other != first || len(f.stored(t, 1)) != 0 || len(f.stored(t, 2)) != 1 {
			t.Errorf("it is %d, and user 1 has %v", other, f.stored(t, 1))
		}
		if err := f.store.Unsubscribe(t.Context(), 1, first); err != nil || len(f.stored(t, 2)) != 1 {
			t.Errorf("somebody else has removed it: %v", err)
		}
		for range 2 {
			if err := f.store.Unsubscribe(t.Context(), 2, first); err != nil || len(f.stored(t, 2)) != 0 {
				t.Errorf("it is there, %v", err)
			}
		}
		// The oldest above the bound leaves, also when many come at once.
		var wg sync.WaitGroup
		for range db.MaxSubscriptions + 5 {
			wg.Go(func() { f.subscribe(t, 3, idtest.Next(f.ids), f.service.NewBrowser()) })
		}
		wg.Wait()
		last := f.subscribe(t, 3, idtest.Next(f.ids), f.service.NewBrowser())
		if got := f.stored(t, 3); len(got) != db.MaxSubscriptions || !strings.Contains(fmt.Sprint(got), fmt.Sprint(last)) {
			t.Errorf("%d subscriptions, %v of them the last, %d", len(got), got, last)
		}
	})
}

func TestSubscribeRefusals(t *testing.T) {
	f := on(t, sqldbtest.SQLite(t, "notice", db.Migrations()), options{stopped: true})
	b, session := f.service.NewBrowser(), idtest.Next(f.ids)
	good := push.Subscription{Endpoint: b.Endpoint, P256dh: b.P256dh, Auth: b.Auth}
	for name, c := range map[string]struct {
		user, session int64
		change        func(s *push.Subscription)
	}{
		"nobody":      {0, session, func(*push.Subscription) {}},
		"no session":  {1, 0, func(*push.Subscription) {}},
		"an endpoint": {1, session, func(s *push.Subscription) { s.Endpoint = "https://10.0.0.1/x" }},
		"a key":       {1, session, func(s *push.Subscription) { s.P256dh = s.Auth }},
		"a secret":    {1, session, func(s *push.Subscription) { s.Auth = s.P256dh }},
	} {
		sub := good
		c.change(&sub)
		if _, err := f.Subscribe(t.Context(), c.user, c.session, sub); !errors.Is(err, errno.InvalidArgument) {
			t.Errorf("%s: %v", name, err)
		}
	}
	off := on(t, sqldbtest.SQLite(t, "notice", db.Migrations()), options{off: true})
	if _, err := off.Subscribe(t.Context(), 1, session, good); !errors.Is(err, errno.PushUnavailable) || off.PublicKey() != "" {
		t.Errorf("switched off: %v", err)
	}
	off.Tell([]webpush.Event{{UserID: 1, Kind: "like"}})
}

// Reading whose browsers to tell, and removing those of sessions, uses the index of users.
func TestPlans(t *testing.T) {
	sqldbtest.Each(t, "notice", db.Migrations(), func(t *testing.T, sql *sqldb.DB) {
		store := db.New(sql)
		for n := range int64(300) {
			_, err := store.Subscribe(t.Context(), db.Subscription{ID: n + 1, UserID: n, SessionID: n, Endpoint: fmt.Sprint("https://x/", n)})
			if err != nil {
				t.Fatal(err)
			}
		}
		for _, query := range []string{
			"SELECT * FROM push_subscriptions WHERE user_id IN (3, 4)",
			"SELECT * FROM push_subscriptions WHERE user_id IN (3, 4) AND session_id IN (5, 6)",
		} {
			if plan := sqldbtest.Explain(t, sql, query); !strings.Contains(plan, "push_subscriptions_user") {
				t.Errorf("%s: %s", query, plan)
			}
		}
	})
}

// The body is what the service worker reads: these names are a contract.
func TestPayload(t *testing.T) {
	f := on(t, sqldbtest.SQLite(t, "notice", db.Migrations()), options{})
	b := f.browser(t, 1)
	var events []webpush.Event
	want := map[string]bool{webpush.Message: true}
	events = append(events, webpush.Event{UserID: 1, Kind: webpush.Message, ActorID: 2})
	for kind := 1; webpush.KindOf(kind) != ""; kind++ {
		want[webpush.KindOf(kind)] = true
		events = append(events, webpush.Event{UserID: 1, Kind: webpush.KindOf(kind), ActorID: 2, VideoID: 3})
	}
	f.Tell(events)
	eventually(t, func() error {
		if n := len(b.Pushes()); n != len(want) {
			return fmt.Errorf("%d pushes, want %d", n, len(want))
		}
		return nil
	})
	for _, p := range b.Pushes() {
		var body map[string]any
		if err := json.Unmarshal([]byte(p.Body), &body); err != nil || !want[fmt.Sprint(body["kind"])] || body["count"] != 1.0 {
			t.Errorf("%s, %v", p.Body, err)
		}
	}
	if webpush.KindOf(0) != "" || webpush.KindOf(-1) != "" || webpush.KindOf(99) != "" {
		t.Error("a kind that there is not has a name")
	}
}
