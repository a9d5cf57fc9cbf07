package gateway_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tiktok/cmd/api/gateway"
	"tiktok/kitex_gen/video"
	"tiktok/pkg/blob"
	"tiktok/pkg/errno"
	"tiktok/pkg/media"
)

// fixture is a file that package media's tests have.
func fixture(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "..", "pkg", "media", "testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// moovLast is an mp4 file whose description is at its end.
func moovLast(t *testing.T) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "..", "test", "testdata", "moov-last.mp4"))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// zeroLength is a clip whose pictures are all shown for no time.
func zeroLength(t *testing.T) []byte {
	t.Helper()
	b := fixture(t, "silent.mp4")
	at := bytes.Index(b, []byte("stts")) + 8
	for i := range binary.BigEndian.Uint32(b[at:]) {
		binary.BigEndian.PutUint32(b[at+8+8*int(i):], 0)
	}
	return b
}

// claims8K is a clip of HEVC whose description says that its pictures are larger than what is converted.
func claims8K(t *testing.T) []byte {
	t.Helper()
	b := fixture(t, "hevc.mp4")
	entry := b[bytes.LastIndex(b, []byte("hvc1"))+4:]
	binary.BigEndian.PutUint16(entry[24:], 8192)
	binary.BigEndian.PutUint16(entry[26:], 4320)
	return b
}

// undecodable is a file that is whole but for the parameters of its pictures.
func undecodable(t *testing.T) []byte {
	t.Helper()
	b := fixture(t, "portrait.mp4")
	avcC := b[bytes.Index(b, []byte("avcC"))+4:]
	sequence := 8 + int(binary.BigEndian.Uint16(avcC[6:]))
	size := int(binary.BigEndian.Uint16(avcC[sequence+1:]))
	clear(avcC[sequence+4 : sequence+3+size])
	return b
}

// moovBomb is ten thousand descriptions in one another.
func moovBomb() []byte {
	box := func(name string, body []byte) []byte {
		return append(append(binary.BigEndian.AppendUint32(nil, uint32(len(body)+8)), name...), body...)
	}
	deep := box("trak", nil)
	for range 10_000 {
		deep = box("moov", deep)
	}
	return slices.Concat(box("ftyp", []byte("isom\x00\x00\x02\x00isom")), deep, box("mdat", nil))
}

// remote is a store whose objects have no path, as that of S3.
type remote struct{ blob.Store }

// upload sends a file with all fields in the form.
func (e *env) upload(data []byte) answer {
	e.t.Helper()
	body, kind := form(e.t, field{"token", "", []byte(e.token(5))}, field{"title", "", []byte("t")}, field{"data", "v.bin", data})
	return e.publish("/douyin/publish/action/", kind, body)
}

func withFFmpeg(t *testing.T) func(*gateway.Deps) {
	t.Helper()
	tools := media.New(media.Config{})
	if _, err := exec.LookPath("ffmpeg"); err != nil || !tools.CanEncode() {
		t.Skip("no ffmpeg")
	}
	return func(d *gateway.Deps) { d.Tools = tools }
}

// What is published plays while it is loaded, or is handed to the workers, or is refused with the reason.
func TestUploadFormats(t *testing.T) {
	cut := fixture(t, "landscape.mp4")
	const convert = "can not be converted here"
	for name, try := range map[string]struct {
		data              []byte
		alone, withFFmpeg string // "" plays, "source" is to be transcoded, else a part of the refusal
	}{
		"faststart":       {fixture(t, "landscape.mp4"), "", ""},
		"moov at the end": {moovLast(t), "", ""},
		"mov":             {fixture(t, "camera.mov"), "", ""},
		"data stream":     {fixture(t, "data.mp4"), "", ""},
		"undecodable":     {undecodable(t), "", "no picture of it can be decoded"},
		"silent":          {fixture(t, "silent.mp4"), "", ""},
		"rotated":         {fixture(t, "rotated.mp4"), "", ""},
		"odd size, 4:4:4": {fixture(t, "odd.mp4"), convert, "source"},
		"hevc":            {fixture(t, "hevc.mp4"), convert, "source"},
		"8K":              {claims8K(t), "8192 x 4320 are too large", "8192 x 4320 are too large"},
		"ten bits":        {fixture(t, "tenbit.mp4"), convert, "source"},
		"fragmented":      {fixture(t, "fragmented.mp4"), convert, "source"},
		"webm":            {fixture(t, "clip.webm"), convert, "source"},
		"mkv":             {fixture(t, "clip.mkv"), convert, "source"},
		"avi":             {fixture(t, "clip.avi"), convert, "source"},
		"sound":           {fixture(t, "sound.mp4"), "no pictures", "no pictures"},
		"cut":             {cut[:len(cut)*2/3], "cut off", "cut off"},
		"no length":       {zeroLength(t), "no length", "no length"},
		"moov in moov":    {moovBomb(), "no pictures", "no pictures"},
		"text":            {[]byte("#EXTM3U\nfile:///etc/passwd"), "not a video", "not a video"},
	} {
		for _, store := range []string{"local", "remote"} {
			check := func(t *testing.T, want string, ffmpeg bool, change ...func(*gateway.Deps)) {
				t.Helper()
				var got published
				if store == "remote" {
					change = append(change, func(d *gateway.Deps) { d.Blobs = remote{d.Blobs} })
				}
				e := start(t, got.fakes(), change...)
				a, reqs := e.upload(try.data), got.take()
				if left, err := os.ReadDir(e.work.Path()); err != nil || len(left) > 0 {
					t.Errorf("left in the folder of copies: %v, %v", left, err)
				}
				if want != "" && want != "source" {
					msg, _ := a.json["status_msg"].(string)
					if a.code() != int(errno.VideoUnplayable.Code) || !strings.Contains(msg, want) || len(reqs) > 0 || len(e.stored()) > 0 {
						t.Errorf("answered %s, published %v, stored %v", a.body, reqs, e.stored())
					}
					return
				}
				if a.code() != 0 || len(reqs) != 1 || len(e.stored()) != 2 {
					t.Fatalf("answered %s, published %v, stored %v", a.body, reqs, e.stored())
				}
				r := reqs[0]
				// Of what is to be transcoded the worker takes a frame.
				if framed := ffmpeg && want == ""; r.CoverDrawn == framed || r.VideoCodec == "" || r.DurationMs <= 0 || r.WidthPx <= 0 {
					t.Errorf("published %+v", r)
				}
				if want == "source" {
					if !r.Transcode || !strings.HasPrefix(r.PlayKey, "sources/") || e.get("/media/"+r.PlayKey).StatusCode != 404 {
						t.Errorf("published %+v", r)
					}
					return
				}
				played := e.get("/media/" + r.PlayKey).body
				info, err := media.Probe(t.Context(), bytes.NewReader(played), int64(len(played)))
				if err != nil || r.Transcode || int64(len(played)) != r.SizeBytes || info.Needs() != media.NeedNothing ||
					info.RotationDeg != int(r.Rotation) {
					t.Errorf("listed is %+v of %+v, %v", info, r, err)
				}
			}
			t.Run(name+"/"+store+"/alone", func(t *testing.T) { check(t, try.alone, false) })
			if store == "remote" && name != "webm" || !slices.Contains([]string{"mov", "hevc", "8K", "webm", "sound"}, name) {
				continue // package media has the whole table; ffmpeg takes long
			}
			t.Run(name+"/"+store+"/ffmpeg", func(t *testing.T) { check(t, try.withFFmpeg, true, withFFmpeg(t)) })
		}
	}
}

// With S3 ffmpeg reads a copy. That is as large as the upload, so it is where there is room: in the folder that is set, and
// not where the system has its temporary files, which containers keep small.
func TestUploadIsCopiedToWorkDir(t *testing.T) {
	address := os.Getenv("TIKTOK_TEST_S3")
	if address == "" {
		t.Skip("TIKTOK_TEST_S3 is not set (.ci/s3.sh, test/env.sh)")
	}
	server, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	secret, _ := server.User.Password()
	store, err := blob.Open(t.Context(), blob.Config{Driver: blob.DriverS3, S3: blob.S3{
		Endpoint: "http://" + server.Host, Region: "us-east-1", Bucket: "t-" + strings.ToLower(rand.Text()), Lookup: "path",
		AccessKey: server.User.Username(), SecretKey: secret, CreateBucket: true, PartBytes: blob.MinPart, Timeout: 20 * time.Second,
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { // the bucket stays: the store has no way to remove it, and the server goes with the tests
		ctx := context.WithoutCancel(t.Context())
		for _, prefix := range []string{"videos/", "covers/", "sources/"} {
			if err := store.List(ctx, prefix, -time.Hour, func(keys []string) error { return store.Delete(ctx, keys...) }); err != nil {
				t.Error(err)
			}
		}
	})
	var got published
	e := start(t, got.fakes(), withFFmpeg(t), func(d *gateway.Deps) { d.Blobs = store })
	t.Setenv("TMPDIR", "/dev/null/nothing can be here")
	for _, name := range []string{"clip.avi", "landscape.mp4"} {
		wantCode(t, e.upload(fixture(t, name)), 0)
		if reqs := got.take(); len(reqs) != 1 || reqs[0].Transcode != (name == "clip.avi") || reqs[0].CoverDrawn != reqs[0].Transcode ||
			reqs[0].VideoCodec == "" {
			t.Errorf("%s: published %v", name, reqs)
		}
	}
	if left, err := os.ReadDir(e.work.Path()); err != nil || len(left) > 0 {
		t.Errorf("left in the folder of copies: %v, %v", left, err)
	}
}

// Limits are named as they are set.
func TestUploadLimitsAreNamed(t *testing.T) {
	for limit, want := range map[int64]string{100 << 10: "larger than 102400 bytes", 1 << 20: "larger than 1 MiB"} {
		e := start(t, &fakes{}, func(d *gateway.Deps) { d.Config.MaxUploadBytes = limit })
		a := e.upload(make([]byte, limit+1))
		wantCode(t, a, errno.VideoTooLarge.Code)
		if !strings.Contains(string(a.body), want) {
			t.Errorf("%s does not say %q", a.body, want)
		}
	}
	e := start(t, &fakes{}, func(d *gateway.Deps) { d.MaxDuration = 500 * time.Millisecond })
	if a := e.upload(clip(t)); a.code() != int(errno.VideoTooLong.Code) || !strings.Contains(string(a.body), "longer than 500ms") {
		t.Errorf("answered %s", a.body)
	}
}

// An upload of unknown length that never ends is ended, also in a part that nobody wants.
func TestUploadWithoutEnd(t *testing.T) {
	e := start(t, &fakes{}, func(d *gateway.Deps) { d.Config.MaxUploadBytes = 1 << 20 })
	for _, name := range []string{"data", "other"} {
		head, kind := form(t, field{"token", "", []byte(e.token(5))}, field{"title", "", []byte("t")}, field{name, "v.mp4", nil})
		open := head.Bytes()[:bytes.LastIndex(head.Bytes(), []byte("\r\n--"))]
		a := e.publish("/douyin/publish/action/", kind, &finite{r: bytes.NewReader(open), more: 3 << 20})
		wantCode(t, a, errno.VideoTooLarge.Code)
		if files := e.stored(); len(files) > 0 {
			t.Errorf("left %v", files)
		}
	}
}

// finite is what r holds and then zeros.
type finite struct {
	r    *bytes.Reader
	more int
}

func (f *finite) Read(p []byte) (int, error) {
	if f.r.Len() > 0 {
		return f.r.Read(p)
	}
	if f.more == 0 {
		return 0, io.EOF
	}
	n := min(len(p), f.more)
	clear(p[:n])
	f.more -= n
	return n, nil
}

// A store that fails in the middle leaves nothing, whatever the step.
func TestUploadStoreFails(t *testing.T) {
	for _, prefix := range []string{"tmp/", "videos/", "covers/"} {
		var got published
		e := start(t, got.fakes(), func(d *gateway.Deps) { d.Blobs = failing{d.Blobs, prefix} })
		a := e.upload(moovLast(t))
		wantCode(t, a, errno.Unavailable.Code)
		if files, reqs := e.stored(), got.take(); len(files) > 0 || len(reqs) > 0 {
			t.Errorf("full at %s: left %v, published %v", prefix, files, reqs)
		}
	}
}

// failing has no room for keys that begin so.
type failing struct {
	blob.Store
	prefix string
}

func (f failing) Put(ctx context.Context, key string, r io.Reader, kind string) (int64, error) {
	if !strings.HasPrefix(key, f.prefix) {
		return f.Store.Put(ctx, key, r, kind)
	}
	if _, err := r.Read(make([]byte, 100)); err != nil {
		return 0, err
	}
	return 0, blob.ErrFull
}

// After a lost answer, an upload for the workers is looked for among those that wait.
func TestUploadAnswerLost(t *testing.T) {
	tools := withFFmpeg(t)
	for name, try := range map[string]struct {
		taken bool
		want  int32
	}{"taken": {true, 0}, "not known": {false, errno.OutcomeUnknown.Code}} {
		var key string
		e := start(t, &fakes{
			publish: func(r *video.PublishRequest) (*video.PublishResponse, error) {
				key = r.PlayKey
				return nil, errno.OutcomeUnknown
			},
			listUploads: func(*video.ListUploadsRequest) (*video.ListUploadsResponse, error) {
				r := &video.ListUploadsResponse{Uploads: []*video.Upload{{VideoId: 1, SourceKey: "sources/aa/other"}}}
				if try.taken {
					r.Uploads = append(r.Uploads, &video.Upload{VideoId: 2, SourceKey: key})
				}
				return r, nil
			},
		}, tools)
		a := e.upload(fixture(t, "clip.webm"))
		wantCode(t, a, try.want)
		if files := e.stored(); len(files) != 2 {
			t.Errorf("%s: stored %v", name, files)
		}
	}
}

// The author reads how far the work is; nobody else does. Without the answer of the service the author reads the plain list.
func TestPublishListStates(t *testing.T) {
	fresh := 0
	f := &fakes{
		listByAuthor: func(r *video.ListByAuthorRequest) (*video.ListByAuthorResponse, error) {
			var l []*video.Video
			if r.Fresh { // no older than the uploads, with which it is shown
				fresh++
			}
			for _, id := range []int64{14, 13, 12, 11} {
				l = append(l, &video.Video{Id: id, AuthorId: r.AuthorId, Title: "t", PlayKey: "videos/a.mp4", CoverKey: "covers/a.jpg"})
			}
			return &video.ListByAuthorResponse{Videos: l}, nil
		},
		listUploads: func(*video.ListUploadsRequest) (*video.ListUploadsResponse, error) {
			return &video.ListUploadsResponse{Uploads: []*video.Upload{
				{VideoId: 20, Title: "new", State: video.UploadState_UPLOADED, UploadedAtMs: 7},
				{VideoId: 19, Title: "bad", State: video.UploadState_FAILED, Reason: "the video is damaged"},
				{VideoId: 18, Title: "deleted a moment ago", State: video.UploadState_PROCESSING, Listed: true},
				{VideoId: 14, State: video.UploadState_PROCESSING, Progress: 40}, // listed since
				{VideoId: 13, State: video.UploadState_FAILED, Progress: 30, Reason: "too hard", Listed: true},
				{VideoId: 12, State: video.UploadState_UPLOADED, Listed: true},
			}}, nil
		},
	}
	e := start(t, f)
	a := e.get("/douyin/publish/list/", "token", e.token(2))
	wantCode(t, a, 0)
	var got []string
	for _, v := range append(a.list("video_list"), a.list("processing_list")...) {
		x, _ := v.(map[string]any)
		got = append(got, fmt.Sprintf("%v %v %v %q", x["id"], x["state"], x["progress"], x["reason"]))
	}
	want := []string{
		`14 processing 40 ""`, `13 failed 30 "too hard"`, `12 processing 0 ""`, `11 ready 100 ""`,
		`20 processing 0 ""`, `19 failed 0 "the video is damaged"`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("the author reads %q, want %q", got, want)
	}
	if n := e.calls.Load(); n != 6 || fresh != 1 {
		t.Errorf("%d calls and %d fresh lists, want 6 and 1", n, fresh)
	}
	e.calls.Store(0)
	for _, token := range []string{e.token(3), ""} {
		a = e.get("/douyin/publish/list/", "token", token, "user_id", "2")
		if len(a.list("processing_list")) != 0 || strings.Contains(string(a.body), `"state"`) || len(a.list("video_list")) != 4 {
			t.Errorf("somebody else reads %s", a.body)
		}
	}
	if n := e.calls.Load(); n != 10 || fresh != 1 {
		t.Errorf("%d calls for two lists of somebody else, %d of them fresh, want 10 and none", n, fresh-1)
	}
	f.listUploads = func(*video.ListUploadsRequest) (*video.ListUploadsResponse, error) { return nil, errno.Unavailable }
	a = start(t, f).get("/douyin/publish/list/", "token", e.token(2))
	wantCode(t, a, 0)
	if len(a.list("video_list")) != 4 || strings.Contains(string(a.body), `"state"`) {
		t.Errorf("without uploads: %s", a.body)
	}
}
