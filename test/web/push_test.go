package web_test

import (
	"errors"
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
