package handler

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/cloudwego/hertz/pkg/app"

	"tiktok/pkg/blob"
)

// foreverCache is for objects whose key is never given to another content.
const foreverCache = "public, max-age=31536000, immutable"

// linkCache is for an answer that sends the client to another place. A signed link ends, so it is asked for each time: the
// address that a client keeps is that of the gateway.
const linkCache = "private, no-store"

// Media serves a blob: whole, or the one range that is asked for, which is how players seek. Where clients can reach the
// store, they are sent there.
func (h *Handler) Media(ctx context.Context, c *app.RequestContext) {
	key := strings.TrimPrefix(c.Param("key"), "/")
	if lower := strings.ToLower(key); strings.HasPrefix(lower, TempPrefix) || strings.HasPrefix(lower, sourcePrefix) {
		notFound(c)
		return
	}
	if c.IsGet() { // a signed link is for GET only
		link, err := h.Blobs.URL(ctx, key)
		if err != nil && !errors.Is(err, blob.ErrBadKey) {
			h.Log.ErrorContext(ctx, "media link", "key", key, "err", err) // and it streams
		}
		// What a playlist names is found relative to it, and a signed link is for one object: that playlist stays here.
		kept := strings.HasSuffix(key, ".m3u8") && strings.Contains(link, "?")
		if link != "" && !kept {
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
	serveContent(c, content{
		body: obj.ReadSeekCloser, size: obj.Size, kind: obj.ContentType, etag: obj.ETag, modified: obj.ModTime, cache: foreverCache,
	})
}

func notFound(c *app.RequestContext) { c.String(http.StatusNotFound, "not found") }

// content is something to serve. serveContent closes the body.
type content struct {
	body     io.ReadSeekCloser
	size     int64
	kind     string
	etag     string // with quotes
	modified time.Time
	cache    string
}

// serveContent answers GET and HEAD as RFC 9110 says: conditions first, then the range. Several ranges at once are
// answered with the whole, which is allowed.
func serveContent(c *app.RequestContext, x content) {
	h := &c.Response.Header
	h.Set("ETag", x.etag)
	h.Set("Last-Modified", x.modified.UTC().Format(http.TimeFormat))
	h.Set("Cache-Control", x.cache)
	h.Set("Accept-Ranges", "bytes")
	if notModified(c, x) {
		_ = x.body.Close() // only read
		c.SetStatusCode(http.StatusNotModified)
		return
	}
	first, length, status := int64(0), x.size, http.StatusOK
	if spec := string(c.GetHeader("Range")); spec != "" && rangeApplies(c, x) {
		f, n, what := parseRange(spec, x.size)
		switch what {
		case outside:
			_ = x.body.Close()
			h.Set("Content-Range", fmt.Sprintf("bytes */%d", x.size))
			c.String(http.StatusRequestedRangeNotSatisfiable, "range is outside of the file")
			return
		case part:
			first, length, status = f, n, http.StatusPartialContent
			h.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", first, first+length-1, x.size))
		case all:
		}
	}
	c.SetContentType(x.kind)
	c.SetStatusCode(status)
	if c.IsHead() {
		_ = x.body.Close()
		c.Response.SkipBody = true
		h.SetContentLength(int(length))
		return
	}
	if _, err := x.body.Seek(first, io.SeekStart); err != nil {
		_ = x.body.Close()
		c.String(http.StatusInternalServerError, "not readable")
		return
	}
	c.SetBodyStream(x.body, int(length)) // Hertz closes it
}

func notModified(c *app.RequestContext, x content) bool {
	if tags := string(c.GetHeader("If-None-Match")); tags != "" {
		for tag := range strings.SplitSeq(tags, ",") {
			if tag = strings.TrimPrefix(strings.TrimSpace(tag), "W/"); tag == x.etag || tag == "*" {
				return true
			}
		}
		return false
	}
	since, err := http.ParseTime(string(c.GetHeader("If-Modified-Since")))
	return err == nil && !x.modified.Truncate(time.Second).After(since)
}

// rangeApplies looks at If-Range: a range of another version of the content would be no use.
func rangeApplies(c *app.RequestContext, x content) bool {
	cond := string(c.GetHeader("If-Range"))
	if cond == "" || cond == x.etag {
		return true
	}
	date, err := http.ParseTime(cond)
	return err == nil && x.modified.Truncate(time.Second).Equal(date)
}

// What a Range header asks for.
const (
	all = iota
	part
	outside
)

// parseRange reads "bytes=first-last", "bytes=first-" and "bytes=-suffix" for a content of the given size. What it does
// not understand asks for the whole.
func parseRange(spec string, size int64) (first, length int64, what int) {
	unit, set, _ := strings.Cut(spec, "=")
	from, to, dash := strings.Cut(strings.TrimSpace(set), "-")
	if unit != "bytes" || !dash {
		return 0, size, all
	}
	if from == "" {
		n, ok := digits(to)
		switch {
		case !ok:
			return 0, size, all
		case n == 0 || size == 0:
			return 0, 0, outside
		}
		n = min(n, size)
		return size - n, n, part
	}
	first, ok := digits(from)
	last := size - 1
	if ok && to != "" {
		last, ok = digits(to)
	}
	switch {
	case !ok || to != "" && last < first:
		return 0, size, all
	case first >= size:
		return 0, 0, outside
	}
	return first, min(last, size-1) - first + 1, part
}

func digits(s string) (int64, bool) {
	if s == "" || strings.Trim(s, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil
}
