package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cloudwego/kitex/pkg/endpoint"
	"github.com/cloudwego/kitex/pkg/remote"
	"github.com/cloudwego/kitex/pkg/remote/trans/gonet"
	"github.com/cloudwego/kitex/pkg/rpcinfo"
	"github.com/cloudwego/kitex/server"
	"github.com/prometheus/client_golang/prometheus"

	"tiktok/pkg/accept"
	"tiktok/pkg/errno"
	"tiktok/pkg/telemetry"
)

const (
	// handshakeTimeout is how long a caller that has not authenticated may hold a connection.
	handshakeTimeout = 5 * time.Second
	// answerTimeout is how long an answer may wait for a caller who does not read.
	answerTimeout = 5 * time.Second
)

// errPeerless cannot happen: every connection comes from our listener.
var errPeerless = errors.New("transport: a connection that is not ours")

// mutualServer are the options of a server whose connections are mutual TLS. Kitex' usual network library knows no TLS; its
// other one, on Go's net package, does not care.
func mutualServer(ln net.Listener, cfg Config, tel *telemetry.Telemetry) ([]server.Option, error) {
	conf, err := cfg.TLS.MutualServer()
	if err != nil {
		return nil, err
	}
	l := &mutualListener{conf: conf, conns: map[*serverConn]struct{}{}, warn: tel.Sampled()}
	l.refused = telemetry.Register(tel.Registry, prometheus.NewCounter(prometheus.CounterOpts{
		Name: "tiktok_rpc_handshakes_refused_total", Help: "Connections of callers that did not come to mutual TLS.",
	}))
	l.Listener = accept.Retry(ln, func(err error) {
		l.warn.WarnContext(context.Background(), "cannot accept a connection", "err", err)
	})
	return []server.Option{
		server.WithListener(l),
		server.WithTransServerFactory(gonet.NewTransServerFactory()),
		server.WithTransHandlerFactory(mutualHandlers{l}),
		server.WithMiddleware(signed(l.warn)),
	}, nil
}

// signed refuses a call whose caller does not have the name that it says it has.
func signed(warn *slog.Logger) endpoint.Middleware {
	return func(next endpoint.Endpoint) endpoint.Endpoint {
		return func(ctx context.Context, req, resp any) error {
			ri := rpcinfo.GetRPCInfo(ctx)
			p, ok := ctx.Value(peerKey{}).(*peer)
			if !ok {
				return errPeerless
			}
			if !slices.Contains(p.names, ri.From().ServiceName()) {
				warn.WarnContext(ctx, "rpc refused: the caller's certificate is for another name",
					"method", ri.Invocation().MethodName(), "claims", ri.From().ServiceName(), "certificate", p.names, "address", p.String())
				return answerWith(ri, errno.CallRefused)
			}
			return next(ctx, req, resp)
		}
	}
}

// mutualListener hands out connections that speak TLS and knows all of them.
type mutualListener struct {
	net.Listener
	conf    *tls.Config
	refused prometheus.Counter
	warn    *slog.Logger

	mu       sync.Mutex
	conns    map[*serverConn]struct{} // guarded by mu
	stopping bool                     // guarded by mu
}

// Accept implements net.Listener. The handshake is left to the first read: one caller must not keep others waiting.
func (l *mutualListener) Accept() (net.Conn, error) {
	raw, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return l.track(raw), nil
}

func (l *mutualListener) track(raw net.Conn) *serverConn {
	c := &serverConn{Conn: tls.Server(raw, l.conf), raw: raw, owner: l}
	c.peer = &peer{Addr: raw.RemoteAddr(), conn: c}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.conns[c] = struct{}{}
	return c
}

// stop ends the connections on which no call is under way: callers keep them, and Kitex waits until all are gone. The others
// end with their answer.
func (l *mutualListener) stop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stopping = true
	for c := range l.conns {
		if !c.busy.Load() {
			_ = c.raw.Close()
		}
	}
}

func (l *mutualListener) isStopping() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.stopping
}

// peer is who is at the other end of a connection; also its address, by which it gets through Kitex.
type peer struct {
	net.Addr
	conn  *serverConn
	names []string // DNS names of the certificate; set by the handshake, before the first call
}

// peerKey is where a call's context has its peer.
type peerKey struct{}

// serverConn is a server's side of a connection. One goroutine reads and writes it.
type serverConn struct {
	*tls.Conn
	raw   net.Conn
	owner *mutualListener
	peer  *peer
	known bool        // the handshake is done
	busy  atomic.Bool // a call is under way
}

// RemoteAddr implements net.Conn.
func (c *serverConn) RemoteAddr() net.Addr { return c.peer }

// Read implements net.Conn.
func (c *serverConn) Read(b []byte) (int, error) {
	if !c.known {
		if err := c.handshake(); err != nil {
			return 0, io.EOF // already told; Kitex would write a line for each
		}
	}
	return c.Conn.Read(b)
}

func (c *serverConn) handshake() error {
	ctx, cancel := context.WithTimeout(context.Background(), handshakeTimeout)
	defer cancel()
	if err := c.HandshakeContext(ctx); err != nil {
		c.owner.refused.Inc()
		c.owner.warn.WarnContext(ctx, "rpc refused: no mutual TLS", "address", c.peer.String(), "err", err)
		return err
	}
	c.peer.names = c.ConnectionState().PeerCertificates[0].DNSNames
	c.known = true
	return nil
}

// Write implements net.Conn.
func (c *serverConn) Write(b []byte) (int, error) {
	if err := c.SetWriteDeadline(time.Now().Add(answerTimeout)); err != nil {
		return 0, err
	}
	return c.Conn.Write(b)
}

// Close implements net.Conn.
func (c *serverConn) Close() error {
	c.owner.mu.Lock()
	delete(c.owner.conns, c)
	c.owner.mu.Unlock()
	return c.Conn.Close()
}

// mutualHandlers makes handlers for the connections of a listener.
type mutualHandlers struct{ listener *mutualListener }

// NewTransHandler implements remote.ServerTransHandlerFactory.
func (f mutualHandlers) NewTransHandler(opt *remote.ServerOption) (remote.ServerTransHandler, error) {
	h, err := gonet.NewSvrTransHandlerFactory().NewTransHandler(opt)
	if err != nil {
		return nil, err
	}
	return &mutualHandler{ServerTransHandler: h, listener: f.listener}, nil
}

// mutualHandler is Kitex' own handler, which also says who calls, and whether a call is under way.
type mutualHandler struct {
	remote.ServerTransHandler
	listener *mutualListener
}

// OnActive implements remote.ServerTransHandler.
func (h *mutualHandler) OnActive(ctx context.Context, conn net.Conn) (context.Context, error) {
	p, ok := conn.RemoteAddr().(*peer)
	if !ok {
		return ctx, errPeerless
	}
	return h.ServerTransHandler.OnActive(context.WithValue(ctx, peerKey{}, p), conn)
}

// OnRead implements remote.ServerTransHandler.
func (h *mutualHandler) OnRead(ctx context.Context, conn net.Conn) error {
	p, ok := conn.RemoteAddr().(*peer)
	if !ok {
		return errPeerless
	}
	p.conn.busy.Store(true)
	err := h.ServerTransHandler.OnRead(ctx, conn)
	p.conn.busy.Store(false)
	if err == nil && h.listener.isStopping() {
		return net.ErrClosed // closes the connection without a word in the log
	}
	return err
}

// SetInvokeHandleFunc implements remote.InvokeHandleFuncSetter.
func (h *mutualHandler) SetInvokeHandleFunc(f endpoint.Endpoint) {
	if s, ok := h.ServerTransHandler.(remote.InvokeHandleFuncSetter); ok {
		s.SetInvokeHandleFunc(f)
	}
}

// GracefulShutdown implements remote.GracefulShutdown. From here on answers tell callers to give the connection up.
func (h *mutualHandler) GracefulShutdown(ctx context.Context) error {
	var err error
	if g, ok := h.ServerTransHandler.(remote.GracefulShutdown); ok {
		err = g.GracefulShutdown(ctx)
	}
	h.listener.stop()
	return err
}
