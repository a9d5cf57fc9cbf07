package handler

import (
	"bytes"
	"errors"
	"io/fs"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/cloudwego/hertz/pkg/app"
	"github.com/google/uuid"

	"tiktok/cmd/api/biz/call"
	"tiktok/pkg/blob"
	"tiktok/pkg/errno"
	"tiktok/pkg/media"
)

// FuzzReceive sends the form of an upload with any content type and body, whole or cut, of announced length or not. It
// ends in an error of the user's or a file within the limit, takes little memory, and leaves nothing in the store.
func FuzzReceive(f *testing.F) {
	const most = 4 << 10
	part := "\r\nContent-Disposition: form-data; name=\"data\"; filename=\"v.mp4\"\r\n\r\n"
	whole := "--b" + part + "a video\r\n--b\r\nContent-Disposition: form-data; name=\"title\"\r\n\r\nt\r\n--b--\r\n"
	f.Add("multipart/form-data; boundary=b", []byte(whole), 0, false)
	f.Add("multipart/form-data; boundary=b", []byte(whole), 20, true)
	f.Add("multipart/form-data; boundary=b", []byte(whole), 20, false)
	f.Add("multipart/form-data; boundary=\"b b\"", []byte("--b b"+part), 0, false)
	f.Add("multipart/form-data; boundary=-", []byte("----"+part+"--"), 0, true)
	f.Add("multipart/form-data; boundary="+string(bytes.Repeat([]byte("b"), 70)), bytes.Repeat([]byte("b"), 9000), 0, false)
	f.Add("multipart/form-data; boundary=b; boundary=c", []byte(whole), 0, false)
	f.Add("multipart/form-data; boundary=b", []byte("--b\r\n"+string(bytes.Repeat([]byte("X: y\r\n"), 2000))), 0, false)
	f.Add("multipart/form-data; boundary=b", append([]byte("--b"+part), make([]byte, 3*most)...), 0, true)
	f.Add("multipart/form-data; boundary=b", bytes.Repeat([]byte("--b\r\n\r\n\r\n"), 200), 0, false)
	f.Add(
		"multipart/form-data; boundary=b",
		[]byte("--b\nContent-Disposition: form-data; name=data\nContent-Transfer-Encoding: quoted-printable\n\n=3\n--b--"),
		0,
		true,
	)
	dir := f.TempDir()
	store, err := blob.Open(f.Context(), blob.Config{Driver: blob.DriverLocal, Dir: dir})
	if err != nil {
		f.Fatal(err)
	}
	h := New(
		Deps{
			Blobs:                store,
			Tools:                media.New(media.Config{FFmpeg: "off"}),
			MaxUploadBytes:       most,
			AnonymousUploadBytes: 4 * most,
			AnonymousUploadsAddr: 1,
		},
	)
	f.Fuzz(func(t *testing.T, contentType string, body []byte, missing int, chunked bool) {
		c := app.NewContext(0)
		c.Request.Header.SetContentTypeBytes([]byte(contentType))
		size := len(body)
		if chunked {
			size = -1
		}
		body = body[:max(len(body)-max(missing, 0), 0)]
		c.Request.SetBodyStream(bytes.NewReader(body), size)
		in := call.New(c)
		u := upload{h: h, in: in, id: uuid.NewString()}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		err := u.receive(t.Context())
		runtime.ReadMemStats(&after)
		// The buffer, and what the headers of parts take: some times the body, which is small here.
		if used, limit := after.TotalAlloc-before.TotalAlloc, uint64(4<<20+200*len(body)); used > limit {
			t.Errorf("%d bytes of body took %d of memory", len(body), used)
		}
		if err != nil && !errors.Is(err, errno.InvalidArgument) && !errors.Is(err, errno.VideoTooLarge) &&
			!errors.Is(err, errno.VideoFileMissing) {
			t.Errorf("receive: %v", err)
		}
		if u.size > most || u.size > int64(len(body)) {
			t.Errorf("stored %d bytes of %d", u.size, len(body))
		}
		u.cleanUp(t.Context())
		err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() {
				t.Errorf("%s is left", path)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	})
}
