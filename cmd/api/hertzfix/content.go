package hertzfix

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/cloudwego/hertz/pkg/app"
)

// Content is what ServeContent serves.
type Content struct {
	// Body is the whole content. ServeContent closes it.
	Body io.ReadSeekCloser
	// Size is its length in bytes.
	Size int64
	// Type is its Content-Type.
	Type string
	// ETag has quotes.
	ETag string
	// Modified is its Last-Modified; zero when that is not known.
	Modified time.Time
	// CacheControl is its Cache-Control.
	CacheControl string
}

// ServeContent answers GET and HEAD as RFC 9110 says: conditions first, then the range. Several ranges are answered with the
// whole content, which RFC 9110 allows.
//
// Upstream: Hertz serves ranges of files in a folder only (app.FS in pkg/app/fs.go; cloudwego/hertz#93); net/http has ServeContent
// for any io.ReadSeeker.
func ServeContent(c *app.RequestContext, x Content) {
	h := &c.Response.Header
	h.Set("ETag", x.ETag)
	if !x.Modified.IsZero() {
		h.Set("Last-Modified", x.Modified.UTC().Format(http.TimeFormat))
	}
	h.Set("Cache-Control", x.CacheControl)
	h.Set("Accept-Ranges", "bytes")
	if notModified(c, x) {
		_ = x.Body.Close() // only read
		c.SetStatusCode(http.StatusNotModified)
		return
	}
	first, length, status := int64(0), x.Size, http.StatusOK
	if spec := string(c.GetHeader("Range")); spec != "" && rangeApplies(c, x) {
		f, n, what := parseRange(spec, x.Size)
		switch what {
		case outside:
			_ = x.Body.Close()
			h.Set("Content-Range", fmt.Sprintf("bytes */%d", x.Size))
			c.String(http.StatusRequestedRangeNotSatisfiable, "range is outside of the file")
			return
		case part:
			first, length, status = f, n, http.StatusPartialContent
			h.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", first, first+length-1, x.Size))
		case all:
		}
	}
	c.SetContentType(x.Type)
	c.SetStatusCode(status)
	if c.IsHead() {
		_ = x.Body.Close()
		c.Response.SkipBody = true
		h.SetContentLength(int(length))
		return
	}
	if _, err := x.Body.Seek(first, io.SeekStart); err != nil {
		_ = x.Body.Close()
		c.String(http.StatusInternalServerError, "not readable")
		return
	}
	c.SetBodyStream(x.Body, int(length)) // Hertz closes it
}

func notModified(c *app.RequestContext, x Content) bool {
	if tags := string(c.GetHeader("If-None-Match")); tags != "" {
		for tag := range strings.SplitSeq(tags, ",") {
			if tag = strings.TrimPrefix(strings.TrimSpace(tag), "W/"); tag == x.ETag || tag == "*" {
				return true
			}
		}
		return false
	}
	since, err := http.ParseTime(string(c.GetHeader("If-Modified-Since")))
	return err == nil && !x.Modified.IsZero() && !x.Modified.Truncate(time.Second).After(since)
}

// rangeApplies checks If-Range: a range of another version of the content is of no use.
func rangeApplies(c *app.RequestContext, x Content) bool {
	cond := string(c.GetHeader("If-Range"))
	if cond == "" || cond == x.ETag {
		return true
	}
	date, err := http.ParseTime(cond)
	return err == nil && x.Modified.Truncate(time.Second).Equal(date)
}

// What a Range header asks for.
const (
	all = iota
	part
	outside
)

// parseRange reads "bytes=first-last", "bytes=first-" and "bytes=-suffix" for a content of the given size. Anything else asks
// for the whole content.
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
