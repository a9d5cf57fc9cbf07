package web_test

import (
	"context"
	"fmt"
	"regexp"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// showing is an expression: the video that is in view.
const showing = `document.querySelector(".slide:not([inert]) article")?.getAttribute("aria-label")`

// tab opens one of the feeds.
func (p *page) tab(feed string) { p.t.Helper(); p.click("tab", p.named("feed."+feed)) }

// TestFeeds goes through the feeds as a visitor and as a member.
func TestFeeds(t *testing.T) {
	each(t, func(t *testing.T, b *browser) {
		author, other := b.d.NewUser(t), b.d.NewUser(t)
		followed := titled(t, author, "tide", "Of somebody who is followed")
		titled(t, other, "moss", "Of somebody else #green")
		titled(t, other, "silk", "The newest of all")
		found(t, b.d, author, "newest", other.Published(t, other.ID)[0].ID)
		for _, v := range []view{phone("en"), desktop("zh")} {
			t.Run(v.name, func(t *testing.T) {
				viewer := b.d.NewUser(t) // who has seen nothing yet
				viewer.Follow(t, author.ID)
				viewer.Like(t, followed.ID)
				p := b.open(t, v)
				p.visit("/")
				p.plays()
				p.tab("following")
				p.see(p.plain("feed.following.login"))
				p.tab("newest")
				p.until(showing + `?.startsWith("The newest of all")`)
				p.reload() // the tab is remembered
				p.until(showing + `?.startsWith("The newest of all")`)
				p.until(`document.querySelector("[role=tab][aria-selected=true]").textContent === ` + quote(p.plain("feed.newest")))

				p.enter(viewer)
				p.visit("/")
				p.tab("following")
				p.until(showing + `?.startsWith("Of somebody who is followed")`)
				p.tab("hot")
				p.until(showing + `?.startsWith("Of somebody who is followed")`)
				for _, finding := range p.axe() {
					t.Error(finding)
				}

				p.tab("for_you")
				p.until(`document.querySelector(".video-reason")`)
				p.plays() // it listens to keys
				p.allSayWhy(3)
			})
		}
	})
}

// allSayWhy scrolls through n videos, of which none comes twice, and each says why it is there.
func (p *page) allSayWhy(n int) {
	p.t.Helper()
	seen := map[string]bool{}
	why := regexp.MustCompile(fmt.Sprintf("^(%s|%s|%s|%s|%s|%s)$", p.text("reason.fresh"), p.text("reason.hot"), p.text("reason.explore"),
		p.text("reason.followed"), p.text("reason.co_liked"), p.text("reason.tag")))
	before := ""
	for range n {
		p.eventually(func(ctx context.Context) error {
			now, err := chromedp.Run(ctx, chromedp.Evaluate[[]string](`[`+showing+` ?? "",
				document.querySelector(".slide:not([inert]) .video-reason")?.textContent ?? ""]`))
			if err != nil {
				return err
			}
			if now[0] == before || !why.MatchString(now[1]) {
				return fmt.Errorf("%q is there for the reason %q, after %q", now[0], now[1], before)
			}
			before = now[0]
			return nil
		})
		if seen[before] {
			p.t.Errorf("%s comes again", before)
		}
		seen[before] = true
		p.press(kb.ArrowDown)
	}
	p.see(p.plain("feed.end"))
}
