package handler

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/cloudwego/hertz/pkg/app"

	"tiktok/cmd/api/hertzfix"
	"tiktok/pkg/blob"
)

// foreverCache is for objects, whose keys are never given to another content.
const foreverCache = "public, max-age=31536000, immutable"

// linkCache is for a redirect. A signed link expires, so clients ask for a new one each time.
const linkCache = "private, no-store"

// Media serves a blob, or one range of it, which is how players seek. Where clients can reach the store, it redirects them
// there.
func (h *Handler) Media(ctx context.Context, c *app.RequestContext) {
	key := strings.TrimPrefix(c.Param("key"), "/")
	if lower := strings.ToLower(key); strings.HasPrefix(lower, TempPrefix) || strings.HasPrefix(lower, sourcePrefix) {
		notFound(c)
		return
	}
	if c.IsGet() { // a signed link is for GET only
		link, err := h.Blobs.URL(ctx, key)
		if err != nil && !errors.Is(err, blob.ErrBadKey) {
			h.Log.ErrorContext(ctx, "media link", "key", key, "err", err) // it is streamed then
		}
		// The names in a playlist are relative to its address, and a signed link is for one object: such a playlist is served here.
		servedHere := strings.HasSuffix(key, ".m3u8") && strings.Contains(link, "?")
		if link != "" && !servedHere {
			c.Response.Header.Set("Cache-Control", linkCache)
			c.Redirect(http.StatusFound, []byte(link))
			return
		}
	}
	obj, err := h.Blobs.Open(ctx, key)
	if errors.Is(err, blob.ErrNotFound) || errors.Is(err, blob.ErrBadKey) {
		notFound(c)
		return
	}
	if err != nil {
		h.Log.ErrorContext(ctx, "media", "key", key, "err", err)
		c.String(http.StatusServiceUnavailable, "not available now")
		return
	}
	hertzfix.ServeContent(c, hertzfix.Content{
		Body: obj.ReadSeekCloser, Size: obj.Size, Type: obj.ContentType, ETag: obj.ETag, Modified: obj.ModTime, CacheControl: foreverCache,
	})
}

func notFound(c *app.RequestContext) { c.String(http.StatusNotFound, "not found") }
