package transport

import (
	"context"
	"fmt"
	"net"
	"sync/atomic"
	"time"

	"github.com/cloudwego/kitex/pkg/registry"
	"github.com/cloudwego/kitex/pkg/rpcinfo"
	"github.com/cloudwego/kitex/pkg/transmeta"
	"github.com/cloudwego/kitex/server"

	"tiktok/pkg/telemetry"
)

// exitWait is how long calls under way may still take when a server stops, after the drain.
const exitWait = 3 * time.Second

// ServerOptions are the options of a service's server, whichever way it is called.
func ServerOptions(service string, tel *telemetry.Telemetry) []server.Option {
	return append([]server.Option{
		server.WithServerBasicInfo(&rpcinfo.EndpointBasicInfo{ServiceName: service}),
		server.WithMiddleware(answerProbes),
	}, append(traceServer(service, tel), server.WithMiddleware(observe(service, tel)))...)
}

// ListenOptions make a server listen on cfg.Listen and register in etcd; it stops when ctx ends: it leaves the
// registry, drains, then closes. A taken address is an error here, not later. The listener's address is returned too. With
// cfg.TLS only callers that prove their name get through.
func ListenOptions(ctx context.Context, cfg Config, tel *telemetry.Telemetry) ([]server.Option, net.Addr, error) {
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "tcp", cfg.Listen)
	if err != nil {
		return nil, nil, fmt.Errorf("rpc address: %w", err)
	}
	reg, err := newRegistry(ctx, cfg)
	if err != nil {
		_ = ln.Close() // the registry's error is the one to tell
		return nil, nil, err
	}
	exit := func() <-chan error {
		ch := make(chan error, 1)
		context.AfterFunc(ctx, func() { ch <- nil })
		return ch
	}
	network := []server.Option{server.WithListener(ln)}
	if cfg.TLS.Set() {
		if network, err = mutualServer(ln, cfg, tel); err != nil {
			_ = ln.Close() // as above
			return nil, nil, fmt.Errorf("rpc: %w", err)
		}
	}
	return append(network,
		server.WithMetaHandler(transmeta.ServerTTHeaderHandler),
		server.WithMetaHandler(callMeta{}),
		server.WithMiddleware(withDeadline(tel)),
		server.WithExitSignal(exit),
		server.WithExitWaitTime(exitWait),
		server.WithRegistry(&drained{Registry: reg, wait: cfg.Drain}),
	), ln.Addr(), nil
}

// drained keeps a stopping server answering for a while after it has left the registry: callers look there once a
// second and would otherwise still pick it.
type drained struct {
	registry.Registry
	wait time.Duration
	// entered is false until it is registered. Kitex waits a second with that, leaves all the same when it is stopped before,
	// and the registry of etcd cannot leave what it has never entered.
	entered atomic.Bool
}

// Register implements registry.Registry.
func (d *drained) Register(info *registry.Info) error {
	err := d.Registry.Register(info)
	if err == nil {
		d.entered.Store(true)
	}
	return err
}

// Deregister implements registry.Registry.
func (d *drained) Deregister(info *registry.Info) error {
	if !d.entered.Swap(false) {
		return nil
	}
	err := d.Registry.Deregister(info)
	<-time.After(d.wait)
	return err
}
