package web_test

import (
	"bytes"
	"compress/gzip"
	"context"
	_ "embed"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"tiktok/test/harness"
)

type ctx = context.Context

// place is a page of the client, and what it shows once it is complete.
type place struct {
	name, path string
	role, what string // an element that is there then
	member     bool
}

// content is what the pages show: an author with videos, whom a viewer follows and writes to.
type content struct {
	author, viewer *harness.User
	video          harness.Video
}

// hostile are texts that must show as they are.
const hostile = `<img src=x onerror="document.title='owned'"><script>document.title='owned'</script>`

func fill(t *testing.T, b *browser) content {
	t.Helper()
	author := clips(t, b.d, "moss", "hills")
	viewer := b.d.NewUser(t)
	author.TryPublish(t, hostile, harness.File{Data: clip(t, "aurora")}).OK(t)
	v := author.Published(t, author.ID)[0]
	viewer.Like(t, v.ID)
	viewer.Comment(t, v.ID, "How long did this take? "+hostile)
	author.Comment(t, v.ID, "Two evenings")
	viewer.Follow(t, author.ID)
	author.Follow(t, viewer.ID)
	author.Send(t, viewer.ID, "Thank you for the like! "+hostile)
	viewer.Send(t, author.ID, "It is my favourite")
	return content{author, viewer, v}
}

// places are all pages.
func (c content) places() []place {
	chat := fmt.Sprintf("/chat/%d", c.author.ID)
	return []place{
		{"feed", "/", "article", ".", false},
		{"video", fmt.Sprintf("/v/%d", c.video.ID), "article", ".", false},
		{"profile", "/@" + c.author.Name, "heading", c.author.Name, false},
		{"search", "/search?q=clip", "tab", ".", false},
		{"tag", "/tag/moss", "heading", ".", false},
		{"login", "/login", "field", ".", false},
		{"missing", "/nothing/here", "heading", ".", false},
		{"visitor-upload", "/upload", "button", ".", false},
		{"upload", "/upload", "heading", ".", true},
		{"inbox", "/inbox", "link", c.author.Name, true},
		{"messages", "/chat", "link", c.author.Name, true},
		{"conversation", chat, "any", "It is my favourite", true},
		{"history", "/history", "heading", ".", true},
		{"statistics", "/statistics", "heading", ".", true},
		{"settings", "/settings", "heading", ".", true},
		{"own-profile", "/@" + c.viewer.Name, "heading", c.viewer.Name, true},
	}
}

// arrive opens a place and waits until it is complete.
func (p *page) arrive(to place) {
	p.t.Helper()
	p.visit(to.path)
	p.complete(to)
}

func (p *page) complete(to place) {
	p.t.Helper()
	path, _, _ := strings.Cut(to.path, "?")
	p.at(path)
	p.has(to.role, to.what)
	p.until(`!document.querySelector("main .skeleton")`)
}

// TestNoticing has a page do what must not happen: the tests of other pages would see it.
func TestNoticing(t *testing.T) {
	p := startBrowser(t, harness.AllInOne(t)).open(t, desktop("en"))
	p.visit("/")
	p.check()
	for what, script := range map[string]string{
		"console: ":        `console.error("look here")`,
		"exception: ":      `void setTimeout(() => { throw new Error("look here") })`,
		"CSP: ":            `document.body.append(Object.assign(document.createElement("script"), {textContent: "1"}))`,
		"answered with 40": `fetch("/assets/nothing.js").then(() => undefined)`,
		"axe: image-alt":   `document.querySelector("main").append(Object.assign(new Image(9, 9), {src: "/favicon.svg"}))`,
	} {
		eval[chromedp.Void](p, script)
		p.eventually(func(ctx) error {
			for _, finding := range p.axe() {
				p.mu.Lock()
				p.problem("%s", finding)
				p.mu.Unlock()
			}
			p.mu.Lock()
			defer p.mu.Unlock()
			if !slices.ContainsFunc(p.problems, func(problem string) bool { return strings.Contains(problem, what) }) {
				return fmt.Errorf("%s is not noticed among %q", what, p.problems)
			}
			return nil
		})
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.problems = nil
}

//go:embed testdata/axe.min.js.gz
var axeFile []byte

func axe(t testing.TB) string {
	t.Helper()
	r, err := gzip.NewReader(bytes.NewReader(axeFile))
	if err != nil {
		t.Fatal(err)
	}
	script, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(script)
}

// TestPages opens every page by its address: nothing goes wrong, markup shows as text, axe has no findings, and the page
// is there again after a reload and after going away and back.
func TestPages(t *testing.T) {
	each(t, func(t *testing.T, b *browser) {
		c := fill(t, b)
		looks := views()
		looks = append(looks, view{name: "phone-en-dark", width: 390, height: 844, phone: true, language: "en", dark: true},
			view{name: "desktop-zh-dark", width: 1440, height: 900, language: "zh", dark: true})
		if b.d.Name == harness.NameDistributed {
			looks = looks[:1] // the pages are the same ones
		}
		for _, v := range looks {
			t.Run(v.name, func(t *testing.T) { // whose end closes its page: a feed that plays takes a processor
				p := b.open(t, v)
				p.allow(404) // /nothing/here
				entered := false
				for _, to := range c.places() { // those of members come last
					t.Run(to.name, func(t *testing.T) {
						p.during(t, func() {
							if to.member && !entered {
								p.enter(c.viewer)
								entered = true
							}
							look(t, p, to)
						})
					})
				}
			})
		}
	})
}

func look(t *testing.T, p *page, to place) {
	p.arrive(to)
	for _, finding := range p.axe() {
		t.Error(finding)
	}
	if title := eval[string](p, "document.title"); title == "" || title == "owned" {
		t.Errorf("the title is %q", title)
	}
	if p.view.phone {
		if wide := eval[float64](p, "document.documentElement.scrollWidth - innerWidth"); wide > 0 {
			t.Errorf("the page is %v pixels wider than the phone", wide)
		}
	}
	p.reload()
	p.complete(to)
	if to.path != "/" {
		p.visit("/")
		p.has("article", ".")
		p.back()
		p.complete(to)
		p.forward()
		p.at("/")
		p.has("article", ".")
	}
}

// axe is what axe-core finds on the page that is open.
func (p *page) axe() []string {
	p.t.Helper()
	p.do(chromedp.Evaluate[chromedp.Void](axe(p.t)))
	return eval[[]string](p, `axe.run(document, {resultTypes: ["violations"]}).then((r) => r.violations.flatMap((v) => v.nodes.map((n) =>
		"axe: " + v.id + ": " + v.help + ": " + n.html.slice(0, 160) + ": " + (n.any[0]?.message ?? n.all[0]?.message ?? ""))))`)
}

// during lets another test use the page.
func (p *page) during(t testing.TB, f func()) {
	before := p.t
	p.t = t
	defer func() {
		if t.Failed() {
			t.Logf("%v shows %s", p.view, p.eval("__page.state()"))
		}
		p.check()
		p.t = before
	}()
	f()
}

// TestMarkupIsText opens pages that show what people have written.
func TestMarkupIsText(t *testing.T) {
	each(t, func(t *testing.T, b *browser) {
		c := fill(t, b)
		p := b.open(t, desktop("en"))
		p.enter(c.viewer)
		p.visit(fmt.Sprintf("/v/%d", c.video.ID))
		p.see(hostile)
		p.openComments()
		p.see("How long did this take? " + hostile)
		p.visit(fmt.Sprintf("/chat/%d", c.author.ID))
		p.see("Thank you for the like! " + hostile)
		p.visit("/chat")
		p.has("link", "It is my favourite")
		if title := eval[string](p, "document.title"); title == "owned" {
			t.Errorf("a script of a text has run: the title is %q", title)
		}
	})
}
