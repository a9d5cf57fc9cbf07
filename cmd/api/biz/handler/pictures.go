package handler

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/cloudwego/hertz/pkg/app"

	"tiktok/cmd/api/biz/pack"
	"tiktok/cmd/api/hertzfix"
	"tiktok/pkg/media"
)

const (
	avatarPx                          = 256
	backgroundWidth, backgroundHeight = 720, 480
	// pictureCache is shorter than for blobs: another version of the program may draw differently.
	pictureCache = "public, max-age=86400"
)

// Pictures are the default avatars and backgrounds. Each is drawn when it is first asked for and then kept, all in all
// less than a megabyte.
type Pictures struct {
	avatars     [pack.Avatars]func() drawnPicture
	backgrounds [pack.Backgrounds]func() drawnPicture
}

type drawnPicture struct {
	data []byte
	etag string
	made time.Time
}

// NewPictures draws nothing yet.
func NewPictures() *Pictures {
	p := &Pictures{}
	for i := range p.avatars {
		p.avatars[i] = sync.OnceValue(func() drawnPicture { return newPicture(media.Avatar(int64(i), avatarPx)) })
	}
	for i := range p.backgrounds {
		p.backgrounds[i] = sync.OnceValue(func() drawnPicture {
			return newPicture(media.Background(int64(i), backgroundWidth, backgroundHeight))
		})
	}
	return p
}

func newPicture(data []byte) drawnPicture {
	sum := sha256.Sum256(data)
	return drawnPicture{data: data, etag: fmt.Sprintf(`"%x"`, sum[:12]), made: time.Now()}
}

// Avatar serves /static/avatars/<n>.png.
func (p *Pictures) Avatar(_ context.Context, c *app.RequestContext) {
	p.serve(c, p.avatars[:], ".png", "image/png")
}

// Background serves /static/backgrounds/<n>.jpg.
func (p *Pictures) Background(_ context.Context, c *app.RequestContext) {
	p.serve(c, p.backgrounds[:], ".jpg", "image/jpeg")
}

func (p *Pictures) serve(c *app.RequestContext, from []func() drawnPicture, ext, kind string) {
	name, ok := strings.CutSuffix(c.Param("name"), ext)
	n, err := strconv.Atoi(name)
	if !ok || err != nil || n < 0 || n >= len(from) || strconv.Itoa(n) != name {
		c.String(http.StatusNotFound, "not found")
		return
	}
	x := from[n]()
	hertzfix.ServeContent(c, hertzfix.Content{
		Body: readSeekNopCloser{bytes.NewReader(x.data)}, Size: int64(len(x.data)), Type: kind,
		ETag: x.etag, Modified: x.made, CacheControl: pictureCache,
	})
}

type readSeekNopCloser struct{ *bytes.Reader }

func (readSeekNopCloser) Close() error { return nil }
