package transport

import (
	"fmt"
	"slices"
	"time"

	"github.com/cloudwego/kitex/client"
	"github.com/cloudwego/kitex/pkg/connpool"
	"github.com/cloudwego/kitex/pkg/loadbalance"
	"github.com/cloudwego/kitex/pkg/loadbalance/lbcache"
	"github.com/cloudwego/kitex/pkg/rpcinfo"
	"github.com/cloudwego/kitex/pkg/transmeta"
	kitextransport "github.com/cloudwego/kitex/transport"

	"tiktok/pkg/telemetry"
)

const (
	connectTimeout = 500 * time.Millisecond
	// resolveEvery is how soon a caller notices that a server came or went.
	resolveEvery = time.Second
	idlePerPeer  = 256
	idleTimeout  = time.Minute
)

// RemoteOptions make a client find a service in etcd and call it over TCP, or mutual TLS with cfg.TLS. Long connections, not
// mux: on a graceful stop of a server mux breaks calls under way.
func RemoteOptions(caller string, cfg Config, tel *telemetry.Telemetry) ([]client.Option, error) {
	resolver, err := newResolver(cfg)
	if err != nil {
		return nil, err
	}
	var network []client.Option
	if cfg.TLS.Set() {
		if network, err = mutualClient(cfg); err != nil {
			return nil, fmt.Errorf("rpc: %w", err)
		}
	}
	return append(slices.Concat(callOptions(caller, cfg.Timeout), traceClient(tel), network),
		client.WithTransportProtocol(kitextransport.TTHeader),
		client.WithMetaHandler(transmeta.ClientTTHeaderHandler),
		client.WithResolver(resolver),
		client.WithLongConnection(connpool.IdleConfig{
			MaxIdlePerAddress: idlePerPeer, MaxIdleGlobal: 4 * idlePerPeer, MaxIdleTimeout: idleTimeout,
		}),
		client.WithLoadBalancer(loadbalance.NewWeightedBalancer(), &lbcache.Options{RefreshInterval: resolveEvery, Cacheable: true}),
		client.WithConnectTimeout(connectTimeout),
	), nil
}

func callOptions(caller string, timeout time.Duration) []client.Option {
	return []client.Option{
		client.WithClientBasicInfo(&rpcinfo.EndpointBasicInfo{ServiceName: caller}),
		client.WithRPCTimeout(timeout),
	}
}
