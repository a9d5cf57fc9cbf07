package gateway_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"mime/multipart"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tiktok/cmd/api/gateway"
	"tiktok/kitex_gen/video"
	"tiktok/pkg/blob"
	"tiktok/pkg/errno"
	"tiktok/pkg/limiter"
)

// clip is one of the demo's videos.
func clip(t *testing.T) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "tiktok", "app", "demo", "clips", "tide.mp4"))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// field is a part of a form; one with a file name is a file.
type field struct {
	name, file string
	value      []byte
}

func form(t testing.TB, fields ...field) (body *bytes.Buffer, contentType string) {
	t.Helper()
	body = &bytes.Buffer{}
	w := multipart.NewWriter(body)
	for _, f := range fields {
		var part io.Writer
		var err error
		if f.file != "" {
			part, err = w.CreateFormFile(f.name, f.file)
		} else {
			part, err = w.CreateFormField(f.name)
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, err := part.Write(f.value); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return body, w.FormDataContentType()
}

// published records what reached the video service.
type published struct {
	mu  sync.Mutex
	all []*video.PublishRequest
}

func (p *published) take() []*video.PublishRequest {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := p.all
	p.all = nil
	return out
}

func (p *published) fakes() *fakes {
	return &fakes{publish: func(r *video.PublishRequest) (*video.PublishResponse, error) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.all = append(p.all, r)
		return &video.PublishResponse{Video: &video.Video{Id: 1}}, nil
	}}
}

// stored lists the files of the blob store, also those that are being written.
func (e *env) stored() (names []string) {
	e.t.Helper()
	root, _ := blob.LocalPath(e.blobs, "x")
	err := filepath.WalkDir(filepath.Dir(root), func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			names = append(names, path)
		}
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		e.t.Fatal(err)
	}
	return names
}

func (e *env) publish(path, contentType string, body io.Reader, header ...string) answer {
	e.t.Helper()
	h := map[string]string{"Content-Type": contentType}
	for i := 0; i+1 < len(header); i += 2 {
		h[header[i]] = header[i+1]
	}
	return e.do(request{method: "POST", path: path, body: body, header: h})
}

func TestPublish(t *testing.T) {
	var got published
	e := start(t, got.fakes())
	token, mp4 := field{"token", "", []byte(e.token(5))}, clip(t)
	title, data := field{"title", "", []byte("你好")}, field{"data", "bear.mp4", mp4}
	for name, try := range map[string]struct {
		path   string
		fields []field
		header []string
	}{
		"token, data, title": {"/douyin/publish/action/", []field{token, data, title}, nil},
		"data first":         {"/douyin/publish/action/", []field{data, title, token}, nil},
		"no slash":           {"/douyin/publish/action", []field{data, title, token}, nil},
		"token in query":     {"/douyin/publish/action/?token=" + e.token(5), []field{data, title}, nil},
		"all in query":       {"/douyin/publish/action/?title=%E4%BD%A0%E5%A5%BD&token=" + e.token(5), []field{data}, nil},
		"bearer":             {"/douyin/publish/action/", []field{title, data}, []string{"Authorization", "Bearer " + e.token(5)}},
		"unknown fields": {
			"/douyin/publish/action/",
			[]field{{"x", "", []byte("y")}, token, {"other", "a.bin", mp4[:100]}, data, title},
			nil,
		},
		"two files": {"/douyin/publish/action/", []field{token, data, title, {"data", "second.txt", []byte("no video")}}, nil},
	} {
		body, kind := form(t, try.fields...)
		a := e.publish(try.path, kind, body, try.header...)
		if a.code() != 0 {
			t.Errorf("%s: %s", name, a.body)
			continue
		}
		reqs := got.take()
		if len(reqs) != 1 {
			t.Fatalf("%s: published %d times", name, len(reqs))
		}
		r := reqs[0]
		if r.AuthorId != 5 || r.Title != "你好" || r.SizeBytes != int64(len(mp4)) || r.DurationMs <= 0 || r.WidthPx <= 0 || r.HeightPx <= 0 {
			t.Errorf("%s: %+v", name, r)
		}
		played := e.get("/media/" + r.PlayKey)
		if !bytes.Equal(played.body, mp4) || played.Header.Get("Content-Type") != "video/mp4" {
			t.Errorf("%s: the video is served with %d bytes as %s", name, len(played.body), played.Header.Get("Content-Type"))
		}
		cover := e.get("/media/" + r.CoverKey)
		if cover.StatusCode != 200 || http.DetectContentType(cover.body) != "image/jpeg" {
			t.Errorf("%s: cover %d", name, cover.StatusCode)
		}
		if n := len(e.stored()); n != 2 {
			t.Errorf("%s: %d files, want 2", name, n)
		}
		if err := e.blobs.Delete(t.Context(), r.PlayKey, r.CoverKey); err != nil {
			t.Fatal(err)
		}
	}
}

func TestPublishRefused(t *testing.T) {
	var got published
	e := start(t, got.fakes(), func(d *gateway.Deps) { d.Config.MaxUploadBytes = 300 << 10 })
	mp4 := clip(t)
	token, title, data := field{"token", "", []byte(e.token(5))}, field{"title", "", []byte("t")}, field{"data", "bear.mp4", mp4}
	big := append(bytes.Clone(mp4), make([]byte, 300<<10)...)
	with := func(fields ...field) func(*testing.T) (io.Reader, string) {
		return func(t *testing.T) (io.Reader, string) {
			t.Helper()
			b, kind := form(t, fields...)
			return b, kind
		}
	}
	raw := func(body, kind string) func(*testing.T) (io.Reader, string) {
		return func(*testing.T) (io.Reader, string) { return strings.NewReader(body), kind }
	}
	cut := func(at int, fields ...field) func(*testing.T) (io.Reader, string) {
		return func(t *testing.T) (io.Reader, string) {
			t.Helper()
			b, kind := form(t, fields...)
			return bytes.NewReader(b.Bytes()[:b.Len()-at]), kind
		}
	}
	chunked := func(fields ...field) func(*testing.T) (io.Reader, string) {
		return func(t *testing.T) (io.Reader, string) {
			t.Helper()
			b, kind := form(t, fields...)
			return io.MultiReader(b), kind // of unknown length
		}
	}
	for name, try := range map[string]struct {
		query string
		body  func(*testing.T) (io.Reader, string)
		want  *errno.Error
	}{
		"no token":           {"", with(data, title), errno.Unauthenticated},
		"bad token":          {"", with(field{"token", "", []byte("x")}, data, title), errno.Unauthenticated},
		"bad token in query": {"?token=x", with(token, data, title), errno.Unauthenticated},
		"no file":            {"", with(token, title), errno.VideoFileMissing},
		"empty file":         {"", with(token, title, field{"data", "bear.mp4", nil}), errno.VideoFileMissing},
		"no title":           {"", with(token, data), errno.InvalidArgument},
		"blank title":        {"", with(token, data, field{"title", "", []byte(" \t")}), errno.InvalidArgument},
		"title not UTF-8":    {"", with(token, data, field{"title", "", []byte{0xff}}), errno.InvalidArgument},
		"huge title":         {"", with(token, data, field{"title", "", bytes.Repeat([]byte("x"), 100_000)}), errno.InvalidArgument},
		"text":               {"", with(token, title, field{"data", "bear.mp4", []byte("just text")}), errno.VideoUnplayable},
		"half a video":       {"", with(token, title, field{"data", "bear.mp4", mp4[:len(mp4)/2]}), errno.VideoUnplayable},
		"too large":          {"", with(token, title, field{"data", "bear.mp4", big}), errno.VideoTooLarge},
		"too large, chunked": {"", chunked(token, title, field{"data", "bear.mp4", big}), errno.VideoTooLarge},
		"much too large":     {"", with(token, title, field{"data", "bear.mp4", bytes.Repeat(mp4, 20)}), errno.VideoTooLarge},
		"not a form":         {"?token=" + e.token(5), raw("token=x", "application/x-www-form-urlencoded"), errno.VideoFileMissing},
		"no boundary":        {"?token=" + e.token(5), raw("x", "multipart/form-data"), errno.VideoFileMissing},
		"rubbish":            {"?token=" + e.token(5), raw("x", "multipart/form-data; boundary=b"), errno.InvalidArgument},
		"cut in the end":     {"", cut(30, token, title, data), errno.InvalidArgument},
		"cut in the file":    {"", cut(len(mp4)/2, token, title, data), errno.InvalidArgument},
		"cut, chunked":       {"", chunked(token, title, field{"data", "bear.mp4", mp4[:1000]}), errno.VideoUnplayable},
		"hundred of parts":   {"", with(bytesFields(100)...), errno.InvalidArgument},
		"title as the file":  {"", with(token, title, field{"data", "", []byte("x")}), errno.VideoUnplayable},
		"empty body":         {"?token=" + e.token(5), raw("", "multipart/form-data; boundary=b"), errno.VideoFileMissing},
	} {
		body, kind := try.body(t)
		a := e.publish("/douyin/publish/action/"+try.query, kind, body)
		if a.StatusCode != 200 || a.code() != int(try.want.Code) {
			t.Errorf("%s: %d %s, want %v", name, a.StatusCode, a.body, try.want)
		}
		if files := e.stored(); len(files) > 0 {
			t.Errorf("%s left %v", name, files)
		}
	}
	if reqs := got.take(); len(reqs) > 0 {
		t.Errorf("published all the same: %v", reqs)
	}
}

func bytesFields(n int) (out []field) {
	for i := range n {
		out = append(out, field{fmt.Sprint("f", i), "", []byte("x")})
	}
	return out
}

func TestPublishTooLong(t *testing.T) {
	e := start(t, &fakes{}, func(d *gateway.Deps) { d.MaxDuration = time.Second })
	body, kind := form(t, field{"token", "", []byte(e.token(5))}, field{"title", "", []byte("t")}, field{"data", "a.mp4", clip(t)})
	wantCode(t, e.publish("/douyin/publish/action/", kind, body), errno.VideoTooLong.Code)
	if files := e.stored(); len(files) > 0 {
		t.Errorf("left %v", files)
	}
}

// What the video service says decides about the files: no deletes them, no answer keeps them.
func TestPublishAnswers(t *testing.T) {
	var last atomic.Pointer[video.PublishRequest]
	for name, try := range map[string]struct {
		err    error
		listed bool
		want   int32
		files  int
	}{
		"refused":                     {errno.InvalidArgument.With("title is longer than 100 characters"), false, errno.InvalidArgument.Code, 0},
		"away":                        {errno.Unavailable, false, errno.Unavailable.Code, 2},
		"no answer":                   {errno.OutcomeUnknown, false, errno.OutcomeUnknown.Code, 2},
		"broken":                      {errors.New("disk on fire"), false, errno.OutcomeUnknown.Code, 2},
		"no answer, but it is public": {errno.OutcomeUnknown, true, 0, 2},
	} {
		e := start(t, &fakes{
			publish: func(r *video.PublishRequest) (*video.PublishResponse, error) {
				last.Store(r)
				return nil, try.err
			},
			listByAuthor: func(r *video.ListByAuthorRequest) (*video.ListByAuthorResponse, error) {
				if !try.listed {
					return &video.ListByAuthorResponse{}, nil
				}
				return &video.ListByAuthorResponse{Videos: []*video.Video{{Id: 3, AuthorId: r.AuthorId, PlayKey: last.Load().PlayKey}}}, nil
			},
		})
		body, kind := form(t, field{"token", "", []byte(e.token(5))}, field{"title", "", []byte("t")}, field{"data", "a.mp4", clip(t)})
		a := e.publish("/douyin/publish/action/", kind, body)
		if a.code() != int(try.want) || strings.Contains(string(a.body), "fire") {
			t.Errorf("%s: %s", name, a.body)
		}
		if files := e.stored(); len(files) != try.files {
			t.Errorf("%s: files %v, want %d", name, files, try.files)
		}
	}
}

// A client that goes away in the middle leaves nothing.
func TestPublishDisconnect(t *testing.T) {
	e := start(t, &fakes{})
	body, kind := form(t, field{"token", "", []byte(e.token(5))}, field{"title", "", []byte("t")}, field{"data", "a.mp4", clip(t)})
	var d net.Dialer
	c, err := d.DialContext(t.Context(), "tcp", e.gw.Addr())
	if err != nil {
		t.Fatal(err)
	}
	send(t, c, "POST /douyin/publish/action/ HTTP/1.1\r\nHost: x\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n", kind, body.Len())
	if _, err := c.Write(body.Bytes()[:body.Len()-1000]); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the upload to be stored", func() bool { return len(e.stored()) > 0 })
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the upload to be gone", func() bool { return len(e.stored()) == 0 })
}

func waitFor(t *testing.T, what string, ok func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-ctx.Done():
			t.Fatalf("waited in vain for %s", what)
		case <-tick.C:
		}
	}
}

// A full-size upload streams through: 200 MB raise the memory by less than 32 MB, accepted or refused.
func TestPublishMemory(t *testing.T) {
	const size = 200 << 20
	mp4 := clip(t)
	for name, try := range map[string]struct {
		max  int64
		want int32
	}{
		"accepted": {size + 1<<20, 0}, "refused": {size - 1<<20, errno.VideoTooLarge.Code},
	} {
		t.Run(name, func(t *testing.T) {
			e := start(t, &fakes{}, func(d *gateway.Deps) { d.Config.MaxUploadBytes = try.max })
			head, kind := form(t, field{"token", "", []byte(e.token(5))}, field{"title", "", []byte("t")}, field{"data", "a.mp4", nil})
			end := []byte("\r\n--" + strings.TrimPrefix(kind, "multipart/form-data; boundary=") + "--\r\n")
			start := bytes.TrimSuffix(head.Bytes(), end)
			padding := make([]byte, 8) // a box that players skip
			binary.BigEndian.PutUint32(padding, uint32(size-len(mp4)))
			copy(padding[4:], "free")
			body := io.MultiReader(bytes.NewReader(start), bytes.NewReader(mp4), bytes.NewReader(padding),
				io.LimitReader(zeros{}, int64(size-len(mp4)-len(padding))), bytes.NewReader(end))

			runtime.GC()
			before, peak := memory(), uint64(0)
			ctx, cancel := context.WithCancel(t.Context())
			watched := make(chan struct{})
			go func() {
				defer close(watched)
				tick := time.NewTicker(5 * time.Millisecond)
				defer tick.Stop()
				for {
					peak = max(peak, memory())
					select {
					case <-ctx.Done():
						return
					case <-tick.C:
					}
				}
			}()
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, e.url+"/douyin/publish/action/", body)
			if err != nil {
				t.Fatal(err)
			}
			req.ContentLength = int64(len(start)) + size + int64(len(end))
			req.Header.Set("Content-Type", kind)
			resp, err := e.client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer shut(resp.Body)
			text, err := io.ReadAll(resp.Body)
			if err != nil {
				t.Fatal(err)
			}
			cancel()
			<-watched
			if !strings.Contains(string(text), fmt.Sprintf(`"status_code":%d,`, try.want)) {
				t.Errorf("answered %s", text)
			}
			t.Logf("memory before %d KiB, at most %d KiB", before>>10, peak>>10)
			if peak > before+32<<20 {
				t.Errorf("memory rose from %d to %d MiB", before>>20, peak>>20)
			}
		})
	}
}

// memory is what the runtime has taken from the system and not given back.
func memory() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.Sys - m.HeapReleased
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

func TestPublishLimits(t *testing.T) {
	e := start(t, &fakes{}, func(d *gateway.Deps) {
		d.Limits.PublishUser = limiter.Rule{Rate: 0.001, Burst: 2}
	})
	upload := func(id int64) answer {
		body, kind := form(t, field{"title", "", []byte("t")}, field{"data", "a.mp4", clip(t)}, field{"token", "", []byte(e.token(id))})
		return e.publish("/douyin/publish/action/", kind, body)
	}
	wantCode(t, upload(5), 0)
	wantCode(t, upload(5), 0)
	wantCode(t, upload(5), errno.TooManyRequests.Code)
	wantCode(t, upload(6), 0)
	if n := len(e.stored()); n != 6 {
		t.Errorf("%d files of three videos", n)
	}
}
