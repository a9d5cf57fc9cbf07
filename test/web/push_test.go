package web_test

import (
	"crypto/ecdh"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"

	cdbrowser "github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/serviceworker"
	"github.com/chromedp/chromedp"

	"tiktok/test/harness"
)

// allowNotifications answers the browser's question for the person.
func (p *page) allowNotifications() {
	p.t.Helper()
	params := cdbrowser.SetPermissionParams{
		Permission: &cdbrowser.PermissionDescriptor{Name: "notifications"}, Setting: "granted", Origin: p.b.d.URL(),
		BrowserContextID: chromedp.FromContext(p.ctx).BrowserContextID,
	}
	if _, err := chromedp.Call(p.ctx, cdbrowser.SetPermission, params); err != nil {
		p.t.Fatal(err)
	}
}

// registration is that of the page's service worker.
func (p *page) registration() (id serviceworker.RegistrationID) {
	p.t.Helper()
	if _, err := chromedp.Call(p.ctx, serviceworker.Enable, cdp.Empty{}); err != nil {
		p.t.Fatal(err)
	}
	p.eventually(func(ctx) error {
		p.mu.Lock()
		defer p.mu.Unlock()
		if id = p.worker; id == "" {
			return errors.New("no service worker is registered")
		}
		return nil
	})
	return id
}

// shown waits for a notification, and returns its title and text.
func (p *page) shown() (title, body string) {
	p.t.Helper()
	p.eventually(func(c ctx) error {
		all, err := chromedp.Run(c, chromedp.Evaluate[[]struct{ Title, Body string }](
			`navigator.serviceWorker.ready.then((r) => r.getNotifications()).then((all) => all.map((n) => ({title: n.title, body: n.body})))`,
			chromedp.EvalAwaitPromise))
		if err == nil && len(all) == 0 {
			err = errors.New("no notification")
		}
		if err == nil {
			title, body = all[0].Title, all[0].Body
		}
		return err
	})
	return title, body
}

// TestWorker pushes to the service worker while no page of the client is open: it reads what is new, and says so in the language in which
// it was registered.
func TestWorker(t *testing.T) {
	b := startBrowser(t, harness.AllInOne(t, harness.WithoutLimits()))
	author := clips(t, b.d, "moss")
	ann := b.d.NewUser(t)
	video := author.Published(t, author.ID)[0]
	for _, v := range []view{desktop("en"), desktop("zh")} {
		t.Run(v.language, func(t *testing.T) {
			p := b.open(t, v)
			p.allowNotifications()
			p.enter(author)
			eval[bool](p, `navigator.serviceWorker.register("/sw.js?lang=`+v.language+`")
				.then(() => navigator.serviceWorker.ready).then(() => true)`)
			id := p.registration()
			p.leave()
			ann.Like(t, video.ID)
			ann.Send(t, author.ID, "are you <b>there</b>?")
			params := serviceworker.DeliverPushMessageParams{Origin: b.d.URL(), RegistrationID: id, Data: `{"kind":"message"}`}
			if _, err := chromedp.Call(p.ctx, serviceworker.DeliverPushMessage, params); err != nil {
				t.Fatal(err)
			}
			p.visit("/settings")
			if title, body := p.shown(); title != ann.Name || body != "are you <b>there</b>?" {
				t.Errorf("shown is %q: %q", title, body)
			}
			p.check()
		})
	}
}

// TestSubscribe turns notifications on in the settings, and logs out. The service of the browser's maker is not there: the test gives the
// subscription.
func TestSubscribe(t *testing.T) {
	server, client := newKey(t), newKey(t)
	each(t, func(t *testing.T, b *browser) {
		p := b.open(t, desktop("en"))
		p.allowNotifications()
		p.before(fmt.Sprintf(`(() => {
			const subscription = {
				endpoint: "https://push.example.com/send/1",
				toJSON: () => ({endpoint: "https://push.example.com/send/1", keys: {p256dh: %q, auth: "tBHItJI5svbpez7KI4CCXg"}}),
				unsubscribe: async () => localStorage.removeItem("given") ?? true,
			};
			PushManager.prototype.subscribe = async (options) => {
				localStorage.setItem("given", options.applicationServerKey);
				return subscription;
			};
			PushManager.prototype.getSubscription = async () => localStorage.getItem("given") ? subscription : null;
		})()`, public(client)))
		p.enter(b.d.NewUser(t))
		p.visit("/settings")
		name := "^" + p.text("settings.push")
		p.click("field", name)
		p.until(`Number(localStorage.getItem("push")) > 0`)
		if given := eval[string](p, `localStorage.getItem("given")`); given != public(server) {
			t.Errorf("the browser is given the key %s, want %s", given, public(server))
		}
		worker := `navigator.serviceWorker.getRegistration("/").then((r) => r?.active?.scriptURL ?? "")`
		if url := eval[string](p, worker); url != b.d.URL()+"/sw.js?lang=en" {
			t.Errorf("the service worker is %q", url)
		}
		p.reload()
		p.until(`document.querySelector(".settings-push .switch")?.checked`)
		p.click("button", p.named("nav.logout"))
		p.at("/")
		p.until(`localStorage.getItem("push") === null && localStorage.getItem("given") === null`)
		if url := eval[string](p, worker); url != "" {
			t.Errorf("the service worker is there after the logout: %q", url)
		}
		if !p.asked("/api/v1/push/subscriptions/") {
			t.Error("the server was not told")
		}
		p.check()
	}, harness.Set("push.private_key", base64.RawURLEncoding.EncodeToString(server.Bytes())),
		harness.Set("push.subject", "mailto:push@example.com"))
}

func newKey(t *testing.T) *ecdh.PrivateKey {
	t.Helper()
	key, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func public(key *ecdh.PrivateKey) string {
	return base64.RawURLEncoding.EncodeToString(key.PublicKey().Bytes())
}

// asked reports whether the tab has sent a request to a URL with that part.
func (p *page) asked(part string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, url := range p.urls {
		if strings.Contains(url, part) {
			return true
		}
	}
	return false
}
