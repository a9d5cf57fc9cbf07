package web_test

import (
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"tiktok/test/harness"
)

// enter logs somebody in as the page does, without its form: the cookie of a web session, and the hint that there is one.
func (p *page) enter(u *harness.User) {
	p.t.Helper()
	p.visit("/")
	status := eval[int](p, fmt.Sprintf(`fetch("/api/v1/sessions", {method: "POST", headers: {"Content-Type": "application/json"},
		body: JSON.stringify({name: %s, password: %s, cookie: true})}).then((r) => (localStorage.setItem("session", "yes"), r.status))`,
		quote(u.Name), quote(u.Password)))
	if status != 201 {
		p.t.Fatalf("log in: status %d", status)
	}
}

// register makes an account by the page's form.
func (p *page) register(name, password string) {
	p.t.Helper()
	p.visit("/login")
	p.click("button", p.named("login.to.register"))
	p.fill(p.named("login.name"), name)
	p.fill(p.named("login.password"), password)
	p.click("button", p.named("login.submit.register"))
	p.see(strings.ReplaceAll(p.plain("login.welcome"), "{name}", name))
	p.until(`location.pathname !== "/login"`)
}

// publish uploads a file by the page's form, and opens the video once it is listed.
func (p *page) publish(file, title string) {
	p.t.Helper()
	p.visit("/upload")
	p.choose(file)
	p.fill(p.named("upload.name"), title)
	p.click("button", p.named("upload.publish"))
	p.see(title)
	p.click("link", p.named("upload.watch"))
	p.until(`location.pathname.startsWith("/v/")`)
	p.see(title)
	p.plays()
}

// TestLifeOfAnAccount has two people who register, publish, like, comment, follow and chat, each in a browser of their own.
func TestLifeOfAnAccount(t *testing.T) {
	each(t, func(t *testing.T, b *browser) {
		for _, pair := range [][2]view{{phone("en"), desktop("zh")}, {desktop("en"), phone("zh")}} {
			t.Run(pair[0].name, func(t *testing.T) { life(t, b, b.open(t, pair[0]), b.open(t, pair[1])) })
		}
	})
}

func life(t *testing.T, b *browser, ann, bob *page) {
	annName, bobName := b.d.NewName(), b.d.NewName()
	ann.register(annName, "a long walk in "+annName[:4])
	title := "Waves of " + annName
	ann.publish(filepath.Join(harness.RepoRoot(t), "cmd/tiktok/app/demo/clips/tide.mp4"), title)
	video := eval[string](ann, "location.pathname")

	// Bob finds it at the top of the newest, likes it, and is asked who they are.
	bob.visit("/")
	bob.tab("newest")
	bob.see(title)
	bob.plays()
	bob.click("button", "^"+bob.text("player.like")+", ")
	bob.click("button", bob.named("login.to.register"))
	bob.fill(bob.named("login.name"), bobName)
	bob.fill(bob.named("login.password"), "another walk "+bobName[:4])
	bob.click("button", bob.named("login.submit.register"))
	bob.until(`document.querySelector(".rail-button[aria-pressed=true]")`)
	bob.visit(video)
	bob.until(`document.querySelector(".rail-button[aria-pressed=true]")`) // after a reload, too
	id, err := strconv.ParseInt(strings.TrimPrefix(video, "/v/"), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	author := b.d.Login(t, annName, "a long walk in "+annName[:4])
	if v := author.Published(t, author.ID)[0]; v.ID != id || v.FavoriteCount != 1 {
		t.Errorf("the API shows video %d with %d likes, want %d with one", v.ID, v.FavoriteCount, id)
	}

	// Bob comments and follows; Ann sees the comment.
	bob.openComments()
	comment := "such <b>waves</b> & more, " + bobName
	bob.fill(bob.named("comments.placeholder"), comment)
	bob.click("button", bob.named("comments.post"))
	bob.see(comment)
	bob.visit("/@" + annName)
	bob.click("button", bob.named("action.follow.name", "name", annName))
	bob.has("button", "^"+bob.text("action.following"))
	ann.visit(video)
	ann.has("button", "1 comment$")
	ann.openComments()
	ann.see(comment)

	// They chat, without loading the page again.
	bob.click("link", bob.named("action.message"))
	bob.until(`location.pathname.startsWith("/chat/")`)
	bob.fill(bob.named("chat.placeholder"), "你好, "+annName)
	bob.click("button", bob.named("chat.send"))
	bob.see("你好, " + annName)
	ann.visit("/chat")
	ann.click("link", bobName)
	ann.see("你好, " + annName)
	ann.fill(ann.named("chat.placeholder"), "hello <i>"+bobName+"</i>")
	ann.click("button", ann.named("chat.send"))
	bob.see("hello <i>" + bobName + "</i>")

	// Ann shows another name, which Bob sees.
	ann.visit("/settings")
	ann.fill(ann.named("settings.name"), "Ann & co "+annName[4:])
	ann.click("button", ann.named("action.save"))
	ann.see(ann.plain("settings.saved"))
	bob.visit("/@" + annName)
	bob.has("heading", "Ann & co "+annName[4:])

	// Ann logs in elsewhere, and ends that session: that browser asks to log in, and keeps what was typed.
	other := b.open(t, desktop("en"))
	other.enter(&harness.User{Name: annName, Password: "a long walk in " + annName[:4]})
	other.visit(video)
	other.openComments()
	other.fill(other.named("comments.placeholder"), "half a comm")
	other.allow(401)
	ann.visit("/settings")
	ann.has("heading", ann.named("settings.sessions"))
	ann.until(`!document.querySelector("main .skeleton")`) // what comes in moves what is below
	ann.click("button", ann.named("settings.sessions.others"))
	ann.click("button", ann.named("settings.sessions.others"))
	ann.see(ann.plain("settings.sessions.ended"))
	other.eventually(func(ctx ctx) error { // until the revocation has reached every gateway
		status, err := chromedp.Run(ctx, chromedp.Evaluate[int](`fetch("/api/v1/me").then((r) => r.status)`, chromedp.EvalAwaitPromise))
		if err == nil && status != 401 {
			err = fmt.Errorf("/api/v1/me is answered with %d", status)
		}
		return err
	})
	other.click("button", other.named("comments.post"))
	other.has("heading", other.named("login.again"))
	other.fill(other.named("login.name"), annName)
	other.fill(other.named("login.password"), "a long walk in "+annName[:4])
	other.click("button", other.named("login.submit"))
	other.see("half a comm")
	for _, p := range []*page{ann, bob, other} {
		p.check()
	}
}
