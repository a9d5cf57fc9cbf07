package e2e_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"tiktok/test/harness"
)

// workTakes bounds the work on a few short clips, on a machine that other tests use, too.
const workTakes = 2 * time.Minute

// TestS3 lives a video's life with the media in S3: uploaded, watched in parts, improved, handed out by signed links,
// deleted, and gone.
func TestS3(t *testing.T) {
	d := harness.Distributed(t, harness.WithoutLimits(), harness.NeedFFmpeg(t), harness.OnS3(t))
	u := d.NewUser(t)
	files := map[string][]byte{
		"plays":         harness.TestData(t, "tiny.mp4"),
		"several parts": harness.MoovLast(t, 12<<20), // more than one part of a multipart upload, and rewritten
		"camera":        harness.TestData(t, "phone.mov"),
		"transcoded":    harness.TestData(t, "vp8.webm"),
	}
	for title, data := range files {
		u.TryPublish(t, title, harness.File{Data: data, Name: "../../" + title + "\x01.exe"}).OK(t)
	}
	if a := u.TryPublish(t, "cut off", harness.File{Data: files["plays"][:len(files["plays"])/2]}); a.Code == 0 {
		t.Error("half of a file is published")
	}
	var listed []harness.Video
	harness.Eventually(t, workTakes, func() error {
		videos, waiting := u.Works(t, u.ID)
		for _, v := range videos {
			if v.State != "ready" {
				return fmt.Errorf("%q is %s, %d %%", v.Title, v.State, v.Progress)
			}
		}
		if len(videos) != len(files) || len(waiting) > 0 {
			return fmt.Errorf("%d listed, waiting: %+v", len(videos), waiting)
		}
		listed = videos
		return nil
	})
	for _, v := range listed {
		if v.HLSURL == "" || v.PreviewURL == "" {
			t.Errorf("%q has no ladder or no preview: %+v", v.Title, v)
		}
		d.Plays(t, v)
		checkRange(t, d, v)
	}
	if left := d.Leftovers(t, listed); len(left) > 0 {
		t.Errorf("objects that nobody names: %q", left)
	}
	t.Run("signed links", func(t *testing.T) {
		g := d.AddGateway(t, harness.Set("blob.s3.presign_ttl", "1m"))
		for _, v := range u.Through(g).Published(t, u.ID) {
			checkSigned(t, g, d, v)
		}
	})
	for _, v := range listed {
		u.DeleteVideo(t, v.ID)
	}
	harness.Eventually(t, workTakes, func() error {
		if left := d.Objects(t); len(left) > 0 {
			return fmt.Errorf("everything is deleted, and the bucket holds %d objects: %q", len(left), left[:min(len(left), 8)])
		}
		return nil
	})
	d.Audit(t)
}

// pathOf is an address without the host.
func pathOf(t *testing.T, address string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return u.Path
}

// checkRange asks for parts of a video, and whether it has changed.
func checkRange(t *testing.T, d *harness.Deployment, v harness.Video) {
	t.Helper()
	whole := d.Media(t, v.PlayURL)
	path := pathOf(t, v.PlayURL)
	for spec, want := range map[string][]byte{
		"bytes=0-0": whole[:1], "bytes=100-1099": whole[100:1100], "bytes=-50": whole[len(whole)-50:],
		fmt.Sprintf("bytes=%d-", len(whole)-7): whole[len(whole)-7:],
	} {
		a := d.Raw(t, harness.Request{Method: http.MethodGet, Path: path, Header: http.Header{"Range": {spec}}})
		if a.Status != http.StatusPartialContent || !bytes.Equal(a.Raw, want) ||
			!strings.HasSuffix(a.Header.Get("Content-Range"), fmt.Sprintf("/%d", len(whole))) {
			t.Errorf("%s of %q: HTTP status %d, %d bytes, %s", spec, v.Title, a.Status, len(a.Raw), a.Header.Get("Content-Range"))
		}
	}
	head := d.Raw(t, harness.Request{Method: http.MethodHead, Path: path})
	if head.Status != http.StatusOK || head.Header.Get("Content-Length") != fmt.Sprint(len(whole)) ||
		head.Header.Get("Content-Type") != "video/mp4" {
		t.Errorf("HEAD of %q: %d %v", v.Title, head.Status, head.Header)
	}
	same := d.Raw(t, harness.Request{Method: http.MethodGet, Path: path, Header: http.Header{"If-None-Match": {head.Header.Get("ETag")}}})
	if same.Status != http.StatusNotModified || len(same.Raw) > 0 {
		t.Errorf("%q has changed: HTTP status %d, %d bytes", v.Title, same.Status, len(same.Raw))
	}
}

// checkSigned follows the link that a gateway gives instead of a video. Playlists it serves itself.
func checkSigned(t *testing.T, g, d *harness.Deployment, v harness.Video) {
	t.Helper()
	a := g.Raw(t, harness.Request{Method: http.MethodGet, Path: pathOf(t, v.PlayURL)})
	link := a.Header.Get("Location")
	if a.Status != http.StatusFound || !strings.HasPrefix(link, g.Config.Blob.S3.Endpoint) ||
		a.Header.Get("Cache-Control") != "private, no-store" {
		t.Fatalf("%q: HTTP status %d to %s, %v", v.Title, a.Status, link, a.Header)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	get := func(address string) (int, []byte) {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, body
	}
	if status, body := get(link); status != http.StatusOK || !bytes.Equal(body, d.Media(t, v.PlayURL)) {
		t.Errorf("%q by its link: HTTP status %d, %d bytes", v.Title, status, len(body))
	}
	unsigned, _, _ := strings.Cut(link, "?")
	if status, _ := get(unsigned); status != http.StatusForbidden {
		t.Errorf("%q without a signature: HTTP status %d", v.Title, status)
	}
	if list := g.Raw(t, harness.Request{Method: http.MethodGet, Path: pathOf(t, v.HLSURL)}); list.Status != http.StatusOK ||
		!bytes.HasPrefix(list.Raw, []byte("#EXTM3U")) {
		t.Errorf("playlist of %q: HTTP status %d", v.Title, list.Status)
	}
}
