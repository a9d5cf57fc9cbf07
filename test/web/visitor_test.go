package web_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"

	"tiktok/test/harness"
)

// clips makes a deployment with some of the demo's clips, and returns their author.
func clips(t testing.TB, d *harness.Deployment, names ...string) *harness.User {
	t.Helper()
	author := d.NewUser(t)
	for _, name := range names {
		author.TryPublish(t, "clip "+name, harness.File{Field: "data", Name: name + ".mp4", Data: clip(t, name)}).OK(t)
	}
	return author
}

// A visitor sees videos that play, scrolls through them by wheel, key and button, and comes back to where they were.
func TestVisitor(t *testing.T) {
	each(t, func(t *testing.T, b *browser) {
		clips(t, b.d, "tide", "moss", "silk")
		for _, v := range views() {
			t.Run(v.name, func(t *testing.T) {
				p := b.open(t, v)
				p.visit("/")
				first := p.plays()
				p.press(kb.ArrowDown)
				p.until(fmt.Sprintf("__page.playing().frames >= 0 && __page.playing().src !== %s", quote(first)))
				second := p.plays()
				if first == second {
					t.Errorf("after the next video, %s still plays", first)
				}
				p.press(kb.ArrowUp)
				p.until("__page.playing().src === " + quote(first))
				if got := p.plays(); got != first {
					t.Errorf("after going back up, %s plays, not %s", got, first)
				}
				p.check()
				if sum := p.scriptBytes(); sum >= 60_000 {
					t.Errorf("%.0f bytes of scripts before the first frame, the budget is 60 kB: %v", sum, p.bytes)
				}
			})
		}
	})
}

// scriptBytes is what the scripts took on the wire, without hls.js, which comes when it is needed.
func (p *page) scriptBytes() (sum float64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for url, n := range p.bytes {
		if !strings.Contains(url, "/hls-") {
			sum += n
		}
	}
	return sum
}

// clip is one of the demo's clips.
func clip(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(harness.RepoRoot(t), "cmd/tiktok/app/demo/clips", name+".mp4"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}
