package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/cloudwego/gopkg/bufiox"
	"github.com/cloudwego/kitex/client"
	"github.com/cloudwego/kitex/pkg/remote"
	"github.com/cloudwego/kitex/pkg/remote/trans/gonet"
	"github.com/cloudwego/kitex/pkg/utils"

	"tiktok/pkg/peek"
)

// mutualClient are the options of clients whose connections are mutual TLS with the service that each client is for.
func mutualClient(cfg Config) ([]client.Option, error) {
	// The name is only known when a client is made. What is wrong with the files must be known before.
	if _, err := cfg.TLS.MutualClient("any"); err != nil {
		return nil, err
	}
	return []client.Option{
		client.WithTransHandlerFactory(gonet.NewCliTransHandlerFactory()),
		{F: func(o *client.Options, _ *utils.Slice) {
			d := &mutualDialer{timeout: cfg.Timeout}
			d.conf, d.err = cfg.TLS.MutualClient(o.Svr.ServiceName)
			o.RemoteOpt.Dialer = d
		}},
	}, nil
}

// mutualDialer connects to servers of one service.
type mutualDialer struct {
	conf    *tls.Config
	err     error         // conf could not be made
	timeout time.Duration // of a write
}

// DialTimeout implements remote.Dialer. Nothing is sent on the connection before the server has proved its name.
func (d *mutualDialer) DialTimeout(network, address string, timeout time.Duration) (net.Conn, error) {
	if d.err != nil {
		return nil, d.err
	}
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	var nd net.Dialer
	raw, err := nd.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	conn := tls.Client(raw, d.conf)
	if err := conn.HandshakeContext(ctx); err != nil {
		_ = raw.Close() // the handshake's error is the one to tell
		return nil, err
	}
	return &clientConn{
		Conn: conn, raw: raw, r: bufiox.NewDefaultReader(conn), w: bufiox.NewDefaultWriter(&timedWriter{conn, d.timeout}),
	}, nil
}

// clientConn is what Kitex' handler of Go's net package wants of a connection: buffers for both ways. Besides it knows whether
// the server is still there, which that package does not look at: after a server's restart each kept connection would fail a
// call.
type clientConn struct {
	*tls.Conn
	raw    net.Conn
	r      *bufiox.DefaultReader
	w      *bufiox.DefaultWriter
	closed atomic.Bool
}

var (
	errClosedTwice = errors.New("transport: the connection is closed already")

	_ remote.IsActive = (*clientConn)(nil)
)

// Reader is for the handler.
func (c *clientConn) Reader() *bufiox.DefaultReader { return c.r }

// Writer is for the handler.
func (c *clientConn) Writer() *bufiox.DefaultWriter { return c.w }

// Read implements net.Conn.
func (c *clientConn) Read(b []byte) (int, error) { return c.r.Read(b) }

// IsActive implements remote.IsActive: the pool asks before it uses a kept connection again.
func (c *clientConn) IsActive() bool { return !c.closed.Load() && c.quiet() }

// quiet reports whether the connection, on which nothing is under way, is open. What is there to read then can only be its end.
func (c *clientConn) quiet() bool {
	raw, ok := c.raw.(syscall.Conn)
	return !ok || peek.Look(raw) == peek.Nothing
}

// Close implements net.Conn.
func (c *clientConn) Close() error {
	if c.closed.Swap(true) {
		return errClosedTwice
	}
	_ = c.r.Release(nil) // it gives buffers back, and always succeeds
	return c.Conn.Close()
}

// timedWriter bounds each write: a server that reads no more would hold the call's goroutine for ever.
type timedWriter struct {
	*tls.Conn
	timeout time.Duration
}

// Write implements io.Writer.
func (w *timedWriter) Write(b []byte) (int, error) {
	if err := w.SetWriteDeadline(time.Now().Add(w.timeout)); err != nil {
		return 0, err
	}
	return w.Conn.Write(b)
}
