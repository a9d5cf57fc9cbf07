package call

import (
	"bytes"
	"strings"

	"github.com/cloudwego/hertz/pkg/app"
)

// Surface is one of the public APIs.
type Surface int

// The surfaces.
const (
	// NoAPI is all that is not an API: media, pages, health.
	NoAPI Surface = iota
	// Douyin is the mobile client's: HTTP status 200 and an envelope.
	Douyin
	// V1 has HTTP statuses and problem documents.
	V1
)

// Where the surfaces are.
const (
	DouyinPath = "/douyin"
	V1Path     = "/api/v1"
)

// surfaceOf is the API that a request is for, also one whose path Hertz could not parse.
func surfaceOf(c *app.RequestContext) Surface {
	path := string(c.Path())
	if path == "" || path == "/" {
		path = "/" + string(bytes.TrimLeft(c.Request.RequestURI(), "/"))
	}
	switch {
	case below(path, DouyinPath):
		return Douyin
	case below(path, V1Path):
		return V1
	}
	return NoAPI
}

func below(path, prefix string) bool {
	rest, ok := strings.CutPrefix(path, prefix)
	return ok && (rest == "" || rest[0] == '/' || rest[0] == '?')
}
