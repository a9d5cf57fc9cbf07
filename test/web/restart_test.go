package web_test

import (
	"fmt"
	"testing"

	"github.com/chromedp/chromedp/kb"
)

// TestRestart stops the server while pages are open: they say so, keep what was typed, and go on when it is back.
func TestRestart(t *testing.T) {
	each(t, func(t *testing.T, b *browser) {
		c := fill(t, b)
		p := b.open(t, desktop("en"))
		p.enter(c.viewer)
		p.visit(fmt.Sprintf("/v/%d", c.video.ID))
		p.plays()
		p.openComments()
		p.fill(p.named("comments.placeholder"), "before and after")
		p.away(true)
		b.d.Stop(t)
		p.click("button", p.named("comments.post"))
		p.see(p.plain("state.offline"))
		b.d.Start(t)
		p.unsee(p.plain("state.offline"))
		p.away(false)
		p.until(`[...document.querySelectorAll("textarea")].some((e) => e.value === "before and after")`)
		p.click("button", p.named("comments.post"))
		p.has("button", "3 comments$")
		p.visit("/")
		p.plays()
		p.press(kb.ArrowDown)
		p.plays()
	})
}
