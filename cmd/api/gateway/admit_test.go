package gateway_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tiktok/cmd/api/gateway"
	"tiktok/kitex_gen/video"
	"tiktok/pkg/blob"
	"tiktok/pkg/errno"
	"tiktok/pkg/media"
)

// watching is a store that tells of each Put, and holds it while hold says so.
type watching struct {
	blob.Store
	puts *atomic.Int64
	hold func(key string) <-chan struct{}
}

func (w watching) Put(ctx context.Context, key string, r io.Reader, kind string) (int64, error) {
	w.puts.Add(1)
	if w.hold != nil {
		if until := w.hold(key); until != nil {
			select {
			case <-until:
			case <-ctx.Done():
				return 0, ctx.Err()
			}
		}
	}
	return w.Store.Put(ctx, key, r, kind)
}

// Once the token has come, what its user may not upload is not stored, not even for a moment.
func TestTokenIsLookedAtBeforeTheFile(t *testing.T) {
	var puts atomic.Int64
	asked := make(chan int64, 10)
	e := start(t, &fakes{checkUpload: func(r *video.CheckUploadRequest) (*video.CheckUploadResponse, error) {
		asked <- r.SizeBytes
		if r.AuthorId == 6 {
			return nil, errno.QuotaExceeded
		}
		return &video.CheckUploadResponse{}, nil
	}}, func(d *gateway.Deps) { d.Blobs = watching{Store: d.Blobs, puts: &puts} })
	title, data := field{"title", "", []byte("t")}, field{"data", "a.mp4", clip(t)}
	for name, try := range map[string]struct {
		token string
		want  *errno.Error
	}{"bad token": {"x", errno.Unauthenticated}, "no room": {e.token(6), errno.QuotaExceeded}} {
		body, kind := form(t, field{"token", "", []byte(try.token)}, title, data)
		wantCode(t, e.publish("/douyin/publish/action/", kind, body), try.want.Code)
		body, kind = form(t, title, data)
		wantCode(t, e.publish("/douyin/publish/action/?token="+try.token, kind, body), try.want.Code)
		if n := puts.Load(); n != 0 {
			t.Errorf("%s: stored %d files", name, n)
		}
	}
	<-asked
	<-asked
	// Uploads of one user that are under way count together.
	body, kind := form(t, field{"token", "", []byte(e.token(5))}, title, data)
	size := int64(body.Len())
	c := connect(t, e)
	defer shut(c)
	send(t, c, "POST /douyin/publish/action/ HTTP/1.1\r\nHost: x\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n", kind, size)
	if _, err := c.Write(body.Bytes()[:size-1000]); err != nil {
		t.Fatal(err)
	}
	if got := <-asked; got != size {
		t.Errorf("asked for %d bytes, want %d", got, size)
	}
	body, kind = form(t, field{"token", "", []byte(e.token(5))}, title, data)
	wantCode(t, e.publish("/douyin/publish/action/", kind, body), 0)
	if got := <-asked; got != 2*size {
		t.Errorf("asked for %d bytes while the first upload is under way, want %d", got, 2*size)
	}
	shut(c)
	waitFor(t, "the first upload to be gone", func() bool { return len(e.stored()) == 2 })
	body, kind = form(t, field{"token", "", []byte(e.token(5))}, title, data)
	wantCode(t, e.publish("/douyin/publish/action/", kind, body), 0)
	if got := <-asked; got != size {
		t.Errorf("asked for %d bytes when nothing else is under way, want %d", got, size)
	}
}

// What comes before its token has a bound, and the answer says how to do without.
func TestFileBeforeToken(t *testing.T) {
	e := start(t, &fakes{}, func(d *gateway.Deps) { d.Config.AnonymousUploadBytes = 1 << 20 })
	token, title := field{"token", "", []byte(e.token(5))}, field{"title", "", []byte("t")}
	mp4 := clip(t)
	big := append(bytes.Clone(mp4), make([]byte, 600<<10)...)
	upload := func(fields ...field) answer {
		body, kind := form(t, fields...)
		return e.publish("/douyin/publish/action/", kind, body)
	}
	for range 3 { // what was stored counts no more
		wantCode(t, upload(field{"data", "a.mp4", mp4}, token, title), 0)
	}
	for range 3 {
		before := len(e.stored())
		a := upload(field{"data", "a.mp4", big}, token, title)
		wantCode(t, a, errno.Unavailable.Code)
		if !strings.Contains(string(a.body), "send the field token before the file") || len(e.stored()) != before {
			t.Errorf("answered %s, stored %d files more", a.body, len(e.stored())-before)
		}
	}
	if a := upload(token, title, field{"data", "a.mp4", big}); strings.Contains(string(a.body), "token") {
		t.Errorf("with the token first: %s", a.body)
	}
}

// A client that goes away after all is sent finds nothing published: it will send it again.
func TestClientGoneBeforePublish(t *testing.T) {
	var got published
	var puts atomic.Int64
	waits, goOn := make(chan struct{}), make(chan struct{})
	e := start(t, got.fakes(), func(d *gateway.Deps) {
		d.Blobs = watching{d.Blobs, &puts, func(key string) <-chan struct{} {
			if !strings.HasPrefix(key, "covers/") {
				return nil
			}
			close(waits)
			return goOn
		}}
	})
	body, kind := form(t, field{"token", "", []byte(e.token(5))}, field{"title", "", []byte("t")}, field{"data", "a.mp4", clip(t)})
	var d net.Dialer
	c, err := d.DialContext(t.Context(), "tcp", e.gw.Addr())
	if err != nil {
		t.Fatal(err)
	}
	send(t, c, "POST /douyin/publish/action/ HTTP/1.1\r\nHost: x\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n", kind, body.Len())
	if _, err := c.Write(body.Bytes()); err != nil {
		t.Fatal(err)
	}
	<-waits
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	close(goOn)
	waitFor(t, "the upload to end", func() bool { return strings.Contains(e.log.String(), "its client has gone") && len(e.stored()) == 0 })
	if reqs := got.take(); len(reqs) > 0 {
		t.Errorf("published %v", reqs)
	}
}

// Uploads of one user that wait for a disk leave a turn to others.
func TestOneUserLeavesTurns(t *testing.T) {
	if runtime.GOMAXPROCS(0) < 2 {
		t.Skip("there is one turn at a time")
	}
	var puts atomic.Int64
	var held atomic.Bool
	held.Store(true)
	goOn := make(chan struct{})
	e := start(t, &fakes{}, func(d *gateway.Deps) {
		d.Blobs = watching{d.Blobs, &puts, func(key string) <-chan struct{} {
			if strings.HasPrefix(key, "videos/") && held.Load() {
				return goOn
			}
			return nil
		}}
	})
	const uploads = 10
	codes := make(chan int, uploads)
	data := moovLast(t)
	for range uploads {
		go func() { codes <- e.upload(data).code() }()
	}
	// Each stores its file, and those that have a turn begin with the rewritten one.
	turns := max(runtime.GOMAXPROCS(0)/2, 1)
	waitFor(t, "all to be received", func() bool { return puts.Load() >= int64(uploads+turns) })
	held.Store(false)
	body, kind := form(t, field{"token", "", []byte(e.token(6))}, field{"title", "", []byte("t")}, field{"data", "a.mp4", data})
	wantCode(t, e.publish("/douyin/publish/action/", kind, body), 0)
	if n := len(codes); n != 0 {
		t.Errorf("%d of the others are answered already", n)
	}
	close(goOn)
	for range uploads {
		if code := <-codes; code != 0 {
			t.Errorf("answered %d", code)
		}
	}
}

// hangingTools are programs that say they can do everything and then never end.
func hangingTools(t *testing.T) *media.Tools {
	t.Helper()
	dir := t.TempDir()
	script := "#!/bin/sh\nif [ \"$1\" = -version ]; then echo 'ffmpeg version 9'; echo --enable-libx264; exit; fi\nexec sleep 1000\n"
	for _, name := range []string{"ffmpeg", "ffprobe"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(script), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	return media.New(media.Config{FFmpeg: filepath.Join(dir, "ffmpeg")})
}

// Nobody waits for ffmpeg: a cover is drawn, a file that only it can look into is left to the workers.
func TestUploadDoesNotWaitForFFmpeg(t *testing.T) {
	var got published
	e := start(t, got.fakes(), func(d *gateway.Deps) { d.Tools = hangingTools(t) })
	for name, try := range map[string]struct {
		data      []byte
		transcode bool
	}{"cover": {clip(t), false}, "probe": {fixture(t, "clip.webm"), true}} {
		began := time.Now()
		wantCode(t, e.upload(try.data), 0)
		if took := time.Since(began); took > 3*time.Second {
			t.Errorf("%s: answered after %v", name, took)
		}
		reqs := got.take()
		if len(reqs) != 1 || !reqs[0].CoverDrawn || reqs[0].Transcode != try.transcode {
			t.Errorf("%s: published %v", name, reqs)
		}
	}
}

// uploadOf streams an upload with so many bytes of zeros after the clip.
func (e *env) uploadOf(t *testing.T, mp4 []byte, zeros int) answer {
	t.Helper()
	head, kind := form(t, field{"token", "", []byte(e.token(5))}, field{"title", "", []byte("t")}, field{"data", "v.mp4", mp4})
	end := fmt.Appendf(nil, "\r\n--%s--\r\n", strings.TrimPrefix(kind, "multipart/form-data; boundary="))
	open := bytes.TrimSuffix(head.Bytes(), end)
	return e.publish("/douyin/publish/action/", kind, io.MultiReader(&finite{r: bytes.NewReader(open), more: zeros}, bytes.NewReader(end)))
}
