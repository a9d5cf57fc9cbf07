package contract_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	v1 "tiktok/cmd/api/biz/model/v1"
	"tiktok/pkg/errno"
	"tiktok/pkg/webpush"
	"tiktok/pkg/webpush/webpushtest"
	"tiktok/test/harness"
)

// pushSettings switch Web Push on, with a push service of the test's own.
func pushSettings(t *testing.T) (*webpushtest.Service, []harness.Option) {
	t.Helper()
	service := webpushtest.New(t)
	key, err := webpush.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	return service, []harness.Option{
		harness.Set("push.private_key", key), harness.Set("push.subject", "mailto:ops@example.com"),
		harness.Set("push.pause", "1s"), harness.Set("push.private_origins", service.URL),
	}
}

func subscription(b *webpushtest.Browser) map[string]any {
	return map[string]any{"endpoint": b.Endpoint, "p256dh": b.P256dh, "auth": b.Auth}
}

// A browser subscribes, and moves to whoever logs in on it next. A login that ends takes its browsers with it.
func testV1Push(push *webpushtest.Service) func(t *testing.T, d *harness.Deployment, doc *v1Document) {
	return func(t *testing.T, d *harness.Deployment, doc *v1Document) {
		ann, bob := doc.register(t, d), doc.register(t, d)
		var key v1.PushKey
		ann.do(t, get, "/push", nil, 200, &key)
		if len(key.PublicKey) != 87 {
			t.Errorf("the key is %q", key.PublicKey)
		}
		doc.user(d, d.Visitor()).fails(t, get, "/push", nil, errno.Unauthenticated)
		browser := push.NewBrowser()
		var first, again v1.PushSubscription
		ann.do(t, post, "/push/subscriptions", subscription(browser), 201, &first)
		ann.do(t, post, "/push/subscriptions", subscription(browser), 201, &again)
		if first.ID <= 0 || again != first {
			t.Errorf("%+v, and again %+v", first, again)
		}
		bob.do(t, post, "/push/subscriptions", subscription(browser), 201, &again)
		bob.do(t, del, at("/push/subscriptions/%d", first.ID), nil, 204, nil)
		bob.do(t, del, at("/push/subscriptions/%d", first.ID), nil, 204, nil)
		bob.fails(t, del, "/push/subscriptions/x", nil, errno.InvalidArgument)
		for field, value := range map[string]any{
			"endpoint": "https://169.254.169.254/latest", "p256dh": "AAAA", "auth": strings.Repeat("A", 100),
		} {
			for _, v := range []any{value, "", 5} {
				body := subscription(browser)
				body[field] = v
				bob.fails(t, post, "/push/subscriptions", body, errno.InvalidArgument)
			}
			body := subscription(browser)
			delete(body, field)
			bob.fails(t, post, "/push/subscriptions", body, errno.InvalidArgument)
		}
	}
}

// What happens reaches a browser while no page is open, as long as its login lasts.
func testV1Pushed(push *webpushtest.Service) func(t *testing.T, d *harness.Deployment, doc *v1Document) {
	return func(t *testing.T, d *harness.Deployment, doc *v1Document) {
		ann, bob := doc.register(t, d), doc.register(t, d)
		phone, laptop := push.NewBrowser(), push.NewBrowser()
		other, _ := bob.login(t, v1Password)
		bob.do(t, post, "/push/subscriptions", subscription(phone), 201, nil)
		other.do(t, post, "/push/subscriptions", subscription(laptop), 201, nil)

		ann.do(t, post, at("/conversations/%d/messages", bob.id), map[string]any{"content": "hello"}, 201, nil)
		message := fmt.Sprintf(`{"kind":"message","count":1,"user_id":%d}`, ann.id)
		eventuallyPushed(t, phone, message)
		eventuallyPushed(t, laptop, message)

		bob.do(t, del, "/sessions/current", nil, 204, nil)
		bob.ended(t)
		ann.do(t, put, at("/users/%d/follow", bob.id), nil, 204, nil)
		follow := fmt.Sprintf(`{"kind":"follow","count":1,"user_id":%d}`, ann.id)
		eventuallyPushed(t, laptop, message, follow)
		eventuallyPushed(t, phone, message)
	}
}

// Without a key nothing is pushed, and that is said.
func testV1PushOff(t *testing.T, doc *v1Document) {
	d := harness.AllInOne(t, harness.WithoutLimits())
	ann := doc.register(t, d)
	var key v1.PushKey
	if ann.do(t, get, "/push", nil, 200, &key); key.PublicKey != "" {
		t.Errorf("the key is %q", key.PublicKey)
	}
	ann.fails(t, post, "/push/subscriptions", map[string]any{"endpoint": "https://push.example.com/1", "p256dh": "x", "auth": "y"},
		errno.PushUnavailable)
}

// eventuallyPushed waits until a browser has got these bodies.
func eventuallyPushed(t *testing.T, b *webpushtest.Browser, want ...string) {
	t.Helper()
	harness.Eventually(t, 20*time.Second, func() error {
		var got []string
		for _, p := range b.Pushes() {
			got = append(got, p.Body)
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			return fmt.Errorf("got %q, want %q", got, want)
		}
		return nil
	})
}
