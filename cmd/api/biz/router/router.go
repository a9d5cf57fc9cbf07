// Package router is the one table of what is served where.
package router

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/cloudwego/hertz/pkg/app"
	"github.com/cloudwego/hertz/pkg/route"

	"tiktok/cmd/api/biz/call"
	"tiktok/cmd/api/biz/handler"
	"tiktok/cmd/api/biz/middleware"
	"tiktok/cmd/api/biz/pack"
	"tiktok/cmd/api/biz/params"
	"tiktok/pkg/errno"
	"tiktok/pkg/telemetry"
)

// drainFactor is how many times the largest upload is read to its end only to be refused.
const drainFactor = 2

// Limits are the request limits by what they protect.
type Limits struct {
	ReadAddr, WriteAddr, RegisterAddr, LoginAddr, PublishAddr middleware.Limit
	ReadUser, WriteUser, ChatUser                             middleware.Limit
}

// Deps are what the routes need. All are needed.
type Deps struct {
	Handler  *handler.Handler
	System   *handler.System
	Pictures *handler.Pictures
	Packer   *pack.Packer
	Guard    middleware.Guard
	Tel      *telemetry.Telemetry
	// Sampled is for log lines that clients can cause without end.
	Sampled *slog.Logger
	Origin  middleware.Origin
	Limits  Limits
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

func endpoints(h *handler.Handler, l Limits) []endpoint {
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
		e.Handle(ep.method, "/douyin"+ep.path+"/", chain...)
		e.Handle(ep.method, "/douyin"+ep.path, chain...) // a real route: a redirected POST loses its body in old clients
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
	both("/", d.System.Index)
	if d.PublicMetrics {
		e.GET("/metrics", d.System.Metrics)
	}
	e.NoRoute(d.noRoute)
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
		d.Packer.Answer(c, answer)
		middleware.Charge(ctx, c, ep.addr, ep.user)
	})
}

func (d Deps) noRoute(_ context.Context, c *app.RequestContext) {
	if path := string(c.Path()); path == "/douyin" || strings.HasPrefix(path, "/douyin/") {
		d.Packer.Error(c, errno.NotFound.With("no such endpoint"))
		return
	}
	c.String(http.StatusNotFound, "not found")
}
