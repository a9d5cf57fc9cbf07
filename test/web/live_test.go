package web_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"tiktok/test/harness"
)

// soon is how long what a hint tells of may take to show, on a busy machine: pages read everything after 22 s at the earliest without one.
const soon = 15 * time.Second

// soon waits until an expression is true, which a hint has to bring about.
func (p *page) soon(script string) {
	p.t.Helper()
	began := time.Now()
	p.until(script)
	if took := time.Since(began); took > soon {
		p.t.Errorf("%v: %s after %v: no hint did that", p.view, script, took)
	}
}

// stays marks the document; stayed fails when it was loaded anew since.
func (p *page) stays() { p.t.Helper(); eval[bool](p, "globalThis.__stays = true") }

func (p *page) stayed() {
	p.t.Helper()
	if !eval[bool](p, "globalThis.__stays === true") {
		p.t.Errorf("%v: the page was loaded anew", p.view)
	}
}

// notice is an expression: the inbox has a row with these words.
func notice(words string) string { return "__page.has('link', " + quote(words) + ")" }

// says is a sentence of the inbox about people.
func (p *page) says(key, names string) string {
	p.t.Helper()
	return strings.ReplaceAll(p.plain(key), "{names}", names)
}

func unread(n int) string {
	if n == 0 {
		return `!document.title.startsWith("(")`
	}
	return fmt.Sprintf("document.title.startsWith(%q)", fmt.Sprintf("(%d)", n))
}

// chats is an expression: so many conversations are counted at the navigation.
func chats(n int) string {
	return fmt.Sprintf(`__page.has("link", "%d unread conversation")`, n)
}

// TestInbox has others do something while somebody looks: it shows at once, is counted wherever they are, and is read when it is seen.
func TestInbox(t *testing.T) {
	each(t, func(t *testing.T, b *browser) {
		author := clips(t, b.d, "moss")
		ann, bob := b.d.NewUser(t), b.d.NewUser(t)
		video := author.Published(t, author.ID)[0]
		p := b.open(t, desktop("en"))
		p.enter(author)
		p.visit("/inbox")
		p.see(p.plain("inbox.empty"))
		p.hears(0)
		p.stays()

		ann.Like(t, video.ID)
		p.soon(notice(p.says("notice.like.one", ann.Name)))
		p.soon(unread(0)) // it was seen
		bob.Like(t, video.ID)
		p.soon(notice(p.says("notice.like.other", bob.Name+" and "+ann.Name)))
		ann.Unlike(t, video.ID)
		p.soon(notice(p.says("notice.like.one", bob.Name)))
		p.soon(unread(0))

		// Elsewhere they are counted.
		p.click("link", p.named("nav.settings"))
		p.at("/settings")
		bob.Follow(t, author.ID)
		p.soon(unread(1))
		bob.Comment(t, video.ID, "<b>how</b> long did this take?")
		p.soon(unread(2))
		p.has("link", "2 unread notices")
		p.click("link", "^2.*"+p.text("nav.inbox"))
		p.at("/inbox")
		p.until(notice(p.says("notice.follow.one", bob.Name)))
		p.until(notice(p.says("notice.comment.one", bob.Name) + ".*<b>how</b> long did this take?"))
		p.soon(unread(0))
		p.stayed()
		for _, finding := range p.axe() {
			t.Error(finding)
		}

		// One leads to the comment.
		p.click("link", p.says("notice.comment.one", bob.Name))
		p.at(fmt.Sprintf("/v/%d", video.ID))
		p.until(`document.querySelector(".comment-new")?.textContent.includes("<b>how</b> long did this take?")`)
		p.check()
	})
}

// TestLiveChat writes to somebody who looks at the conversation, then at the list, then elsewhere.
func TestLiveChat(t *testing.T) {
	each(t, func(t *testing.T, b *browser) {
		me, ann, bob := b.d.NewUser(t), b.d.NewUser(t), b.d.NewUser(t)
		for _, u := range []*harness.User{ann, bob} {
			u.Follow(t, me.ID)
			me.Follow(t, u.ID)
			u.Send(t, me.ID, "hello from "+u.Name)
		}
		p := b.open(t, desktop("en"))
		p.enter(me)
		p.visit(fmt.Sprintf("/chat/%d", ann.ID))
		p.see("hello from " + ann.Name)
		p.hears(0)
		p.stays()
		ann.Send(t, me.ID, "are you there? <i>")
		p.soon(`[...document.querySelectorAll(".message-text")].at(-1)?.textContent.includes("are you there? <i>")`)
		first := func(name string) string {
			return fmt.Sprintf(`document.querySelector(".chat-row")?.textContent.includes(%q)`, name)
		}
		p.soon(first(ann.Name))
		bob.Send(t, me.ID, "and you?")
		p.soon(first(bob.Name))
		p.soon(chats(1))

		// Opened, it is read, and a line stands above what was new.
		p.click("link", bob.Name)
		p.see("and you?")
		p.until(`document.querySelector(".message-unread")`)
		p.soon("!" + chats(1))

		// A message, then all of them, are deleted for oneself.
		p.until(`document.querySelectorAll(".message").length === 2`)
		p.click("any", "^hello from "+bob.Name+"$")
		p.click("button", p.text("chat.message.delete.label", "text", "hello from "+bob.Name))
		p.click("button", p.named("action.delete"))
		p.until(`document.querySelectorAll(".message").length === 1`)
		p.click("button", p.named("chat.delete"))
		p.click("button", p.named("action.delete"))
		p.at("/chat")
		p.until(`document.querySelectorAll(".chat-row").length === 1`)
		if got := bob.Chat(t, me.ID, 0); len(got) != 2 {
			t.Errorf("the other one has %d messages, want both", len(got))
		}
		bob.Send(t, me.ID, "once more")
		p.soon(first(bob.Name))
		p.click("link", bob.Name)
		p.see("once more")
		p.until(`document.querySelectorAll(".message").length === 1`)
		p.stayed()
		p.check()
	})
}

// TestTabs has two tabs: one holds the stream for both, and the other takes over when it is closed.
func TestTabs(t *testing.T) {
	each(t, func(t *testing.T, b *browser) {
		author := clips(t, b.d, "moss")
		video := author.Published(t, author.ID)[0]
		first := b.open(t, desktop("en"))
		first.enter(author)
		second, closeSecond := first.another()
		for _, p := range []*page{second, first} { // which of them leads is not said
			p.visit("/inbox")
			p.see(p.plain("inbox.empty"))
		}
		first.eventually(func(ctx) error {
			if n := first.opened() + second.opened(); n == 0 {
				return fmt.Errorf("no tab has a stream")
			}
			return nil
		})
		ann, bob := b.d.NewUser(t), b.d.NewUser(t)
		ann.Like(t, video.ID)
		for _, p := range []*page{first, second} {
			p.soon(notice(p.says("notice.like.one", ann.Name)))
		}
		before := first.opened()
		if second.opened() == 0 {
			t.Errorf("the tab that was there first does not lead")
		}
		closeSecond()
		first.hears(before)
		bob.Like(t, video.ID)
		first.soon(notice(first.says("notice.like.other", bob.Name+" and "+ann.Name)))
		first.check()
	})
}

// TestStreamComesBack restarts the server below a page: it hears of news again.
func TestStreamComesBack(t *testing.T) {
	each(t, func(t *testing.T, b *browser) {
		author := clips(t, b.d, "moss")
		video := author.Published(t, author.ID)[0]
		ann, bob := b.d.NewUser(t), b.d.NewUser(t)
		p := b.open(t, desktop("en"))
		p.enter(author)
		p.visit("/inbox")
		p.hears(0)
		p.stays()
		before := p.opened()
		p.away(true)
		b.d.Stop(t)
		b.d.Start(t)
		ann.Like(t, video.ID)
		p.until(notice(p.says("notice.like.one", ann.Name)))
		p.hears(before)
		p.away(false)
		bob.Like(t, video.ID)
		p.soon(notice(p.says("notice.like.other", bob.Name+" and "+ann.Name)))
		p.stayed()
		p.check()
	})
}
