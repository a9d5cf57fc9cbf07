package contract_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tiktok/pkg/errno"
	"tiktok/test/harness"
)

// testPublish sends what phones and test suites send.
func testPublish(t *testing.T, d *harness.Deployment) {
	u := d.NewUser(t)
	tiny := harness.TestData(t, "tiny.mp4")
	file := func(name, contentType string, data []byte) harness.File {
		return harness.File{Field: "data", Name: name, ContentType: contentType, Data: data}
	}
	fields := func(title string) map[string][]string { return harness.Params("token", u.Token, "title", title) }
	req := func(p map[string][]string, files ...harness.File) harness.Request {
		return harness.Multipart(t, post, harness.PathPublish, p, files...)
	}
	cases := []struct {
		title string
		r     func(title string) harness.Request
	}{
		{"as the app sends it", func(s string) harness.Request { return req(fields(s), file("v.mp4", "video/mp4", tiny)) }},
		{"as the official tests send it", func(s string) harness.Request {
			return req(fields(s), file("bear.mp4", "application/octet-stream", tiny))
		}},
		{"no extension, wrong type", func(s string) harness.Request { return req(fields(s), file("upload", "text/plain", tiny)) }},
		{"a path for a name", func(s string) harness.Request {
			return req(fields(s), file(`../../etc/C:\x "y" 视频.mp4`, "video/mp4", tiny))
		}},
		{"moov at the end", func(s string) harness.Request {
			return req(fields(s), file("v.mp4", "video/mp4", harness.TestData(t, "moov-last.mp4")))
		}},
		{"from a phone's camera", func(s string) harness.Request {
			return req(fields(s), file("v.mov", "video/quicktime", harness.TestData(t, "phone.mov")))
		}},
		{"silent", func(s string) harness.Request {
			return req(fields(s), file("v.mp4", "video/mp4", harness.TestData(t, "silent.mp4")))
		}},
		{"token and title in the query", func(s string) harness.Request {
			r := req(nil, file("v.mp4", "video/mp4", tiny))
			r.Query = fields(s)
			return r
		}},
		{"token in the header", func(s string) harness.Request {
			r := req(harness.Params("title", s), file("v.mp4", "video/mp4", tiny))
			r.Header = http.Header{"Authorization": {"Bearer " + u.Token}}
			return r
		}},
		{"the file before the fields", func(s string) harness.Request {
			return reordered(t, harness.Params("token", u.Token, "title", s), tiny)
		}},
		{"其他 fields, 中文标题 🎬", func(s string) harness.Request {
			p := fields(s)
			p["extra"] = []string{"ignored"}
			return req(p, file("v.mp4", "video/mp4", tiny), harness.File{Field: "cover", Name: "c.jpg", Data: []byte("not looked at")})
		}},
		{strings.Repeat("长", 100), func(s string) harness.Request { return req(fields(s), file("v.mp4", "video/mp4", tiny)) }},
	}
	for i, c := range cases {
		name := c.title
		if len(name) > 50 {
			name = "a title of 100 characters"
		}
		t.Run(name, func(t *testing.T) {
			d.Do(t, c.r(c.title)).OK(t)
			list := d.Visitor().Published(t, u.ID)
			if len(list) != i+1 || list[0].Title != c.title {
				t.Fatalf("the author's list has %d videos, the first is %+v", len(list), list[0])
			}
			if feed := d.Visitor().Feed(t, 0); feed.Videos[0].ID != list[0].ID {
				t.Errorf("the feed begins with %+v", feed.Videos[0])
			}
			for kind, l := range map[string]string{"video/mp4": list[0].PlayURL, "image/jpeg": list[0].CoverURL} {
				a := d.Raw(t, harness.Request{Method: get, Path: d.Below(t, l)})
				if a.Status != 200 || a.Header.Get("Content-Type") != kind || len(a.Raw) < 500 {
					t.Errorf("%s: HTTP %d, %s, %d bytes", l, a.Status, a.Header.Get("Content-Type"), len(a.Raw))
				}
			}
			requireFaststart(t, d.Raw(t, harness.Request{Method: get, Path: d.Below(t, list[0].PlayURL)}))
			if own := u.Published(t, u.ID)[0]; own.State != "ready" || own.Progress != 100 || own.Reason != "" {
				t.Errorf("its author reads %+v", own)
			}
			if n := u.Profile(t, 0).WorkCount; n != int64(i+1) {
				t.Errorf("work_count %d, want %d", n, i+1)
			}
		})
	}
	t.Run("the same file with the same title at the same moment is two videos", func(t *testing.T) {
		twin := d.NewUser(t)
		harness.Parallel(t, 2, func(t testing.TB, _ int) { twin.TryPublish(t, "twin", harness.File{Data: tiny}).OK(t) })
		list := twin.Published(t, twin.ID)
		if len(list) != 2 || list[0].ID == list[1].ID || list[0].Title != list[1].Title || list[0].PlayURL == list[1].PlayURL ||
			list[0].CoverURL == list[1].CoverURL {
			t.Errorf("published %+v", list)
		}
	})
	t.Run("two in the same moment do not overwrite each other", func(t *testing.T) {
		list := d.Visitor().Published(t, u.ID)
		var links []string
		for _, v := range list {
			links = append(links, v.PlayURL, v.CoverURL)
		}
		slices.Sort(links)
		if n := len(slices.Compact(links)); n != 2*len(list) {
			t.Errorf("%d videos have %d files", len(list), n)
		}
	})
}

// reordered is an upload whose file comes first.
func reordered(t *testing.T, fields map[string][]string, data []byte) harness.Request {
	t.Helper()
	const boundary = "a-boundary-of-a-test"
	var body bytes.Buffer
	fmt.Fprintf(
		&body,
		"--%s\r\nContent-Disposition: form-data; name=\"data\"; filename=\"v.mp4\"\r\nContent-Type: video/mp4\r\n\r\n%s\r\n",
		boundary,
		data,
	)
	for _, name := range []string{"title", "token"} {
		fmt.Fprintf(&body, "--%s\r\nContent-Disposition: form-data; name=%q\r\n\r\n%s\r\n", boundary, name, fields[name][0])
	}
	fmt.Fprintf(&body, "--%s--\r\n", boundary)
	return harness.Request{
		Method:      post,
		Path:        harness.PathPublish,
		Body:        body.Bytes(),
		ContentType: "multipart/form-data; boundary=" + boundary,
	}
}

// testPublishOfficialClip publishes the clip of the official tests where it is at hand: 320x240, H.264 and AAC, and a data
// stream besides.
func testPublishOfficialClip(t *testing.T, d *harness.Deployment) {
	clip := officialClip(t)
	if clip == nil {
		t.Skip("no bear.mp4 in TIKTOK_FIXTURES or ../shared/fixtures")
	}
	u := d.NewUser(t)
	u.TryPublish(t, "bear", harness.File{Name: "bear.mp4", Data: clip}).OK(t)
	list := d.Visitor().Published(t, u.ID)
	if len(list) != 1 || list[0].PlayURL == "" || list[0].CoverURL == "" {
		t.Fatalf("published %+v", list)
	}
	a := d.Raw(t, harness.Request{Method: get, Path: d.Below(t, list[0].PlayURL)})
	if a.Status != 200 || len(a.Raw) < len(clip)/2 {
		t.Errorf("HTTP %d, %d bytes", a.Status, len(a.Raw))
	}
}

// officialClip is bear.mp4, nil when it is not at hand.
func officialClip(t *testing.T) []byte {
	t.Helper()
	dir := os.Getenv("TIKTOK_FIXTURES")
	if dir == "" {
		dir = filepath.Join(harness.RepoRoot(t), "..", "shared", "fixtures")
	}
	b, err := os.ReadFile(filepath.Join(dir, "bear.mp4"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// stored are the files of the blob store.
func stored(t *testing.T, d *harness.Deployment) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(d.Config.Blob.Dir, func(path string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			files = append(files, path)
		}
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return files
}

// testPublishRefused: what is not a playable video, or not complete, leaves nothing behind.
func testPublishRefused(t *testing.T, d *harness.Deployment) {
	w := newWorld(t, d)
	u := w.bob
	tiny := harness.TestData(t, "tiny.mp4")
	before, files := w.state(t), stored(t, d)
	refused := func(name string, want *errno.Error, r harness.Request) {
		t.Run(name, func(t *testing.T) {
			requireText(t, d.Do(t, r).Fails(t, want))
			if now := stored(t, d); !slices.Equal(now, files) {
				t.Errorf("files are left behind: %v", now)
				files = now
			}
		})
	}
	upload := func(title string, data []byte) harness.Request {
		return harness.Multipart(t, post, harness.PathPublish, harness.Params("token", u.Token, "title", title),
			harness.File{Field: "data", Name: "v.mp4", ContentType: "video/mp4", Data: data})
	}
	for name, data := range map[string][]byte{
		"a text":                          []byte("hello, this is not a video"),
		"a picture":                       []byte("\x89PNG\r\n\x1a\n" + strings.Repeat("\x00\x01\x02", 1000)),
		"only a head":                     tiny[:32],
		"half":                            tiny[:len(tiny)/2],
		"the end is missing":              tiny[:len(tiny)-300],
		"only the end":                    tiny[len(tiny)/2:],
		"zeros":                           make([]byte, 64<<10),
		"noise after a good head":         append(slices.Clone(tiny[:24]), bytes.Repeat([]byte("\xde\xad\xbe\xef"), 4000)...),
		"a box that claims 4 GB":          append([]byte("\xff\xff\xff\xffftypisom\x00\x00\x02\x00"), tiny[32:]...),
		"sound only":                      harness.TestData(t, "sound-only.mp4"),
		"a codec that phones do not play": harness.TestData(t, "hevc.mp4"),
		"webm":                            harness.TestData(t, "vp8.webm"),
		"a page":                          []byte("<!DOCTYPE html><script>alert(1)</script>"),
	} {
		refused(name, errno.VideoUnplayable, upload("refused", data))
	}
	refused("an empty file", errno.VideoFileMissing, upload("refused", nil))
	refused("no file", errno.VideoFileMissing, harness.Multipart(t, post, harness.PathPublish, harness.Params("token", u.Token, "title", "t")))
	refused(
		"no body",
		errno.VideoFileMissing,
		harness.Request{Method: post, Path: harness.PathPublish, Query: harness.Params("token", u.Token, "title", "t")},
	)
	refused("urlencoded", errno.VideoFileMissing, func() harness.Request {
		r := harness.Form(post, harness.PathPublish, harness.Params("token", u.Token, "title", "t", "data", string(tiny)))
		r.Query = harness.Params("token", u.Token) // a body of that kind is not looked at
		return r
	}())
	for name, title := range map[string]string{
		"no title": "", "a blank title": " \t　", "a title of 101 characters": strings.Repeat("长", 101),
		"a title of 300 characters": strings.Repeat("x", 300),
		"a long title":              strings.Repeat("x", 20_000), "a control character": "a\x07b", "NUL": "a\x00b", "not UTF-8": "a\xff\xfeb",
		"two lines": "a\nb",
	} {
		refused(name, errno.InvalidArgument, upload(title, tiny))
	}
	whole := upload("cut off", tiny)
	for _, left := range []int{1, 10, 200, len(tiny) / 2, len(whole.Body) - 10} {
		cut := whole
		cut.Body = whole.Body[:left]
		cut.Query = harness.Params("token", w.eve.Token) // bob has used up what a user may upload at once
		refused(fmt.Sprintf("cut off after %d bytes", left), errno.InvalidArgument, cut)
	}
	t.Run("too large", func(t *testing.T) {
		small := harness.AllInOne(t, harness.Set("gateway.max_upload_bytes", fmt.Sprint(len(tiny)-1)))
		author := small.NewUser(t)
		author.TryPublish(t, "large", harness.File{Data: tiny}).Fails(t, errno.VideoTooLarge)
		author.TryPublish(t, "small", harness.File{Data: harness.TestData(t, "silent.mp4")}).OK(t)
		if n := len(author.Published(t, author.ID)); n != 1 || len(stored(t, small)) != 2 {
			t.Errorf("%d videos, files %v", n, stored(t, small))
		}
	})
	if after := w.state(t); after != before {
		t.Errorf("something was changed:\n%s", diff(before, after))
	}
}
