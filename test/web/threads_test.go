package web_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"
)

// TestThreads has the author of a video and a viewer answer, mention, like, pin and delete comments.
func TestThreads(t *testing.T) {
	each(t, func(t *testing.T, b *browser) {
		author := clips(t, b.d, "moss")
		viewer, third := b.d.NewUser(t), b.d.NewUser(t)
		video := author.Published(t, author.ID)[0]
		third.Comment(t, video.ID, "a root of a third one")
		path := fmt.Sprintf("/v/%d", video.ID)

		// The viewer begins a thread and mentions the author; nobody else is a link.
		p := b.open(t, phone("en"))
		p.enter(viewer)
		p.visit(path)
		p.openComments()
		p.see("a root of a third one")
		p.fill(p.named("comments.placeholder"), "to @"+third.Name) // who is suggested, having commented
		p.until(`document.querySelector("[role=option][aria-selected=true]")?.textContent.includes(` + quote(third.Name) + `)`)
		p.press(kb.Enter)
		p.until(`document.querySelector(".comments textarea").value.startsWith(` + quote("to @"+third.Name+" ") + `)`)
		root := "look, @" + author.Name + " and @nobody-" + viewer.Name + " <b>"
		p.post(root)
		p.has("link", "^@"+author.Name+"$")
		if n := eval[int](p, `document.querySelectorAll(".comment-text a").length`); n != 1 {
			t.Errorf("%d links in comments, want that to the author", n)
		}

		// The author, who sees it at the top, answers, likes and pins it.
		a := b.open(t, desktop("en"))
		a.enter(author)
		a.visit(path)
		a.openComments()
		a.see(root)
		a.click("button", a.named("comments.reply.label", "name", viewer.Name))
		a.see(strings.ReplaceAll(a.plain("comments.reply.to"), "{name}", viewer.Name))
		a.post("an answer")
		a.see("an answer")
		a.click("button", "^"+a.text("comments.like.label", "text", "look"))
		a.until(`document.querySelector(".comment-like[aria-pressed=true]")`)
		a.click("button", "^"+a.text("comments.pin.label", "text", "a root of a third one"))
		a.see(a.plain("comments.pinned.done"))
		a.until(`document.querySelector(".comments-list li")?.textContent.includes("a root of a third one")`)
		a.unsee(a.plain("comments.pinned.done")) // it is half to be seen while it comes and goes
		for _, finding := range a.axe() {
			t.Error(finding)
		}

		// All that is there after a reload, for the other one, too.
		p.visit(path)
		p.openComments()
		p.until(`document.querySelector(".comments-list li")?.textContent.includes("a root of a third one")`)
		p.see(p.plain("comments.pinned"))
		p.until(`[...document.querySelectorAll(".comment")]
			.some((e) => e.textContent.includes("look, ") && e.querySelector(".comment-like").textContent === "1")`)
		p.unsee("an answer")
		p.click("button", "^1 reply$")
		p.see("an answer")
		p.click("button", p.named("comments.reply.label", "name", author.Name))
		p.post("an answer to the answer")
		p.see("an answer to the answer")

		// Top first; the pinned one stays above.
		p.click("button", p.named("comments.sort.top"))
		p.until(`document.querySelectorAll(".comments-list > ul > li")[1]?.textContent.includes("look, ")`)

		// What the author hears of leads to the answer, in its thread.
		a.visit("/inbox")
		a.click("link", "an answer to the answer")
		a.at(path)
		a.until(`document.querySelector(".answers .comment-new")?.textContent.includes("an answer to the answer")`)

		// With the first one go its answers, which the question says.
		p.click("button", "^"+p.text("comments.delete.label", "text", "look"))
		p.see("2 replies")
		p.click("button", p.named("action.delete"))
		p.see(p.plain("comments.deleted"))
		p.has("heading", "^1 comment$")
		if v := author.Published(t, author.ID)[0]; v.CommentCount != 1 {
			t.Errorf("the API shows %d comments, want 1", v.CommentCount)
		}
		a.visit(path)
		a.openComments()
		a.click("button", "^"+a.text("comments.unpin.label", "text", "a root"))
		a.see(a.plain("comments.unpinned.done"))
		p.check()
		a.check()
	})
}

// post writes a comment into the field and sends it.
func (p *page) post(text string) {
	p.t.Helper()
	p.fill(p.named("comments.placeholder"), text)
	p.click("button", p.named("comments.post"))
	p.until(`document.querySelector(".comments textarea")?.value === "" && !document.querySelector(".comment-pending")`)
	p.see(text)
}
