package contract_test

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"tiktok/test/harness"
)

// testMedia: the player asks for parts of a file, and for what it has already.
func testMedia(t *testing.T, d *harness.Deployment) {
	v := d.NewUser(t).Publish(t, "media")
	for kind, l := range map[string]string{"video/mp4": v.PlayURL, "image/jpeg": v.CoverURL} {
		path := d.Below(t, l)
		ask := func(method string, header ...string) harness.Answer {
			r := harness.Request{Method: method, Path: path, Header: http.Header{}}
			for i := 0; i < len(header); i += 2 {
				r.Header.Set(header[i], header[i+1])
			}
			return d.Raw(t, r)
		}
		whole := ask(get)
		size := len(whole.Raw)
		if whole.Status != http.StatusOK || whole.Header.Get("Content-Type") != kind || whole.Header.Get("Accept-Ranges") != "bytes" {
			t.Fatalf("%s: HTTP %d, %v", l, whole.Status, whole.Header)
		}
		etag := whole.Header.Get("ETag")
		if etag == "" || !strings.Contains(whole.Header.Get("Cache-Control"), "max-age") {
			t.Errorf("%s: ETag %q, Cache-Control %q", l, etag, whole.Header.Get("Cache-Control"))
		}
		head := ask(http.MethodHead)
		if head.Status != http.StatusOK || len(head.Raw) != 0 || head.Header.Get("Content-Length") != fmt.Sprint(size) {
			t.Errorf("HEAD %s: HTTP %d, %d bytes, %v", l, head.Status, len(head.Raw), head.Header)
		}
		for spec, want := range map[string][2]int{
			"bytes=0-":                          {0, size},
			"bytes=0-0":                         {0, 1},
			"bytes=10-99":                       {10, 100},
			fmt.Sprintf("bytes=%d-", size-5):    {size - 5, size},
			"bytes=-7":                          {size - 7, size},
			fmt.Sprintf("bytes=5-%d", size+100): {5, size},
		} {
			a := ask(get, "Range", spec)
			rangeIs := fmt.Sprintf("bytes %d-%d/%d", want[0], want[1]-1, size)
			if a.Status != http.StatusPartialContent || a.Header.Get("Content-Range") != rangeIs || !bytes.Equal(a.Raw, whole.Raw[want[0]:want[1]]) {
				t.Errorf("%s %s: HTTP %d, %q, %d bytes, want %q", l, spec, a.Status, a.Header.Get("Content-Range"), len(a.Raw), rangeIs)
			}
		}
		if a := ask(get, "Range", fmt.Sprintf("bytes=%d-", size)); a.Status != http.StatusRequestedRangeNotSatisfiable {
			t.Errorf("%s, a range behind the end: HTTP %d", l, a.Status)
		}
		if a := ask(get, "If-None-Match", etag); a.Status != http.StatusNotModified || len(a.Raw) != 0 {
			t.Errorf("%s, known already: HTTP %d, %d bytes", l, a.Status, len(a.Raw))
		}
		if a := ask(get, "If-None-Match", `"other"`); a.Status != http.StatusOK {
			t.Errorf("%s, changed: HTTP %d", l, a.Status)
		}
	}
	t.Run("addresses follow the Host that was asked", func(t *testing.T) {
		r := harness.Request{Method: get, Path: harness.PathFeed, Header: http.Header{"Host": {"192.168.1.7:8080"}}}
		if a := d.Do(t, r).OK(t); !strings.Contains(string(a.Raw), `"http://192.168.1.7:8080/media/`) {
			t.Errorf("got %.300s", a.Raw)
		}
	})
	t.Run("nothing else is served", func(t *testing.T) {
		for _, path := range []string{
			"/media/", "/media/videos/", "/media/../secret", "/media/%2e%2e/%2e%2e/secret", "/media/videos/%2e%2e/%2e%2e/%2e%2e/db/user.db",
			"/media//etc/passwd", "/media/tmp/x", "/media/videos/none.mp4", "/static/avatars/99999.png", "/static/avatars/x", "/media/%00",
		} {
			if a := d.Raw(t, harness.Request{Method: get, Path: path}); a.Status < 400 || a.Status >= 500 || len(a.Raw) > 200 {
				t.Errorf("%s: HTTP %d %.100s", path, a.Status, a.Raw)
			}
		}
	})
}
