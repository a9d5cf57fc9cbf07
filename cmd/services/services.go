// Package services is the list of the processes that the product consists of: seven services, the gateway, and media, which is
// optional. The all-in-one, each service's own process, the commands, tests and generators of deployment files read it.
package services

import (
	"context"
	"io/fs"

	"github.com/cloudwego/kitex/server"

	"tiktok/cmd/api/biz/handler"
	"tiktok/config"
	"tiktok/pkg/id"
	"tiktok/pkg/kv"
	"tiktok/pkg/outbox"
	"tiktok/pkg/push"
	"tiktok/pkg/sqldb"
	"tiktok/pkg/telemetry"
	"tiktok/pkg/transport"
)

// Spec is one service, or the gateway.
type Spec struct {
	config.Process
	// Methods say what it means to send each method twice, and who may call it; both deployments enforce it. A new method needs a
	// line, a new caller a reason, which docs/architecture.md ("Services and calls") gives. Nil for the gateway and for media,
	// which have none.
	Methods transport.Methods
	// Consumes are the topics of other services that it wants to hear of (idl/event.thrift).
	Consumes []string
	// Hints says that it sends or takes hints for the pages of users, by Deps.Push.
	Hints bool
	// Migrations are those of its schema, which has its name. Nil for the gateway, which has none, and for media, which works on that
	// of video.
	Migrations func() fs.FS
	// Audit recounts its counters, in its own schema, and compares with others what it has made of them. Nil when it has none.
	Audit func(schemas Schemas, cache kv.Store) Auditor
	// Open opens what the settings describe and puts the service together. An error leaves nothing open.
	Open func(ctx context.Context, d Deps) (Part, error)
}

// Deps is what a service gets from the process that it runs in.
type Deps struct {
	Config    config.Config
	Telemetry *telemetry.Telemetry
	// IDs makes ids that no other process makes. The gateway and media need none.
	IDs *id.Generator
	// Dial reaches other services, in the name of the one that is opened.
	Dial transport.Dial
	// Bus carries what services tell each other. Nil for the gateway in a process of its own.
	Bus outbox.Bus
	// Push carries hints to the pages of users. Nil in the process of a service without Spec.Hints.
	Push push.Broker
	// Demo are accounts that the gateway lets log in from nearby only.
	Demo handler.Demo
}

// Schemas are those of all services that have one, by name.
type Schemas map[string]*sqldb.DB

// Part is an opened service.
type Part struct {
	// Run works until ctx ends. Close then releases what Open opened.
	Run   func(ctx context.Context) error
	Close func() error
	// NewServer makes its RPC server. Nil for the gateway and media.
	NewServer func(opts ...server.Option) server.Server
	// Addr is the bound public address. Nil for all but the gateway.
	Addr func() string
	// Checks are what its /readyz reports.
	Checks []telemetry.Check
}

// Auditor recounts a service's counters, and reports each that differs from the list that it counts.
type Auditor interface {
	// Counters is how many there are.
	Counters(ctx context.Context) (int64, error)
	Audit(ctx context.Context, report func(format string, args ...any)) (mismatches int, err error)
}

// Repairer is an Auditor that sets wrong counters right.
type Repairer interface {
	Repair(ctx context.Context, report func(format string, args ...any)) (repaired int, err error)
}

// All are the services in start order, each after those that it calls, and the gateway at the end.
func All() []Spec {
	return []Spec{user(), video(), interaction(), social(), chat(), notice(), discovery(), Gateway()}
}

// Processes are All, and at the end what takes work off a service when an operator starts it.
func Processes() []Spec { return append(All(), Media()) }

// Names are the names of All.
func Names() []string {
	var names []string
	for _, s := range All() {
		names = append(names, s.Name)
	}
	return names
}

// Consumers are the services that hear of what others do.
func Consumers() []outbox.Consumer {
	var consumers []outbox.Consumer
	for _, s := range All() {
		if len(s.Consumes) > 0 {
			consumers = append(consumers, outbox.Consumer{Name: s.Name, Topics: s.Consumes})
		}
	}
	return consumers
}

// Find returns the one of Processes of that name.
func Find(name string) (Spec, bool) {
	for _, s := range Processes() {
		if s.Name == name {
			return s, true
		}
	}
	return Spec{}, false
}

// MethodsOf are the methods of the service of that name.
func MethodsOf(service string) transport.Methods {
	s, _ := Find(service)
	return s.Methods
}

// ServerOptions are the options of the service's RPC server in both deployments.
func (s Spec) ServerOptions(tel *telemetry.Telemetry) []server.Option {
	return append(transport.ServerOptions(s.Name, tel), transport.Guard(s.Methods, tel))
}
