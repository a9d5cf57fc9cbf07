package config

import (
	"cmp"
	"slices"

	"tiktok/pkg/sqldb"
)

// AllInOne is the name of the process that runs everything.
const AllInOne = "tiktok"

// Process is what the settings depend on: which process reads them. cmd/services lists all of them.
type Process struct {
	// Name is also the service's name in etcd, in its certificate and in metrics.
	Name string
	// Schema is the name of the schema that it works on. Empty: Name.
	Schema string
	// RPCAddr and AdminAddr are where it listens unless the settings say otherwise. A gateway has no RPCAddr, nor has media.
	RPCAddr, AdminAddr string
	// Uses is which settings it needs. Others are not checked, so that it need not be given their secrets.
	Uses Uses
}

// Uses are groups of settings that only some processes need.
type Uses struct {
	// Gateway is gateway.* and auth.*: only such a process may sign and check tokens.
	Gateway bool
	// DB is db.*, Queue is queue.*, Media is media.* and blob.*, Push is push.*, Index is discovery.*.
	DB, Queue, Media, Push, Index bool
}

// AllInOneProcess is the process that runs everything. It has no addresses but the gateway's.
func AllInOneProcess() Process {
	return Process{Name: AllInOne, Uses: Uses{Gateway: true, DB: true, Queue: true, Media: true, Push: true, Index: true}}
}

// distributed tells whether p is one of several processes, which find each other in etcd.
func (p Process) distributed() bool { return p.Name != AllInOne }

// Calls tells whether p calls others or is called: who does neither needs no etcd.
func (p Process) Calls() bool { return p.RPCAddr != "" || p.Uses.Gateway }

// Servers are the addresses of MySQL that p connects to, in order: that of its own schema, or of all.
func (p Process) Servers(db sqldb.Config) []string {
	if p.distributed() {
		return []string{db.For(p.schema()).Addr}
	}
	addrs := []string{db.Addr}
	for _, s := range db.Services {
		addrs = append(addrs, s.Addr)
	}
	slices.Sort(addrs)
	return slices.Compact(slices.DeleteFunc(addrs, func(addr string) bool { return addr == "" }))
}

// schema is the name of the schema.
func (p Process) schema() string { return cmp.Or(p.Schema, p.Name) }

// ForProcess fills in the default addresses of a process.
func (c Config) ForProcess(p Process) Config {
	if c.RPC.Listen == "" {
		c.RPC.Listen = p.RPCAddr
	}
	if c.Telemetry.AdminAddr == "" {
		c.Telemetry.AdminAddr = p.AdminAddr
	}
	return c
}
