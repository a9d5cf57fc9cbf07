package gateway_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"regexp"
	"strings"
	"testing"

	"tiktok/cmd/api/openapi"
)

func TestDocumentIsServed(t *testing.T) {
	e := start(t, &fakes{})
	a := e.get("/openapi.json")
	wantSecure(t, "document", a.Response)
	want, err := openapi.Document()
	if err != nil {
		t.Fatal(err)
	}
	if a.StatusCode != 200 || a.Header.Get("Content-Type") != "application/json" || !bytes.Equal(a.body, want) || !json.Valid(a.body) {
		t.Errorf("document: %d %v %.100s", a.StatusCode, a.Header, a.body)
	}
	known := request{method: "GET", path: "/openapi.json", header: map[string]string{"If-None-Match": a.Header.Get("ETag")}}
	if b := e.do(known); b.StatusCode != 304 {
		t.Errorf("known document: %d", b.StatusCode)
	}
	h := e.do(request{method: "HEAD", path: "/openapi.json"})
	if h.StatusCode != 200 || h.ContentLength != int64(len(want)) || len(h.body) > 0 {
		t.Errorf("HEAD: %d %d", h.StatusCode, h.ContentLength)
	}
}

// The page loads nothing but files of this server, which may run, and only this page has its policy.
func TestDocsPage(t *testing.T) {
	e := start(t, &fakes{})
	page := e.get("/docs")
	if page.StatusCode != 200 || page.Header.Get("Content-Type") != "text/html; charset=utf-8" {
		t.Fatalf("page: %d %v", page.StatusCode, page.Header)
	}
	policy := page.Header.Values("Content-Security-Policy")
	if len(policy) != 1 || !strings.Contains(policy[0], "script-src 'self';") || strings.Contains(policy[0], "unsafe-eval") {
		t.Errorf("policy: %q", policy)
	}
	links := regexp.MustCompile(`(?:src|href)="([^"]*)"`).FindAllStringSubmatch(string(page.body), -1)
	if len(links) < 3 {
		t.Fatalf("the page loads %v", links)
	}
	for _, m := range links {
		if a := e.get(m[1]); a.StatusCode != 200 || len(a.body) == 0 {
			t.Errorf("%s: %d", m[1], a.StatusCode)
		} else {
			wantSecure(t, m[1], a.Response)
		}
	}
	plain := e.get("/docs/scalar.js")
	packed := e.do(request{method: "GET", path: "/docs/scalar.js", header: map[string]string{"Accept-Encoding": "gzip"}})
	if packed.Header.Get("Content-Encoding") != "gzip" || packed.Header.Get("Vary") != "Accept-Encoding" ||
		packed.Header.Get("ETag") == plain.Header.Get("ETag") {
		t.Errorf("compressed: %v", packed.Header)
	}
	r, err := gzip.NewReader(bytes.NewReader(packed.body))
	if err != nil {
		t.Fatal(err)
	}
	if script, err := io.ReadAll(r); err != nil || !bytes.Equal(script, plain.body) || bytes.Contains(script, []byte("new Function(")) {
		t.Errorf("script: %v, %d bytes against %d", err, len(script), len(plain.body))
	}
}
