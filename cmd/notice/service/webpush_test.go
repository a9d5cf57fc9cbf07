package service

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/cloudwego/kitex/client/callopt"
	"github.com/google/go-cmp/cmp"

	"tiktok/cmd/notice/dal/db"
	"tiktok/cmd/notice/webpush"
	"tiktok/kitex_gen/event"
	"tiktok/kitex_gen/notice"
	"tiktok/kitex_gen/user"
	"tiktok/kitex_gen/user/userservice"
	"tiktok/pkg/errno"
	"tiktok/pkg/id"
	"tiktok/pkg/sqldb"
	"tiktok/pkg/sqldb/sqldbtest"
	"tiktok/pkg/telemetry"
	push "tiktok/pkg/webpush"
	"tiktok/pkg/webpush/webpushtest"
)

// noSessionEnds is a user service of which only the sessions are asked.
type noSessionEnds struct{ userservice.Client }

func (noSessionEnds) ListRevoked(
	context.Context, *user.ListRevokedRequest, ...callopt.Option,
) (*user.ListRevokedResponse, error) {
	return &user.ListRevokedResponse{NextCursor: "x"}, nil
}

// withBrowsers makes a fixture push, to a push service of the test's own.
func (f *fixture) withBrowsers(t *testing.T) *webpushtest.Service {
	t.Helper()
	service := webpushtest.New(t)
	key, err := push.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	sender, err := push.New(push.Config{
		PrivateKey: key, Subject: "mailto:ops@example.com", Pause: time.Second, TTL: time.Hour, PrivateOrigins: []string{service.URL},
	})
	if err != nil {
		t.Fatal(err)
	}
	f.browsers = webpush.New(webpush.Deps{
		Store: f.store, Sender: sender, Users: noSessionEnds{}, IDs: f.ids, Tel: telemetry.Discard(), Pause: 10 * time.Millisecond,
		SessionTTL: time.Hour, Gather: 200 * time.Millisecond,
	})
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { _ = f.browsers.Run(ctx); close(ended) }()
	t.Cleanup(func() { stop(); <-ended; _ = sender.Close() })
	return service
}

func (f *fixture) subscribe(t *testing.T, userID int64, b *webpushtest.Browser) int64 {
	t.Helper()
	r, err := f.rpc.Subscribe(t.Context(), &notice.SubscribeRequest{
		UserId: userID, SessionId: id.At(time.Now()),
		Subscription: &notice.Subscription{Endpoint: b.Endpoint, P256dh: b.P256dh, Auth: b.Auth},
	})
	if err != nil {
		t.Fatal(err)
	}
	return r.SubscriptionId
}

// wantPushes waits until a browser has got these bodies, in any order.
func wantPushes(t *testing.T, b *webpushtest.Browser, want ...string) {
	t.Helper()
	slices.Sort(want)
	var diff string
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); <-time.After(10 * time.Millisecond) {
		var got []string
		for _, p := range b.Pushes() {
			got = append(got, p.Body)
		}
		slices.Sort(got)
		if diff = cmp.Diff(want, got); diff == "" {
			return
		}
	}
	t.Fatal(diff)
}

// What happens reaches the browsers of those whom it concerns: what is new, once, whatever is told again, and not what they have read or do
// not want.
func TestBrowsersAreTold(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		service := f.withBrowsers(t)
		ann, bob := service.NewBrowser(), service.NewBrowser()
		f.subscribe(t, author, ann)
		f.subscribe(t, other, bob)
		like := f.message(t, &event.Event{VideoLikes: &event.VideoLikes{
			VideoId: aVideoID, AuthorId: author, Likes: []*event.Like{{UserId: other, Liked: true, AtMs: 1000}},
		}})
		f.apply(t, like)
		f.apply(t, like) // comes again
		f.happens(t, of(comment(rootID, other, 0, 0)), &event.Event{MessageSent: &event.MessageSent{FromUserId: author, ToUserId: other}})
		wantPushes(t, ann, `{"kind":"like","count":1,"user_id":3,"video_id":100}`, `{"kind":"comment","count":1,"user_id":3,"video_id":100}`)
		wantPushes(t, bob, `{"kind":"message","count":1,"user_id":1}`)

		// Read at once: what is left is told.
		f.happens(t, &event.Event{MessageSent: &event.MessageSent{FromUserId: author, ToUserId: other}},
			&event.Event{ConversationRead: &event.ConversationRead{UserId: other, PeerId: author}})
		f.happens(t, &event.Event{FollowChanged: &event.FollowChanged{UserId: other, ToUserId: author, Following: true, AtMs: 5}})
		if _, err := f.rpc.MarkRead(t.Context(), &notice.MarkReadRequest{UserId: author, UntilMs: time.Now().UnixMilli()}); err != nil {
			t.Fatal(err)
		}
		f.happens(t, of(comment(replyID, other, 0, 0)),
			&event.Event{FollowChanged: &event.FollowChanged{UserId: author, ToUserId: other, Following: true, AtMs: 5}})
		wantPushes(t, ann, `{"kind":"like","count":1,"user_id":3,"video_id":100}`, `{"kind":"comment","count":1,"user_id":3,"video_id":100}`,
			`{"kind":"comment","count":1,"user_id":3,"video_id":100}`)
		wantPushes(t, bob, `{"kind":"message","count":1,"user_id":1}`, `{"kind":"follow","count":1,"user_id":1}`)
	})
}

func TestPushCalls(t *testing.T) {
	off := onSQLite(t, options{})
	key, err := off.rpc.GetPushKey(t.Context(), &notice.GetPushKeyRequest{})
	if err != nil || key.PublicKey != "" {
		t.Errorf("switched off: %v, %v", key, err)
	}
	_, err = off.rpc.Subscribe(t.Context(), &notice.SubscribeRequest{UserId: 1, SessionId: 1, Subscription: &notice.Subscription{}})
	if !errors.Is(errno.From(err), errno.PushUnavailable) {
		t.Errorf("switched off: %v", err)
	}
	sqldbtest.Each(t, Name, db.Migrations(), func(t *testing.T, sql *sqldb.DB) {
		f := on(t, sql, options{})
		service := f.withBrowsers(t)
		key, err := f.rpc.GetPushKey(t.Context(), &notice.GetPushKeyRequest{})
		if err != nil || len(key.PublicKey) != 87 {
			t.Errorf("%v, %v", key, err)
		}
		b := service.NewBrowser()
		stored := f.subscribe(t, author, b)
		for _, req := range []*notice.UnsubscribeRequest{{UserId: 0, SubscriptionId: stored}, {UserId: author}} {
			if _, err := f.rpc.Unsubscribe(t.Context(), req); !errors.Is(errno.From(err), errno.InvalidArgument) {
				t.Errorf("%v: %v", req, err)
			}
		}
		if _, err := f.rpc.Unsubscribe(t.Context(), &notice.UnsubscribeRequest{UserId: other, SubscriptionId: stored}); err != nil {
			t.Error(err)
		}
		f.happens(t, &event.Event{MessageSent: &event.MessageSent{FromUserId: other, ToUserId: author}})
		wantPushes(t, b, `{"kind":"message","count":1,"user_id":3}`)
		for range 2 {
			if _, err := f.rpc.Unsubscribe(t.Context(), &notice.UnsubscribeRequest{UserId: author, SubscriptionId: stored}); err != nil {
				t.Error(err)
			}
		}
		if left, err := f.store.Subscriptions(t.Context(), []int64{author}); err != nil || len(left) != 0 {
			t.Errorf("%v, %v", left, err)
		}
		if _, err := f.rpc.Subscribe(t.Context(), &notice.SubscribeRequest{UserId: author, SessionId: 1}); !errors.Is(errno.From(err),
			errno.InvalidArgument) {
			t.Errorf("nothing to subscribe: %v", err)
		}
	})
}
