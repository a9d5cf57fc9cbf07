// Package gateway is the HTTP side of the product as one value: cmd/api runs it alone, cmd/tiktok beside the services.
package gateway

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"time"

	"github.com/cloudwego/hertz/pkg/app/server"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"tiktok/cmd/api/biz/handler"
	"tiktok/cmd/api/biz/middleware"
	"tiktok/cmd/api/biz/pack"
	"tiktok/cmd/api/biz/params"
	"tiktok/cmd/api/biz/router"
	"tiktok/cmd/api/biz/rpc"
	"tiktok/cmd/api/biz/sessions"
	"tiktok/cmd/api/biz/streams"
	"tiktok/cmd/api/biz/v1"
	"tiktok/cmd/api/biz/view"
	"tiktok/cmd/api/connlimit"
	"tiktok/cmd/api/hertzfix"
	"tiktok/cmd/api/openapi"
	"tiktok/cmd/api/web"
	"tiktok/config"
	"tiktok/kitex_gen/chat"
	"tiktok/kitex_gen/interaction"
	"tiktok/kitex_gen/social"
	"tiktok/kitex_gen/user"
	"tiktok/kitex_gen/video"
	"tiktok/pkg/auth"
	"tiktok/pkg/blob"
	"tiktok/pkg/limiter"
	"tiktok/pkg/media"
	"tiktok/pkg/push"
	"tiktok/pkg/telemetry"
	"tiktok/pkg/workdir"
)

const (
	// stopTimeout is how long requests under way may still take when the gateway stops.
	stopTimeout = 8 * time.Second
	// tempAge is how old an upload is that nobody finishes any more, at least; see Deps.SweepEvery.
	tempAge = time.Hour
)

// Deps are what a gateway needs. All are needed.
type Deps struct {
	Config  config.Gateway
	Limits  config.Limits
	Clients rpc.Clients
	// Hints reach the open pages of users.
	Hints  push.Broker
	Tokens *auth.Tokens
	// TokenTTL is how long Tokens live.
	TokenTTL time.Duration
	Blobs    blob.Store
	Tools    *media.Tools
	// Work is where copies of uploads are that ffmpeg reads. It may be nil without ffmpeg.
	Work *workdir.Dir
	// Site is the web client.
	Site *web.Site
	// MediaOrigins are URLs where browsers load media from, beside this address; see web.Policy.
	MediaOrigins []string
	// Docs are the API's document and its page.
	Docs []openapi.File
	// ReserveBytes are to stay free there.
	ReserveBytes int64
	// MaxDuration is that of a published video.
	MaxDuration time.Duration
	// SweepEvery is the pause between two searches for uploads that nobody finished.
	SweepEvery time.Duration
	// Shared counts what must be counted for all gateways together: accounts, logins, uploads. Own counts the rest, which
	// is to protect this process, so that a read does not cost a call to another server.
	Shared, Own limiter.Limiter
	// Zone is that of a comment's date.
	Zone *time.Location
	// Proxies are believed what they say about the client.
	Proxies []netip.Prefix
	Tel     *telemetry.Telemetry
	// Demo are accounts whose password everybody knows, if there are any.
	Demo handler.Demo
	// Listener is where clients come from. It has to be one of TCP.
	Listener net.Listener
	// PublicMetrics serves /metrics there too.
	PublicMetrics bool
}

// Gateway serves HTTP. Make it with New or Open, Run it once, then Close it.
type Gateway struct {
	deps   Deps
	conns  *connlimit.Listener[*hertzfix.Conn]
	bodies *params.Budget
	// sessions are those that are revoked.
	sessions *sessions.Watch
	streams  *streams.Set
	engine   *server.Hertz
	checks   []telemetry.Check
}

// New puts a gateway together. Nothing is accepted before Run.
func New(d Deps) *Gateway {
	g := &Gateway{deps: d, bodies: params.NewBudget(d.Config.MaxBufferedBytes, d.Tel.Registry)}
	limits := connlimit.NewLimits(d.Config, d.Proxies)
	g.conns = connlimit.Listen(d.Listener, limits, d.Tel.Log, hertzfix.NewConn)
	g.conns.Register(d.Tel.Registry)
	sampled := d.Tel.Sampled()
	g.streams = streams.New(streams.NewLimits(d.Config.MaxStreams, limits.Total()), d.Tel.Registry)
	g.sessions = sessions.New(sessions.Deps{
		User: d.Clients.User, TTL: d.TokenTTL, Log: sampled, Registry: d.Tel.Registry, OnRevoked: g.streams.Revoke,
	})
	g.checks = []telemetry.Check{
		{Name: "media", Ready: d.Blobs.Ping},
		{Name: "user", Ready: g.pingUser},
		{Name: "video", Ready: g.pingVideo},
		{Name: "sessions", Ready: g.sessions.Ready},
	}
	h := g.handler(sampled)
	wanted := []telemetry.Check{
		{Name: "interaction", Ready: g.pingInteraction},
		{Name: "social", Ready: g.pingSocial},
		{Name: "chat", Ready: g.pingChat},
		{Name: "push", Ready: d.Hints.Ping},
		{Name: "media_tools", Info: d.Tools.Describe},
		{Name: "media_space", Info: func() string { return space(h.MediaSpaceLow()) }},
	}
	telemetry.Register(d.Tel.Registry, prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "tiktok_media_space_low", Help: "1 while uploads are refused because the disk has no more left than its reserve.",
	}, func() float64 {
		if h.MediaSpaceLow() {
			return 1
		}
		return 0
	}))
	g.engine = hertzfix.NewServer(g.conns)
	router.Register(g.engine.Engine, g.routes(h, sampled, wanted))
	return g
}

// readyRule limits /readyz for clients on other machines: a load balancer asks every few seconds.
func readyRule() limiter.Rule { return limiter.Rule{Rate: 2, Burst: 20} }

// space is what /readyz says.
func space(low bool) string {
	if low {
		return "low"
	}
	return "ok"
}

func (g *Gateway) shared(name string, r limiter.Rule) middleware.Limit {
	return middleware.Limit{Name: name, Rule: r, Store: g.deps.Shared}
}

func (g *Gateway) guard() middleware.Guard {
	return middleware.Guard{Tokens: g.deps.Tokens, Sessions: g.sessions}
}

func (g *Gateway) handler(sampled *slog.Logger) *handler.Handler {
	d, work := g.deps, ""
	if d.Work != nil {
		work = d.Work.Path()
	}
	return handler.New(handler.Deps{
		Clients:              d.Clients,
		View:                 view.New(d.Clients, int32(d.Config.FeedSize), sampled, d.Tel.Registry), //nolint:gosec // 1..30
		Zone:                 d.Zone,
		Tokens:               d.Tokens,
		Guard:                g.guard(),
		Hints:                d.Hints,
		Streams:              g.streams,
		Blobs:                d.Blobs,
		Tools:                d.Tools,
		Bodies:               g.bodies,
		Log:                  sampled,
		LoginFailures:        g.shared("login_failures", d.Limits.LoginFailures),
		TokenTTL:             d.TokenTTL,
		PublishUser:          g.shared("publish_user", d.Limits.PublishUser),
		MaxUploadBytes:       d.Config.MaxUploadBytes,
		MaxDuration:          d.MaxDuration,
		UploadTimeout:        d.Config.UploadTimeout,
		AnonymousUploadBytes: d.Config.AnonymousUploadBytes,
		AnonymousUploadsAddr: d.Config.AnonymousUploadsAddr,
		WorkDir:              work,
		Demo:                 d.Demo,
		ReserveBytes:         d.ReserveBytes,
		EchoOwnMessages:      d.Config.EchoOwnMessages,
	})
}

func (g *Gateway) routes(h *handler.Handler, sampled *slog.Logger, wanted []telemetry.Check) router.Deps {
	d := g.deps
	own := func(name string, r limiter.Rule) middleware.Limit {
		return middleware.Limit{Name: name, Rule: r, Store: d.Own}
	}
	return router.Deps{
		Handler:  h,
		V1:       v1.New(h),
		System:   handler.NewSystem(d.Tel, own("ready_addr", readyRule()), g.checks, wanted),
		Pictures: handler.NewPictures(),
		Pages:    web.NewPages(web.Deps{Site: d.Site, View: h.View, Limit: own("read_addr", d.Limits.ReadAddr), Log: sampled}),
		Docs:     d.Docs,
		Packer:   pack.New(),
		Guard:    g.guard(),
		Tel:      d.Tel,
		Sampled:  sampled,
		Origin:   middleware.Origin{Proxies: d.Proxies, Hops: d.Config.ProxyHops, Base: d.Config.PublicBaseURL, Fallback: "http://" + g.Addr()},
		Limits: middleware.Limits{
			ReadAddr:     own("read_addr", d.Limits.ReadAddr),
			WriteAddr:    own("write_addr", d.Limits.WriteAddr),
			RegisterAddr: g.shared("register_addr", d.Limits.RegisterAddr),
			LoginAddr:    g.shared("login_addr", d.Limits.LoginAddr),
			PublishAddr:  g.shared("publish_addr", d.Limits.PublishAddr),
			ReadUser:     own("read_user", d.Limits.ReadUser),
			WriteUser:    own("write_user", d.Limits.WriteUser),
			ChatUser:     own("chat_user", d.Limits.ChatUser),
		},
		PagePolicy:     web.Policy(append([]string{d.Config.PublicBaseURL}, d.MediaOrigins...)...),
		CORSOrigins:    d.Config.CORSOrigins,
		MaxBodyBytes:   d.Config.MaxBodyBytes,
		MaxUploadBytes: d.Config.MaxUploadBytes,
		Bodies:         g.bodies,
		RequestTimeout: d.Config.RequestTimeout,
		UploadTimeout:  d.Config.UploadTimeout,
		PublicMetrics:  d.PublicMetrics,
	}
}

// Addr is the bound address, host:port.
func (g *Gateway) Addr() string { return g.deps.Listener.Addr().String() }

// Run serves until ctx ends, then ends the event streams, answers the requests under way and returns. Before it serves it learns which
// sessions are revoked; while the user service does not tell, requests with a token are answered with errno.Unavailable.
func (g *Gateway) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer context.AfterFunc(ctx, g.streams.Stop)()
	g.sessions.Load(ctx)
	var group errgroup.Group
	group.Go(func() error {
		defer cancel()
		return hertzfix.Serve(ctx, g.engine, g.conns.Conns, stopTimeout)
	})
	group.Go(func() error { g.sweep(ctx); return nil })
	group.Go(func() error { g.sessions.Run(ctx); return nil })
	return group.Wait()
}

// sweep deletes what uploads have left that ended with the process.
func (g *Gateway) sweep(ctx context.Context) {
	tick := time.NewTicker(g.deps.SweepEvery)
	defer tick.Stop()
	for {
		n, err := g.deps.Blobs.Sweep(ctx, handler.TempPrefix, max(tempAge, 2*g.deps.Config.UploadTimeout))
		if err != nil && ctx.Err() == nil {
			g.deps.Tel.Log.Warn("sweep of unfinished uploads", "err", err)
		}
		if n > 0 {
			g.deps.Tel.Log.Info("unfinished uploads deleted", "count", n)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Ready reports whether the gateway has what it cannot do without: a place for media, users, videos, and which
// sessions are revoked.
func (g *Gateway) Ready(ctx context.Context) error {
	var errs []error
	for _, c := range g.checks {
		if err := c.Ready(ctx); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", c.Name, err))
		}
	}
	return errors.Join(errs...)
}

// The services are asked for nothing, which they answer without looking anywhere.

func (g *Gateway) pingUser(ctx context.Context) error {
	_, err := g.deps.Clients.User.MGetUsers(ctx, &user.MGetUsersRequest{})
	return err
}

func (g *Gateway) pingVideo(ctx context.Context) error {
	_, err := g.deps.Clients.Video.MGetVideos(ctx, &video.MGetVideosRequest{})
	return err
}

func (g *Gateway) pingInteraction(ctx context.Context) error {
	_, err := g.deps.Clients.Interaction.MGetStats(ctx, &interaction.MGetStatsRequest{})
	return err
}

func (g *Gateway) pingSocial(ctx context.Context) error {
	_, err := g.deps.Clients.Social.MGetRelations(ctx, &social.MGetRelationsRequest{})
	return err
}

func (g *Gateway) pingChat(ctx context.Context) error {
	_, err := g.deps.Clients.Chat.MGetLastMessages(ctx, &chat.MGetLastMessagesRequest{UserId: 1})
	return err
}

// Close releases what Open took. Run has to have returned, or never been called.
func (g *Gateway) Close() error {
	err := g.deps.Listener.Close()
	if errors.Is(err, net.ErrClosed) {
		err = nil
	}
	return errors.Join(err, g.deps.close())
}

// close releases the stores that there are.
func (d Deps) close() error {
	var errs []error
	if d.Work != nil {
		errs = append(errs, d.Work.Close())
	}
	if d.Shared != nil {
		errs = append(errs, d.Shared.Close())
	}
	if d.Own != nil {
		errs = append(errs, d.Own.Close())
	}
	return errors.Join(errs...)
}
