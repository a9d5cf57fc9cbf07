package router

import (
	"github.com/cloudwego/hertz/pkg/app"

	"tiktok/cmd/api/biz/middleware"
	"tiktok/cmd/api/web"
)

// clientPages are the addresses of the web client that are about nothing in particular: all get the same page, and the client shows
// what belongs there. A path of the client that is not here is answered with its page and status 404.
func clientPages() []string {
	return []string{
		"/", "/search", "/upload", "/inbox", "/chat", "/chat/:user_id", "/history", "/statistics", "/settings", "/login",
	}
}

// pages puts the web client on the engine. both adds a route for GET and HEAD.
func (d Deps) pages(both func(path string, h ...app.HandlerFunc)) {
	page := middleware.Page(d.PagePolicy)
	for _, path := range clientPages() {
		both(path, page, d.Pages.Page)
	}
	both("/v/:video_id", page, d.Pages.Video)
	both("/@:name", page, d.Pages.User)
	both("/tag/:tag", page, d.Pages.Tag)
	both("/assets/*name", d.Pages.Asset)
	for _, name := range d.Pages.Site.Names() {
		if name == web.WorkerFile {
			both("/"+name, middleware.Page(web.WorkerPolicy), d.Pages.File)
			continue
		}
		both("/"+name, d.Pages.File)
	}
}
