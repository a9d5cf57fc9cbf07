package transport

import (
	"fmt"
	"net"
	"os"
	"time"

	"github.com/cloudwego/kitex/pkg/discovery"
	"github.com/cloudwego/kitex/pkg/registry"
	etcd "github.com/kitex-contrib/registry-etcd"
	"github.com/kitex-contrib/registry-etcd/retry"
)

const (
	dialTimeout = 5 * time.Second
	// leaseSeconds is how long a killed process stays in the registry. The library takes it from the environment only.
	leaseSeconds    = "10"
	leaseSecondsKey = "KITEX_ETCD_REGISTRY_LEASE_TTL"
)

func options(cfg Config) []etcd.Option {
	return []etcd.Option{etcd.WithDialTimeoutOpt(dialTimeout), etcd.WithEtcdServicePrefix(cfg.RegistryPrefix)}
}

func newRegistry(cfg Config) (registry.Registry, error) {
	if os.Getenv(leaseSecondsKey) == "" {
		if err := os.Setenv(leaseSecondsKey, leaseSeconds); err != nil {
			return nil, fmt.Errorf("etcd registry: %w", err)
		}
	}
	// Attempts 0 is for ever: a service must come back into the registry however long etcd was away.
	again := retry.NewRetryConfig(retry.WithMaxAttemptTimes(0), retry.WithObserveDelay(3*time.Second), retry.WithRetryDelay(time.Second))
	reg, err := etcd.NewEtcdRegistryWithRetry(cfg.Registry, again, options(cfg)...)
	if err != nil {
		return nil, fmt.Errorf("etcd registry: %w", err)
	}
	if cfg.Advertise != "" {
		addr, err := net.ResolveTCPAddr("tcp", cfg.Advertise)
		if err != nil {
			return nil, fmt.Errorf("advertised address: %w", err)
		}
		etcd.SetFixedAddress(reg, addr)
	}
	return reg, nil
}

func newResolver(cfg Config) (discovery.Resolver, error) {
	r, err := etcd.NewEtcdResolver(cfg.Registry, options(cfg)...)
	if err != nil {
		return nil, fmt.Errorf("etcd resolver: %w", err)
	}
	return r, nil
}
