package web_test

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	cdpage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/cdproto/serviceworker"
	"github.com/chromedp/chromedp"

	"tiktok/test/harness"
)

//go:embed testdata/page.js
var pageScript string

// page is a tab in a browser context of its own: nobody is logged in at the beginning. Errors on the console, exceptions,
// violations of the content security policy and requests of its own origin that fail, fail the test when it ends.
type page struct {
	t     testing.TB
	b     *browser
	view  view
	texts map[string]string
	ctx   context.Context //nolint:containedctx // chromedp keeps the tab in it

	mu       sync.Mutex
	problems []string
	// allowed are the statuses of answers that the test provokes; mayFail is set while the server is away.
	allowed []int64
	mayFail bool
	scripts map[network.RequestID]string // requests under way for scripts
	urls    map[network.RequestID]string
	bytes   map[string]float64 // what scripts took on the wire, by address
	streams int                // streams of hints that were opened
	worker  serviceworker.RegistrationID
}

// open opens an empty tab.
func (b *browser) open(t testing.TB, v view) *page {
	t.Helper()
	ctx, cancel := chromedp.NewContext(b.ctx, chromedp.WithNewBrowserContext())
	return b.tab(t, v, ctx, cancel)
}

// another opens one more tab for whoever uses the page.
func (p *page) another() (second *page, closeTab func()) {
	p.t.Helper()
	ctx, cancel := chromedp.NewContext(p.ctx)
	return p.b.tab(p.t, p.view, ctx, cancel), cancel
}

//nolint:revive // the context is that of the tab, not of the call
func (b *browser) tab(t testing.TB, v view, ctx context.Context, cancel func()) *page {
	t.Helper()
	p := &page{
		t: t, b: b, view: v, texts: texts(t, v.language), ctx: ctx,
		scripts: map[network.RequestID]string{}, urls: map[network.RequestID]string{}, bytes: map[string]float64{},
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("%v shows %s", v, p.eval("__page.state()"))
		}
		cancel()
		p.check()
	})
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("open a tab: %v", err)
	}
	if err := chromedp.Listen(ctx, p.note); err != nil {
		t.Fatal(err)
	}
	language := map[string]string{"en": "en-US", "zh": "zh-CN"}[v.language]
	scale, scheme := 1.0, "light"
	if v.phone {
		scale = 2
	}
	if v.dark {
		scheme = "dark"
	}
	p.before(pageScript)
	agent := eval[string](p, "navigator.userAgent")
	features := []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}
	_, err := chromedp.Call(ctx, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
		Width: v.width, Height: v.height, DeviceScaleFactor: scale, Mobile: v.phone,
	})
	_, err2 := chromedp.Call(ctx, emulation.SetUserAgentOverride,
		emulation.SetUserAgentOverrideParams{UserAgent: agent, AcceptLanguage: language})
	_, err3 := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: features})
	if err := errors.Join(err, err2, err3); err != nil {
		t.Fatal(err)
	}
	return p
}

// before runs a script in every document before its own.
func (p *page) before(script string) {
	p.t.Helper()
	params := cdpage.AddScriptToEvaluateOnNewDocumentParams{Source: script}
	if _, err := chromedp.Call(p.ctx, cdpage.AddScriptToEvaluateOnNewDocument, params); err != nil {
		p.t.Fatal(err)
	}
}

// leave leaves the client, which then plays and asks for nothing any more.
func (p *page) leave() {
	p.t.Helper()
	p.do(chromedp.Navigate("about:blank"))
}

// note is told what happens in the tab.
func (p *page) note(event any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError || e.Type == runtime.ConsoleAPICalledTypeWarning {
			var words []string
			for _, a := range e.Args {
				words = append(words, string(a.Value)+a.Description)
			}
			p.problem("console: %s", strings.Join(words, " "))
		}
	case *runtime.EventExceptionThrown:
		p.problem("exception: %s", exception(e.ExceptionDetails))
	case *log.EventEntryAdded:
		// Requests that fail are looked at below, with their statuses.
		if e.Entry.Level == log.EntryLevelError && e.Entry.Source != log.EntrySourceNetwork {
			p.problem("log: %s %s", e.Entry.Text, e.Entry.URL)
		}
	case *serviceworker.EventWorkerRegistrationUpdated:
		for _, r := range e.Registrations {
			if p.ours(r.ScopeURL) && !r.IsDeleted {
				p.worker = r.RegistrationID
			}
		}
	case *network.EventRequestWillBeSent:
		p.urls[e.RequestID] = e.Request.URL
	case *network.EventResponseReceived:
		if e.Type == network.ResourceTypeScript {
			p.scripts[e.RequestID] = e.Response.URL
		}
		if strings.HasSuffix(e.Response.URL, "/api/v1/events") && e.Response.Status == 200 {
			p.streams++
		}
		if s := e.Response.Status; s >= 400 && p.ours(e.Response.URL) && !slices.Contains(p.allowed, s) && !p.mayFail {
			p.problem("%s is answered with %d", e.Response.URL, s)
		}
	case *network.EventLoadingFinished:
		if url, ok := p.scripts[e.RequestID]; ok {
			p.bytes[url] += e.EncodedDataLength
		}
	case *network.EventLoadingFailed:
		url := p.urls[e.RequestID]
		// A page that is left, and a video that is no longer needed, cancel theirs.
		if p.ours(url) && !e.Canceled && !p.mayFail && e.ErrorText != "net::ERR_ABORTED" {
			p.problem("%s fails: %s %s", url, e.ErrorText, e.BlockedReason)
		}
	}
}

func exception(d *runtime.ExceptionDetails) string {
	if d.Exception != nil && d.Exception.Description != "" {
		return d.Exception.Description
	}
	return d.Text
}

// opened is how many streams of hints the tab has opened so far.
func (p *page) opened() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.streams
}

// hears waits until the tab has opened more than that many streams of hints.
func (p *page) hears(more int) {
	p.t.Helper()
	p.eventually(func(context.Context) error {
		if n := p.opened(); n <= more {
			return fmt.Errorf("%d streams, not more than %d", n, more)
		}
		return nil
	})
}

func (p *page) ours(url string) bool { return strings.HasPrefix(url, p.b.d.URL()) }

func (p *page) problem(format string, args ...any) {
	p.problems = append(p.problems, fmt.Sprintf(format, args...))
}

// check fails the test for what went wrong in the tab so far.
func (p *page) check() {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, problem := range p.problems {
		p.t.Errorf("%v: %s", p.view, problem)
	}
	p.problems = nil
}

// allow lets requests be answered with these statuses.
func (p *page) allow(statuses ...int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.allowed = append(p.allowed, statuses...)
}

// away says that the server is stopped, or that it is back.
func (p *page) away(is bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mayFail = is
}

// eval evaluates JavaScript in a page, whatever its content security policy.
func eval[T any](p *page, script string) T {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](script, chromedp.EvalAwaitPromise))
	if err != nil {
		p.t.Fatalf("%v: %s: %v", p.view, script, err)
	}
	return v
}

// eval is the text of an expression, for messages.
func (p *page) eval(script string) string {
	v, err := chromedp.Run(p.ctx, chromedp.Evaluate[string](script))
	if err != nil {
		return err.Error()
	}
	return v
}

// eventually waits until check returns no error.
func (p *page) eventually(check func(ctx context.Context) error) {
	p.t.Helper()
	harness.Eventually(p.t, patience, func() error {
		ctx, cancel := context.WithTimeout(p.ctx, patience)
		defer cancel()
		return check(ctx)
	})
}

// until waits until an expression is true.
func (p *page) until(script string) {
	p.t.Helper()
	p.eventually(func(ctx context.Context) error {
		ok, err := chromedp.Run(ctx, chromedp.Evaluate[bool]("Boolean("+script+")"))
		if err == nil && !ok {
			err = fmt.Errorf("not so: %s", script)
		}
		return err
	})
}

// visit opens a path of the deployment and waits until the client shows something.
func (p *page) visit(path string) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, chromedp.Navigate(p.b.d.URL()+path)); err != nil {
		p.t.Fatalf("%v: open %s: %v", p.view, path, err)
	}
	p.until("document.querySelector('main')?.children.length > 0")
}

func (p *page) reload() {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, chromedp.Reload()); err != nil {
		p.t.Fatalf("%v: reload: %v", p.view, err)
	}
	p.until("document.querySelector('main')?.children.length > 0")
}

// back and forward go where the browser's buttons go. They return before the page has gone.
func (p *page) back() { p.t.Helper(); eval[chromedp.Void](p, "void setTimeout(() => history.back())") }

func (p *page) forward() {
	p.t.Helper()
	eval[chromedp.Void](p, "void setTimeout(() => history.forward())")
}

// at waits until the page has that path.
func (p *page) at(path string) {
	p.t.Helper()
	p.until("location.pathname === " + quote(path))
}

// see waits for a text; unsee until it is gone.
func (p *page) see(text string) {
	p.t.Helper()
	p.until("__page.text().includes(" + quote(text) + ")")
}

func (p *page) unsee(text string) {
	p.t.Helper()
	p.until("!__page.text().includes(" + quote(text) + ")")
}

// has waits for an element of that role and name, which is a regular expression.
func (p *page) has(role, name string) {
	p.t.Helper()
	p.until(fmt.Sprintf("__page.has(%s, %s)", quote(role), quote(name)))
}

// point waits until an element of that role and name can be clicked, and returns where.
func (p *page) point(role, name string) (x, y float64) {
	p.t.Helper()
	p.eventually(func(ctx context.Context) error {
		at, err := chromedp.Run(ctx, chromedp.Evaluate[struct {
			X, Y  float64
			Error string
		}](fmt.Sprintf("__page.point(%s, %s)", quote(role), quote(name))))
		if err == nil && at.Error != "" {
			err = errors.New(at.Error)
		}
		x, y = at.X, at.Y
		return err
	})
	return x, y
}

// click clicks an element with the mouse.
func (p *page) click(role, name string) {
	p.t.Helper()
	x, y := p.point(role, name)
	p.do(chromedp.MouseClickXY(x, y))
}

// fill replaces what is in a field by a text.
func (p *page) fill(name, text string) {
	p.t.Helper()
	p.eventually(func(ctx context.Context) error {
		wrong, err := chromedp.Run(ctx, chromedp.Evaluate[string](fmt.Sprintf("__page.select(%s)", quote(name))))
		if err == nil && wrong != "" {
			err = errors.New(wrong)
		}
		return err
	})
	if _, err := chromedp.Call(p.ctx, input.InsertText, input.InsertTextParams{Text: text}); err != nil {
		p.t.Fatal(err)
	}
}

// press presses a key, as kb names it.
func (p *page) press(key string) {
	p.t.Helper()
	p.do(chromedp.KeyEvent(key))
}

// choose gives the file input of the page a file.
func (p *page) choose(file string) {
	p.t.Helper()
	p.until("document.querySelector('input[type=file]')")
	p.do(chromedp.SetUploadFiles(chromedp.CSS("input[type=file]"), []string{file}, chromedp.NodeReady))
}

func (p *page) do(steps ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		p.t.Fatalf("%v: %v", p.view, err)
	}
}

// playback is what the video in view has shown.
type playback struct {
	Frames, Time float64
	Src          string
}

func (p *page) playback(ctx context.Context) (playback, error) {
	return chromedp.Run(ctx, chromedp.Evaluate[playback]("__page.playing()"))
}

// plays waits until the video in view shows new frames, and returns its address.
func (p *page) plays() string {
	p.t.Helper()
	var first, now playback
	p.eventually(func(ctx context.Context) (err error) {
		now, err = p.playback(ctx)
		switch {
		case err != nil:
			return err
		case now.Frames < 0:
			return errors.New("no video plays")
		case first.Src != now.Src || first.Frames > now.Frames:
			first = now
		}
		if now.Frames < first.Frames+5 || now.Time == first.Time {
			return fmt.Errorf("the video %s has shown %v frames, then %v, at %v s", now.Src, first.Frames, now.Frames, now.Time)
		}
		return nil
	})
	return now.Src
}

// text is a text of the client in the language of the page, for a regular expression; words fill its places, in pairs.
func (p *page) text(key string, words ...string) string {
	p.t.Helper()
	text, ok := p.texts[key]
	if !ok {
		p.t.Fatalf("the client has no text %s", key)
	}
	text = regexp.QuoteMeta(text)
	for i := 0; i+1 < len(words); i += 2 {
		text = strings.ReplaceAll(text, `\{`+words[i]+`\}`, regexp.QuoteMeta(words[i+1]))
	}
	return regexp.MustCompile(`\\\{\w+\\\}`).ReplaceAllString(text, ".+")
}

// named is a name that is exactly that text.
func (p *page) named(key string, words ...string) string {
	p.t.Helper()
	return "^" + p.text(key, words...) + "$"
}

// plain is a text of the client as it is shown.
func (p *page) plain(key string) string {
	p.t.Helper()
	text, ok := p.texts[key]
	if !ok {
		p.t.Fatalf("the client has no text %s", key)
	}
	return text
}

// texts reads the client's texts of a language.
func texts(t testing.TB, language string) map[string]string {
	t.Helper()
	source, err := os.ReadFile(harness.RepoRoot(t) + "/cmd/api/web/src/locales/" + language + ".ts")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, m := range regexp.MustCompile(`(?m)^\s+"([^"]+)":\s+("(?:[^"\\]|\\.)*"),$`).FindAllStringSubmatch(string(source), -1) {
		var text string
		if err := json.Unmarshal([]byte(m[2]), &text); err != nil {
			t.Fatalf("%s: %v", m[1], err)
		}
		all[m[1]] = text
	}
	if len(all) < 100 {
		t.Fatalf("only %d texts in %s", len(all), language)
	}
	return all
}

func quote(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		return `""` // strings can be marshalled
	}
	return string(b)
}
