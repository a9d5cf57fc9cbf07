// Package router is the one table of what is served where.
package router

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/cloudwego/hertz/pkg/app"
	"github.com/cloudwego/hertz/pkg/route"

	"tiktok/cmd/api/biz/call"
	"tiktok/cmd/api/biz/handler"
	"tiktok/cmd/api/biz/middleware"
	"tiktok/cmd/api/biz/pack"
	"tiktok/cmd/api/biz/params"
	"tiktok/cmd/api/biz/v1"
	"tiktok/cmd/api/openapi"
	"tiktok/cmd/api/web"
	"tiktok/pkg/errno"
	"tiktok/pkg/telemetry"
)

// drainFactor is how many times the largest upload is read to its end only to be refused.
const drainFactor = 2

// Deps are what the routes need. All are needed.
type Deps struct {
	Handler  *handler.Handler
	V1       *v1.API
	System   *handler.System
	Pictures *handler.Pictures
	Pages    *web.Pages
	// Docs are the API's document and its page.
	Docs   []openapi.File
	Packer *pack.Packer
	Guard  middleware.Guard
	Tel    *telemetry.Telemetry
	// Sampled is for log lines that clients can cause without end.
	Sampled *slog.Logger
	Origin  middleware.Origin
	Limits  middleware.Limits
	// PagePolicy is the Content-Security-Policy of the web client's pages.
	PagePolicy string
	// CORSOrigins may call from a browser.
	CORSOrigins []string
	// MaxBodyBytes bounds the body of all requests but uploads, MaxUploadBytes the file of those.
	MaxBodyBytes, MaxUploadBytes int64
	// Bodies bounds what the bodies of requests take of the memory together.
	Bodies *params.Budget
	// RequestTimeout bounds the work for a request, uploads excepted; UploadTimeout that of an upload, transfer included.
	RequestTimeout, UploadTimeout time.Duration
	// PublicMetrics serves /metrics on the public address, for this machine only.
	PublicMetrics bool
}

// endpoint is one row of the API.
type endpoint struct {
	method, path string
	access       middleware.Access
	addr, user   middleware.Limit
	fail         func(*errno.Error) any
	serve        call.Handler
	// ownBody says that the handler reads the body.
	ownBody bool
}

func endpoints(h *handler.Handler, l middleware.Limits) []endpoint {
	const get, post = http.MethodGet, http.MethodPost
	const anyone, visitor, member, own = middleware.Anyone, middleware.Visitor, middleware.Member, middleware.OwnCheck
	var none middleware.Limit
	return []endpoint{
		{get, "/feed", visitor, l.ReadAddr, l.ReadUser, pack.FailFeed, h.Feed, false},
		{post, "/user/register", anyone, l.RegisterAddr, none, pack.FailLogin, h.Register, false},
		{post, "/user/login", anyone, l.LoginAddr, none, pack.FailLogin, h.Login, false},
		{get, "/user", visitor, l.ReadAddr, l.ReadUser, pack.FailUser, h.User, false},
		{post, "/publish/action", own, l.PublishAddr, none, pack.Fail, h.PublishAction, true},
		{get, "/publish/list", visitor, l.ReadAddr, l.ReadUser, pack.FailPublished, h.PublishList, false},
		{post, "/publish/delete", member, l.WriteAddr, l.WriteUser, pack.Fail, h.PublishDelete, false},
		{post, "/favorite/action", member, l.WriteAddr, l.WriteUser, pack.Fail, h.FavoriteAction, false},
		{get, "/favorite/list", visitor, l.ReadAddr, l.ReadUser, pack.FailVideos, h.FavoriteList, false},
		{post, "/comment/action", member, l.WriteAddr, l.WriteUser, pack.Fail, h.CommentAction, false},
		{get, "/comment/list", visitor, l.ReadAddr, l.ReadUser, pack.FailComments, h.CommentList, false},
		{post, "/relation/action", member, l.WriteAddr, l.WriteUser, pack.Fail, h.RelationAction, false},
		{get, "/relation/follow/list", visitor, l.ReadAddr, l.ReadUser, pack.FailUsers, h.FollowList, false},
		{get, "/relation/follower/list", visitor, l.ReadAddr, l.ReadUser, pack.FailUsers, h.FollowerList, false},
		{get, "/relation/friend/list", member, l.ReadAddr, l.ReadUser, pack.FailUsers, h.FriendList, false},
		{post, "/message/action", member, l.WriteAddr, l.WriteUser, pack.Fail, h.MessageAction, false},
		{get, "/message/chat", member, none, l.ChatUser, pack.FailMessages, h.MessageChat, false},
	}
}

// Register puts everything on the engine.
func Register(e *route.Engine, d Deps) {
	e.Use(middleware.RequestContext(d.Origin))
	if d.Tel.Traces != nil {
		e.Use(middleware.Trace(d.Tel.Traces.For("api")))
	}
	e.Use(
		middleware.AccessLog(d.Tel.Log, d.Sampled),
		middleware.Metrics(d.Tel.Registry),
		middleware.DrainBody(drainFactor*d.MaxUploadBytes, d.Tel.Registry),
		middleware.Recover(d.Packer, d.Sampled),
		middleware.CORS(d.CORSOrigins),
	)
	for _, ep := range endpoints(d.Handler, d.Limits) {
		chain := d.chain(ep)
		e.Handle(ep.method, call.DouyinPath+ep.path+"/", chain...)
		e.Handle(ep.method, call.DouyinPath+ep.path, chain...) // a real route: a redirected POST loses its body in old clients
	}
	table := d.V1.Routes(d.Limits)
	for _, r := range table {
		e.Handle(r.Method, call.V1Path+r.Path, d.chainV1(r)...)
	}
	both := func(path string, h ...app.HandlerFunc) {
		e.GET(path, h...)
		e.HEAD(path, h...)
	}
	both("/media/*key", d.Handler.Media)
	both("/static/avatars/:name", d.Pictures.Avatar)
	both("/static/backgrounds/:name", d.Pictures.Background)
	both("/healthz", d.System.Health)
	both("/readyz", d.System.Ready)
	d.pages(both)
	d.docs(both)
	if d.PublicMetrics {
		e.GET("/metrics", d.System.Metrics)
	}
	e.NoRoute(d.noRoute(table))
}

// chain is what happens to a request of an endpoint.
func (d Deps) chain(ep endpoint) []app.HandlerFunc {
	chain := []app.HandlerFunc{middleware.WithFail(ep.fail), middleware.LimitAddr(d.Packer, ep.addr), middleware.Refused(d.Packer)}
	if ep.ownBody {
		chain = append(chain, middleware.SlowBody(d.UploadTimeout))
	} else {
		chain = append(chain, middleware.Body(d.Packer, d.MaxBodyBytes, d.Bodies))
	}
	chain = append(chain, middleware.Auth(d.Packer, d.Guard, ep.access), middleware.LimitUser(d.Packer, ep.user))
	if !ep.ownBody {
		chain = append(chain, middleware.Timeout(d.RequestTimeout))
	}
	return append(chain, func(ctx context.Context, c *app.RequestContext) {
		answer, err := ep.serve(ctx, call.Of(c))
		if err != nil {
			d.Packer.Error(c, err)
			return
		}
		d.Packer.Answer(c, http.StatusOK, answer)
		middleware.Charge(ctx, c, ep.addr, ep.user)
	})
}

// chainV1 is what happens to a request of /api/v1. Its token is in no body, so nothing is read of a stranger's.
func (d Deps) chainV1(r v1.Route) []app.HandlerFunc {
	chain := []app.HandlerFunc{
		middleware.LimitAddr(d.Packer, r.Addr), middleware.Refused(d.Packer),
		middleware.Session(d.Packer, d.Guard, r.Access), middleware.LimitUser(d.Packer, r.User),
	}
	switch {
	case r.OwnBody():
		chain = append(chain, middleware.BodyType(d.Packer, r.BodyTypes...), middleware.SlowBody(d.UploadTimeout))
	case len(r.BodyTypes) > 0:
		chain = append(chain, middleware.JSONBody(d.Packer, d.MaxBodyBytes, d.Bodies), middleware.Timeout(d.RequestTimeout))
	default:
		chain = append(chain, middleware.Timeout(d.RequestTimeout))
	}
	return append(chain, func(ctx context.Context, c *app.RequestContext) {
		answer, err := r.Serve(ctx, call.Of(c))
		if err != nil {
			d.Packer.Error(c, err)
			return
		}
		if s, ok := answer.(call.Stream); ok {
			middleware.Stream(ctx, c, s)
			return
		}
		d.Packer.Answer(c, r.Status, answer)
		middleware.Charge(ctx, c, r.Addr, r.User)
	})
}

// noRoute answers what has no route: on an API as that does, else with a page for a person.
func (d Deps) noRoute(table v1.Table) app.HandlerFunc {
	asPage := middleware.Page(d.PagePolicy)
	return func(ctx context.Context, c *app.RequestContext) {
		switch call.Of(c).Surface {
		case call.Douyin:
			d.Packer.Error(c, errno.NotFound.With("no such endpoint"))
		case call.V1:
			d.Packer.Error(c, table.NoRoute(c))
		case call.NoAPI:
			if web.WantsPage(c) {
				asPage(ctx, c)
				d.Pages.NotFound(ctx, c)
				return
			}
			c.String(http.StatusNotFound, "not found")
		}
	}
}
