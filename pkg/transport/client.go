package transport

import (
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/cloudwego/kitex/client"
	"github.com/cloudwego/kitex/pkg/connpool"
	"github.com/cloudwego/kitex/pkg/loadbalance"
	"github.com/cloudwego/kitex/pkg/loadbalance/lbcache"
	"github.com/cloudwego/kitex/pkg/rpcinfo"
	"github.com/cloudwego/kitex/pkg/transmeta"
	kitextransport "github.com/cloudwego/kitex/transport"
	"github.com/prometheus/client_golang/prometheus"

	"tiktok/pkg/telemetry"
)

const (
	connectTimeout = 500 * time.Millisecond
	// resolveEvery is how soon a caller notices that a server came or went.
	resolveEvery = time.Second
	// keepAddresses is how long the addresses of a service are kept that nobody calls. Kitex asks again then, and when etcd is away it
	// would know none. The registry's last answer holds until it gives another one with an address in it.
	keepAddresses = 365 * 24 * time.Hour
	idlePerPeer   = 256
	idleTimeout   = time.Minute
)

// Remote makes a process's clients of services in other processes. They find a service in etcd and call it over TCP, or mutual TLS
// with Config.TLS. They know together which servers do not answer.
type Remote struct {
	methods          func(service string) Methods
	backupAfter      time.Duration
	base             []client.Option
	replicas         *replicas
	seconds          atomic.Int32 // second requests under way
	backups, retries *prometheus.CounterVec
}

// NewRemote is for the process of the service caller. methods are those of the services that it calls; a service without has only
// those that are never sent twice.
func NewRemote(caller string, cfg Config, methods func(service string) Methods, tel *telemetry.Telemetry) (*Remote, error) {
	found, err := newResolver(cfg)
	if err != nil {
		return nil, err
	}
	var network []client.Option
	if cfg.TLS.Set() {
		if network, err = mutualClient(cfg); err != nil {
			return nil, fmt.Errorf("rpc: %w", err)
		}
	}
	r := &Remote{methods: methods, backupAfter: cfg.BackupAfter, replicas: newReplicas(tel)}
	r.backups = telemetry.Register(tel.Registry, prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "tiktok_rpc_backups_total", Help: "Reads that were sent to a second replica because the first did not answer soon.",
	}, []string{"service"}))
	r.retries = telemetry.Register(tel.Registry, prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "tiktok_rpc_retries_total", Help: "Calls that were sent again because the first request was lost.",
	}, []string{"service"}))
	inner, ok := loadbalance.NewWeightedBalancer().(rebalancing)
	if !ok {
		return nil, errors.New("rpc: the balancer does not hear of changes")
	}
	// Long connections, not mux: on a graceful stop of a server mux breaks calls under way.
	r.base = append(slices.Concat(callOptions(caller, cfg.Timeout), traceClient(tel), network),
		client.WithTransportProtocol(kitextransport.TTHeader),
		client.WithMetaHandler(transmeta.ClientTTHeaderHandler),
		client.WithMetaHandler(callMeta{}),
		client.WithResolver(found),
		client.WithLongConnection(connpool.IdleConfig{
			MaxIdlePerAddress: idlePerPeer, MaxIdleGlobal: 4 * idlePerPeer, MaxIdleTimeout: idleTimeout,
		}),
		client.WithLoadBalancer(&balancer{inner: inner, replicas: r.replicas, r: r}, &lbcache.Options{
			RefreshInterval: resolveEvery, ExpireInterval: keepAddresses, Cacheable: true,
		}),
		client.WithConnectTimeout(connectTimeout),
	)
	return r, nil
}

// Dial implements Dial.
func (r *Remote) Dial(service string) ([]client.Option, error) {
	t := newTarget(r, service, nil)
	t.base = append(slices.Clip(r.base), client.WithInstanceMW(r.replicas.watch(t.methods, t.ask)))
	return t.options(), nil
}

func callOptions(caller string, timeout time.Duration) []client.Option {
	return []client.Option{
		client.WithClientBasicInfo(&rpcinfo.EndpointBasicInfo{ServiceName: caller}),
		client.WithRPCTimeout(timeout),
	}
}
