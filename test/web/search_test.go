package web_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"

	"tiktok/cmd/discovery/tags"
	"tiktok/test/harness"
)

// titled publishes a video with a title, and returns it.
func titled(t testing.TB, u *harness.User, clipName, title string) harness.Video {
	t.Helper()
	u.TryPublish(t, title, harness.File{Data: clip(t, clipName)}).OK(t)
	return u.Published(t, u.ID)[0]
}

// found waits until a search finds a video: the index follows what is published.
func found(t testing.TB, d *harness.Deployment, u *harness.User, q string, video int64) {
	t.Helper()
	harness.Eventually(t, patience, func() error {
		a := d.Raw(t, harness.Request{
			Method: http.MethodGet, Path: "/api/v1/search/videos", Query: url.Values{"q": {q}},
			Header: http.Header{"Authorization": {"Bearer " + u.Token}},
		})
		var page struct {
			Items []struct{ Video struct{ ID int64 } }
		}
		if err := json.Unmarshal(a.Raw, &page); err != nil || a.Status != http.StatusOK {
			return fmt.Errorf("%d %s", a.Status, a.Raw)
		}
		for _, hit := range page.Items {
			if hit.Video.ID == video {
				return nil
			}
		}
		return fmt.Errorf("%q finds %s, not %d", q, a.Raw, video)
	})
}

// marks are the parts of the page that a search has marked.
func (p *page) marks() []string {
	p.t.Helper()
	return eval[[]string](p, `[...document.querySelectorAll("main mark")].map((e) => e.textContent.toLowerCase())`)
}

// search types a text, and waits for the page of what was found.
func (p *page) search(q string) {
	p.t.Helper()
	p.fill(p.named("search.label"), q)
	p.press(kb.Enter)
	p.until("new URLSearchParams(location.search).get('q') === " + quote(q))
	p.until("document.title.startsWith(" + quote(strings.ReplaceAll(p.plain("search.results"), "{q}", q)) + ")")
}

// suggested waits until the field suggests a text, and goes to it by the arrow keys.
func (p *page) suggested(text string) {
	p.t.Helper()
	place := fmt.Sprintf(`[...document.querySelectorAll("[role=option]")].findIndex((e) => e.textContent.trim() === %s)`, quote(text))
	p.until(place + " >= 0")
	for range eval[int](p, place) + 1 {
		p.press(kb.ArrowDown)
	}
	p.until(`document.getElementById(document.activeElement.getAttribute("aria-activedescendant"))?.textContent.trim() === ` + quote(text))
}

// TestSearch looks for words of both scripts: suggestions by keys, what fits is marked, tabs, going back.
func TestSearch(t *testing.T) {
	each(t, func(t *testing.T, b *browser) {
		author, viewer := b.d.NewUser(t), b.d.NewUser(t)
		// Characters outside of the basic plane stand before what is found.
		title := `🎬𠮷 海边 <b>sea</b> walk #海边 #Sea <img src=x onerror="document.title='owned'">`
		video := titled(t, author, "tide", title)
		found(t, b.d, viewer, "海边", video.ID)
		harness.Eventually(t, patience, func() error {
			if a := b.d.Raw(t, harness.Request{Method: http.MethodGet, Path: "/api/v1/tags"}); !strings.Contains(string(a.Raw), "海边") {
				return fmt.Errorf("the tags of the hour are %d %s", a.Status, a.Raw)
			}
			return nil
		})
		for _, v := range views() {
			t.Run(v.name, func(t *testing.T) {
				p := b.open(t, v)
				p.enter(viewer)
				p.visit("/search")
				p.has("link", "海边") // trending
				for _, finding := range p.axe() {
					t.Error(finding)
				}
				field := p.named("search.label")
				p.fill(field, "海")
				p.suggested("海边")
				for _, finding := range p.axe() {
					t.Error(finding)
				}
				p.press(kb.Escape)
				p.until(`!document.querySelector("[role=option]")`)
				p.search("海边")
				p.see(title)
				if got := p.marks(); len(got) == 0 || slices.ContainsFunc(got, func(m string) bool { return m != "海边" }) {
					t.Errorf("marked is %q", got)
				}
				p.search("sea")
				p.see(title)
				if got := p.marks(); len(got) == 0 || slices.ContainsFunc(got, func(m string) bool { return m != "sea" }) {
					t.Errorf("marked is %q", got)
				}
				for _, finding := range p.axe() {
					t.Error(finding)
				}

				// Tabs are in the address: a reload, and going back, find them.
				p.click("tab", p.text("search.tab.tags"))
				p.has("link", "^sea")
				p.reload()
				p.has("link", "^sea")
				p.search(author.Name)
				p.click("tab", p.text("search.tab.users"))
				p.has("link", author.Name)
				p.until(`document.querySelector("main mark")`)
				p.click("link", author.Name)
				p.at("/@" + author.Name)
				p.back()
				p.at("/search")
				p.has("link", author.Name)
				p.until(`new URLSearchParams(location.search).get("tab") === "users"`)
				p.until(`document.querySelector("input[type=search]").value === ` + quote(author.Name))
				p.back()
				p.until(`location.search === "?q=sea&tab=tags"`)
				p.has("link", "^sea")

				nothing := "zzqxj" + author.Name
				p.search(nothing)
				p.see(strings.ReplaceAll(p.plain("search.empty"), "{q}", nothing))
				if got := eval[string](p, "document.title"); got == "owned" {
					t.Errorf("a script of a title has run")
				}
			})
		}
	}, harness.Set("discovery.feeds.trending_every", "1s"))
}

// TestTagPage follows a tag from a title to its page, and finds the same links in titles that the server finds tags.
func TestTagPage(t *testing.T) {
	each(t, func(t *testing.T, b *browser) {
		author, viewer := b.d.NewUser(t), b.d.NewUser(t)
		first := titled(t, author, "tide", "One evening #海边")
		second := titled(t, author, "moss", "Another one 在#海边。C#x <i>#Ｓｅａ #sea #123 #1️⃣ a/#b #a#b #été #e\u0301te\u0301")
		found(t, b.d, viewer, "evening", first.ID)
		found(t, b.d, viewer, "another", second.ID)
		p := b.open(t, phone("en"))
		p.visit(fmt.Sprintf("/v/%d", second.ID))
		p.has("link", "^#海边$")
		links := eval[[]string](p, `[...document.querySelectorAll(".video-title a")].map((e) => decodeURIComponent(e.pathname.slice(5)))`)
		want := tags.Of(second.Title)
		slices.Sort(links)
		slices.Sort(want)
		if got := slices.Compact(links); !slices.Equal(got, want) {
			t.Errorf("links to the tags %q, want %q", got, want)
		}
		p.click("link", "^#海边$")
		p.at("/tag/%E6%B5%B7%E8%BE%B9")
		p.has("heading", "^海边$")
		p.see("2 videos")
		p.until(`document.querySelectorAll(".tile").length === 2`)
		p.has("link", "^One evening #海边, by ")
		for _, finding := range p.axe() {
			t.Error(finding)
		}
		p.reload()
		p.until(`document.querySelectorAll(".tile").length === 2`)
		if got := eval[string](p, `document.querySelector("meta[property='og:title']").content`); got != "#海边" {
			t.Errorf("the page calls itself %q", got)
		}
		p.visit("/tag/nobody_uses_this")
		p.see("#nobody_uses_this")
		p.has("heading", "nobody_uses_this")
	})
}

// TestSearchIsAway stops discovery: the search says so, the feed goes on, and both are there again with it.
func TestSearchIsAway(t *testing.T) {
	chromium(t)
	b := startBrowser(t, harness.Distributed(t, harness.WithoutLimits()))
	author := b.d.NewUser(t)
	video := titled(t, author, "tide", "A walk by the sea")
	found(t, b.d, author, "sea", video.ID)
	p := b.open(t, phone("en"))
	p.allow(http.StatusServiceUnavailable)
	b.d.Kill(t, "discovery")
	p.visit("/search?q=sea")
	p.see(p.plain("error.10801"))
	for _, finding := range p.axe() {
		t.Error(finding)
	}
	p.visit("/")
	p.until(showing + `?.startsWith("A walk by the sea")`)
	p.plays()
	b.d.Revive(t, "discovery")
	found(t, b.d, author, "sea", video.ID)
	p.visit("/search?q=sea")
	p.until(`document.querySelectorAll(".tile-link").length === 1`)
}
