// Package transport decides how services call each other: in process, or over TCP with etcd as the registry. It is the
// only place that chooses Kitex options.
package transport

import "time"

// Config is how a process of the distributed deployment listens and calls. The all-in-one uses only Timeout.
type Config struct {
	// Registry is the list of etcd endpoints, host:port. Empty only in the all-in-one.
	Registry []string `mapstructure:"registry"`
	// RegistryPrefix starts every key there; deployments that share an etcd have one each.
	RegistryPrefix string `mapstructure:"registry_prefix"`
	// Listen is the service's own RPC address; empty takes the service's default port on loopback.
	Listen string `mapstructure:"listen"`
	// Advertise is the address that others reach Listen by, when that differs (containers, NAT).
	Advertise string `mapstructure:"advertise"`
	// Timeout bounds one call, connection included.
	Timeout time.Duration `mapstructure:"timeout"`
	// Drain is how long a stopping service still answers after it has left the registry, so that callers notice first.
	Drain time.Duration `mapstructure:"drain"`
}
