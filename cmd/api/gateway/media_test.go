package gateway_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tiktok/cmd/api/gateway"
	"tiktok/pkg/blob"
)

// TestMediaRedirect checks that clients are sent to where they can read without the gateway, and that what is not public
// is not shown a way to.
func TestMediaRedirect(t *testing.T) {
	store, err := blob.Open(t.Context(), blob.Config{Driver: "local", Dir: t.TempDir(), PublicURL: "https://cdn.example.com/m/"})
	if err != nil {
		t.Fatal(err)
	}
	e := start(t, &fakes{}, func(d *gateway.Deps) { d.Blobs = store })
	if _, err := store.Put(t.Context(), "videos/ab/x.mp4", strings.NewReader("0123"), ""); err != nil {
		t.Fatal(err)
	}
	e.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	for _, try := range []struct {
		method, path string
		status       int
		location     string
	}{
		{"GET", "/media/videos/ab/x.mp4", 302, "https://cdn.example.com/m/videos/ab/x.mp4"},
		{"HEAD", "/media/videos/ab/x.mp4", 200, ""},
		{"GET", "/media/tmp/x", 404, ""},
		{"GET", "/media/.put/x", 404, ""},
		{"GET", "/media/a%20b", 404, ""},
	} {
		got := e.do(request{method: try.method, path: try.path})
		if got.StatusCode != try.status || got.Header.Get("Location") != try.location {
			t.Errorf("%s %s: %d to %q, want %d to %q", try.method, try.path, got.StatusCode, got.Header.Get("Location"), try.status, try.location)
		}
		if cache := got.Header.Get("Cache-Control"); try.status == 302 && cache != "private, no-store" {
			t.Errorf("Cache-Control = %q: a link that ends may be kept", cache)
		}
	}
}

// signing is a store whose links are signed, as those of S3 are.
type signing struct{ blob.Store }

func (signing) URL(_ context.Context, key string) (string, error) {
	return "https://s3.example.com/" + key + "?X-Amz-Signature=x", nil
}

// TestMediaPlaylist: a player in a browser reads a playlist and what it names, all relative to the playlist's own address.
func TestMediaPlaylist(t *testing.T) {
	kinds := map[string]string{
		"master.m3u8": "application/vnd.apple.mpegurl", "v0/init.mp4": "video/mp4", "v0/1.m4s": "video/iso.segment", "preview.webp": "image/webp",
	}
	e := start(t, &fakes{}, func(d *gateway.Deps) { d.Config.CORSOrigins = []string{"*"} })
	for name, kind := range kinds {
		if _, err := e.blobs.Put(t.Context(), "videos/1/hls-a/"+name, strings.NewReader("content of "+name), ""); err != nil {
			t.Fatal(err)
		}
		a := e.do(
			request{
				method: "GET",
				path:   "/media/videos/1/hls-a/" + name,
				header: map[string]string{"Origin": "https://web.example", "Range": "bytes=0-6"},
			},
		)
		exposed := a.Header.Get("Access-Control-Expose-Headers")
		if a.StatusCode != 206 || string(a.body) != "content" || a.Header.Get("Content-Type") != kind ||
			a.Header.Get("Access-Control-Allow-Origin") != "*" ||
			!strings.Contains(exposed, "Content-Range") ||
			!strings.Contains(a.Header.Get("Cache-Control"), "immutable") {
			t.Errorf("%s: %d %q %v", name, a.StatusCode, a.body, a.Header)
		}
		pre := e.do(request{method: "OPTIONS", path: "/media/videos/1/hls-a/" + name, header: map[string]string{
			"Origin": "https://web.example", "Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "range",
		}})
		if pre.StatusCode != 204 || !strings.Contains(pre.Header.Get("Access-Control-Allow-Headers"), "Range") {
			t.Errorf("preflight of %s: %d %v", name, pre.StatusCode, pre.Header)
		}
	}
	signed := start(t, &fakes{}, func(d *gateway.Deps) { d.Blobs = signing{e.blobs} })
	signed.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	for name := range kinds {
		a, want := signed.get("/media/videos/1/hls-a/"+name), 302
		if strings.HasSuffix(name, ".m3u8") { // a signature holds for one object, not for those named beside it
			want = 200
		}
		if a.StatusCode != want {
			t.Errorf("%s of a store with signed links: %d, want %d", name, a.StatusCode, want)
		}
	}
}

func TestMedia(t *testing.T) {
	e := start(t, &fakes{})
	content := make([]byte, 3<<20)
	for i := range content {
		content[i] = byte(i * 7 >> 3)
	}
	if _, err := e.blobs.Put(t.Context(), "videos/ab/x.mp4", bytes.NewReader(content), "video/mp4"); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"tmp/secret", "sources/ab/secret"} {
		if _, err := e.blobs.Put(t.Context(), key, strings.NewReader("unchecked"), ""); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := e.blobs.Put(t.Context(), "videos/ab/empty.mp4", strings.NewReader(""), ""); err != nil {
		t.Fatal(err)
	}
	const path = "/media/videos/ab/x.mp4"
	first := e.get(path)
	etag, modified := first.Header.Get("ETag"), first.Header.Get("Last-Modified")
	if etag == "" || modified == "" {
		t.Fatalf("headers %v", first.Header)
	}
	past := time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat)
	size := len(content)
	for name, try := range map[string]struct {
		header       map[string]string
		status       int
		from, to     int // of content; to 0 is an empty body
		contentRange string
	}{
		"whole":      {nil, 200, 0, size, ""},
		"head of it": {map[string]string{"Range": "bytes=0-99"}, 206, 0, 100, fmt.Sprintf("bytes 0-99/%d", size)},
		"middle": {
			map[string]string{"Range": "bytes=1000000-1999999"},
			206, 1000000, 2000000,
			fmt.Sprintf("bytes 1000000-1999999/%d", size),
		},
		"one byte":       {map[string]string{"Range": "bytes=5-5"}, 206, 5, 6, fmt.Sprintf("bytes 5-5/%d", size)},
		"open end":       {map[string]string{"Range": "bytes=3145000-"}, 206, 3145000, size, fmt.Sprintf("bytes 3145000-%d/%d", size-1, size)},
		"all as a range": {map[string]string{"Range": "bytes=0-"}, 206, 0, size, fmt.Sprintf("bytes 0-%d/%d", size-1, size)},
		"end beyond": {
			map[string]string{"Range": "bytes=3145000-99999999999"},
			206, 3145000, size,
			fmt.Sprintf("bytes 3145000-%d/%d", size-1, size),
		},
		"suffix": {
			map[string]string{"Range": "bytes=-100"},
			206, size - 100, size,
			fmt.Sprintf("bytes %d-%d/%d", size-100, size-1, size),
		},
		"suffix beyond":     {map[string]string{"Range": "bytes=-99999999"}, 206, 0, size, fmt.Sprintf("bytes 0-%d/%d", size-1, size)},
		"start beyond":      {map[string]string{"Range": fmt.Sprintf("bytes=%d-", size)}, 416, 0, 0, fmt.Sprintf("bytes */%d", size)},
		"suffix of nothing": {map[string]string{"Range": "bytes=-0"}, 416, 0, 0, fmt.Sprintf("bytes */%d", size)},
		"backwards":         {map[string]string{"Range": "bytes=9-5"}, 200, 0, size, ""},
		"two ranges":        {map[string]string{"Range": "bytes=0-1,5-6"}, 200, 0, size, ""},
		"other unit":        {map[string]string{"Range": "lines=0-1"}, 200, 0, size, ""},
		"rubbish":           {map[string]string{"Range": "bytes=a-b"}, 200, 0, size, ""},
		"negative":          {map[string]string{"Range": "bytes=--5"}, 200, 0, size, ""},
		"too many digits":   {map[string]string{"Range": "bytes=99999999999999999999-"}, 200, 0, size, ""},
		"same version":      {map[string]string{"Range": "bytes=0-9", "If-Range": etag}, 206, 0, 10, fmt.Sprintf("bytes 0-9/%d", size)},
		"same date":         {map[string]string{"Range": "bytes=0-9", "If-Range": modified}, 206, 0, 10, fmt.Sprintf("bytes 0-9/%d", size)},
		"another version":   {map[string]string{"Range": "bytes=0-9", "If-Range": `"old"`}, 200, 0, size, ""},
		"has it":            {map[string]string{"If-None-Match": etag}, 304, 0, 0, ""},
		"has it, weakly":    {map[string]string{"If-None-Match": `"x", W/` + etag}, 304, 0, 0, ""},
		"has any":           {map[string]string{"If-None-Match": "*"}, 304, 0, 0, ""},
		"has another":       {map[string]string{"If-None-Match": `"x"`, "If-Modified-Since": modified}, 200, 0, size, ""},
		"not since":         {map[string]string{"If-Modified-Since": modified}, 304, 0, 0, ""},
		"since":             {map[string]string{"If-Modified-Since": past}, 200, 0, size, ""},
	} {
		for _, method := range []string{"GET", "HEAD"} {
			a := e.do(request{method: method, path: path, header: try.header})
			if a.StatusCode != try.status || a.Header.Get("Content-Range") != try.contentRange {
				t.Errorf("%s %s: %d, range %q; want %d, %q", method, name, a.StatusCode, a.Header.Get("Content-Range"), try.status, try.contentRange)
				continue
			}
			if a.Header.Get("Accept-Ranges") != "bytes" || a.Header.Get("ETag") != etag ||
				!strings.Contains(a.Header.Get("Cache-Control"), "immutable") {
				t.Errorf("%s %s: headers %v", method, name, a.Header)
			}
			if try.status >= 300 {
				continue
			}
			if a.ContentLength != int64(try.to-try.from) || a.Header.Get("Content-Type") != "video/mp4" {
				t.Errorf("%s %s: %d bytes announced as %s", method, name, a.ContentLength, a.Header.Get("Content-Type"))
			}
			want := content[try.from:try.to]
			if method == "HEAD" {
				want = nil
			}
			if !bytes.Equal(a.body, want) {
				t.Errorf("%s %s: %d bytes, want %d", method, name, len(a.body), len(want))
			}
		}
	}
	if a := e.get("/media/videos/ab/empty.mp4"); a.StatusCode != 200 || len(a.body) != 0 {
		t.Errorf("empty file: %d %q", a.StatusCode, a.body)
	}
	for _, method := range []string{"POST", "PUT", "DELETE"} {
		if a := e.do(request{method: method, path: path}); a.StatusCode != 404 {
			t.Errorf("%s: %d", method, a.StatusCode)
		}
	}
}

// No way leads to what is not media.
func TestMediaEscape(t *testing.T) {
	e := start(t, &fakes{})
	for _, key := range []string{"tmp/secret", "sources/ab/secret"} {
		if _, err := e.blobs.Put(t.Context(), key, strings.NewReader("unchecked"), ""); err != nil {
			t.Fatal(err)
		}
	}
	root, _ := blob.LocalPath(e.blobs, "x")
	if err := os.WriteFile(filepath.Join(filepath.Dir(root), ".hidden"), []byte("unchecked"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/etc", filepath.Join(filepath.Dir(root), "etc")); err != nil {
		t.Fatal(err)
	}
	var d net.Dialer
	for _, path := range []string{
		"/media/tmp/secret", "/media//tmp/secret", "/media/./tmp/secret", "/media/x/../tmp/secret", "/media/%74mp/secret",
		"/media/tmp%2fsecret", "/media/TMP/secret", "/media/%2e/tmp/secret", "/media/videos/%2e%2e/tmp/secret",
		"/media/../../../etc/passwd", "/media/..%2f..%2f..%2fetc/passwd", "/media/%2e%2e/%2e%2e/etc/passwd", "/media//etc/passwd",
		"/media/....//....//etc/passwd", `/media/..\..\etc/passwd`, "/media/etc/passwd", "/media/etc/hostname", "/media/.hidden", "/media/%00",
		"/media/sources/ab/secret", "/media/SOURCES/ab/secret", "/media/sources%2fab/secret", "/media/x/../sources/ab/secret", "/media/sources/",
		"/media/tmp/secret%00.mp4", "/media/", "/media", "/media/tmp", "/media/tmp/", "/media/videos/", "/static/avatars/",
		"/static/avatars/../../media/tmp/secret",
		"/media/a?x=/../tmp/secret", "/static/avatars/16.png", "/static/avatars/-1.png", "/static/avatars/01.png", "/static/avatars/1",
		"/static/avatars/+1.png",
	} {
		c, err := d.DialContext(t.Context(), "tcp", e.gw.Addr())
		if err != nil {
			t.Fatal(err)
		}
		send(t, c, "GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", path) // as it stands: http.Client would tidy up
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		_ = resp.Body.Close()
		_ = c.Close()
		if resp.StatusCode < 400 || strings.Contains(string(body), "unchecked") || strings.Contains(string(body), "root:") {
			t.Errorf("%s: %d %.100s", path, resp.StatusCode, body)
		}
	}
}

func TestPictures(t *testing.T) {
	e := start(t, &fakes{})
	for path, kind := range map[string]string{
		"/static/avatars/0.png": "image/png", "/static/avatars/15.png": "image/png",
		"/static/backgrounds/0.jpg": "image/jpeg", "/static/backgrounds/7.jpg": "image/jpeg",
	} {
		a := e.get(path)
		if a.StatusCode != 200 || a.Header.Get("Content-Type") != kind || http.DetectContentType(a.body) != kind {
			t.Errorf("%s: %d %s", path, a.StatusCode, a.Header.Get("Content-Type"))
		}
		again := e.do(request{method: "GET", path: path, header: map[string]string{"If-None-Match": a.Header.Get("ETag")}})
		if again.StatusCode != 304 {
			t.Errorf("%s again: %d", path, again.StatusCode)
		}
	}
}
