package web

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"sync"

	"github.com/cloudwego/hertz/pkg/app"
	"github.com/klauspost/compress/gzip"

	"tiktok/cmd/api/biz/pack"
	"tiktok/cmd/api/hertzfix"
)

// gzipFrom is the size in bytes from which compressing saves more than it costs: about one packet.
const gzipFrom = 1 << 10

// file is one file of the client.
type file struct {
	body  []byte
	kind  string
	cache string
	tag   string // of the ETag, without quotes
	// gzip is the compressed body, nil where that is of no use. It is made when it is first asked for, and kept.
	gzip func() []byte
}

func newFile(ext string, body []byte, cache string) *file {
	f := &file{body: body, cache: cache, tag: tagOf(body), gzip: notPacked}
	var text bool
	f.kind, text = kindOf(ext)
	if text && len(body) >= gzipFrom {
		f.gzip = sync.OnceValue(func() []byte { return compress(body) })
	}
	return f
}

func notPacked() []byte { return nil }

// kindOf is the media type by the extension, and whether it is a text. The table is ours because that of package mime depends on the
// files of the machine.
func kindOf(ext string) (kind string, text bool) {
	switch ext {
	case ".js":
		return "text/javascript; charset=utf-8", true
	case ".css":
		return "text/css; charset=utf-8", true
	case ".html":
		return "text/html; charset=utf-8", true
	case ".txt":
		return "text/plain; charset=utf-8", true
	case ".svg":
		return "image/svg+xml", true
	case ".json", ".map":
		return "application/json", true
	case ".webmanifest":
		return "application/manifest+json", true
	case ".png":
		return "image/png", false
	case ".ico":
		return "image/x-icon", false
	case ".woff2":
		return "font/woff2", false
	}
	return "application/octet-stream", false
}

func tagOf(body []byte) string {
	sum := sha256.Sum256(body)
	return fmt.Sprintf("%x", sum[:12])
}

func compress(body []byte) []byte {
	var out bytes.Buffer
	w, _ := gzip.NewWriterLevel(&out, gzip.BestCompression) // the level is valid
	_, _ = w.Write(body)                                    // a bytes.Buffer takes everything
	_ = w.Close()
	return out.Bytes()
}

// serve answers GET and HEAD. The client gets what it can read: compressed or not.
func (f *file) serve(c *app.RequestContext) {
	body, tag := f.body, `"`+f.tag+`"`
	if packed := f.gzip(); packed != nil {
		addVary(c, "Accept-Encoding")
		if pack.AcceptsGzip(string(c.GetHeader("Accept-Encoding"))) {
			body, tag = packed, `"`+f.tag+`-gzip"`
			c.Response.Header.Set("Content-Encoding", "gzip")
		}
	}
	hertzfix.ServeContent(c, hertzfix.Content{
		Body: reader{bytes.NewReader(body)}, Size: int64(len(body)), Type: f.kind, ETag: tag, CacheControl: f.cache,
	})
}

// addVary names a further header on which the answer depends.
func addVary(c *app.RequestContext, header string) {
	if before := c.Response.Header.Peek("Vary"); len(before) > 0 {
		header = string(before) + ", " + header
	}
	c.Response.Header.Set("Vary", header)
}

// reader has nothing to close.
type reader struct{ *bytes.Reader }

func (reader) Close() error { return nil }
