package web

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/cloudwego/hertz/pkg/app"

	"tiktok/cmd/api/biz/call"
	"tiktok/cmd/api/biz/middleware"
	"tiktok/cmd/api/biz/pack"
	"tiktok/cmd/api/biz/view"
	"tiktok/kitex_gen/user"
	"tiktok/pkg/errno"
)

// headTimeout bounds the calls for what a page says about itself. The client asks for everything again: without them its page is as
// good, only the preview of a link is not.
const headTimeout = 800 * time.Millisecond

// Deps are what the pages need. All are needed.
type Deps struct {
	Site *Site
	View *view.View
	// Limit is that of reads by address. Over it, pages are served without the calls for their heads.
	Limit middleware.Limit
	Log   *slog.Logger
}

// Pages answers with the client's files and pages.
type Pages struct{ Deps }

// NewPages makes Pages.
func NewPages(d Deps) *Pages { return &Pages{d} }

// Page serves the client's page where it is about nothing in particular.
func (p *Pages) Page(_ context.Context, c *app.RequestContext) { p.Site.index.plain.serve(c) }

// NotFound serves the client's page with status 404: it tells a person that there is nothing here, and how to go on.
func (p *Pages) NotFound(_ context.Context, c *app.RequestContext) {
	c.Response.Header.Set("Cache-Control", pageCache)
	c.Data(http.StatusNotFound, p.Site.index.plain.kind, p.Site.index.plain.body)
}

// WantsPage reports whether a request without a route is that of a person who looks for a page.
func WantsPage(c *app.RequestContext) bool {
	return (c.IsGet() || c.IsHead()) && strings.Contains(string(c.GetHeader("Accept")), "text/html")
}

// Asset serves /assets/*name.
func (p *Pages) Asset(_ context.Context, c *app.RequestContext) {
	serveNamed(c, p.Site.assets, strings.TrimPrefix(c.Param("name"), "/"))
}

// File serves the files of the root, whose names Site.Names has.
func (p *Pages) File(_ context.Context, c *app.RequestContext) {
	serveNamed(c, p.Site.root, strings.TrimPrefix(string(c.Path()), "/"))
}

func serveNamed(c *app.RequestContext, from map[string]*file, name string) {
	f := from[name]
	if f == nil {
		c.String(http.StatusNotFound, "not found")
		return
	}
	f.serve(c)
}

// Video serves the page of a video, /v/:video_id, with its title, cover and file in its head.
func (p *Pages) Video(ctx context.Context, c *app.RequestContext) {
	id, err := strconv.ParseInt(c.Param("video_id"), 10, 64)
	if err != nil || id <= 0 {
		p.NotFound(ctx, c)
		return
	}
	p.about(ctx, c, func(ctx context.Context, base string) (head, error) {
		found, err := p.View.VideoCards(ctx, []int64{id})
		if err != nil {
			return head{}, err
		}
		if len(found) == 0 {
			return head{}, errno.VideoNotFound
		}
		return videoHead(base, found[0]), nil
	})
}

// User serves the page of an account, /@:name, with its name, signature and avatar in its head.
func (p *Pages) User(ctx context.Context, c *app.RequestContext) {
	name := c.Param("name")
	p.about(ctx, c, func(ctx context.Context, base string) (head, error) {
		account, err := p.View.UserCard(ctx, name)
		if err != nil {
			return head{}, err
		}
		return userHead(base, account), nil
	})
}

// Tag serves the page of a tag, /tag/:tag, with its name in its head. What is no word is no tag, and has no page.
func (p *Pages) Tag(ctx context.Context, c *app.RequestContext) {
	tag := c.Param("tag")
	if !isWord(tag) {
		p.NotFound(ctx, c)
		return
	}
	in := call.Of(c)
	if in.FromHost {
		addVary(c, "Host")
	}
	p.Site.index.with(tagHead(in.Base, tag)).serve(c)
}

// about serves the client's page with the head of what it is about; base starts the URLs in it.
func (p *Pages) about(ctx context.Context, c *app.RequestContext, load func(ctx context.Context, base string) (head, error)) {
	in := call.Of(c)
	if p.Limit.AllowAddr(ctx, in) != nil {
		c.Response.Header.Del("Retry-After") // the page itself is not refused
		p.Page(ctx, c)
		return
	}
	headCtx, cancel := context.WithTimeout(ctx, headTimeout)
	defer cancel()
	h, err := load(headCtx, in.Base)
	if errors.Is(err, errno.VideoNotFound) || errors.Is(err, errno.UserNotFound) || errors.Is(err, errno.InvalidArgument) {
		p.NotFound(ctx, c)
		return
	}
	if err != nil {
		p.Log.WarnContext(ctx, "page without its head", "err", err)
		p.Page(ctx, c)
		return
	}
	if in.FromHost {
		addVary(c, "Host")
	}
	p.Site.index.with(h).serve(c)
}

// videoHead is what the page of a video says about itself.
func videoHead(base string, v view.Video) head {
	x := pack.Videos(base, []view.Video{v})[0]
	h := head{
		title: v.Title, kind: "video.other", url: base + "/v/" + strconv.FormatInt(v.Id, 10), image: x.CoverURL,
		video: x.PlayURL, width: v.WidthPx, height: v.HeightPx, large: true,
	}
	if account := v.Author.User; account != nil {
		h.description = "@" + account.Name
	}
	return h
}

// maxTagLength is that of a tag, in characters.
const maxTagLength = 50

// isWord reports whether a text may be a tag. Which tags there are, the client finds out.
func isWord(s string) bool {
	n := 0
	for _, r := range s {
		if n++; n > maxTagLength || r == utf8.RuneError || !unicode.IsLetter(r) && !unicode.IsNumber(r) && !unicode.IsMark(r) &&
			r != '_' && r != '\u200c' && r != '\u200d' {
			return false
		}
	}
	return n > 0
}

// tagHead is what the page of a tag says about itself.
func tagHead(base, tag string) head {
	return head{title: "#" + tag, kind: "website", url: base + "/tag/" + url.PathEscape(tag)}
}

// userHead is what the page of an account says about itself.
func userHead(base string, account *user.User) head {
	title := "@" + account.Name
	if account.DisplayName != "" {
		title = account.DisplayName + " (" + title + ")"
	}
	return head{
		title: title, kind: "profile", url: base + "/@" + url.PathEscape(account.Name), description: account.Signature,
		image: pack.User(base, view.Profile{ID: account.Id, User: account}).Avatar,
	}
}
