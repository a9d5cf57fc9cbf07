package hertzfix

import (
	"context"
	"errors"
	"io"
	"math"
	"net"
	"time"

	"github.com/cloudwego/hertz/pkg/app"
	"github.com/cloudwego/hertz/pkg/app/server"
	"github.com/cloudwego/hertz/pkg/common/config"
	"github.com/cloudwego/hertz/pkg/network"
	"github.com/cloudwego/hertz/pkg/network/standard"
	"github.com/cloudwego/hertz/pkg/protocol"
	"github.com/cloudwego/hertz/pkg/protocol/consts"
	"github.com/cloudwego/hertz/pkg/protocol/http1"
	"github.com/cloudwego/hertz/pkg/protocol/http1/resp"
	"github.com/cloudwego/hertz/pkg/protocol/suite"
	"github.com/cloudwego/hertz/pkg/route"
)

// NewServer returns a Hertz server with all work-arounds that accepts from ln, whose connections are of type *Conn. The first
// middleware is registered already.
func NewServer(ln net.Listener) *server.Hertz {
	h := server.New(
		server.WithListener(ln),
		// Not netpoll: it reads ahead without a bound, so an upload would be held in memory.
		server.WithTransport(standard.NewTransporter),
		server.WithOnAccept(withConn),
		server.WithStreamBody(true),
		server.WithDisablePreParseMultipartForm(true),
		server.WithMaxRequestBodySize(math.MaxInt), // each route has its own limit
		server.WithMaxHeaderBytes(maxHead),
		server.WithRedirectTrailingSlash(false),
		server.WithDisablePrintRoute(true),
		server.WithIdleTimeout(idleTimeout),
		server.WithReadTimeout(stallTimeout),
		config.Option{F: func(o *config.Options) { o.NoDefaultServerHeader = true }},
	)
	h.AddProtocol(suite.HTTP1, serverFactory{h.Engine})
	h.Use(trackHandler)
	return h
}

// serverFactory makes the HTTP/1.1 server of an engine.
type serverFactory struct{ engine *route.Engine }

// New implements suite.ServerFactory. Hertz calls it when the engine starts.
func (f serverFactory) New(core suite.Core) (protocol.Server, error) {
	o := f.engine.GetOptions()
	s := http1.NewServer()
	s.Core = markHandled{core}
	s.Option = http1.Option{
		StreamRequestBody:            o.StreamRequestBody,
		DisablePreParseMultipartForm: o.DisablePreParseMultipartForm,
		NoDefaultServerHeader:        o.NoDefaultServerHeader,
		MaxRequestBodySize:           o.MaxRequestBodySize,
		MaxHeaderBytes:               o.MaxHeaderBytes,
		IdleTimeout:                  o.IdleTimeout,
		ReadTimeout:                  o.ReadTimeout,
		HijackConnHandle:             f.engine.HijackConnHandle,
	}
	return &httpServer{http1: s, core: s.Core}, nil
}

// markHandled tells headConn that a request has reached the handlers.
type markHandled struct{ suite.Core }

// ServeHTTP implements suite.Core.
func (o markHandled) ServeHTTP(ctx context.Context, c *app.RequestContext) {
	if h, ok := c.GetConn().(*headConn); ok {
		h.handled = true
	}
	o.Core.ServeHTTP(ctx, c)
}

// httpServer is Hertz' HTTP/1.1 server behind headConn. A refused request goes through the middleware to its route like any
// other, where its limits count it, and gets that route's answer to a bad request.
//
// Upstream: Hertz' own answers are plain text (func writeErrorResponse in protocol/http1/server.go), and it logs the head of
// a request that it cannot parse, with the tokens in it (func HeaderError in protocol/http1/ext, func logError in
// route/engine.go; cloudwego/hertz#551).
type httpServer struct {
	http1 protocol.Server
	core  suite.Core
}

// Serve implements protocol.Server: it answers the requests of a connection until one of the two sides ends it. It returns no
// error, because Hertz would log it.
func (s *httpServer) Serve(ctx context.Context, nc network.Conn) error {
	h := &headConn{Conn: nc, began: func() {}}
	if tracked, ok := ctx.Value(connKey{}).(*Conn); ok {
		h.began = tracked.headBegan
	}
	err := s.http1.Serve(ctx, h)
	if h.handled && h.refusal == nil {
		return nil
	}
	why := h.refusal
	if why == nil && h.dropped {
		why = refusalFor(err)
	}
	if why != nil {
		s.refuse(ctx, h, why)
	}
	return nil
}

// refusalFor is for what is within the limits and is still not HTTP.
func refusalFor(err error) *Refusal {
	switch {
	case isTimeout(err):
		return TooSlow()
	case errors.Is(err, io.ErrUnexpectedEOF):
		return malformed("the request was cut off")
	}
	return unreadable()
}

// refuse gives the method and the path of a request to the handlers, nothing else of it, and sends their answer.
func (s *httpServer) refuse(ctx context.Context, h *headConn, why *Refusal) {
	pool := s.core.GetCtxPool()
	c, ok := pool.Get().(*app.RequestContext)
	if !ok {
		return // cannot happen
	}
	defer func() {
		c.Reset()
		pool.Put(c)
	}()
	c.SetConn(h)
	r := &c.Request.Header
	r.SetProtocol(consts.HTTP10) // which needs no Host
	r.SetMethodBytes(h.method)
	r.SetRequestURIBytes(h.path)
	refuse(c, why)
	s.core.ServeHTTP(ctx, c)
	if c.IsHead() {
		c.Response.SkipBody = true
	}
	c.Response.Header.SetConnectionClose(true)
	if resp.Write(&c.Response, h) == nil {
		_ = h.Flush() // the client has gone; the connection is closed now
	}
}

// stopPoll is how often idle connections are looked for while the server stops.
const stopPoll = 20 * time.Millisecond

// Serve runs h until ctx ends. Then it closes the connections without a request, waits up to stopTimeout for the requests
// under way, and closes the rest. conns are the open connections.
//
// Upstream: Shutdown waits for all connections, idle ones too (network/standard/transport.go), and fails before the server
// runs (route/engine.go).
func Serve(ctx context.Context, h *server.Hertz, conns func() []*Conn, stopTimeout time.Duration) error {
	h.GetOptions().ExitWaitTimeout = stopTimeout
	served := make(chan error, 1)
	go func() { served <- h.Run() }()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	tick := time.NewTicker(stopPoll)
	defer tick.Stop()
	for !h.IsRunning() {
		select {
		case err := <-served:
			return err // it could not start
		case <-tick.C:
		}
	}
	down := make(chan error, 1)
	go func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
		defer cancel()
		down <- h.Shutdown(ctx)
	}()
	for {
		select {
		case err := <-down:
			for _, c := range conns() {
				_ = c.CloseNow()
			}
			if errors.Is(err, context.DeadlineExceeded) {
				err = nil
			}
			return errors.Join(err, <-served)
		case <-tick.C: // again and again: a connection that has just been answered becomes idle
			for _, c := range conns() {
				c.closeUnlessHandling()
			}
		}
	}
}
