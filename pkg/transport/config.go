// Package transport decides how services call each other: in process, or over TCP with etcd as the registry. It is the
// only place that chooses Kitex options.
package transport

import (
	"time"

	"tiktok/pkg/tlsconf"
)

// Config is how a process of the distributed deployment listens and calls. The all-in-one uses only Timeout.
type Config struct {
	// Registry is the list of etcd endpoints, host:port. Empty only in the all-in-one.
	Registry []string `mapstructure:"registry"`
	// RegistryPrefix starts every key there; deployments that share an etcd have one each.
	RegistryPrefix string `mapstructure:"registry_prefix"`
	// NodeLease is how long etcd keeps a process's node number of ids when it does not hear of it, in whole seconds, 2 s or more. While
	// etcd is away ids can be made for as long as the process has run, but 6 times this at least and 288 times at most.
	NodeLease time.Duration `mapstructure:"node_lease"`
	// RegistryUsername and RegistryPassword log in at etcd. Empty: no login.
	RegistryUsername string `mapstructure:"registry_username"`
	RegistryPassword string `mapstructure:"registry_password"`
	// RegistryTLS is for the connections to etcd. Empty: no TLS.
	RegistryTLS tlsconf.Config `mapstructure:"registry_tls"`
	// TLS makes every call mutual TLS when it is set: all three files are needed then. The certificate is for the DNS name
	// that is the service's name ("user"), for servers and clients: a caller sends nothing to who does not prove that name,
	// and a service takes the caller's name from its certificate.
	TLS tlsconf.Files `mapstructure:"tls"`
	// Listen is the service's own RPC address; empty takes the service's default port on loopback.
	Listen string `mapstructure:"listen"`
	// Advertise is the address that others reach Listen by, when that differs (containers, NAT). Empty, with a Listen on every
	// address: the machine's address towards etcd.
	Advertise string `mapstructure:"advertise"`
	// Timeout bounds one call, connection and second requests included.
	Timeout time.Duration `mapstructure:"timeout"`
	// BackupAfter is after how long without an answer a read is sent to another replica as well. 0: never.
	BackupAfter time.Duration `mapstructure:"backup_after"`
	// Drain is how long a stopping service still answers after it has left the registry, so that callers notice first.
	Drain time.Duration `mapstructure:"drain"`
}
