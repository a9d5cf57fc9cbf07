package web

import (
	"bytes"
	"errors"
	"html"
	"strconv"
	"strings"
	"time"
)

// template is the client's page, cut where the head of a page about something differs.
type template struct {
	// plain is the page as it is, for all addresses that are about nothing in particular.
	plain *file
	// before ends before the title, after begins behind it.
	before, after []byte
}

var errNoTitle = errors.New("has no <title> in its <head>")

// parseTemplate cuts the page at its title. What the client is to know is put in front of it.
func parseTemplate(page []byte, facts Facts) (template, error) {
	const open, end = "<title>", "</title>"
	from := bytes.Index(page, []byte(open))
	to := bytes.Index(page, []byte(end))
	head := bytes.Index(page, []byte("</head>"))
	if from < 0 || to < from || head < to {
		return template{}, errNoTitle
	}
	var b bytes.Buffer
	b.Write(page[:from])
	facts.write(&b)
	before := bytes.Clone(b.Bytes())
	b.Write(page[from:])
	return template{plain: newFile(".html", b.Bytes(), pageCache), before: before, after: page[to+len(end):]}, nil
}

// Facts are what the client knows of the server from its page: it tells people before they wait for an upload in vain.
type Facts struct {
	// MaxUploadBytes and MaxDuration bound a video. 0: the client is not told.
	MaxUploadBytes int64
	MaxDuration    time.Duration
	// Version is that of the program.
	Version string
}

func (f Facts) write(b *bytes.Buffer) {
	if f.MaxUploadBytes > 0 {
		meta(b, "name", "max-upload-bytes", strconv.FormatInt(f.MaxUploadBytes, 10))
	}
	if f.MaxDuration > 0 {
		meta(b, "name", "max-upload-ms", strconv.FormatInt(f.MaxDuration.Milliseconds(), 10))
	}
	meta(b, "name", "version", f.Version)
}

// with is the page with a head of its own.
func (t *template) with(h head) *file {
	var b bytes.Buffer
	b.Grow(len(t.before) + len(t.after) + headSize)
	b.Write(t.before)
	h.write(&b)
	b.Write(t.after)
	f := newFile(".html", b.Bytes(), pageCache)
	f.gzip = notPacked // it is small, and made for one request
	return f
}

// head is what a page says about itself, by the Open Graph protocol. Nothing in it is escaped yet. Empty fields are left out.
type head struct {
	title, kind, url, image, description string
	video                                string // of type video/mp4
	width, height                        int32  // of the video, in pixels
	large                                bool   // the picture is to be shown large
}

const (
	siteName = "tiktok"
	// headSize is about what a head needs, in bytes.
	headSize = 2 << 10
)

func (h head) write(b *bytes.Buffer) {
	b.WriteString("<title>" + html.EscapeString(line(h.title)) + " · " + siteName + "</title>")
	if h.url != "" {
		b.WriteString(`<link rel="canonical" href="` + html.EscapeString(line(h.url)) + `">`)
	}
	card := "summary"
	if h.large {
		card = "summary_large_image"
	}
	meta(b, "name", "twitter:card", card)
	meta(b, "name", "description", h.description)
	meta(b, "property", "og:site_name", siteName)
	meta(b, "property", "og:type", h.kind)
	meta(b, "property", "og:title", h.title)
	meta(b, "property", "og:description", h.description)
	meta(b, "property", "og:url", h.url)
	meta(b, "property", "og:image", h.image)
	if h.video == "" {
		return
	}
	meta(b, "property", "og:video", h.video)
	meta(b, "property", "og:video:type", "video/mp4")
	if h.width > 0 && h.height > 0 {
		meta(b, "property", "og:video:width", strconv.Itoa(int(h.width)))
		meta(b, "property", "og:video:height", strconv.Itoa(int(h.height)))
	}
}

func meta(b *bytes.Buffer, by, name, content string) {
	if content != "" {
		b.WriteString(`<meta ` + by + `="` + name + `" content="` + html.EscapeString(line(content)) + `">`)
	}
}

// line makes one line of a text.
func line(s string) string { return strings.Join(strings.Fields(s), " ") }
