package transport

import (
	"context"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"github.com/cloudwego/kitex/pkg/discovery"
	"github.com/cloudwego/kitex/pkg/registry"
	etcd "github.com/kitex-contrib/registry-etcd"
	"github.com/kitex-contrib/registry-etcd/retry"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
)

const (
	dialTimeout = 5 * time.Second
	// leaseSeconds is how long a killed process stays in the registry. The library takes it from the environment only.
	leaseSeconds    = "10"
	leaseSecondsKey = "KITEX_ETCD_REGISTRY_LEASE_TTL"
)

// DialEtcd is a client of the registry's etcd. It logs nothing: whoever asked reports. Without a login it connects when it is
// first used, with one it fails when etcd is away. The client ends with Close, not with ctx.
func DialEtcd(ctx context.Context, cfg Config) (*clientv3.Client, error) {
	c, err := cfg.etcd()
	if err != nil {
		return nil, err
	}
	c.Context, c.Logger = context.WithoutCancel(ctx), zap.NewNop()
	cli, err := clientv3.New(c)
	if err != nil {
		return nil, fmt.Errorf("etcd: %w", err)
	}
	return cli, nil
}

// etcd is how to reach it.
func (c Config) etcd() (clientv3.Config, error) {
	hosts := make([]string, 0, len(c.Registry))
	for _, endpoint := range c.Registry {
		_, addr, found := strings.Cut(endpoint, "://")
		if !found {
			addr = endpoint
		}
		host, _, err := net.SplitHostPort(addr)
		if err != nil {
			return clientv3.Config{}, fmt.Errorf("etcd endpoint: %w", err)
		}
		hosts = append(hosts, host)
	}
	conf, err := c.RegistryTLS.Client(hosts...)
	if err != nil {
		return clientv3.Config{}, fmt.Errorf("etcd: %w", err)
	}
	return clientv3.Config{
		Endpoints: c.Registry, DialTimeout: dialTimeout, TLS: conf, Username: c.RegistryUsername, Password: c.RegistryPassword,
	}, nil
}

func options(cfg Config) ([]etcd.Option, error) {
	base, err := cfg.etcd()
	if err != nil {
		return nil, err
	}
	return []etcd.Option{
		func(c *etcd.Config) { c.EtcdConfig = &base }, // the library's own option reads certificates once, and goes on without
		etcd.WithEtcdServicePrefix(cfg.RegistryPrefix),
	}, nil
}

func newRegistry(ctx context.Context, cfg Config) (registry.Registry, error) {
	if os.Getenv(leaseSecondsKey) == "" {
		if err := os.Setenv(leaseSecondsKey, leaseSeconds); err != nil {
			return nil, fmt.Errorf("etcd registry: %w", err)
		}
	}
	opts, err := options(cfg)
	if err != nil {
		return nil, err
	}
	// Attempts 0 is for ever: a service must come back into the registry however long etcd was away.
	again := retry.NewRetryConfig(retry.WithMaxAttemptTimes(0), retry.WithObserveDelay(3*time.Second), retry.WithRetryDelay(time.Second))
	reg, err := etcd.NewEtcdRegistryWithRetry(cfg.Registry, again, opts...)
	if err != nil {
		return nil, fmt.Errorf("etcd registry: %w", err)
	}
	addr, err := advertised(ctx, cfg)
	if err != nil {
		return nil, err
	}
	if addr != nil {
		etcd.SetFixedAddress(reg, addr)
	}
	return reg, nil
}

func newResolver(cfg Config) (discovery.Resolver, error) {
	opts, err := options(cfg)
	if err != nil {
		return nil, err
	}
	r, err := etcd.NewEtcdResolver(cfg.Registry, opts...)
	if err != nil {
		return nil, fmt.Errorf("etcd resolver: %w", err)
	}
	return r, nil
}
