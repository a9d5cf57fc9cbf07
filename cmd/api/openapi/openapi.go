// Package openapi is the document of the HTTP API, both /api/v1 and /douyin, which `make gen` makes of idl/ (see generate), and the page
// that shows it (see page).
package openapi

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"fmt"
	"io"
	"sync"

	"github.com/cloudwego/hertz/pkg/app"

	"tiktok/cmd/api/biz/pack"
	"tiktok/cmd/api/hertzfix"
)

//go:embed openapi.json page/index.html page/start.js page/scalar.js.gz page/LICENSE
var files embed.FS

// Policy is the Content-Security-Policy of the page. Its library makes styles as it runs, and calls the API to try it.
const Policy = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; " +
	"media-src 'self' blob:; font-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// Document is the OpenAPI 3.1 document, as JSON.
func Document() ([]byte, error) { return files.ReadFile("openapi.json") }

// File is the document or a part of its page, ready to be served.
type File struct {
	// Path is where it is served.
	Path string
	// Page says that it needs Policy.
	Page bool
	kind string
	// plain and packed are the content, and the content compressed by gzip; either is made of the other when it is first asked for.
	plain, packed func() ([]byte, error)
	tag           string
}

// Files are all that is served: the document and its page.
func Files() ([]File, error) {
	all := []File{
		{Path: "/openapi.json", kind: "application/json"},
		{Path: "/docs", kind: "text/html; charset=utf-8", Page: true},
		{Path: "/docs/start.js", kind: "text/javascript; charset=utf-8"},
		{Path: "/docs/scalar.js", kind: "text/javascript; charset=utf-8"},
		{Path: "/docs/LICENSE", kind: "text/plain; charset=utf-8"},
	}
	for i, name := range []string{"openapi.json", "page/index.html", "page/start.js", "page/scalar.js.gz", "page/LICENSE"} {
		b, err := files.ReadFile(name)
		if err != nil {
			return nil, err
		}
		as := func() ([]byte, error) { return b, nil }
		f := &all[i]
		sum := sha256.Sum256(b)
		f.tag = fmt.Sprintf("%x", sum[:12])
		f.plain, f.packed = as, sync.OnceValues(func() ([]byte, error) { return compress(b) })
		if name == "page/scalar.js.gz" {
			f.plain, f.packed = sync.OnceValues(func() ([]byte, error) { return decompress(b) }), as
		}
	}
	return all, nil
}

// Serve answers GET and HEAD, compressed for a client that reads gzip.
func (f File) Serve(c *app.RequestContext) error {
	content, tag := f.plain, `"`+f.tag+`"`
	c.Response.Header.Set("Vary", "Accept-Encoding")
	if pack.AcceptsGzip(string(c.GetHeader("Accept-Encoding"))) {
		content, tag = f.packed, `"`+f.tag+`-gzip"`
		c.Response.Header.Set("Content-Encoding", "gzip")
	}
	body, err := content()
	if err != nil {
		return err
	}
	hertzfix.ServeContent(c, hertzfix.Content{
		Body: reader{bytes.NewReader(body)}, Size: int64(len(body)), Type: f.kind, ETag: tag, CacheControl: "no-cache",
	})
	return nil
}

func compress(plain []byte) ([]byte, error) {
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(plain); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

func decompress(packed []byte) ([]byte, error) {
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}

// reader has nothing to close.
type reader struct{ *bytes.Reader }

// Close does nothing.
func (reader) Close() error { return nil }
