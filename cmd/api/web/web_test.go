package web

import (
	"bytes"
	"io/fs"
	"path"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/cloudwego/hertz/pkg/app"
)

const somePage = `<!doctype html><html><head><meta charset="utf-8"><title>tiktok</title><link rel="icon" ` +
	`href="/x.svg"></head><body></body></html>`

func site(t *testing.T, more map[string]string) *Site {
	t.Helper()
	files := fstest.MapFS{"index.html": {Data: []byte(somePage)}}
	for name, text := range more {
		files[name] = &fstest.MapFile{Data: []byte(text)}
	}
	s, err := newSite(files, Facts{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// What is built into the program has all files that its page names, and nothing inline: the policy would refuse it.
func TestBuiltClient(t *testing.T) {
	s, err := New(Facts{})
	if err != nil {
		t.Fatal(err)
	}
	page := string(s.index.plain.body)
	names := regexp.MustCompile(`(?:src|href)="([^"]*)"`).FindAllStringSubmatch(page, -1)
	if len(names) == 0 {
		t.Error("the page loads nothing")
	}
	for _, m := range names {
		name, ok := strings.CutPrefix(m[1], "/")
		if !ok {
			t.Errorf("%s is not of this address", m[1])
		}
		asset, ok := strings.CutPrefix(name, assetsDir+"/")
		if f := s.root[name]; !ok && f == nil {
			t.Errorf("there is no %s", m[1])
		}
		if f := s.assets[asset]; ok && f == nil {
			t.Errorf("there is no %s", m[1])
		}
	}
	if m := regexp.MustCompile(`(?i)<script[^>]*>[^<]|<style| style=| on\w+=|javascript:`).FindString(page); m != "" {
		t.Errorf("the page has something inline: %s", m)
	}
	for _, files := range []map[string]*file{s.assets, s.root} {
		for name, f := range files {
			if f.kind == "application/octet-stream" {
				t.Errorf("%s has no media type", name)
			}
		}
	}
	for name := range s.assets {
		if !regexp.MustCompile(`-[A-Z0-9]{8}\.\w+$`).MatchString(name) {
			t.Errorf("%s is kept for good, and has no hash in its name", name)
		}
	}
}

func TestIncompleteClient(t *testing.T) {
	for name, files := range map[string]fstest.MapFS{
		"no page":            {"assets/a.js": {}},
		"no title":           {"index.html": {Data: []byte("<html><head></head></html>")}},
		"a title in a body":  {"index.html": {Data: []byte("<html><head></head><title>x</title></html>")}},
		"a file in a folder": {"index.html": {Data: []byte(somePage)}, "other/a.js": {Data: []byte("x")}},
	} {
		if s, err := newSite(files, Facts{}); err == nil {
			t.Errorf("%s: %v", name, s)
		}
	}
	if _, err := newSite(fstest.MapFS{}, Facts{}); err == nil || !strings.Contains(err.Error(), fs.ErrNotExist.Error()) {
		t.Errorf("nothing: %v", err)
	}
}

// Nothing that somebody writes leaves the attribute or the title in which it stands.
func TestHostileHead(t *testing.T) {
	s := site(t, nil)
	for _, text := range []string{
		`"><script>alert(1)</script>`, `</title><script>alert(1)</script>`, `' onload='x`, `</head><body onload=x>`, "a\n\"b\"\x00<",
		`&quot;><img src=x>`,
	} {
		page := string(s.index.with(head{
			title: text, kind: "video.other", url: "https://x/" + text, image: text, description: text, video: text, width: 1, height: 2,
		}).body)
		inner := strings.TrimSuffix(strings.TrimPrefix(page, string(s.index.before)), string(s.index.after))
		// What is left when the expected tags are taken away has no markup of its own.
		rest := regexp.MustCompile(`^<title>[^<>"']*</title>|<link rel="canonical" href="[^<>"']*">|<meta (name|property)="[\w:]+" `+
			`content="[^<>"']*">`).
			ReplaceAllString(inner, "")
		if rest != "" {
			t.Errorf("%q leaves %q", text, rest)
		}
		if strings.Count(inner, "\n") > 0 {
			t.Errorf("%q has more than one line", text)
		}
	}
}

func TestHead(t *testing.T) {
	s := site(t, nil)
	page := string(s.index.with(head{title: "Cats & dogs", kind: "profile", url: "https://v/@a", image: "https://v/a.jpg"}).body)
	for _, want := range []string{
		"<title>Cats &amp; dogs · tiktok</title>", `<link rel="canonical" href="https://v/@a">`,
		`<meta property="og:title" content="Cats &amp; dogs">`,
		`<meta property="og:type" content="profile">`, `<meta property="og:image" content="https://v/a.jpg">`,
		`<meta name="twitter:card" content="summary">`, `<link rel="icon" href="/x.svg"></head>`,
	} {
		if !strings.Contains(page, want) {
			t.Errorf("no %s in %s", want, page)
		}
	}
	if strings.Contains(page, "og:video") || strings.Contains(page, "description") || strings.Count(page, "<title>") != 1 {
		t.Errorf("too much in %s", page)
	}
}

func TestFacts(t *testing.T) {
	files := fstest.MapFS{"index.html": {Data: []byte(somePage)}}
	s, err := newSite(files, Facts{MaxUploadBytes: 1000, MaxDuration: 2 * time.Second, Version: `v1"<`})
	if err != nil {
		t.Fatal(err)
	}
	want := `<meta name="max-upload-bytes" content="1000"><meta name="max-upload-ms" content="2000">` +
		`<meta name="version" content="v1&#34;&lt;"><title>`
	for name, f := range map[string]*file{"plain": s.index.plain, "about something": s.index.with(head{title: "x"})} {
		if !strings.Contains(string(f.body), want) {
			t.Errorf("%s: %s", name, f.body)
		}
	}
}

func TestPolicy(t *testing.T) {
	own := Policy()
	if strings.Contains(own, "http") || strings.Contains(own, "unsafe") || strings.Contains(own, "*") {
		t.Errorf("for nobody else: %s", own)
	}
	p := Policy("https://v.example.com/base", "https://cdn.example.com/media/videos/x?X-Amz-Signature=1", "https://v.example.com", "",
		"ftp://x", "%", "https://a;script-src *")
	for _, want := range []string{
		"img-src 'self' data: blob: https://v.example.com https://cdn.example.com;",
		"media-src 'self' blob: https://v.example.com https://cdn.example.com;",
		"connect-src 'self' https://v.example.com https://cdn.example.com;", "script-src 'self';", "style-src 'self';",
	} {
		if !strings.Contains(p, want) {
			t.Errorf("no %q in %s", want, p)
		}
	}
}

// A client gets the form that it can read, and each form has its own ETag.
func TestServe(t *testing.T) {
	text := strings.Repeat("const a = 1;\n", 1000)
	s := site(t, map[string]string{"assets/a-ABCDEFGH.js": text, "assets/b-ABCDEFGH.png": text, "assets/c-ABCDEFGH.css": "a{}"})
	ask := func(name string, header ...string) *app.RequestContext {
		c := app.NewContext(0)
		c.Request.SetMethod("GET")
		for i := 0; i+1 < len(header); i += 2 {
			c.Request.Header.Set(header[i], header[i+1])
		}
		s.assets[name].serve(c)
		return c
	}
	plain, packed := ask("a-ABCDEFGH.js"), ask("a-ABCDEFGH.js", "Accept-Encoding", "br, gzip")
	if got := plain.Response.Body(); string(got) != text {
		t.Errorf("plain: %d bytes", len(got))
	}
	if n := len(packed.Response.Body()); n > len(text)/10 || string(packed.Response.Header.ContentEncoding()) != "gzip" {
		t.Errorf("packed: %d bytes, %s", n, packed.Response.Header.Header())
	}
	for _, c := range []*app.RequestContext{plain, packed} {
		h := &c.Response.Header
		if h.Get("Vary") != "Accept-Encoding" || h.Get("Cache-Control") != assetCache ||
			string(h.ContentType()) != "text/javascript; charset=utf-8" {
			t.Errorf("headers: %s", h.Header())
		}
		if h.Get("Last-Modified") != "" {
			t.Errorf("a file of the program has a date: %s", h.Header())
		}
	}
	tag, packedTag := plain.Response.Header.Get("ETag"), packed.Response.Header.Get("ETag")
	if tag == packedTag {
		t.Errorf("one ETag for two forms: %s", tag)
	}
	if c := ask("a-ABCDEFGH.js", "If-None-Match", packedTag, "Accept-Encoding", "gzip"); c.Response.StatusCode() != 304 ||
		len(c.Response.Body()) > 0 {
		t.Errorf("known: %d", c.Response.StatusCode())
	}
	if c := ask("a-ABCDEFGH.js", "If-Modified-Since", "Sun, 29 Nov 2026 08:00:00 GMT"); c.Response.StatusCode() != 200 {
		t.Errorf("known by date: %d", c.Response.StatusCode())
	}
	for _, name := range []string{"b-ABCDEFGH.png", "c-ABCDEFGH.css"} {
		if c := ask(name, "Accept-Encoding", "gzip"); c.Response.Header.Get("Vary") != "" ||
			!bytes.HasPrefix(c.Response.Body(), s.assets[name].body) {
			t.Errorf("%s: %s", path.Base(name), c.Response.Header.Header())
		}
	}
}
