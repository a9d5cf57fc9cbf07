package gateway

import (
	"context"
	"errors"
	"io"

	"github.com/cloudwego/hertz/pkg/app"
	"github.com/cloudwego/hertz/pkg/network"
	"github.com/cloudwego/hertz/pkg/protocol"
	"github.com/cloudwego/hertz/pkg/protocol/consts"
	"github.com/cloudwego/hertz/pkg/protocol/http1"
	"github.com/cloudwego/hertz/pkg/protocol/http1/resp"
	"github.com/cloudwego/hertz/pkg/protocol/suite"
	"github.com/cloudwego/hertz/pkg/route"

	"tiktok/cmd/api/biz/call"
	"tiktok/pkg/errno"
)

// serverFactory makes the HTTP/1.1 server of an engine.
type serverFactory struct{ engine *route.Engine }

// New is called by Hertz when the engine starts.
func (f serverFactory) New(core suite.Core) (protocol.Server, error) {
	o := f.engine.GetOptions()
	s := http1.NewServer()
	s.Core = handOver{core}
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

// handOver notes that a request has reached the handlers.
type handOver struct{ suite.Core }

func (o handOver) ServeHTTP(ctx context.Context, c *app.RequestContext) {
	if h, ok := c.GetConn().(*headConn); ok {
		h.handled = true
	}
	o.Core.ServeHTTP(ctx, c)
}

// httpServer is Hertz's HTTP/1.1 server with the bounds of headConn. A request that it refuses goes through the middleware to
// its route like any other, where its limits count it; it is answered with what the route answers to a bad request. Hertz's own
// answers are plain text, and its log line of such a request has the request in it, tokens included.
type httpServer struct {
	http1 protocol.Server
	core  suite.Core
}

// Serve answers the requests of a connection until one of the two sides ends it. It returns no error: Hertz would print
// it, and its text may hold what the client sent. What a client may know of it was answered.
func (s *httpServer) Serve(ctx context.Context, nc network.Conn) error {
	h := &headConn{Conn: nc, began: func() {}}
	if tracked, ok := ctx.Value(connKey{}).(*conn); ok {
		h.began = tracked.headBegan
	}
	err := s.http1.Serve(ctx, h)
	if h.handled && h.refused == nil {
		return nil
	}
	why := h.refused
	if why == nil && h.dropped {
		why = refusalOf(err)
	}
	if why != nil {
		s.refuse(ctx, h, why)
	}
	return nil
}

// refusalOf is for what keeps the bounds and is still not HTTP.
func refusalOf(err error) *call.Refusal {
	switch {
	case isTimeout(err):
		return late()
	case errors.Is(err, io.ErrUnexpectedEOF):
		why := malformed()
		why.Err = errno.InvalidArgument.With("the request was cut off")
		return why
	}
	return malformed()
}

// refuse gives the method and the path of a request, without anything else of it, to the handlers, and sends their answer.
func (s *httpServer) refuse(ctx context.Context, h *headConn, why *call.Refusal) {
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
	call.Refuse(c, why)
	s.core.ServeHTTP(ctx, c)
	if c.IsHead() {
		c.Response.SkipBody = true
	}
	c.Response.Header.SetConnectionClose(true)
	if resp.Write(&c.Response, h) == nil {
		_ = h.Flush() // the client has gone; the connection is closed now
	}
}
