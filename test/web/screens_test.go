package web_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"testing"

	cdpage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"golang.org/x/image/draw"

	"tiktok/cmd/tiktok/app/demo"
	"tiktok/test/harness"
)

// The strip of README: some pages of the phone side by side.
const (
	stripHeight  = 600
	stripGap     = 16
	stripQuality = 82
	webpQuality  = 60
	// maxScreens is what all pictures may take together, in bytes.
	maxScreens = 1_500_000
)

// stripPages are shown in README.
func stripPages() []string {
	return []string{"phone-feed", "phone-comments", "phone-inbox", "phone-profile", "phone-conversation", "phone-dark-settings"}
}

// TestScreenshots looks at every page with the demo's content, phone and desktop, and writes the pictures into the folder
// of the variable SCREENSHOTS: `make screenshots`.
func TestScreenshots(t *testing.T) {
	dir := os.Getenv("SCREENSHOTS")
	if dir == "" {
		t.Skip("make screenshots writes docs/screens")
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	b := startBrowser(t, harness.AllInOne(t, harness.WithoutLimits(), harness.Set("demo.enabled", "true"),
		harness.Set("discovery.feeds.trending_every", "1s")))
	me := b.d.Login(t, "alice", demo.Password)
	friend := b.d.Login(t, "bob", demo.Password)
	video := me.Published(t, me.ID)[0]
	talk(t, b.d, video.ID)
	audience(t, b.d)
	looks := []view{
		{name: "phone", width: 390, height: 844, phone: true, language: "en"},
		{name: "desktop", width: 1440, height: 900, language: "en"},
		{name: "phone-dark", width: 390, height: 844, phone: true, language: "zh", dark: true},
	}
	total := 0
	strip := map[string]image.Image{}
	for _, v := range looks {
		p := b.open(t, v)
		p.allow(404)
		for _, to := range []place{
			{"feed", "/", "article", ".", false},
			{"comments", fmt.Sprintf("/v/%d", video.ID), "article", ".", false},
			{"login", "/login", "field", ".", false},
			{"missing", "/nothing", "heading", ".", false},
			{"search", "/search?q=" + url.QueryEscape("夜"), "link", "夜", false},
			{"tags", "/search", "link", "夜晚", false},
			{"tag", "/tag/slow", "link", ", by |，作者 ", false},
			{"profile", "/@bob", "heading", "[Bb]ob", true},
			{"history", "/history", "link", ", by |，作者 ", true},
			{"statistics", "/statistics", "link", ".", true},
			{"upload", "/upload", "heading", ".", true},
			{"inbox", "/inbox", "link", "[Bb]ob", true},
			{"messages", "/chat", "link", "[Bb]ob", true},
			{"conversation", fmt.Sprintf("/chat/%d", friend.ID), "heading", "[Bb]ob", true},
			{"settings", "/settings", "heading", ".", true},
		} {
			if to.name == "profile" { // the first one of a member
				p.enter(me)
			}
			p.arrive(to)
			if to.role == "article" {
				p.plays()
			}
			if to.name == "comments" {
				p.openComments()
				p.click("button", "^2 |^2 条")
				p.until(`document.querySelectorAll(".answers .comment").length === 2`)
			}
			if to.name == "statistics" {
				p.until(`document.querySelectorAll(".table-videos tbody tr").length > 1`)
			}
			if to.name == "inbox" {
				p.until(`document.querySelectorAll(".notice").length > 4`)
			}
			name := v.name + "-" + to.name
			total += p.screenshot(filepath.Join(dir, name+".webp"))
			if slices.Contains(stripPages(), name) {
				strip[name] = p.picture()
			}
		}
	}
	joined := joinScreens(t, strip)
	if err := os.WriteFile(filepath.Join(dir, "strip.jpg"), joined, 0o644); err != nil { //nolint:gosec // a picture for everybody
		t.Fatal(err)
	}
	if total += len(joined); total > maxScreens {
		t.Errorf("the pictures have %d bytes together, at most %d", total, maxScreens)
	}
}

// talk has people of the demo talk about a video of alice's.
func talk(t *testing.T, d *harness.Deployment, video int64) {
	t.Helper()
	alice, bob, carol := d.Login(t, "alice", demo.Password), d.Login(t, "bob", demo.Password), d.Login(t, "carol", demo.Password)
	thanks := say(t, d, alice, video, 0, "Thank you all! Filmed on one morning, before breakfast.")
	question := say(t, d, bob, video, 0, "Where is this? I want to go there, @carol!")
	say(t, d, carol, video, question, "Next summer then, @bob")
	say(t, d, alice, video, question, "Take the early train, it is empty and the light is best")
	like := fmt.Sprintf("/api/v1/videos/%d/comments/%d", video, question)
	ask(t, d, alice, http.MethodPut, like+"/like", nil)
	ask(t, d, carol, http.MethodPut, like+"/like", nil)
	ask(t, d, alice, http.MethodPut, fmt.Sprintf("/api/v1/videos/%d/comments/%d/pin", video, thanks), nil)
	ask(t, d, bob, http.MethodPut, fmt.Sprintf("/api/v1/videos/%d/comments/%d/like", video, thanks), nil)
}

// audience has the people of the demo watch each other's videos, and waits until they are found and counted.
func audience(t *testing.T, d *harness.Deployment) {
	t.Helper()
	var all []*harness.User
	for _, name := range demo.Users() {
		all = append(all, d.Login(t, name, demo.Password))
	}
	for i, viewer := range all {
		var watches []map[string]any
		for j, author := range all {
			for k, v := range viewer.Published(t, author.ID) {
				watches = append(watches, map[string]any{
					"video_id": v.ID, "session": fmt.Sprintf("%d-%d-%d", i, j, k), "watched_ms": 3000 + 700*(i+j+k), "is_finished": (i+j+k)%3 > 0,
				})
			}
		}
		ask(t, d, viewer, http.MethodPost, "/api/v1/watches", map[string]any{"items": watches})
	}
	alice := all[0]
	found(t, d, alice, "夜", alice.Published(t, alice.ID)[1].ID)
}

// say writes a comment, or an answer to one, and returns its id.
func say(t *testing.T, d *harness.Deployment, u *harness.User, video, answered int64, text string) int64 {
	t.Helper()
	body := map[string]any{"content": text}
	if answered > 0 {
		body["reply_to_id"] = answered
	}
	raw := ask(t, d, u, http.MethodPost, fmt.Sprintf("/api/v1/videos/%d/comments", video), body)
	var stored struct{ ID int64 }
	if err := json.Unmarshal(raw, &stored); err != nil || stored.ID == 0 {
		t.Fatalf("%s: %v", raw, err)
	}
	return stored.ID
}

// ask calls /api/v1 for somebody.
func ask(t *testing.T, d *harness.Deployment, u *harness.User, method, path string, body map[string]any) []byte {
	t.Helper()
	r := harness.Request{Method: method, Path: path, Header: http.Header{"Authorization": {"Bearer " + u.Token}}}
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		r.Body, r.ContentType = text, "application/json"
	}
	a := d.Raw(t, r)
	if a.Status < 200 || a.Status > 299 {
		t.Fatalf("%s %s: %d %s", method, path, a.Status, a.Raw)
	}
	return a.Raw
}

// screenshot writes what is to be seen to a file, when its pictures are there, and returns its size.
func (p *page) screenshot(file string) int {
	p.t.Helper()
	eval[bool](p, `Promise.all([...document.images].filter((e) => e.checkVisibility() && e.getBoundingClientRect().top < innerHeight)
		.map((e) => e.decode().catch(() => undefined))).then(() => true)`)
	p.until(`document.getAnimations().every((a) => a.playState !== "running" || a.effect.getTiming().iterations === Infinity)`)
	quality := int64(webpQuality)
	shot, err := chromedp.Call(p.ctx, cdpage.CaptureScreenshot, cdpage.CaptureScreenshotParams{
		Format: cdpage.CaptureScreenshotFormatWebp, Quality: &quality,
	})
	if err == nil {
		err = os.WriteFile(file, shot.Data, 0o644) //nolint:gosec // a picture for everybody
	}
	if err != nil {
		p.t.Fatal(err)
	}
	return len(shot.Data)
}

// openComments opens the comments of the video in view.
func (p *page) openComments() {
	p.t.Helper()
	p.eventually(func(ctx context.Context) error {
		if open, err := chromedp.Run(ctx, chromedp.Evaluate[bool](`Boolean(document.querySelector("textarea"))`)); err != nil || open {
			return err
		}
		at, err := chromedp.Run(ctx, chromedp.Evaluate[[]float64](`(() => {
			const box = document.querySelector("button[aria-keyshortcuts=C]")?.getBoundingClientRect();
			return box ? [box.left + box.width / 2, box.top + box.height / 2] : [];
		})()`))
		if err == nil && len(at) == 2 {
			err = chromedp.Do(ctx, chromedp.MouseClickXY(at[0], at[1]))
		}
		return errors.Join(err, errors.New("the comments are not open"))
	})
}

// picture is what is to be seen.
func (p *page) picture() image.Image {
	p.t.Helper()
	shot, err := chromedp.Call(p.ctx, cdpage.CaptureScreenshot, cdpage.CaptureScreenshotParams{})
	if err != nil {
		p.t.Fatal(err)
	}
	img, err := png.Decode(bytes.NewReader(shot.Data))
	if err != nil {
		p.t.Fatal(err)
	}
	return img
}

// joinScreens puts the pages of the strip side by side.
func joinScreens(t *testing.T, pages map[string]image.Image) []byte {
	t.Helper()
	var all []image.Image
	width := 0
	for _, name := range stripPages() {
		img, ok := pages[name]
		if !ok {
			t.Fatalf("there is no picture of %s", name)
		}
		all = append(all, img)
		width += stripWidth(img) + stripGap
	}
	out := image.NewRGBA(image.Rect(0, 0, width-stripGap, stripHeight))
	draw.Draw(out, out.Bounds(), image.NewUniform(color.White), image.Point{}, draw.Src)
	x := 0
	for _, img := range all {
		w := stripWidth(img)
		draw.CatmullRom.Scale(out, image.Rect(x, 0, x+w, stripHeight), img, img.Bounds(), draw.Src, nil)
		x += w + stripGap
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, out, &jpeg.Options{Quality: stripQuality}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func stripWidth(img image.Image) int { return img.Bounds().Dx() * stripHeight / img.Bounds().Dy() }
