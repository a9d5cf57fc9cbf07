package web_test

import (
	"fmt"
	"testing"

	"github.com/chromedp/chromedp/kb"

	"tiktok/test/harness"
)

// TestWatching has a member watch a video: it is in their history, and in the author's statistics, until they clear it; a visitor has none.
func TestWatching(t *testing.T) {
	each(t, func(t *testing.T, b *browser) {
		author, viewer := b.d.NewUser(t), b.d.NewUser(t)
		first := titled(t, author, "lanterns", "The first one "+hostile)
		second := titled(t, author, "moss", "The second one #海边")
		found(t, b.d, viewer, "second", second.ID)
		p := b.open(t, desktop("en"))
		p.enter(viewer)
		p.visit("/history")
		p.see(p.plain("history.empty"))

		// What was watched is there at once.
		p.visit(fmt.Sprintf("/v/%d", first.ID))
		p.until(`[...document.querySelectorAll("video")].some((e) => !e.paused && e.currentTime > 3.6 && (e.pause(), true))`)
		p.click("link", p.named("nav.history"))
		p.at("/history")
		p.see("The first one " + hostile)
		p.until(`document.querySelectorAll(".history-row").length === 1`)
		p.until(`/^Watched 0:0[3-9] of /.test(document.querySelector(".history-state").textContent)`)

		// To the end, which begins again by itself.
		p.visit(fmt.Sprintf("/v/%d", second.ID))
		p.plays()
		eval[bool](p, `(() => {
			const e = [...document.querySelectorAll("video")].find((e) => !e.paused);
			e.currentTime = e.duration - 0.5;
			return true;
		})()`)
		p.until(`[...document.querySelectorAll("video")].some((e) => !e.paused && e.currentTime > 0.3 && e.currentTime < 2)`)
		p.visit("/history") // another document: what was watched is told as the page goes
		p.until(`document.querySelectorAll(".history-row").length === 2`)
		p.see("The second one #海边")
		p.see(p.plain("history.finished"))
		for _, finding := range p.axe() {
			t.Error(finding)
		}
		p.has("link", "^#海边$")

		lookAtStatistics(t, b, author)

		p.click("button", p.text("history.remove", "title", "The first one"))
		p.until(`document.querySelectorAll(".history-row").length === 1`)
		p.reload()
		p.until(`document.querySelectorAll(".history-row").length === 1`)
		p.click("button", p.named("history.clear"))
		p.click("button", p.named("history.clear.do"))
		p.see(p.plain("history.empty"))
		p.reload()
		p.see(p.plain("history.empty"))
	})
}

// plotted is an expression: the n-th plot says that of its last day.
func plotted(n int, value string) string {
	return fmt.Sprintf(`document.querySelectorAll(".plot-area")[%d]?.getAttribute("aria-valuetext").endsWith(": %s")`, n, value)
}

// lookAtStatistics has the author of two videos, each watched once and one of them to its end, look at the plots and tables.
func lookAtStatistics(t *testing.T, b *browser, author *harness.User) {
	t.Helper()
	for _, v := range []view{phone("en"), {name: "desktop-en-dark", width: 1440, height: 900, language: "en", dark: true}} {
		p := b.open(t, v)
		p.enter(author)
		p.eventually(func(ctx) error { // counted a moment later
			p.visit("/statistics")
			p.until(`document.querySelectorAll(".plot-area").length === 4`)
			if now := eval[string](p, `document.querySelector(".plot-value").textContent`); now != "2" {
				return fmt.Errorf("%s views", now)
			}
			return nil
		})
		p.until(`document.querySelector(".plot").querySelectorAll(".plot-bar").length === 28`)
		for n, value := range []string{"2", "1", "0", "0"} {
			p.until(plotted(n, value))
		}
		p.click("button", p.text("statistics.days.other", "n", "90"))
		p.until(`document.querySelector(".plot").querySelectorAll(".plot-bar").length === 90`)
		p.click("button", p.text("statistics.days.other", "n", "7"))
		p.until(`document.querySelector(".plot").querySelectorAll(".plot-bar").length === 7`)

		// By keys: today, then the day before.
		eval[bool](p, `(document.querySelector(".plot-area").focus(), true)`)
		p.press(kb.ArrowLeft)
		p.until(`document.querySelector(".plot-value").textContent === "2"`)
		p.press(kb.ArrowLeft)
		p.until(`document.querySelector(".plot-value").textContent === "0"`)
		p.until(plotted(0, "0"))

		// The same in words.
		p.click("any", "^"+p.text("statistics.table")+"$")
		p.until(`[...document.querySelectorAll("tbody tr:first-child td")].slice(0, 4).map((e) => e.textContent).join() === "2,1,0,0"`)
		p.until(`document.querySelectorAll(".table-videos tbody tr").length === 2`)
		p.until(`document.querySelector(".table-videos tbody tr:last-child").textContent.includes("0%")`)
		p.until(`document.querySelector(".table-videos tbody tr:first-child").textContent.includes("100%")`)
		for _, finding := range p.axe() {
			t.Error(finding)
		}
		if wide := eval[float64](p, "document.documentElement.scrollWidth - innerWidth"); wide > 0 {
			t.Errorf("the page is %v pixels too wide", wide)
		}
		p.visit("/@" + author.Name)
		p.has("link", `, 1 view, `)
		p.leave()
	}
}
